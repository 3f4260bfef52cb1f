/* The loop: order of posted calls, timers, hang-ups of every kind. */
#include "net/loop.h"

#include "base/clock.h"
#include "base/error.h"

#include "../support/run.h"

#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop *loop;
static int calls;
static unsigned seen;

static void setup(void)
{
    struct error err = {0};

    loop = loop_new(&err);
    ck_assert_ptr_nonnull(loop);
    calls = 0;
    seen = 0;
}

static void teardown(void)
{
    loop_free(loop);
}

static void count(void *arg)
{
    ck_assert_int_eq(calls, *(int *)arg);
    calls++;
    if (calls == 1000)
        loop_stop(loop);
}

static int numbers[1000];

static void *post_all(void *arg)
{
    (void)arg;
    for (int i = 0; i < 1000; i++) {
        numbers[i] = i;
        ck_assert(loop_post(loop, count, &numbers[i]));
    }
    return NULL;
}

START_TEST(calls_posted_from_another_thread_run_here_in_order)
{
    pthread_t thread;

    pthread_create(&thread, NULL, post_all, NULL);
    loop_run(loop);
    pthread_join(thread, NULL);
    ck_assert_int_eq(calls, 1000);
}
END_TEST

static void stop(void *arg)
{
    calls++;
    loop_stop(arg);
}

START_TEST(a_timer_fires_once_and_not_after_it_was_stopped)
{
    struct error err = {0};
    struct loop_timer *stopped = loop_timer_new(loop, count, NULL, &err);
    struct loop_timer *timer = loop_timer_new(loop, stop, loop, &err);

    loop_timer_start(stopped, 1);
    loop_timer_stop(stopped);
    loop_timer_start(timer, 5);
    ck_assert(loop_timer_is_running(timer));
    loop_run(loop);
    ck_assert_int_eq(calls, 1);
    ck_assert(!loop_timer_is_running(timer));
    loop_timer_free(timer);
    loop_timer_free(stopped);
}
END_TEST

#define WORK_MS 20

static struct loop_timer *punctual, *sooner;
static int64_t due_ms;

static void compare_with_clock(void *arg)
{
    ck_assert_int_ge(clock_monotonic_ms(), due_ms);
    stop(arg);
}

static void nothing(void *arg)
{
    (void)arg;
}

static void start_after_work(void *arg)
{
    int64_t until_ms = clock_monotonic_ms() + WORK_MS;

    (void)arg;
    while (clock_monotonic_ms() < until_ms)
        ;
    due_ms = clock_monotonic_ms() + WORK_MS / 2;
    loop_timer_start(punctual, WORK_MS / 2);
    loop_timer_start(sooner, 1); /* so that a pass comes in between */
}

/* Started late in a long pass, it counts from then and not from the beginning of the pass. */
START_TEST(a_timer_never_fires_before_its_time)
{
    struct error err = {0};
    struct loop_timer *work = loop_timer_new(loop, start_after_work, NULL, &err);

    punctual = loop_timer_new(loop, compare_with_clock, loop, &err);
    sooner = loop_timer_new(loop, nothing, NULL, &err);
    loop_timer_start(work, 1);
    loop_run(loop);
    ck_assert_int_eq(calls, 1);
    loop_timer_free(work);
    loop_timer_free(punctual);
    loop_timer_free(sooner);
}
END_TEST

static void post_two_more(void *arg)
{
    static int second = 1, third = 2;

    count(arg);
    ck_assert(loop_post(loop, count, &second));
    ck_assert(loop_post(loop, count, &third));
    ck_assert_int_eq(calls, 1); /* not inside */
}

START_TEST(calls_posted_from_the_loop_itself_run_later_in_order)
{
    int first = 0;

    ck_assert(loop_post(loop, post_two_more, &first));
    for (int turns = 0; calls < 3 && turns < 10; turns++)
        loop_run_once(loop, 0);
    ck_assert_int_eq(calls, 3);
}
END_TEST

static struct loop_timer *restless;

