/* What a server answers, as JSON or stream, and what is wrong with it (mcp-client.md 3.2, 3.3). */
#include "exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_DEPTH 64
#define SESSION_ID_MAX_BYTES 512
#define ERROR_BODY_MAX_BYTES 65536

/* ---- the head -------------------------------------------------------------------------------- */

static enum media media_of(struct sesame_text type)
{
    struct sesame_text essence = type;

    for (size_t i = 0; i < essence.len; i++)
        if (type.data[i] == ';' || type.data[i] == ' ' || type.data[i] == '\t')
            essence.len = i;
    return kit_equal_nocase(essence, "application/json")    ? MEDIA_JSON
           : kit_equal_nocase(essence, "text/event-stream") ? MEDIA_SSE
                                                            : MEDIA_OTHER;
}

static bool is_visible(struct sesame_text text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < 0x21 || text.data[i] > 0x7e)
            return false;
    return true;
}

/* Visible ASCII only: anything else would be a header of the server's making (3.1). */
static void take_session_id(struct exchange *exchange, struct sesame_text value)
{
    free(exchange->session_id);
    exchange->session_id = NULL;
    exchange->has_bad_session_id = value.len > SESSION_ID_MAX_BYTES || !is_visible(value);
    if (value.len > 0 && !exchange->has_bad_session_id)
        exchange->session_id = kit_copy(value);
}

static void take_type(struct exchange *exchange, struct sesame_text value)
{
    size_t len = value.len < sizeof exchange->type - 1 ? value.len : sizeof exchange->type - 1;

    exchange->media = media_of(value);
    for (size_t i = 0; i < len; i++)
        exchange->type[i] = value.data[i] >= 0x20 && value.data[i] < 0x7f ? value.data[i] : '?';
    exchange->type[len] = '\0';
}

void answer_take_head(struct exchange *exchange, int32_t http_status,
                      const struct sesame_http_field *headers, size_t header_count)
{
    struct sesame_instance *instance = exchange->instance;

    exchange->http_status = http_status;
    exchange->media = MEDIA_NONE;
    exchange->type[0] = '\0';
    exchange->retry_after_s = -1;
    kit_clear(&exchange->answer);
    for (size_t i = 0; i < header_count; i++) {
        if (kit_equal_nocase(headers[i].name, "content-type"))
            take_type(exchange, headers[i].value);
        else if (kit_equal_nocase(headers[i].name, "mcp-session-id"))
            take_session_id(exchange, headers[i].value);
        else if (kit_equal_nocase(headers[i].name, "retry-after"))
            (void)kit_parse_int(headers[i].value, &exchange->retry_after_s);
    }
    /* A reader of its own: what an earlier stream left unfinished must not run into this one. */
    if (exchange->media == MEDIA_SSE && http_status <= 299)
        exchange->sse = instance->sse->open(instance->kit.host, ANSWER_MAX_BYTES);
}

/* ---- messages -------------------------------------------------------------------------------- */

