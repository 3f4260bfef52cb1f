/* Profiles of mode External: only the program that the operator names is run. */
#include "alibaba_bench.h"
#include "credential-providers/alibaba-cloud/run.h"

#include "../support/run.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char file[64];

static void set_up(void)
{
    setenv("HOME", "/nonexistent", 1);
    setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true", 1);
    snprintf(file, sizeof file, "/tmp/sesame-profile-XXXXXX");
    ck_assert_int_ge(close(mkstemp(file)), 0);
    alibaba_set_up();
}

static void tear_down(void)
{
    alibaba_tear_down();
    (void)unlink(file);
}

/* Fetches with a profile whose process_command is `command`. `program` "": none is allowed. */
static void fetch_with(const char *command, const char *program)
{
    FILE *profile = fopen(file, "w");
    char config[300];

    ck_assert_ptr_nonnull(profile);
    fprintf(profile,
            "{\"current\":\"p\",\"profiles\":[{\"name\":\"p\",\"mode\":\"External\","
            "\"process_command\":\"%s\"}]}",
            command);
    ck_assert_int_eq(fclose(profile), 0);
    snprintf(config, sizeof config, "\"cliProfileFile\":\"%s\"%s%s%s", file,
             program[0] == '\0' ? "" : ",\"externalProgram\":\"", program,
             program[0] == '\0' ? "" : "\"");
    alibaba_open(config);
    alibaba_fetch(NULL);
    alibaba_close();
}

START_TEST(only_the_program_that_the_operator_names_is_run)
{
    static const struct {
        const char *command, *program, *reason;
    } rows[] = {
        {"/bin/echo x", "", "mode External runs a program, which is off"},
        {"/bin/sh -c id", "/bin/echo", "does not begin with externalProgram, /bin/echo"},
        {"echo x", "/bin/echo", "does not begin with externalProgram, /bin/echo"},
        {"/bin/echo 'x", "/bin/echo", "has an open quote"},
        {"", "/bin/echo", "the profile has no process_command"},
        {"/bin/false", "/bin/false", "/bin/false failed: see the log"},
        {"/bin/echo {}", "/bin/echo", "did not print JSON with the mode AK or StsToken"},
    };

    alibaba.may_block = true;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fetch_with(rows[i].command, rows[i].program);
        ck_assert_msg(strstr(alibaba.err.message, rows[i].reason) != NULL, "%s: %s",
                      rows[i].command, alibaba.err.message);
    }
    ck_assert_uint_eq(alibaba.seen_count, 0);
}
END_TEST

START_TEST(on_a_thread_with_others_nothing_is_run)
{
    fetch_with("/bin/echo {}", "/bin/echo");
    ck_assert_ptr_nonnull(strstr(alibaba.err.message, "/bin/echo failed: see the log"));
}
END_TEST

START_TEST(a_command_is_split_as_a_shell_does_it)
{
    static const struct {
        const char *line;
        const char *words[4];
    } rows[] = {
        {"a  b\tc", {"a", "b", "c", NULL}},
        {" a 'b c' ", {"a", "b c", NULL}},
        {"a\"b 'c'\"d", {"ab 'c'd", NULL}},
        {"'' \"\"", {"", "", NULL}},
        {"a\\ b 'c\\d' \"e\\\"f\\g\"", {"a b", "c\\d", "e\"f\\g", NULL}},
        {"   ", {NULL}},
    };
    struct sesame_text words[4];
    char line[100];
    size_t count;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t wanted = 0;

        snprintf(line, sizeof line, "%s", rows[i].line);
        ck_assert_msg(command_split(line, words, 4, &count), "%s", rows[i].line);
        for (; rows[i].words[wanted] != NULL; wanted++)
            ck_assert_msg(wanted < count && kit_equal(words[wanted], rows[i].words[wanted]),
                          "%s: word %zu", rows[i].line, wanted);
        ck_assert_uint_eq(count, wanted);
    }
    snprintf(line, sizeof line, "a \"b");
    ck_assert(!command_split(line, words, 4, &count));
    snprintf(line, sizeof line, "a b c d e");
    ck_assert(!command_split(line, words, 4, &count));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        only_the_program_that_the_operator_names_is_run,
        on_a_thread_with_others_nothing_is_run,
        a_command_is_split_as_a_shell_does_it,
        NULL,
    };

    return run_tests("alibaba_external", tests, set_up, tear_down);
}
