/* Loading plugins, good and bad, and calling them: whatever they do, each call ends once. */
#include "plugin/catalogue.h"
#include "plugin/tool_port.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "config/host_config.h"
#include "net/http_client.h"
#include "net/loop.h"

#include "../support/peer.h"
#include "../support/run.h"

#include <sesame/plugin.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static struct loop *loop;
static struct http_client *http;
static struct plugin_catalogue *catalogue;
static char misbehaviour[200];

static void on_misbehaviour(void *arg, const char *plugin_id, const char *kind)
{
    size_t used = strlen(misbehaviour);

    (void)arg;
    (void)plugin_id;
    snprintf(misbehaviour + used, sizeof misbehaviour - used, "%s ", kind);
}

/* A folder with a copy of the fixture's library and a manifest. Once: what is loaded is mapped, and
 * a mapped file must not be written again. */
static void install(const char *name)
{
    const char *build = getenv("SESAME_TEST_BUILDDIR");
    char command[600], path[200];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s.json", folder, name);
    if (access(path, F_OK) == 0)
        return;
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file,
            "{\"id\":\"%s\",\"file\":\"%s.so\",\"version\":\"1\",\"description\":\"d\","
            "\"interfaces\":[\"sesame.tool/1\"],\"placement\":\"inline\"}",
            name, name);
    fclose(file);
    snprintf(command, sizeof command, "cp %s/.libs/fixture_%s.so %s/%s.so && chmod 0755 %s/%s.so",
             build == NULL ? "." : build, name, folder, name, folder, name);
    ck_assert_int_eq(system(command), 0);
}

