/* POST .../chat/completions: gate, request, turn, answer. */
#include "server/chat_endpoint.h"

#include "agent/turn.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "config/host_config.h"
#include "credential/subject.h"
#include "net/http_server.h"
#include "net/loop.h"
#include "server/audit.h"
#include "server/chat_input.h"
#include "server/chat_writer.h"
#include "server/metrics.h"
#include "server/ready.h"
#include "server/ready_cause.h"
#include "server/reply.h"
#include "server/routes.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEEP_ALIVE_MS 12000
#define KEYS_RETRY_S "5" /* the owner asks the issuer again by itself */

/* One request that passes through here, from the gate to its last byte. */
struct chat_exchange {
    struct chat_exchange *next, *previous;
    struct server_worker *worker;
    struct http_exchange *exchange; /* NULL: the client is gone */
    void (*go_on)(struct chat_exchange *chat);
    char request_id[40];
    char *sub;
    char *client_id;
    struct subject *subject; /* NULL: no credential stands for the user */
    int64_t started_at_ms;
    struct gate_wait *gate_wait;
    struct turn *turn;
    bool counts; /* as an open turn */
    struct chat_writer writer;
    struct loop_timer *keep_alive;
};

/* ---- bookkeeping ----------------------------------------------------------------------------- */

static void free_chat(struct chat_exchange *chat)
{
    struct server_worker *worker = chat->worker;

    if (chat->previous != NULL)
        chat->previous->next = chat->next;
    else
        worker->exchanges = chat->next;
    if (chat->next != NULL)
        chat->next->previous = chat->previous;
    if (chat->counts) {
        atomic_fetch_sub(&worker->open_turns, 1);
        atomic_fetch_sub(worker->shared->open_turns, 1);
    }
    gate_wait_cancel(chat->gate_wait);
    loop_timer_free(chat->keep_alive);
    chat_writer_clear(&chat->writer);
    free(chat->sub);
    free(chat->client_id);
    subject_free(chat->subject);
    free(chat);
}

/* False: the decision could not be written down. */
static bool note_gate(struct chat_exchange *chat, const struct gate_verdict *verdict)
{
    char labels[120];
    const char *result = verdict->status == 200 ? "granted" : "refused";

    (void)snprintf(labels, sizeof labels, "result=\"%s\",reason=\"%s\"", result, verdict->reason);
    metrics_count(chat->worker->metrics, "sesame_gate_total", labels);
    return audit_write(chat->worker->shared->audit,
                       &(struct audit_record){
                           .event = "gate",
                           .request_id = chat->request_id,
                           .sub = chat->sub,
                           .client_id = chat->client_id,
                           .actors = chat->subject == NULL ? NULL : chat->subject->actors,
                           .outcome = result,
                           .reason = verdict->reason,
                           .duration_ms = clock_monotonic_ms() - chat->started_at_ms,
                       });
}

static void note_turn(struct chat_exchange *chat, const char *outcome, const char *reason)
{
    int64_t duration_ms = clock_monotonic_ms() - chat->started_at_ms;
    char labels[60];

    (void)snprintf(labels, sizeof labels, "outcome=\"%s\"", outcome);
    metrics_count(chat->worker->metrics, "sesame_turns_total", labels);
    metrics_observe(chat->worker->metrics, "sesame_turn_seconds", "", duration_ms);
    (void)audit_write(
        chat->worker->shared->audit,
        &(struct audit_record){.event = "turn",
                               .request_id = chat->request_id,
                               .sub = chat->sub,
                               .client_id = chat->client_id,
                               .actors = chat->subject == NULL ? NULL : chat->subject->actors,
                               .outcome = outcome,
                               .reason = reason,
                               .duration_ms = duration_ms});
}

/* ---- the turn's events ----------------------------------------------------------------------- */

static void on_reasoning(void *arg, const char *text, size_t len)
{
    chat_writer_reasoning(&((struct chat_exchange *)arg)->writer, text, len);
}

static void on_text(void *arg, const char *text, size_t len)
{
    chat_writer_text(&((struct chat_exchange *)arg)->writer, text, len);
}

