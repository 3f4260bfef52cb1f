/* A credential provider placed on a thread of its own, where it may block. */
#include "plugin/provider_thread.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/secret.h"
#include "net/loop.h"
#include "plugin/plugin_thread.h"
#include "plugin/provider_engine.h"

#include <json-c/json.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* After that of the engine, which answers first unless the thread is blocked. */
#define GRACE_MS 2500

struct provider_thread {
    struct plugin_thread *thread;
    struct plugin_library *library;
    struct plugin_watch watch;
    const char *config_text; /* during the start */

    /* of the broker's thread */
    struct loop *home;
    struct token_fetch *fetches;

    /* of the thread; the loop for everybody, once it stands */
    struct loop *loop;
    struct provider_engine *engine;
    struct token_fetch *running; /* the engine's references */
};

/* Shared by the broker and the thread; counted, because messages about it cross. */
struct token_fetch {
    atomic_size_t references;
    struct provider_thread *thread;
    char *scope, *audience, *values;
    struct secret *subject;
    int64_t deadline_ms;
    atomic_bool wants_cancel; /* set by the broker, read by a plugin that blocks */

    /* of the broker's thread */
    struct token_fetch *next, **link;
    struct loop_timer *timer;
    token_done_fn *done;
    void *done_arg;
    bool is_silent;
    bool is_over;

    /* of the thread, then of the broker's */
    struct engine_fetch *fetch;
    struct token_fetch *running_next, **running_link;
    struct provider_result result;
};

static void release(struct token_fetch *fetch)
{
    if (atomic_fetch_sub(&fetch->references, 1) != 1)
        return;
    free(fetch->scope);
    free(fetch->audience);
    free(fetch->values);
    secret_free(fetch->subject);
    provider_result_clear(&fetch->result);
    free(fetch);
}

/* A message with a reference of its own. */
static void send_fetch(struct loop *loop, void (*fn)(void *arg), struct token_fetch *fetch)
{
    atomic_fetch_add(&fetch->references, 1);
    if (!loop_post(loop, fn, fetch))
        release(fetch);
}

/* ---- the broker's side ----------------------------------------------------------------------- */

/* Out of the list; the broker's reference stays the caller's to drop. */
static void end_here(struct token_fetch *fetch)
{
    fetch->is_over = true;
    *fetch->link = fetch->next;
    if (fetch->next != NULL)
        fetch->next->link = fetch->link;
    loop_timer_free(TAKE(fetch->timer));
}

static void tell(struct token_fetch *fetch, const struct provider_result *result)
{
    struct token_answer answer = {result->token, result->expires_in_s, result->expires_at_s,
                                  result->binding};

    if (!fetch->is_silent)
        fetch->done(fetch->done_arg, result->token == NULL ? NULL : &answer, &result->err,
                    result->retry_after_ms);
}

static void deliver(void *arg)
{
    struct token_fetch *fetch = arg;

    if (!fetch->is_over) {
        end_here(fetch);
        tell(fetch, &fetch->result);
        release(fetch); /* the broker's own */
    }
    release(fetch);
}

static void note_cancel(void *arg);

/* The plugin did not come back: it is answered for. */
static void on_overdue(void *arg)
{
    struct token_fetch *fetch = arg;
    struct provider_thread *thread = fetch->thread;
    const char *id = plugin_library_manifest(thread->library)->id;
    struct provider_result late = {.expires_in_s = -1, .expires_at_s = -1, .retry_after_ms = -1};

    end_here(fetch);
    atomic_store(&fetch->wants_cancel, true);
    if (thread->watch.on_misbehaviour != NULL)
        thread->watch.on_misbehaviour(thread->watch.arg, id, "never_completed");
    error_set_named(&late.err, ERROR_TIMED_OUT, "ReadTimeOut",
                    "the credential provider %s did not answer in time", id);
    tell(fetch, &late);
    release(fetch);
}

/* The timer goes on: a plugin that does not come back is still found out. */
static void cancel_fetch(void *arg, struct token_fetch *fetch)
{
    (void)arg;
    fetch->is_silent = true;
    atomic_store(&fetch->wants_cancel, true);
    send_fetch(fetch->thread->loop, note_cancel, fetch);
}

/* ---- the thread's side ----------------------------------------------------------------------- */

/* Takes the reference of a fetch that came here back with it. */
static void hand_back(struct token_fetch *fetch, struct provider_result *result)
{
    fetch->result = *result;
    *result = (struct provider_result){.token = NULL};
    if (!loop_post(fetch->thread->home, deliver, fetch))
        release(fetch);
}

static void leave_running(struct token_fetch *fetch)
{
    fetch->fetch = NULL;
    *fetch->running_link = fetch->running_next;
    if (fetch->running_next != NULL)
        fetch->running_next->running_link = fetch->running_link;
}

static void on_done(void *arg, struct provider_result *result)
{
    struct token_fetch *fetch = arg;

    leave_running(fetch);
    hand_back(fetch, result);
}

static void enter_running(struct token_fetch *fetch)
{
    struct provider_thread *thread = fetch->thread;

    fetch->running_next = thread->running;
    if (fetch->running_next != NULL)
        fetch->running_next->running_link = &fetch->running_next;
    fetch->running_link = &thread->running;
    thread->running = fetch;
}