static void set_up(void)
{
    struct error err = {0};

    snprintf(folder, sizeof folder, "/tmp/sesame-plugins-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    loop = loop_new(&err);
    loop_run_once(loop, 0);
    http = http_client_new(loop, NULL, &err);
    ck_assert_ptr_nonnull(http);
    misbehaviour[0] = '\0';
}

static void tear_down(void)
{
    char command[100];

    plugin_catalogue_free(catalogue);
    catalogue = NULL;
    http_client_free(http);
    for (int i = 0; i < 3; i++)
        loop_run_once(loop, 0);
    loop_free(loop);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static struct plugin_library *open_fixture_at(const char *name, enum placement placement,
                                              struct error *err)
{
    const char *build = getenv("SESAME_TEST_BUILDDIR");
    const struct plugin_manifest *manifest;
    char program[300];

    install(name);
    plugin_catalogue_free(catalogue);
    catalogue = plugin_catalogue_new(folder, NULL, err);
    ck_assert_msg(catalogue != NULL, "%s", err->message);
    manifest = plugin_catalogue_find(catalogue, name);
    ck_assert_ptr_nonnull(manifest);
    snprintf(program, sizeof program, "%s/sesame-sandbox", build == NULL ? "." : build);
    return placement == PLACEMENT_PROCESS
               ? plugin_library_open_apart(catalogue, manifest, program, err)
               : plugin_library_open(catalogue, manifest, err);
}

static struct plugin_library *open_fixture(const char *name, struct error *err)
{
    return open_fixture_at(name, PLACEMENT_INLINE, err);
}

/* The same plugin, the same tests, wherever it lives. */
static const enum placement everywhere[] = {PLACEMENT_INLINE, PLACEMENT_THREAD, PLACEMENT_PROCESS};
#define FOR_EACH_PLACEMENT(at) \
    for (const enum placement *at = everywhere; at < everywhere + 3; at++)

/* ---- loading --------------------------------------------------------------------------------- */

START_TEST(bad_plugins_are_refused_with_the_reason)
{
    static const struct {
        const char *name, *reason;
    } bad[] = {
        {"nosymbol", "wanted the symbol sesame_plugin_v1, found none"},
        {"wrongmajor", "found sesame_plugin_v2"},
        {"nulltables", "sesame_plugin_v1.create is NULL (only `stop` may be)"},
        {"nointerface", "get_interface(\"sesame.tool/1\") gives NULL"},
        {"nullcall", "get_interface(\"sesame.tool/1\") gives a table with a NULL in it"},
        {"wrongid", "wanted the id \"wrongid\" of its manifest, found \"another\""},
        {"brokenschema", "its configuration schema: #.type"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        FOR_EACH_PLACEMENT(at)
        {
            struct error err = {0};

            ck_assert_msg(open_fixture_at(bad[i].name, *at, &err) == NULL, "%s", bad[i].name);
            ck_assert_msg(strstr(err.message, bad[i].reason) != NULL, "%s", err.message);
            ck_assert_msg(strstr(err.message, folder) != NULL, "no path: %s", err.message);
        }
}
END_TEST

/* `name` in the folder, or the folder itself, stands in the reason with what is wrong with it. */
static void expect_distrust(const char *name, const char *fault)
{
    char path[100];
    struct error err = {0};

    snprintf(path, sizeof path, "%s%s%s", folder, name[0] == '\0' ? "" : "/", name);
    catalogue = plugin_catalogue_new(folder, NULL, &err);
    ck_assert_ptr_null(
        plugin_library_open(catalogue, plugin_catalogue_find(catalogue, "good"), &err));
    ck_assert_str_eq(err.name, "PluginNotTrusted");
    ck_assert_msg(strncmp(err.message, path, strlen(path)) == 0 &&
                      strncmp(err.message + strlen(path), fault, strlen(fault)) == 0,
                  "%s", err.message);
    plugin_catalogue_free(catalogue);
    catalogue = NULL;
}

static const char *const trusted[] = {"good.so", "good.json", ""};

START_TEST(what_others_can_write_is_refused)
{
    char path[100];

    install("good");
    for (size_t i = 0; i < sizeof trusted / sizeof trusted[0]; i++)
        for (mode_t write = 0002; write <= 0020; write <<= 3) {
            mode_t mode = trusted[i][0] == '\0' ? 0700 : 0600;
            char fault[60];

            snprintf(path, sizeof path, "%s/%s", folder, trusted[i]);
            ck_assert_int_eq(chmod(path, mode | write), 0);
            snprintf(fault, sizeof fault, " has mode %04o, so that others", mode | write);
            expect_distrust(trusted[i], fault);
            ck_assert_int_eq(chmod(path, mode), 0);
        }
}
END_TEST

START_TEST(what_belongs_to_somebody_else_is_refused)
{
    char path[100];

    if (geteuid() != 0)
        return; /* only root can give a file away */
    install("good");
    for (size_t i = 0; i < sizeof trusted / sizeof trusted[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, trusted[i]);
        ck_assert_int_eq(chown(path, 65534, (gid_t)-1), 0);
        expect_distrust(trusted[i], " belongs to user 65534, expected root or user 0");
        ck_assert_int_eq(chown(path, 0, (gid_t)-1), 0);
    }
}
END_TEST

/* ---- calling --------------------------------------------------------------------------------- */

static struct tool_config config = {.name = (char[]){"t"}, .plugin = (char[]){"p"}};
static struct tool_host *tool;
static struct tool_port *port;

static void open_tool_at(const char *name, const char *config_json, enum placement placement)
{
    struct plugin_home home = {loop, http, NULL};
    struct tool_host_options options = {.config = &config,
                                        .placement = placement,
                                        .watch = {on_misbehaviour, NULL},
                                        .result_max_bytes = 1 << 20,
                                        .json_depth = 64};
    struct error err = {0};
    static char text[300];

    snprintf(text, sizeof text, "%s", config_json);
    config.config_json = text;
    misbehaviour[0] = '\0';
    options.library = open_fixture_at(name, placement, &err);
    ck_assert_msg(options.library != NULL, "%s", err.message);
    tool = tool_host_new(&options, &err);
    ck_assert_msg(tool != NULL, "%s", err.message);
    port = tool_port_new(tool, &home, &err);
    ck_assert_msg(port != NULL, "%s", err.message);
    PEER_RUN_UNTIL(loop, tool_port_functions(port, NULL) != NULL);
}

static void note_stop(void *arg)
{
    *(bool *)arg = true;
}

static void close_tool(void)
{
    bool has_stopped = false;

    tool_port_stop(port, note_stop, &has_stopped);
    PEER_RUN_UNTIL(loop, has_stopped);
    tool_port_free(port);
    tool_host_free(tool);
}

static int done_count, progress_count;
static int32_t done_status;
static char done_text[100];

static void on_progress(void *arg, const char *text, size_t len)
{
    (void)arg;
    (void)text;
    (void)len;
    progress_count++;
}

static void on_done(void *arg, const struct tool_run_result *result)
{
    (void)arg;
    done_count++;
    done_status = result->status;
    snprintf(done_text, sizeof done_text, "%.*s", (int)(result->len < 99 ? result->len : 99),
             result->text);
}

static struct tool_run *call_tool_with(const char *arguments, int64_t timeout_ms)
{
    static const struct tool_run_events events = {on_progress, on_done};
    struct tool_run_request request = {.function = "act",
                                       .arguments = arguments,
                                       .arguments_len = strlen(arguments),
                                       .context = "{}",
                                       .deadline_ms = clock_monotonic_ms() + timeout_ms};
    struct error err = {0};
    struct tool_run *run;

    done_count = progress_count = 0;
    run = tool_port_call(port, &request, &events, NULL, &err);
    ck_assert_msg(run != NULL, "%s", err.message);
    ck_assert_int_eq(done_count, 0);
    return run;
}

static struct tool_run *call_tool(int64_t timeout_ms)
{
    return call_tool_with("{}", timeout_ms);
}

START_TEST(a_blocking_tool_leaves_the_loop_free)
{
    for (const enum placement *at = everywhere + 1; at < everywhere + 3; at++) {
        struct tool_run *run;

        open_tool_at("blocks", "{}", *at);
        call_tool(5000);
        PEER_RUN_UNTIL(loop, done_count == 1);
        ck_assert_int_eq(done_status, SESAME_OK);
        ck_assert_str_eq(done_text, "done");
        /* Blocked in its call, it sees the cancellation, and the next call is served. */
        run = call_tool_with("{\"n\":1}", 60000);
        for (int i = 0; i < 5; i++)
            loop_run_once(loop, 1);
        ck_assert_int_eq(done_count, 0);
        tool_run_cancel(run);
        call_tool(5000);
        PEER_RUN_UNTIL(loop, done_count == 1);
        ck_assert_str_eq(misbehaviour, "");
        close_tool();
    }
}
END_TEST

START_TEST(a_blocked_tool_sees_its_deadline)
{
    for (const enum placement *at = everywhere + 1; at < everywhere + 3; at++) {
        open_tool_at("blocks", "{}", *at);
        call_tool_with("{\"n\":1}", 20);
        PEER_RUN_UNTIL(loop, done_count == 1);
        ck_assert_int_eq(done_status, SESAME_OK);
        close_tool();
    }
}
END_TEST

START_TEST(a_good_tool_lists_emits_and_completes)
{
    FOR_EACH_PLACEMENT(at)
    {
        open_tool_at("good", "{}", *at);
        /* The function with a broken schema is left out. */
        ck_assert_uint_eq(tool_port_functions(port, NULL)->count, 1);
        call_tool(5000);
        PEER_RUN_UNTIL(loop, done_count == 1);
        ck_assert_int_eq(done_status, SESAME_OK);
        ck_assert_str_eq(done_text, "done");
        ck_assert_int_eq(progress_count, 1);
        ck_assert_str_eq(misbehaviour, "");
        close_tool();
    }
}
END_TEST

START_TEST(a_second_completion_is_counted_and_harmless)
{
    FOR_EACH_PLACEMENT(at)
    {
        open_tool_at("twice", "{}", *at);
        call_tool(5000);
        PEER_RUN_UNTIL(loop, done_count == 1 && misbehaviour[0] != '\0');
        close_tool();
        ck_assert_int_eq(done_count, 1);
        ck_assert_str_eq(misbehaviour, "completed_twice ");
    }
}
END_TEST

START_TEST(a_tool_that_never_completes_is_answered_for)
{
    FOR_EACH_PLACEMENT(at)
    {
        open_tool_at("never", "{}", *at);
        call_tool(10);
        PEER_RUN_UNTIL(loop, done_count == 1);
        ck_assert_int_eq(done_status, SESAME_TIMED_OUT);
        ck_assert_str_eq(misbehaviour, "never_completed ");
        close_tool();
    }
}
END_TEST

START_TEST(a_late_completion_is_counted_and_harmless)
{
    /* In a process: tests/hostile. */
    for (const enum placement *at = everywhere; at < everywhere + 2; at++) {
        open_tool_at("late", "{}", *at);
        call_tool(10);
        PEER_RUN_UNTIL(loop, done_count == 1);
        ck_assert_int_eq(done_status, SESAME_TIMED_OUT);
        call_tool(5000); /* during which it completes the first */
        PEER_RUN_UNTIL(loop, done_count == 1);
        ck_assert_int_eq(done_status, SESAME_OK);
        ck_assert_str_eq(done_text, "done");
        ck_assert_int_eq(progress_count, 1);
        close_tool();
        ck_assert_ptr_nonnull(strstr(misbehaviour, "completed_late "));
    }
}
END_TEST

START_TEST(a_flood_is_cut_off)
{
    FOR_EACH_PLACEMENT(at)
    {
        open_tool_at("floods", "{}", *at);
        call_tool(5000);
        PEER_RUN_UNTIL(loop, done_count == 1);
        ck_assert_int_eq(done_status, SESAME_LIMIT);
        ck_assert_str_eq(misbehaviour, "result_too_large ");
        close_tool();
    }
}
END_TEST

START_TEST(something_that_is_no_result_is_an_error)
{
    FOR_EACH_PLACEMENT(at)
    {
        open_tool_at("badresult", "{}", *at);
        call_tool(5000);
        PEER_RUN_UNTIL(loop, done_count == 1);
        ck_assert_int_eq(done_status, SESAME_INTERNAL);
        ck_assert_str_eq(misbehaviour, "bad_result ");
        close_tool();
    }
}
END_TEST

START_TEST(a_cancelled_call_is_silent)
{
    FOR_EACH_PLACEMENT(at)
    {
        open_tool_at("good", "{}", *at);
        tool_run_cancel(call_tool(5000));
        for (int i = 0; i < 20; i++)
            loop_run_once(loop, 1);
        ck_assert_int_eq(done_count, 0);
        close_tool();
    }
}
END_TEST

START_TEST(an_instance_is_stopped_waited_for_and_destroyed)
{
    FOR_EACH_PLACEMENT(at)
    {
        int64_t began_ms = clock_monotonic_ms();

        open_tool_at("farewell", "{}", *at);
        call_tool(5000);
        PEER_RUN_UNTIL(loop, done_count == 1);
        close_tool();
        ck_assert_int_lt(clock_monotonic_ms() - began_ms, 1900); /* no grace time was used up */
    }
}
END_TEST

START_TEST(a_wrong_configuration_is_refused_with_all_its_faults)
{
    struct tool_host_options options = {.config = &config,
                                        .placement = PLACEMENT_INLINE,
                                        .result_max_bytes = 1 << 20,
                                        .json_depth = 64};
    char text[] = "{\"url\":7,\"size\":10,\"sise\":1}";
    struct error err = {0};

    config.config_json = text;
    options.library = open_fixture("good", &err);
    ck_assert_ptr_null(tool_host_new(&options, &err));
    ck_assert_msg(strstr(err.message,
                         "tools.t.config: $.url: expected string, found 7; $.size: "
                         "expected at most 9, found 10") != NULL,
                  "%s", err.message);
    ck_assert_ptr_nonnull(strstr(err.message, "did you mean \"size\"?"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        bad_plugins_are_refused_with_the_reason,
        what_others_can_write_is_refused,
        what_belongs_to_somebody_else_is_refused,
        a_blocking_tool_leaves_the_loop_free,
        a_blocked_tool_sees_its_deadline,
        a_good_tool_lists_emits_and_completes,
        a_second_completion_is_counted_and_harmless,
        a_tool_that_never_completes_is_answered_for,
        a_late_completion_is_counted_and_harmless,
        a_flood_is_cut_off,
        something_that_is_no_result_is_an_error,
        a_cancelled_call_is_silent,
        an_instance_is_stopped_waited_for_and_destroyed,
        a_wrong_configuration_is_refused_with_all_its_faults,
        NULL,
    };

    return run_tests("tools", tests, set_up, tear_down);
}
