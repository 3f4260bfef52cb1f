/* A host and the worker threads that serve it. A reload makes another one, which takes over. */
#ifndef SESAME_CLI_GENERATION_H
#define SESAME_CLI_GENERATION_H

#include <stdbool.h>
#include <stddef.h>

struct error;
struct generation;
struct host;
struct loop;
struct metrics_pool;
struct setup;

/* Everything here is for the owner's thread, which runs `loop`. */

/* Takes what `setup` holds, also when it fails. `loop` and `metrics` are borrowed. */
struct generation *generation_new(struct setup *setup, struct loop *loop,
                                  struct metrics_pool *metrics, struct error *err);

/* Loads plugins and makes broker and tools; starts no worker and sends nothing. When it fails the
 * generation can only leave or be freed. */
bool generation_load(struct generation *generation, struct error *err);

/* Starts the workers and begins to fetch credentials and keys. */
bool generation_start(struct generation *generation, struct error *err);

struct host *generation_host(struct generation *generation);
size_t generation_worker_count(const struct generation *generation);

/* A new connection, to the worker with the fewest open turns. Takes `fd`. */
void generation_adopt(struct generation *generation, int fd);

/* No new connections: idle ones are closed, open turns may end. Then calls `on_drained`. */
void generation_drain(struct generation *generation, void (*on_drained)(void *arg), void *arg);

/* Another one serves now. Connections go to `take`, on a worker's thread, as soon as they are idle
 * (http_service_hand_over); with NULL they are closed. When nothing is open any more the generation
 * ends its threads and frees itself, without holding up the loop, and calls `on_gone` (may be
 * NULL). Also for one that could not be started. */
void generation_leave(struct generation *generation, void (*take)(void *arg, int fd),
                      void (*on_gone)(void *arg), void *arg);

/* Ends it at once, with the loop standing still; what is open is cut off. NULL is fine. */
void generation_free(struct generation *generation);
/* The same for all that are leaving. */
void generation_free_leaving(void);

#endif
