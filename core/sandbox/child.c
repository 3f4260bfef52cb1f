/* One untrusted plugin in its own process: the host as the plugin sees it there. */
#include "sandbox/child.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "net/loop.h"
#include "sandbox/guard.h"
#include "sandbox/syscall_filter.h"

#include <sesame/program.h>
#include <sesame/services.h>
#include <sesame/tool.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESULT_MAX_BYTES (WIRE_FRAME_MAX_BYTES - 64)
#define TEXT_MAX_BYTES ((size_t)16 * 1024)

struct child child;

/* ---- talking to the host --------------------------------------------------------------------- */

static struct slice cut(struct sesame_text text, size_t max_bytes)
{
    struct slice slice = slice_from(text);

    slice.len = utf8_prefix(slice.data, slice.len, max_bytes);
    return slice;
}

static void handle_rest(void *arg)
{
    struct wire_frame frame;

    (void)arg;
    child.has_more = false;
    while (channel_next(&child.channel, &frame))
        child_take_frame(&frame);
}

/* The socket was emptied, so its watch will not tell of what lies in the inbox. */
static void handle_rest_soon(void)
{
    if (!child.has_more)
        child.has_more = loop_post(child.loop, handle_rest, NULL);
}

void child_wait(enum wire_type type, struct wire_frame *out)
{
    channel_wait(&child.channel, type, out);
    handle_rest_soon();
}

static void say_log(int32_t level, struct slice message, struct slice fields)
{
    struct wire_writer writer;

    channel_open(&child.channel, &writer, WIRE_LOG, 0);
    wire_put_i32(&writer, level);
    wire_put_text(&writer, message);
    wire_put_text(&writer, fields);
    (void)channel_send(&child.channel, &writer);
}

static void say_misbehaved(const char *kind)
{
    struct wire_writer writer;

    channel_open(&child.channel, &writer, WIRE_MISBEHAVED, 0);
    wire_put_text(&writer, slice_of(kind));
    (void)channel_send(&child.channel, &writer);
}

void child_report_refusals(void)
{
    char name[60], text[160];
    int number;

    if (atomic_exchange(&child.wrong_thread_count, 0) > 0)
        say_misbehaved("wrong_thread");
    if (guard_refused(&number) == 0)
        return;
    syscall_filter_name(number, name, sizeof name);
    (void)snprintf(text, sizeof text, "the system call %s is not allowed and was refused", name);
    say_log(SESAME_LOG_WARN, slice_of(text), slice_of(""));
    say_misbehaved("system_call");
}

void child_explain(const char *text)
{
    child.instance.explained = (struct error){0};
    error_set(&child.instance.explained, ERROR_INTERNAL, "%s", text);
    if (!child.is_creating)
        say_log(SESAME_LOG_INFO, slice_of(text), slice_of(""));
}

void child_explain_slice(struct slice reason)
{
    char text[480];
    size_t len = utf8_prefix(reason.data, reason.len, sizeof text - 1);

    if (len > 0)
        memcpy(text, reason.data, len);
    text[len] = '\0';
    child_explain(text);
}

/* ---- services -------------------------------------------------------------------------------- */

static void log_message(const struct sesame_host *host, int32_t level, struct sesame_text message,
                        struct sesame_text fields)
{
    if (instance_enter(host) != NULL)
        say_log(level, cut(message, TEXT_MAX_BYTES), cut(fields, TEXT_MAX_BYTES));
}

static void explain(const struct sesame_host *host, struct sesame_text message)
{
    if (instance_enter(host) != NULL)
        child_explain_slice(slice_from(message));
}

static const struct sesame_log_v1 child_log = {log_message, explain};

static int32_t check_credential(const struct sesame_host *host, struct sesame_text name,
                                struct sesame_text url, struct sesame_text *out_message)
{
    struct plugin_instance *instance = instance_enter(host);
    struct wire_writer writer;
    struct wire_frame frame;
    struct wire_reader reader;
    struct slice message;
    int32_t status;

    if (instance == NULL)
        return SESAME_INTERNAL;
    channel_open(&child.channel, &writer, WIRE_CHECK, 0);
    wire_put_text(&writer, cut(name, TEXT_MAX_BYTES));
    wire_put_text(&writer, cut(url, TEXT_MAX_BYTES));
    if (!channel_send(&child.channel, &writer))
        return SESAME_BAD_INPUT;
    child_wait(WIRE_CHECKED, &frame);
    reader = wire_read(&frame);
    status = wire_get_i32(&reader);
    message = wire_get_text(&reader);
    if (out_message != NULL) {
        struct error ignored = {0};

        buffer_truncate(&instance->scratch, 0);
        (void)buffer_add(&instance->scratch, message.data, message.len, &ignored);
        *out_message = (struct sesame_text){instance->scratch.data, instance->scratch.len};
    }
    return status;
}