static bool add_member(struct buffer *out, const char *name, const char *text, size_t len,
                       struct error *err)
{
    return buffer_printf(out, err, ",\"%s\":", name) && json_add_string(out, text, len, err);
}

static bool begin_tool(struct buffer *out, const char *id, const char *state, struct error *err)
{
    return buffer_add_text(out, "{\"tool\":{\"id\":", err) &&
           json_add_string(out, id, strlen(id), err) &&
           add_member(out, "state", state, strlen(state), err);
}

static void on_tool_started(void *arg, const char *id, const char *name, const char *arguments)
{
    struct chat_exchange *chat = arg;
    struct buffer json;
    struct error err = {0};

    buffer_init(&json, 1024 * 1024);
    if (begin_tool(&json, id, "started", &err) &&
        add_member(&json, "name", name, strlen(name), &err) &&
        add_member(&json, "arguments", arguments, strlen(arguments), &err) &&
        buffer_add_text(&json, "}}", &err))
        chat_writer_extra(&chat->writer, json.data, json.len);
    buffer_clear(&json);
}

static void on_tool_progress(void *arg, const char *id, const char *text, size_t len)
{
    struct chat_exchange *chat = arg;
    struct buffer json;
    struct error err = {0};

    buffer_init(&json, 64 * 1024);
    if (begin_tool(&json, id, "progress", &err) && add_member(&json, "text", text, len, &err) &&
        buffer_add_text(&json, "}}", &err))
        chat_writer_extra(&chat->writer, json.data, json.len);
    buffer_clear(&json);
}

static void on_tool_finished(void *arg, const char *id, const char *name, const char *outcome,
                             const char *result, size_t result_len, int64_t duration_ms)
{
    struct chat_exchange *chat = arg;
    struct buffer json;
    struct error err = {0};

    buffer_init(&json, 1024 * 1024);
    if (begin_tool(&json, id, "finished", &err) &&
        add_member(&json, "name", name, strlen(name), &err) &&
        add_member(&json, "outcome", outcome, strlen(outcome), &err) &&
        add_member(&json, "result", result, result_len, &err) &&
        buffer_printf(&json, &err, ",\"duration_ms\":%lld}}", (long long)duration_ms))
        chat_writer_extra(&chat->writer, json.data, json.len);
    buffer_clear(&json);
}

/* Whether a failure says something about the model rather than about this one conversation. */
static bool is_of_model(const struct turn_result *result)
{
    return result->err->code != ERROR_CANCELLED && result->err->code != ERROR_LIMIT &&
           result->err->code != ERROR_NO_MEMORY && result->http_status != 400 &&
           result->http_status != 413 && result->http_status != 422;
}

/* The user's token could not be exchanged for one to what the model needs: he can mend that himself
 * (idaas.md 10). */
static bool is_of_sign_in(const struct chat_exchange *chat, const struct turn_result *result)
{
    const struct host_config *config = chat->worker->shared->config;
    const struct credential_config *credential =
        host_config_credential(config, config->model.credential);

    return credential != NULL && credential->identity == IDENTITY_USER &&
           strcmp(result->err->name, "invalid_grant") == 0;
}

/* The log of a failing turn says what GET /ready and the doctor say: the credential's cause when
 * that is what is missing, else the model's. Of a credential the client is told which setting is
 * wrong, not what it holds and not what the vault or the issuer wrote. */
static void report_failure(struct chat_exchange *chat, const struct turn_result *result,
                           const struct api_error *error, struct error *told)
{
    struct server_shared *shared = chat->worker->shared;
    struct ready_cause cause;

    if (ready_board_find(shared->ready, result->err->message, &cause)) {
        /* Both parts are shorter together than the message may be; `error` points into `told`. */
        (void)snprintf(told->message, sizeof told->message,
                       "the agent lacks a credential (%s): its operator has to look at %s",
                       error->code, cause.setting);
    } else {
        ready_cause_model(&shared->settings, result->http_status, result->err, &cause);
        if (is_of_model(result) && !is_of_sign_in(chat, result)) {
            ready_board_fail(shared->ready, "model", false, false, &cause);
            atomic_store(&shared->has_model_failed, true);
        }
    }
    log_warn("turn", "a turn failed", LOG_TEXT("request_id", chat->request_id),
             LOG_TEXT("reason", cause.what), LOG_TEXT("setting", cause.setting),
             LOG_TEXT("fix", cause.fix));
}

