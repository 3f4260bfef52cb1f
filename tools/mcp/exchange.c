/* One JSON-RPC message over HTTP: its answer as JSON or stream, and resumption (mcp-client.md 3).
 */
#include "mcp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESUME_MAX_COUNT 5
#define RETRY_DEFAULT_MS 1000
#define RETRY_MAX_MS 60000
#define JSON_DEPTH 64
#define SESSION_ID_MAX_BYTES 512

enum media { MEDIA_NONE, MEDIA_JSON, MEDIA_SSE, MEDIA_OTHER };

struct exchange {
    struct exchange *next;
    struct sesame_instance *instance;
    const char *method;
    int64_t id;
    char *body;
    int64_t deadline_ms;
    exchange_done_fn *done;
    void *owner;
    uint64_t http;
    uint64_t sse;
    uint64_t timer;
    bool sent_session;
    int32_t http_status;
    enum media media;
    char *session_id; /* from the answer's header */
    struct kit_buffer answer;
    struct kit_buffer response; /* the message that answers */
    int resumes;
    bool is_resumed; /* the stream at hand is a GET that goes on with ours */
    bool is_cancelled;
};

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
    free(exchange->body);
    free(exchange);
}

static void finish(struct exchange *exchange, const struct outcome *outcome)
{
    if (exchange->done != NULL && !exchange->is_cancelled)
        exchange->done(exchange->instance, exchange->owner, outcome);
    free_exchange(exchange);
}

static void fail(struct exchange *exchange, int32_t status, const char *message)
{
    finish(exchange, &(struct outcome){.status = status,
                                       .message = message,
                                       .http_status = exchange->http_status});
}

/* ---- messages that come ------------------------------------------------------------------------
 */

static bool is_json(struct exchange *exchange, struct sesame_text text)
{
    struct sesame_text why;
    const struct kit *kit = &exchange->instance->kit;

    return kit->json->check(kit->host, text, JSON_DEPTH, &why) == SESAME_OK;
}

static void take_message(struct exchange *exchange, struct sesame_text message)
{
    struct sesame_instance *instance = exchange->instance;

    if (exchange->id != 0 && exchange->response.len == 0 &&
        rpc_answers(instance, message, exchange->id))
        kit_add_text(&exchange->response, message);
    else
        rpc_handle(instance, message);
}

/* One message, or several where the revision knows batches. */
static void take_json(struct exchange *exchange, struct sesame_text text)
{
    const struct kit *kit = &exchange->instance->kit;
    struct sesame_text name, message;
    size_t position = 0;

    if (text.len == 0 || !is_json(exchange, text))
        return;
    if (text.data[0] != '[') {
        take_message(exchange, text);
        return;
    }
    if (exchange->instance->version == NULL ||
        strcmp(exchange->instance->version, VERSION_WITH_BATCHES) != 0)
        return;
    while (kit->json->next(kit->host, text, &position, &name, &message) == SESAME_OK)
        take_message(exchange, message);
}

static void on_event(struct sesame_instance *instance, uint64_t tag,
                     const struct sesame_sse_event *event)
{
    struct exchange *exchange = (struct exchange *)(uintptr_t)tag;

    (void)instance;
    /* The priming event is empty; other types are not ours. */
    if (event->data.len > 0 && kit_equal(event->type, "message") && !exchange->is_cancelled)
        take_json(exchange, event->data);
}

/* ---- the answer --------------------------------------------------------------------------------
 */

static enum media media_of(struct sesame_text type)
{
    static const char json[] = "application/json", sse[] = "text/event-stream";
    struct sesame_text essence = type;

    for (size_t i = 0; i < type.len; i++)
        if (type.data[i] == ';' || type.data[i] == ' ') {
            essence.len = i;
            break;
        }
    return kit_equal_nocase(essence, json)  ? MEDIA_JSON
           : kit_equal_nocase(essence, sse) ? MEDIA_SSE
                                            : MEDIA_OTHER;
}

