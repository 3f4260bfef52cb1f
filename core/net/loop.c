/* One event loop per thread: descriptors, timers, signals, and calls posted from other threads. */
#include "net/loop.h"

#include "base/clock.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#define PASS_MAX_CALLS 256 /* callbacks before descriptors are asked again */

struct loop {
    struct event_base *base;
    struct event *wake;
    int wake_fd;
    pthread_t thread;
    atomic_bool has_thread; /* set behind `thread`, for loop_post from other threads */
    atomic_bool is_stopping;
    pthread_mutex_t lock; /* guards the queue, nothing else */
    struct loop_posting *first;
    struct loop_posting **last;
};

struct loop_timer {
    struct loop *loop;
    struct event *event;
    int64_t due_ms; /* by clock_monotonic_ms */
    void (*fn)(void *arg);
    void *arg;
};

struct loop_watch {
    struct loop *loop;
    struct event *event;
    int fd;
    unsigned wanted;
    void (*fn)(void *arg, unsigned events);
    void *arg;
};

struct loop_signal {
    struct event *event;
    void (*fn)(void *arg);
    void *arg;
};

static struct loop_posting *take_posted(struct loop *loop)
{
    struct loop_posting *first;

    pthread_mutex_lock(&loop->lock);
    first = loop->first;
    loop->first = NULL;
    loop->last = &loop->first;
    pthread_mutex_unlock(&loop->lock);
    return first;
}

static void on_wake(evutil_socket_t fd, short events, void *arg)
{
    struct loop *loop = arg;
    struct loop_posting *task;
    uint64_t count;

    /* Only resets the counter; a failure leaves it set and we come again. */
    if (events & EV_READ)
        (void)!read(fd, &count, sizeof count);
    task = take_posted(loop);
    while (task != NULL) {
        struct loop_posting call = *task;

        if (!call.is_kept)
            free(task);
        call.fn(call.arg);
        task = call.next;
    }
    if (atomic_load(&loop->is_stopping))
        event_base_loopbreak(loop->base);
}

static bool open_wake(struct loop *loop)
{
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0)
        return false;
    loop->wake = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
    return loop->wake != NULL && event_add(loop->wake, NULL) == 0;
}

struct loop *loop_new(struct error *err)
{
    struct event_config *config = event_config_new();
    struct loop *loop = calloc(1, sizeof *loop);

    if (loop != NULL && config != NULL) {
        loop->wake_fd = -1;
        loop->last = &loop->first;
        pthread_mutex_init(&loop->lock, NULL);
        /* Other threads reach the loop through the descriptor only, so libevent needs no locks. */
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        event_config_require_features(config, EV_FEATURE_EARLY_CLOSE);
        /* Calls that queue one another without a system call never keep descriptors waiting. */
        event_config_set_max_dispatch_interval(config, NULL, PASS_MAX_CALLS, 0);
        loop->base = event_base_new_with_config(config);
        event_config_free(config);
        if (loop->base != NULL && open_wake(loop))
            return loop;
        loop_free(loop);
    } else {
        if (config != NULL)
            event_config_free(config);
        free(loop);
    }
    error_set(err, ERROR_NO_MEMORY, "no memory or descriptor for an event loop");
    return NULL;
}

