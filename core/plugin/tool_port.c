/* One worker's port to a tool: its list of functions kept current, its calls. */
#include "plugin/tool_port.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "credential/subject.h"
#include "net/loop.h"
#include "plugin/engine_set.h"
#include "plugin/tool_engine.h"
#include "plugin/tool_functions.h"
#include "plugin/tool_host.h"
#include "plugin/tool_result.h"
#include "plugin/tool_thread.h"

#include <json-c/json.h>
#include <sesame/plugin.h>
#include <stdlib.h>
#include <string.h>

#define LIST_TIMEOUT_MS 30000
#define LIST_MAX_AGE_MS 300000
#define BACK_OFF_MIN_MS 1000
#define BACK_OFF_MAX_MS 60000

struct tool_wait {
    struct tool_wait *next;
    struct tool_port *port;
    struct loop_timer *timer;
    void (*on_ready)(void *arg);
    void *arg;
};

/* A call on our own thread or on the tool's; both NULL: none. */
struct port_call {
    struct engine_call *here;
    struct thread_call *there;
};

struct tool_port {
    struct tool_host *host;
    struct plugin_home home;
    struct engine_set *engines; /* NULL: the tool is on a thread or in a process */
    struct tool_functions *functions;
    bool is_outdated;
    bool changed_meanwhile; /* since the listing at hand began */
    struct port_call listing;
    unsigned epoch; /* of the host's list that ours is */
    struct error list_error;
    int64_t listed_at_ms;
    int64_t back_off_ms, retry_at_ms;
    struct tool_wait *waits;
    unsigned char lister[SUBJECT_DIGEST_BYTES]; /* the user who listed last */
};

struct tool_run {
    struct tool_port *port;
    struct port_call call;
    struct tool_run_events events;
    void *arg;
};

static bool start_call(struct tool_port *port, const struct tool_run_request *request,
                       struct subject *subject, int64_t deadline_ms,
                       const struct engine_events *events, void *arg, struct port_call *out,
                       struct error *err)
{
    struct tool_engine *engine;

    if (port->engines != NULL) {
        engine = engine_set_get(port->engines, subject, err);
        if (engine != NULL)
            out->here = tool_engine_start(engine, request, subject, deadline_ms, events, arg, err);
    } else {
        out->there = tool_thread_call(port->host->thread, port->home.loop, request, subject,
                                      deadline_ms, events, arg, err);
    }
    return out->here != NULL || out->there != NULL;
}

static void cancel_call(struct port_call *call)
{
    if (call->here != NULL)
        engine_call_cancel(call->here);
    if (call->there != NULL)
        thread_call_cancel(call->there);
    *call = (struct port_call){NULL, NULL};
}

static bool is_listing(const struct tool_port *port)
{
    return port->listing.here != NULL || port->listing.there != NULL;
}

/* ---- the list -------------------------------------------------------------------------------- */

static void end_wait(struct tool_wait *wait, bool tell)
{
    struct tool_wait **link = &wait->port->waits;
    void (*on_ready)(void *) = wait->on_ready;
    void *arg = wait->arg;

    while (*link != wait)
        link = &(*link)->next;
    *link = wait->next;
    loop_timer_free(wait->timer);
    free(wait);
    if (tell)
        on_ready(arg);
}

static void tell_waits(struct tool_port *port)
{
    while (port->waits != NULL)
        end_wait(port->waits, true);
}

/* What one user may or may not do says nothing of the tool. */
static void tell_watch(const struct tool_port *port, const struct error *err)
{
    const struct plugin_watch *watch = &port->host->options.watch;
    const char *name = port->host->options.config->name;

    if (watch->on_listed != NULL && !port->host->is_users)
        watch->on_listed(watch->arg, name, err);
    else if (err != NULL)
        log_warn("tool", "the tool did not list its functions", LOG_TEXT("tool", name),
                 LOG_TEXT("reason", err->message));
}

static void on_listed(void *arg, int32_t status, const char *data, size_t len)
{
    struct tool_port *port = arg;
    struct tool_functions *fresh = NULL;
    struct error err = {0};

    port->listing = (struct port_call){NULL, NULL};
    if (status == SESAME_OK)
        fresh = tool_functions_parse(data, len, port->host->options.json_depth,
                                     port->host->options.config, &err);
    else
        error_set(&err, error_of_status(status), "%.*s", (int)(len < 400 ? len : 400), data);
    port->list_error = err;
    if (fresh != NULL) {
        tool_functions_free(port->functions);
        port->functions = fresh;
        port->is_outdated = port->changed_meanwhile;
        port->listed_at_ms = clock_monotonic_ms();
        port->back_off_ms = 0;
    } else {
        port->back_off_ms = port->back_off_ms == 0                    ? BACK_OFF_MIN_MS
                            : port->back_off_ms * 2 > BACK_OFF_MAX_MS ? BACK_OFF_MAX_MS
                                                                      : port->back_off_ms * 2;
        port->retry_at_ms = clock_monotonic_ms() + port->back_off_ms;
    }
    tell_watch(port, fresh != NULL ? NULL : &err);
    tell_waits(port);
}

static void list(struct tool_port *port, struct subject *subject)
{
    static const struct engine_events events = {NULL, on_listed, NULL};
    struct error err = {0};

    port->changed_meanwhile = false;
    port->epoch = atomic_load(&port->host->list_epoch);
    if (subject != NULL)
        memcpy(port->lister, subject->digest, sizeof port->lister);
    if (!start_call(port, NULL, port->host->is_users ? subject : NULL,
                    clock_monotonic_ms() + LIST_TIMEOUT_MS, &events, port, &port->listing, &err)) {
        port->list_error = err;
        port->retry_at_ms = clock_monotonic_ms() + BACK_OFF_MIN_MS;
    }
}

