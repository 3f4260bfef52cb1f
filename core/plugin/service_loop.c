/* Host services: timers, and calls posted from other threads. */
#include "plugin/instance.h"

#include "base/cleanup.h"
#include "net/loop.h"

#include <sesame/services.h>
#include <stdatomic.h>
#include <stdlib.h>

#define TIMER_MAX_MS (24 * 3600 * 1000LL)

/* ---- timers ---------------------------------------------------------------------------------- */

struct plugin_timer {
    struct plugin_instance *instance;
    uint64_t handle;
    struct loop_timer *timer;
    void (*fn)(struct sesame_instance *instance, uint64_t tag);
    uint64_t tag;
};

static void free_timer(void *object)
{
    struct plugin_timer *timer = object;

    loop_timer_free(timer->timer);
    free(timer);
}

static void on_timer(void *arg)
{
    struct plugin_timer *timer = arg;
    struct plugin_timer copy = *timer;

    handle_take(&timer->instance->handles, HANDLE_TIMER, timer->handle);
    free_timer(timer);
    copy.fn(copy.instance->plugin, copy.tag);
}

static uint64_t timer_start(const struct sesame_host *host, int64_t delay_ms,
                            void (*fn)(struct sesame_instance *instance, uint64_t tag),
                            uint64_t tag)
{
    struct plugin_instance *instance = instance_enter(host);
    struct plugin_timer *timer;
    struct error ignored = {0};

    if (instance == NULL || fn == NULL || (timer = calloc(1, sizeof *timer)) == NULL)
        return 0;
    timer->instance = instance;
    timer->fn = fn;
    timer->tag = tag;
    timer->timer = loop_timer_new(instance->home.loop, on_timer, timer, &ignored);
    if (timer->timer != NULL)
        timer->handle = handle_add(&instance->handles, HANDLE_TIMER, timer);
    if (timer->handle == 0) {
        free_timer(timer);
        return 0;
    }
    loop_timer_start(timer->timer, delay_ms < 0              ? 0
                                   : delay_ms > TIMER_MAX_MS ? TIMER_MAX_MS
                                                             : delay_ms);
    return timer->handle;
}

static void timer_cancel(const struct sesame_host *host, uint64_t handle)
{
    struct plugin_instance *instance = instance_enter(host);
    struct plugin_timer *timer;

    if (instance == NULL)
        return;
    timer = handle_take(&instance->handles, HANDLE_TIMER, handle);
    if (timer != NULL)
        free_timer(timer);
}

void service_loop_close(struct plugin_instance *instance)
{
    handle_take_all(&instance->handles, HANDLE_TIMER, free_timer);
}

/* ---- post ------------------------------------------------------------------------------------ */

/* Outlives the instance while posted calls are under way. */
struct post_gate {
    atomic_size_t references;
    pthread_mutex_t lock;
    struct plugin_instance *instance; /* NULL once it goes; under the lock */
};

struct posted {
    struct post_gate *gate;
    void (*fn)(struct sesame_instance *instance, uint64_t tag);
    uint64_t tag;
};

struct post_gate *post_gate_new(struct plugin_instance *instance)
{
    struct post_gate *gate = calloc(1, sizeof *gate);

    if (gate == NULL)
        return NULL;
    gate->references = 1;
    gate->instance = instance;
    pthread_mutex_init(&gate->lock, NULL);
    return gate;
}

static void release(struct post_gate *gate)
{
    if (atomic_fetch_sub(&gate->references, 1) != 1)
        return;
    pthread_mutex_destroy(&gate->lock);
    free(gate);
}

void post_gate_close(struct post_gate *gate)
{
    if (gate == NULL)
        return;
    pthread_mutex_lock(&gate->lock);
    gate->instance = NULL;
    pthread_mutex_unlock(&gate->lock);
    release(gate);
}

static void run_posted(void *arg)
{
    struct posted *posted = arg;
    /* Set and cleared on this thread only, so no lock is needed to read it here. */
    struct plugin_instance *instance = posted->gate->instance;

    if (instance != NULL)
        posted->fn(instance->plugin, posted->tag);
    release(posted->gate);
    free(posted);
}

static int32_t post(const struct sesame_host *host,
                    void (*fn)(struct sesame_instance *instance, uint64_t tag), uint64_t tag)
{
    /* Any thread: nothing of the instance but its gate may be touched. */
    struct post_gate *gate = ((const struct plugin_instance *)(const void *)host)->gate;
    struct posted *posted = malloc(sizeof *posted);
    bool ok = false;

    if (posted == NULL || fn == NULL) {
        free(posted);
        return SESAME_INTERNAL;
    }
    *posted = (struct posted){gate, fn, tag};
    pthread_mutex_lock(&gate->lock);
    if (gate->instance != NULL) {
        atomic_fetch_add(&gate->references, 1);
        ok = loop_post(gate->instance->home.loop, run_posted, posted);
        if (!ok)
            atomic_fetch_sub(&gate->references, 1);
    }
    pthread_mutex_unlock(&gate->lock);
    if (ok)
        return SESAME_OK;
    free(posted);
    return SESAME_CANCELLED;
}

static void stopped(const struct sesame_host *host)
{
    struct plugin_instance *instance = instance_enter(host);

    if (instance != NULL && instance->is_stopping && instance->stop_timer != NULL)
        loop_timer_start(instance->stop_timer, 0);
}

const struct sesame_loop_v1 service_loop = {timer_start, timer_cancel, post, stopped};
