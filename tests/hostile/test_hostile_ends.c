/* Plugins that use up what they have, die, or will not end: the calls in flight are answered, the
 * next process answers, nothing is left behind, and others do not notice. */
#include "hostile_bench.h"

#include "base/cleanup.h"
#include "base/text.h"

#define LOSES_ITS_PROCESS(sentence, id, timeout_ms, reason) \
    START_TEST(sentence)                                    \
    {                                                       \
        loses_its_process(id, timeout_ms, reason);          \
    }                                                       \
    END_TEST

LOSES_ITS_PROCESS(a_stack_overflow_costs_one_process, "overflows-its-stack", 20000,
                  "ended by SIGSEGV")
LOSES_ITS_PROCESS(a_wild_jump_costs_one_process, "jumps-to-nowhere", 20000, "ended by SIGSEGV")
LOSES_ITS_PROCESS(an_abort_costs_one_process, "aborts", 20000, "ended by SIGABRT")
#ifdef __SANITIZE_ADDRESS__ /* which looks for leaks at the end, and may not */
#define QUIET_EXIT "ended by SIGSYS"
#else
#define QUIET_EXIT "ended with status 0"
#endif
LOSES_ITS_PROCESS(an_exit_costs_one_process, "exits-quietly", 20000, QUIET_EXIT)
LOSES_ITS_PROCESS(a_signal_to_itself_costs_one_process, "kills-itself", 20000, "ended by SIGKILL")
LOSES_ITS_PROCESS(a_closed_connection_costs_one_process, "closes-its-connection", 20000,
                  "closed its connection to the host")
LOSES_ITS_PROCESS(a_thread_bomb_is_ended, "bombs-threads", 60000, "started too many threads")

/* ---- time and room --------------------------------------------------------------------------- */

/* The host answers at the deadline; once no call is open, silence is no longer work. */
static void runs_out_of_time(const char *id)
{
    hostile_open(id);
    hostile_act(100);
    ck_assert_int_eq(bench.status, SESAME_TIMED_OUT);
    PEER_RUN_UNTIL(bench.loop, is_reported("crashed"));
    it_still_answers();
    IS_REPORTED("never_completed");
    TOOL_BENCH_LOG_HAS(&bench, "ended because it no longer answered");
}

START_TEST(a_plugin_that_spins_is_ended_when_its_time_is_over)
{
    runs_out_of_time("spins");
}
END_TEST

START_TEST(a_plugin_that_sleeps_forever_is_ended_when_its_time_is_over)
{
    runs_out_of_time("sleeps-forever");
}
END_TEST

START_TEST(a_plugin_that_works_within_its_time_is_left_alone)
{
    hostile_open("spins");
    tool_bench_start(&bench, "act", "{}", 60000);
    for (int64_t until_ms = clock_monotonic_ms() + 1500; clock_monotonic_ms() < until_ms;)
        loop_run_once(bench.loop, 10); /* three times the silence that ends an idle one */
    ck_assert_int_eq(bench.done_count, 0);
    ck_assert_str_eq(bench.misbehaviour, "");
    tool_run_cancel(TAKE(bench.run));
}
END_TEST

START_TEST(work_behind_the_hosts_back_is_ended)
{
    hostile_open("works-in-the-background");
    hostile_act(20000);
    ck_assert_str_eq(bench.text, "begun");
    PEER_RUN_UNTIL(bench.loop, is_reported("crashed"));
    it_still_answers();
    TOOL_BENCH_LOG_HAS(&bench, "used too much processor time while no call was open");
}
END_TEST

#ifndef __SANITIZE_ADDRESS__ /* there is no limit then, see core/sandbox/guard.c */
START_TEST(memory_ends_at_the_limit)
{
    int64_t mebibytes;

    hostile_open("allocates-without-end");
    hostile_act(60000);
    ck_assert_int_eq(bench.status, SESAME_OK);
    ck_assert(parse_int64(bench.text, strcspn(bench.text, " "), &mebibytes));
    ck_assert_int_gt(mebibytes, 100);
    ck_assert_int_lt(mebibytes, 513);
    it_still_answers();
}
END_TEST
#endif

/* ---- starting again -------------------------------------------------------------------------- */

/* The bench's limits: 1 ms at first, 4 ms at most. */
static void the_delays_grew_to_their_limit(void)
{
    static const char *const starts[] = {"in_a_row=1 delay_ms=0", "in_a_row=2 delay_ms=1",
                                         "in_a_row=3 delay_ms=2", "in_a_row=4 delay_ms=4",
                                         "in_a_row=5 delay_ms=4"};
    char *log = tool_bench_log(&bench), *at = log;

    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        at = strstr(at, starts[i]);
        ck_assert_msg(at != NULL, "no %s in its place: %s", starts[i], log);
    }
    free(log);
}

