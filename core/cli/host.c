/* The host: everything that exists once, on the owner's thread, made from the two configurations.
 */
#include "cli/host.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "cli/locate.h"
#include "cli/plugin_folder.h"
#include "cli/plugin_metrics.h"
#include "cli/provider_set.h"
#include "cli/tool_host_set.h"
#include "cli/worker.h"
#include "config/endpoint.h"
#include "config/host_config.h"
#include "config/idaas_config.h"
#include "credential/broker.h"
#include "credential/subject.h"
#include "jwt/jwks.h"
#include "jwt/jwks_cache.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "plugin/catalogue.h"
#include "plugin/tool_port.h"
#include "server/audit.h"
#include "server/metrics.h"
#include "server/metrics_pool.h"
#include "server/page.h"
#include "server/ready.h"
#include "server/ready_cause.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FETCH_MORE_MS 5000 /* of a fetch, beside its longest request: waiting for another */

struct host {
    const struct setup *setup;
    struct loop *loop;
    bool owns_loop, owns_metrics, has_no_tools;
    struct http_client *http;
    struct plugin_catalogue *catalogue;
    struct provider_set *providers;
    struct broker *broker;
    struct jwks_cache *jwks;
    struct tool_host_set *tools; /* NULL: none */
    struct server_shared shared;
    struct metrics *metrics; /* the owner's */
    struct worker **workers;
    size_t worker_count;
};

/* ---- the process ----------------------------------------------------------------------------- */

static enum log_level level_of(const char *text)
{
    return strcmp(text, "debug") == 0   ? LOG_DEBUG
           : strcmp(text, "warn") == 0  ? LOG_WARN
           : strcmp(text, "error") == 0 ? LOG_ERROR
                                        : LOG_INFO;
}

bool host_open_process(const struct setup *setup, bool logs_quietly, struct error *err)
{
    const struct host_config *config = setup->host;
    struct secret_report report;

    if (!secret_arena_open((size_t)config->limits.secret_bytes,
                           getenv("SESAME_KEEP_DUMPABLE") != NULL, &report, err) ||
        !log_open(STDERR_FILENO,
                  logs_quietly || strcmp(config->log_format, "text") == 0 ? LOG_FORMAT_TEXT
                                                                          : LOG_FORMAT_JSON,
                  logs_quietly ? LOG_WARN : level_of(config->log_level), err))
        return false;
    log_info("start", "secret memory", LOG_INT("bytes", (int64_t)report.arena_bytes),
             LOG_TEXT("kind", report.is_memfd_secret ? "memfd_secret" : "anonymous"),
             LOG_BOOL("locked", report.is_locked), LOG_BOOL("dontdump", report.is_dontdump),
             LOG_BOOL("dontfork", report.is_dontfork),
             LOG_BOOL("process_undumpable", report.is_process_undumpable));
    return true;
}

void host_close_process(void)
{
    log_close();
    secret_arena_close();
}

/* ---- what the parts report ------------------------------------------------------------------- */

/* A token is a provider's; what the vault gives is not. */
static void count_provider_call(struct host *host, const struct credential_event *event)
{
    const struct host_config *config = host->setup->host;
    const struct credential_config *credential = host_config_credential(config, event->credential);
    size_t provider = credential == NULL ? 0 : credential->provider;
    char user[100] = "idaas";

    if (credential != NULL && credential->kind != CREDENTIAL_ACCESS_TOKEN)
        return;
    if (provider > 0)
        (void)snprintf(user, sizeof user, "credential_providers.%.70s",
                       config->providers[provider - 1].name);
    plugin_metrics_call(host->metrics,
                        provider > 0 ? config->providers[provider - 1].plugin
                                     : provider_set_idaas_plugin(host->providers),
                        user, event->outcome, event->duration_ms);
}

static void on_credential_event(void *arg, const struct credential_event *event)
{
    struct host *host = arg;
    char labels[140];

    (void)snprintf(labels, sizeof labels, "credential=\"%.64s\",outcome=\"%s\"", event->credential,
                   event->outcome);
    metrics_count(host->metrics, "sesame_credential_fetch_total", labels);
    count_provider_call(host, event);
    (void)audit_write(host->shared.audit,
                      &(struct audit_record){
                          .event = "credential",
                          .sub = event->subject == NULL ? NULL : event->subject->sub,
                          .client_id = event->subject == NULL ? NULL : event->subject->client_id,
                          .actors = event->subject == NULL ? NULL : event->subject->actors,
                          .credential = event->credential,
                          .audience = event->audience,
                          .scope = event->scope,
                          .fingerprint = event->fingerprint[0] == '\0' ? NULL : event->fingerprint,
                          .outcome = event->outcome,
                          .reason = event->reason,
                          .duration_ms = event->duration_ms});
}

