/* A scripted HTTP server on the test's own loop. */
#ifndef SESAME_TESTS_SUPPORT_PEER_H
#define SESAME_TESTS_SUPPORT_PEER_H

#include "base/error.h"
#include "base/secret.h"
#include "net/http_server.h"
#include "net/loop.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

struct peer {
    struct loop *loop;
    struct http_listener *listener;
    struct http_service *service;
    char url[64];
    int connections;
    int requests;
    char last_target[512];
    char last_body[4096];
    char last_authorization[256];
    void (*answer)(struct peer *peer, struct http_exchange *exchange); /* NULL: 200 "{}" */
    void *arg;
};

static inline void peer_on_accept(void *arg, int fd)
{
    struct peer *peer = arg;

    peer->connections++;
    http_service_adopt(peer->service, fd);
}

static inline void peer_on_request(void *arg, struct http_exchange *exchange)
{
    struct peer *peer = arg;
    const struct http_head *head = http_exchange_head(exchange);
    struct slice body = http_exchange_body(exchange);
    struct secret *authorization = http_exchange_secret_header(exchange, "authorization", NULL);

    peer->requests++;
    snprintf(peer->last_target, sizeof peer->last_target, "%.*s", (int)head->target.len,
             head->target.data);
    snprintf(peer->last_body, sizeof peer->last_body, "%.*s", (int)body.len,
             body.len == 0 ? "" : body.data);
    snprintf(peer->last_authorization, sizeof peer->last_authorization, "%s",
             authorization == NULL ? "" : secret_borrow(authorization, NULL));
    if (peer->answer != NULL)
        peer->answer(peer, exchange);
    else
        http_exchange_reply(exchange, 200, "application/json", "{}", 2);
}

static inline void peer_open(struct peer *peer, struct loop *loop)
{
    struct http_server_limits limits;
    struct error err = {0};

    memset(peer, 0, sizeof *peer);
    peer->loop = loop;
    http_server_limits_default(&limits);
    limits.reply_queue_max_bytes = 16 << 20; /* tests write large answers in one piece */
    peer->service = http_service_new(loop, &limits, peer_on_request, peer, &err);
    ck_assert_msg(peer->service != NULL, "%s", err.message);
    peer->listener = http_listener_new(loop, "127.0.0.1:0", peer_on_accept, peer, &err);
    ck_assert_msg(peer->listener != NULL, "%s", err.message);
    snprintf(peer->url, sizeof peer->url, "http://127.0.0.1:%d",
             http_listener_port(peer->listener));
}

static inline void peer_close(struct peer *peer)
{
    http_listener_free(peer->listener);
    http_service_free(peer->service);
}

/* Runs the loop until `condition` holds. */
#define PEER_RUN_UNTIL(loop, condition)                             \
    do {                                                            \
        for (int turn_ = 0; turn_ < 5000 && !(condition); turn_++)  \
            loop_run_once(loop, 10);                                \
        ck_assert_msg(condition, "never happened: %s", #condition); \
    } while (0)

#endif