START_TEST(a_plugin_that_dies_again_and_again_is_given_up_and_says_why)
{
    hostile_open("aborts");
    for (int i = 0; i < 9; i++) {
        hostile_act(20000);
        ck_assert_int_eq(bench.status, SESAME_UNAVAILABLE);
    }
    IS_REPORTED("given_up");
    ck_assert_int_eq(tool_bench_call(&bench, "rest", "{}"), SESAME_UNAVAILABLE);
    ck_assert_msg(strstr(bench.text,
                         "failed too often and is not started again: ended by "
                         "SIGABRT") != NULL,
                  "%s", bench.text);
    no_child_is_left();
    the_delays_grew_to_their_limit();
}
END_TEST

/* Calls that come while there is no process wait for the next one. */
START_TEST(a_call_during_the_restart_is_held_and_answered)
{
    hostile_open("aborts");
    for (int i = 0; i < 5; i++) {
        hostile_act(20000);
        ck_assert_int_eq(tool_bench_call(&bench, "rest", "{}"), SESAME_OK);
    }
}
END_TEST

/* ---- the end --------------------------------------------------------------------------------- */

START_TEST(a_plugin_that_will_not_end_is_ended_in_time)
{
    int64_t started_at_ms;

    hostile_open("does-not-want-to-end");
    hostile_act(20000);
    ck_assert_str_eq(bench.text, "contained");
    started_at_ms = clock_monotonic_ms();
    tool_bench_stop(&bench);
    ck_assert_int_lt(clock_monotonic_ms() - started_at_ms, 5000);
    no_child_is_left();
}
END_TEST

/* What the library's file and the log need stays open; a life of the plugin adds nothing. */
START_TEST(no_process_and_no_descriptor_is_left_behind)
{
    int before = 0;

    for (int i = 0; i < 4; i++) {
        hostile_open("aborts");
        hostile_act(20000);
        it_still_answers();
        tool_bench_stop(&bench);
        no_child_is_left();
        if (i == 0)
            before = count_descriptors();
    }
    ck_assert_int_eq(count_descriptors(), before);
}
END_TEST

/* Its process is the child of the thread that keeps it. */
static int find_child(void)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *task;
    char path[300];
    int child = 0;

    while (child == 0 && (task = readdir(tasks)) != NULL) {
        FILE *children;

        snprintf(path, sizeof path, "/proc/self/task/%s/children", task->d_name);
        children = task->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (children == NULL)
            continue;
        if (fscanf(children, "%d", &child) != 1)
            child = 0;
        fclose(children);
    }
    closedir(tasks);
    return child;
}

/* This program again, as a host that keeps a plugin which blocks all signals. */
START_TEST(being_a_host)
{
    const char *text = getenv("SESAME_TEST_BE_A_HOST");
    int64_t fd = -1;
    int child;

    ck_assert(parse_int64(text, strlen(text), &fd));
    hostile_open("does-not-want-to-end");
    hostile_act(20000);
    child = find_child();
    ck_assert_int_eq(write((int)fd, &child, sizeof child), sizeof child);
    while (true)
        pause();
}
END_TEST

START_TEST(a_host_that_is_killed_takes_the_plugin_with_it)
{
    int ready[2], child = 0;
    pid_t host;

    ck_assert_int_eq(pipe(ready), 0);
    host = fork();
    if (host == 0) {
        char fd[12];

        snprintf(fd, sizeof fd, "%d", ready[1]);
        setenv("SESAME_TEST_BE_A_HOST", fd, 1);
        setenv("CK_FORK", "no", 1);
        execl("/proc/self/exe", "host", (char *)NULL);
        _exit(1);
    }
    ck_assert_int_eq(read(ready[0], &child, sizeof child), sizeof child);
    ck_assert_int_gt(child, 1);
    ck_assert_int_eq(kill(child, 0), 0);
    ck_assert_int_eq(kill(host, SIGKILL), 0);
    ck_assert_int_eq(waitpid(host, NULL, 0), host);
    PEER_RUN_UNTIL(bench.loop, kill(child, 0) != 0);
}
END_TEST

/* ---- others do not notice -------------------------------------------------------------------- */

#define CRASHES 1000

struct neighbour {
    struct tool_config config;
    struct tool_host *host;
    struct tool_port *port;
    int asked, answered, failed;
    bool is_open;
};

static void on_neighbour_done(void *arg, const struct tool_run_result *result)
{
    struct neighbour *neighbour = arg;

    neighbour->is_open = false;
    neighbour->answered++;
    if (result->status != SESAME_OK || strncmp(result->text, "rested", 6) != 0)
        neighbour->failed++;
}

