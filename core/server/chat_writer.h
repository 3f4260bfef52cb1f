/* Writes a turn's answer as chat-completion chunks, or collects it into one object. */
#ifndef SESAME_SERVER_CHAT_WRITER_H
#define SESAME_SERVER_CHAT_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "model/chat_stream.h"

struct api_error;
struct http_exchange;

struct chat_writer {
    struct http_exchange *exchange;
    const char *model;
    bool is_stream;
    bool includes_usage;
    bool has_layout;  /* "Thinking: " and "Text: " as the Java sample writes them */
    bool has_started; /* the head is out (streamed) */
    enum { LAYOUT_NOTHING, LAYOUT_THINKING, LAYOUT_TEXT } layout;
    char id[48];
    int64_t created_s;
    struct buffer opening; /* what every chunk of this answer begins with */
    struct buffer line;    /* one event; kept to save allocations */
    struct buffer content; /* not streamed: what was collected */
    struct buffer reasoning;
};

void chat_writer_init(struct chat_writer *writer, struct http_exchange *exchange, const char *model,
                      bool is_stream, bool includes_usage, bool has_layout);
void chat_writer_clear(struct chat_writer *writer);

/* Each leaves at once when the socket takes it. After a failure of the connection they do nothing:
 * the exchange's on_gone follows. */
void chat_writer_reasoning(struct chat_writer *writer, const char *text, size_t len);
void chat_writer_text(struct chat_writer *writer, const char *text, size_t len);
/* A chunk without choices' text that carries `json` as its member "sesame" (for our page). Ignored
 * when not streaming. */
void chat_writer_extra(struct chat_writer *writer, const char *json, size_t len);
void chat_writer_keep_alive(struct chat_writer *writer);

/* The end; the exchange is over for the caller. */
void chat_writer_finish(struct chat_writer *writer, enum finish_reason finish,
                        const struct chat_usage *usage);
/* The end after something was shown: a readable text, the error event, the end of the stream. */
void chat_writer_fail(struct chat_writer *writer, const struct api_error *error);

#endif
