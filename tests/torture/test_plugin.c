/* Allocation failure from a plugin's file to the result of a call, and back. */
#include "base/clock.h"
#include "base/error.h"
#include "config/host_config.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "plugin/catalogue.h"
#include "plugin/tool_port.h"

#include "../support/run.h"
#include "torture.h"

#include <sesame/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct loop *loop;
static char folder[64];

static void turn_loop(int times)
{
    for (int i = 0; i < times; i++)
        loop_run_once(loop, 0);
}

static void install_fixture(void)
{
    const char *build = getenv("SESAME_TEST_BUILDDIR");
    char command[600], path[200];
    FILE *file;

    snprintf(folder, sizeof folder, "/tmp/sesame-torture-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/good.json", folder);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(
        "{\"id\":\"good\",\"file\":\"good.so\",\"version\":\"1\",\"description\":\"d\","
        "\"interfaces\":[\"sesame.tool/1\"],\"placement\":\"inline\"}",
        file);
    fclose(file);
    snprintf(command, sizeof command,
             "cp %s/.libs/fixture_good.so %s/good.so && chmod 0755 %s/good.so",
             build == NULL ? "." : build, folder, folder);
    ck_assert_int_eq(system(command), 0);
}

static void remove_fixture(void)
{
    char command[100];

    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static void set_flag(void *arg)
{
    *(bool *)arg = true;
}

struct call_end {
    bool is_over;
    int32_t status;
};

static void on_done(void *arg, const struct tool_run_result *result)
{
    *(struct call_end *)arg = (struct call_end){true, result->status};
}

/* Whatever there is no memory for, a call that was begun ends. */
static bool call_function(struct tool_port *port, struct error *err)
{
    static const struct tool_run_events events = {NULL, on_done};
    struct tool_run_request request = {.function = "act",
                                       .arguments = "{\"n\":1}",
                                       .arguments_len = 7,
                                       .context = "{}",
                                       .deadline_ms = clock_monotonic_ms() + 60000};
    struct call_end end = {false, SESAME_OK};

    if (tool_port_call(port, &request, &events, &end, err) == NULL)
        return false;
    for (int i = 0; i < 200 && !end.is_over; i++)
        loop_run_once(loop, 1);
    torture_expect(end.is_over, "the call ends");
    return end.status == SESAME_OK ||
           error_set(err, ERROR_NO_MEMORY, "the call failed: %d", (int)end.status);
}

static bool use_port(struct tool_port *port, struct error *err)
{
    bool has_stopped = false, ok;
    const char *why = NULL;

    turn_loop(6);
    ok = tool_port_functions(port, NULL) != NULL && call_function(port, err);
    if (!ok && err->code == ERROR_NONE)
        error_set(err, ERROR_NO_MEMORY, "no functions: %s", why == NULL ? "" : why);
    tool_port_stop(port, set_flag, &has_stopped);
    for (int i = 0; i < 200 && !has_stopped; i++)
        loop_run_once(loop, 1);
    torture_expect(has_stopped, "the plugin stops");
    return ok;
}

static bool use_library(struct plugin_library *library, struct http_client *http, struct error *err)
{
    static char name[] = "t", id[] = "good", json[] = "{}";
    struct tool_config config = {.name = name, .plugin = id, .config_json = json};
    struct plugin_home home = {loop, http, NULL};
    struct tool_host_options options = {.library = library,
                                        .config = &config,
                                        .placement = PLACEMENT_INLINE,
                                        .result_max_bytes = 4096,
                                        .json_depth = 64};
    struct tool_host *tool = tool_host_new(&options, err);
    struct tool_port *port = tool == NULL ? NULL : tool_port_new(tool, &home, err);
    bool ok = port != NULL && use_port(port, err);

    tool_port_free(port);
    tool_host_free(tool);
    return ok;
}

static bool use_catalogue(struct plugin_catalogue *catalogue, struct http_client *http,
                          struct error *err)
{
    const struct plugin_manifest *manifest = plugin_catalogue_find(catalogue, "good");
    struct plugin_library *library =
        manifest == NULL ? NULL : plugin_library_open(catalogue, manifest, err);

    if (manifest == NULL)
        return error_set(err, ERROR_NOT_FOUND, "the manifest was passed over");
    return library != NULL && use_library(library, http, err);
}

static bool use_plugin(struct error *err)
{
    struct plugin_catalogue *catalogue = plugin_catalogue_new(folder, NULL, err);
    struct http_client *http = NULL;
    bool ok = false;

    if (catalogue == NULL)
        return false;
    loop = loop_new(err);
    if (loop != NULL)
        http = http_client_new(loop, NULL, err);
    if (http != NULL)
        ok = use_catalogue(catalogue, http, err);
    http_client_free(http);
    if (loop != NULL) {
        turn_loop(3);
        loop_free(loop);
    }
    plugin_catalogue_free(catalogue);
    return ok;
}

START_TEST(a_plugin_is_loaded_and_called_or_refused)
{
    install_fixture();
    torture_lossy("plugin", use_plugin); /* the loader loses some when it fails halfway */
    remove_fixture();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_plugin_is_loaded_and_called_or_refused, NULL};

    /* Reading a whole bundle of certificates thousands of times shows nothing new. */
    unsetenv("SSL_CERT_FILE");
    unsetenv("SSL_CERT_DIR");
    return run_tests("torture_plugin", tests, NULL, NULL);
}
