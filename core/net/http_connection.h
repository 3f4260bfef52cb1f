/* One server connection and its current exchange; private to core/net. */
#ifndef SESAME_NET_HTTP_CONNECTION_H
#define SESAME_NET_HTTP_CONNECTION_H

#include "base/buffer.h"
#include "net/http_server.h"

#define HTTP_CREDENTIAL_COUNT 5

struct http_connection;
struct loop_timer;
struct loop_watch;
struct stream;

struct http_service {
    struct loop *loop;
    struct http_server_limits limits;
    struct ssl_ctx_st *tls;
    struct http_connection *connections;
    size_t connection_count;
    bool is_draining;
    void (*on_request)(void *arg, struct http_exchange *exchange);
    void *arg;
    void (*on_drained)(void *arg);
    void *drained_arg;
    void (*take)(void *arg, int fd); /* NULL: idle connections are not handed over */
    void *take_arg;
};

struct http_credential {
    struct secret *value; /* the first one */
    size_t count;         /* how often the header was sent */
};

/* One request and its reply; made when a request is complete. */
struct http_exchange {
    struct http_connection *connection;
    struct http_credential credentials[HTTP_CREDENTIAL_COUNT];
    struct buffer headers; /* what the caller added, as lines */
    void (*on_gone)(void *arg, const char *reason);
    void *owner;
    bool is_streaming;
    bool is_chunked;
};

enum connection_phase {
    CONNECTION_IDLE,     /* between requests */
    CONNECTION_READING,  /* head or body is coming */
    CONNECTION_SERVING,  /* the caller works on its reply */
    CONNECTION_FLUSHING, /* the reply is complete but not all sent */
    CONNECTION_CLOSING,  /* waits for the peer to read the last bytes */
};

struct http_connection {
    struct http_service *service;
    struct http_connection *next, *previous;
    struct stream *stream;
    struct loop_watch *watch;
    struct loop_timer *timer;   /* the one deadline that applies in this phase */
    struct loop_timer *flusher; /* sends `out` at the end of this pass of the loop */
    struct http_parser *parser;
    struct http_exchange *exchange;
    struct buffer body;
    struct buffer pending; /* bytes behind the request that is being served */
    struct buffer out;     /* what was not sent yet */
    bool is_blocked;       /* the socket is full: LOOP_WRITE says when to go on */
    enum connection_phase phase;
    bool must_close;
    bool is_failing; /* its end is queued on the loop */
    bool in_handler; /* the caller's on_request runs: a finished reply is acted on after it */
    char peer[64];
};

/* Frees the connection and everything on it; an open exchange gets on_gone. */
void http_connection_close(struct http_connection *connection, const char *reason);

/* Queues bytes of the reply; what comes in one pass of the loop leaves in one send at its end,
 * large amounts earlier. False when the connection is beyond use; the caller then fails it. */
bool http_connection_send(struct http_connection *connection, const char *bytes, size_t len);

/* Gives the connection up: it is closed, and on_gone called, from the loop. What was queued is sent
 * as far as the socket takes it. */
void http_connection_fail(struct http_connection *connection);

/* The reply is complete: sends the rest, then reads the next request or closes. */
void http_connection_reply_done(struct http_connection *connection);

/* Moves credential headers of the parsed head into secrets. */
struct http_exchange *http_exchange_new(struct http_connection *connection, struct error *err);
void http_exchange_free(struct http_exchange *exchange);

#endif