/* Another tool, in a process of its own. */
static void open_neighbour(struct neighbour *neighbour)
{
    struct plugin_home home = {bench.loop, bench.http, bench.credentials};
    struct tool_host_options options = {.config = &neighbour->config,
                                        .placement = PLACEMENT_PROCESS,
                                        .broker = bench.broker,
                                        .watch = {tool_bench_misbehaved, &bench},
                                        .result_max_bytes = 1 << 20,
                                        .json_depth = 64};
    struct error err = {0};

    neighbour->config = (struct tool_config){.name = (char[]){"neighbour"},
                                             .plugin = (char[]){"kills-itself"},
                                             .config_json = (char[]){"{}"}};
    options.library = tool_bench_library(&bench, "kills-itself", &err);
    ck_assert_msg(options.library != NULL, "%s", err.message);
    neighbour->host = tool_host_new(&options, &err);
    ck_assert_msg(neighbour->host != NULL, "%s", err.message);
    neighbour->port = tool_port_new(neighbour->host, &home, &err);
    PEER_RUN_UNTIL(bench.loop, tool_port_functions(neighbour->port, NULL) != NULL);
}

static void ask_neighbour(struct neighbour *neighbour)
{
    static const struct tool_run_events events = {NULL, on_neighbour_done};
    struct tool_run_request request = {.function = "rest",
                                       .arguments = "{}",
                                       .arguments_len = 2,
                                       .context = "{}",
                                       .deadline_ms = clock_monotonic_ms() + 20000};
    struct error err = {0};

    if (neighbour->is_open)
        return;
    neighbour->is_open = true;
    neighbour->asked++;
    ck_assert(tool_port_call(neighbour->port, &request, &events, neighbour, &err) != NULL);
}

static void close_neighbour(struct neighbour *neighbour)
{
    bool has_stopped = false;

    PEER_RUN_UNTIL(bench.loop, !neighbour->is_open);
    tool_port_stop(neighbour->port, tool_bench_set, &has_stopped);
    PEER_RUN_UNTIL(bench.loop, has_stopped);
    tool_port_free(neighbour->port);
    tool_host_free(neighbour->host);
}

/* Only the call that kills is lost, each time; the tool's own next one and all of another tool's
 * are answered. */
START_TEST(a_thousand_crashes_cost_no_other_request)
{
    struct neighbour neighbour = {.asked = 0};
    int descriptors = 0;

    hostile_open("kills-itself");
    open_neighbour(&neighbour);
    for (int i = 0; i < CRASHES; i++) {
        if (i == 10)
            descriptors = count_descriptors();
        ask_neighbour(&neighbour);
        hostile_act(20000);
        ck_assert_msg(bench.status == SESAME_UNAVAILABLE, "crash %d: %s", i, bench.text);
        ck_assert_msg(strstr(bench.text, "SIGKILL") != NULL, "crash %d: %s", i, bench.text);
        ask_neighbour(&neighbour);
        ck_assert_int_eq(tool_bench_call(&bench, "rest", "{}"), SESAME_OK);
        bench.misbehaviour[0] = '\0';
    }
    close_neighbour(&neighbour);
    ck_assert_int_eq(neighbour.failed, 0);
    ck_assert_int_eq(neighbour.answered, neighbour.asked);
    ck_assert_int_ge(neighbour.answered, CRASHES);
    ck_assert_int_le(count_descriptors(), descriptors);
}
END_TEST

int main(void)
{
    const TTest *const host[] = {being_a_host, NULL};
    const TTest *const tests[] = {
        a_stack_overflow_costs_one_process,
        a_wild_jump_costs_one_process,
        an_abort_costs_one_process,
        an_exit_costs_one_process,
        a_signal_to_itself_costs_one_process,
        a_closed_connection_costs_one_process,
        a_thread_bomb_is_ended,
        a_plugin_that_spins_is_ended_when_its_time_is_over,
        a_plugin_that_sleeps_forever_is_ended_when_its_time_is_over,
        a_plugin_that_works_within_its_time_is_left_alone,
        work_behind_the_hosts_back_is_ended,
#ifndef __SANITIZE_ADDRESS__
        memory_ends_at_the_limit,
#endif
        a_plugin_that_dies_again_and_again_is_given_up_and_says_why,
        a_call_during_the_restart_is_held_and_answered,
        a_plugin_that_will_not_end_is_ended_in_time,
        no_process_and_no_descriptor_is_left_behind,
        a_host_that_is_killed_takes_the_plugin_with_it,
        a_thousand_crashes_cost_no_other_request,
        NULL,
    };

    if (getenv("SESAME_TEST_BE_A_HOST") != NULL)
        return run_tests("a host", host, hostile_set_up, hostile_tear_down);
    return run_tests("hostile plugins that end", tests, hostile_set_up, hostile_tear_down);
}
