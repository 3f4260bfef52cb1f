/* One streamed call of a chat-completions model: request, retries, deltas, assembled tool calls. */
#include "model/chat_client.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "config/host_config.h"
#include "credential/authorized_call.h"
#include "credential/subject.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "net/sse.h"

#include <stdlib.h>
#include <string.h>

#define RETRY_MAX_COUNT 2
#define RETRY_PAUSE_MS 500
#define RETRY_PAUSE_MAX_MS 8000
#define RETRY_AFTER_MAX_MS 30000
#define REQUEST_MAX_BYTES (16 * 1024 * 1024)
#define EVENT_MAX_BYTES (1024 * 1024)
#define ANSWER_MAX_BYTES (64 * 1024 * 1024)
#define ERROR_BODY_MAX_BYTES (64 * 1024)
#define LINGER_MS 1000

struct chat_call {
    struct chat_home home;
    struct chat_events events;
    void *arg;
    int64_t deadline_ms;
    struct subject *subject;
    struct buffer url;
    struct buffer body;
    struct authorized_call *http;
    struct loop_timer *timer; /* first byte, pause before a retry, or linger after [DONE] */
    enum { WAITING_FOR_BYTES, WAITING_TO_RETRY, LINGERING } timer_is_for;
    struct sse_reader *sse;
    struct chat_stream stream;
    struct buffer error_body;
    int attempts;
    int http_status;
    bool is_event_stream;
    int should_retry; /* -1: not said */
    int64_t retry_after_ms;
    bool has_delta;
    bool is_cut;       /* the stream broke off; nothing in it said why */
    bool is_cancelled; /* from inside a callback */
    bool in_callback;
    struct error failure; /* what the stream said */
};

static void attempt(struct chat_call *call);

/* ---- an end ---------------------------------------------------------------------------------- */

static void free_call(struct chat_call *call)
{
    loop_timer_free(call->timer);
    sse_reader_free(call->sse);
    chat_stream_clear(&call->stream);
    buffer_clear(&call->url);
    buffer_clear(&call->body);
    buffer_clear(&call->error_body);
    subject_free(call->subject);
    free(call);
}

static void finish(struct chat_call *call, const struct error *err)
{
    struct chat_result result = {.stream = &call->stream,
                                 .err = err,
                                 .http_status = call->http_status,
                                 .retry_after_ms = call->retry_after_ms};

    call->is_cancelled = true; /* a cancel from inside on_done must not free it twice */
    call->in_callback = true;
    call->events.on_done(call->arg, &result);
    free_call(call);
}

static bool may_retry(const struct chat_call *call, const struct error *err)
{
    /* The same request will be too long again. */
    if (call->has_delta || call->attempts > RETRY_MAX_COUNT || call->should_retry == 0 ||
        strcmp(err->name, CHAT_ERROR_TOO_LONG) == 0)
        return false;
    if (call->should_retry == 1)
        return true;
    if (call->http_status == 0)
        return err->code == ERROR_UPSTREAM || err->code == ERROR_TIMED_OUT;
    if (call->is_cut)
        return err->code == ERROR_UPSTREAM;
    return call->http_status == 408 || call->http_status == 409 || call->http_status == 429 ||
           call->http_status >= 500;
}

/* Half a second doubling to eight, shortened by up to a quarter so that callers spread. */
static int64_t pause_ms(const struct chat_call *call)
{
    int64_t pause = (int64_t)RETRY_PAUSE_MS << (call->attempts - 1);

    if (call->retry_after_ms >= 0 && call->retry_after_ms <= RETRY_AFTER_MAX_MS)
        return call->retry_after_ms;
    if (pause > RETRY_PAUSE_MAX_MS)
        pause = RETRY_PAUSE_MAX_MS;
    return pause - (int64_t)random_below((uint64_t)pause / 4 + 1);
}

static void fail(struct chat_call *call, const struct error *err)
{
    int64_t pause = may_retry(call, err) ? pause_ms(call) : -1;

    if (pause < 0 || clock_monotonic_ms() + pause >= call->deadline_ms) {
        finish(call, err);
        return;
    }
    log_info("model", "the model call is tried again", LOG_TEXT("reason", err->message),
             LOG_INT("pause_ms", pause));
    call->timer_is_for = WAITING_TO_RETRY;
    loop_timer_start(call->timer, pause);
}

/* ---- the answer ------------------------------------------------------------------------------ */

static void on_head(void *arg, int status, const struct http_answer_header *headers, size_t count)
{
    struct chat_call *call = arg;

    call->http_status = status;
    for (size_t i = 0; i < count; i++) {
        struct slice value = headers[i].value;
        uint64_t ms;

        if (slice_equal_nocase(headers[i].name, "content-type"))
            call->is_event_stream =
                value.len >= 17 &&
                slice_equal_nocase((struct slice){value.data, 17}, "text/event-stream");
        else if (slice_equal_nocase(headers[i].name, "retry-after-ms") &&
                 parse_uint64(value.data, value.len, &ms) && ms <= RETRY_AFTER_MAX_MS)
            call->retry_after_ms = (int64_t)ms;
        else if (slice_equal_nocase(headers[i].name, "retry-after") && call->retry_after_ms < 0)
            call->retry_after_ms = http_retry_after_ms(value, clock_wall_s());
        else if (slice_equal_nocase(headers[i].name, "x-should-retry"))
            call->should_retry = slice_equal_nocase(value, "true");
    }
}