static void take_fetch(void *arg)
{
    struct token_fetch *fetch = arg;
    struct token_request request = {.scope = slice_of(fetch->scope),
                                    .audience = slice_of(fetch->audience),
                                    .values = slice_of(fetch->values),
                                    .subject = fetch->subject,
                                    .deadline_ms = fetch->deadline_ms};
    struct provider_result failed = {.expires_in_s = -1, .expires_at_s = -1, .retry_after_ms = -1};

    if (atomic_load(&fetch->wants_cancel))
        error_set(&failed.err, ERROR_CANCELLED, "cancelled");
    else
        fetch->fetch = provider_engine_fetch(fetch->thread->engine, &request, &fetch->wants_cancel,
                                             on_done, fetch, &failed.err);
    if (fetch->fetch != NULL)
        enter_running(fetch);
    else
        hand_back(fetch, &failed);
}

static void note_cancel(void *arg)
{
    struct token_fetch *fetch = arg;

    if (fetch->fetch != NULL)
        engine_fetch_ask(fetch->fetch);
    release(fetch);
}

/* ---- a fetch --------------------------------------------------------------------------------- */

static bool fill_fetch(struct token_fetch *fetch, const struct token_request *request,
                       struct error *err)
{
    int64_t left_ms = request->deadline_ms - clock_monotonic_ms();

    fetch->scope = slice_dup(request->scope);
    fetch->audience = slice_dup(request->audience);
    fetch->values = slice_dup(request->values);
    fetch->subject = request->subject == NULL ? NULL : secret_ref(request->subject);
    fetch->deadline_ms = request->deadline_ms;
    if (fetch->scope == NULL || fetch->audience == NULL || fetch->values == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory to fetch a token");
    fetch->timer = loop_timer_new(fetch->thread->home, on_overdue, fetch, err);
    if (fetch->timer == NULL)
        return false;
    loop_timer_start(fetch->timer, (left_ms > 0 ? left_ms : 0) + GRACE_MS);
    return true;
}

static struct token_fetch *start_fetch(void *arg, const struct token_request *request,
                                       token_done_fn *done, void *done_arg, struct error *err)
{
    struct provider_thread *thread = arg;
    struct token_fetch *fetch = calloc(1, sizeof *fetch);

    if (fetch == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory to fetch a token");
        return NULL;
    }
    fetch->references = 1;
    fetch->thread = thread;
    fetch->done = done;
    fetch->done_arg = done_arg;
    if (!fill_fetch(fetch, request, err)) {
        release(fetch);
        return NULL;
    }
    fetch->next = thread->fetches;
    if (fetch->next != NULL)
        fetch->next->link = &fetch->next;
    fetch->link = &thread->fetches;
    thread->fetches = fetch;
    send_fetch(thread->loop, take_fetch, fetch);
    return fetch;
}

struct credential_provider provider_thread_table(struct provider_thread *thread)
{
    return (struct credential_provider){start_fetch, cancel_fetch, thread};
}

/* ---- the thread ------------------------------------------------------------------------------ */

static bool open_engine(void *arg, const struct plugin_home *home, struct error *err)
{
    struct provider_thread *thread = arg;
    CLEANUP(json_cleanup)
    struct json_object *config =
        json_parse(thread->config_text, strlen(thread->config_text), JSON_DEPTH_DEFAULT, err);
    struct instance_options instance = {.library = thread->library,
                                        .home = *home,
                                        .watch = thread->watch,
                                        .may_block = true,
                                        .name = plugin_library_manifest(thread->library)->id,
                                        .config = config};

    if (config == NULL)
        return false;
    thread->loop = home->loop;
    thread->engine = provider_engine_new(&instance, err);
    return thread->engine != NULL;
}

static void on_stopped(void *arg)
{
    loop_stop(((struct provider_thread *)arg)->loop);
}

static void stop(void *arg)
{
    struct provider_thread *thread = arg;

    provider_engine_stop(thread->engine, on_stopped, thread);
}

static void close_engine(void *arg)
{
    struct provider_thread *thread = arg;

    provider_engine_free(thread->engine);
    while (thread->running != NULL) {
        struct token_fetch *fetch = thread->running;

        leave_running(fetch);
        release(fetch);
    }
}

struct provider_thread *provider_thread_start(const struct provider_port_options *options,
                                              const char *config_text, struct error *err)
{
    struct provider_thread *thread = calloc(1, sizeof *thread);
    struct plugin_thread_options start = {.name = plugin_library_manifest(options->library)->id,
                                          .connect_timeout_ms = options->connect_timeout_ms,
                                          .open = open_engine,
                                          .stop = stop,
                                          .close = close_engine,
                                          .arg = thread};

    if (thread == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a plugin thread");
        return NULL;
    }
    thread->library = options->library;
    thread->watch = options->watch;
    thread->home = options->home.loop;
    thread->config_text = config_text;
    thread->thread = plugin_thread_start(&start, err);
    thread->config_text = NULL;
    if (thread->thread != NULL)
        return thread;
    free(thread);
    return NULL;
}

void provider_thread_stop(struct provider_thread *thread)
{
    if (thread == NULL)
        return;
    while (thread->fetches != NULL) {
        struct token_fetch *fetch = thread->fetches;

        end_here(fetch);
        atomic_store(&fetch->wants_cancel, true);
        release(fetch);
    }
    if (plugin_thread_stop(thread->thread))
        free(thread);
}
