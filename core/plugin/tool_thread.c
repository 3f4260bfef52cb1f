/* A tool placed on a thread of its own, where it may block: its calls run one after the other. Or
 * in a process that a thread keeps: then they run side by side. */
#include "plugin/tool_thread.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "config/host_config.h"
#include "credential/subject.h"
#include "net/loop.h"
#include "plugin/plugin_thread.h"

#include <json-c/json.h>
#include <sesame/plugin.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define GRACE_MS 2500

struct tool_thread {
    const struct tool_host_options *options;
    const char *config_text;
    void (*on_changed)(void *arg);
    void *arg;
    struct plugin_thread *thread;

    /* of the thread; the loop for everybody, once it stands */
    struct loop *loop;
    struct tool_engine *engine;
    struct thread_call *queue, **queue_end;
    struct thread_call *running; /* all of them; one at most unless the tool is in a process */
};

/* Shared by a worker and the thread; counted, because messages about it cross. */
struct thread_call {
    atomic_size_t references;
    struct tool_thread *thread;
    struct thread_call *next; /* in the queue, or among those that run */
    bool is_list;
    char *function, *arguments, *context;
    struct subject *subject;
    int64_t deadline_ms;
    atomic_bool wants_cancel; /* set by the worker, read by a plugin that blocks */

    /* of the worker */
    struct loop *home;
    struct loop_timer *timer;
    struct engine_events events;
    void *arg;
    bool is_over;

    /* of the thread, then of the worker */
    struct engine_call *call;
    int32_t status;
    char *data;
    size_t len;
};

static void release(struct thread_call *call)
{
    if (atomic_fetch_sub(&call->references, 1) != 1)
        return;
    free(call->function);
    free(call->arguments);
    free(call->context);
    subject_free(call->subject);
    free(call->data);
    free(call);
}

/* A message with a reference of its own. */
static void send_call(struct loop *loop, void (*fn)(void *arg), struct thread_call *call)
{
    atomic_fetch_add(&call->references, 1);
    if (!loop_post(loop, fn, call))
        release(call);
}

/* ---- the worker's side ----------------------------------------------------------------------- */

static void end_on_worker(struct thread_call *call)
{
    call->is_over = true;
    loop_timer_free(TAKE(call->timer));
}

static void deliver(void *arg)
{
    struct thread_call *call = arg;

    if (!call->is_over) {
        end_on_worker(call);
        call->events.on_done(call->arg, call->status, call->data == NULL ? "" : call->data,
                             call->len);
        release(call); /* the worker's own */
    }
    release(call);
}

static void note_cancel(void *arg);

/* The plugin did not come back: the worker answers in its place. */
static void on_overdue(void *arg)
{
    struct thread_call *call = arg;
    static const char message[] = "the tool did not answer in time";
    const struct tool_host_options *options = call->thread->options;

    end_on_worker(call);
    atomic_store(&call->wants_cancel, true);
    if (options->watch.on_misbehaviour != NULL)
        options->watch.on_misbehaviour(options->watch.arg, options->config->plugin,
                                       "never_completed");
    send_call(call->thread->loop, note_cancel, call);
    call->events.on_done(call->arg, SESAME_TIMED_OUT, message, sizeof message - 1);
    release(call);
}

void thread_call_cancel(struct thread_call *call)
{
    end_on_worker(call);
    atomic_store(&call->wants_cancel, true);
    send_call(call->thread->loop, note_cancel, call);
    release(call);
}

struct progress {
    struct thread_call *call;
    size_t len;
    char text[];
};

static void deliver_progress(void *arg)
{
    struct progress *progress = arg;
    struct thread_call *call = progress->call;

    if (!call->is_over && call->events.on_progress != NULL)
        call->events.on_progress(call->arg, progress->text, progress->len);
    release(call);
    free(progress);
}

/* ---- the thread's side ----------------------------------------------------------------------- */

static void run_next(struct tool_thread *thread);

static void on_progress(void *arg, const char *text, size_t len)
{
    struct thread_call *call = arg;
    struct progress *progress = malloc(sizeof *progress + len);

    if (progress == NULL)
        return;
    progress->call = call;
    progress->len = len;
    memcpy(progress->text, text, len);
    atomic_fetch_add(&call->references, 1);
    if (loop_post(call->home, deliver_progress, progress))
        return;
    release(call);
    free(progress);
}

/* Takes the running call's reference with it. */
static void hand_back(struct thread_call *call, int32_t status, const char *data, size_t len)
{
    /* Nobody waits for it any more, and the worker with its loop may be gone. */
    if (atomic_load(&call->wants_cancel)) {
        release(call);
        return;
    }
    call->status = status;
    call->data = malloc(len + 1);
    if (call->data != NULL) {
        memcpy(call->data, data, len);
        call->data[len] = '\0';
        call->len = len;
    }
    if (!loop_post(call->home, deliver, call))
        release(call);
}

static bool is_running(const struct thread_call *call)
{
    const struct thread_call *other = call->thread->running;

    while (other != NULL && other != call)
        other = other->next;
    return other != NULL;
}

static void end_running(struct thread_call *call)
{
    struct thread_call **link = &call->thread->running;

    while (*link != call)
        link = &(*link)->next;
    *link = call->next;
}

static bool may_run(const struct tool_thread *thread)
{
    return thread->running == NULL || thread->options->placement == PLACEMENT_PROCESS;
}

