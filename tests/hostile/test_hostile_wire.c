/* Plugins that write to the host's socket themselves lose their process, and only that. */
#include "hostile_bench.h"

#define BREAKS_THE_PROTOCOL(sentence, id)                                    \
    START_TEST(sentence)                                                     \
    {                                                                        \
        loses_its_process(id, 20000, "ended because it broke the protocol"); \
    }                                                                        \
    END_TEST

BREAKS_THE_PROTOCOL(garbage_is_no_frame, "sends-garbage")
BREAKS_THE_PROTOCOL(a_frame_that_claims_to_be_huge_is_not_waited_for, "claims-huge-frames")
BREAKS_THE_PROTOCOL(a_count_beyond_the_frame_is_not_believed, "lies-about-counts")
BREAKS_THE_PROTOCOL(a_length_beyond_the_frame_is_not_believed, "lies-about-lengths")
BREAKS_THE_PROTOCOL(what_is_left_in_a_frame_is_not_overlooked, "adds-to-frames")
BREAKS_THE_PROTOCOL(guards_cannot_be_claimed_later, "forges-guards")
BREAKS_THE_PROTOCOL(a_sign_of_life_nobody_asked_for_is_none, "answers-before-it-is-asked")

START_TEST(half_a_frame_and_silence_is_silence)
{
    hostile_open("stops-within-a-frame");
    hostile_act(100);
    ck_assert_int_eq(bench.status, SESAME_TIMED_OUT);
    PEER_RUN_UNTIL(bench.loop, is_reported("crashed"));
    it_still_answers();
}
END_TEST

START_TEST(two_gigabytes_are_not_taken)
{
    int64_t before_bytes = mapped_bytes();

    loses_its_process("sends-two-gigabytes", 50000, "broke the rules too often");
    IS_REPORTED("unknown_handle");
    ck_assert_int_lt(mapped_bytes() - before_bytes, 64 << 20);
}
END_TEST

START_TEST(a_plugin_that_does_not_read_is_ended)
{
    int64_t before_bytes = mapped_bytes();

    loses_its_process("does-not-read", 50000, "does not read what it is sent");
    ck_assert_int_lt(mapped_bytes() - before_bytes, 64 << 20);
}
END_TEST

START_TEST(descriptors_that_are_sent_are_not_kept)
{
    int before;

    hostile_open("sends-descriptors");
    ck_assert_int_eq(tool_bench_call(&bench, "rest", "{}"), SESAME_OK);
    before = count_descriptors();
    hostile_act(20000);
    ck_assert_int_eq(bench.status, SESAME_OK);
    ck_assert_int_eq(count_descriptors(), before);
    it_still_answers();
}
END_TEST

START_TEST(stolen_frames_are_only_its_own)
{
    hostile_open("steals-frames");
    hostile_act(100);
    ck_assert_int_eq(bench.status, SESAME_TIMED_OUT);
    PEER_RUN_UNTIL(bench.loop, is_reported("crashed"));
    it_still_answers();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        garbage_is_no_frame,
        a_frame_that_claims_to_be_huge_is_not_waited_for,
        a_count_beyond_the_frame_is_not_believed,
        a_length_beyond_the_frame_is_not_believed,
        what_is_left_in_a_frame_is_not_overlooked,
        guards_cannot_be_claimed_later,
        a_sign_of_life_nobody_asked_for_is_none,
        half_a_frame_and_silence_is_silence,
        two_gigabytes_are_not_taken,
        a_plugin_that_does_not_read_is_ended,
        descriptors_that_are_sent_are_not_kept,
        stolen_frames_are_only_its_own,
        NULL,
    };

    return run_tests("hostile plugins on the wire", tests, hostile_set_up, hostile_tear_down);
}