static void start_again(void *arg)
{
    (void)arg;
    calls++;
    loop_timer_start(restless, 0);
}

static void on_readable(void *arg, unsigned events)
{
    (void)arg;
    seen |= events;
    loop_stop(loop);
}

START_TEST(a_timer_that_restarts_itself_at_once_does_not_keep_descriptors_waiting)
{
    struct error err = {0};
    struct loop_watch *watch;
    int fds[2];

    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    watch = loop_watch_new(loop, fds[0], on_readable, NULL, &err);
    restless = loop_timer_new(loop, start_again, NULL, &err);
    ck_assert(loop_watch_set(watch, LOOP_READ));
    loop_timer_start(restless, 0);
    loop_run(loop);
    ck_assert_uint_eq(seen, LOOP_READ);
    ck_assert_int_gt(calls, 0);
    loop_timer_free(restless);
    loop_watch_free(watch);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

/* Two ends of a TCP connection over loopback. */
static void connect_pair(int fds[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    getsockname(listener, (struct sockaddr *)&address, &len);
    fds[0] = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fds[0], (struct sockaddr *)&address, sizeof address), 0);
    fds[1] = accept(listener, NULL, NULL);
    close(listener);
}

static void on_watch(void *arg, unsigned events)
{
    (void)arg;
    seen |= events;
    calls++;
    if (events & LOOP_HANGUP)
        loop_stop(loop);
}

START_TEST(a_hang_up_is_seen_although_nobody_reads_what_came_before)
{
    struct error err = {0};
    struct loop_watch *watch;
    int fds[2];

    connect_pair(fds);
    watch = loop_watch_new(loop, fds[1], on_watch, NULL, &err);
    ck_assert_int_eq(write(fds[0], "unread", 6), 6);
    ck_assert(loop_watch_set(watch, LOOP_HANGUP));
    close(fds[0]);
    loop_run(loop);
    ck_assert_uint_eq(seen, LOOP_HANGUP);
    loop_watch_free(watch);
    close(fds[1]);
}
END_TEST

START_TEST(a_reset_is_a_hang_up_too)
{
    struct linger reset = {.l_onoff = 1};
    struct error err = {0};
    struct loop_watch *watch;
    int fds[2];

    connect_pair(fds);
    watch = loop_watch_new(loop, fds[1], on_watch, NULL, &err);
    ck_assert(loop_watch_set(watch, LOOP_HANGUP));
    setsockopt(fds[0], SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fds[0]);
    loop_run(loop);
    ck_assert_uint_eq(seen, LOOP_HANGUP);
    loop_watch_free(watch);
    close(fds[1]);
}
END_TEST

START_TEST(unread_bytes_do_not_keep_a_hang_up_watch_busy)
{
    struct error err = {0};
    struct loop_watch *watch;
    int fds[2];

    connect_pair(fds);
    watch = loop_watch_new(loop, fds[1], on_watch, NULL, &err);
    ck_assert_int_eq(write(fds[0], "unread", 6), 6);
    ck_assert(loop_watch_set(watch, LOOP_HANGUP));
    for (int i = 0; i < 10; i++)
        loop_run_once(loop, 0);
    ck_assert_int_eq(calls, 0);
    ck_assert(loop_watch_set(watch, LOOP_READ));
    loop_run_once(loop, 0);
    ck_assert_uint_eq(seen, LOOP_READ);
    loop_watch_free(watch);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        calls_posted_from_another_thread_run_here_in_order,
        calls_posted_from_the_loop_itself_run_later_in_order,
        a_timer_fires_once_and_not_after_it_was_stopped,
        a_timer_never_fires_before_its_time,
        a_timer_that_restarts_itself_at_once_does_not_keep_descriptors_waiting,
        a_hang_up_is_seen_although_nobody_reads_what_came_before,
        a_reset_is_a_hang_up_too,
        unread_bytes_do_not_keep_a_hang_up_watch_busy,
        NULL};

    return run_tests("loop", tests, setup, teardown);
}
