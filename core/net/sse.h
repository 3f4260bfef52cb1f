/* Server-sent events, both ways (WHATWG HTML, section "Server-sent events"). */
#ifndef SESAME_NET_SSE_H
#define SESAME_NET_SSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct error;

/* Borrowed for the call. `data` is NUL-terminated and may hold NUL. */
struct sse_event {
    const char *type; /* "message" when the stream names none */
    size_t type_len;
    const char *data;
    size_t data_len;
    const char *id; /* last event id of the stream; "" when none */
    size_t id_len;
    int64_t retry_ms; /* -1 when the stream named none */
};

struct sse_reader;

/* `event_max_bytes` bounds one event (all its data lines) and one line. */
struct sse_reader *sse_reader_new(size_t event_max_bytes, struct error *err);
void sse_reader_free(struct sse_reader *reader);

/* Feeds bytes cut anywhere; calls `on_event` for each complete event, during the call. The callback
 * returns false to stop: the rest of the bytes is dropped and this call returns true. An event
 * without any data line is not dispatched, but its id and retry take effect. Fails with ERROR_LIMIT
 * when an event is too long, and from then on. The callback must not free the reader. */
bool sse_reader_feed(struct sse_reader *reader, const char *bytes, size_t len,
                     bool (*on_event)(void *arg, const struct sse_event *event), void *arg,
                     struct error *err);

/* The last id that a blank line completed, and the last retry; `data` is empty. Borrowed until the
 * next feed. */
void sse_reader_state(const struct sse_reader *reader, struct sse_event *out_event);

/* Appends "data: <text>\n\n"; `text` must be one line (our events are one-line JSON). */
bool sse_write_data(struct buffer *out, const char *text, size_t len, struct error *err);

/* Appends ": <text>\n\n", a comment that keeps the connection alive. */
bool sse_write_comment(struct buffer *out, const char *text, struct error *err);

#endif