static void on_changed(void *arg)
{
    struct tool_port *port = arg;

    port->is_outdated = port->changed_meanwhile = true;
    port->retry_at_ms = 0;
}

struct tool_functions *tool_port_functions(const struct tool_port *port, const char **out_error)
{
    if (out_error != NULL)
        *out_error = port->list_error.message;
    return port->functions;
}

static void on_wait_over(void *arg)
{
    end_wait(arg, true);
}

struct tool_wait *tool_port_prepare(struct tool_port *port, struct subject *subject,
                                    int64_t deadline_ms, void (*on_ready)(void *arg), void *arg)
{
    int64_t now_ms = clock_monotonic_ms();
    struct tool_wait *wait;
    struct error ignored = {0};

    if (port->epoch != atomic_load(&port->host->list_epoch))
        on_changed(port);
    if (port->host->is_users && subject == NULL)
        return NULL;
    /* What failed may be this user's right to list, not the tool. */
    if (port->host->is_users && memcmp(port->lister, subject->digest, sizeof port->lister) != 0)
        port->retry_at_ms = 0;
    if (port->functions != NULL && !port->is_outdated) {
        /* An old list serves; a fresh one is fetched meanwhile. */
        if (now_ms - port->listed_at_ms > LIST_MAX_AGE_MS && !is_listing(port) &&
            now_ms >= port->retry_at_ms)
            list(port, subject);
        return NULL;
    }
    if (!is_listing(port) && now_ms >= port->retry_at_ms)
        list(port, subject);
    if (!is_listing(port))
        return NULL;
    wait = calloc(1, sizeof *wait);
    if (wait == NULL)
        return NULL;
    *wait = (struct tool_wait){port->waits, port, NULL, on_ready, arg};
    port->waits = wait;
    wait->timer = loop_timer_new(port->home.loop, on_wait_over, wait, &ignored);
    if (wait->timer == NULL) {
        end_wait(wait, false);
        return NULL;
    }
    loop_timer_start(wait->timer, deadline_ms > now_ms ? deadline_ms - now_ms : 0);
    return wait;
}

void tool_wait_cancel(struct tool_wait *wait)
{
    if (wait != NULL)
        end_wait(wait, false);
}

/* ---- calls ----------------------------------------------------------------------------------- */

static void on_progress(void *arg, const char *text, size_t len)
{
    struct tool_run *run = arg;

    if (run->events.on_progress != NULL)
        run->events.on_progress(run->arg, text, len);
}

static void give_result(struct tool_run *run, const struct tool_run_result *result)
{
    struct tool_run copy = *run;

    free(run);
    copy.events.on_done(copy.arg, result);
}

static void on_called(void *arg, int32_t status, const char *data, size_t len)
{
    struct tool_run *run = arg;
    const struct tool_host_options *options = &run->port->host->options;
    struct tool_run_result result = {.status = status, .text = data, .len = len};
    CLEANUP(buffer_clear) struct buffer scratch;

    buffer_init(&scratch, (size_t)options->result_max_bytes);
    if (status == SESAME_OK) {
        if (!tool_result_read(data, len, &scratch, &result)) {
            log_warn("tool", "the tool completed a call with something that is no result",
                     LOG_TEXT("tool", options->config->name));
            if (options->watch.on_misbehaviour != NULL)
                options->watch.on_misbehaviour(options->watch.arg, options->config->plugin,
                                               "bad_result");
            result.status = SESAME_INTERNAL;
            result.text = "the tool gave no proper result";
            result.len = strlen(result.text);
        }
    }
    give_result(run, &result);
}

struct tool_run *tool_port_call(struct tool_port *port, const struct tool_run_request *request,
                                const struct tool_run_events *events, void *arg, struct error *err)
{
    static const struct engine_events engine_events = {on_progress, on_called, NULL};
    struct tool_run *run = calloc(1, sizeof *run);

    if (run == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a tool call");
        return NULL;
    }
    run->port = port;
    run->events = *events;
    run->arg = arg;
    if (start_call(port, request, request->subject, request->deadline_ms, &engine_events, run,
                   &run->call, err))
        return run;
    free(run);
    return NULL;
}

void tool_run_cancel(struct tool_run *run)
{
    cancel_call(&run->call);
    free(run);
}

/* ---- the port -------------------------------------------------------------------------------- */

struct tool_port *tool_port_new(struct tool_host *host, const struct plugin_home *home,
                                struct error *err)
{
    struct tool_port *port = calloc(1, sizeof *port);

    if (port == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a tool");
        return NULL;
    }
    port->host = host;
    port->home = *home;
    if (host->thread == NULL) {
        port->engines = engine_set_new(host, home, on_changed, port, err);
        if (port->engines == NULL) {
            free(port);
            return NULL;
        }
    }
    if (!host->is_users)
        list(port, NULL);
    return port;
}

const struct tool_config *tool_port_config(const struct tool_port *port)
{
    return port->host->options.config;
}

bool tool_port_is_apart(const struct tool_port *port)
{
    return port->host->options.placement == PLACEMENT_PROCESS;
}

void tool_port_stop(struct tool_port *port, void (*on_stopped)(void *arg), void *arg)
{
    cancel_call(&port->listing);
    tell_waits(port);
    if (port->engines != NULL)
        engine_set_stop(port->engines, on_stopped, arg);
    else if (!loop_post(port->home.loop, on_stopped, arg))
        on_stopped(arg);
}

void tool_port_free(struct tool_port *port)
{
    if (port == NULL)
        return;
    while (port->waits != NULL)
        end_wait(port->waits, false);
    if (port->engines == NULL)
        cancel_call(&port->listing);
    engine_set_free(port->engines);
    tool_functions_free(port->functions);
    free(port);
}