/* Headers can say something only before the stream has begun. */
static void add_failure_headers(struct chat_exchange *chat, const struct turn_result *result,
                                int status)
{
    char seconds[24];

    if (status == 401)
        http_exchange_add_header(chat->exchange, "WWW-Authenticate",
                                 "Bearer error=\"invalid_token\"");
    if (result->retry_after_ms >= 0) {
        (void)snprintf(seconds, sizeof seconds, "%lld",
                       (long long)(result->retry_after_ms + 999) / 1000);
        http_exchange_add_header(chat->exchange, "Retry-After", seconds);
    }
    if (result->has_called_tools)
        http_exchange_add_header(chat->exchange, "x-should-retry", "false");
}

static void fail_turn(struct chat_exchange *chat, const struct turn_result *result)
{
    struct error storage;
    struct api_error error = api_error_from(result->err, result->http_status, &storage);

    report_failure(chat, result, &error, &storage);
    if (is_of_sign_in(chat, result))
        error = (struct api_error){401, "authentication_error", "invalid_grant", NULL,
                                   "Your sign-in can no longer be used. Log in again."};
    note_turn(chat, "failed", error.code == NULL ? "" : error.code);
    if (!chat->writer.has_started)
        add_failure_headers(chat, result, error.status);
    chat_writer_fail(&chat->writer, &error);
}

static void on_turn_done(void *arg, const struct turn_result *result)
{
    struct chat_exchange *chat = arg;
    struct server_shared *shared = chat->worker->shared;

    chat->turn = NULL;
    if (result->dropped_messages > 0)
        metrics_count(chat->worker->metrics, "sesame_history_shortened_total",
                      result->err == NULL ? "outcome=\"ok\"" : "outcome=\"failed\"");
    if (result->err == NULL) {
        if (atomic_exchange(&shared->has_model_failed, false))
            ready_board_set(shared->ready, "model", false, true, "");
        note_turn(chat, result->finish == FINISH_LENGTH ? "limit" : "ok",
                  result->dropped_messages > 0 ? "history_shortened" : "");
        chat_writer_finish(&chat->writer, result->finish, &result->usage);
    } else {
        fail_turn(chat, result);
    }
    free_chat(chat);
}

static void on_keep_alive(void *arg)
{
    struct chat_exchange *chat = arg;

    chat_writer_keep_alive(&chat->writer);
    loop_timer_start(chat->keep_alive, KEEP_ALIVE_MS);
}

/* ---- a chat ---------------------------------------------------------------------------------- */

static void refuse(struct chat_exchange *chat, const struct api_error *error)
{
    reply_error(chat->exchange, error);
    free_chat(chat);
}

static bool take_place(struct chat_exchange *chat)
{
    struct server_shared *shared = chat->worker->shared;

    if (atomic_fetch_add(shared->open_turns, 1) >= shared->config->limits.open_turns) {
        atomic_fetch_sub(shared->open_turns, 1);
        return false;
    }
    atomic_fetch_add(&chat->worker->open_turns, 1);
    chat->counts = true;
    return true;
}

static bool check_content_type(const struct http_exchange *exchange)
{
    struct slice type = http_head_find(http_exchange_head(exchange), "content-type");
    struct slice essence = slice_trim(slice_cut(&type, ';'));

    return essence.len == 0 || slice_equal_nocase(essence, "application/json") ||
           slice_equal_nocase(essence, "text/plain");
}