/* What was shown cannot be taken back, so the call is not tried again: its request can go. */
static void note_delta(struct chat_call *call)
{
    call->has_delta = true;
    buffer_clear(&call->body);
}

static void give_reasoning(void *arg, const char *text, size_t len)
{
    struct chat_call *call = arg;

    note_delta(call);
    if (!call->is_cancelled)
        call->events.on_reasoning(call->arg, text, len);
}

static void give_text(void *arg, const char *text, size_t len)
{
    struct chat_call *call = arg;

    note_delta(call);
    if (!call->is_cancelled)
        call->events.on_text(call->arg, text, len);
}

static bool on_event(void *arg, const struct sse_event *event)
{
    static const struct chat_stream_events events = {give_reasoning, give_text};
    struct chat_call *call = arg;

    if (event->data_len == 0)
        return true;
    if (event->type_len == 5 && memcmp(event->type, "error", 5) == 0) {
        chat_error_read(0, event->data, event->data_len, &call->failure);
        return false;
    }
    if (!chat_stream_event(&call->stream, event->data, event->data_len, &events, call,
                           &call->failure))
        return false;
    return !call->stream.is_done && !call->is_cancelled;
}

static void on_data(void *arg, const char *bytes, size_t len)
{
    struct chat_call *call = arg;
    struct error ignored = {0};

    if (call->timer_is_for == WAITING_FOR_BYTES)
        loop_timer_stop(call->timer);
    if (call->http_status > 299 || !call->is_event_stream) {
        size_t room = ERROR_BODY_MAX_BYTES - call->error_body.len;

        (void)buffer_add(&call->error_body, bytes, len < room ? len : room, &ignored);
        return;
    }
    if (call->failure.code != ERROR_NONE || call->stream.is_done)
        return;
    call->in_callback = true;
    (void)sse_reader_feed(call->sse, bytes, len, on_event, call, &call->failure);
    call->in_callback = false;
    if (call->is_cancelled) {
        authorized_call_cancel(TAKE(call->http));
        free_call(call);
    } else if (call->stream.is_done || call->failure.code != ERROR_NONE) {
        /* After [DONE] the server may still end the connection well, so that it can be used again;
         * after a failure nobody waits for what it has to say. */
        call->timer_is_for = LINGERING;
        loop_timer_start(call->timer, call->stream.is_done ? LINGER_MS : 0);
    }
}

/* An answer of 2xx that is no stream: an error all the same, or something else altogether. */
static void explain_no_stream(const struct buffer *body, struct error *why)
{
    struct slice text = {body->data, body->len};
    struct error ignored = {0};

    if (body->len > 0 && json_check(text.data, text.len, JSON_DEPTH_DEFAULT, &ignored) &&
        chat_error_is(text))
        chat_error_read(0, body->data, body->len, why);
    else
        error_set(why, ERROR_UPSTREAM,
                  "the model answered without streaming: is model.base_url a chat-completions "
                  "endpoint?");
}

/* The stream is over, by the server or by us. A finish reason completes an answer, however the
 * connection ended after it. */
static void conclude(struct chat_call *call, const struct error *err)
{
    struct error why = {0};

    if (call->http_status > 299)
        chat_error_read(call->http_status,
                        call->error_body.data == NULL ? "" : call->error_body.data,
                        call->error_body.len, &why);
    else if (call->failure.code != ERROR_NONE)
        why = call->failure;
    else if (err != NULL && !call->stream.is_done && call->stream.finish == FINISH_NONE)
        why = *err;
    else if (!call->is_event_stream)
        explain_no_stream(&call->error_body, &why);
    else
        (void)chat_stream_end(&call->stream, &why);
    call->is_cut = call->http_status <= 299 && call->is_event_stream &&
                   call->failure.code == ERROR_NONE && why.code != ERROR_NONE;
    if (why.code == ERROR_NONE)
        finish(call, NULL);
    else
        fail(call, &why);
}

static void on_done(void *arg, int status, struct secret *answer, const struct error *err)
{
    struct chat_call *call = arg;

    (void)status;
    (void)answer;
    call->http = NULL;
    loop_timer_stop(call->timer);
    conclude(call, err);
}

static void on_timer(void *arg)
{
    struct chat_call *call = arg;
    struct error err = {0};

    switch (call->timer_is_for) {
    case WAITING_TO_RETRY:
        attempt(call);
        break;
    case LINGERING:
        authorized_call_cancel(TAKE(call->http));
        conclude(call, NULL);
        break;
    case WAITING_FOR_BYTES:
        authorized_call_cancel(TAKE(call->http));
        error_set_named(&err, ERROR_TIMED_OUT, "ReadTimeOut", "the model did not begin in time");
        fail(call, &err);
        break;
    }
}

/* ---- the request ----------------------------------------------------------------------------- */

