/* A worker: a loop and everything a turn needs on it. */
#include "cli/worker.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/host.h"
#include "cli/plugin_metrics.h"
#include "cli/tool_host_set.h"
#include "config/host_config.h"
#include "credential/credential_client.h"
#include "credential/subject.h"
#include "jwt/jwks.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/loop.h"
#include "plugin/tool_port.h"
#include "server/audit.h"
#include "server/metrics.h"
#include "server/metrics_pool.h"
#include "server/ready.h"
#include "server/ready_cause.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct worker {
    struct server_worker server;
    struct host *host;
    struct loop *loop;
    bool owns_loop;
    struct http_client *http;
    struct credential_client *credentials;
    struct http_service *service;
    struct tool_port **ports;
    size_t port_count;
    size_t stopping;
    void (*on_stopped)(void *arg);
    void *stopped_arg;
};

/* ---- what the parts report ------------------------------------------------------------------- */

/* A call that failed says what GET /ready and the doctor say: the credential's cause when that is
 * what is missing, else the tool's. */
static void report_failure(struct worker *worker, const struct tool_event *event)
{
    struct server_shared *shared = worker->server.shared;
    const struct tool_config *tool = host_config_tool(shared->config, event->tool);
    struct ready_cause cause;
    bool is_found = false;

    if (tool == NULL)
        return;
    for (size_t i = 0; i < tool->credential_count && !is_found; i++)
        is_found = ready_board_failure(shared->ready, tool->credentials[i], &cause);
    if (!is_found)
        ready_cause_tool(&shared->settings, tool, event->result, &cause);
    log_warn("tool", "a tool call failed", LOG_TEXT("request_id", event->request_id),
             LOG_TEXT("tool", event->tool), LOG_TEXT("reason", cause.what),
             LOG_TEXT("setting", cause.setting), LOG_TEXT("fix", cause.fix));
}

/* Calls that were refused or cancelled before the plugin answered say nothing of it. */
static void count_plugin_call(struct worker *worker, const struct tool_event *event)
{
    const struct tool_config *tool = host_config_tool(worker->server.shared->config, event->tool);
    bool has_failed = strcmp(event->outcome, "failed") == 0;
    char user[80];

    if (tool == NULL || strcmp(event->outcome, "refused") == 0)
        return;
    (void)snprintf(user, sizeof user, "tools.%.60s", tool->name);
    plugin_metrics_call(worker->server.metrics, tool->plugin, user,
                        has_failed ? event->reason : event->outcome, event->duration_ms);
}

static void on_tool(void *arg, const struct tool_event *event)
{
    struct worker *worker = arg;
    char labels[160];

    (void)snprintf(labels, sizeof labels, "tool=\"%.60s\",outcome=\"%s\"", event->tool,
                   event->outcome);
    metrics_count(worker->server.metrics, "sesame_tool_calls_total", labels);
    count_plugin_call(worker, event);
    if (strcmp(event->outcome, "failed") == 0)
        report_failure(worker, event);
    (void)audit_write(
        worker->server.shared->audit,
        &(struct audit_record){.event = "tool",
                               .request_id = event->request_id,
                               .sub = event->sub,
                               .actors = event->subject == NULL ? NULL : event->subject->actors,
                               .tool = event->tool,
                               .function = event->function,
                               .credential = event->credentials,
                               .arguments_sha256 = event->arguments_sha256,
                               .outcome = event->outcome,
                               .reason = event->reason,
                               .duration_ms = event->duration_ms});
}

static void want_keys(void *arg)
{
    struct worker *worker = arg;

    host_want_keys(worker->host, worker);
}

/* ---- making ---------------------------------------------------------------------------------- */

