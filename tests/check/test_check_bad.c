/* Every bad plugin is found, by the check that is meant for it. */
#include "../support/run.h"
#include "check_run.h"

#include <stdbool.h>
#include <sys/stat.h>

#define WIDTH 30 /* most of these runs is waiting */

/* A kind of the bad plugin (tests/check/build.sh), and how it is bad ("": by what it is). With
 * `asks` it calls the scripted server. */
static const struct {
    const char *kind, *behaviour;
    bool asks;
    const char *check;
} rows[] = {
    /* the file and its headers */
    {"mode", "", false, "file.mode"},
    {"export", "", false, "elf.one-symbol"},
    {"execstack", "", false, "elf.no-executable-stack"},
    {"norelro", "", false, "elf.relro"},
    {"lazy", "", false, "elf.bind-now"},
    {"rpath", "", false, "elf.no-path"},
    {"interpose", "", false, "elf.no-interposition"},
    {"undefined", "", false, "elf.no-host-symbols"},
    {"constructor", "", false, "elf.no-constructors"},
    {"destructor", "", false, "elf.no-destructors"},
    {"calls", "", false, "elf.no-process-state"},
    {"calls", "", false, "elf.no-fork"},
    {"calls", "", false, "elf.no-exit"},
    {"calls", "", false, "elf.no-printing"},
    /* the manifest */
    {"manifest", "", false, "manifest.members"},
    {"manifest", "", false, "manifest.file"},
    {"manifest", "", false, "manifest.same-version"},
    {"manifest", "", false, "manifest.description"},
    {"manifest", "", false, "manifest.same-interfaces"},
    {"manifest", "", false, "manifest.known-interfaces"},
    {"manifest", "", false, "manifest.placement"},
    {"manifest", "", false, "manifest.origins"},
    {"manifest", "", false, "manifest.origins-bounded"},
    {"manifest", "", false, "manifest.tool-origins"},
    {"manifest", "", false, "manifest.serves"},
    {"manifest", "", false, "manifest.identities"},
    {"manifest", "", false, "manifest.presets"},
    /* the descriptor */
    {"texts", "", false, "manifest.same-id"},
    {"texts", "", false, "descriptor.id"},
    {"texts", "", false, "descriptor.version"},
    {"texts", "", false, "descriptor.description"},
    {"texts", "", false, "descriptor.schema-marks"},
    {"texts", "", false, "descriptor.schema-defaults"},
    {"texts", "", false, "config.typed"},
    {"texts", "", false, "config.closed"},
    {"needs", "", false, "descriptor.needs"},
    {"needs", "", false, "descriptor.needs-known"},
    {"needs", "", false, "descriptor.needs-allowed"},
    {"writable", "", false, "descriptor.constant"},
    {"prefix", "", false, "descriptor.whole-ids"},
    {"prefix", "", false, "descriptor.revisions"},
    {"any_interface", "", false, "descriptor.unknown-interface"},
    /* loading */
    {"undefined", "", false, "load.works"},
    {"load_crash", "", false, "load.works"},
    {"constructor", "", false, "load.fast"},
    {"constructor", "", false, "load.no-thread"},
    {"constructor", "", false, "load.no-descriptor"},
    {"constructor", "", false, "load.signals"},
    {"constructor", "", false, "load.signal-mask"},
    {"constructor", "", false, "load.environment"},
    {"constructor", "", false, "load.locale"},
    {"constructor", "", false, "load.umask"},
    {"constructor", "", false, "load.folder"},
    {"constructor", "", false, "load.limits"},
    {"constructor", "", false, "load.dumpable"},
    {"constructor", "", false, "load.rounding"},
    {"constructor", "", false, "load.quiet"},
    {"constructor", "", false, "load.repeated"},
    {"destructor", "", false, "load.unload"},
    /* instances */
    {"plain", "create-silent", false, "instance.create"},
    {"plain", "create-crashes", false, "instance.create"},
    {"plain", "create-slow", false, "instance.quick"},
    {"plain", "early-request", true, "instance.no-request"},
    {"plain", "one-instance", false, "instance.often"},
    {"plain", "one-instance", false, "instance.two"},
#ifndef __SANITIZE_ADDRESS__ /* which has an allocator of its own, that cannot be asked */
    {"plain", "leaks-memory", false, "instance.no-leak"},
#endif
    {"plain", "leaks-thread", false, "instance.no-thread"},
    {"plain", "leaks-descriptor", false, "instance.no-descriptor"},
    {"plain", "does-without-log", false, "instance.needed-services"},
    {"calls", "create-prints", false, "instance.quiet"},
    {"plain", "prints", false, "instance.quiet"},
    {"calls", "create-umask", false, "instance.process-state"},
    {"calls", "create-signal", false, "instance.process-state"},
    {"plain", "wrong-thread", false, "instance.home-thread"},
    {"plain", "destroy-crashes", false, "instance.stop-unused"},
    /* the list */
    {"plain", "never-lists", false, "list.completes"},
    {"plain", "lists-twice", false, "list.once"},
    {"plain", "no-json", false, "list.json"},
    {"plain", "no-functions", false, "list.functions"},
    {"plain", "bad-name", false, "list.names"},
    {"plain", "bad-name", false, "list.whole"},
    {"plain", "same-name", false, "list.unique"},
    {"plain", "no-description", false, "list.descriptions"},
    {"plain", "hidden-text", false, "list.descriptions"},
    {"plain", "impersonates", false, "list.no-impersonation"},
    {"plain", "bad-schema", false, "list.schemas"},
    {"plain", "changing-list", false, "list.stable"},
    /* calls */
    {"plain", "never", false, "call.completes"},
    {"plain", "crashes", false, "call.completes"},
    {"calls", "exits", false, "call.completes"},
    {"plain", "crashes-on-extremes", false, "call.extreme"},
    {"plain", "crashes-on-missing", false, "call.wrong"},
    {"plain", "any-function", false, "call.unknown-function"},
    {"plain", "prefix-names", false, "call.whole-names"},
    {"plain", "twice", false, "call.once"},
    {"plain", "unknown-handle", false, "call.known-handles"},
    {"plain", "floods", false, "call.result-size"},
    {"plain", "no-result", false, "call.result-json"},
    {"plain", "bad-utf8", false, "call.result-text"},
    {"plain", "odd-progress", false, "call.progress"},
    {"plain", "alternates", false, "call.repeatable"},
    {"plain", "leaks-timers", false, "call.releases"},
    {"plain", "reads-later", false, "call.borrowed"},
    {"plain", "reads-beyond", false, "call.borrowed"},
    {"plain", "writes-input", false, "call.borrowed"},
    /* cancelling */
    {"plain", "cancel-crashes", true, "cancel.at-once"},
    {"plain", "cancel-crashes", true, "cancel.within-body"},
    {"plain", "late", false, "cancel.not-late"},
    {"plain", "deaf", true, "cancel.before-answer"},
    /* a bad service */
    {"plain", "deaf-to-status", true, "http.500"},
    {"plain", "deaf-to-status", true, "http.cut-body"},
    {"plain", "crashes-on-arrays", true, "http.deep"},
    {"plain", "crashes-on-arrays", true, "http.other-json"},
    {"plain", "fails-silently", true, "http.refused"},
    /* credential providers */
    {"provider", "refuses", false, "token.given"},
    {"provider", "never", false, "token.completes"},
    {"provider", "twice", false, "token.once"},
    {"provider", "odd-token", false, "token.form"},
    {"provider", "no-expiry", false, "token.expiry"},
    {"provider", "expired", false, "token.expiry-sane"},
    {"provider", "long-scope-crashes", false, "token.long-scope"},
    {"provider", "leaks-secrets", false, "token.releases"},
    {"provider", "logs-subject", false, "secret.well"},
    /* placements */
    {"plain", "tells-placement", false, "placement.same-result"},
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

/* The plugins that the loader's tests use, and what is wrong with each. */
static const struct {
    const char *name, *behaviour, *check;
} fixtures[] = {
    {"nosymbol", "", "elf.symbol"},
    {"wrongmajor", "", "elf.symbol"},
    {"nulltables", "", "descriptor.complete"},
    {"wrongid", "", "manifest.same-id"},
    {"brokenschema", "", "descriptor.schema-compiles"},
    {"twice", "", "call.once"},
    {"never", "", "call.completes"},
    {"floods", "", "call.result-size"},
    {"badresult", "", "call.result-json"},
    {"good", "", "list.whole"}, /* one of its functions is broken, on purpose */
    {"provider", "twice", "token.once"},
    {"provider", "never", "token.given"},
    {"provider", "deaf", "token.completes"},
    {"provider", "empty", "token.given"},
    {"provider", "refuses", "token.given"},
};
#define FIXTURE_COUNT (sizeof fixtures / sizeof fixtures[0])

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

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(path, 0644), 0);
}

