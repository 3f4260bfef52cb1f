/* One plugin instance on its home thread, as the services see it, in whatever process it lives. */
#include "plugin/instance.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "net/loop.h"

#include <sesame/services.h>
#include <string.h>

#define STOP_GRACE_MS 2000

/* ---- small things ---------------------------------------------------------------------------- */

struct plugin_instance *instance_enter(const struct sesame_host *host)
{
    struct plugin_instance *instance;

    /* The host is the first member; plugins get it const only so that they leave it alone. */
    memcpy(&instance, &host, sizeof instance);
    if (pthread_equal(instance->thread, pthread_self()))
        return instance;
    instance_misbehaved(instance, "wrong_thread");
    return NULL;
}

void instance_misbehaved(struct plugin_instance *instance, const char *kind)
{
    log_warn("plugin", "a plugin broke a rule; no harm was done",
             LOG_TEXT("plugin", instance->library->manifest->id), LOG_TEXT("name", instance->name),
             LOG_TEXT("kind", kind));
    if (instance->watch.on_misbehaviour != NULL)
        instance->watch.on_misbehaviour(instance->watch.arg, instance->library->manifest->id, kind);
}

struct slice slice_from(struct sesame_text text)
{
    return (struct slice){text.data, text.data == NULL ? 0 : text.len};
}

struct sesame_text text_from(struct slice slice)
{
    return (struct sesame_text){slice.data, slice.len};
}

struct sesame_text text_of(const char *text)
{
    return (struct sesame_text){text, strlen(text)};
}

void instance_say(struct plugin_instance *instance, const char *text, struct sesame_text *out)
{
    struct error ignored = {0};

    if (out == NULL)
        return;
    buffer_truncate(&instance->scratch, 0);
    (void)buffer_add_text(&instance->scratch, text, &ignored);
    *out = (struct sesame_text){instance->scratch.data, instance->scratch.len};
}

void instance_explain(struct plugin_instance *instance, const struct error *err)
{
    instance->explained = *err;
    if (instance->plugin != NULL)
        log_info("plugin", err->message, LOG_TEXT("plugin", instance->library->manifest->id),
                 LOG_TEXT("name", instance->name));
}

int32_t status_of_error(const struct error *err)
{
    switch (err->code) {
    case ERROR_NONE:
        return SESAME_OK;
    case ERROR_BAD_INPUT:
        return SESAME_BAD_INPUT;
    case ERROR_NOT_FOUND:
        return SESAME_NOT_FOUND;
    case ERROR_DENIED:
        return SESAME_DENIED;
    case ERROR_UPSTREAM:
        return SESAME_UNAVAILABLE;
    case ERROR_RATE_LIMIT:
        return SESAME_RATE_LIMITED;
    case ERROR_TIMED_OUT:
        return SESAME_TIMED_OUT;
    case ERROR_CANCELLED:
        return SESAME_CANCELLED;
    case ERROR_LIMIT:
        return SESAME_LIMIT;
    case ERROR_NO_MEMORY:
    case ERROR_INTERNAL:
        break;
    }
    return SESAME_INTERNAL;
}

enum error_code error_of_status(int32_t status)
{
    static const enum error_code codes[] = {
        [SESAME_OK] = ERROR_NONE,
        [SESAME_BAD_INPUT] = ERROR_BAD_INPUT,
        [SESAME_DENIED] = ERROR_DENIED,
        [SESAME_NOT_FOUND] = ERROR_NOT_FOUND,
        [SESAME_UNAVAILABLE] = ERROR_UPSTREAM,
        [SESAME_RATE_LIMITED] = ERROR_RATE_LIMIT,
        [SESAME_TIMED_OUT] = ERROR_TIMED_OUT,
        [SESAME_CANCELLED] = ERROR_CANCELLED,
        [SESAME_INTERNAL] = ERROR_INTERNAL,
        [SESAME_LIMIT] = ERROR_LIMIT,
    };

    return status >= 0 && (size_t)status < sizeof codes / sizeof codes[0] ? codes[status]
                                                                          : ERROR_INTERNAL;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void say_stopped(void *arg)
{
    struct plugin_instance *instance = arg;

    loop_timer_free(TAKE(instance->stop_timer));
    instance->has_stopped = true;
    instance->on_stopped(instance->stopped_arg);
}

void instance_stop(struct plugin_instance *instance, void (*on_stopped)(void *arg), void *arg)
{
    struct error ignored = {0};
    int32_t status = SESAME_OK;

    instance->is_stopping = true;
    instance->on_stopped = on_stopped;
    instance->stopped_arg = arg;
    instance->stop_timer = loop_timer_new(instance->home.loop, say_stopped, instance, &ignored);
    if (instance->library->descriptor->stop != NULL)
        status = instance->library->descriptor->stop(instance->plugin);
    if (instance->stop_timer == NULL)
        say_stopped(instance);
    else if (!loop_timer_is_running(instance->stop_timer))
        loop_timer_start(instance->stop_timer, status == SESAME_PENDING ? STOP_GRACE_MS : 0);
}