static void on_done(void *arg, int32_t status, const char *data, size_t len)
{
    struct thread_call *call = arg;
    struct tool_thread *thread = call->thread;

    end_running(call);
    hand_back(call, status, data, len);
    run_next(thread);
}

static void run_next(struct tool_thread *thread)
{
    while (may_run(thread) && thread->queue != NULL) {
        struct thread_call *call = thread->queue;
        struct engine_events events = {on_progress, on_done, &call->wants_cancel};
        struct tool_run_request request = {.function = call->function,
                                           .arguments = call->arguments,
                                           .arguments_len = strlen(call->arguments),
                                           .context = call->context,
                                           .deadline_ms = call->deadline_ms};
        struct error err = {0};

        thread->queue = call->next;
        if (thread->queue == NULL)
            thread->queue_end = &thread->queue;
        if (atomic_load(&call->wants_cancel)) {
            hand_back(call, SESAME_CANCELLED, "cancelled", 9);
            continue;
        }
        call->next = thread->running;
        thread->running = call;
        call->call = tool_engine_start(thread->engine, call->is_list ? NULL : &request,
                                       call->subject, call->deadline_ms, &events, call, &err);
        if (call->call == NULL) {
            end_running(call);
            hand_back(call, SESAME_INTERNAL, err.message, strlen(err.message));
        }
    }
}

static void take_call(void *arg)
{
    struct thread_call *call = arg;
    struct tool_thread *thread = call->thread;

    call->next = NULL;
    *thread->queue_end = call;
    thread->queue_end = &call->next;
    run_next(thread);
}

static void note_cancel(void *arg)
{
    struct thread_call *call = arg;

    if (is_running(call))
        engine_call_ask(call->call);
    release(call);
}

struct thread_call *tool_thread_call(struct tool_thread *thread, struct loop *home,
                                     const struct tool_run_request *request,
                                     struct subject *subject, int64_t deadline_ms,
                                     const struct engine_events *events, void *arg,
                                     struct error *err)
{
    struct thread_call *call = calloc(1, sizeof *call);
    int64_t left_ms = deadline_ms - clock_monotonic_ms();

    if (call == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a tool call");
        return NULL;
    }
    call->references = 1;
    call->thread = thread;
    call->home = home;
    call->events = *events;
    call->arg = arg;
    call->is_list = request == NULL;
    call->subject = subject_ref(subject);
    call->deadline_ms = deadline_ms;
    call->function = strdup(request == NULL ? "" : request->function);
    call->arguments = strdup(request == NULL ? "" : request->arguments);
    call->context = strdup(request == NULL ? "" : request->context);
    call->timer = loop_timer_new(home, on_overdue, call, err);
    if (call->function != NULL && call->arguments != NULL && call->context != NULL &&
        call->timer != NULL) {
        loop_timer_start(call->timer, (left_ms > 0 ? left_ms : 0) + GRACE_MS);
        send_call(thread->loop, take_call, call);
        return call;
    }
    loop_timer_free(TAKE(call->timer));
    release(call);
    if (err->code == ERROR_NONE)
        error_set(err, ERROR_NO_MEMORY, "no memory for a tool call");
    return NULL;
}

/* ---- the thread ------------------------------------------------------------------------------ */

static bool open_engine(void *arg, const struct plugin_home *home, struct error *err)
{
    struct tool_thread *thread = arg;
    const struct tool_host_options *options = thread->options;
    CLEANUP(json_cleanup)
    struct json_object *config =
        json_parse(thread->config_text, strlen(thread->config_text), JSON_DEPTH_DEFAULT, err);
    struct instance_options instance = {.library = options->library,
                                        .home = *home,
                                        .watch = options->watch,
                                        .tool = options->config,
                                        .program = options->program,
                                        .name = options->config->name,
                                        .config = config};

    if (config == NULL)
        return false;
    thread->loop = home->loop;
    thread->engine =
        tool_engine_new(&instance, options->result_max_bytes, thread->on_changed, thread->arg, err);
    return thread->engine != NULL;
}

static void release_all(struct thread_call **list)
{
    while (*list != NULL) {
        struct thread_call *call = *list;

        *list = call->next;
        release(call);
    }
}

static void close_engine(void *arg)
{
    struct tool_thread *thread = arg;

    release_all(&thread->queue);
    tool_engine_free(thread->engine);
    release_all(&thread->running);
}

static void on_stopped(void *arg)
{
    struct tool_thread *thread = arg;

    loop_stop(thread->loop);
}

static void stop(void *arg)
{
    struct tool_thread *thread = arg;

    tool_engine_stop(thread->engine, on_stopped, thread);
}

struct tool_thread *tool_thread_start(const struct tool_host_options *options,
                                      const char *config_text, void (*on_changed)(void *arg),
                                      void *arg, struct error *err)
{
    struct tool_thread *thread = calloc(1, sizeof *thread);
    struct plugin_thread_options start = {.name = options->config->name,
                                          .broker = options->broker,
                                          .open = open_engine,
                                          .stop = stop,
                                          .close = close_engine,
                                          .arg = thread};

    if (thread == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a plugin thread");
        return NULL;
    }
    thread->options = options;
    thread->config_text = config_text;
    thread->on_changed = on_changed;
    thread->arg = arg;
    thread->queue_end = &thread->queue;
    thread->thread = plugin_thread_start(&start, err);
    if (thread->thread != NULL)
        return thread;
    free(thread);
    return NULL;
}

void tool_thread_stop(struct tool_thread *thread)
{
    if (thread != NULL && plugin_thread_stop(thread->thread))
        free(thread);
}