void loop_free(struct loop *loop)
{
    struct loop_posting *task;

    if (loop == NULL)
        return;
    task = take_posted(loop);
    while (task != NULL) {
        struct loop_posting *next = task->next;

        if (!task->is_kept)
            free(task);
        task = next;
    }
    if (loop->wake != NULL)
        event_free(loop->wake);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    if (loop->base != NULL)
        event_base_free(loop->base);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

bool loop_is_own_thread(const struct loop *loop)
{
    return atomic_load(&loop->has_thread) && pthread_equal(loop->thread, pthread_self());
}

static void own_thread(struct loop *loop)
{
    if (loop_is_own_thread(loop))
        return;
    loop->thread = pthread_self();
    atomic_store(&loop->has_thread, true);
}

void loop_run(struct loop *loop)
{
    own_thread(loop);
    if (!atomic_load(&loop->is_stopping))
        event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
    atomic_store(&loop->is_stopping, false);
}

static void wake_up(struct loop *loop)
{
    uint64_t one = 1;

    /* The counter cannot overflow in practice, and EAGAIN would mean that it is set anyway. */
    (void)!write(loop->wake_fd, &one, sizeof one);
}

void loop_stop(struct loop *loop)
{
    atomic_store(&loop->is_stopping, true);
    wake_up(loop);
}

static void do_nothing(evutil_socket_t fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    (void)arg;
}

void loop_run_once(struct loop *loop, int64_t wait_ms)
{
    struct timeval wait = {.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};

    own_thread(loop);
    if (wait_ms <= 0) {
        event_base_loop(loop->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
        return;
    }
    event_base_once(loop->base, -1, EV_TIMEOUT, do_nothing, NULL, &wait);
    event_base_loop(loop->base, EVLOOP_ONCE);
}

static void append_posting(struct loop *loop, struct loop_posting *posting)
{
    bool was_empty;

    posting->next = NULL;
    pthread_mutex_lock(&loop->lock);
    was_empty = loop->first == NULL;
    *loop->last = posting;
    loop->last = &posting->next;
    pthread_mutex_unlock(&loop->lock);
    if (was_empty && loop_is_own_thread(loop))
        event_active(loop->wake, EV_TIMEOUT, 1); /* the same without two system calls */
    else if (was_empty)
        wake_up(loop);
}

bool loop_post(struct loop *loop, void (*fn)(void *arg), void *arg)
{
    struct loop_posting *posting = malloc(sizeof *posting);

    if (posting == NULL)
        return false;
    *posting = (struct loop_posting){.fn = fn, .arg = arg};
    append_posting(loop, posting);
    return true;
}

void loop_post_kept(struct loop *loop, struct loop_posting *posting)
{
    posting->is_kept = true;
    append_posting(loop, posting);
}

int64_t loop_now_ms(const struct loop *loop)
{
    (void)loop;
    return clock_monotonic_ms();
}

struct event_base *loop_base(struct loop *loop)
{
    return loop->base;
}

/* ---- timers ------------------------------------------------------------------------------- */

static void add_timer(struct loop_timer *timer, int64_t delay_ms)
{
    struct timeval delay = {.tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000};

    evtimer_add(timer->event, &delay);
}

/* libevent counts from the time at which its pass began, by a clock that is some milliseconds
 * coarse: it may come too early, and whoever compares with the clock would find nothing due. */
static void on_timer(evutil_socket_t fd, short events, void *arg)
{
    struct loop_timer *timer = arg;
    int64_t early_ms = timer->due_ms - clock_monotonic_ms();

    (void)fd;
    (void)events;
    if (early_ms > 0)
        add_timer(timer, early_ms);
    else
        timer->fn(timer->arg);
}

struct loop_timer *loop_timer_new(struct loop *loop, void (*fn)(void *arg), void *arg,
                                  struct error *err)
{
    struct loop_timer *timer = malloc(sizeof *timer);

    if (timer != NULL) {
        *timer = (struct loop_timer){.loop = loop, .fn = fn, .arg = arg};
        timer->event = evtimer_new(loop->base, on_timer, timer);
        if (timer->event != NULL)
            return timer;
        free(timer);
    }
    error_set(err, ERROR_NO_MEMORY, "no memory for a timer");
    return NULL;
}

void loop_timer_start(struct loop_timer *timer, int64_t delay_ms)
{
    if (delay_ms <= 0) {
        /* In this pass, behind what is ready already, without asking the kernel for the time. */
        timer->due_ms = 0;
        event_active(timer->event, EV_TIMEOUT, 1);
        return;
    }
    timer->due_ms = clock_monotonic_ms() + delay_ms;
    add_timer(timer, delay_ms);
}

void loop_timer_stop(struct loop_timer *timer)
{
    evtimer_del(timer->event);
}

bool loop_timer_is_running(const struct loop_timer *timer)
{
    return evtimer_pending(timer->event, NULL) != 0;
}

void loop_timer_free(struct loop_timer *timer)
{
    if (timer == NULL)
        return;
    event_free(timer->event);
    free(timer);
}

/* ---- descriptors -------------------------------------------------------------------------- */

/* libevent reports a reset connection as readable and writable, not as closed, so the socket itself
 * is asked what happened. */
static bool peer_is_gone(int fd)
{
    struct pollfd state = {.fd = fd, .events = POLLRDHUP};

    return poll(&state, 1, 0) == 1 && (state.revents & (POLLRDHUP | POLLERR | POLLHUP)) != 0;
}

static void on_io(evutil_socket_t fd, short events, void *arg)
{
    struct loop_watch *watch = arg;
    unsigned seen = 0;

    if ((watch->wanted & LOOP_HANGUP) && peer_is_gone(fd))
        seen |= LOOP_HANGUP;
    if ((events & EV_READ) && (watch->wanted & LOOP_READ))
        seen |= LOOP_READ;
    if ((events & EV_WRITE) && (watch->wanted & LOOP_WRITE))
        seen |= LOOP_WRITE;
    if (seen != 0)
        watch->fn(watch->arg, seen);
}

struct loop_watch *loop_watch_new(struct loop *loop, int fd, void (*fn)(void *arg, unsigned events),
                                  void *arg, struct error *err)
{
    struct loop_watch *watch = malloc(sizeof *watch);

    if (watch != NULL) {
        *watch = (struct loop_watch){.loop = loop, .fd = fd, .fn = fn, .arg = arg};
        watch->event = event_new(loop->base, fd, EV_READ, on_io, watch);
        if (watch->event != NULL)
            return watch;
        free(watch);
    }
    error_set(err, ERROR_NO_MEMORY, "no memory to watch a descriptor");
    return NULL;
}

/* A hang-up is watched edge-triggered: without it, bytes that nobody reads, or a reset that nobody
 * clears, would wake the loop without end. Writers send until the socket is full, so the edge is
 * enough for them as well. */
static short flags_for(unsigned wanted)
{
    int flags = EV_PERSIST;

    if (wanted & LOOP_READ)
        flags |= EV_READ;
    if (wanted & LOOP_WRITE)
        flags |= EV_WRITE;
    if (wanted & LOOP_HANGUP)
        flags |= EV_READ | EV_CLOSED | EV_ET;
    return (short)flags;
}

bool loop_watch_set(struct loop_watch *watch, unsigned events)
{
    if (events == watch->wanted)
        return true;
    event_del(watch->event);
    watch->wanted = 0;
    if (events == 0)
        return true;
    if (event_assign(watch->event, watch->loop->base, watch->fd, flags_for(events), on_io, watch) !=
            0 ||
        event_add(watch->event, NULL) != 0)
        return false;
    watch->wanted = events;
    return true;
}

void loop_watch_free(struct loop_watch *watch)
{
    if (watch == NULL)
        return;
    event_free(watch->event);
    free(watch);
}

/* ---- signals ------------------------------------------------------------------------------ */

static void on_signal(evutil_socket_t number, short events, void *arg)
{
    struct loop_signal *handler = arg;

    (void)number;
    (void)events;
    handler->fn(handler->arg);
}

struct loop_signal *loop_signal_new(struct loop *loop, int signal_number, void (*fn)(void *arg),
                                    void *arg, struct error *err)
{
    struct loop_signal *handler = malloc(sizeof *handler);

    if (handler != NULL) {
        *handler = (struct loop_signal){.fn = fn, .arg = arg};
        handler->event = evsignal_new(loop->base, signal_number, on_signal, handler);
        if (handler->event != NULL && evsignal_add(handler->event, NULL) == 0)
            return handler;
        if (handler->event != NULL)
            event_free(handler->event);
        free(handler);
    }
    error_set(err, ERROR_INTERNAL, "cannot handle signal %d", signal_number);
    return NULL;
}

void loop_signal_free(struct loop_signal *handler)
{
    if (handler == NULL)
        return;
    event_free(handler->event);
    free(handler);
}
