/* One event loop per thread: descriptors, timers, signals, and calls posted from other threads.
 *
 * libevent stays behind this header, so that it can be exchanged. Everything here is for the loop's
 * own thread unless it is marked [any thread]. */
#ifndef SESAME_NET_LOOP_H
#define SESAME_NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct error;
struct event_base;
struct loop;
struct loop_timer;
struct loop_watch;
struct loop_signal;

struct loop *loop_new(struct error *err);

/* Everything made on the loop must have been freed. Posted calls that did not run are dropped. */
void loop_free(struct loop *loop);

/* Runs until loop_stop. */
void loop_run(struct loop *loop);
/* [any thread] */
void loop_stop(struct loop *loop);

/* Handles what is ready and waits at most `wait_ms` for it (0: does not wait). For tests. */
void loop_run_once(struct loop *loop, int64_t wait_ms);

/* Runs `fn(arg)` on the loop's thread, in the order of posting; never inside this call. False when
 * there is no memory; nothing will run then. [any thread] */
bool loop_post(struct loop *loop, void (*fn)(void *arg), void *arg);

/* One posted call. */
struct loop_posting {
    struct loop_posting *next; /* the loop's */
    void (*fn)(void *arg);
    void *arg;
    bool is_kept; /* the loop's: the memory is the caller's */
};
/* As loop_post with `posting->fn` and `posting->arg`, and cannot fail. The memory stays the
 * caller's; until the call has begun it must stay as it is. [any thread] */
void loop_post_kept(struct loop *loop, struct loop_posting *posting);

bool loop_is_own_thread(const struct loop *loop);

/* Monotonic time as of this turn of the loop. */
int64_t loop_now_ms(const struct loop *loop);

/* A timer calls `fn(arg)` once per start, never before its time by clock_monotonic_ms. Starting a
 * running timer sets it anew. A delay of 0 means in this pass of the loop, behind what is ready
 * already; never inside this call. */
struct loop_timer *loop_timer_new(struct loop *loop, void (*fn)(void *arg), void *arg,
                                  struct error *err);
void loop_timer_start(struct loop_timer *timer, int64_t delay_ms);
void loop_timer_stop(struct loop_timer *timer);
bool loop_timer_is_running(const struct loop_timer *timer);
void loop_timer_free(struct loop_timer *timer); /* NULL is fine; fn is not called any more */

enum { LOOP_READ = 1u << 0, LOOP_WRITE = 1u << 1, LOOP_HANGUP = 1u << 2 };

/* Watches a descriptor. LOOP_READ and LOOP_WRITE are level-triggered, unless LOOP_HANGUP is asked
 * for too: that tells when the peer closes or resets the connection although nobody reads, and
 * makes the watch edge-triggered; it does not go together with LOOP_READ. The callback may free the
 * watch. */
struct loop_watch *loop_watch_new(struct loop *loop, int fd, void (*fn)(void *arg, unsigned events),
                                  void *arg, struct error *err);
bool loop_watch_set(struct loop_watch *watch, unsigned events); /* 0: nothing */
void loop_watch_free(struct loop_watch *watch);                 /* does not close the descriptor */

/* Calls `fn(arg)` on the loop for each `signal_number`. One loop per process may have signals. */
struct loop_signal *loop_signal_new(struct loop *loop, int signal_number, void (*fn)(void *arg),
                                    void *arg, struct error *err);
void loop_signal_free(struct loop_signal *signal);

/* For code under core/net only: the library's object. */
struct event_base *loop_base(struct loop *loop);

#endif
