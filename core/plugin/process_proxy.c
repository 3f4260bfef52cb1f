/* A tool in a process of its own: started, watched over, started again, and asked. */
#include "plugin/process_proxy.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/loop.h"
#include "plugin/process_library.h"

#include <sesame/services.h>
#include <sesame/tool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_TIMEOUT_MS 10000
#define HELD_MAX_BYTES ((size_t)16 * 1024 * 1024)
#define LOOK_INTERVAL_MS 2000
#define SILENCE_MAX_MS 10000
#define CALL_GRACE_MS 2500 /* the host's own, after a deadline */
#define CPU_SECONDS 30     /* between two signs of life */
#define CRASHES_MAX 8
#define RESTART_MIN_MS 100
#define RESTART_MAX_MS 10000

static void start(struct sesame_instance *proxy);

/* ---- calls ----------------------------------------------------------------------------------- */

void proxy_send(struct sesame_instance *proxy, struct wire_writer *writer)
{
    struct error err = {0};

    if (!wire_close(writer, &err)) {
        log_warn("plugin", "a message to a plugin's process is lost",
                 LOG_TEXT("name", proxy->self->name), LOG_TEXT("reason", err.message));
        return;
    }
    if (proxy->child != NULL && writer->out == process_child_outbox(proxy->child))
        process_child_flush(proxy->child);
}

/* Where frames about calls go: to the child, or aside until there is one. */
static struct buffer *call_box(struct sesame_instance *proxy)
{
    return proxy->state == PROXY_RUNNING || proxy->state == PROXY_STOPPING
               ? process_child_outbox(proxy->child)
               : &proxy->held;
}

static bool keep_call(struct sesame_instance *proxy, uint64_t handle, int64_t deadline_ms)
{
    size_t capacity = proxy->call_capacity == 0 ? 16 : proxy->call_capacity * 2;
    struct open_call *grown;

    if (proxy->call_count == proxy->call_capacity) {
        grown = realloc(proxy->calls, capacity * sizeof *grown);
        if (grown == NULL)
            return false;
        proxy->calls = grown;
        proxy->call_capacity = capacity;
    }
    proxy->calls[proxy->call_count++] = (struct open_call){handle, deadline_ms};
    return true;
}

void proxy_forget_call(struct sesame_instance *proxy, uint64_t handle)
{
    for (size_t i = 0; i < proxy->call_count; i++)
        if (proxy->calls[i].handle == handle) {
            proxy->calls[i] = proxy->calls[--proxy->call_count];
            proxy->crashes = 0; /* it can answer */
            return;
        }
}

static void fail_call(struct sesame_instance *proxy, uint64_t handle, const char *what)
{
    char message[400];

    (void)snprintf(message, sizeof message, "%s%s", what, proxy->last_end); /* cutting is fine */
    (void)service_tool_host.complete(&proxy->self->host, handle, SESAME_UNAVAILABLE,
                                     text_of(message));
}

static bool may_call(struct sesame_instance *proxy, uint64_t handle, int64_t deadline_ms)
{
    if (proxy->state == PROXY_FAILED)
        fail_call(proxy, handle, "the tool's process failed too often and is not started again: ");
    else if (!keep_call(proxy, handle, deadline_ms))
        fail_call(proxy, handle, "no memory for a tool call");
    else
        return true;
    return false;
}

static void list(struct sesame_instance *proxy, uint64_t call, int64_t deadline_ms)
{
    struct wire_writer writer;

    if (!may_call(proxy, call, deadline_ms))
        return;
    wire_open(&writer, call_box(proxy), WIRE_LIST, call);
    wire_put_i64(&writer, deadline_ms);
    proxy_send(proxy, &writer);
}

static void call_function(struct sesame_instance *proxy, uint64_t call,
                          const struct sesame_tool_request *request)
{
    struct wire_writer writer;

    if (!may_call(proxy, call, request->deadline_ms))
        return;
    wire_open(&writer, call_box(proxy), WIRE_CALL, call);
    wire_put_text(&writer, slice_from(request->function));
    wire_put_text(&writer, slice_from(request->arguments));
    wire_put_text(&writer, slice_from(request->context));
    wire_put_i64(&writer, request->deadline_ms);
    proxy_send(proxy, &writer);
}

static void cancel(struct sesame_instance *proxy, uint64_t call)
{
    struct wire_writer writer;

    if (proxy->state == PROXY_FAILED)
        return;
    wire_open(&writer, call_box(proxy), WIRE_CANCEL, call);
    proxy_send(proxy, &writer);
}

static const struct sesame_tool_v1 tool_table = {list, call_function, cancel};

static const void *get_interface(const char *id)
{
    return strcmp(id, SESAME_TOOL_V1) == 0 ? &tool_table : NULL;
}

/* ---- the start ------------------------------------------------------------------------------- */

