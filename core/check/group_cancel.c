/* Checks of calls and fetches that are cancelled, late, or open when the instance ends. */
#include "check/check.h"

#include "base/clock.h"
#include "check/bench.h"
#include "check/peer.h"
#include "net/loop.h"

#include <sesame/plugin.h>
#include <stdlib.h>
#include <string.h>

#define OPERATION_MS 1500
#define STEP_MAX_COUNT 6
#define PIECE_PATIENCE_MS 1500

static struct bench *open_ready(struct check *check)
{
    struct bench *bench = bench_open(check);

    if (bench_is_tool(bench) && bench_functions(bench, NULL) == NULL)
        check_skip(check, "the functions could not be listed (list.completes says why)");
    return bench;
}

/* After whatever was done the plugin must still work as before. */
static void expect_sound(struct bench *bench)
{
    struct bench_result result;

    peer_set(bench_peer(bench), NULL);
    bench_operate(bench, 0, OPERATION_MS, &result);
    bench_run(bench, 50);
    bench_expect_no(bench, NULL);
    bench_result_clear(&result);
    bench_destroy(bench);
}

static void at_once(struct check *check)
{
    struct bench *bench = open_ready(check);
    struct bench_result result;
    struct bench_run *run = bench_start(bench, 0, OPERATION_MS, &result);

    if (run != NULL && !result.is_done)
        bench_cancel(run);
    bench_run(bench, 200);
    expect_sound(bench);
}

/* After each of the first turns of the loop. */
static void after_each_step(struct check *check)
{
    struct bench *bench = open_ready(check);

    for (int steps = 1; steps <= STEP_MAX_COUNT; steps++) {
        struct bench_result result;
        struct bench_run *run = bench_start(bench, (size_t)steps, OPERATION_MS, &result);

        for (int i = 0; i < steps && !result.is_done; i++)
            loop_run_once(bench_loop(bench), 2);
        if (run != NULL && !result.is_done)
            bench_cancel(run);
        bench_run(bench, 30);
        bench_result_clear(&result);
    }
    expect_sound(bench);
}

/* Cancelled when the server has sent so much of its answer, and sends no more. */
static void within_answer(struct check *check, enum peer_manner manner)
{
    const struct peer_answer answer = {.manner = manner};
    struct bench *bench = open_ready(check);
    struct peer *peer = bench_peer(bench);
    size_t answers = peer_answer_count(peer);
    int64_t until_ms = clock_monotonic_ms() + PIECE_PATIENCE_MS;
    struct bench_result result;
    struct bench_run *run;

    peer_set(peer, &answer);
    run = bench_start(bench, 0, 4 * OPERATION_MS, &result);
    while (!result.is_done && peer_answer_count(peer) == answers && clock_monotonic_ms() < until_ms)
        loop_run_once(bench_loop(bench), 5);
    if (peer_answer_count(peer) == answers)
        check_skip(check, "the operation makes no HTTP request");
    bench_run(bench, 50); /* for what was sent to arrive */
    if (run != NULL && !result.is_done)
        bench_cancel(run);
    bench_run(bench, 100);
    expect_sound(bench);
}

static void before_an_answer(struct check *check)
{
    within_answer(check, PEER_IS_SILENT);
}

static void after_the_head(struct check *check)
{
    within_answer(check, PEER_STOPS_BEFORE_BODY);
}

static void within_the_body(struct check *check)
{
    within_answer(check, PEER_STOPS_IN_BODY);
}

static void after_the_end(struct check *check)
{
    struct bench *bench = open_ready(check);

    /* Calls that overlap: one is cancelled while another has just ended. */
    for (int i = 0; i < 5; i++) {
        struct bench_result first, second;
        struct bench_run *run;

        (void)bench_start(bench, 0, OPERATION_MS, &first);
        run = bench_start(bench, 1, OPERATION_MS, &second);
        bench_wait(bench, &first);
        if (run != NULL && !second.is_done)
            bench_cancel(run);
        bench_result_clear(&first);
    }
    bench_run(bench, 100);
    expect_sound(bench);
}

static void keeps_the_deadline(struct check *check)
{
    const struct peer_answer silent = {.manner = PEER_IS_SILENT};
    struct bench *bench = open_ready(check);
    struct bench_result result;

    peer_set(bench_peer(bench), &silent);
    bench_operate(bench, 0, 300, &result);
    if (strstr(bench_misbehaviour(bench), "never_completed") != NULL)
        check_fail(check, "the call was not ended when its time was over");
    bench_result_clear(&result);
    expect_sound(bench);
}