static void write_example(struct check_run_request *run, size_t index, const char *behaviour,
                          bool asks)
{
    char text[200];

    if (behaviour[0] == '\0')
        return;
    snprintf(run->example, sizeof run->example, "%s/example-%zu", folder, index);
    snprintf(text, sizeof text, "{\"config\":{\"behaviour\":\"%s\"%s}}", behaviour,
             asks ? ",\"url\":\"{url}/\"" : "");
    write_text(run->example, text);
}

static void expect_found(const struct check_run_request *run, const char *what)
{
    ck_assert_msg(check_run_count(run, run->only, "failed", NULL) > 0,
                  "%s %s is not found by %s: %s", run->file, what, run->only,
                  json_object_to_json_string(run->report));
    ck_assert_int_eq(run->status, 1);
    json_object_put(run->report);
}

START_TEST(each_bad_plugin_is_found_by_the_check_for_it)
{
    static struct check_run_request runs[ROW_COUNT];

    for (size_t i = 0; i < ROW_COUNT; i++) {
        snprintf(runs[i].file, sizeof runs[i].file, "%s/check/%s/bad.so",
                 check_run_folder("SESAME_TEST_BUILDDIR"), rows[i].kind);
        snprintf(runs[i].only, sizeof runs[i].only, "%s", rows[i].check);
        write_example(&runs[i], i, rows[i].behaviour, rows[i].asks);
    }
    check_run_all(runs, ROW_COUNT, WIDTH, folder);
    for (size_t i = 0; i < ROW_COUNT; i++)
        expect_found(&runs[i], rows[i].behaviour);
}
END_TEST

