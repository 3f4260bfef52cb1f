/* A tool instance at work on its home thread: lists and calls, each completed exactly once. */
#include "plugin/tool_engine.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "net/loop.h"

#include <sesame/tool.h>
#include <stdlib.h>
#include <string.h>

#define GRACE_MS 2000
#define ENDED_COUNT 64

struct engine_call {
    struct tool_engine *engine; /* NULL: forgotten while its end was queued */
    uint64_t handle;
    struct engine_events events;
    void *arg;
    int64_t deadline_ms;
    struct loop_timer *timer; /* the deadline, then the grace time */
    bool is_cancelled;        /* the plugin was told */
    bool is_silent;           /* nobody wants to hear of it any more */
    bool is_ending;
    int32_t status;
    struct buffer data;
};

struct tool_engine {
    struct plugin_instance *instance;
    const struct sesame_tool_v1 *table;
    int64_t result_max_bytes;
    void (*on_changed)(void *arg);
    void *arg;
    /* How the last calls ended, to tell a second completion from a late one. */
    struct {
        uint64_t handle;
        bool was_completed;
    } ended[ENDED_COUNT];
    size_t ended_next;
};

/* ---- an end ---------------------------------------------------------------------------------- */

static void free_call(struct engine_call *call)
{
    loop_timer_free(call->timer);
    buffer_clear(&call->data);
    free(call);
}

static void finish(void *arg)
{
    struct engine_call *call = arg;

    if (call->engine != NULL && !call->is_silent)
        call->events.on_done(call->arg, call->status,
                             call->data.data == NULL ? "" : call->data.data, call->data.len);
    free_call(call);
}

/* The handle dies now, the rest happens from the loop. */
static void end_call(struct engine_call *call, int32_t status, const char *data, size_t len,
                     bool was_completed)
{
    struct tool_engine *engine = call->engine;
    struct error ignored = {0};

    handle_take(&engine->instance->handles, HANDLE_CALL, call->handle);
    engine->ended[engine->ended_next].handle = call->handle;
    engine->ended[engine->ended_next].was_completed = was_completed;
    engine->ended_next = (engine->ended_next + 1) % ENDED_COUNT;
    if (call->timer != NULL)
        loop_timer_stop(call->timer);
    call->status = status;
    if (len > (size_t)engine->result_max_bytes) {
        instance_misbehaved(engine->instance, "result_too_large");
        call->status = SESAME_LIMIT;
        data = "the tool's result is larger than allowed";
        len = strlen(data);
    }
    if (len > 0 && !buffer_add(&call->data, data, len, &ignored))
        call->status = SESAME_INTERNAL;
    call->is_ending = loop_post(engine->instance->home.loop, finish, call);
}

/* ---- the plugin's side ----------------------------------------------------------------------- */

static void note_dead_call(struct plugin_instance *instance, uint64_t handle)
{
    struct tool_engine *engine = instance->owner;

    for (size_t i = 0; i < ENDED_COUNT; i++)
        if (engine->ended[i].handle == handle && handle != 0) {
            instance_misbehaved(instance, engine->ended[i].was_completed ? "completed_twice"
                                                                         : "completed_late");
            return;
        }
    instance_misbehaved(instance, "unknown_handle");
}

static int32_t complete(const struct sesame_host *host, uint64_t handle, int32_t status,
                        struct sesame_text data)
{
    struct plugin_instance *instance = instance_enter(host);
    struct engine_call *call;

    if (instance == NULL)
        return SESAME_INTERNAL;
    call = handle_get(&instance->handles, HANDLE_CALL, handle);
    if (call == NULL) {
        note_dead_call(instance, handle);
        return SESAME_NOT_FOUND;
    }
    if (status < SESAME_OK || status >= SESAME_PENDING)
        status = SESAME_INTERNAL;
    end_call(call, status, data.data, data.data == NULL ? 0 : data.len, true);
    return SESAME_OK;
}

static int32_t emit(const struct sesame_host *host, uint64_t handle, struct sesame_text progress)
{
    struct plugin_instance *instance = instance_enter(host);
    struct engine_call *call;

    if (instance == NULL)
        return SESAME_INTERNAL;
    call = handle_get(&instance->handles, HANDLE_CALL, handle);
    if (call == NULL)
        return SESAME_NOT_FOUND;
    if (!call->is_silent && call->events.on_progress != NULL && progress.data != NULL)
        call->events.on_progress(call->arg, progress.data, progress.len);
    return SESAME_OK;
}