static bool send_config(struct sesame_instance *proxy)
{
    struct wire_writer writer;

    wire_open(&writer, process_child_outbox(proxy->child), WIRE_CREATE, 0);
    wire_put_text(&writer, slice_of(proxy->config));
    proxy_send(proxy, &writer);
    return true;
}

static void on_running(struct sesame_instance *proxy)
{
    struct error err = {0};

    proxy->state = PROXY_RUNNING;
    proxy->pinged_at_ms = 0;
    if (!buffer_add(process_child_outbox(proxy->child), proxy->held.data, proxy->held.len, &err))
        log_warn("plugin", "calls to a plugin's process are lost", LOG_TEXT("reason", err.message));
    buffer_truncate(&proxy->held, 0);
    process_child_flush(proxy->child);
    loop_timer_start(proxy->timer, LOOK_INTERVAL_MS);
}

static bool take_creation(struct sesame_instance *proxy, const struct wire_frame *frame)
{
    struct wire_reader reader = wire_read(frame);
    int32_t status = wire_get_i32(&reader);
    struct slice reason = wire_get_text(&reader);

    if (!wire_is_whole(&reader))
        return false;
    if (status == SESAME_OK)
        on_running(proxy);
    else
        error_set(&proxy->start_error, error_of_status(status), "%.*s",
                  (int)(reason.len < 400 ? reason.len : 400), reason.data);
    return true;
}

static bool take_start_frame(struct sesame_instance *proxy, const struct wire_frame *frame)
{
    switch (frame->type) {
    case WIRE_DESCRIPTOR:
        if (process_library_is_same(proxy->self->library, frame->payload))
            return send_config(proxy);
        error_set(&proxy->start_error, ERROR_BAD_INPUT,
                  "the library describes itself differently than before");
        return false;
    case WIRE_REFUSED:
        process_library_read_refusal(frame, &proxy->start_error);
        return true;
    case WIRE_CREATED:
        return take_creation(proxy, frame);
    default:
        /* `create` may log, look at credentials and, against the rules, ask for more. */
        return proxy_take_frame(proxy, frame);
    }
}

static bool on_frame(void *arg, const struct wire_frame *frame)
{
    struct sesame_instance *proxy = arg;

    return proxy->state == PROXY_STARTING ? take_start_frame(proxy, frame)
                                          : proxy_take_frame(proxy, frame);
}

/* ---- the end of a child ---------------------------------------------------------------------- */

static void fail_calls(struct sesame_instance *proxy)
{
    while (proxy->call_count > 0)
        fail_call(proxy, proxy->calls[--proxy->call_count].handle,
                  "the tool's process was lost during the call: ");
    buffer_truncate(&proxy->held, 0);
}

static int64_t restart_delay_ms(unsigned crashes)
{
    int64_t delay_ms = 0;

    for (unsigned i = 1; i < crashes && delay_ms < RESTART_MAX_MS; i++)
        delay_ms = delay_ms == 0 ? RESTART_MIN_MS : delay_ms * 2;
    return delay_ms < RESTART_MAX_MS ? delay_ms : RESTART_MAX_MS;
}

static void on_gone(void *arg, const char *reason)
{
    struct sesame_instance *proxy = arg;
    bool is_stopping = proxy->state == PROXY_STOPPING;
    int64_t delay_ms = restart_delay_ms(++proxy->crashes);

    if (proxy->start_error.code != ERROR_NONE)
        (void)snprintf(proxy->last_end, sizeof proxy->last_end, "%.119s",
                       proxy->start_error.message);
    else
        (void)snprintf(proxy->last_end, sizeof proxy->last_end, "%s", reason);
    proxy->state = is_stopping                    ? PROXY_STOPPING
                   : proxy->crashes > CRASHES_MAX ? PROXY_FAILED
                                                  : PROXY_WAITING;
    fail_calls(proxy);
    proxy_http_abandon(proxy);
    loop_timer_stop(proxy->timer);
    if (is_stopping) {
        service_loop.stopped(&proxy->self->host);
        return;
    }
    if (proxy->self->plugin == NULL) /* still in create: there is no second try */
        return;
    instance_misbehaved(proxy->self, "crashed");
    log_warn("plugin",
             proxy->state == PROXY_FAILED ? "a plugin's process is lost and was given up"
                                          : "a plugin's process is lost and is started again",
             LOG_TEXT("name", proxy->self->name), LOG_TEXT("reason", proxy->last_end),
             LOG_INT("in_a_row", proxy->crashes), LOG_INT("delay_ms", delay_ms));
    if (proxy->state == PROXY_WAITING)
        loop_timer_start(proxy->timer, delay_ms);
}

static void on_drained(void *arg)
{
    proxy_http_hold(arg, false);
}

/* ---- watching over it ------------------------------------------------------------------------ */

/* A tool may block in a call until the call's time is over: then silence means nothing yet. */
static bool may_be_silent(const struct sesame_instance *proxy, int64_t now_ms)
{
    for (size_t i = 0; i < proxy->call_count; i++)
        if (proxy->calls[i].deadline_ms + CALL_GRACE_MS > now_ms)
            return true;
    return false;
}