static void on_credential_state(void *arg, const char *credential, bool is_ready,
                                const struct error *why)
{
    struct host *host = arg;
    bool is_vault = strcmp(credential, "vault") == 0;
    struct ready_cause cause;

    if (why == NULL) {
        ready_board_set(host->shared.ready, credential, is_vault, is_ready, "");
        return;
    }
    ready_cause_credential(&host->shared.settings,
                           is_vault ? NULL : host_config_credential(host->setup->host, credential),
                           why, &cause);
    /* What an API key waits for in vain is said at the vault. */
    (void)ready_board_find(host->shared.ready, cause.what, &cause);
    ready_board_fail(host->shared.ready, credential, is_vault, is_ready, &cause);
    if (!is_ready)
        log_warn("credential", "a credential is not there", LOG_TEXT("credential", credential),
                 LOG_TEXT("reason", cause.what), LOG_TEXT("setting", cause.setting),
                 LOG_TEXT("fix", cause.fix));
}

static void on_misbehaviour(void *arg, const char *plugin_id, const char *kind)
{
    struct host *host = arg;
    char labels[160];

    (void)snprintf(labels, sizeof labels, "plugin=\"%.64s\",kind=\"%.40s\"", plugin_id, kind);
    metrics_count(host->metrics, "sesame_plugin_misbehaviour_total", labels);
    if (strcmp(kind, "given_up") != 0)
        return;
    (void)snprintf(labels, sizeof labels, "process of %.64s", plugin_id);
    ready_board_set(host->shared.ready, labels, false, false,
                    "failed too often and is not started again");
}

static void on_listed(void *arg, const char *tool, const struct error *err)
{
    struct host *host = arg;
    const struct tool_config *config = host_config_tool(host->setup->host, tool);
    struct ready_cause cause;
    char entry[80];

    (void)snprintf(entry, sizeof entry, "tool %.60s", tool);
    if (err == NULL || config == NULL) {
        ready_board_set(host->shared.ready, entry, false, err == NULL, "");
        return;
    }
    ready_cause_tool(&host->shared.settings, config, err->message, &cause);
    for (size_t i = 0; i < config->credential_count; i++)
        if (ready_board_failure(host->shared.ready, config->credentials[i], &cause))
            break;
    ready_board_fail(host->shared.ready, entry, false, false, &cause);
    log_warn("tool", "the tool did not list its functions", LOG_TEXT("tool", tool),
             LOG_TEXT("reason", cause.what), LOG_TEXT("setting", cause.setting),
             LOG_TEXT("fix", cause.fix));
}

static void on_keys(void *arg, struct jwks *jwks)
{
    struct host *host = arg;

    ready_board_set(host->shared.ready, "jwks", true, jwks != NULL,
                    jwks != NULL ? "" : "no sign-in keys are left that are young enough");
    for (size_t i = 0; i < host->worker_count; i++)
        worker_push_keys(host->workers[i], jwks);
}

static void on_keys_failure(void *arg, const struct error *why, bool has_keys)
{
    struct host *host = arg;
    struct ready_cause cause;

    ready_cause_keys(&host->shared.settings, why, &cause);
    ready_board_fail(host->shared.ready, "jwks", true, has_keys, &cause);
}

/* ---- making ---------------------------------------------------------------------------------- */

static bool open_catalogue(struct host *host, struct error *err)
{
    host->catalogue = plugin_folder_open(&host->setup->host->plugins, err);
    return host->catalogue != NULL;
}

static bool make_providers(struct host *host, struct error *err)
{
    const struct provider_set_options options = {
        .setup = host->setup,
        .catalogue = host->catalogue,
        .home = {host->loop, host->http, NULL},
        .watch = {.on_misbehaviour = on_misbehaviour,
                  .arg = host,
                  .platform = host->shared.platform},
    };

    host->providers = provider_set_new(&options, err);
    return host->providers != NULL;
}

/* For the user's own token to the vault the vendor's sample takes the scope of the IDaaS file,
 * which works only when its audience is the vault (idaas.md 3). */
static const char *user_vault_scope(const struct host *host)
{
    const struct idaas_config *idaas = host->setup->idaas;
    struct error ignored = {0};
    struct slice audience;

    if (idaas != NULL && scope_check(idaas->scope, &audience, &ignored) &&
        slice_equal_text(audience, IDAAS_PAM_AUDIENCE))
        return idaas->scope;
    if (host_config_has_users(host->setup->host))
        log_info("credential", "the scope of the IDaaS file is not for the vault",
                 LOG_TEXT("scope", idaas == NULL ? "" : idaas->scope),
                 LOG_TEXT("taken", IDAAS_PAM_SCOPE));
    return IDAAS_PAM_SCOPE;
}

