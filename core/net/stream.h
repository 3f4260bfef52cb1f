/* A connected, non-blocking socket, plain or under TLS, with one way to read and write. */
#ifndef SESAME_NET_STREAM_H
#define SESAME_NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>

struct error;
struct ssl_ctx_st;
struct stream;

enum stream_result {
    STREAM_OK,      /* some bytes were moved */
    STREAM_BLOCKED, /* nothing for now; stream_wants says which event to wait for */
    STREAM_CLOSED,  /* the peer ended the stream */
    STREAM_FAILED
};

/* Takes `fd`; closes it on failure. With `tls` (borrowed) it is the server's side of TLS. */
struct stream *stream_new(int fd, struct ssl_ctx_st *tls, struct error *err);
void stream_free(struct stream *stream); /* closes the descriptor */

enum stream_result stream_read(struct stream *stream, char *out, size_t capacity, size_t *out_len);
enum stream_result stream_write(struct stream *stream, const char *bytes, size_t len,
                                size_t *out_len);

/* The LOOP_… events that the last STREAM_BLOCKED waits for, when TLS wants another than the call
 * suggests; 0 otherwise. */
unsigned stream_wants(const struct stream *stream);

/* True when decrypted bytes lie ready that no event will announce. */
bool stream_has_pending(const struct stream *stream);

/* No more writing: sends the end of the stream. */
void stream_finish(struct stream *stream);

int stream_fd(const struct stream *stream);

#endif
