/* A tool on the convenience header, loaded by the host in every placement. */
#include "../support/run.h"
#include "../support/tool_bench.h"

#include <sys/stat.h>

static struct tool_bench bench;
static char folder[64];

static void install(void)
{
    const char *build = getenv("SESAME_TEST_BUILDDIR"), *source = getenv("SESAME_TEST_SRCDIR");
    char command[1200];

    snprintf(folder, sizeof folder, "/tmp/sesame-abi-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(
        command, sizeof command,
        "cp %s/abi-simple.so %s/simple.so && cp %s/tests/abi/simple.json %s && chmod go-w %s/*",
        build == NULL ? "." : build, folder, source == NULL ? "." : source, folder, folder);
    ck_assert_int_eq(system(command), 0);
}

static void exercise(enum placement placement)
{
    struct error err = {0};
    char command[100];

    tool_bench_init(&bench, NULL, 0);
    install();
    plugin_catalogue_free(bench.catalogue);
    bench.catalogue = plugin_catalogue_new(folder, NULL, &err);
    ck_assert_msg(bench.catalogue != NULL, "%s", err.message);
    bench.placement = placement;
    tool_bench_open(&bench, "simple", "{\"greeting\":\"h\\u00e9 \"}");
    ck_assert_msg(tool_bench_wait_for_list(&bench), "%s", tool_bench_list_error(&bench));
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{\"a\":\"\\\"\\\\\"}"), SESAME_OK);
    ck_assert_str_eq(bench.text, "{\"a\":\"\\\"\\\\\"}\n\t");
    ck_assert_int_eq(bench.progress_count, 1);
    ck_assert_int_eq(tool_bench_call(&bench, "refuse", "{}"), SESAME_DENIED);
    ck_assert_int_eq(tool_bench_call(&bench, "greet", "{\"times\":2}"), SESAME_OK);
    ck_assert_str_eq(bench.text, "h\xc3\xa9 h\xc3\xa9 ");
    ck_assert(!bench.is_error);
    ck_assert_int_eq(tool_bench_call(&bench, "mistake", "{}"), SESAME_OK);
    ck_assert_str_eq(bench.text, "try \"again\"");
    ck_assert(bench.is_error);
    ck_assert_int_eq(tool_bench_call(&bench, "unheard-of", "{}"), SESAME_NOT_FOUND);
    /* Inline it would keep the very loop that its deadline is on. */
    if (placement != PLACEMENT_INLINE) {
        tool_bench_start(&bench, "work", "{}", 100);
        PEER_RUN_UNTIL(bench.loop, bench.done_count == 1);
        ck_assert_int_eq(bench.status, SESAME_TIMED_OUT);
        ck_assert_int_eq(tool_bench_call(&bench, "greet", "{\"times\":0}"), SESAME_OK);
    }
    tool_bench_stop(&bench);
    tool_bench_close(&bench);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(a_simple_tool_works_in_every_placement)
{
    exercise(PLACEMENT_INLINE);
    exercise(PLACEMENT_THREAD);
    exercise(PLACEMENT_PROCESS);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_simple_tool_works_in_every_placement, NULL};

    return run_tests("simple", tests, NULL, NULL);
}
