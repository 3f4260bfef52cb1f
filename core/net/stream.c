/* A connected, non-blocking socket, plain or under TLS, with one way to read and write. */
#include "net/stream.h"

#include "base/error.h"
#include "net/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

struct stream {
    int fd;
    SSL *tls;
    unsigned wants;
};

struct stream *stream_new(int fd, struct ssl_ctx_st *tls, struct error *err)
{
    struct stream *stream = calloc(1, sizeof *stream);

    if (stream != NULL) {
        stream->fd = fd;
        if (tls == NULL)
            return stream;
        stream->tls = SSL_new(tls);
        if (stream->tls != NULL && SSL_set_fd(stream->tls, fd) == 1) {
            SSL_set_accept_state(stream->tls);
            /* What is sent again after a full socket lies elsewhere by then, and may have grown. */
            SSL_set_mode(stream->tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                          SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                          SSL_MODE_RELEASE_BUFFERS);
            return stream;
        }
        stream_free(stream);
    } else {
        close(fd);
    }
    error_set(err, ERROR_NO_MEMORY, "no memory for a connection");
    return NULL;
}

void stream_free(struct stream *stream)
{
    if (stream == NULL)
        return;
    SSL_free(stream->tls);
    close(stream->fd);
    free(stream);
}

static enum stream_result tls_result(struct stream *stream, int rc)
{
    switch (SSL_get_error(stream->tls, rc)) {
    case SSL_ERROR_WANT_READ:
        stream->wants = LOOP_READ;
        return STREAM_BLOCKED;
    case SSL_ERROR_WANT_WRITE:
        stream->wants = LOOP_WRITE;
        return STREAM_BLOCKED;
    case SSL_ERROR_ZERO_RETURN:
        return STREAM_CLOSED;
    default:
        return STREAM_FAILED;
    }
}

static enum stream_result plain_result(ssize_t rc)
{
    if (rc == 0)
        return STREAM_CLOSED;
    return errno == EAGAIN || errno == EINTR ? STREAM_BLOCKED : STREAM_FAILED;
}

enum stream_result stream_read(struct stream *stream, char *out, size_t capacity, size_t *out_len)
{
    stream->wants = 0;
    if (stream->tls != NULL) {
        int rc;

        ERR_clear_error();
        rc = SSL_read_ex(stream->tls, out, capacity, out_len);
        return rc == 1 ? STREAM_OK : tls_result(stream, rc);
    } else {
        ssize_t got = recv(stream->fd, out, capacity, 0);

        if (got <= 0)
            return plain_result(got);
        *out_len = (size_t)got;
        return STREAM_OK;
    }
}

enum stream_result stream_write(struct stream *stream, const char *bytes, size_t len,
                                size_t *out_len)
{
    stream->wants = 0;
    if (stream->tls != NULL) {
        int rc;

        ERR_clear_error();
        rc = SSL_write_ex(stream->tls, bytes, len, out_len);
        return rc == 1 ? STREAM_OK : tls_result(stream, rc);
    } else {
        ssize_t sent = send(stream->fd, bytes, len, MSG_NOSIGNAL);

        if (sent < 0)
            return plain_result(sent);
        *out_len = (size_t)sent;
        return STREAM_OK;
    }
}

unsigned stream_wants(const struct stream *stream)
{
    return stream->wants;
}

bool stream_has_pending(const struct stream *stream)
{
    return stream->tls != NULL && SSL_pending(stream->tls) > 0;
}

void stream_finish(struct stream *stream)
{
    if (stream->tls != NULL) {
        ERR_clear_error();
        (void)SSL_shutdown(stream->tls);
    }
    shutdown(stream->fd, SHUT_WR);
}

int stream_fd(const struct stream *stream)
{
    return stream->fd;
}