/* Visible ASCII only: anything else would be a header of the server's making (3.1). */
static char *take_session_id(struct sesame_text value)
{
    if (value.len == 0 || value.len > SESSION_ID_MAX_BYTES)
        return NULL;
    for (size_t i = 0; i < value.len; i++)
        if (value.data[i] < 0x21 || value.data[i] > 0x7e)
            return NULL;
    return kit_copy(value);
}

static void on_head(struct sesame_instance *instance, uint64_t tag, int32_t http_status,
                    const struct sesame_http_field *headers, size_t header_count)
{
    struct exchange *exchange = (struct exchange *)(uintptr_t)tag;

    exchange->http_status = http_status;
    exchange->media = MEDIA_NONE;
    for (size_t i = 0; i < header_count; i++) {
        if (kit_equal_nocase(headers[i].name, "content-type"))
            exchange->media = media_of(headers[i].value);
        if (kit_equal_nocase(headers[i].name, "mcp-session-id")) {
            free(exchange->session_id);
            exchange->session_id = take_session_id(headers[i].value);
        }
    }
    if (exchange->media == MEDIA_SSE && exchange->sse == 0)
        exchange->sse = instance->sse->open(instance->kit.host, ANSWER_MAX_BYTES);
}

static void on_data(struct sesame_instance *instance, uint64_t tag, struct sesame_text bytes)
{
    struct exchange *exchange = (struct exchange *)(uintptr_t)tag;

    if (exchange->media != MEDIA_SSE || exchange->http_status > 299) {
        kit_add_text(&exchange->answer, bytes);
        return;
    }
    (void)instance->sse->feed(instance->kit.host, exchange->sse, bytes, on_event, tag);
    /* What we asked for is here: the rest of the stream is of no use. */
    if (exchange->response.len > 0)
        instance->http->cancel(instance->kit.host, exchange->http);
}

static void send_again(struct sesame_instance *instance, uint64_t tag);

/* A stream that broke goes on where it was, if the server named an event id (3.4). */
static bool resume(struct exchange *exchange)
{
    struct sesame_instance *instance = exchange->instance;
    struct sesame_sse_event state;
    int64_t pause_ms;

    if (exchange->sse == 0 || exchange->resumes >= RESUME_MAX_COUNT ||
        instance->sse->state(instance->kit.host, exchange->sse, &state) != SESAME_OK ||
        state.id.len == 0)
        return false;
    pause_ms = state.retry_ms < 0              ? RETRY_DEFAULT_MS
               : state.retry_ms > RETRY_MAX_MS ? RETRY_MAX_MS
                                               : state.retry_ms;
    if (instance->kit.clock->monotonic_ms(instance->kit.host) + pause_ms >= exchange->deadline_ms)
        return false;
    exchange->resumes++;
    exchange->is_resumed = true;
    exchange->timer = instance->loop->timer_start(instance->kit.host, pause_ms, send_again,
                                                  (uint64_t)(uintptr_t)exchange);
    return exchange->timer != 0;
}

static void fail_by_status(struct exchange *exchange)
{
    struct sesame_instance *instance = exchange->instance;
    struct sesame_text body = kit_buffer_text(&exchange->answer);
    struct outcome outcome = {.http_status = exchange->http_status};
    int64_t code = 0;
    char *said = NULL, text[500];
    int32_t status = exchange->http_status;

    if (body.len > 0 && is_json(exchange, body))
        said = rpc_error_text(instance, body, &code);
    outcome.session_is_lost = exchange->sent_session &&
                              (status == 404 || (status == 400 && code == -32000 && said != NULL &&
                                                 strstr(said, "ession") != NULL));
    outcome.status = status == 401 || status == 403   ? SESAME_DENIED
                     : status == 429                  ? SESAME_RATE_LIMITED
                     : status == 404 || status >= 500 ? SESAME_UNAVAILABLE
                                                      : SESAME_INTERNAL;
    (void)snprintf(text, sizeof text, "the MCP server answered HTTP %d%s%.380s", status,
                   said == NULL ? "" : ": ", said == NULL ? "" : said);
    outcome.message = text;
    finish(exchange, &outcome);
    free(said);
}

