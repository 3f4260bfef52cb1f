/* HTTP/1.1 server connections on a loop, over the strict parser: deadlines, limits, streaming
 * replies with back-pressure, and hang-ups that are seen at once.
 *
 * A listener accepts on one loop and hands descriptors out; a service owns the connections of one
 * loop. Requests of one connection are served one after the other. */
#ifndef SESAME_NET_HTTP_SERVER_H
#define SESAME_NET_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/http_parser.h"

struct error;
struct http_exchange;
struct http_listener;
struct http_service;
struct loop;
struct secret;
struct ssl_ctx_st;

struct http_server_limits {
    struct http_parser_limits parser; /* 32 KiB, 100 fields, 4 MiB */
    int64_t head_deadline_ms;         /* 10,000: from the first byte to the end of the head */
    int64_t body_deadline_ms;         /* 30,000 */
    int64_t idle_timeout_ms;          /* 75,000: between requests */
    size_t reply_queue_max_bytes;     /* 256 KiB waiting for a slow client ... */
    int64_t reply_stall_timeout_ms;   /* ... for 30,000 */
    size_t connection_max_count;      /* per service; 0: no limit */
};
void http_server_limits_default(struct http_server_limits *limits);

/* ---- listener --------------------------------------------------------------------------------*/

/* Binds "host:port" ("0.0.0.0:9002", "[::1]:0"; port 0 asks the kernel), without SO_REUSEPORT.
 * `on_accept` gets each connection's descriptor (non-blocking, close-on-exec) and owns it. */
struct http_listener *http_listener_new(struct loop *loop, const char *address,
                                        void (*on_accept)(void *arg, int fd), void *arg,
                                        struct error *err);
int http_listener_port(const struct http_listener *listener);
/* Stops accepting for a while (the kernel queues) or goes on. Free refuses new ones. */
void http_listener_pause(struct http_listener *listener, bool is_paused);
void http_listener_free(struct http_listener *listener);

/* ---- service ---------------------------------------------------------------------------------*/

/* `on_request` is called when head and body are complete. It must answer, now or later. */
struct http_service *http_service_new(struct loop *loop, const struct http_server_limits *limits,
                                      void (*on_request)(void *arg, struct http_exchange *exchange),
                                      void *arg, struct error *err);
/* Serves TLS from now on; borrows `tls` (SSL_CTX). */
void http_service_use_tls(struct http_service *service, struct ssl_ctx_st *tls);

/* Takes a connected descriptor, always: closes it on failure. On the service's loop. */
void http_service_adopt(struct http_service *service, int fd);

size_t http_service_connection_count(const struct http_service *service);

/* Finishes: idle connections close now, busy ones after their reply ("Connection: close"). Calls
 * `on_drained` when none is left. */
void http_service_drain(struct http_service *service, void (*on_drained)(void *arg), void *arg);

/* Finishes in favour of another service: plain connections go to `take`, which owns the descriptor
 * then, as soon as they are idle, so that no client notices; the rest as in http_service_drain.
 * `take` is called on this service's loop. */
void http_service_hand_over(struct http_service *service, void (*take)(void *arg, int fd),
                            void *take_arg, void (*on_drained)(void *arg), void *arg);

/* Closes every connection; each open exchange gets on_gone first. */
void http_service_free(struct http_service *service);

/* ---- one request and its reply ---------------------------------------------------------------*/

/* The request, borrowed until the reply is complete or on_gone was called. Credential headers
 * (Authorization, Cookie, x-fc-access-key-id, x-fc-access-key-secret, x-fc-security-token) are not
 * in `head`: their values were moved into secrets and wiped from the connection's buffers. */
const struct http_head *http_exchange_head(const struct http_exchange *exchange);
struct slice http_exchange_body(const struct http_exchange *exchange);
/* The value of a credential header as a secret (borrowed), or NULL when it was not sent;
 * `*out_count` (may be NULL) says how often it was sent, so that two can be refused. */
struct secret *http_exchange_secret_header(const struct http_exchange *exchange, const char *name,
                                           size_t *out_count);
const char *http_exchange_peer(const struct http_exchange *exchange); /* "127.0.0.1:41234" */
struct loop *http_exchange_loop(const struct http_exchange *exchange);

/* The caller's object for this exchange, and what to call when the client hangs up, stalls past the
 * limit, or the service ends before the reply is complete: then the exchange is gone and must not
 * be touched any more. Not called after a complete reply. */
void http_exchange_set_owner(struct http_exchange *exchange,
                             void (*on_gone)(void *arg, const char *reason), void *arg);

/* Adds a reply header, before the reply starts. Name and value are checked for CR, LF, NUL. */
bool http_exchange_add_header(struct http_exchange *exchange, const char *name, const char *value);

/* A whole reply. The exchange is over for the caller. `content_type` may be NULL with an empty
 * body. HEAD requests get the head only. */
void http_exchange_reply(struct http_exchange *exchange, int status, const char *content_type,
                         const char *body, size_t len);

/* A streamed reply (chunked; until close for HTTP/1.0). What is written in one pass of the loop
 * leaves at its end; what the socket does not take is queued up to the limit. `false` from write:
 * the reply was cut and on_gone follows from the loop. */
bool http_exchange_stream(struct http_exchange *exchange, int status, const char *content_type);
bool http_exchange_write(struct http_exchange *exchange, const char *bytes, size_t len);
void http_exchange_end(struct http_exchange *exchange); /* over for the caller */
/* Breaks the connection without a proper end, so that the client sees the reply was cut. */
void http_exchange_abort(struct http_exchange *exchange);

const char *http_status_text(int status);

#endif