static void look(struct sesame_instance *proxy)
{
    int64_t now_ms = clock_monotonic_ms();
    struct wire_writer writer;

    loop_timer_start(proxy->timer, LOOK_INTERVAL_MS);
    if (proxy->pinged_at_ms == 0) {
        proxy->pinged_at_ms = now_ms;
        wire_open(&writer, process_child_outbox(proxy->child), WIRE_PING, 0);
        proxy_send(proxy, &writer);
    } else if (now_ms - proxy->pinged_at_ms > SILENCE_MAX_MS && !may_be_silent(proxy, now_ms)) {
        process_child_kill(proxy->child, "ended because it no longer answered");
    }
}

static void on_timer(void *arg)
{
    struct sesame_instance *proxy = arg;

    if (proxy->state == PROXY_WAITING)
        start(proxy);
    else if (proxy->state == PROXY_STARTING)
        process_child_kill(proxy->child, "ended because it did not start in time");
    else if (proxy->state == PROXY_RUNNING)
        look(proxy);
}

/* Starts a child; whether it comes to run shows later. */
static bool start_child(struct sesame_instance *proxy, struct loop *loop, struct error *err)
{
    static const struct process_child_events events = {on_frame, on_gone, on_drained};

    process_child_free(TAKE(proxy->child));
    proxy->start_error = (struct error){0};
    proxy->state = PROXY_STARTING;
    proxy->started_at_ms = clock_monotonic_ms();
    proxy->child = process_library_start(proxy->self->library, loop, &events, proxy, err);
    if (proxy->child != NULL)
        process_child_grant_cpu(proxy->child, CPU_SECONDS);
    return proxy->child != NULL;
}

static void start(struct sesame_instance *proxy)
{
    struct error err = {0};

    loop_timer_start(proxy->timer, START_TIMEOUT_MS);
    if (!start_child(proxy, proxy->self->home.loop, &err))
        on_gone(proxy, err.message);
}

/* ---- as a plugin ----------------------------------------------------------------------------- */

static void destroy(struct sesame_instance *proxy)
{
    process_child_free(proxy->child);
    loop_timer_free(proxy->timer);
    buffer_clear(&proxy->held);
    free(proxy->calls);
    free(proxy->https);
    free(proxy->config);
    free(proxy);
}

/* Waits for the first child, so that a plugin that cannot start is an error of the start. */
static bool run_first(struct sesame_instance *proxy, struct error *err)
{
    int64_t until_ms = clock_monotonic_ms() + START_TIMEOUT_MS;

    if (!start_child(proxy, NULL, err))
        return false;
    while (proxy->state == PROXY_STARTING && proxy->start_error.code == ERROR_NONE) {
        int64_t left_ms = until_ms - clock_monotonic_ms();

        if (left_ms <= 0)
            return error_set(err, ERROR_TIMED_OUT, "its process did not start within %d s",
                             START_TIMEOUT_MS / 1000);
        if (!process_child_pump(proxy->child, (int)left_ms))
            break;
    }
    if (proxy->state == PROXY_RUNNING)
        return process_child_attach(proxy->child, proxy->self->home.loop, err);
    *err = proxy->start_error;
    return err->code == ERROR_NONE
               ? error_set(err, ERROR_INTERNAL, "its process was lost at the start: %s",
                           proxy->last_end)
               : false;
}

static int32_t create(const struct sesame_host *host, struct sesame_text config,
                      struct sesame_instance **out_instance)
{
    struct plugin_instance *self = instance_enter(host);
    struct sesame_instance *proxy = calloc(1, sizeof *proxy);
    struct error err = {0};

    if (self == NULL || proxy == NULL) {
        free(proxy);
        return SESAME_INTERNAL;
    }
    proxy->self = self;
    buffer_init(&proxy->held, HELD_MAX_BYTES);
    proxy->config = slice_dup(slice_from(config));
    proxy->timer = loop_timer_new(self->home.loop, on_timer, proxy, &err);
    if (proxy->config != NULL && proxy->timer != NULL && run_first(proxy, &err)) {
        *out_instance = proxy;
        return SESAME_OK;
    }
    destroy(proxy);
    instance_explain(self, &err);
    return status_of_error(&err);
}

static int32_t stop(struct sesame_instance *proxy)
{
    struct wire_writer writer;
    bool is_running = proxy->state == PROXY_RUNNING;

    loop_timer_stop(proxy->timer);
    proxy->state = is_running ? PROXY_STOPPING : PROXY_FAILED;
    if (!is_running)
        return SESAME_OK;
    wire_open(&writer, process_child_outbox(proxy->child), WIRE_STOP, 0);
    proxy_send(proxy, &writer);
    return SESAME_PENDING;
}

const struct sesame_plugin process_proxy_functions = {
    .get_interface = get_interface, .create = create, .stop = stop, .destroy = destroy};