static void changed(const struct sesame_host *host)
{
    struct plugin_instance *instance = instance_enter(host);
    struct tool_engine *engine = instance == NULL ? NULL : instance->owner;

    if (engine != NULL && engine->on_changed != NULL)
        engine->on_changed(engine->arg);
}

static int32_t is_cancelled(const struct sesame_host *host, uint64_t handle)
{
    struct plugin_instance *instance = instance_enter(host);
    const struct engine_call *call =
        instance == NULL ? NULL : handle_get(&instance->handles, HANDLE_CALL, handle);

    return call == NULL || call->is_cancelled ||
           (call->events.cancel_flag != NULL && atomic_load(call->events.cancel_flag)) ||
           clock_monotonic_ms() >= call->deadline_ms;
}

const struct sesame_tool_host_v1 service_tool_host = {complete, emit, changed, is_cancelled};

/* ---- the host's side ------------------------------------------------------------------------- */

static void on_timer(void *arg)
{
    struct engine_call *call = arg;
    struct tool_engine *engine = call->engine;
    static const char message[] = "the tool did not answer in time";

    if (!call->is_cancelled) {
        call->is_cancelled = true;
        loop_timer_start(call->timer, GRACE_MS);
        engine->table->cancel(engine->instance->plugin, call->handle);
        return;
    }
    instance_misbehaved(engine->instance, "never_completed");
    end_call(call, SESAME_TIMED_OUT, message, sizeof message - 1, false);
}

struct engine_call *tool_engine_start(struct tool_engine *engine,
                                      const struct tool_run_request *request, int64_t deadline_ms,
                                      const struct engine_events *events, void *arg,
                                      struct error *err)
{
    struct engine_call *call = calloc(1, sizeof *call);
    int64_t left_ms = deadline_ms - clock_monotonic_ms();

    if (call == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a tool call");
        return NULL;
    }
    call->engine = engine;
    call->events = *events;
    call->arg = arg;
    call->deadline_ms = deadline_ms;
    buffer_init(&call->data, (size_t)engine->result_max_bytes);
    call->timer = loop_timer_new(engine->instance->home.loop, on_timer, call, err);
    if (call->timer != NULL)
        call->handle = handle_add(&engine->instance->handles, HANDLE_CALL, call);
    if (call->handle == 0) {
        if (err->code == ERROR_NONE)
            error_set(err, ERROR_LIMIT, "the tool has too many open calls");
        free_call(call);
        return NULL;
    }
    loop_timer_start(call->timer, left_ms > 0 ? left_ms : 0);
    if (request == NULL) {
        engine->table->list(engine->instance->plugin, call->handle, deadline_ms);
    } else {
        struct sesame_tool_request plugin_request = {text_of(request->function),
                                                     {request->arguments, request->arguments_len},
                                                     deadline_ms,
                                                     text_of(request->context)};

        engine->table->call(engine->instance->plugin, call->handle, &plugin_request);
    }
    return call;
}

void engine_call_ask(struct engine_call *call)
{
    struct tool_engine *engine = call->engine;

    if (call->is_ending || call->is_cancelled)
        return;
    call->is_cancelled = true;
    loop_timer_start(call->timer, GRACE_MS);
    engine->table->cancel(engine->instance->plugin, call->handle);
}

void engine_call_cancel(struct engine_call *call)
{
    call->is_silent = true;
    engine_call_ask(call);
}

struct tool_engine *tool_engine_new(const struct instance_options *options,
                                    int64_t result_max_bytes, void (*on_changed)(void *arg),
                                    void *arg, struct error *err)
{
    struct tool_engine *engine = calloc(1, sizeof *engine);
    struct instance_options instance = *options;

    if (engine == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a tool");
        return NULL;
    }
    engine->table = options->library->descriptor->get_interface(SESAME_TOOL_V1);
    engine->result_max_bytes = result_max_bytes;
    engine->on_changed = on_changed;
    engine->arg = arg;
    instance.owner = engine;
    engine->instance = instance_new(&instance, err);
    if (engine->instance != NULL)
        return engine;
    free(engine);
    return NULL;
}

static void forget(void *object)
{
    struct engine_call *call = object;

    if (call->is_ending)
        call->engine = NULL;
    else
        free_call(call);
}

void tool_engine_stop(struct tool_engine *engine, void (*on_stopped)(void *arg), void *arg)
{
    handle_take_all(&engine->instance->handles, HANDLE_CALL, forget);
    instance_stop(engine->instance, on_stopped, arg);
}

void tool_engine_free(struct tool_engine *engine)
{
    if (engine == NULL)
        return;
    handle_take_all(&engine->instance->handles, HANDLE_CALL, forget);
    instance_free(engine->instance);
    free(engine);
}