static void start_turn(struct chat_exchange *chat, struct chat_input *input)
{
    static const struct turn_events events = {on_reasoning,     on_text,          on_tool_started,
                                              on_tool_progress, on_tool_finished, on_turn_done};
    struct server_worker *worker = chat->worker;
    const struct host_config *config = worker->shared->config;
    struct turn_request request = {input->messages, chat->request_id, chat->sub, chat->subject};
    struct error err = {0}, storage;

    chat_writer_init(&chat->writer, chat->exchange, config->model.name, input->is_stream,
                     input->includes_usage, config->is_java_sample);
    chat->keep_alive = loop_timer_new(worker->loop, on_keep_alive, chat, &err);
    if (chat->keep_alive != NULL)
        chat->turn = turn_start(&worker->agent, &request, &events, chat, &err);
    if (chat->turn == NULL) {
        struct api_error error = api_error_from(&err, 0, &storage);

        refuse(chat, &error);
        return;
    }
    loop_timer_start(chat->keep_alive, KEEP_ALIVE_MS);
}

static void begin_chat(struct chat_exchange *chat)
{
    const struct host_config *config = chat->worker->shared->config;
    struct slice body = http_exchange_body(chat->exchange);
    struct chat_input input = {0};
    const char *param = NULL;
    struct error err = {0};

    if (!check_content_type(chat->exchange)) {
        refuse(chat, &(struct api_error){415, "invalid_request_error", "unsupported_media_type",
                                         NULL, "Send the request as application/json."});
        return;
    }
    if (!chat_input_read(body.data == NULL ? "" : body.data, body.len,
                         (int)config->limits.json_depth, config->is_java_sample, &input, &param,
                         &err)) {
        refuse(chat,
               &(struct api_error){400, "invalid_request_error", err.name, param, err.message});
    } else if (!take_place(chat)) {
        http_exchange_add_header(chat->exchange, "Retry-After", "1");
        refuse(chat, &(struct api_error){429, "rate_limit_error", "rate_limit_exceeded", NULL,
                                         "Too many turns are open. Try again in a moment."});
    } else {
        start_turn(chat, &input);
    }
    chat_input_clear(&input);
}

/* ---- models ---------------------------------------------------------------------------------- */

static void answer_models(struct chat_exchange *chat)
{
    const char *name = chat->worker->shared->config->model.name;
    struct slice path = http_exchange_head(chat->exchange)->path, rest = path;
    struct slice last = {NULL, 0};
    struct buffer json;
    struct error err = {0};
    bool is_list;

    while (rest.data != NULL)
        last = slice_cut(&rest, '/');
    is_list = slice_equal_text(last, "models");
    if (!is_list && !slice_equal_text(last, name)) {
        refuse(chat, &(struct api_error){404, "invalid_request_error", "model_not_found", "model",
                                         "There is no such model."});
        return;
    }
    buffer_init(&json, 4096);
    if (buffer_add_text(&json, is_list ? "{\"object\":\"list\",\"data\":[" : "", &err) &&
        buffer_add_text(&json, "{\"id\":", &err) &&
        json_add_string(&json, name, strlen(name), &err) &&
        buffer_add_text(&json,
                        ",\"object\":\"model\",\"created\":1700000000,\"owned_by\":"
                        "\"sesame\"}",
                        &err) &&
        buffer_add_text(&json, is_list ? "]}" : "", &err))
        reply_json(chat->exchange, 200, json.data, json.len);
    buffer_clear(&json);
    free_chat(chat);
}

/* ---- the gate -------------------------------------------------------------------------------- */

/* The user as long as his turn: his token in a secret of its own, and this agent in front of those
 * who acted for him before. */
static struct subject *make_subject(const struct chat_exchange *chat,
                                    const struct gate_verdict *verdict, struct error *err)
{
    const char *before = verdict->claims->actors;
    const char *agent_id = chat->worker->shared->agent_id;
    CLEANUP(buffer_clear) struct buffer actors;

    buffer_init(&actors, 128 * 1024);
    if (!buffer_add_char(&actors, '[', err) ||
        !json_add_string(&actors, agent_id, strlen(agent_id), err) ||
        (before[0] != '\0' && !buffer_add_char(&actors, ',', err)) ||
        !buffer_add_text(&actors, before[0] == '\0' ? "]" : before + 1, err))
        return NULL;
    return subject_new(verdict->token, verdict->claims->sub, verdict->claims->client_id,
                       actors.data, verdict->claims->expires_at_s, err);
}