/* As tests/plugin/test_tools.c installs it. */
static void install(struct check_run_request *run, const char *name)
{
    char command[700], path[200], text[300];

    snprintf(run->file, sizeof run->file, "%s/%s.so", folder, name);
    snprintf(command, sizeof command, "cp %s/.libs/fixture_%s.so %s && chmod 0755 %s",
             check_run_folder("SESAME_TEST_BUILDDIR"), name, run->file, run->file);
    ck_assert_int_eq(system(command), 0);
    snprintf(path, sizeof path, "%s/%s.json", folder, name);
    snprintf(text, sizeof text,
             "{\"id\":\"%s\",\"file\":\"%s.so\",\"version\":\"1\",\"description\":\"d\","
             "\"interfaces\":[\"sesame.%s/1\"],\"placement\":\"inline\"}",
             name, name, strcmp(name, "provider") == 0 ? "credential-provider" : "tool");
    write_text(path, text);
}

START_TEST(each_bad_fixture_of_the_loader_is_found)
{
    static struct check_run_request runs[FIXTURE_COUNT];

    for (size_t i = 0; i < FIXTURE_COUNT; i++) {
        install(&runs[i], fixtures[i].name);
        snprintf(runs[i].only, sizeof runs[i].only, "%s", fixtures[i].check);
        write_example(&runs[i], i, fixtures[i].behaviour, false);
    }
    check_run_all(runs, FIXTURE_COUNT, WIDTH, folder);
    for (size_t i = 0; i < FIXTURE_COUNT; i++)
        expect_found(&runs[i], fixtures[i].behaviour);
}
END_TEST