static bool is_json(const struct exchange *exchange, struct sesame_text text)
{
    struct sesame_text why;
    const struct kit *kit = &exchange->instance->kit;

    return text.len > 0 && kit->json->check(kit->host, text, JSON_DEPTH, &why) == SESAME_OK;
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

    if (!is_json(exchange, text))
        return;
    if (!kit_is_array(text)) {
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
    if (kit_equal(event->type, "message") && !exchange->is_cancelled)
        take_json(exchange, event->data);
}

void answer_take_data(struct exchange *exchange, struct sesame_text bytes)
{
    struct sesame_instance *instance = exchange->instance;

    if (exchange->http_status > 299) {
        if (exchange->answer.len + bytes.len <= ERROR_BODY_MAX_BYTES)
            kit_add_text(&exchange->answer, bytes);
    } else if (exchange->media != MEDIA_SSE) {
        kit_add_text(&exchange->answer, bytes);
    } else {
        exchange->sse_status = instance->sse->feed(instance->kit.host, exchange->sse, bytes,
                                                   on_event, (uint64_t)(uintptr_t)exchange);
    }
}

void answer_take_end(struct exchange *exchange)
{
    if (exchange->media == MEDIA_JSON && exchange->http_status < 300 &&
        !exchange->answer.has_failed)
        take_json(exchange, kit_buffer_text(&exchange->answer));
}

bool answer_end_stream(struct exchange *exchange)
{
    struct sesame_instance *instance = exchange->instance;
    struct sesame_sse_event state;

    if (exchange->sse == 0)
        return exchange->last_event_id != NULL;
    if (instance->sse->state(instance->kit.host, exchange->sse, &state) == SESAME_OK) {
        if (state.retry_ms >= 0)
            exchange->retry_ms = state.retry_ms;
        if (state.id.len > 0 &&
            (exchange->last_event_id == NULL || !kit_equal(state.id, exchange->last_event_id))) {
            free(exchange->last_event_id);
            exchange->last_event_id = kit_copy(state.id);
            exchange->resumes_in_vain = 0;
        }
    }
    instance->sse->close(instance->kit.host, exchange->sse);
    exchange->sse = 0;
    return exchange->last_event_id != NULL;
}

/* ---- what is wrong --------------------------------------------------------------------------- */

static int32_t status_of_http(int32_t http_status)
{
    return http_status == 401 || http_status == 403   ? SESAME_DENIED
           : http_status == 429                       ? SESAME_RATE_LIMITED
           : http_status == 404 || http_status >= 500 ? SESAME_UNAVAILABLE
                                                      : SESAME_INTERNAL;
}

/* What to do about it. */
static void advise(const struct exchange *exchange, char *out, size_t size)
{
    int32_t status = exchange->http_status;

    out[0] = '\0';
    if (status == 401 || status == 403)
        (void)snprintf(out, size, "; %s",
                       exchange->instance->credential[0] == '\0'
                           ? "it wants a credential, and this tool's \"credential\" names none"
                           : "it refuses this tool's credential");
    else if (exchange->retry_after_s >= 0 && (status == 429 || status == 503))
        (void)snprintf(out, size, "; it asks to wait %lld s", (long long)exchange->retry_after_s);
    else if (status < 400)
        (void)snprintf(out, size,
                       "; redirects are not followed: configure the address it leads to");
}

void answer_explain_status(const struct exchange *exchange, struct outcome *outcome, char *text,
                           size_t text_size)
{
    struct sesame_text body = kit_buffer_text(&exchange->answer);
    int32_t status = exchange->http_status;
    int64_t code = 0;
    char *said = NULL, advice[120];

    if (is_json(exchange, body))
        said = rpc_error_text(exchange->instance, body, &code);
    if (said != NULL)
        outcome->response = body;
    advise(exchange, advice, sizeof advice);
    outcome->status = exchange->is_resumed ? SESAME_UNAVAILABLE : status_of_http(status);
    /* A refused GET tells nothing of the session, and its call may have been carried out. */
    outcome->session_is_lost = exchange->sent_session && !exchange->is_resumed &&
                               (status == 404 || (status == 400 && code == -32000 && said != NULL &&
                                                  strstr(said, "ession") != NULL));
    (void)snprintf(text, text_size, "%sthe MCP server answered HTTP %d%s%s%s",
                   exchange->is_resumed ? "the stream broke and cannot be gone on with: " : "",
                   status, advice, said == NULL ? "" : ": ", said == NULL ? "" : said);
    outcome->message = text;
    free(said);
}

void answer_explain_absence(const struct exchange *exchange, struct outcome *outcome, char *text,
                            size_t text_size)
{
    outcome->status = SESAME_UNAVAILABLE;
    outcome->message = text;
    if (exchange->media == MEDIA_SSE) {
        outcome->may_be_running = true;
        (void)snprintf(text, text_size, "the MCP server's stream ended before the answer, and %s",
                       exchange->last_event_id == NULL ? "it named no event id to go on from"
                       : exchange->resumes_in_vain >= RESUMES_IN_VAIN_MAX
                           ? "going on with it brought nothing new, many times in a row"
                           : "there is no time left to go on with it");
    } else if (exchange->media == MEDIA_JSON) {
        (void)snprintf(text, text_size,
                       "the MCP server answered HTTP %d with something that is no JSON-RPC answer "
                       "to request %lld",
                       exchange->http_status, (long long)exchange->id);
    } else {
        (void)snprintf(text, text_size,
                       "the MCP server answered HTTP %d with %s, expected application/json or "
                       "text/event-stream: is this the address of an MCP server?",
                       exchange->http_status,
                       exchange->type[0] == '\0' ? "no Content-Type" : exchange->type);
    }
}
