/* One JSON-RPC message over HTTP, sent, answered and gone on with (mcp-client.md 3). */
#include "exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESUME_MAX_COUNT 200
#define RETRY_DEFAULT_MS 1000
#define RETRY_MAX_MS 60000
#define DRAIN_MAX_MS 250

/* ---- an end ---------------------------------------------------------------------------------- */

static void free_exchange(struct exchange *exchange)
{
    struct sesame_instance *instance = exchange->instance;
    struct exchange **link = &instance->exchanges;

    while (*link != exchange)
        link = &(*link)->next;
    *link = exchange->next;
    if (exchange->sse != 0)
        instance->sse->close(instance->kit.host, exchange->sse);
    instance->loop->timer_cancel(instance->kit.host, exchange->timer);
    kit_clear(&exchange->answer);
    kit_clear(&exchange->response);
    free(exchange->session_id);
    free(exchange->last_event_id);
    free(exchange->body);
    free(exchange);
}

static void deliver(struct exchange *exchange, struct outcome *outcome)
{
    outcome->http_status = exchange->http_status;
    if (exchange->done != NULL && !exchange->is_cancelled)
        exchange->done(exchange->instance, exchange->owner, outcome);
}

static void deliver_response(struct exchange *exchange)
{
    deliver(exchange, &(struct outcome){.status = SESAME_OK,
                                        .response = kit_buffer_text(&exchange->response),
                                        .session_id = exchange->session_id,
                                        .has_bad_session_id = exchange->has_bad_session_id});
}

static void finish(struct exchange *exchange, struct outcome *outcome)
{
    deliver(exchange, outcome);
    free_exchange(exchange);
}

static void fail(struct exchange *exchange, const char *message)
{
    finish(exchange, &(struct outcome){
                         .status = SESAME_UNAVAILABLE, .message = message, .may_be_running = true});
}

/* ---- the answer ------------------------------------------------------------------------------ */

static void on_head(struct sesame_instance *instance, uint64_t tag, int32_t http_status,
                    const struct sesame_http_field *headers, size_t header_count)
{
    struct exchange *exchange = (struct exchange *)(uintptr_t)tag;

    answer_take_head(exchange, http_status, headers, header_count);
    /* A notice is accepted; a stream that somebody opens for it says nothing to wait for. */
    if (exchange->id == 0 && exchange->media == MEDIA_SSE && strcmp(exchange->method, "POST") == 0)
        instance->http->cancel(instance->kit.host, exchange->http);
}

static void stop_draining(struct sesame_instance *instance, uint64_t tag)
{
    struct exchange *exchange = (struct exchange *)(uintptr_t)tag;

    exchange->timer = 0;
    instance->http->cancel(instance->kit.host, exchange->http);
}

/* The response is here before its stream is over. Most servers end it right away: waiting a moment
 * for that keeps the connection for the next request, hanging up would cost a TLS handshake. */
static void deliver_early(struct exchange *exchange)
{
    struct sesame_instance *instance = exchange->instance;

    exchange->is_delivered = true;
    exchange->timer = instance->loop->timer_start(instance->kit.host, DRAIN_MAX_MS, stop_draining,
                                                  (uint64_t)(uintptr_t)exchange);
    if (exchange->timer == 0)
        instance->http->cancel(instance->kit.host, exchange->http);
    deliver_response(exchange);
}

static void on_data(struct sesame_instance *instance, uint64_t tag, struct sesame_text bytes)
{
    struct exchange *exchange = (struct exchange *)(uintptr_t)tag;

    answer_take_data(exchange, bytes);
    if (exchange->sse_status != SESAME_OK)
        instance->http->cancel(instance->kit.host, exchange->http);
    else if (exchange->response.len > 0 && !exchange->is_delivered)
        deliver_early(exchange);
}

static void send_again(struct sesame_instance *instance, uint64_t tag);

/* Never shorter than the server asks (3.4). */
static int64_t pause_before_resuming(const struct exchange *exchange)
{
    int64_t pause_ms = exchange->retry_ms < 0              ? RETRY_DEFAULT_MS
                       : exchange->retry_ms > RETRY_MAX_MS ? RETRY_MAX_MS
                                                           : exchange->retry_ms;

    return pause_ms + TIMER_SLACK_MS;
}

/* A stream that broke goes on where it was, if the server named an event id (3.4). The request is
 * never sent again: the server may be at work on it. */
static bool resume(struct exchange *exchange)
{
    struct sesame_instance *instance = exchange->instance;
    int64_t pause_ms;

    if (exchange->id == 0 || !answer_end_stream(exchange) ||
        exchange->resume_count >= RESUME_MAX_COUNT ||
        exchange->resumes_in_vain >= RESUMES_IN_VAIN_MAX)
        return false;
    pause_ms = pause_before_resuming(exchange);
    if (instance->kit.clock->monotonic_ms(instance->kit.host) + pause_ms >= exchange->deadline_ms)
        return false;
    exchange->resume_count++;
    exchange->resumes_in_vain++;
    exchange->is_resumed = true;
    exchange->timer = instance->loop->timer_start(instance->kit.host, pause_ms, send_again,
                                                  (uint64_t)(uintptr_t)exchange);
    return exchange->timer != 0;
}

/* Whether the end at hand is one of the connection, or of a server that is busy for a moment. */
static bool is_passing(const struct exchange *exchange, int32_t status)
{
    if (status != SESAME_OK)
        return status == SESAME_UNAVAILABLE &&
               (exchange->media == MEDIA_SSE || exchange->is_resumed);
    if (exchange->http_status >= 300)
        return exchange->is_resumed &&
               (exchange->http_status == 429 || exchange->http_status >= 500);
    return exchange->media == MEDIA_SSE;
}

