/* A plugin at work in the real host, with a scripted server for what it calls. */
#include "check/bench_private.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "check/peer.h"
#include "check/probe.h"
#include "config/host_config.h"
#include "credential/broker.h"
#include "credential/credential_client.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "plugin/library.h"
#include "plugin/provider_port.h"
#include "plugin/tool_port.h"

#include <sesame/credential_provider.h>
#include <sesame/tool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define RESULT_MAX_BYTES (1024 * 1024)
#define SETTLE_MS 100
#define PROGRAM_MEMORY_BYTES (256 * 1024 * 1024)
#define CREDENTIAL_VALUE "canary-credential-of-the-host"

/* ---- the credential that a tool may name ----------------------------------------------------- */

struct given {
    token_done_fn *done;
    void *done_arg;
};

static void give(void *arg)
{
    struct given given = *(struct given *)arg;
    struct error ignored = {0};
    struct token_answer answer = {
        .token = secret_copy(CREDENTIAL_VALUE, sizeof CREDENTIAL_VALUE - 1, &ignored),
        .expires_in_s = 1200,
        .expires_at_s = -1};

    free(arg);
    if (given.done != NULL)
        given.done(given.done_arg, &answer, NULL, -1);
    secret_free(answer.token);
}

static struct token_fetch *fetch_credential(void *arg, const struct token_request *request,
                                            token_done_fn *done, void *done_arg, struct error *err)
{
    struct bench *bench = arg;
    struct given *given = calloc(1, sizeof *given);

    (void)request;
    if (given == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a fetch");
        return NULL;
    }
    *given = (struct given){done, done_arg};
    (void)loop_post(bench->loop, give, given);
    return (struct token_fetch *)given;
}

static void cancel_credential(void *arg, struct token_fetch *fetch)
{
    (void)arg;
    ((struct given *)fetch)->done = NULL;
}

/* Texts that the host's structs want writable, and alive as long as the bench. */
static char own_name[] = BENCH_CREDENTIAL, nothing[] = "", no_members[] = "{}",
            scope[] = "https://check.example|call", header[] = "Authorization",
            prefix[] = "Bearer ", granted[] = "/bin/cat";

static void open_broker(struct bench *bench, struct error *err)
{
    static char *origins[1];
    static struct credential_config credential = {.name = own_name,
                                                  .kind = CREDENTIAL_ACCESS_TOKEN,
                                                  .identifier = nothing,
                                                  .request_json = no_members,
                                                  .scope = scope,
                                                  .origins = origins,
                                                  .origin_count = 1,
                                                  .attach_header = header,
                                                  .attach_prefix = prefix,
                                                  .attach_query = nothing};
    struct broker_options options = {.credentials = &credential,
                                     .credential_count = 1,
                                     .provider = {fetch_credential, cancel_credential, bench},
                                     .developer_api_endpoint = "",
                                     .instance_id = "",
                                     .vault_scope = ""};

    origins[0] = strdup(peer_url(bench->peer));
    bench->broker = broker_new(bench->loop, bench->http, &options, err);
    if (bench->broker != NULL)
        bench->credentials = credential_client_new(bench->broker, bench->loop, err);
}

/* ---- the host -------------------------------------------------------------------------------- */

static void on_misbehaviour(void *arg, const char *plugin_id, const char *kind)
{
    struct bench *bench = arg;
    size_t used;

    (void)plugin_id;
    pthread_mutex_lock(&bench->lock);
    used = strlen(bench->misbehaviour);
    (void)snprintf(bench->misbehaviour + used, sizeof bench->misbehaviour - used, "%s ", kind);
    pthread_mutex_unlock(&bench->lock);
}

static bool offers(const struct plugin_manifest *manifest, const char *interface)
{
    for (char **offered = manifest->interfaces; *offered != NULL; offered++)
        if (strcmp(*offered, interface) == 0)
            return true;
    return false;
}

/* A provider may call the scripted server besides its own origins. */
static void open_origins(struct bench *bench, const struct plugin_manifest *manifest)
{
    size_t count = 0;

    bench->manifest = *manifest;
    while (manifest->origins[count] != NULL)
        count++;
    bench->manifest.origins = calloc(count + 2, sizeof *manifest->origins);
    if (bench->manifest.origins == NULL)
        check_fail(bench->check, "no memory");
    memcpy(bench->manifest.origins, manifest->origins, count * sizeof *manifest->origins);
    bench->manifest.origins[count] = strdup(peer_url(bench->peer));
}

