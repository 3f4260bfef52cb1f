/* Reads the configuration again and makes what serves by it, beside what serves now. */
#include "cli/reload.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/generation.h"
#include "cli/host.h"
#include "cli/setup.h"
#include "config/host_config.h"
#include "config/problems.h"
#include "net/loop.h"
#include "server/ready.h"
#include "server/ready_cause.h"
#include "server/routes.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_MS 20
#define FAILED_MS 5000   /* what fails now may be there at the second or third try */
#define AWAITED_MS 30000 /* as long as a fetch may take */

struct reload {
    struct reload_options options;
    struct loop_timer *timer;
    struct generation *serving, *heir; /* `heir` NULL: refused, on_done is due */
    int64_t began_ms;
    bool is_running;
};

static void refuse(struct reload *reload)
{
    log_error("reload", "the old configuration goes on");
    if (reload->heir != NULL)
        generation_leave(TAKE(reload->heir), NULL, NULL, NULL);
    loop_timer_start(reload->timer, 0);
}

/* ---- reading --------------------------------------------------------------------------------- */

static void log_problems(const struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->items[i];
        CLEANUP(buffer_clear) struct buffer text;
        struct error ignored = {0};

        buffer_init(&text, 8192);
        if (!problem_format(problem, &text, &ignored))
            continue;
        if (problem->is_warning)
            log_warn("reload", text.data);
        else
            log_error("reload", text.data);
    }
}

/* What the process has taken at its start. */
static void note_fixed(const struct host_config *now, const struct host_config *next)
{
    const struct {
        const char *key;
        bool is_same;
    } fixed[] = {
        {"listen", strcmp(now->listen, next->listen) == 0},
        {"web.listen", strcmp(now->web.listen, next->web.listen) == 0},
        {"metrics.listen", strcmp(now->metrics_listen, next->metrics_listen) == 0},
        {"log.format", strcmp(now->log_format, next->log_format) == 0},
        {"log.level", strcmp(now->log_level, next->log_level) == 0},
        {"limits.secret_bytes", now->limits.secret_bytes == next->limits.secret_bytes},
    };

    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        if (!fixed[i].is_same)
            log_warn("reload", "this setting is taken at the start only; the old one stays",
                     LOG_TEXT("setting", fixed[i].key), LOG_TEXT("fix", "restart the host"));
}

static bool read_setup(struct reload *reload, struct setup *setup)
{
    struct problems problems;
    bool ok;

    problems_init(&problems);
    ok = setup_read(reload->options.line, &problems, setup);
    log_problems(&problems);
    problems_clear(&problems);
    return ok;
}

static bool make_heir(struct reload *reload)
{
    struct error err = {0};
    struct setup setup;

    if (!read_setup(reload, &setup))
        return false;
    note_fixed(host_configuration(generation_host(reload->serving)), setup.host);
    reload->heir = generation_new(&setup, reload->options.loop, reload->options.metrics, &err);
    if (reload->heir != NULL && generation_load(reload->heir, &err) &&
        generation_start(reload->heir, &err))
        return true;
    log_error("reload", "the new configuration cannot serve", LOG_TEXT("reason", err.message));
    return false;
}

/* ---- waiting --------------------------------------------------------------------------------- */

/* A mistake that only the services can tell shows here: what the old one has the new one must have
 * too. */
static void look(void *arg)
{
    struct reload *reload = arg;
    int64_t waited_ms = clock_monotonic_ms() - reload->began_ms;
    struct ready_cause cause;
    char name[64];

    if (reload->heir == NULL) {
        reload->is_running = false;
        reload->options.on_done(reload->options.arg, NULL);
        return;
    }
    switch (ready_board_compare(host_shared(generation_host(reload->heir))->ready,
                                host_shared(generation_host(reload->serving))->ready, name,
                                &cause)) {
    case READY_ALL:
        reload->is_running = false;
        reload->options.on_done(reload->options.arg, TAKE(reload->heir));
        return;
    case READY_AWAITED:
        if (waited_ms < AWAITED_MS)
            break;
        log_error("reload", "with the new configuration something does not come",
                  LOG_TEXT("dependency", name));
        refuse(reload);
        return;
    case READY_FAILED:
        if (waited_ms < FAILED_MS)
            break;
        log_error("reload", "with the new configuration something fails",
                  LOG_TEXT("dependency", name), LOG_TEXT("reason", cause.what),
                  LOG_TEXT("setting", cause.setting), LOG_TEXT("fix", cause.fix));
        refuse(reload);
        return;
    }
    loop_timer_start(reload->timer, LOOK_MS);
}

void reload_begin(struct reload *reload, struct generation *serving)
{
    if (reload->heir != NULL)
        generation_leave(TAKE(reload->heir), NULL, NULL, NULL);
    log_info("reload", "the configuration is read again");
    reload->serving = serving;
    reload->began_ms = clock_monotonic_ms();
    reload->is_running = true;
    if (make_heir(reload))
        loop_timer_start(reload->timer, LOOK_MS);
    else
        refuse(reload);
}

/* ---- life ------------------------------------------------------------------------------------ */

struct reload *reload_new(const struct reload_options *options, struct error *err)
{
    struct reload *reload = calloc(1, sizeof *reload);

    if (reload == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for reloading");
        return NULL;
    }
    reload->options = *options;
    reload->timer = loop_timer_new(options->loop, look, reload, err);
    if (reload->timer != NULL)
        return reload;
    free(reload);
    return NULL;
}

void reload_free(struct reload *reload)
{
    if (reload == NULL)
        return;
    loop_timer_free(reload->timer);
    generation_free(reload->heir);
    free(reload);
}
