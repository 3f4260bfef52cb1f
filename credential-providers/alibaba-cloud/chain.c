/* Alibaba Cloud's default credential chain: where an access key comes from, kept and renewed. */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN_TIMEOUT_MS 30000
#define RENEW_BEFORE_S 900          /* as Java, Python and JavaScript do ... */
#define RENEW_MACHINE_BEFORE_S 3600 /* ... and for the machine's key */
#define RENEW_BEFORE_MIN_S 60
#define LAST_USE_BEFORE_S 10

/* In order. The platform's key is fresher than the environment's copy of it and is not remembered
 * as the winner: where there is one it is always first. */
static const struct {
    const char *name;
    bool (*read)(struct sesame_instance *instance, struct plan *plan, struct reason *reason);
} sources[] = {
    {"platform", source_platform},   {"env", source_environment},
    {"oidc_role_arn", source_oidc},  {"cli_profile", source_cli_profile},
    {"profile", source_ini_profile}, {"ecs_ram_role", source_metadata},
    {"credential_uri", source_uri},
};
#define SOURCE_COUNT (sizeof sources / sizeof sources[0])
#define PLATFORM 0

/* ---- whether the present key will do --------------------------------------------------------- */

static bool is_usable(const struct sesame_instance *instance)
{
    const struct credentials *current = &instance->chain.current;

    return current->access_key_id != NULL &&
           (current->expires_at_s == 0 ||
            time_now_s(instance) + LAST_USE_BEFORE_S < current->expires_at_s);
}

/* A quarter of the lifetime at most, so that short-lived keys are not fetched at every call. */
static int64_t renew_before_s(const struct chain *chain)
{
    int64_t quarter_s = (chain->current.expires_at_s - chain->fetched_at_s) / 4;
    int64_t usual_s = chain->is_machine_key ? RENEW_MACHINE_BEFORE_S : RENEW_BEFORE_S;
    int64_t before_s = quarter_s < usual_s ? quarter_s : usual_s;

    return before_s > RENEW_BEFORE_MIN_S ? before_s : RENEW_BEFORE_MIN_S;
}

/* A key without an expiry is read anew each time: that costs no request, and a file may have been
 * rotated. */
static bool is_due(const struct sesame_instance *instance)
{
    const struct chain *chain = &instance->chain;

    return !is_usable(instance) || chain->must_renew || chain->current.expires_at_s == 0 ||
           time_now_s(instance) + renew_before_s(chain) >= chain->current.expires_at_s;
}

/* ---- those who wait -------------------------------------------------------------------------- */

static void answer_waits(struct sesame_instance *instance, const struct credentials *credentials)
{
    struct chain *chain = &instance->chain;
    struct chain_wait *waits = chain->waits;

    chain->waits = NULL;
    while (waits != NULL) {
        struct chain_wait *wait = waits;

        waits = wait->next;
        wait->is_waiting = false;
        wait->on_ready(wait, credentials, chain->failure);
    }
}

void chain_forget(struct sesame_instance *instance, struct chain_wait *wait)
{
    struct chain_wait **link = &instance->chain.waits;

    if (!wait->is_waiting)
        return;
    while (*link != NULL && *link != wait)
        link = &(*link)->next;
    if (*link == wait)
        *link = wait->next;
    wait->is_waiting = false;
}

/* ---- how an attempt ends --------------------------------------------------------------------- */

static void note_failure(struct chain *chain, const char *source, const char *reason)
{
    size_t len = strlen(chain->failure);

    /* Cut when there is much to say. */
    (void)snprintf(chain->failure + len, sizeof chain->failure - len, "%s%s: %s",
                   len == 0 ? "" : "; ", source, reason);
}

static void log_source(const struct sesame_instance *instance)
{
    const struct chain *chain = &instance->chain;
    const struct kit *kit = &instance->kit;
    struct kit_buffer fields = {0};
    char id[16], message[160];

    key_id_mask(chain->current.access_key_id, id);
    kit_add(&fields, "{\"source\":");
    kit_add_quoted(kit, &fields, kit_text(chain->source));
    kit_add(&fields, ",\"access_key_id\":");
    kit_add_quoted(kit, &fields, kit_text(id));
    if (chain->current.expires_at_s != 0) {
        kit_add(&fields, ",\"expires_in_s\":");
        kit_add_number(&fields, chain->current.expires_at_s - time_now_s(instance));
    }
    kit_add(&fields, "}");
    /* Fits: a source's name is short. */
    (void)snprintf(message, sizeof message, "Alibaba Cloud access key from %s", chain->source);
    kit->log->write(kit->host, SESAME_LOG_INFO, kit_text(message),
                    fields.has_failed ? (struct sesame_text){NULL, 0} : kit_buffer_text(&fields));
    kit_clear(&fields);
}

