/* The command plugin, built and loaded: programs that behave and programs that do not. */
#include "../../support/run.h"
#include "../../support/tool_bench.h"

#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static struct tool_bench bench;
static char program[200]; /* a copy of our own, so that it can be changed, and found by its name */
static char folder[64];
static char *arguments[3];
static char host_environment[] = "SESAME_CANARY=canary-environment";

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    fclose(file);
}

static void copy_program(const char *to)
{
    char command[1200];

    snprintf(command, sizeof command, "cp %s/command_program %s && chmod 755 %s",
             tool_bench_build_folder(), to, to);
    ck_assert_int_eq(system(command), 0);
}

static void set_up(void)
{
    putenv(host_environment);
    snprintf(folder, sizeof folder, "/tmp/sesame-command-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(program, sizeof program, "%s/program", folder);
    copy_program(program);
    tool_bench_init(&bench, NULL, 0);
    bench.config.program.path = program;
    bench.config.program.arguments = arguments;
    bench.config.program.memory_bytes = (int64_t)512 << 20;
}

static void tear_down(void)
{
    char command[100];

    tool_bench_close(&bench);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* The tool with a program that does `act`, with `more` members of configuration. */
static bool try_open(const char *act, const char *argument, const char *more, struct error *err)
{
    static char texts[2][200];
    char config[400];

    snprintf(texts[0], sizeof texts[0], "%s", act);
    snprintf(texts[1], sizeof texts[1], "%s", argument == NULL ? "" : argument);
    arguments[0] = texts[0];
    arguments[1] = texts[1];
    bench.config.program.argument_count = argument == NULL ? 1 : 2;
    snprintf(config, sizeof config, "{\"name\":\"run\",\"description\":\"Runs it.\"%s}", more);
    return tool_bench_try_open(&bench, "command", config, err);
}

static void open_program(const char *act, const char *argument, const char *more)
{
    struct error err = {0};

    ck_assert_msg(try_open(act, argument, more, &err), "%s", err.message);
    ck_assert_msg(tool_bench_wait_for_list(&bench), "%s", tool_bench_list_error(&bench));
}

static void run_program(const char *act, const char *argument, const char *more)
{
    open_program(act, argument, more);
    tool_bench_call(&bench, "run", "{}");
}

/* ---- processes ------------------------------------------------------------------------------- */

/* One whose first argument is `name` and that is no zombie, or 0. */
static pid_t find_process(const char *name)
{
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    int64_t found = 0;

    while ((entry = readdir(processes)) != NULL) {
        char path[300], text[300] = "";
        int64_t pid;
        int fd;

        if (!parse_int64(entry->d_name, strlen(entry->d_name), &pid))
            continue;
        snprintf(path, sizeof path, "/proc/%s/cmdline", entry->d_name);
        fd = open(path, O_RDONLY);
        if (fd < 0)
            continue;
        if (read(fd, text, sizeof text - 1) > 0 && strcmp(text, name) == 0)
            found = pid;
        close(fd);
    }
    closedir(processes);
    return (pid_t)found;
}

static void start_and_wait_for_program(void)
{
    tool_bench_start(&bench, "run", "{}", 20000);
    PEER_RUN_UNTIL(bench.loop, find_process(program) != 0);
}

/* ---- programs that behave -------------------------------------------------------------------- */

START_TEST(a_program_reads_the_arguments_and_prints_the_result)
{
    open_program("copy", NULL, "");
    ck_assert_int_eq(tool_bench_call(&bench, "run", "{\"a\":[1.50,\"\\u676d\"]}"), SESAME_OK);
    ck_assert_str_eq(bench.text, "{\"a\":[1.50,\"\\u676d\"]}");
    ck_assert(!bench.is_error);
}
END_TEST

START_TEST(a_large_input_and_output_pass_whole)
{
    size_t len = 900000;
    char *text = malloc(len + 40);

    memcpy(text, "{\"a\":\"", 6);
    memset(text + 6, 'x', len);
    memcpy(text + 6 + len, "\"}", 3);
    open_program("copy", NULL, "");
    ck_assert_int_eq(tool_bench_call(&bench, "run", text), SESAME_OK);
    ck_assert_str_eq(bench.text, text);
    free(text);
}
END_TEST

START_TEST(a_status_that_is_not_0_is_an_error_and_its_words_go_to_the_log)
{
    run_program("end", NULL, "");
    ck_assert_int_eq(bench.status, SESAME_OK);
    ck_assert(bench.is_error);
    ck_assert_str_eq(bench.text, "the program ended with status 3: some output");
    TOOL_BENCH_LOG_HAS(&bench, "first line");
    TOOL_BENCH_LOG_HAS(&bench, "second line");
}
END_TEST

START_TEST(output_that_must_be_json_is_checked)
{
    static const struct {
        const char *output, *text;
        bool is_error;
    } rows[] = {{"{\"a\":1}", "{\"a\":1}", false},
                {"{\"a\":1", "the program's output is no JSON: ", true},
                {"", "the program's output is no JSON: ", true}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        run_program("print", rows[i].output, ",\"output\":\"json\"");
        ck_assert_int_eq(bench.status, SESAME_OK);
        ck_assert_msg(strncmp(bench.text, rows[i].text, strlen(rows[i].text)) == 0, "%s",
                      bench.text);
        ck_assert_int_eq(bench.is_error, rows[i].is_error);
        tool_bench_stop(&bench);
    }
}
END_TEST

START_TEST(a_program_may_use_threads_and_the_memory_it_was_given)
{
    run_program("threads", "4", "");
    ck_assert_str_eq(bench.text, "{}");
    tool_bench_stop(&bench);
    run_program("allocate", "100", "");
    ck_assert_str_eq(bench.text, "given");
}
END_TEST

START_TEST(a_script_is_run_by_its_interpreter_which_may_read_it)
{
    char script[100], *reads[] = {script};

    snprintf(script, sizeof script, "%s/script.py", folder);
    write_file(script,
               "import json, sys\nargs = json.load(sys.stdin)\n"
               "print(json.dumps({'sum': sum(args['n'])}))\n");
    bench.config.program.path = (char[]){"/usr/bin/python3"};
    bench.config.program.reads = reads;
    bench.config.program.read_count = 1;
    open_program("-I", script, ",\"output\":\"json\"");
    ck_assert_int_eq(tool_bench_call(&bench, "run", "{\"n\":[1,2,39]}"), SESAME_OK);
    ck_assert_str_eq(bench.text, "{\"sum\": 42}\n");
}
END_TEST

/* ---- programs that do not -------------------------------------------------------------------- */

START_TEST(a_program_reaches_nothing)
{
    run_program("reach", NULL, "");
    ck_assert_msg(bench.status == SESAME_OK, "%s", bench.text);
    ck_assert_str_eq(bench.text, "contained");
}
END_TEST

START_TEST(a_program_reads_what_was_granted_and_nothing_beside_it)
{
    char granted[100], beside[100], *reads[] = {granted};

    snprintf(granted, sizeof granted, "%s/granted", folder);
    snprintf(beside, sizeof beside, "%s/beside", folder);
    write_file(granted, "for the program");
    write_file(beside, "for nobody");
    bench.config.program.reads = reads;
    bench.config.program.read_count = 1;
    run_program("read", granted, "");
    ck_assert_str_eq(bench.text, "for the program");
    tool_bench_stop(&bench);
    run_program("read", beside, "");
    ck_assert_str_eq(bench.text, "Permission denied");
}
END_TEST

START_TEST(a_program_that_dies_is_told_with_its_signal)
{
    run_program("abort", NULL, "");
    ck_assert_int_eq(bench.status, SESAME_UNAVAILABLE);
    ck_assert_str_eq(bench.text, "the program was ended by SIGABRT");
}
END_TEST

START_TEST(a_program_that_takes_too_long_is_ended)
{
    if (tool_bench_placement != PLACEMENT_INLINE)
        return; /* a second is a second everywhere */
    open_program("spin", NULL, ",\"timeout_s\":1");
    tool_bench_call(&bench, "run", "{}");
    ck_assert_int_eq(bench.status, SESAME_TIMED_OUT);
    ck_assert_int_eq(find_process(program), 0);
}
END_TEST

START_TEST(a_program_does_not_outlive_its_calls_deadline)
{
    open_program("pause", NULL, "");
    tool_bench_start(&bench, "run", "{}", 100);
    PEER_RUN_UNTIL(bench.loop, bench.done_count == 1);
    ck_assert_int_eq(bench.status, SESAME_TIMED_OUT);
    PEER_RUN_UNTIL(bench.loop, find_process(program) == 0);
}
END_TEST

START_TEST(a_program_does_not_outlive_its_cancelled_call)
{
    open_program("pause", NULL, "");
    start_and_wait_for_program();
    tool_run_cancel(bench.run);
    PEER_RUN_UNTIL(bench.loop, find_process(program) == 0);
}
END_TEST

START_TEST(a_program_does_not_outlive_its_tool)
{
    open_program("pause", NULL, "");
    start_and_wait_for_program();
    tool_run_cancel(bench.run);
    tool_bench_stop(&bench);
    ck_assert_int_eq(find_process(program), 0);
    bench.misbehaviour[0] = '\0';
}
END_TEST

START_TEST(a_program_does_not_outlive_its_tools_process)
{
    char sandbox[600];

    bench.placement = PLACEMENT_PROCESS;
    open_program("pause", NULL, "");
    start_and_wait_for_program();
    snprintf(sandbox, sizeof sandbox, "%s/sesame-sandbox", tool_bench_build_folder());
    for (pid_t child = 0; (child = find_process(sandbox)) != 0 && bench.done_count == 0;) {
        kill(child, SIGKILL);
        loop_run_once(bench.loop, 10);
    }
    PEER_RUN_UNTIL(bench.loop, bench.done_count == 1);
    ck_assert_int_eq(bench.status, SESAME_UNAVAILABLE);
    PEER_RUN_UNTIL(bench.loop, find_process(program) == 0);
    bench.misbehaviour[0] = '\0'; /* the crash is counted */
}
END_TEST

START_TEST(a_program_does_not_outlive_the_host)
{
    pid_t host = fork();

    if (host == 0) {
        open_program("pause", NULL, "");
        start_and_wait_for_program();
        raise(SIGKILL);
    }
    ck_assert_int_eq(waitpid(host, NULL, 0), host);
    for (int i = 0; i < 500 && find_process(program) != 0; i++)
        loop_run_once(bench.loop, 10);
    ck_assert_int_eq(find_process(program), 0);
}
END_TEST

START_TEST(output_beyond_its_limit_ends_the_program)
{
    run_program("flood", "1", ",\"output_max_bytes\":100000");
    ck_assert_int_eq(bench.status, SESAME_LIMIT);
    ck_assert_str_eq(bench.text, "the program prints more than allowed");
    tool_bench_stop(&bench);
    run_program("flood", "2", "");
    ck_assert_int_eq(bench.status, SESAME_LIMIT);
}
END_TEST

START_TEST(memory_and_threads_beyond_their_limits_are_refused)
{
#ifndef SESAME_SANITIZED /* where the sandbox itself needs more */
    bench.config.program.memory_bytes = (int64_t)64 << 20;
    run_program("allocate", "100", "");
    ck_assert_str_eq(bench.text, "refused");
    tool_bench_stop(&bench);
#endif
    bench.config.program.memory_bytes = (int64_t)512 << 20;
    run_program("threads", "100", "");
    ck_assert_int_eq(bench.status, SESAME_LIMIT);
    ck_assert_str_eq(bench.text, "the program has too many threads");
}
END_TEST

/* ---- which program --------------------------------------------------------------------------- */

START_TEST(another_file_in_its_place_is_not_run)
{
    open_program("copy", NULL, "");
    ck_assert_int_eq(unlink(program), 0);
    write_file(program, "#!/bin/sh\necho another\n");
    ck_assert_int_eq(chmod(program, 0755), 0);
    ck_assert_int_eq(tool_bench_call(&bench, "run", "{\"a\":1}"), SESAME_OK);
    ck_assert_str_eq(bench.text, "{\"a\":1}");
}
END_TEST

START_TEST(a_program_that_was_written_since_the_start_is_not_run)
{
    open_program("copy", NULL, "");
    copy_program(program); /* into the same file */
    ck_assert_int_eq(tool_bench_call(&bench, "run", "{}"), SESAME_DENIED);
    TOOL_BENCH_LOG_HAS(&bench, "was changed since the host started");
}
END_TEST

static void is_refused(const char *reason)
{
    struct error err = {0};

    ck_assert_msg(!try_open("copy", NULL, "", &err), "not: %s", reason);
    ck_assert_msg(strstr(err.message, reason) != NULL, "%s", err.message);
    tool_bench_stop(&bench);
}

START_TEST(what_cannot_be_the_program_is_refused_at_the_start)
{
    char *reads[] = {(char[]){"/proc/self"}};
    char script[100];

    snprintf(script, sizeof script, "%s/script", folder);
    write_file(script, "#!/bin/sh\n");
    bench.config.program.path = script;
    ck_assert_int_eq(chmod(script, 0644), 0);
    is_refused("no file that may be executed");
    ck_assert_int_eq(chmod(script, 0755), 0);
    is_refused("is a script: make its interpreter the program");
    bench.config.program.path = (char[]){"/nowhere"};
    is_refused("tools.peer.program: /nowhere cannot be opened");
    bench.config.program.path = folder;
    is_refused("no file that may be executed");
    bench.config.program.path = program;
    ck_assert_int_eq(chmod(program, 0777), 0);
    is_refused("others than its owner can write it");
    ck_assert_int_eq(chmod(program, 04755), 0);
    is_refused("its owner's rights");
    ck_assert_int_eq(chmod(program, 0755), 0);
    bench.config.program.sha256 =
        (char[]){"0000000000000000000000000000000000000000000000000000000000000000"};
    is_refused("wanted the SHA-256 digest 0000");
    bench.config.program.sha256 = NULL;
    bench.config.program.reads = reads;
    bench.config.program.read_count = 1;
    is_refused("shows other processes or the kernel");
}
END_TEST

START_TEST(where_something_is_missing_to_hold_it_back_no_program_is_run)
{
    bench.sandbox = "bare-sandbox";
    is_refused("is not run: this kernel does not offer: landlock");
}
END_TEST

START_TEST(nothing_is_run_that_was_not_granted)
{
    bench.config.program.path = NULL;
    is_refused("name the one it may in tools.peer.program");
}
END_TEST

START_TEST(a_program_is_granted_to_tools_that_ask_for_one_only)
{
    struct error err = {0};

    ck_assert(!tool_bench_try_open(&bench, "enterprise-service",
                                   "{\"url\":\"http://127.0.0.1:1/\"}", &err));
    ck_assert_msg(strstr(err.message, "does not ask for a program") != NULL, "%s", err.message);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_program_reads_the_arguments_and_prints_the_result,
        a_large_input_and_output_pass_whole,
        a_status_that_is_not_0_is_an_error_and_its_words_go_to_the_log,
        output_that_must_be_json_is_checked,
        a_program_may_use_threads_and_the_memory_it_was_given,
        a_script_is_run_by_its_interpreter_which_may_read_it,
        a_program_reaches_nothing,
        a_program_reads_what_was_granted_and_nothing_beside_it,
        a_program_that_dies_is_told_with_its_signal,
        a_program_that_takes_too_long_is_ended,
        a_program_does_not_outlive_its_calls_deadline,
        a_program_does_not_outlive_its_cancelled_call,
        a_program_does_not_outlive_its_tool,
        a_program_does_not_outlive_its_tools_process,
        a_program_does_not_outlive_the_host,
        output_beyond_its_limit_ends_the_program,
        memory_and_threads_beyond_their_limits_are_refused,
        another_file_in_its_place_is_not_run,
        a_program_that_was_written_since_the_start_is_not_run,
        what_cannot_be_the_program_is_refused_at_the_start,
        where_something_is_missing_to_hold_it_back_no_program_is_run,
        nothing_is_run_that_was_not_granted,
        a_program_is_granted_to_tools_that_ask_for_one_only,
        NULL,
    };

    return tool_bench_run("command", tests, set_up, tear_down);
}
