/* What a plugin asks of the host is noted, then done: log, clock, random, loop, JSON, events. */
#include "record.h"

static void note_log_write(const struct sesame_host *host, int32_t level,
                           struct sesame_text message, struct sesame_text fields)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_LOG_V1, "write");

    if (inner != NULL)
        service_log.write(inner, level, message, fields);
}

static void note_log_explain(const struct sesame_host *host, struct sesame_text message)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_LOG_V1, "explain");

    if (inner != NULL)
        service_log.explain(inner, message);
}

const struct sesame_log_v1 recorded_log = {note_log_write, note_log_explain};

static int64_t note_clock_monotonic_ms(const struct sesame_host *host)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_CLOCK_V1, "monotonic_ms");

    if (inner == NULL)
        return 0;
    script_clock_tick();
    return service_clock.monotonic_ms(inner);
}

static int64_t note_clock_wall_ms(const struct sesame_host *host)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_CLOCK_V1, "wall_ms");

    if (inner == NULL)
        return 0;
    script_clock_tick();
    return service_clock.wall_ms(inner);
}

const struct sesame_clock_v1 recorded_clock = {note_clock_monotonic_ms, note_clock_wall_ms};

static void note_random_bytes(const struct sesame_host *host, void *out, size_t len)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_RANDOM_V1, "bytes");

    if (inner != NULL)
        service_random.bytes(inner, out, len);
}

const struct sesame_random_v1 recorded_random = {note_random_bytes};

static uint64_t note_loop_timer_start(const struct sesame_host *host, int64_t delay_ms,
                                      void (*fn)(struct sesame_instance *instance, uint64_t tag),
                                      uint64_t tag)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_LOOP_V1, "timer_start");

    return inner == NULL ? 0 : service_loop.timer_start(inner, delay_ms, fn, tag);
}

static void note_loop_timer_cancel(const struct sesame_host *host, uint64_t timer)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_LOOP_V1, "timer_cancel");

    if (inner != NULL)
        service_loop.timer_cancel(inner, timer);
}

static int32_t note_loop_post(const struct sesame_host *host,
                              void (*fn)(struct sesame_instance *instance, uint64_t tag),
                              uint64_t tag)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_LOOP_V1, "post");

    return inner == NULL ? SESAME_CANCELLED : service_loop.post(inner, fn, tag);
}

static void note_loop_stopped(const struct sesame_host *host)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_LOOP_V1, "stopped");

    if (inner != NULL)
        service_loop.stopped(inner);
}

const struct sesame_loop_v1 recorded_loop = {note_loop_timer_start, note_loop_timer_cancel,
                                             note_loop_post, note_loop_stopped};

static int32_t note_json_check(const struct sesame_host *host, struct sesame_text json,
                               int32_t max_depth, struct sesame_text *out_message)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_JSON_V1, "check");

    return inner == NULL ? SESAME_INTERNAL
                         : service_json.check(inner, json, max_depth, out_message);
}

static int32_t note_json_find(const struct sesame_host *host, struct sesame_text json,
                              struct sesame_text pointer, struct sesame_text *out_value)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_JSON_V1, "find");

    return inner == NULL ? SESAME_INTERNAL : service_json.find(inner, json, pointer, out_value);
}

static int32_t note_json_next(const struct sesame_host *host, struct sesame_text container,
                              size_t *position, struct sesame_text *out_name,
                              struct sesame_text *out_value)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_JSON_V1, "next");

    return inner == NULL ? SESAME_INTERNAL
                         : service_json.next(inner, container, position, out_name, out_value);
}

static int32_t note_json_unquote(const struct sesame_host *host, struct sesame_text literal,
                                 char *out, size_t out_capacity, size_t *out_len)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_JSON_V1, "unquote");

    return inner == NULL ? SESAME_INTERNAL
                         : service_json.unquote(inner, literal, out, out_capacity, out_len);
}

static int32_t note_json_quote(const struct sesame_host *host, struct sesame_text text, char *out,
                               size_t out_capacity, size_t *out_len)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_JSON_V1, "quote");

    return inner == NULL ? SESAME_INTERNAL
                         : service_json.quote(inner, text, out, out_capacity, out_len);
}

const struct sesame_json_v1 recorded_json = {note_json_check, note_json_find, note_json_next,
                                             note_json_unquote, note_json_quote};

static uint64_t note_sse_open(const struct sesame_host *host, size_t event_max_bytes)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_SSE_V1, "open");

    return inner == NULL ? 0 : service_sse.open(inner, event_max_bytes);
}

static int32_t note_sse_feed(const struct sesame_host *host, uint64_t sse, struct sesame_text bytes,
                             void (*on_event)(struct sesame_instance *instance, uint64_t tag,
                                              const struct sesame_sse_event *event),
                             uint64_t tag)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_SSE_V1, "feed");

    return inner == NULL ? SESAME_INTERNAL : service_sse.feed(inner, sse, bytes, on_event, tag);
}

static int32_t note_sse_state(const struct sesame_host *host, uint64_t sse,
                              struct sesame_sse_event *out_event)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_SSE_V1, "state");

    return inner == NULL ? SESAME_INTERNAL : service_sse.state(inner, sse, out_event);
}

static void note_sse_close(const struct sesame_host *host, uint64_t sse)
{
    const struct sesame_host *inner = recorded_enter(host, SESAME_SSE_V1, "close");

    if (inner != NULL)
        service_sse.close(inner, sse);
}

const struct sesame_sse_v1 recorded_sse = {note_sse_open, note_sse_feed, note_sse_state,
                                           note_sse_close};