static void on_done(struct sesame_instance *instance, uint64_t tag, int32_t status,
                    struct sesame_text message, uint64_t answer)
{
    struct exchange *exchange = (struct exchange *)(uintptr_t)tag;
    char text[300];

    (void)instance;
    (void)answer;
    exchange->http = 0;
    if (exchange->is_cancelled) {
        free_exchange(exchange);
        return;
    }
    if (status == SESAME_OK && exchange->http_status >= 300) {
        fail_by_status(exchange);
        return;
    }
    if (status == SESAME_OK && exchange->media == MEDIA_JSON)
        take_json(exchange, kit_buffer_text(&exchange->answer));
    if (exchange->response.len > 0 || (exchange->id == 0 && status == SESAME_OK)) {
        finish(exchange, &(struct outcome){.status = SESAME_OK,
                                           .response = kit_buffer_text(&exchange->response),
                                           .session_id = exchange->session_id,
                                           .http_status = exchange->http_status});
        return;
    }
    if (exchange->id != 0 && exchange->media == MEDIA_SSE && resume(exchange))
        return;
    (void)snprintf(text, sizeof text, "%.*s", (int)(message.len < 280 ? message.len : 280),
                   message.data == NULL ? "" : message.data);
    if (status != SESAME_OK)
        fail(exchange, status, text);
    else if (exchange->media == MEDIA_SSE)
        fail(exchange, SESAME_UNAVAILABLE, "the MCP server's stream ended before the answer");
    else
        fail(exchange, SESAME_UNAVAILABLE,
             "the MCP server answered with something that is no JSON-RPC answer");
}

/* ---- sending -----------------------------------------------------------------------------------
 */

static struct sesame_http_field header(const char *name, struct sesame_text value)
{
    return (struct sesame_http_field){.name = kit_text(name), .value = value};
}

static bool send_request(struct exchange *exchange)
{
    static const struct sesame_http_events events = {on_head, on_data, on_done};
    struct sesame_instance *instance = exchange->instance;
    struct sesame_http_field headers[6];
    struct sesame_sse_event state;
    size_t count = 0;
    bool is_get = exchange->is_resumed || strcmp(exchange->method, "GET") == 0;
    struct sesame_http_request request = {
        .method = kit_text(exchange->is_resumed ? "GET" : exchange->method),
        .url = kit_text(instance->url),
        .credential = kit_text(instance->credential),
        .headers = headers,
        .deadline_ms = exchange->deadline_ms,
        .answer_max_bytes = ANSWER_MAX_BYTES,
    };

    headers[count++] = header(
        "Accept", kit_text(is_get ? "text/event-stream" : "application/json, text/event-stream"));
    if (!is_get && exchange->body[0] != '\0') {
        headers[count++] = header("Content-Type", kit_text("application/json"));
        request.body = kit_text(exchange->body);
    }
    if (instance->version != NULL)
        headers[count++] = header("MCP-Protocol-Version", kit_text(instance->version));
    exchange->sent_session = instance->session_id != NULL;
    if (exchange->sent_session)
        headers[count++] = header("Mcp-Session-Id", kit_text(instance->session_id));
    if (exchange->is_resumed &&
        instance->sse->state(instance->kit.host, exchange->sse, &state) == SESAME_OK)
        headers[count++] = header("Last-Event-ID", state.id);
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
        fail(exchange, SESAME_UNAVAILABLE, "the stream of the MCP server cannot be resumed");
}

struct exchange *exchange_start(struct sesame_instance *instance, const char *method, int64_t id,
                                struct sesame_text body, int64_t deadline_ms,
                                exchange_done_fn *done, void *owner)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);

    if (exchange == NULL)
        return NULL;
    exchange->instance = instance;
    exchange->method = method;
    exchange->id = id;
    exchange->deadline_ms = deadline_ms;
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
