/* A tool plugin, built and loaded as the host loads it, with a loop, a broker and a log of its own.
 *
 * The broker hands out "canary-token-1", "canary-token-2", ...; tool_bench_close fails the test
 * when the word "canary" shows up in anything the tool or the log said. */
#ifndef SESAME_TESTS_SUPPORT_TOOL_BENCH_H
#define SESAME_TESTS_SUPPORT_TOOL_BENCH_H

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "config/host_config.h"
#include "credential/broker.h"
#include "credential/credential_client.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "plugin/catalogue.h"
#include "plugin/tool_port.h"

#include "peer.h"
#include "provider.h"
#include "run.h"

#include <check.h>
#include <pthread.h>
#include <sesame/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct tool_bench {
    struct loop *loop;
    struct http_client *http;
    struct plugin_catalogue *catalogue;
    struct broker *broker;
    struct credential_client *credentials;
    struct tool_config config;
    int64_t result_max_bytes;
    enum placement placement; /* tool_bench_placement unless the test says otherwise */
    const char *sandbox;      /* another child program of the build folder; NULL: sesame-sandbox */
    /* After the library is opened and before an instance is made; may be NULL. */
    void (*on_library)(struct plugin_library *library);
    struct tool_host *host;
    bool is_host_freed; /* NULL: not open */
    struct tool_port *port;
    int log_fd;
    char misbehaviour[16384];
    struct scripted_provider provider; /* its `fetches` counts tokens */

    /* the last call */
    struct tool_run *run; /* NULL: over */
    int done_count;
    int32_t status;
    bool is_error;
    char *text; /* NUL-terminated copy */
    size_t text_len;
    int progress_count;
    char progress[1024]; /* the last one */
};

/* ---- credentials ----------------------------------------------------------------------------- */

static inline void tool_bench_answer_fetch(struct scripted_provider *provider,
                                           struct scripted_fetch *fetch)
{
    char token[40];

    snprintf(token, sizeof token, "canary-token-%d", provider->fetches);
    provider_give(fetch, token, strlen(token), 1200);
}

/* ---- the host around it ---------------------------------------------------------------------- */

static inline void tool_bench_misbehaved(void *arg, const char *plugin_id, const char *kind)
{
    struct tool_bench *bench = arg;
    size_t used = strlen(bench->misbehaviour);

    (void)plugin_id;
    snprintf(bench->misbehaviour + used, sizeof bench->misbehaviour - used, "%s ", kind);
}

/* Of this run of the suite, see tool_bench_run. Weak: one for all files of a test program. */
__attribute__((weak)) enum placement tool_bench_placement = PLACEMENT_INLINE;

static inline const char *tool_bench_build_folder(void)
{
    const char *build = getenv("SESAME_TEST_BUILDDIR");

    return build == NULL ? "." : build;
}

/* Everything but the tool, which is one of `folder` in the build folder. `credentials` is borrowed;
 * they are access tokens of any scope. */
static inline void tool_bench_init_at(struct tool_bench *bench, const char *plugins,
                                      const struct credential_config *credentials, size_t count)
{
    struct broker_options options = {
        .credentials = credentials,
        .credential_count = count,
        .provider = provider_table(&bench->provider),
        .developer_api_endpoint = "",
        .instance_id = "idaas_1",
        .vault_scope = "",
    };
    struct error err = {0};
    char folder[600];

    memset(bench, 0, sizeof *bench);
    bench->placement = tool_bench_placement;
    bench->result_max_bytes = 8 << 20;
    bench->log_fd = memfd_create("log", MFD_CLOEXEC);
    ck_assert(log_open(bench->log_fd, LOG_FORMAT_TEXT, LOG_DEBUG, &err));
    bench->loop = loop_new(&err);
    loop_run_once(bench->loop, 0);
    bench->provider.loop = bench->loop;
    bench->provider.answer = tool_bench_answer_fetch;
    bench->http = http_client_new(bench->loop, NULL, &err);
    bench->broker = broker_new(bench->loop, bench->http, &options, &err);
    ck_assert_msg(bench->broker != NULL, "%s", err.message);
    bench->credentials = credential_client_new(bench->broker, bench->loop, &err);
    snprintf(folder, sizeof folder, "%s/%s", tool_bench_build_folder(), plugins);
    bench->catalogue = plugin_catalogue_new(folder, NULL, &err);
    ck_assert_msg(bench->catalogue != NULL, "%s", err.message);
}

static inline void tool_bench_init(struct tool_bench *bench,
                                   const struct credential_config *credentials, size_t count)
{
    tool_bench_init_at(bench, "sesame-plugins", credentials, count);
}

