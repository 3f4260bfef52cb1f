/* The event loop of a scripted host: posted calls and timers over a clock that the test moves. */
#include "net/loop.h"

#include "script.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/* So much at one moment is no work but a circle. */
#define STEP_MAX_COUNT 100000

struct posted {
    struct posted *next;
    void (*fn)(void *arg);
    void *arg;
};

struct loop_timer {
    struct loop_timer *next; /* among the running ones, by due time, then by start */
    struct loop *loop;
    void (*fn)(void *arg);
    void *arg;
    int64_t due_ms;
    bool is_running;
};

struct loop {
    pthread_t thread;
    struct loop_timer *timers;
    pthread_mutex_t lock; /* around the posted calls */
    pthread_cond_t has_posted;
    struct posted *posted, **posted_end;
};

struct loop *loop_new(struct error *err)
{
    struct loop *loop = script_alloc(sizeof *loop);

    (void)err;
    loop->thread = pthread_self();
    loop->posted_end = &loop->posted;
    pthread_mutex_init(&loop->lock, NULL);
    pthread_cond_init(&loop->has_posted, NULL);
    return loop;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    while (loop->posted != NULL) {
        struct posted *next = loop->posted->next;

        free(loop->posted);
        loop->posted = next;
    }
    pthread_cond_destroy(&loop->has_posted);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

bool loop_is_own_thread(const struct loop *loop)
{
    return pthread_equal(loop->thread, pthread_self()) != 0;
}

int64_t loop_now_ms(const struct loop *loop)
{
    (void)loop;
    return script_clock_now_ms();
}

/* ---- posted calls ---------------------------------------------------------------------------- */

bool loop_post(struct loop *loop, void (*fn)(void *arg), void *arg)
{
    struct posted *posted = script_alloc(sizeof *posted);

    *posted = (struct posted){NULL, fn, arg};
    pthread_mutex_lock(&loop->lock);
    *loop->posted_end = posted;
    loop->posted_end = &posted->next;
    pthread_cond_signal(&loop->has_posted);
    pthread_mutex_unlock(&loop->lock);
    return true;
}

static struct posted *take_posted(struct loop *loop)
{
    struct posted *posted;

    pthread_mutex_lock(&loop->lock);
    posted = loop->posted;
    if (posted != NULL) {
        loop->posted = posted->next;
        if (loop->posted == NULL)
            loop->posted_end = &loop->posted;
    }
    pthread_mutex_unlock(&loop->lock);
    return posted;
}

bool script_loop_wait(struct loop *loop, int64_t real_ms)
{
    struct timespec until;
    bool has_one;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += real_ms / 1000;
    until.tv_nsec += real_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&loop->lock);
    while (loop->posted == NULL &&
           pthread_cond_timedwait(&loop->has_posted, &loop->lock, &until) != ETIMEDOUT)
        ;
    has_one = loop->posted != NULL;
    pthread_mutex_unlock(&loop->lock);
    return has_one;
}

/* ---- timers ---------------------------------------------------------------------------------- */

struct loop_timer *loop_timer_new(struct loop *loop, void (*fn)(void *arg), void *arg,
                                  struct error *err)
{
    struct loop_timer *timer = script_alloc(sizeof *timer);

    (void)err;
    timer->loop = loop;
    timer->fn = fn;
    timer->arg = arg;
    return timer;
}

void loop_timer_stop(struct loop_timer *timer)
{
    struct loop_timer **link = &timer->loop->timers;

    if (!timer->is_running)
        return;
    while (*link != timer)
        link = &(*link)->next;
    *link = timer->next;
    timer->is_running = false;
}

void loop_timer_start(struct loop_timer *timer, int64_t delay_ms)
{
    struct loop_timer **link = &timer->loop->timers;

    loop_timer_stop(timer);
    timer->due_ms = script_clock_now_ms() + (delay_ms < 0 ? 0 : delay_ms);
    while (*link != NULL && (*link)->due_ms <= timer->due_ms)
        link = &(*link)->next;
    timer->next = *link;
    *link = timer;
    timer->is_running = true;
}

bool loop_timer_is_running(const struct loop_timer *timer)
{
    return timer->is_running;
}

void loop_timer_free(struct loop_timer *timer)
{
    if (timer == NULL)
        return;
    loop_timer_stop(timer);
    free(timer);
}

/* ---- running --------------------------------------------------------------------------------- */

static bool do_one(struct loop *loop)
{
    struct posted *posted = take_posted(loop);
    struct loop_timer *timer = loop->timers;

    if (posted != NULL) {
        struct posted copy = *posted;

        free(posted);
        copy.fn(copy.arg);
        return true;
    }
    if (timer == NULL || timer->due_ms > script_clock_now_ms())
        return false;
    loop_timer_stop(timer);
    timer->fn(timer->arg);
    return true;
}

bool script_loop_run(struct loop *loop)
{
    for (int i = 0; i < STEP_MAX_COUNT; i++)
        if (!do_one(loop))
            return true;
    return false;
}

int64_t script_loop_next_ms(struct loop *loop)
{
    return loop->timers == NULL ? INT64_MAX : loop->timers->due_ms;
}

bool script_loop_advance(struct loop *loop, int64_t until_ms)
{
    for (;;) {
        int64_t next_ms;

        if (!script_loop_run(loop))
            return false;
        next_ms = script_loop_next_ms(loop);
        if (next_ms > until_ms)
            break;
        script_clock_set_ms(next_ms);
    }
    /* A tick may have gone beyond. */
    if (script_clock_now_ms() < until_ms)
        script_clock_set_ms(until_ms);
    return true;
}
