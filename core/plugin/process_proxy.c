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

#define HELD_MAX_BYTES ((size_t)16 * 1024 * 1024)
#define CALL_GRACE_MS 2500 /* the host's own, after a deadline */

static void start(struct sesame_instance *proxy);

/* ---- calls ----------------------------------------------------------------------------------- */

static const struct process_limits *limits_of(const struct sesame_instance *proxy)
{
    return &proxy->self->library->apart->limits;
}

bool proxy_send(struct sesame_instance *proxy, struct wire_writer *writer)
{
    struct error err = {0};
    bool is_for_child = proxy->child != NULL && writer->out == process_child_outbox(proxy->child);

    if (wire_close(writer, &err)) {
        if (is_for_child)
            process_child_flush(proxy->child);
        return true;
    }
    /* What is lost would be missed: an answer, a part of one. */
    if (is_for_child && process_child_is_slow(proxy->child))
        process_child_doom(proxy->child, "ended because it does not read what it is sent");
    else
        log_warn("plugin", "a message to a plugin's process is lost",
                 LOG_TEXT("name", proxy->self->name), LOG_TEXT("reason", err.message));
    return false;
}

static void show_pulse(struct sesame_instance *proxy, enum plugin_state state, pid_t pid)
{
    struct plugin_pulse *pulse = proxy->self->watch.pulse;

    if (pulse == NULL)
        return;
    atomic_store(&pulse->state, state);
    atomic_store(&pulse->pid, pid);
    if (state == PLUGIN_RESTARTING)
        atomic_fetch_add(&pulse->restarts, 1);
}

/* The number may soon be another process's. */
static void hide_pid(struct sesame_instance *proxy)
{
    if (proxy->self->watch.pulse != NULL)
        atomic_store(&proxy->self->watch.pulse->pid, 0);
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
    if (proxy->call_count == 1 && proxy->state == PROXY_RUNNING)
        loop_timer_start(proxy->timer, limits_of(proxy)->busy_look_ms);
    return true;
}

static void note_idle(struct sesame_instance *proxy)
{
    if (proxy->call_count > 0 || proxy->child == NULL)
        return;
    proxy->idle_since_ms = clock_monotonic_ms();
    proxy->idle_cpu_ms = process_child_cpu_ms(proxy->child);
}

static bool forget_call(struct sesame_instance *proxy, uint64_t handle)
{
    for (size_t i = 0; i < proxy->call_count; i++)
        if (proxy->calls[i].handle == handle) {
            proxy->calls[i] = proxy->calls[--proxy->call_count];
            return true;
        }
    return false;
}

void proxy_forget_call(struct sesame_instance *proxy, uint64_t handle)
{
    if (!forget_call(proxy, handle))
        return;
    proxy->crashes = 0; /* it can answer */
    note_idle(proxy);
}