static void takes_a_deadline_that_is_over(struct check *check)
{
    struct bench *bench = open_ready(check);

    for (int64_t timeout_ms = 0; timeout_ms >= -1000; timeout_ms -= 1000) {
        struct bench_result result;

        (void)bench_start(bench, 0, timeout_ms, &result);
        bench_wait(bench, &result);
        bench_result_clear(&result);
    }
    if (strstr(bench_misbehaviour(bench), "never_completed") != NULL)
        check_fail(check, "a call whose time is over before it starts was not ended");
    expect_sound(bench);
}

static void is_not_late(struct check *check)
{
    static const char *const kinds[] = {"completed_late", "never_completed", NULL};
    const struct peer_answer silent = {.manner = PEER_IS_SILENT};
    struct bench *bench = open_ready(check);
    struct bench_result result;

    peer_set(bench_peer(bench), &silent);
    bench_operate(bench, 0, 200, &result);
    bench_run(bench, 1000);
    bench_expect_no(bench, kinds);
}

static void destroyed_with_open_calls(struct check *check)
{
    const struct peer_answer silent = {.manner = PEER_IS_SILENT};
    struct bench *bench = open_ready(check);
    struct bench_result results[4];
    struct bench_run *runs[4];

    peer_set(bench_peer(bench), &silent);
    for (size_t i = 0; i < 4; i++)
        runs[i] = bench_start(bench, i, 10 * OPERATION_MS, &results[i]);
    bench_run(bench, 50);
    /* As the host does: everything is cancelled, and nothing waits for the ends. */
    for (size_t i = 0; i < 4; i++)
        if (runs[i] != NULL && !results[i].is_done)
            bench_cancel(runs[i]);
    bench_destroy(bench);
    bench_run(bench, 100);
    bench_expect_no(bench, NULL);
}

static void destroyed_within_an_answer(struct check *check)
{
    const struct peer_answer half = {.manner = PEER_STOPS_IN_BODY};
    struct bench *bench = open_ready(check);
    struct bench_result result;
    struct bench_run *run;

    peer_set(bench_peer(bench), &half);
    run = bench_start(bench, 0, 10 * OPERATION_MS, &result);
    bench_run(bench, 100);
    if (run != NULL && !result.is_done)
        bench_cancel(run);
    bench_destroy(bench);
    bench_expect_no(bench, NULL);
}

#define TELL                                                                                    \
    "`cancel` asks for an end: end the call's requests and timers, and complete it once, best " \
    "with SESAME_CANCELLED."

static const struct check_case cases[] = {
    {"cancel.at-once", "An operation can be cancelled right after its start.", TELL, CHECK_ANY,
     CHECK_ALL, at_once},
    {"cancel.each-step", "An operation can be cancelled after each of its first steps.", TELL,
     CHECK_ANY, CHECK_ALL, after_each_step},
    {"cancel.before-answer", "It can be cancelled while it waits for a server's answer.", TELL,
     CHECK_ANY, CHECK_ALL, before_an_answer},
    {"cancel.after-head", "It can be cancelled when the head of an answer has come.", TELL,
     CHECK_ANY, CHECK_ALL, after_the_head},
    {"cancel.within-body", "It can be cancelled in the middle of an answer's body.", TELL,
     CHECK_ANY, CHECK_ALL, within_the_body},
    {"cancel.overlapping", "Cancelling one of two operations leaves the other alone.",
     "Find the call by its handle; a handle that is over already is nothing to `cancel`.",
     CHECK_ANY, CHECK_ALL, after_the_end},
    {"cancel.deadline", "An operation ends when its time is over.",
     "Give each request the deadline of its call (`deadline_ms`); at the deadline the host calls "
     "`cancel`.",
     CHECK_ANY, CHECK_ALL, keeps_the_deadline},
    {"cancel.deadline-over", "An operation whose time is over at its start ends.",
     "A deadline in the past is no reason to wait forever, nor to take it for none.", CHECK_ANY,
     CHECK_ALL, takes_a_deadline_that_is_over},
    {"cancel.not-late", "Nothing is completed after the host gave up on it.",
     "Two seconds after `cancel` the host answers in the plugin's place and the handle is dead.",
     CHECK_ANY, CHECK_ALL, is_not_late},
    {"cancel.destroy-open", "An instance can be ended while operations are open.",
     "When `destroy` comes, requests and timers are dead already: only free.", CHECK_ANY, CHECK_ALL,
     destroyed_with_open_calls},
    {"cancel.destroy-within-answer", "An instance can be ended in the middle of an answer.",
     "No callback follows; free what was read so far.", CHECK_ANY, CHECK_ALL,
     destroyed_within_an_answer},
};

const struct check_group check_group_cancel = {"cancel", "Cancelling, deadlines, ends", cases,
                                               sizeof cases / sizeof cases[0]};