static inline const char *tool_bench_sandbox(const struct tool_bench *bench)
{
    static char program[600];

    snprintf(program, sizeof program, "%s/%s", tool_bench_build_folder(),
             bench->sandbox == NULL ? "sesame-sandbox" : bench->sandbox);
    return program;
}

static inline struct plugin_library *tool_bench_library(struct tool_bench *bench,
                                                        const char *plugin, struct error *err)
{
    const struct plugin_manifest *manifest = plugin_catalogue_find(bench->catalogue, plugin);

    ck_assert_msg(manifest != NULL, "no plugin %s", plugin);
    return bench->placement == PLACEMENT_PROCESS
               ? plugin_library_open_apart(bench->catalogue, manifest, tool_bench_sandbox(bench),
                                           err)
               : plugin_library_open(bench->catalogue, manifest, err);
}

/* Loads `plugin` and makes its host-wide part; false with the reason. */
static inline bool tool_bench_load(struct tool_bench *bench, const char *plugin,
                                   const char *config_json, struct error *err)
{
    struct tool_host_options options = {.config = &bench->config,
                                        .placement = bench->placement,
                                        .broker = bench->broker,
                                        .sandbox = tool_bench_sandbox(bench),
                                        .watch = {tool_bench_misbehaved, bench},
                                        .result_max_bytes = bench->result_max_bytes,
                                        .json_depth = 64};

    bench->config.name = strdup("peer");
    bench->config.plugin = strdup(plugin);
    bench->config.config_json = strdup(config_json);
    options.library = tool_bench_library(bench, plugin, err);
    if (options.library != NULL && bench->on_library != NULL)
        bench->on_library(options.library);
    if (options.library != NULL)
        bench->host = tool_host_new(&options, err);
    return bench->host != NULL;
}

/* The same and its port, which asks for the functions at once. */
static inline bool tool_bench_try_open(struct tool_bench *bench, const char *plugin,
                                       const char *config_json, struct error *err)
{
    struct plugin_home home = {bench->loop, bench->http, bench->credentials};

    if (tool_bench_load(bench, plugin, config_json, err))
        bench->port = tool_port_new(bench->host, &home, err);
    return bench->port != NULL;
}

/* Runs until the first listing ended, one way or the other; true when there are functions. */
static inline bool tool_bench_wait_for_list(struct tool_bench *bench)
{
    const char *why = "";

    PEER_RUN_UNTIL(bench->loop, tool_port_functions(bench->port, &why) != NULL || why[0] != '\0');
    return why[0] == '\0';
}

static inline void tool_bench_open(struct tool_bench *bench, const char *plugin,
                                   const char *config_json)
{
    struct error err = {0};

    ck_assert_msg(tool_bench_try_open(bench, plugin, config_json, &err), "%s", err.message);
}

static inline const char *tool_bench_list_error(struct tool_bench *bench)
{
    const char *why;

    (void)tool_port_functions(bench->port, &why);
    return why;
}

static inline void tool_bench_set(void *flag)
{
    *(bool *)flag = true;
}

/* As before a turn: lists again when the list is out of date. */
static inline void tool_bench_prepare(struct tool_bench *bench)
{
    bool is_ready = false;

    if (tool_port_prepare(bench->port, NULL, clock_monotonic_ms() + 10000, tool_bench_set,
                          &is_ready) != NULL)
        PEER_RUN_UNTIL(bench->loop, is_ready);
}

/* ---- calls ----------------------------------------------------------------------------------- */

static inline void tool_bench_on_progress(void *arg, const char *text, size_t len)
{
    struct tool_bench *bench = arg;

    bench->progress_count++;
    ck_assert_uint_lt(len, sizeof bench->progress);
    memcpy(bench->progress, text, len);
    bench->progress[len] = '\0';
    ck_assert_ptr_null(strstr(bench->progress, "canary"));
}

static inline void tool_bench_on_done(void *arg, const struct tool_run_result *result)
{
    struct tool_bench *bench = arg;

    bench->run = NULL;
    bench->done_count++;
    bench->status = result->status;
    bench->is_error = result->is_error;
    free(bench->text);
    bench->text = malloc(result->len + 1);
    memcpy(bench->text, result->text, result->len);
    bench->text[result->len] = '\0';
    bench->text_len = result->len;
    ck_assert_msg(strstr(bench->text, "canary") == NULL, "a secret: %s", bench->text);
}