static bool make_ports(struct worker *worker, struct error *err)
{
    struct plugin_home home = {worker->loop, worker->http, worker->credentials};
    const struct tool_host_set *tools = host_tools(worker->host);
    size_t count = tool_host_set_count(tools);

    worker->ports = calloc(count + 1, sizeof *worker->ports);
    if (worker->ports == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory for the tools");
    for (size_t i = 0; i < count; i++) {
        struct error why = {0};
        struct tool_port *port = tool_port_new(tool_host_set_at(tools, i), &home, &why);

        if (port != NULL) {
            worker->ports[worker->port_count++] = port;
            continue;
        }
        if (tool_host_set_is_required(tools, i)) {
            *err = why;
            return false;
        }
        tool_host_set_leave_out(tools, i, &why);
    }
    return true;
}

static void set_limits(struct http_server_limits *limits, const struct limits_config *config)
{
    http_server_limits_default(limits);
    limits->parser.head_max_bytes = (size_t)config->header_bytes;
    limits->parser.field_max_count = (size_t)config->header_fields;
    limits->parser.body_max_bytes = (uint64_t)config->body_bytes;
    limits->head_deadline_ms = config->header_timeout_s * 1000;
    limits->body_deadline_ms = config->body_timeout_s * 1000;
    limits->idle_timeout_ms = config->idle_timeout_s * 1000;
    limits->reply_queue_max_bytes = (size_t)config->reply_queue_bytes;
    limits->reply_stall_timeout_ms = config->reply_stall_s * 1000;
}

static bool make_server(struct worker *worker, struct error *err)
{
    const struct host_config *config = host_configuration(worker->host);
    struct gate_options gate = {
        .policy = {.issuer = config->inbound.issuer,
                   .audience = config->inbound.audience,
                   .scope = config->inbound.scope,
                   .leeway_s = config->inbound.leeway_s,
                   .requires_typ = config->inbound.require_typ,
                   .requires_sub = host_config_has_users(config)},
        .want_keys = want_keys,
        .arg = worker,
    };
    struct http_server_limits limits;

    set_limits(&limits, &config->limits);
    worker->server.shared = host_shared(worker->host);
    worker->server.loop = worker->loop;
    worker->server.metrics = metrics_pool_take(worker->server.shared->metrics);
    if (worker->server.metrics == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory for the metrics");
    worker->server.gate = gate_new(worker->loop, &gate, err);
    if (worker->server.gate == NULL)
        return false;
    worker->server.agent = (struct agent){
        .chat = {worker->loop, worker->http, worker->credentials, &config->model},
        .system_prompt = config->model.system_prompt,
        .limits = &config->limits,
        .ports = worker->ports,
        .port_count = worker->port_count,
        .on_tool = on_tool,
        .arg = worker,
    };
    worker->service =
        http_service_new(worker->loop, &limits, routes_on_request, &worker->server, err);
    return worker->service != NULL;
}

struct worker *worker_new(struct host *host, struct loop *loop, struct error *err)
{
    struct worker *worker = calloc(1, sizeof *worker);

    if (worker == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a worker");
        return NULL;
    }
    worker->host = host;
    worker->owns_loop = loop == NULL;
    worker->loop = loop == NULL ? loop_new(err) : loop;
    if (worker->loop != NULL && (worker->http = http_client_new(worker->loop, NULL, err)) != NULL &&
        (worker->credentials = credential_client_new(host_broker(host), worker->loop, err)) !=
            NULL &&
        make_ports(worker, err) && make_server(worker, err))
        return worker;
    worker_free(worker);
    return NULL;
}

struct loop *worker_loop(struct worker *worker)
{
    return worker->loop;
}

struct server_worker *worker_server(struct worker *worker)
{
    return &worker->server;
}

int worker_load(struct worker *worker)
{
    return atomic_load(&worker->server.open_turns);
}

/* ---- messages -------------------------------------------------------------------------------- */

struct message {
    struct worker *worker;
    int fd;
    struct jwks *jwks;
    void (*take)(void *arg, int fd);
    void *take_arg;
    void (*fn)(void *arg);
    void *arg;
};

static struct message *new_message(struct worker *worker)
{
    struct message *message = calloc(1, sizeof *message);

    if (message != NULL)
        message->worker = worker;
    return message;
}

static void take_connection(void *arg)
{
    struct message *message = arg;

    http_service_adopt(message->worker->service, message->fd);
    free(message);
}

void worker_adopt(struct worker *worker, int fd)
{
    struct message *message = new_message(worker);

    if (message != NULL) {
        message->fd = fd;
        if (loop_post(worker->loop, take_connection, message))
            return;
    }
    free(message);
    close(fd);
}

static void take_keys(void *arg)
{
    struct message *message = arg;

    gate_set_keys(message->worker->server.gate, message->jwks);
    jwks_free(message->jwks);
    free(message);
}

void worker_push_keys(struct worker *worker, struct jwks *jwks)
{
    struct message *message = new_message(worker);

    if (message == NULL)
        return;
    message->jwks = jwks == NULL ? NULL : jwks_ref(jwks);
    if (loop_post(worker->loop, take_keys, message))
        return;
    jwks_free(message->jwks);
    free(message);
}

static void begin_drain(void *arg)
{
    struct message *message = arg;

    http_service_hand_over(message->worker->service, message->take, message->take_arg, message->fn,
                           message->arg);
    free(message);
}

void worker_drain(struct worker *worker, void (*take)(void *arg, int fd), void *take_arg,
                  void (*on_drained)(void *arg), void *arg)
{
    struct message *message = new_message(worker);

    if (message == NULL)
        return;
    message->take = take;
    message->take_arg = take_arg;
    message->fn = on_drained;
    message->arg = arg;
    if (!loop_post(worker->loop, begin_drain, message))
        free(message);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void on_port_stopped(void *arg)
{
    struct worker *worker = arg;

    if (--worker->stopping == 0)
        worker->on_stopped(worker->stopped_arg);
}

void worker_stop(struct worker *worker, void (*on_stopped)(void *arg), void *arg)
{
    routes_cancel_turns(&worker->server);
    worker->on_stopped = on_stopped;
    worker->stopped_arg = arg;
    worker->stopping = worker->port_count + 1;
    for (size_t i = 0; i < worker->port_count; i++)
        tool_port_stop(worker->ports[i], on_port_stopped, worker);
    on_port_stopped(worker);
}

void worker_free(struct worker *worker)
{
    if (worker == NULL)
        return;
    routes_cancel_turns(&worker->server);
    if (worker->service != NULL)
        http_service_free(worker->service);
    gate_free(worker->server.gate);
    if (worker->server.metrics != NULL)
        metrics_pool_give_back(worker->server.shared->metrics, worker->server.metrics);
    platform_seen_clear(&worker->server.platform);
    for (size_t i = 0; i < worker->port_count; i++)
        tool_port_free(worker->ports[i]);
    free(worker->ports);
    credential_client_free(worker->credentials);
    http_client_free(worker->http);
    if (worker->owns_loop && worker->loop != NULL) {
        /* What was posted and is now nobody's runs off. */
        for (int i = 0; i < 3; i++)
            loop_run_once(worker->loop, 0);
        loop_free(worker->loop);
    }
    free(worker);
}