static const struct sesame_credentials_v1 child_credentials = {check_credential};

/* ---- calls ----------------------------------------------------------------------------------- */

static struct child_call *find_call(uint64_t handle)
{
    for (size_t i = 0; i < child.call_count; i++)
        if (child.calls[i].handle == handle)
            return &child.calls[i];
    return NULL;
}

/* Without memory the call is answered all the same, only nobody can ask whether it is cancelled. */
static void keep_call(uint64_t handle, int64_t deadline_ms)
{
    size_t capacity = child.call_capacity == 0 ? 16 : child.call_capacity * 2;
    struct child_call *grown;

    if (child.call_count == child.call_capacity) {
        grown = realloc(child.calls, capacity * sizeof *grown);
        if (grown == NULL)
            return;
        child.calls = grown;
        child.call_capacity = capacity;
    }
    child.calls[child.call_count++] = (struct child_call){handle, deadline_ms, false};
}

/* The host judges: it counts second, late and foreign completions, and results that are too large,
 * of which as much is sent as a frame holds. */
static int32_t complete(const struct sesame_host *host, uint64_t handle, int32_t status,
                        struct sesame_text data)
{
    struct slice result = slice_from(data);
    struct child_call *call;
    struct wire_writer writer;

    if (instance_enter(host) == NULL)
        return SESAME_INTERNAL;
    child_report_refusals();
    call = find_call(handle);
    if (result.len > RESULT_MAX_BYTES)
        result.len = RESULT_MAX_BYTES;
    channel_open(&child.channel, &writer, WIRE_COMPLETE, handle);
    wire_put_i32(&writer, status);
    wire_put_text(&writer, result);
    (void)channel_send(&child.channel, &writer);
    if (call == NULL)
        return SESAME_NOT_FOUND;
    *call = child.calls[--child.call_count];
    return SESAME_OK;
}

static int32_t emit(const struct sesame_host *host, uint64_t handle, struct sesame_text progress)
{
    struct wire_writer writer;

    if (instance_enter(host) == NULL)
        return SESAME_INTERNAL;
    if (find_call(handle) == NULL)
        return SESAME_NOT_FOUND;
    channel_open(&child.channel, &writer, WIRE_EMIT, handle);
    wire_put_text(&writer, cut(progress, TEXT_MAX_BYTES));
    (void)channel_send(&child.channel, &writer);
    return SESAME_OK;
}

static void changed(const struct sesame_host *host)
{
    struct wire_writer writer;

    if (instance_enter(host) == NULL)
        return;
    channel_open(&child.channel, &writer, WIRE_CHANGED, 0);
    (void)channel_send(&child.channel, &writer);
}

static int32_t is_cancelled(const struct sesame_host *host, uint64_t handle)
{
    const struct child_call *call = instance_enter(host) == NULL ? NULL : find_call(handle);

    if (call == NULL || call->is_cancelled || clock_monotonic_ms() >= call->deadline_ms)
        return 1;
    /* A plugin that works in a loop of its own leaves the socket unread. */
    channel_read(&child.channel);
    handle_rest_soon();
    return channel_has(&child.channel, WIRE_CANCEL, handle);
}

static const struct sesame_tool_host_v1 child_tool_host = {complete, emit, changed, is_cancelled};

/* ---- frames ---------------------------------------------------------------------------------- */

static void take_creation(const struct wire_frame *frame)
{
    struct wire_reader reader = wire_read(frame);
    struct slice config = wire_get_text(&reader);
    bool may_run = wire_get_u32(&reader) != 0;
    struct sesame_instance *made = NULL;
    struct wire_writer writer;
    int32_t status;

    if (child.instance.plugin != NULL)
        return;
    child.may_run = may_run;
    child.is_creating = true;
    status = child.plugin->create(&child.instance.host, text_from(config), &made);
    child.is_creating = false;
    if (status == SESAME_OK && made == NULL) {
        status = SESAME_INTERNAL;
        child_explain("create gave no instance");
    }
    child.instance.plugin = made;
    child_report_refusals();
    channel_open(&child.channel, &writer, WIRE_CREATED, 0);
    wire_put_i32(&writer, status);
    wire_put_text(&writer, slice_of(child.instance.explained.message[0] == '\0'
                                        ? "it gives no reason"
                                        : child.instance.explained.message));
    (void)channel_send(&child.channel, &writer);
}

