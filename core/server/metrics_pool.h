/* The counters of all threads of the process, also of those that have ended. */
#ifndef SESAME_SERVER_METRICS_POOL_H
#define SESAME_SERVER_METRICS_POOL_H

#include <stdatomic.h>

struct buffer;
struct error;
struct metrics;
struct metrics_pool;

struct metrics_pool *metrics_pool_new(struct error *err);
/* Everything that was taken must be back. NULL is fine. */
void metrics_pool_free(struct metrics_pool *pool);

/* Counters for one more thread, on top of what an earlier one counted in them. NULL when there is
 * no memory. [any thread] */
struct metrics *metrics_pool_take(struct metrics_pool *pool);
/* What was counted stays. NULL is fine. [any thread] */
void metrics_pool_give_back(struct metrics_pool *pool, struct metrics *metrics);

/* How many turns are open in the process. */
atomic_int *metrics_pool_open_turns(struct metrics_pool *pool);

/* Calls `fn(arg)` at each scrape for what is looked up then, on the scraper's thread, which must be
 * the one that sets it. NULL for nothing. */
void metrics_pool_set_source(struct metrics_pool *pool, void (*fn)(void *arg, struct buffer *out),
                             void *arg);

/* Appends the sum in Prometheus' text form, and what the source has to say. */
void metrics_pool_write(struct metrics_pool *pool, struct buffer *out);

#endif