/* A notice is through with any success, whatever the body says (3.1). */
static bool is_accepted(const struct exchange *exchange, int32_t status)
{
    return exchange->id == 0 && exchange->http_status >= 200 && exchange->http_status < 300 &&
           (status == SESAME_OK || status == SESAME_CANCELLED);
}

static void explain(const struct exchange *exchange, int32_t status, struct sesame_text message,
                    struct outcome *outcome, char *text, size_t text_size)
{
    if (exchange->sse_status == SESAME_OK && status == SESAME_OK) {
        if (exchange->http_status >= 300)
            answer_explain_status(exchange, outcome, text, text_size);
        else
            answer_explain_absence(exchange, outcome, text, text_size);
        return;
    }
    outcome->status = exchange->sse_status != SESAME_OK ? exchange->sse_status : status;
    outcome->message = text;
    /* Without any answer the server may be out of reach, and there is nobody to tell. */
    outcome->may_be_running = exchange->http_status != 0 || status == SESAME_TIMED_OUT;
    if (exchange->sse_status != SESAME_OK)
        message = kit_text("an event of the MCP server's stream is too long");
    (void)snprintf(text, text_size, "%.*s", (int)message.len, message.len == 0 ? "" : message.data);
}

static void on_done(struct sesame_instance *instance, uint64_t tag, int32_t status,
                    struct sesame_text message, uint64_t answer)
{
    struct exchange *exchange = (struct exchange *)(uintptr_t)tag;
    struct outcome outcome = {.status = SESAME_OK};
    char text[700] = "";

    (void)instance;
    (void)answer;
    exchange->http = 0;
    if (exchange->is_cancelled || exchange->is_delivered) {
        free_exchange(exchange);
        return;
    }
    if (status == SESAME_OK)
        answer_take_end(exchange);
    if (exchange->response.len > 0 || is_accepted(exchange, status)) {
        deliver_response(exchange);
        free_exchange(exchange);
    } else if (!is_passing(exchange, status) || !resume(exchange)) {
        explain(exchange, status, message, &outcome, text, sizeof text);
        finish(exchange, &outcome);
    }
}

/* ---- sending -----------------------------------------------------------------------------------
 */

static struct sesame_http_field header(const char *name, const char *value)
{
    return (struct sesame_http_field){.name = kit_text(name), .value = kit_text(value)};
}

static bool send_request(struct exchange *exchange)
{
    static const struct sesame_http_events events = {on_head, on_data, on_done};
    struct sesame_instance *instance = exchange->instance;
    struct sesame_http_field headers[6];
    size_t count = 0;
    bool is_get = exchange->is_resumed || strcmp(exchange->method, "GET") == 0;
    struct sesame_http_request request = {
        .method = kit_text(is_get ? "GET" : exchange->method),
        .url = kit_text(instance->url),
        .credential = kit_text(instance->credential),
        .headers = headers,
        .deadline_ms = exchange->deadline_ms,
        .answer_max_bytes = ANSWER_MAX_BYTES,
        .call = exchange->call != 0 ? exchange->call : operation_any_call(instance),
    };

    headers[count++] =
        header("Accept", is_get ? "text/event-stream" : "application/json, text/event-stream");
    if (!is_get && exchange->body[0] != '\0') {
        headers[count++] = header("Content-Type", "application/json");
        request.body = kit_text(exchange->body);
    }
    /* The revision with batches is older than this header. */
    if (instance->version != NULL && strcmp(instance->version, VERSION_WITH_BATCHES) != 0)
        headers[count++] = header("MCP-Protocol-Version", instance->version);
    exchange->sent_session = instance->session_id != NULL;
    if (exchange->sent_session)
        headers[count++] = header("Mcp-Session-Id", instance->session_id);
    if (exchange->is_resumed)
        headers[count++] = header("Last-Event-ID", exchange->last_event_id);
    request.header_count = count;
    return instance->http->start(instance->kit.host, &request, &events,
                                 (uint64_t)(uintptr_t)exchange, &exchange->http) == SESAME_OK;
}

static void send_again(struct sesame_instance *instance, uint64_t tag)
{
    struct exchange *exchange = (struct exchange *)(uintptr_t)tag;

    (void)instance;
    exchange->timer = 0;
    if (!send_request(exchange))
        fail(exchange, "the stream of the MCP server cannot be gone on with");
}

struct exchange *exchange_start(struct sesame_instance *instance, uint64_t call, const char *method,
                                int64_t id, struct sesame_text body, int64_t deadline_ms,
                                exchange_done_fn *done, void *owner)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);

    if (exchange == NULL)
        return NULL;
    exchange->instance = instance;
    exchange->method = method;
    exchange->id = id;
    exchange->call = call;
    exchange->deadline_ms = deadline_ms;
    exchange->retry_after_s = exchange->retry_ms = -1;
    exchange->done = done;
    exchange->owner = owner;
    exchange->next = instance->exchanges;
    instance->exchanges = exchange;
    exchange->body = kit_copy(body);
    if (exchange->body != NULL && send_request(exchange))
        return exchange;
    free_exchange(exchange);
    return NULL;
}

void exchange_cancel(struct exchange *exchange)
{
    struct sesame_instance *instance = exchange->instance;

    exchange->is_cancelled = true;
    if (exchange->http != 0)
        instance->http->cancel(instance->kit.host, exchange->http);
    else
        free_exchange(exchange);
}

void exchange_free_all(struct sesame_instance *instance)
{
    while (instance->exchanges != NULL)
        free_exchange(instance->exchanges);
}