/* Said in any case: some models think unless they are told not to. */
static bool add_thinking(const struct model_config *config, struct buffer *body, struct error *err)
{
    const char *value = config->is_thinking_enabled ? "true" : "false";

    if (config->thinks_by_template)
        return buffer_printf(body, err, ",\"chat_template_kwargs\":{\"enable_thinking\":%s}",
                             value);
    if (!buffer_printf(body, err, ",\"enable_thinking\":%s", value))
        return false;
    return !config->is_thinking_enabled || config->thinking_budget_tokens <= 0 ||
           buffer_printf(body, err, ",\"thinking_budget\":%lld",
                         (long long)config->thinking_budget_tokens);
}

static bool build_body(struct chat_call *call, const struct chat_request *request,
                       struct error *err)
{
    const struct model_config *config = call->home.config;
    struct buffer *body = &call->body;
    bool ok =
        buffer_add_text(body, "{\"model\":", err) &&
        json_add_string(body, config->name, strlen(config->name), err) &&
        buffer_add_text(body, ",\"messages\":", err) &&
        buffer_add(body, request->messages.data, request->messages.len, err) &&
        buffer_add_text(body, ",\"stream\":true,\"stream_options\":{\"include_usage\":true}", err);

    if (ok && request->tools.len > 0)
        ok = buffer_add_text(body, ",\"tools\":", err) &&
             buffer_add(body, request->tools.data, request->tools.len, err) &&
             buffer_add_text(body,
                             request->forbids_tools
                                 ? ",\"tool_choice\":\"none\""
                                 : ",\"tool_choice\":\"auto\",\"parallel_tool_calls\":true",
                             err);
    return ok && add_thinking(config, body, err) && buffer_add_char(body, '}', err);
}

static void attempt(struct chat_call *call)
{
    static const struct http_call_events events = {on_head, on_data, on_done};
    const struct model_config *config = call->home.config;
    static const char types[] = "text/event-stream, application/json";
    struct http_header headers[] = {
        {slice_of("Content-Type"), slice_of("application/json"), NULL},
        {slice_of("Accept"), slice_of(types), NULL},
    };
    struct http_request_options options = {
        .method = "POST",
        .url = call->url.data,
        .headers = headers,
        .header_count = 2,
        .body = {call->body.data, call->body.len},
        .connect_timeout_ms = (int32_t)config->connect_timeout_ms,
        .total_timeout_ms = call->deadline_ms - clock_monotonic_ms(),
        .idle_timeout_ms = config->idle_timeout_ms,
        .answer_max_bytes = ANSWER_MAX_BYTES,
    };
    struct error err = {0};

    call->attempts++;
    call->http_status = 0;
    call->should_retry = -1;
    call->retry_after_ms = -1;
    call->is_event_stream = call->is_cut = false;
    error_clear(&call->failure);
    buffer_truncate(&call->error_body, 0);
    chat_stream_clear(&call->stream);
    chat_stream_init(&call->stream);
    sse_reader_free(call->sse);
    call->sse = sse_reader_new(EVENT_MAX_BYTES, &err);
    if (options.total_timeout_ms <= 0)
        error_set_named(&err, ERROR_TIMED_OUT, "TurnTimeOut", "no time was left for the model");
    if (err.code == ERROR_NONE)
        call->http = authorized_call_start(call->home.http, call->home.credentials,
                                           slice_of(config->credential), call->subject, &options,
                                           &events, call, &err);
    if (call->http == NULL) {
        finish(call, &err);
        return;
    }
    call->timer_is_for = WAITING_FOR_BYTES;
    if (config->first_byte_timeout_ms > 0)
        loop_timer_start(call->timer, config->first_byte_timeout_ms);
}

struct chat_call *chat_call_start(const struct chat_home *home, const struct chat_request *request,
                                  const struct chat_events *events, void *arg, struct error *err)
{
    struct chat_call *call = calloc(1, sizeof *call);

    if (call == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a model call");
        return NULL;
    }
    call->home = *home;
    call->events = *events;
    call->arg = arg;
    call->deadline_ms = request->deadline_ms;
    call->subject = subject_ref(request->subject);
    buffer_init(&call->url, 4096);
    buffer_init(&call->body, REQUEST_MAX_BYTES);
    buffer_init(&call->error_body, ERROR_BODY_MAX_BYTES);
    chat_stream_init(&call->stream);
    call->timer = loop_timer_new(home->loop, on_timer, call, err);
    if (call->timer != NULL && buffer_add_text(&call->url, home->config->base_url, err) &&
        buffer_add_text(&call->url, "/chat/completions", err) && build_body(call, request, err)) {
        /* From the loop, so that no callback comes inside this call. */
        call->timer_is_for = WAITING_TO_RETRY;
        loop_timer_start(call->timer, 0);
        return call;
    }
    free_call(call);
    return NULL;
}

void chat_call_cancel(struct chat_call *call)
{
    if (call == NULL || call->is_cancelled)
        return;
    call->is_cancelled = true;
    if (call->in_callback)
        return; /* on_data, further up the stack, ends it */
    authorized_call_cancel(TAKE(call->http));
    free_call(call);
}
