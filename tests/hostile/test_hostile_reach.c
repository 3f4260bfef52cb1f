/* Plugins that reach for files, the network, other processes and the kernel get nothing, live on
 * and are reported. */
#include "hostile_bench.h"

#define REACHES_NOTHING(sentence, id) \
    START_TEST(sentence)              \
    {                                 \
        reaches_nothing(id);          \
    }                                 \
    END_TEST

REACHES_NOTHING(the_environment_is_empty_and_nobody_elses_can_be_read, "reads-environment")
REACHES_NOTHING(the_hosts_memory_cannot_be_read_or_written, "reads-host-memory")
REACHES_NOTHING(no_file_can_be_opened_for_reading, "opens-files")
REACHES_NOTHING(no_file_can_be_written_made_or_changed, "writes-files")
REACHES_NOTHING(io_uring_and_file_handles_are_no_way_around, "opens-by-io-uring")
REACHES_NOTHING(nothing_can_be_run_from_memory, "runs-from-memory")
REACHES_NOTHING(no_memory_becomes_code, "maps-code")
REACHES_NOTHING(there_is_no_network, "connects-out")
REACHES_NOTHING(there_are_no_sockets_on_the_machine_either, "connects-locally")
REACHES_NOTHING(nothing_can_listen, "listens")
REACHES_NOTHING(no_process_can_be_made, "forks")
REACHES_NOTHING(no_program_can_be_run, "executes")
REACHES_NOTHING(no_process_can_be_traced, "traces")
REACHES_NOTHING(no_signal_reaches_the_host, "kills-the-host")
REACHES_NOTHING(limits_stay_as_they_are, "raises-its-limits")
REACHES_NOTHING(it_cannot_be_made_dumpable_or_outlive_the_host, "makes-itself-dumpable")
REACHES_NOTHING(no_right_can_be_taken, "becomes-root")
REACHES_NOTHING(no_namespace_can_be_made, "opens-namespaces")
REACHES_NOTHING(nothing_can_be_mounted, "mounts")
REACHES_NOTHING(keys_bpf_perf_and_the_rest_of_the_kernel_are_closed, "asks-the-kernel-for-more")
REACHES_NOTHING(the_filters_signal_cannot_be_caught, "catches-the-filters-signal")
REACHES_NOTHING(descriptors_cannot_be_made, "takes-all-descriptors")

START_TEST(a_refusal_that_cannot_be_told_ends_the_process)
{
    loses_its_process("blocks-signals", 20000, "ended by SIGSYS");
}
END_TEST

START_TEST(a_shell_cannot_be_run)
{
    loses_its_process("runs-a-shell", 20000, "ended by SIGSYS");
}
END_TEST

#if defined(__x86_64__)
START_TEST(the_system_calls_of_another_machine_end_the_process)
{
    loses_its_process("speaks-another-machine", 20000, "ended by SIGSYS");
}
END_TEST

START_TEST(the_system_calls_of_another_abi_end_the_process)
{
    loses_its_process("speaks-another-abi", 20000, "ended by SIGSYS");
}
END_TEST
#endif

/* ---- while the library is loaded ------------------------------------------------------------- */

REACHES_NOTHING(constructors_reach_nothing_either, "reaches-out-at-load")
REACHES_NOTHING(a_thread_of_a_constructor_is_held_back_with_the_rest, "starts-threads-at-load")
REACHES_NOTHING(signals_taken_by_a_constructor_are_given_back, "takes-signals-at-load")

static void is_not_loaded(const char *id, const char *reason)
{
    struct error err = {0};

    ck_assert(!tool_bench_load(&bench, id, hostile_config(), &err));
    ck_assert_msg(strstr(err.message, reason) != NULL, "%s", err.message);
    no_child_is_left();
}

START_TEST(a_library_whose_threads_do_not_take_the_restrictions_is_not_run)
{
    is_not_loaded("filters-at-load", "it cannot be held back");
}
END_TEST

START_TEST(a_constructor_cannot_speak_for_the_process)
{
    is_not_loaded("pretends-at-load", "it broke the protocol");
}
END_TEST

START_TEST(a_constructor_that_dies_is_an_error_of_the_start)
{
    is_not_loaded("dies-at-load", "ended by SIGABRT");
}
END_TEST

START_TEST(a_constructor_that_never_ends_is_an_error_of_the_start)
{
    is_not_loaded("never-ends-loading", "no answer in time");
}
END_TEST

START_TEST(a_library_that_describes_itself_otherwise_the_second_time_is_refused)
{
    is_not_loaded("changes-its-descriptor", "describes itself differently than before");
}
END_TEST

START_TEST(an_instance_that_dies_at_the_start_is_an_error_of_the_start)
{
    is_not_loaded("dies-at-the-start", "ended by SIGABRT");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_environment_is_empty_and_nobody_elses_can_be_read,
        the_hosts_memory_cannot_be_read_or_written,
        no_file_can_be_opened_for_reading,
        no_file_can_be_written_made_or_changed,
        io_uring_and_file_handles_are_no_way_around,
        nothing_can_be_run_from_memory,
        no_memory_becomes_code,
        there_is_no_network,
        there_are_no_sockets_on_the_machine_either,
        nothing_can_listen,
        no_process_can_be_made,
        no_program_can_be_run,
        no_process_can_be_traced,
        no_signal_reaches_the_host,
        limits_stay_as_they_are,
        it_cannot_be_made_dumpable_or_outlive_the_host,
        no_right_can_be_taken,
        no_namespace_can_be_made,
        nothing_can_be_mounted,
        keys_bpf_perf_and_the_rest_of_the_kernel_are_closed,
        the_filters_signal_cannot_be_caught,
        descriptors_cannot_be_made,
        a_refusal_that_cannot_be_told_ends_the_process,
        a_shell_cannot_be_run,
#if defined(__x86_64__)
        the_system_calls_of_another_machine_end_the_process,
        the_system_calls_of_another_abi_end_the_process,
#endif
        constructors_reach_nothing_either,
        a_thread_of_a_constructor_is_held_back_with_the_rest,
        signals_taken_by_a_constructor_are_given_back,
        a_library_whose_threads_do_not_take_the_restrictions_is_not_run,
        a_constructor_cannot_speak_for_the_process,
        a_constructor_that_dies_is_an_error_of_the_start,
        a_constructor_that_never_ends_is_an_error_of_the_start,
        a_library_that_describes_itself_otherwise_the_second_time_is_refused,
        an_instance_that_dies_at_the_start_is_an_error_of_the_start,
        NULL,
    };

    return run_tests("hostile plugins that reach out", tests, hostile_set_up, hostile_tear_down);
}