static void keep(struct sesame_instance *instance, struct run *run)
{
    struct chain *chain = &instance->chain;
    bool is_new = chain->current.access_key_id == NULL ||
                  strcmp(chain->current.access_key_id, run->got.access_key_id) != 0 ||
                  strcmp(chain->source, run->plan.source) != 0;

    credentials_clear(instance, &chain->current);
    chain->current = run->got;
    memset(&run->got, 0, sizeof run->got);
    chain->fetched_at_s = time_now_s(instance);
    chain->is_machine_key = run->plan.base == PLAN_METADATA && run->next_role == 0;
    chain->must_renew = false;
    chain->failed_at_s = 0;
    chain->failure[0] = '\0';
    if (chain->asking != PLATFORM)
        chain->winner = chain->asking;
    memcpy(chain->source, run->plan.source, sizeof chain->source);
    if (is_new)
        log_source(instance);
}

static void give_up(struct sesame_instance *instance)
{
    struct chain *chain = &instance->chain;
    char message[600];
    bool serves_old = is_usable(instance) && !chain->must_renew;

    chain->failed_at_s = time_now_s(instance);
    (void)snprintf(message, sizeof message, "%s: %s",
                   serves_old ? "the access key could not be renewed and is used until it expires"
                              : "there is no access key",
                   chain->failure);
    text_log(instance, SESAME_LOG_WARN, message);
    answer_waits(instance, serves_old ? &chain->current : NULL);
}

/* ---- an attempt ------------------------------------------------------------------------------ */

static void ask_from(struct sesame_instance *instance, size_t source);

/* Which source comes after `source`; SOURCE_COUNT: none. */
static size_t source_after(const struct chain *chain, size_t source)
{
    if (chain->winner == 0)
        return source + 1;
    return source == PLATFORM ? chain->winner : SOURCE_COUNT;
}

static void on_run_end(struct run *run, bool has_key)
{
    struct sesame_instance *instance = run->instance;
    struct chain *chain = &instance->chain;

    chain->run = NULL;
    if (has_key) {
        keep(instance, run);
        run_free(run);
        answer_waits(instance, &chain->current);
        return;
    }
    note_failure(chain, sources[chain->asking].name, run->reason.text);
    run_free(run);
    ask_from(instance, source_after(chain, chain->asking));
}

/* Asks `source` and, while none has a key, those after it. */
static void ask_from(struct sesame_instance *instance, size_t source)
{
    struct chain *chain = &instance->chain;
    struct run *run = NULL;

    for (; source < SOURCE_COUNT; source = source_after(chain, source)) {
        run = calloc(1, sizeof *run);
        if (run == NULL)
            break;
        run->instance = instance;
        run->deadline_ms = chain->deadline_ms;
        run->on_end = on_run_end;
        chain->asking = source;
        if (sources[source].read(instance, &run->plan, &run->reason)) {
            chain->run = run;
            run_start(run);
            return;
        }
        if (run->reason.text[0] != '\0')
            note_failure(chain, sources[source].name, run->reason.text);
        run_free(run);
        run = NULL;
    }
    give_up(instance);
}

void chain_get(struct sesame_instance *instance, struct chain_wait *wait)
{
    struct chain *chain = &instance->chain;
    const struct kit *kit = &instance->kit;

    wait->next = chain->waits;
    wait->is_waiting = true;
    chain->waits = wait;
    if (chain->run != NULL)
        return;
    if (!is_due(instance)) {
        answer_waits(instance, &chain->current);
    } else if (chain->failed_at_s != 0 && chain->failed_at_s == time_now_s(instance)) {
        /* At most one try a second. */
        answer_waits(instance, is_usable(instance) && !chain->must_renew ? &chain->current : NULL);
    } else {
        chain->failure[0] = '\0';
        chain->deadline_ms = kit->clock->monotonic_ms(kit->host) + CHAIN_TIMEOUT_MS;
        ask_from(instance, PLATFORM);
    }
}

void chain_expired(struct sesame_instance *instance)
{
    instance->chain.must_renew = true;
}

void chain_clear(struct sesame_instance *instance)
{
    credentials_clear(instance, &instance->chain.current);
    run_free(instance->chain.run);
    memset(&instance->chain, 0, sizeof instance->chain);
}