static void open_library(struct bench *bench)
{
    bool is_apart = bench->placement == PLACEMENT_PROCESS;
    struct error err = {0};

    check_step(bench->check, "the library is opened");
    bench->library = plugin_library_load(
        &bench->manifest, is_apart ? bench->check->target->sandbox : NULL, NULL, &err);
    if (bench->library == NULL && is_apart)
        check_fail(bench->check, "%s", err.message);
    if (bench->library == NULL)
        check_skip(bench->check,
                   "the host does not open it (load, descriptor and manifest say why)");
    if (!is_apart)
        probe_install(bench->library, peer_url(bench->peer));
}

static void watch_secrets(void)
{
    probe_add_secret(CREDENTIAL_VALUE);
    probe_add_secret(BENCH_TOKEN);
}

/* Once: a check may need several benches. */
static bool start_log(struct error *err)
{
    static bool is_open;
    int fd;

    if (is_open)
        return true;
    fd = memfd_create("log", MFD_CLOEXEC);
    is_open = fd >= 0 && log_open(fd, LOG_FORMAT_TEXT, LOG_ERROR, err);
    return is_open;
}

struct bench *bench_prepare_at(struct check *check, enum placement placement)
{
    const struct plugin_manifest *manifest = check_manifest(check);
    struct bench *bench = calloc(1, sizeof *bench);
    struct error err = {0};

    if (bench == NULL || !start_log(&err))
        check_fail(check, "the check could not be set up: %s", err.message);
    bench->check = check;
    bench->placement = placement;
    bench->is_tool = offers(manifest, SESAME_TOOL_V1) && check->what->kind != CHECK_PROVIDER;
    pthread_mutex_init(&bench->lock, NULL);
    bench->loop = loop_new(&err);
    if (bench->loop == NULL)
        check_fail(check, "the check could not be set up: %s", err.message);
    loop_run_once(bench->loop, 0);
    bench_make_example(bench);
    bench->http = http_client_new(bench->loop, NULL, &err);
    if (bench->http != NULL)
        open_broker(bench, &err);
    if (bench->credentials == NULL)
        check_fail(check, "the check could not be set up: %s", err.message);
    open_origins(bench, manifest);
    watch_secrets();
    open_library(bench);
    bench_make_config(bench);
    return bench;
}

struct bench *bench_prepare(struct check *check)
{
    return bench_prepare_at(check, check->placement);
}

/* ---- the instance ---------------------------------------------------------------------------- */

static bool create_tool(struct bench *bench, struct error *err)
{
    static char *credentials[] = {own_name, NULL};
    static char *origins[2];
    struct plugin_home home = {bench->loop, bench->http, bench->credentials};
    struct tool_host_options options = {.library = bench->library,
                                        .config = &bench->tool,
                                        .placement = bench->placement,
                                        .broker = bench->broker,
                                        .sandbox = bench->check->target->sandbox,
                                        .watch = {.on_misbehaviour = on_misbehaviour, .arg = bench},
                                        .result_max_bytes = RESULT_MAX_BYTES,
                                        .json_depth = 64};

    if (origins[0] == NULL)
        origins[0] = strdup(peer_url(bench->peer));
    bench->tool.name = own_name;
    bench->tool.plugin = bench->manifest.id;
    bench->tool.credentials = credentials;
    bench->tool.credential_count = 1;
    bench->tool.origins = origins;
    bench->tool.origin_count = 1;
    if (bench->manifest.wants_program)
        bench->tool.program = (struct program_config){
            .path = granted, .sha256 = nothing, .memory_bytes = PROGRAM_MEMORY_BYTES};
    bench->host = tool_host_new(&options, err);
    if (bench->host != NULL)
        bench->port = tool_port_new(bench->host, &home, err);
    if (bench->port != NULL)
        return true;
    tool_host_free(TAKE(bench->host));
    return false;
}