static void on_verdict(void *arg, const struct gate_verdict *verdict)
{
    struct chat_exchange *chat = arg;
    struct error err = {0};
    bool is_noted;

    chat->gate_wait = NULL;
    if (verdict->status == 200) {
        chat->sub = strdup(verdict->claims->sub);
        chat->client_id = strdup(verdict->claims->client_id);
        if (chat->worker->shared->has_users)
            chat->subject = make_subject(chat, verdict, &err);
    }
    is_noted = note_gate(chat, verdict);
    if (verdict->status == 200 && (chat->sub == NULL || chat->client_id == NULL)) {
        refuse(chat, &(struct api_error){500, "api_error", "internal_error", NULL, "no memory"});
        return;
    }
    if (err.code != ERROR_NONE) {
        refuse(chat, &(struct api_error){503, "api_error", err.name, NULL, err.message});
        return;
    }
    if (!is_noted && chat->worker->shared->config->is_audit_required) {
        refuse(chat,
               &(struct api_error){503, "api_error", "audit_unavailable", NULL,
                                   "The audit cannot be written, and audit.required is set."});
        return;
    }
    if (verdict->status == 200) {
        chat->go_on(chat);
        return;
    }
    if (verdict->challenge != NULL)
        http_exchange_add_header(chat->exchange, "WWW-Authenticate", verdict->challenge);
    if (verdict->status == 503)
        http_exchange_add_header(chat->exchange, "Retry-After", KEYS_RETRY_S);
    refuse(chat, &(struct api_error){verdict->status,
                                     verdict->status == 403   ? "permission_error"
                                     : verdict->status == 503 ? "api_error"
                                                              : "invalid_request_error",
                                     verdict->code, NULL, verdict->message});
}

static void on_gone(void *arg, const char *reason)
{
    struct chat_exchange *chat = arg;

    log_info("turn", "the client is gone", LOG_TEXT("request_id", chat->request_id),
             LOG_TEXT("reason", reason));
    if (chat->turn != NULL) {
        note_turn(chat, "client_closed", reason);
        turn_cancel(TAKE(chat->turn));
    }
    free_chat(chat);
}

static void begin(struct server_worker *worker, struct http_exchange *exchange,
                  const char *request_id, void (*go_on)(struct chat_exchange *chat))
{
    struct chat_exchange *chat = calloc(1, sizeof *chat);
    struct secret *authorization;
    struct gate_wait *wait;
    size_t count = 0;

    if (chat == NULL) {
        reply_error(exchange,
                    &(struct api_error){503, "api_error", "internal_error", NULL, "no memory"});
        return;
    }
    chat->worker = worker;
    chat->exchange = exchange;
    chat->go_on = go_on;
    chat->started_at_ms = clock_monotonic_ms();
    (void)snprintf(chat->request_id, sizeof chat->request_id, "%s", request_id);
    chat->next = worker->exchanges;
    if (chat->next != NULL)
        chat->next->previous = chat;
    worker->exchanges = chat;
    http_exchange_set_owner(exchange, on_gone, chat);
    authorization = http_exchange_secret_header(exchange, "authorization", &count);
    wait = gate_check(worker->gate, authorization, count, on_verdict, chat);
    /* NULL: the verdict was given, and the exchange may be over. */
    if (wait != NULL)
        chat->gate_wait = wait;
}

void chat_endpoint_begin(struct server_worker *worker, struct http_exchange *exchange,
                         const char *request_id)
{
    begin(worker, exchange, request_id, begin_chat);
}

void models_endpoint_begin(struct server_worker *worker, struct http_exchange *exchange,
                           const char *request_id)
{
    begin(worker, exchange, request_id, answer_models);
}

void chat_endpoint_cancel_all(struct server_worker *worker)
{
    for (struct chat_exchange *chat = worker->exchanges, *next; chat != NULL; chat = next) {
        next = chat->next;
        if (chat->turn == NULL)
            continue;
        note_turn(chat, "shutdown", "");
        turn_cancel(TAKE(chat->turn));
        http_exchange_abort(chat->exchange);
        free_chat(chat);
    }
}
