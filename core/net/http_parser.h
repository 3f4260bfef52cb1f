/* A pure, strict HTTP/1.1 request parser: bytes in, events out (RFC 9112 read strictly).
 *
 * Knows no socket and no clock. After an error it stays in error. */
#ifndef SESAME_NET_HTTP_PARSER_H
#define SESAME_NET_HTTP_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct http_parser;

struct http_parser_limits {
    size_t head_max_bytes; /* request line and headers together; beyond: 431 (414 for the line) */
    size_t field_max_count;
    uint64_t body_max_bytes; /* beyond: 413, before the body is read when its length is declared */
};

enum http_parser_state {
    HTTP_PARSER_HEAD,  /* wants more of the head */
    HTTP_PARSER_BODY,  /* head is complete; body bytes are coming */
    HTTP_PARSER_DONE,  /* one request is complete; call http_parser_next for the one behind it */
    HTTP_PARSER_ERROR, /* http_parser_status and http_parser_reason say why */
};

struct http_field {
    struct slice name;  /* as sent; compare without case */
    struct slice value; /* blanks at both ends cut */
};

/* Borrowed from the parser until http_parser_next or free. */
struct http_head {
    struct slice method;
    struct slice target; /* as sent: origin form, absolute form or "*" */
    struct slice path;   /* without query; of an absolute form the path behind the authority */
    struct slice query;  /* without '?'; empty when there is none */
    struct slice host;
    int minor_version; /* 0 or 1 */
    const struct http_field *fields;
    size_t field_count;
    bool has_body;
    bool expects_continue;
    bool keep_alive;
    int64_t content_length; /* -1 when chunked */
};

struct http_parser *http_parser_new(const struct http_parser_limits *limits);
void http_parser_free(struct http_parser *parser); /* wipes: a head may hold credentials */

/* Consumes as much of `bytes` as belongs to this request; `*out_used` says how much. Body bytes go
 * to `on_body` (may be NULL: dropped). Returns the state after it. */
enum http_parser_state http_parser_feed(struct http_parser *parser, const char *bytes, size_t len,
                                        size_t *out_used,
                                        void (*on_body)(void *arg, const char *bytes, size_t len),
                                        void *arg);

const struct http_head *http_parser_head(const struct http_parser *parser); /* from BODY on */
struct slice http_head_find(const struct http_head *head,
                            const char *name);                    /* first; or {NULL,0} */
int http_parser_status(const struct http_parser *parser);         /* 400, 413, 414, 431, 501, 505 */
const char *http_parser_reason(const struct http_parser *parser); /* static text */

/* Overwrites the value of field `index` and takes the field out of the head; those behind it move
 * up. For credentials, once their bytes are somewhere safe. */
void http_parser_remove_field(struct http_parser *parser, size_t index);

/* Wipes the head and starts with the next request. */
void http_parser_next(struct http_parser *parser);

#endif