static bool create_provider(struct bench *bench, struct error *err)
{
    struct provider_port_options options = {
        .library = bench->library,
        .home = {bench->loop, bench->http, NULL},
        .config_json = bench->tool.config_json,
        .placement = bench->placement,
        .watch = {.on_misbehaviour = on_misbehaviour, .arg = bench}};

    bench->provider = provider_port_new(&options, err);
    if (bench->provider == NULL)
        return false;
    bench->table = provider_port_table(bench->provider);
    return true;
}

bool bench_create(struct bench *bench, const char *config_json, struct error *err)
{
    check_step(bench->check, "an instance is made");
    bench_set_variables(bench);
    free(bench->tool.config_json);
    bench->tool.config_json = strdup(config_json);
    return bench->is_tool ? create_tool(bench, err) : create_provider(bench, err);
}

struct bench *bench_open(struct check *check)
{
    struct bench *bench = bench_prepare(check);
    struct error err = {0};

    if (!bench_create(bench, bench_config(bench), &err))
        check_skip(check, "no instance could be made (instance.create says why)");
    return bench;
}

static void set(void *flag)
{
    *(bool *)flag = true;
}

void bench_destroy(struct bench *bench)
{
    int64_t until_ms = clock_monotonic_ms() + 6000;
    bool has_stopped = false;

    check_step(bench->check, "the instance is ended");
    if (bench->port != NULL) {
        tool_port_stop(bench->port, set, &has_stopped);
        while (!has_stopped && clock_monotonic_ms() < until_ms)
            loop_run_once(bench->loop, 20);
        if (!has_stopped)
            check_fail(bench->check, "the instance did not stop within 6 s");
        tool_port_free(TAKE(bench->port));
    }
    tool_host_free(TAKE(bench->host));
    provider_port_free(TAKE(bench->provider));
    for (int i = 0; i < 3; i++)
        loop_run_once(bench->loop, 0);
}

/* ---- what a check asks ----------------------------------------------------------------------- */

struct bench *bench_twin(struct bench *bench)
{
    struct bench *twin = calloc(1, sizeof *twin);

    if (twin == NULL)
        check_fail(bench->check, "no memory");
    *twin = *bench;
    twin->tool.config_json = NULL;
    twin->host = NULL;
    twin->port = NULL;
    twin->provider = NULL;
    pthread_mutex_init(&twin->lock, NULL);
    return twin;
}

struct loop *bench_loop(struct bench *bench)
{
    return bench->loop;
}

struct peer *bench_peer(struct bench *bench)
{
    return bench->peer;
}

struct plugin_library *bench_library(struct bench *bench)
{
    return bench->library;
}

bool bench_is_tool(const struct bench *bench)
{
    return bench->is_tool;
}

const char *bench_misbehaviour(struct bench *bench)
{
    pthread_mutex_lock(&bench->lock);
    memcpy(bench->misbehaviour_copy, bench->misbehaviour, sizeof bench->misbehaviour);
    pthread_mutex_unlock(&bench->lock);
    return bench->misbehaviour_copy;
}

/* The length of the repetitions of `word` that `text` begins with. */
static size_t repeated_len(const char *text, const char *word)
{
    size_t len = 0;

    while (strncmp(text + len, word, strlen(word)) == 0)
        len += strlen(word);
    return len;
}

void bench_expect_no(struct bench *bench, const char *const *kinds)
{
    const char *found = bench_misbehaviour(bench);

    /* What a process tries in vain is placement.guards' business alone. */
    if (kinds == NULL && found[repeated_len(found, "system_call ")] != '\0')
        check_fail(bench->check, "the host counted: %s", found);
    for (; kinds != NULL && *kinds != NULL; kinds++)
        if (strstr(found, *kinds) != NULL)
            check_fail(bench->check, "the host counted: %s", found);
}

void bench_settle(struct bench *bench)
{
    /* With news of a credential the broker forgets the clients of threads that are gone. */
    broker_start(bench->broker);
    bench_run(bench, SETTLE_MS);
}

void bench_run(struct bench *bench, int64_t time_ms)
{
    int64_t until_ms = clock_monotonic_ms() + time_ms;

    while (clock_monotonic_ms() < until_ms)
        loop_run_once(bench->loop, 5);
}
