/* A tool instance at work on its home thread: lists and calls, each completed exactly once. */
#include "plugin/tool_engine.h"

#include "base/secret.h"
#include "base/text.h"
#include "plugin/plugin_call.h"

#include <sesame/tool.h>
#include <stdlib.h>
#include <string.h>

#define PROGRESS_MAX_BYTES 4096

struct engine_call {
    struct plugin_call base;
    struct engine_events events;
    void *arg;
    int32_t status;
    struct buffer data;
};

struct tool_engine {
    struct call_book book;
    const struct sesame_tool_v1 *table;
    int64_t result_max_bytes;
    void (*on_changed)(void *arg);
    void *arg;
};

static struct tool_engine *engine_of(struct call_book *book)
{
    return (struct tool_engine *)book; /* its first member */
}

/* ---- an end ---------------------------------------------------------------------------------- */

static void finish(struct plugin_call *base)
{
    struct engine_call *call = (struct engine_call *)base;

    if (!base->is_silent)
        call->events.on_done(call->arg, call->status,
                             call->data.data == NULL ? "" : call->data.data, call->data.len);
    buffer_clear(&call->data);
    free(call);
}

static void keep_result(struct engine_call *call, int32_t status, const char *data, size_t len)
{
    const struct tool_engine *engine = engine_of(call->base.book);
    struct error ignored = {0};

    call->status = status;
    if (len > (size_t)engine->result_max_bytes) {
        instance_misbehaved(engine->book.instance, "result_too_large");
        call->status = SESAME_LIMIT;
        data = "the tool's result is larger than allowed";
        len = strlen(data);
    }
    if (len > 0 && !buffer_add(&call->data, data, len, &ignored))
        call->status = SESAME_INTERNAL;
    /* Lists, results and failures quote peers, and a peer may quote what we sent it. */
    if (call->data.len > 0)
        secret_occurs_in(call->data.data, call->data.len, true);
}

static void give_up(struct plugin_call *call)
{
    static const char message[] = "the tool did not answer in time";

    keep_result((struct engine_call *)call, SESAME_TIMED_OUT, message, sizeof message - 1);
}

/* ---- the plugin's side ----------------------------------------------------------------------- */

static int32_t complete(const struct sesame_host *host, uint64_t handle, int32_t status,
                        struct sesame_text data)
{
    struct plugin_instance *instance = instance_enter(host);
    struct tool_engine *engine = instance == NULL ? NULL : instance->owner;
    struct plugin_call *call;

    if (engine == NULL)
        return SESAME_INTERNAL;
    call = plugin_call_complete(&engine->book, instance, handle);
    if (call == NULL)
        return SESAME_NOT_FOUND;
    if (status < SESAME_OK || status >= SESAME_PENDING)
        status = SESAME_INTERNAL;
    /* Told to end a late call, a plugin ends it as cancelled. */
    if (status == SESAME_CANCELLED && plugin_call_is_late(call))
        give_up(call);
    else
        keep_result((struct engine_call *)call, status, data.data,
                    data.data == NULL ? 0 : data.len);
    plugin_call_end(call, true);
    return SESAME_OK;
}

static void give_progress(struct engine_call *call, struct sesame_text progress)
{
    struct buffer text;
    struct error ignored = {0};

    buffer_init(&text, PROGRESS_MAX_BYTES);
    if (buffer_add(&text, progress.data,
                   utf8_prefix(progress.data, progress.len, PROGRESS_MAX_BYTES), &ignored)) {
        secret_occurs_in(text.data, text.len, true);
        call->events.on_progress(call->arg, text.data, text.len);
    }
    buffer_clear(&text);
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
    if (!call->base.is_silent && call->events.on_progress != NULL && progress.len > 0)
        give_progress(call, progress);
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

    return instance == NULL || plugin_call_is_cancelled(instance, handle);
}

const struct sesame_tool_host_v1 service_tool_host = {complete, emit, changed, is_cancelled};

/* ---- the host's side ------------------------------------------------------------------------- */

static void tell_cancel(struct call_book *book, uint64_t handle)
{
    engine_of(book)->table->cancel(book->instance->plugin, handle);
}

struct engine_call *tool_engine_start(struct tool_engine *engine,
                                      const struct tool_run_request *request,
                                      struct subject *subject, int64_t deadline_ms,
                                      const struct engine_events *events, void *arg,
                                      struct error *err)
{
    struct engine_call *call = calloc(1, sizeof *call);
    struct sesame_instance *plugin = engine->book.instance->plugin;

    if (call == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a tool call");
        return NULL;
    }
    call->base.cancel_flag = events->cancel_flag;
    call->events = *events;
    call->arg = arg;
    buffer_init(&call->data, (size_t)engine->result_max_bytes);
    if (!plugin_call_open(&engine->book, &call->base, subject, deadline_ms, err)) {
        free(call);
        return NULL;
    }
    if (request == NULL) {
        engine->table->list(plugin, call->base.handle, deadline_ms);
    } else {
        struct sesame_tool_request plugin_request = {text_of(request->function),
                                                     {request->arguments, request->arguments_len},
                                                     deadline_ms,
                                                     text_of(request->context)};

        engine->table->call(plugin, call->base.handle, &plugin_request);
    }
    return call;
}

void engine_call_ask(struct engine_call *call)
{
    plugin_call_ask(&call->base);
}

void engine_call_cancel(struct engine_call *call)
{
    call->base.is_silent = true;
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
    engine->book.cancel = tell_cancel;
    engine->book.give_up = give_up;
    engine->book.finish = finish;
    engine->table = options->library->descriptor->get_interface(SESAME_TOOL_V1);
    engine->result_max_bytes = result_max_bytes;
    engine->on_changed = on_changed;
    engine->arg = arg;
    instance.owner = engine;
    engine->book.instance = instance_new(&instance, err);
    if (engine->book.instance != NULL)
        return engine;
    free(engine);
    return NULL;
}

bool tool_engine_is_idle(const struct tool_engine *engine)
{
    return engine->book.calls == NULL;
}

void tool_engine_stop(struct tool_engine *engine, void (*on_stopped)(void *arg), void *arg)
{
    call_book_forget(&engine->book);
    instance_stop(engine->book.instance, on_stopped, arg);
}

void tool_engine_free(struct tool_engine *engine)
{
    if (engine == NULL)
        return;
    call_book_forget(&engine->book);
    instance_free(engine->book.instance);
    free(engine);
}
