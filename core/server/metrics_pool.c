/* The counters of all threads of the process, also of those that have ended. */
#include "server/metrics_pool.h"

#include "base/error.h"
#include "server/metrics.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct slot {
    struct metrics *metrics;
    bool is_taken;
};

struct metrics_pool {
    pthread_mutex_t lock;
    atomic_int open_turns;
    struct slot *slots;
    size_t count;
    void (*source)(void *arg, struct buffer *out);
    void *source_arg;
};

struct metrics_pool *metrics_pool_new(struct error *err)
{
    struct metrics_pool *pool = calloc(1, sizeof *pool);

    if (pool == NULL)
        error_set(err, ERROR_NO_MEMORY, "no memory for the metrics");
    else
        pthread_mutex_init(&pool->lock, NULL);
    return pool;
}

void metrics_pool_free(struct metrics_pool *pool)
{
    if (pool == NULL)
        return;
    for (size_t i = 0; i < pool->count; i++)
        metrics_free(pool->slots[i].metrics);
    free(pool->slots);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

/* One that is free, made when there is none. The lock is held. */
static struct slot *find_free(struct metrics_pool *pool)
{
    struct slot *grown, *slot;

    for (size_t i = 0; i < pool->count; i++)
        if (!pool->slots[i].is_taken)
            return &pool->slots[i];
    grown = realloc(pool->slots, (pool->count + 1) * sizeof *grown);
    if (grown == NULL)
        return NULL;
    pool->slots = grown;
    slot = &grown[pool->count];
    *slot = (struct slot){.metrics = metrics_new()};
    if (slot->metrics == NULL)
        return NULL;
    pool->count++;
    return slot;
}

struct metrics *metrics_pool_take(struct metrics_pool *pool)
{
    struct metrics *metrics = NULL;
    struct slot *slot;

    pthread_mutex_lock(&pool->lock);
    slot = find_free(pool);
    if (slot != NULL) {
        slot->is_taken = true;
        metrics = slot->metrics;
    }
    pthread_mutex_unlock(&pool->lock);
    return metrics;
}

void metrics_pool_give_back(struct metrics_pool *pool, struct metrics *metrics)
{
    pthread_mutex_lock(&pool->lock);
    for (size_t i = 0; i < pool->count; i++)
        if (pool->slots[i].metrics == metrics)
            pool->slots[i].is_taken = false;
    pthread_mutex_unlock(&pool->lock);
}

atomic_int *metrics_pool_open_turns(struct metrics_pool *pool)
{
    return &pool->open_turns;
}

void metrics_pool_set_source(struct metrics_pool *pool, void (*fn)(void *arg, struct buffer *out),
                             void *arg)
{
    pool->source = fn;
    pool->source_arg = arg;
}

void metrics_pool_write(struct metrics_pool *pool, struct buffer *out)
{
    struct metrics *total = metrics_new();

    if (total == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    for (size_t i = 0; i < pool->count; i++)
        metrics_add(total, pool->slots[i].metrics);
    pthread_mutex_unlock(&pool->lock);
    metrics_write(total, atomic_load(&pool->open_turns), out);
    metrics_free(total);
    if (pool->source != NULL)
        pool->source(pool->source_arg, out);
}
