/* A worker: a loop and everything a turn needs on it. */
#ifndef SESAME_CLI_WORKER_H
#define SESAME_CLI_WORKER_H

#include <stdbool.h>

#include "server/routes.h"

struct error;
struct host;
struct jwks;
struct worker;

/* Makes a worker on the calling thread; everything of it stays there. With `loop` NULL it makes its
 * own. */
struct worker *worker_new(struct host *host, struct loop *loop, struct error *err);
struct loop *worker_loop(struct worker *worker);
struct server_worker *worker_server(struct worker *worker);
/* How many turns are open. [any thread] */
int worker_load(struct worker *worker);

/* [any thread] Messages to the worker; each does nothing when there is no memory. */
void worker_adopt(struct worker *worker, int fd);
void worker_push_keys(struct worker *worker, struct jwks *jwks);
/* Finishes what is open; `take` (NULL: none) gets connections as they become idle
 * (http_service_hand_over), and both are called on the worker. */
void worker_drain(struct worker *worker, void (*take)(void *arg, int fd), void *take_arg,
                  void (*on_drained)(void *arg), void *arg);

/* Stops the tools, with the loop still running; `on_stopped` is called on the worker. */
void worker_stop(struct worker *worker, void (*on_stopped)(void *arg), void *arg);
void worker_free(struct worker *worker);

#endif
