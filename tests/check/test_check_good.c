/* Good plugins pass: the host's own, the simple tool, and the fixture when it is good. */
#include "../support/run.h"
#include "check_run.h"

#define PLUGIN_MAX_COUNT 10
#define WIDTH 5 /* each of which runs several checks at once */

static char folder[64];

static void set_up(void)
{
    snprintf(folder, sizeof folder, "/tmp/sesame-test-check-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void tear_down(void)
{
    char command[100];

    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* Nothing fails, and more than the checks without an instance have run. */
static void expect_good(struct check_run_request *run)
{
    char *failures = check_run_failures(run);

    ck_assert_msg(run->status == 0, "%s:\n%s", run->file, failures);
    ck_assert_msg(check_run_count(run, NULL, "passed", NULL) > 120, "%s: only %zu checks ran",
                  run->file, check_run_count(run, NULL, "passed", NULL));
    free(failures);
    json_object_put(run->report);
}

static void expect_all_good(const char *const *names, size_t count)
{
    static struct check_run_request runs[PLUGIN_MAX_COUNT];
    size_t used = 0;

    ck_assert_uint_le(count, PLUGIN_MAX_COUNT);
    memset(runs, 0, sizeof runs);
    for (size_t i = 0; i < count; i++) {
        snprintf(runs[used].file, sizeof runs[used].file, "%s/sesame-plugins/%s.so",
                 check_run_folder("SESAME_TEST_BUILDDIR"), names[i]);
        snprintf(runs[used].example, sizeof runs[used].example, "%s/tests/check/examples/%s.json",
                 check_run_folder("SESAME_TEST_SRCDIR"), names[i]);
        /* One in Rust is there only where its compiler is. */
        if (access(runs[used].file, R_OK) == 0 || strcmp(names[i], "time") != 0)
            used++;
    }
    check_run_all(runs, used, WIDTH, folder);
    for (size_t i = 0; i < used; i++)
        expect_good(&runs[i]);
}

START_TEST(the_tools_of_this_tree_pass)
{
    static const char *const names[] = {
        "command",
        "http-json",
        "mcp",
#ifndef __SANITIZE_ADDRESS__ /* which makes each process ten times as slow */
        "enterprise-service",
        "time",
#endif
    };

    expect_all_good(names, sizeof names / sizeof names[0]);
}
END_TEST

START_TEST(the_credential_providers_of_this_tree_pass)
{
    static const char *const names[] = {
        "client-secret",
#ifndef __SANITIZE_ADDRESS__
        "alibaba-cloud", "federated-oidc", "federated-pca",   "federated-pkcs7",
        "file",          "oauth2",         "private-key-jwt",
#endif
    };

    expect_all_good(names, sizeof names / sizeof names[0]);
}
END_TEST

START_TEST(a_simple_tool_and_a_good_fixture_pass)
{
    static struct check_run_request runs[3];
    const char *build = check_run_folder("SESAME_TEST_BUILDDIR");
    char command[1200];

    snprintf(
        command, sizeof command,
        "cp %s/abi-simple.so %s/simple.so && cp %s/tests/abi/simple.json %s && chmod go-w %s/*",
        build, folder, check_run_folder("SESAME_TEST_SRCDIR"), folder, folder);
    ck_assert_int_eq(system(command), 0);
    snprintf(runs[0].file, sizeof runs[0].file, "%s/simple.so", folder);
    snprintf(runs[1].file, sizeof runs[1].file, "%s/check/plain/bad.so", build);
    snprintf(runs[2].file, sizeof runs[2].file, "%s/check/provider/bad.so", build);
    check_run_all(runs, 3, WIDTH, folder);
    for (size_t i = 0; i < 3; i++)
        expect_good(&runs[i]);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_tools_of_this_tree_pass,
        the_credential_providers_of_this_tree_pass,
        a_simple_tool_and_a_good_fixture_pass,
        NULL,
    };

    return run_tests("check good", tests, set_up, tear_down);
}