/* One kind of the bad plugin alone. */
static void check_one(struct check_run_request *run, const char *kind, const char *behaviour)
{
    snprintf(run->file, sizeof run->file, "%s/check/%s/bad.so",
             check_run_folder("SESAME_TEST_BUILDDIR"), kind);
    write_example(run, 0, behaviour, false);
    check_run_all(run, 1, 1, folder);
}

START_TEST(a_crash_is_a_failed_check_that_names_signal_and_step_and_is_not_tried_again)
{
    struct check_run_request run = {.only = "call.completes"};
    const char *message = "";

    check_one(&run, "plain", "crashes");
    ck_assert_uint_eq(check_run_count(&run, NULL, "failed", &message), 3);
    ck_assert_msg(strstr(message, "SIGABRT") != NULL && strstr(message, "act is called") != NULL,
                  "%s", message);
    /* In a process of its own it is a failed call, which is tried three times. */
    ck_assert_int_eq(check_run_attempts(&run), 5);
    json_object_put(run.report);
}
END_TEST

START_TEST(what_fails_once_is_tried_again_and_told)
{
    struct check_run_request run = {.only = "instance.quiet"};

    check_one(&run, "calls", "unsteady");
    ck_assert_int_eq(run.status, 0);
    ck_assert_uint_eq(check_run_count(&run, NULL, "passed", NULL), 2);
    ck_assert_int_eq(check_run_attempts(&run),
                     3); /* of two placements, one of which failed at first */
    json_object_put(run.report);
}
END_TEST

START_TEST(what_fails_each_time_has_failed)
{
    struct check_run_request quiet = {.only = "instance.quiet"};

    check_one(&quiet, "calls", "create-prints");
    ck_assert_uint_eq(check_run_count(&quiet, NULL, "failed", NULL), 2);
    ck_assert_int_eq(check_run_attempts(&quiet), 6);
    json_object_put(quiet.report);
}
END_TEST

START_TEST(a_library_without_a_manifest_is_looked_at_as_far_as_it_goes)
{
    struct check_run_request run = {.only = ""};
    char command[700];

    snprintf(run.file, sizeof run.file, "%s/alone.so", folder);
    snprintf(command, sizeof command, "cp %s/check/plain/bad.so %s && chmod 0755 %s",
             check_run_folder("SESAME_TEST_BUILDDIR"), run.file, run.file);
    ck_assert_int_eq(system(command), 0);
    check_run_all(&run, 1, 1, folder);
    ck_assert_uint_eq(check_run_count(&run, NULL, "failed", NULL), 1);
    ck_assert_uint_eq(check_run_count(&run, "manifest.valid", "failed", NULL), 1);
    ck_assert_uint_gt(check_run_count(&run, NULL, "passed", NULL), 50);
    json_object_put(run.report);
}
END_TEST

START_TEST(a_whole_run_over_a_bad_plugin_ends_and_fails)
{
    struct check_run_request run = {.only = ""};

    check_one(&run, "plain", "twice");
    ck_assert_int_eq(run.status, 1);
    ck_assert_uint_gt(check_run_count(&run, "call.once", "failed", NULL), 0);
    ck_assert_uint_eq(check_run_count(&run, "list.once", "failed", NULL), 0);
    json_object_put(run.report);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        each_bad_plugin_is_found_by_the_check_for_it,
        each_bad_fixture_of_the_loader_is_found,
        a_crash_is_a_failed_check_that_names_signal_and_step_and_is_not_tried_again,
        what_fails_once_is_tried_again_and_told,
        what_fails_each_time_has_failed,
        a_library_without_a_manifest_is_looked_at_as_far_as_it_goes,
        a_whole_run_over_a_bad_plugin_ends_and_fails,
        NULL,
    };

    return run_tests("check bad", tests, set_up, tear_down);
}
