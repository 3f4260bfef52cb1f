/* A tool placed on a thread of its own: it may block; its calls run one after the other. A tool in
 * a process is kept by such a thread too; its calls run side by side. Private to core/plugin. */
#ifndef SESAME_PLUGIN_TOOL_THREAD_H
#define SESAME_PLUGIN_TOOL_THREAD_H

#include "plugin/tool_engine.h"

struct thread_call;
struct tool_thread;

/* Starts the thread and makes the instance on it; returns when it stands or has failed.
 * `on_changed` is called on the thread. */
struct tool_thread *tool_thread_start(const struct tool_host_options *options,
                                      const char *config_text, void (*on_changed)(void *arg),
                                      void *arg, struct error *err);

/* Waits for the plugin's end, at most some seconds: one that hangs is left behind. */
void tool_thread_stop(struct tool_thread *thread);

/* As tool_engine_start, from a worker: events come on `home`. An answer comes at the latest a grace
 * time after the deadline, even when the plugin never returns. */
struct thread_call *tool_thread_call(struct tool_thread *thread, struct loop *home,
                                     const struct tool_run_request *request,
                                     struct subject *subject, int64_t deadline_ms,
                                     const struct engine_events *events, void *arg,
                                     struct error *err);
/* On the worker: no callback follows. */
void thread_call_cancel(struct thread_call *call);

#endif
