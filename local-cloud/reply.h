/* A reply as a script: a head, bytes cut into pieces with pauses before them, and how it ends. A
 * handler only writes the script; player.h performs it. */
#ifndef LOCAL_CLOUD_REPLY_H
#define LOCAL_CLOUD_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

struct json_object;

enum reply_ending {
    REPLY_ENDS,       /* properly */
    REPLY_IS_CUT,     /* the connection breaks, so that the client sees the reply was cut */
    REPLY_STAYS_OPEN, /* until the client goes or the topic is closed (player.h) */
};

struct reply_piece {
    int64_t delay_ms; /* before it */
    size_t len;
};

struct reply_header {
    char *name;
    char *value;
};

struct reply {
    int status;         /* 0: no head at all, only the ending */
    int64_t delay_ms;   /* before the head */
    char *content_type; /* NULL with an empty body */
    struct reply_header headers[12];
    size_t header_count;
    struct buffer body; /* the bytes of all pieces, or the whole body */
    bool is_streamed;
    struct reply_piece *pieces;
    size_t piece_count;
    enum reply_ending ending;
    char *topic; /* with REPLY_STAYS_OPEN: what later messages are published under */
};

void reply_init(struct reply *reply);
void reply_clear(struct reply *reply);

void reply_header(struct reply *reply, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A whole reply. What was there before is replaced; headers stay. */
void reply_text(struct reply *reply, int status, const char *content_type, const char *text);
void reply_json(struct reply *reply, int status, struct json_object *value); /* takes `value` */
void reply_empty(struct reply *reply, int status);

/* A streamed reply: begin, then add pieces. */
void reply_stream(struct reply *reply, int status, const char *content_type);
void reply_piece(struct reply *reply, int64_t delay_ms, const char *bytes, size_t len);

/* Cuts every piece of a streamed reply into pieces of one byte each. */
void reply_split_bytes(struct reply *reply);

/* Drops the pieces behind `keep_count`. */
void reply_truncate(struct reply *reply, size_t keep_count);

/* 405 with Allow, 404 as plain text. */
void reply_method_not_allowed(struct reply *reply, const char *allow);

#endif
