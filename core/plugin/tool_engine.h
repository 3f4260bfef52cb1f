/* A tool instance at work on its home thread: lists and calls, each completed exactly once;
 * private to core/plugin. */
#ifndef SESAME_PLUGIN_TOOL_ENGINE_H
#define SESAME_PLUGIN_TOOL_ENGINE_H

#include "plugin/instance.h"
#include "plugin/tool_port.h"

#include <stdatomic.h>

struct tool_engine;
struct engine_call;

struct engine_events {
    void (*on_progress)(void *arg, const char *text, size_t len);
    /* Once, from the loop. `json`: what the plugin completed with when the status is OK. */
    void (*on_done)(void *arg, int32_t status, const char *data, size_t len);
    /* Looked at by is_cancelled besides cancel and deadline; for plugins that block while nobody
     * can call cancel. May be NULL. */
    const atomic_bool *cancel_flag;
};

struct tool_engine *tool_engine_new(const struct instance_options *options,
                                    int64_t result_max_bytes, void (*on_changed)(void *arg),
                                    void *arg, struct error *err);

/* `request` NULL: lists. The deadline is kept whatever the plugin does. `subject` is the user on
 * whose behalf, or NULL; a reference is taken. */
struct engine_call *tool_engine_start(struct tool_engine *engine,
                                      const struct tool_run_request *request,
                                      struct subject *subject, int64_t deadline_ms,
                                      const struct engine_events *events, void *arg,
                                      struct error *err);
/* The plugin is told, and on_done follows as ever. */
void engine_call_ask(struct engine_call *call);
/* The plugin is told; no callback follows. */
void engine_call_cancel(struct engine_call *call);

/* Whether no call is open and none is ending. */
bool tool_engine_is_idle(const struct tool_engine *engine);

void tool_engine_stop(struct tool_engine *engine, void (*on_stopped)(void *arg), void *arg);
/* Open calls are forgotten without callbacks. */
void tool_engine_free(struct tool_engine *engine);

#endif
