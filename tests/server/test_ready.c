/* What a reload looks at before the new configuration takes over, and counters that go on. */
#include "server/metrics.h"
#include "server/metrics_pool.h"
#include "server/ready.h"
#include "server/ready_cause.h"

#include "base/buffer.h"
#include "base/error.h"

#include "../support/run.h"

#include <stdio.h>
#include <string.h>

static struct ready_board *now, *next;
static struct ready_cause cause;
static char name[64];

static void set_up(void)
{
    now = ready_board_new();
    next = ready_board_new();
}

static void tear_down(void)
{
    ready_board_free(now);
    ready_board_free(next);
}

static void note_failure(struct ready_board *board, const char *entry, const char *what)
{
    struct ready_cause why = {.name = ""};

    snprintf(why.what, sizeof why.what, "%s", what);
    ready_board_fail(board, entry, true, false, &why);
}

START_TEST(what_is_awaited_is_waited_for)
{
    ready_board_set(now, "jwks", true, true, "");
    ready_board_expect(next, "jwks", true, "not yet");
    ck_assert_int_eq(ready_board_compare(next, now, name, &cause), READY_AWAITED);
    ck_assert_str_eq(name, "jwks");
    ready_board_set(next, "jwks", true, true, "");
    ck_assert_int_eq(ready_board_compare(next, now, name, &cause), READY_ALL);
}
END_TEST

START_TEST(a_failure_is_told_before_what_is_awaited)
{
    ready_board_expect(next, "vault", true, "not yet");
    ready_board_expect(next, "llm", false, "not yet");
    note_failure(next, "llm", "no such key");
    ck_assert_int_eq(ready_board_compare(next, now, name, &cause), READY_FAILED);
    ck_assert_str_eq(name, "llm");
    ck_assert_str_eq(cause.what, "no such key");
}
END_TEST

/* Else nothing could be mended while something else is down. */
START_TEST(what_fails_in_both_does_not_count)
{
    note_failure(now, "llm", "down");
    ready_board_expect(now, "vault", true, "not yet");
    note_failure(next, "llm", "down");
    ready_board_expect(next, "vault", true, "not yet");
    ck_assert_int_eq(ready_board_compare(next, now, name, &cause), READY_ALL);
    note_failure(next, "new", "is no better");
    ck_assert_int_eq(ready_board_compare(next, now, name, &cause), READY_FAILED);
    ck_assert_str_eq(name, "new");
}
END_TEST

START_TEST(counters_go_on_with_the_next_thread)
{
    struct error err = {0};
    struct metrics_pool *pool = metrics_pool_new(&err);
    struct metrics *first = metrics_pool_take(pool), *second = metrics_pool_take(pool);
    struct buffer text;

    ck_assert_ptr_ne(first, second);
    metrics_count(first, "sesame_turns_total", "outcome=\"ok\"");
    metrics_count(second, "sesame_turns_total", "outcome=\"ok\"");
    metrics_pool_give_back(pool, first);
    ck_assert_ptr_eq(metrics_pool_take(pool), first);
    metrics_count(first, "sesame_turns_total", "outcome=\"ok\"");
    buffer_init(&text, 65536);
    metrics_pool_write(pool, &text);
    ck_assert_ptr_nonnull(strstr(text.data, "sesame_turns_total{outcome=\"ok\"} 3\n"));
    buffer_clear(&text);
    metrics_pool_free(pool);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_is_awaited_is_waited_for, a_failure_is_told_before_what_is_awaited,
        what_fails_in_both_does_not_count, counters_go_on_with_the_next_thread, NULL};

    return run_tests("ready", tests, set_up, tear_down);
}