/* Of one request, as the IDaaS file says. */
static int64_t idaas_timeout_ms(const struct idaas_config *idaas)
{
    return idaas->connect_timeout_ms + idaas->read_timeout_ms;
}

static bool make_broker(struct host *host, struct error *err)
{
    const struct host_config *config = host->setup->host;
    const struct idaas_config *idaas = host->setup->idaas;
    struct broker_options options = {
        .credentials = config->credentials,
        .credential_count = config->credential_count,
        .provider = provider_set_tables(host->providers)[0],
        .more_providers = provider_set_tables(host->providers) + 1,
        .developer_api_endpoint = idaas == NULL ? "" : idaas->developer_api_endpoint,
        .instance_id = idaas == NULL ? "" : idaas->instance_id,
        .vault_scope = IDAAS_PAM_SCOPE,
        .user_vault_scope = user_vault_scope(host),
        .user_max_count = (size_t)config->limits.cached_users,
        .fetch_timeout_ms = idaas == NULL ? 0 : idaas_timeout_ms(idaas) + FETCH_MORE_MS,
        .vault_timeout_ms = idaas == NULL ? 0 : idaas_timeout_ms(idaas),
        .on_event = on_credential_event,
        .on_state = on_credential_state,
        .arg = host,
    };

    for (size_t i = 0; i < config->credential_count; i++) {
        /* A user's comes with the user: there is nothing to be ready before. */
        if (config->credentials[i].identity == IDENTITY_USER)
            continue;
        if (config->credentials[i].kind != CREDENTIAL_ACCESS_TOKEN)
            ready_board_expect(host->shared.ready, "vault", true, "not fetched yet");
        ready_board_expect(host->shared.ready, config->credentials[i].name, false,
                           "not fetched yet");
    }
    host->broker = broker_new(host->loop, host->http, &options, err);
    return host->broker != NULL;
}

static bool make_tools(struct host *host, struct error *err)
{
    const struct tool_set_options options = {
        .config = host->setup->host,
        .catalogue = host->catalogue,
        .broker = host->broker,
        .ready = host->shared.ready,
        .watch = {.on_misbehaviour = on_misbehaviour, .arg = host, .on_listed = on_listed},
    };

    host->tools = tool_host_set_new(&options, err);
    return host->tools != NULL;
}

static void retry_failed(void *arg)
{
    struct host *host = arg;

    if (host->broker != NULL)
        broker_retry_failed(host->broker);
}

/* [any thread] After a long sleep of the instance a refresh may have failed with the key of before,
 * a moment ahead of the request that brings the new one. */
static void on_platform_key(void *arg)
{
    struct host *host = arg;

    (void)loop_post(host->loop, retry_failed, host);
}

static bool open_platform(struct host *host, struct error *err)
{
    bool brings_keys = false;

    if (!platform_detect(host->setup->host->platform, config_source_process(), &brings_keys, err))
        return false;
    if (!brings_keys)
        return true;
    host->shared.platform = platform_credentials_new(on_platform_key, host, err);
    if (host->shared.platform != NULL)
        log_info("start", "Function Compute: each request brings the execution role's key");
    return host->shared.platform != NULL;
}