/* Those that the host answered itself, because the child did not in time. */
static void forget_dead_calls(struct sesame_instance *proxy)
{
    size_t before = proxy->call_count;

    for (size_t i = proxy->call_count; i-- > 0;)
        if (handle_get(&proxy->self->handles, HANDLE_CALL, proxy->calls[i].handle) == NULL)
            proxy->calls[i] = proxy->calls[--proxy->call_count];
    if (before > 0)
        note_idle(proxy);
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

static void send_call(struct sesame_instance *proxy, struct wire_writer *writer, uint64_t call)
{
    if (proxy_send(proxy, writer))
        return;
    (void)forget_call(proxy, call);
    fail_call(proxy, call, "the call could not be passed to the tool's process: too much waits ");
}

static void list(struct sesame_instance *proxy, uint64_t call, int64_t deadline_ms)
{
    struct wire_writer writer;

    if (!may_call(proxy, call, deadline_ms))
        return;
    wire_open(&writer, call_box(proxy), WIRE_LIST, call);
    wire_put_i64(&writer, deadline_ms);
    send_call(proxy, &writer, call);
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
    send_call(proxy, &writer, call);
}

static void cancel(struct sesame_instance *proxy, uint64_t call)
{
    struct wire_writer writer;

    if (proxy->state == PROXY_FAILED)
        return;
    wire_open(&writer, call_box(proxy), WIRE_CANCEL, call);
    (void)proxy_send(proxy, &writer);
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

    proxy->start_step = STEP_CREATED;
    wire_open(&writer, process_child_outbox(proxy->child), WIRE_CREATE, 0);
    wire_put_text(&writer, slice_of(proxy->config));
    wire_put_u32(&writer, proxy->self->program != NULL);
    return proxy_send(proxy, &writer);
}

static bool take_guards(struct sesame_instance *proxy, const struct wire_frame *frame)
{
    uint32_t guards = 0;

    if (!process_library_read_guards(frame, &guards))
        return false;
    if (guards == proxy->self->library->apart->guards) {
        proxy->start_step = STEP_DESCRIBED;
        return true;
    }
    error_set(&proxy->start_error, ERROR_DENIED,
              "its process is held back otherwise than at the start");
    return false;
}

static bool take_description(struct sesame_instance *proxy, const struct wire_frame *frame)
{
    if (frame->type == WIRE_REFUSED) {
        process_library_read_refusal(frame, &proxy->start_error);
        return true;
    }
    if (frame->type != WIRE_DESCRIPTOR)
        return false;
    if (process_library_is_same(proxy->self->library, frame->payload))
        return send_config(proxy);
    error_set(&proxy->start_error, ERROR_BAD_INPUT,
              "the library describes itself differently than before");
    return false;
}

static int64_t look_interval_ms(const struct sesame_instance *proxy)
{
    return proxy->call_count > 0 ? limits_of(proxy)->busy_look_ms : limits_of(proxy)->look_ms;
}

static void on_running(struct sesame_instance *proxy)
{
    struct error err = {0};

    proxy->state = PROXY_RUNNING;
    show_pulse(proxy, PLUGIN_RUNNING, process_child_pid(proxy->child));
    proxy->pinged_at_ms = 0;
    if (!buffer_add(process_child_outbox(proxy->child), proxy->held.data, proxy->held.len, &err))
        log_warn("plugin", "calls to a plugin's process are lost", LOG_TEXT("reason", err.message));
    buffer_truncate(&proxy->held, 0);
    process_child_flush(proxy->child);
    note_idle(proxy);
    loop_timer_start(proxy->timer, look_interval_ms(proxy));
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

/* In this order and no other, whoever writes the frames. */
static bool take_start_frame(struct sesame_instance *proxy, const struct wire_frame *frame)
{
    if (proxy->start_error.code != ERROR_NONE)
        return true; /* it is on its way out */
    switch (proxy->start_step) {
    case STEP_GUARDED:
        return take_guards(proxy, frame);
    case STEP_DESCRIBED:
        return take_description(proxy, frame);
    case STEP_CREATED:
        break;
    }
    /* `create` may log, look at credentials and, against the rules, ask for more. */
    return frame->type == WIRE_CREATED ? take_creation(proxy, frame)
                                       : proxy_take_frame(proxy, frame);
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
    forget_dead_calls(proxy);
    while (proxy->call_count > 0)
        fail_call(proxy, proxy->calls[--proxy->call_count].handle,
                  "the tool's process was lost during the call: ");
    buffer_truncate(&proxy->held, 0);
}

/* None after the first crash, then growing. */
static int64_t restart_delay_ms(const struct process_limits *limits, unsigned crashes)
{
    int64_t delay_ms = 0;

    for (unsigned i = 1; i < crashes && delay_ms < limits->restart_max_ms; i++)
        delay_ms = delay_ms == 0 ? limits->restart_min_ms : delay_ms * 2;
    return delay_ms < limits->restart_max_ms ? delay_ms : limits->restart_max_ms;
}

static void note_end(struct sesame_instance *proxy, const char *reason)
{
    (void)snprintf(proxy->last_end, sizeof proxy->last_end, "%.119s", /* cutting is fine */
                   proxy->start_error.code != ERROR_NONE ? proxy->start_error.message : reason);
}

static void restart_or_give_up(struct sesame_instance *proxy)
{
    const struct process_limits *limits = limits_of(proxy);
    int64_t delay_ms = restart_delay_ms(limits, ++proxy->crashes);

    proxy->state = proxy->crashes > limits->crashes ? PROXY_FAILED : PROXY_WAITING;
    show_pulse(proxy, proxy->state == PROXY_FAILED ? PLUGIN_FAILED : PLUGIN_RESTARTING, 0);
    instance_misbehaved(proxy->self, "crashed");
    if (proxy->state == PROXY_WAITING) {
        log_warn("plugin", "a plugin's process is lost and is started again",
                 LOG_TEXT("name", proxy->self->name), LOG_TEXT("reason", proxy->last_end),
                 LOG_INT("in_a_row", proxy->crashes), LOG_INT("delay_ms", delay_ms));
        loop_timer_start(proxy->timer, delay_ms);
        return;
    }
    instance_misbehaved(proxy->self, "given_up");
    log_error("plugin", "a plugin's process is lost and was given up",
              LOG_TEXT("name", proxy->self->name), LOG_TEXT("reason", proxy->last_end),
              LOG_INT("in_a_row", proxy->crashes));
}

static void on_gone(void *arg, const char *reason)
{
    struct sesame_instance *proxy = arg;
    enum proxy_state before = proxy->state;

    note_end(proxy, reason);
    hide_pid(proxy);
    proxy->state = PROXY_WAITING; /* for what is done below */
    fail_calls(proxy);
    proxy_http_abandon(proxy);
    service_program_close(proxy->self);
    loop_timer_stop(proxy->timer);
    proxy->state = before;
    if (before == PROXY_STOPPING)
        service_loop.stopped(&proxy->self->host);
    else if (proxy->self->plugin == NULL)
        proxy->state = PROXY_FAILED; /* still in create: there is no second try */
    else if (before != PROXY_FAILED)
        restart_or_give_up(proxy);
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

static const char *why_to_end(const struct sesame_instance *proxy, int64_t now_ms)
{
    const struct process_limits *limits = limits_of(proxy);
    int64_t idle_ms = now_ms - proxy->idle_since_ms;

    if (process_child_threads(proxy->child) > limits->threads)
        return "ended because it started too many threads";
    if (proxy->pinged_at_ms != 0 && now_ms - proxy->pinged_at_ms > limits->silence_ms &&
        !may_be_silent(proxy, now_ms))
        return "ended because it no longer answered";
    if (proxy->call_count == 0 && process_child_cpu_ms(proxy->child) - proxy->idle_cpu_ms >
                                      limits->idle_cpu_ms + idle_ms / limits->idle_cpu_share)
        return "ended because it used too much processor time while no call was open";
    return NULL;
}

static void look(struct sesame_instance *proxy)
{
    int64_t now_ms = clock_monotonic_ms();
    struct wire_writer writer;
    const char *why;

    forget_dead_calls(proxy);
    why = why_to_end(proxy, now_ms);
    if (why != NULL) {
        process_child_kill(proxy->child, why);
        return;
    }
    loop_timer_start(proxy->timer, look_interval_ms(proxy));
    if (proxy->pinged_at_ms != 0)
        return;
    proxy->pinged_at_ms = now_ms;
    wire_open(&writer, process_child_outbox(proxy->child), WIRE_PING, 0);
    (void)proxy_send(proxy, &writer);
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
    proxy->start_step = STEP_GUARDED;
    proxy->child = process_library_start(proxy->self->library, loop, &events, proxy, err);
    return proxy->child != NULL;
}

static void start(struct sesame_instance *proxy)
{
    struct error err = {0};

    loop_timer_start(proxy->timer, limits_of(proxy)->start_ms);
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
    const int64_t start_ms = limits_of(proxy)->start_ms;
    int64_t until_ms = clock_monotonic_ms() + start_ms;

    if (!start_child(proxy, NULL, err))
        return false;
    while (proxy->state == PROXY_STARTING && proxy->start_error.code == ERROR_NONE) {
        int64_t left_ms = until_ms - clock_monotonic_ms();

        if (left_ms <= 0)
            return error_set(err, ERROR_TIMED_OUT, "its process did not start within %lld ms",
                             (long long)start_ms);
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
    (void)proxy_send(proxy, &writer);
    return SESAME_PENDING;
}

const struct sesame_plugin process_proxy_functions = {
    .get_interface = get_interface, .create = create, .stop = stop, .destroy = destroy};
