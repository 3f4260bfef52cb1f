/* A worker's front: requests sorted to what answers them. */
#ifndef SESAME_SERVER_ROUTES_H
#define SESAME_SERVER_ROUTES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/turn.h"
#include "server/gate.h"
#include "server/platform.h"
#include "server/ready_cause.h"

struct audit;
struct chat_exchange;
struct host_config;
struct http_exchange;
struct http_service;
struct metrics;
struct metrics_pool;
struct page;
struct ready_board;

/* What all workers share; borrowed, and written by nobody but for the atomics. */
struct server_shared {
    const struct host_config *config;
    struct ready_settings settings; /* what a fault's cause is looked for in */
    struct ready_board *ready;
    struct audit *audit;
    const char *agent_id;                  /* this agent's name as an actor, for the audit */
    bool has_users;                        /* a credential stands for the signed-in user */
    struct platform_credentials *platform; /* NULL: requests bring no key */
    struct page *page;                     /* NULL: none */
    struct metrics_pool *metrics;
    atomic_int *open_turns;       /* of the process */
    atomic_bool has_model_failed; /* the last turn did: GET /ready says so */
};

/* One worker's server side. */
struct server_worker {
    struct server_shared *shared;
    struct loop *loop;
    struct gate *gate;
    struct agent agent;
    struct metrics *metrics;
    struct chat_exchange *exchanges; /* open ones */
    struct platform_seen platform;
    atomic_int open_turns; /* of this worker, for the acceptor's choice */
};

/* For http_service_new: answers a request, now or later. */
void routes_on_request(void *worker, struct http_exchange *exchange);

/* The same for the metrics listener: only GET /metrics. */
void routes_on_metrics_request(void *metrics_pool, struct http_exchange *exchange);

/* Cancels the turns that are open; their clients see a cut stream. */
void routes_cancel_turns(struct server_worker *worker);

#endif