static bool make_shared(struct host *host, struct error *err)
{
    const struct host_config *config = host->setup->host;

    host->shared.config = config;
    host->shared.settings = (struct ready_settings){config, host->setup->idaas};
    host->shared.has_users = host_config_has_users(config);
    host->shared.agent_id =
        host->setup->idaas == NULL ? config->inbound.audience : host->setup->idaas->client_id;
    host->shared.open_turns = metrics_pool_open_turns(host->shared.metrics);
    host->shared.ready = ready_board_new();
    host->metrics = metrics_pool_take(host->shared.metrics);
    if (host->shared.ready == NULL || host->metrics == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory for the host");
    ready_board_expect(host->shared.ready, "jwks", true, "not fetched yet");
    host->shared.audit = audit_open(config->audit_path, err);
    return host->shared.audit != NULL && open_platform(host, err);
}

static bool load_page(struct host *host, struct error *err)
{
    const struct web_config *web = &host->setup->host->web;
    CLEANUP(cleanup_free) char *directory = NULL;

    if (!web->is_enabled)
        return true;
    directory = locate_web(web->directory);
    if (directory == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory for the page");
    host->shared.page = page_load(directory, web, "", err);
    return host->shared.page != NULL;
}

/* The owner asks IDaaS, and who else issues and keeps credentials. */
static struct http_client *make_client(const struct host *host, struct error *err)
{
    const struct idaas_config *idaas = host->setup->idaas;
    struct http_client_options options = {
        .connect_timeout_ms = idaas == NULL ? 0 : (int32_t)idaas->connect_timeout_ms};

    return http_client_new(host->loop, &options, err);
}

/* What lives longer than a host that a reload replaces. */
static bool take_process(struct host *host, const struct host_options *options, struct error *err)
{
    host->owns_loop = options->loop == NULL;
    host->loop = host->owns_loop ? loop_new(err) : options->loop;
    if (host->loop == NULL)
        return false;
    host->owns_metrics = options->metrics == NULL;
    host->shared.metrics = host->owns_metrics ? metrics_pool_new(err) : options->metrics;
    return host->shared.metrics != NULL;
}

struct host *host_begin(const struct host_options *options, struct error *err)
{
    struct host *host = calloc(1, sizeof *host);

    if (host == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for the host");
        return NULL;
    }
    host->setup = options->setup;
    host->has_no_tools = options->has_no_tools;
    if (take_process(host, options, err))
        return host;
    host_free(host);
    return NULL;
}

bool host_make(struct host *host, struct error *err)
{
    return make_shared(host, err) && (host->http = make_client(host, err)) != NULL &&
           open_catalogue(host, err) && make_providers(host, err) && make_broker(host, err) &&
           (host->has_no_tools || make_tools(host, err)) && load_page(host, err);
}

struct host *host_new(const struct host_options *options, struct error *err)
{
    struct host *host = host_begin(options, err);

    if (host == NULL || host_make(host, err))
        return host;
    host_free(host);
    return NULL;
}

bool host_start(struct host *host, struct error *err)
{
    struct jwks_cache_options options = {.url = host->setup->host->inbound.jwks_url,
                                         .on_change = on_keys,
                                         .on_failure = on_keys_failure,
                                         .arg = host};

    broker_start(host->broker);
    host->jwks = jwks_cache_new(host->loop, host->http, &options, err);
    return host->jwks != NULL;
}

void host_stop_tools(struct host *host)
{
    tool_host_set_free(TAKE(host->tools));
}

/* What was posted and is now nobody's runs off. On a loop that goes on it does so by itself. */
static void run_off(struct host *host)
{
    for (int i = 0; host->owns_loop && i < 3; i++)
        loop_run_once(host->loop, 0);
}

void host_free(struct host *host)
{
    if (host == NULL)
        return;
    /* The threads of tools use the broker to their end. */
    host_stop_tools(host);
    host->owns_loop = host->owns_loop && host->loop != NULL;
    run_off(host);
    jwks_cache_free(host->jwks);
    broker_free(TAKE(host->broker));
    provider_set_free(host->providers);
    plugin_catalogue_free(host->catalogue);
    http_client_free(host->http);
    page_free(host->shared.page);
    audit_close(host->shared.audit);
    platform_credentials_free(host->shared.platform);
    ready_board_free(host->shared.ready);
    if (host->metrics != NULL)
        metrics_pool_give_back(host->shared.metrics, host->metrics);
    if (host->owns_metrics)
        metrics_pool_free(host->shared.metrics);
    run_off(host);
    if (host->owns_loop)
        loop_free(host->loop);
    free(host);
}

/* ---- what others see ------------------------------------------------------------------------- */

struct loop *host_loop(struct host *host)
{
    return host->loop;
}

struct broker *host_broker(struct host *host)
{
    return host->broker;
}

const struct host_config *host_configuration(const struct host *host)
{
    return host->setup->host;
}

struct server_shared *host_shared(struct host *host)
{
    return &host->shared;
}

const struct tool_host_set *host_tools(const struct host *host)
{
    return host->tools;
}

void host_write_plugins(void *arg, struct buffer *out)
{
    struct host *host = arg;
    const struct plugin_view view = {host->setup->host, host->catalogue, host->tools,
                                     provider_set_idaas_plugin(host->providers)};

    plugin_metrics_write(&view, out);
}

void host_set_workers(struct host *host, struct worker **workers, size_t count)
{
    host->workers = workers;
    host->worker_count = count;
}

struct key_wish {
    struct host *host;
    struct worker *worker;
};

/* False once the host is ending and the worker may be gone. */
static bool is_worker(const struct host *host, const struct worker *worker)
{
    for (size_t i = 0; i < host->worker_count; i++)
        if (host->workers[i] == worker)
            return true;
    return false;
}

static void take_key_wish(void *arg)
{
    struct key_wish *wish = arg;
    struct jwks_cache *cache = wish->host->jwks;

    /* No fetch is due: what is there is the answer. */
    if (cache != NULL && is_worker(wish->host, wish->worker) && !jwks_cache_want_kid(cache) &&
        jwks_cache_get(cache) != NULL)
        worker_push_keys(wish->worker, jwks_cache_get(cache));
    free(wish);
}

void host_want_keys(struct host *host, struct worker *worker)
{
    struct key_wish *wish = malloc(sizeof *wish);

    if (wish == NULL)
        return;
    *wish = (struct key_wish){host, worker};
    if (!loop_post(host->loop, take_key_wish, wish))
        free(wish);
}