static void take_call(const struct sesame_tool_v1 *table, const struct wire_frame *frame)
{
    struct wire_reader reader = wire_read(frame);
    struct sesame_tool_request request;

    if (frame->type == WIRE_LIST) {
        int64_t deadline_ms = wire_get_i64(&reader);

        keep_call(frame->handle, deadline_ms);
        table->list(child.instance.plugin, frame->handle, deadline_ms);
        return;
    }
    request.function = text_from(wire_get_text(&reader));
    request.arguments = text_from(wire_get_text(&reader));
    request.context = text_from(wire_get_text(&reader));
    request.deadline_ms = wire_get_i64(&reader);
    keep_call(frame->handle, request.deadline_ms);
    table->call(child.instance.plugin, frame->handle, &request);
}

static void take_cancel(const struct sesame_tool_v1 *table, const struct wire_frame *frame)
{
    struct child_call *call = find_call(frame->handle);

    if (call == NULL)
        return;
    call->is_cancelled = true;
    table->cancel(child.instance.plugin, frame->handle);
}

static void say_stopped(void *arg)
{
    struct wire_writer writer;

    (void)arg;
    service_loop_close(&child.instance);
    service_sse_close(&child.instance);
    handle_take_all(&child.instance.handles, HANDLE_HTTP, free);
    handle_take_all(&child.instance.handles, HANDLE_RUN, free);
    child.plugin->destroy(TAKE(child.instance.plugin));
    channel_open(&child.channel, &writer, WIRE_STOPPED, 0);
    (void)channel_send(&child.channel, &writer);
}

static void say_pong(void)
{
    struct wire_writer writer;

    child_report_refusals();
    channel_open(&child.channel, &writer, WIRE_PONG, 0);
    (void)channel_send(&child.channel, &writer);
}

void child_take_frame(const struct wire_frame *frame)
{
    const struct sesame_tool_v1 *table =
        child.instance.plugin == NULL ? NULL : child.plugin->get_interface(SESAME_TOOL_V1);

    if (frame->type == WIRE_CREATE)
        take_creation(frame);
    else if (frame->type == WIRE_PING)
        say_pong();
    else if (child.instance.plugin == NULL)
        return;
    else if (frame->type == WIRE_CANCEL)
        take_cancel(table, frame);
    else if (frame->type == WIRE_RUN_ENDED)
        child_program_take(frame);
    else if (frame->type != WIRE_STOP && frame->type != WIRE_LIST && frame->type != WIRE_CALL)
        child_http_take(frame); /* also of a request with which the plugin takes its leave */
    else if (child.instance.is_stopping)
        return;
    else if (frame->type == WIRE_STOP)
        instance_stop(&child.instance, say_stopped, NULL);
    else
        take_call(table, frame);
}

/* ---- as the services see it ------------------------------------------------------------------ */

/* From a wrong thread, the socket is not ours to write: the right one tells of it soon. */
static void on_misbehaviour(void *arg, const char *plugin_id, const char *kind)
{
    (void)arg;
    (void)plugin_id;
    if (pthread_equal(child.instance.thread, pthread_self()))
        say_misbehaved(kind);
    else
        atomic_fetch_add(&child.wrong_thread_count, 1);
}

static const void *get_service(const struct sesame_host *host, const char *id)
{
    static const struct {
        const char *id;
        const void *table;
    } services[] = {
        {SESAME_LOG_V1, &child_log},         {SESAME_CLOCK_V1, &service_clock},
        {SESAME_RANDOM_V1, &service_random}, {SESAME_LOOP_V1, &service_loop},
        {SESAME_JSON_V1, &service_json},     {SESAME_SSE_V1, &service_sse},
        {SESAME_HTTP_V1, &child_http},       {SESAME_CREDENTIALS_V1, &child_credentials},
        {SESAME_PROGRAM_V1, &child_program}, {SESAME_TOOL_HOST_V1, &child_tool_host},
    };

    if (instance_enter(host) == NULL || id == NULL ||
        (strcmp(id, SESAME_PROGRAM_V1) == 0 && !child.may_run))
        return NULL;
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++)
        if (strcmp(services[i].id, id) == 0)
            return services[i].table;
    return NULL;
}

bool child_open(const struct sesame_plugin *plugin)
{
    static struct plugin_manifest manifest;
    static struct plugin_library library = {.manifest = &manifest};
    static char name[] = "plugin";
    struct plugin_instance *instance = &child.instance;

    manifest.id = name;
    library.descriptor = plugin;
    child.plugin = plugin;
    instance->host = (struct sesame_host){"sesame", PACKAGE_VERSION, get_service};
    instance->library = &library;
    instance->home = (struct plugin_home){.loop = child.loop};
    instance->watch = (struct plugin_watch){.on_misbehaviour = on_misbehaviour};
    instance->name = name;
    instance->thread = pthread_self();
    buffer_init(&instance->scratch, TEXT_MAX_BYTES);
    instance->gate = post_gate_new(instance);
    return instance->gate != NULL;
}