static inline void tool_bench_start(struct tool_bench *bench, const char *function,
                                    const char *arguments, int64_t timeout_ms)
{
    static const struct tool_run_events events = {tool_bench_on_progress, tool_bench_on_done};
    struct tool_run_request request = {.function = function,
                                       .arguments = arguments,
                                       .arguments_len = strlen(arguments),
                                       .context = "{}",
                                       .deadline_ms = clock_monotonic_ms() + timeout_ms};
    struct error err = {0};

    bench->done_count = bench->progress_count = 0;
    bench->run = tool_port_call(bench->port, &request, &events, bench, &err);
    ck_assert_msg(bench->run != NULL, "%s", err.message);
}

/* One call to its end; the result is in the bench. */
static inline int32_t tool_bench_call(struct tool_bench *bench, const char *function,
                                      const char *arguments)
{
    tool_bench_start(bench, function, arguments, 20000);
    PEER_RUN_UNTIL(bench->loop, bench->done_count == 1);
    return bench->status;
}

/* ---- the end --------------------------------------------------------------------------------- */

static inline void *tool_bench_free_host(void *arg)
{
    struct tool_bench *bench = arg;

    tool_host_free(bench->host);
    (void)loop_post(bench->loop, tool_bench_set, &bench->is_host_freed);
    return NULL;
}

/* It waits for the instance's last request, whose server lives on the bench's loop: so elsewhere.
 */
static inline void tool_bench_stop_host(struct tool_bench *bench)
{
    pthread_t thread;

    if (bench->host == NULL)
        return;
    bench->is_host_freed = false;
    ck_assert_int_eq(pthread_create(&thread, NULL, tool_bench_free_host, bench), 0);
    PEER_RUN_UNTIL(bench->loop, bench->is_host_freed);
    pthread_join(thread, NULL);
    bench->host = NULL;
}

static inline void tool_bench_stop(struct tool_bench *bench)
{
    bool has_stopped = false;

    if (bench->port != NULL) {
        tool_port_stop(bench->port, tool_bench_set, &has_stopped);
        PEER_RUN_UNTIL(bench->loop, has_stopped);
        tool_port_free(bench->port);
    }
    bench->port = NULL;
    tool_bench_stop_host(bench);
    free(bench->config.name);
    free(bench->config.plugin);
    free(bench->config.config_json);
    bench->config.name = bench->config.plugin = bench->config.config_json = NULL;
}

/* What the log holds so far; the log is over then. The caller frees. */
static inline char *tool_bench_log(struct tool_bench *bench)
{
    off_t size;
    char *text;

    log_close();
    size = lseek(bench->log_fd, 0, SEEK_END);
    text = calloc(1, (size_t)size + 1);
    ck_assert_int_eq(pread(bench->log_fd, text, (size_t)size, 0), size);
    return text;
}

#define TOOL_BENCH_LOG_HAS(bench, words)                                 \
    do {                                                                 \
        char *log_ = tool_bench_log(bench);                              \
        ck_assert_msg(strstr(log_, words) != NULL, "the log: %s", log_); \
        free(log_);                                                      \
    } while (0)

/* After the peers of the test are closed. */
static inline void tool_bench_close(struct tool_bench *bench)
{
    char *log;

    tool_bench_stop(bench);
    ck_assert_str_eq(bench->misbehaviour, "");
    credential_client_free(bench->credentials);
    for (int i = 0; i < 3; i++)
        loop_run_once(bench->loop, 0);
    broker_free(bench->broker);
    plugin_catalogue_free(bench->catalogue);
    http_client_free(bench->http);
    for (int i = 0; i < 3; i++)
        loop_run_once(bench->loop, 0);
    loop_free(bench->loop);
    log = tool_bench_log(bench);
    ck_assert_msg(strstr(log, "canary") == NULL, "a secret in the log: %s", log);
    free(log);
    free(bench->text);
    close(bench->log_fd);
    secret_arena_close();
}

/* A whole suite inline, then on a thread, then in a process. */
static inline int tool_bench_run(const char *name, const TTest *const *tests, void (*setup)(void),
                                 void (*teardown)(void))
{
    static const enum placement placements[] = {PLACEMENT_INLINE, PLACEMENT_THREAD,
                                                PLACEMENT_PROCESS};
    char title[100];
    int failed = 0;

    for (size_t i = 0; i < sizeof placements / sizeof *placements; i++) {
        tool_bench_placement = placements[i];
        snprintf(title, sizeof title, "%s, placement %s", name, placement_text(placements[i]));
        failed |= run_tests(title, tests, setup, teardown);
    }
    return failed;
}

#endif
