/* What bounds a turn: its time, its output, calls at once, results; and the order of results. */
#include "turn_bench.h"

#define CALLS(count_)                                                                           \
    {                                                                                           \
        .name = "act", .arguments = "{\"n\":1}", .calls = (count_), .finish = FINISH_TOOL_CALLS \
    }

static void finish_held(int index, const char *result_text)
{
    tool_says = result_text;
    finish_run(held_runs[index]);
}

START_TEST(results_stand_in_the_order_of_the_calls_whichever_ends_first)
{
    static const struct say lines[] = {CALLS(3), TEXT("done")};
    const char *first, *second, *third;

    holds_runs = true;
    start_turn(lines, 2);
    PEER_RUN_UNTIL(loop, runs == 3);
    finish_held(2, "of the third");
    finish_held(0, "of the first");
    finish_held(1, "of the second");
    PEER_RUN_UNTIL(loop, dones == 1);
    first = strstr(last_messages, "of the first");
    second = strstr(last_messages, "of the second");
    third = strstr(last_messages, "of the third");
    ck_assert_ptr_nonnull(first);
    ck_assert(first < second && second < third);
}
END_TEST

START_TEST(no_more_run_at_once_than_may)
{
    static const struct say lines[] = {CALLS(5), TEXT("done")};

    limits.turn_parallel_tool_calls = 2;
    holds_runs = true;
    start_turn(lines, 2);
    PEER_RUN_UNTIL(loop, runs == 2);
    for (int i = 0; i < 5; i++) {
        int expected = i + 2 < 5 ? i + 2 : 5;

        for (int turns = 0; turns < 3; turns++)
            loop_run_once(loop, 0);
        ck_assert_int_eq(runs, expected);
        finish_held(i, "result");
    }
    PEER_RUN_UNTIL(loop, dones == 1);
    ck_assert_str_eq(outcomes, "ok ok ok ok ok ");
}
END_TEST

/* At a character's boundary: each of these has two bytes. */
START_TEST(a_result_beyond_the_limit_is_cut_and_says_so)
{
    static char large[2002];

    for (size_t i = 0; i < 2000; i += 2)
        memcpy(large + i, "\xC3\xA9", 2);
    limits.tool_result_bytes = 1001;
    tool_says = large;
    RUN(CALL("{\"n\":1}"), TEXT("done"));
    ck_assert_ptr_nonnull(
        strstr(last_messages, "\xC3\xA9\\n[cut: 1000 of 2000 bytes are left out]\""));
    ck_assert_str_eq(outcomes, "ok ");
}
END_TEST

START_TEST(a_turn_that_showed_something_ends_at_its_time_with_length)
{
    static const struct say lines[] = {{.text = "I look",
                                        .name = "act",
                                        .arguments = "{\"n\":1}",
                                        .calls = 1,
                                        .finish = FINISH_TOOL_CALLS}};

    limits.turn_s = 1;
    holds_runs = true;
    start_turn(lines, 1);
    PEER_RUN_UNTIL(loop, dones == 1);
    ck_assert_ptr_null(result.err);
    ck_assert_int_eq(result.finish, FINISH_LENGTH);
    ck_assert_int_eq(runs_cancelled, 1);
}
END_TEST

START_TEST(a_turn_that_showed_nothing_ends_at_its_time_with_an_error)
{
    static const struct say lines[] = {{.is_silent = true}};

    limits.turn_s = 1;
    start_turn(lines, 1);
    PEER_RUN_UNTIL(loop, dones == 1);
    ck_assert_int_eq(result_error.code, ERROR_TIMED_OUT);
    ck_assert_ptr_nonnull(strstr(result_error.message, "limits.turn_s"));
    ck_assert_int_eq(chats_cancelled, 1);
}
END_TEST

START_TEST(a_call_that_fails_as_the_time_ends_does_not_turn_it_into_an_error)
{
    static const struct say lines[] = {{.text = "I look", .fails_of_time = true}};

    limits.turn_s = 1;
    start_turn(lines, 1);
    PEER_RUN_UNTIL(loop, dones == 1);
    ck_assert_ptr_null(result.err);
    ck_assert_int_eq(result.finish, FINISH_LENGTH);
}
END_TEST

START_TEST(a_call_that_fails_as_the_time_ends_leaves_the_reason_to_the_turn)
{
    static const struct say lines[] = {{.fails_of_time = true}};

    limits.turn_s = 1;
    start_turn(lines, 1);
    PEER_RUN_UNTIL(loop, dones == 1);
    ck_assert_ptr_nonnull(strstr(result_error.message, "limits.turn_s"));
}
END_TEST

START_TEST(a_model_that_talks_without_end_is_stopped)
{
    static const struct say lines[] = {{.text = "0123456789", .repeats_text = true}};

    limits.turn_output_bytes = 95;
    start_turn(lines, 1);
    PEER_RUN_UNTIL(loop, dones == 1);
    ck_assert_ptr_null(result.err);
    ck_assert_int_eq(result.finish, FINISH_LENGTH);
    ck_assert_uint_eq(strlen(said), 100); /* the delta that is too much is the last */
    ck_assert_int_eq(chats_cancelled, 1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        results_stand_in_the_order_of_the_calls_whichever_ends_first,
        no_more_run_at_once_than_may,
        a_result_beyond_the_limit_is_cut_and_says_so,
        a_turn_that_showed_something_ends_at_its_time_with_length,
        a_turn_that_showed_nothing_ends_at_its_time_with_an_error,
        a_call_that_fails_as_the_time_ends_does_not_turn_it_into_an_error,
        a_call_that_fails_as_the_time_ends_leaves_the_reason_to_the_turn,
        a_model_that_talks_without_end_is_stopped,
        NULL,
    };

    return run_tests("turn_limits", tests, set_up, tear_down);
}
