/* One thing the broker fetches and keeps, for the agent itself or for one user. */
#include "credential/broker_item.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "credential/keep.h"
#include "credential/subject.h"
#include "credential/token_binding.h"
#include "credential/vault.h"

#include <stdlib.h>
#include <string.h>

#define MARGIN_MAX_MS 10000
#define BACK_OFF_MIN_MS 1000
#define BACK_OFF_MAX_MS 60000
#define RETRY_AFTER_MAX_MS 300000
#define FETCH_TIMEOUT_MS 20000
#define CLOCK_SKEW_MAX_S 300
#define LIFETIME_MAX_S (10 * 365 * 86400LL)
#define VAULT_GRACE_MS 5000
#define SLOT_COUNT 64

int64_t broker_now_ms(const struct broker *broker)
{
    return broker->options.now_ms == NULL ? clock_monotonic_ms()
                                          : broker->options.now_ms(broker->options.clock_arg);
}

int64_t broker_wall_s(const struct broker *broker)
{
    return broker->options.wall_s == NULL ? clock_wall_s()
                                          : broker->options.wall_s(broker->options.clock_arg);
}

/* ---- AT_p ------------------------------------------------------------------------------------ */

static const struct item_spec *vault_spec_of(const struct broker_item *item)
{
    return item->user == NULL ? item->broker->vault_spec : item->broker->user_vault_spec;
}

/* The agent's, or the user's; NULL without memory for his. */
static struct broker_item *vault_of(const struct broker_item *item)
{
    struct error ignored = {0};

    return item->user == NULL ? item->broker->vault
                              : user_item(item->user, item->broker->user_vault_spec, 0, &ignored);
}

/* ---- slots: requests for users --------------------------------------------------------------- */

/* False: it waits, and goes on from the queue. */
static bool take_slot(struct broker_item *item)
{
    struct broker *broker = item->broker;

    if (item->user == NULL || item->has_slot)
        return true;
    if (broker->slots_used < SLOT_COUNT) {
        broker->slots_used++;
        item->has_slot = true;
        return true;
    }
    item->waits_for_slot = true;
    item->next_waiting = NULL;
    *broker->waiting_end = item;
    broker->waiting_end = &item->next_waiting;
    return false;
}

static void leave_queue(struct broker_item *item)
{
    struct broker *broker = item->broker;
    struct broker_item **link = &broker->waiting;

    while (*link != item)
        link = &(*link)->next_waiting;
    *link = item->next_waiting;
    if (*link == NULL)
        broker->waiting_end = link;
    item->waits_for_slot = false;
}

/* The one that waits longest gets it, from the loop. */
static void give_slot_back(struct broker_item *item)
{
    struct broker *broker = item->broker;
    struct broker_item *next = broker->waiting;

    if (item->waits_for_slot)
        leave_queue(item);
    if (!item->has_slot)
        return;
    item->has_slot = false;
    if (next == NULL) {
        broker->slots_used--;
        return;
    }
    leave_queue(next);
    next->has_slot = true;
    item_reschedule(next);
}

/* ---- making ---------------------------------------------------------------------------------- */

static void run_due(struct due *due);

struct broker_item *item_new(struct broker *broker, const struct item_spec *spec,
                             struct broker_user *user, struct error *err)
{
    struct broker_item *item = calloc(1, sizeof *item);

    if (item == NULL || !due_queue_join(&broker->due, err)) {
        free(item);
        if (err->code == ERROR_NONE)
            error_set(err, ERROR_NO_MEMORY, "no memory for the credential %s", spec->name);
        return NULL;
    }
    item->due.run = run_due;
    item->broker = broker;
    item->spec = spec;
    item->user = user;
    item->refresh_at_ms = INT64_MAX;
    item->retry_at_ms = INT64_MIN;
    item->invalidated_at_ms = INT64_MIN;
    return item;
}

static const struct credential_provider *provider_of(const struct broker_item *item)
{
    const struct broker_options *options = &item->broker->options;

    return item->spec->provider == 0 ? &options->provider
                                     : &options->more_providers[item->spec->provider - 1];
}

/* Nothing is under way any more. */
static void end_fetch(struct broker_item *item)
{
    item->is_fetching = item->waits_for_vault = false;
    give_slot_back(item);
}

static void stop_fetch(struct broker_item *item)
{
    if (item->token_fetch != NULL)
        provider_of(item)->cancel(provider_of(item)->arg, TAKE(item->token_fetch));
    if (item->vault_call != NULL)
        vault_call_cancel(TAKE(item->vault_call));
    end_fetch(item);
}

void item_free(struct broker_item *item)
{
    if (item == NULL)
        return;
    stop_fetch(item);
    while (item->wants != NULL) {
        struct broker_want *want = item->wants;

        item->wants = want->next;
        want->client->release(want->client);
        free(want);
    }
    item_drop(item);
    due_queue_leave(&item->broker->due, &item->due);
    free(item);
}

/* ---- a fetch ends ---------------------------------------------------------------------------- */

static const char *kind_text(enum item_kind kind)
{
    static const char *const texts[] = {"access-token", "api-key", "oauth-token", "jwt"};

    return texts[kind];
}

/* `secret` with success, else `err`. */
static void report(struct broker_item *item, const struct secret *secret, const struct error *err)
{
    struct broker *broker = item->broker;
    const struct item_spec *spec = item->spec;
    const struct subject *subject = item->user == NULL ? NULL : item->user->subject;
    int64_t now_ms = broker_now_ms(broker);
    char fingerprint[13] = "";
    struct credential_event event = {
        .credential = spec->name,
        .kind = kind_text(spec->kind),
        .audience = spec->kind == ITEM_TOKEN ? spec->audience : spec->identifier,
        .scope = spec->scope,
        .subject = subject,
        .outcome = err == NULL ? "ok"
                   : err->code == ERROR_DENIED || err->code == ERROR_BAD_INPUT ||
                           err->code == ERROR_NOT_FOUND
                       ? "refused"
                       : "failed",
        .reason = err == NULL            ? ""
                  : err->name[0] != '\0' ? err->name
                                         : error_code_text(err->code),
        .fingerprint = fingerprint,
        .duration_ms = now_ms - item->started_at_ms,
        .expires_in_s = err == NULL && item->value.usable_until_ms > now_ms
                            ? (item->value.usable_until_ms - now_ms) / 1000
                            : -1,
    };

    if (secret != NULL)
        secret_fingerprint(secret, fingerprint);
    if (broker->options.on_event != NULL)
        broker->options.on_event(broker->options.arg, &event);
}

static void fail(struct broker_item *item, const struct error *err, int64_t retry_after_ms)
{
    end_fetch(item);
    item->failure = *err;
    item->back_off_ms = item->back_off_ms == 0                    ? BACK_OFF_MIN_MS
                        : item->back_off_ms * 2 > BACK_OFF_MAX_MS ? BACK_OFF_MAX_MS
                                                                  : item->back_off_ms * 2;
    /* Consent may be given at any moment, and somebody waits for it. */
    if (vault_consent_link(err, (char[VAULT_LINK_SIZE]){""}))
        item->back_off_ms = BACK_OFF_MIN_MS;
    if (retry_after_ms > RETRY_AFTER_MAX_MS)
        retry_after_ms = RETRY_AFTER_MAX_MS;
    item->retry_at_ms = broker_now_ms(item->broker) +
                        (retry_after_ms > item->back_off_ms ? retry_after_ms : item->back_off_ms);
    /* For a user nothing is fetched that nobody asks for: his token is gone with his turn. What
     * nobody waits for comes a little later, so that many hosts do not ask in step. */
    if (item->user == NULL)
        item->refresh_at_ms =
            item->retry_at_ms + (int64_t)random_below((uint64_t)(item->back_off_ms / 4) + 1);
    report(item, NULL, err);
    broker_settled(item->broker, item);
}

/* Ours no more; those who got it use it up. */
static void let_go(struct broker_item *item)
{
    credential_snapshot_clear(&item->value);
    item->value.usable_until_ms = INT64_MIN;
}

/* A user's value never outlives his token. */
static int64_t limit_lifetime(const struct broker_item *item, int64_t lifetime_ms)
{
    int64_t left_ms;

    if (item->user == NULL)
        return lifetime_ms;
    left_ms = item->user->expires_at_ms - broker_now_ms(item->broker);
    if (lifetime_ms > left_ms)
        lifetime_ms = left_ms;
    return lifetime_ms > 0 ? lifetime_ms : 0;
}

/* Half of the lifetime and up to a tenth more, so that many hosts do not ask in step. */
static int64_t refresh_pause_ms(const struct broker_item *item, int64_t lifetime_ms)
{
    if (lifetime_ms == 0 || item->user != NULL)
        return INT64_MAX;
    return lifetime_ms / 2 + (int64_t)random_below((uint64_t)(lifetime_ms / 10) + 1);
}

/* `lifetime_ms` 0: the value may be used now and not be kept. */
static void succeed(struct broker_item *item, struct secret *secret, struct token_binding *binding,
                    int64_t given_lifetime_ms)
{
    int64_t now_ms = broker_now_ms(item->broker);
    int64_t lifetime_ms = limit_lifetime(item, given_lifetime_ms);
    int64_t margin_ms = lifetime_ms / 2 < MARGIN_MAX_MS ? lifetime_ms / 2 : MARGIN_MAX_MS;
    int64_t pause_ms = refresh_pause_ms(item, lifetime_ms);
    bool is_vault = item->spec->kind == ITEM_TOKEN && item->spec == vault_spec_of(item);
    struct error err = {0};
    struct kept *kept = keep_add(item->broker->keep, secret, &err);

    if (kept == NULL) {
        fail(item, &err, -1);
        return;
    }
    end_fetch(item);
    credential_snapshot_clear(&item->value);
    item->value.kept = kept;
    item->value.binding = token_binding_ref(binding);
    item->value.generation = ++item->broker->last_generation;
    item->value.usable_until_ms =
        now_ms + (item->spec->kind == ITEM_API_KEY ? lifetime_ms : lifetime_ms - margin_ms);
    /* The keys that wait for AT_p use it in a moment, even when it cannot be kept. */
    if (lifetime_ms == 0 && is_vault)
        item->value.usable_until_ms = now_ms + VAULT_GRACE_MS;
    item->refresh_at_ms = pause_ms == INT64_MAX ? INT64_MAX : now_ms + pause_ms;
    error_clear(&item->failure);
    item->back_off_ms = 0;
    item->retry_at_ms = INT64_MIN;
    report(item, secret, NULL);
    broker_settled(item->broker, item);
    if (lifetime_ms == 0 && !is_vault)
        let_go(item);
}

/* ---- tokens ---------------------------------------------------------------------------------- */

/* idaas.md 2.7: `expires_at` when it makes sense, unless it disagrees with `expires_in`, which does
 * not depend on our clock. -1 for an answer that is over already. */
static int64_t token_lifetime_s(const struct broker_item *item, const struct token_answer *answer,
                                int64_t wall_s)
{
    bool has_at = answer->expires_at_s >= 0 && answer->expires_at_s <= wall_s + LIFETIME_MAX_S;
    bool has_in = answer->expires_in_s >= 0 && answer->expires_in_s <= LIFETIME_MAX_S;
    int64_t by_clock = answer->expires_at_s - wall_s;

    if (has_at && has_in) {
        int64_t difference = by_clock - answer->expires_in_s;

        if (difference > CLOCK_SKEW_MAX_S || difference < -CLOCK_SKEW_MAX_S) {
            log_warn("credential", "the issuer's clock and this machine's differ: set this one",
                     LOG_TEXT("credential", item->spec->name), LOG_INT("ahead_s", -difference));
            return answer->expires_in_s;
        }
    }
    if (has_at && by_clock > 0)
        return by_clock;
    return has_in ? answer->expires_in_s : 0;
}

static void on_token(void *arg, const struct token_answer *answer, const struct error *err,
                     int64_t retry_after_ms)
{
    struct broker_item *item = arg;

    item->token_fetch = NULL;
    if (answer == NULL)
        fail(item, err, retry_after_ms);
    else
        succeed(item, answer->token, answer->binding,
                token_lifetime_s(item, answer, broker_wall_s(item->broker)) * 1000);
}

static void start_token(struct broker_item *item)
{
    const struct credential_provider *provider = provider_of(item);
    struct token_request request = {.scope = slice_of(item->spec->scope),
                                    .audience = slice_of(item->spec->audience),
                                    .values = slice_of(item->spec->values),
                                    .subject =
                                        item->user == NULL ? NULL : item->user->subject->token,
                                    .deadline_ms = item->give_up_at_ms};
    struct error err = {0};

    if (!take_slot(item))
        return;
    item->token_fetch = provider->fetch(provider->arg, &request, on_token, item, &err);
    if (item->token_fetch == NULL)
        fail(item, &err, -1);
}

/* ---- what the vault gives ----------------------------------------------------------------------
 */

static void start_vault_call(struct broker_item *item);

/* As long as it may be kept here, and no longer than it lives. */
static int64_t vault_lifetime_ms(const struct broker_item *item, int64_t expires_at_s)
{
    int64_t left_ms = (expires_at_s - broker_wall_s(item->broker)) * 1000;

    if (expires_at_s < 0 || left_ms > item->spec->cache_ms)
        return item->spec->cache_ms;
    return left_ms > 0 ? left_ms : 0;
}

static void on_key(void *arg, const struct vault_answer *answer, int http_status,
                   const struct error *err, int64_t retry_after_ms)
{
    struct broker_item *item = arg;
    struct broker_item *vault = vault_of(item);

    item->vault_call = NULL;
    if (answer != NULL) {
        succeed(item, answer->value, NULL, vault_lifetime_ms(item, answer->expires_at_s));
    } else if (http_status == 401 && !item->has_renewed_vault) {
        item->has_renewed_vault = true;
        if (vault->value.generation == item->vault_generation)
            item_drop(vault);
        start_vault_call(item);
    } else {
        fail(item, err, retry_after_ms);
    }
}

static struct secret *item_take(const struct broker_item *item)
{
    return item_is_usable(item) ? kept_take(item->value.kept) : NULL;
}

/* AT_p comes first; unless it was refused moments ago. */
static void wait_for_vault(struct broker_item *item, struct broker_item *vault)
{
    int64_t now_ms = broker_now_ms(item->broker);

    if (!vault->is_fetching && vault->failure.code != ERROR_NONE && now_ms < vault->retry_at_ms) {
        fail(item, &vault->failure, vault->retry_at_ms - now_ms);
        return;
    }
    item->waits_for_vault = true;
    give_slot_back(item); /* or those who wait could keep AT_p itself from being fetched */
    item_fetch(vault);
}

static enum vault_question question_of(enum item_kind kind)
{
    return kind == ITEM_OAUTH_TOKEN ? VAULT_OAUTH_TOKEN
           : kind == ITEM_JWT       ? VAULT_JWT
                                    : VAULT_API_KEY;
}

static void start_vault_call(struct broker_item *item)
{
    struct broker *broker = item->broker;
    struct broker_item *vault = vault_of(item);
    struct vault_request request = {.endpoint = broker->endpoint,
                                    .instance_id = broker->instance_id,
                                    .question = question_of(item->spec->kind),
                                    .identifier = item->spec->identifier,
                                    .scope = item->spec->scope,
                                    .request_json = item->spec->request_json,
                                    .user = item->user == NULL ? "" : item->user->subject->sub,
                                    .wall_s = broker_wall_s(broker)};
    CLEANUP(secret_cleanup) struct secret *access_token = vault == NULL ? NULL : item_take(vault);
    struct error err = {0};

    if (vault == NULL) {
        error_set(&err, ERROR_NO_MEMORY, "no memory for the vault's token");
        fail(item, &err, -1);
        return;
    }
    if (access_token == NULL) {
        wait_for_vault(item, vault);
        return;
    }
    item->waits_for_vault = false;
    if (!take_slot(item))
        return;
    item->vault_generation = vault->value.generation;
    request.access_token = access_token;
    request.timeout_ms = item->give_up_at_ms - broker_now_ms(broker);
    if (broker->options.vault_timeout_ms > 0 &&
        broker->options.vault_timeout_ms < request.timeout_ms)
        request.timeout_ms = broker->options.vault_timeout_ms;
    if (request.timeout_ms < 1)
        request.timeout_ms = 1;
    item->vault_call = vault_ask(broker->http, &request, on_key, item, &err);
    if (item->vault_call == NULL)
        fail(item, &err, -1);
}

/* ---- the item -------------------------------------------------------------------------------- */

bool item_is_usable(const struct broker_item *item)
{
    return broker_now_ms(item->broker) <= item->value.usable_until_ms &&
           kept_is_there(item->value.kept);
}

static void go_on(struct broker_item *item)
{
    if (item->spec->kind == ITEM_TOKEN)
        start_token(item);
    else
        start_vault_call(item);
}

void item_fetch(struct broker_item *item)
{
    int64_t timeout_ms = item->broker->options.fetch_timeout_ms;

    if (item->is_fetching)
        return;
    item->is_fetching = true;
    item->has_renewed_vault = false;
    item->started_at_ms = broker_now_ms(item->broker);
    item->give_up_at_ms = item->started_at_ms + (timeout_ms > 0 ? timeout_ms : FETCH_TIMEOUT_MS);
    item->refresh_at_ms = INT64_MAX;
    go_on(item);
    item_reschedule(item);
}

void item_drop(struct broker_item *item)
{
    kept_drop(item->value.kept);
    let_go(item);
}

/* A fetch with nothing under way and nothing to wait for goes on at once: it has a slot now, or
 * AT_p came or did not. */
static bool can_go_on(const struct broker_item *item)
{
    if (!item->is_fetching || item->token_fetch != NULL || item->vault_call != NULL ||
        item->waits_for_slot)
        return false;
    return !item->waits_for_vault || !vault_of(item)->is_fetching;
}

static int64_t due_at_ms(const struct broker_item *item)
{
    int64_t due_ms = item->is_fetching ? item->give_up_at_ms : item->refresh_at_ms;

    if (can_go_on(item))
        return INT64_MIN;
    if (item->value.kept != NULL && item->value.usable_until_ms + 1 < due_ms)
        due_ms = item->value.usable_until_ms + 1;
    return due_ms;
}

void item_reschedule(struct broker_item *item)
{
    due_queue_set(&item->broker->due, &item->due, due_at_ms(item));
}

static void give_up(struct broker_item *item)
{
    struct error err = {0};

    stop_fetch(item);
    error_set_named(&err, ERROR_TIMED_OUT, "ReadTimeOut", "the credential %s was not there in time",
                    item->spec->name);
    fail(item, &err, -1);
}

static void proceed(struct broker_item *item)
{
    const struct broker_item *vault = item->waits_for_vault ? vault_of(item) : NULL;

    if (vault == NULL || vault->failure.code == ERROR_NONE || item_is_usable(vault))
        go_on(item);
    else
        fail(item, &vault->failure, -1);
}

static void run_due(struct due *due)
{
    struct broker_item *item = (struct broker_item *)due;
    int64_t now_ms = broker_now_ms(item->broker);

    if (item->is_fetching && now_ms >= item->give_up_at_ms)
        give_up(item);
    else if (can_go_on(item))
        proceed(item);
    if (item->value.kept != NULL && now_ms > item->value.usable_until_ms) {
        item_drop(item);
        broker_settled(item->broker, item);
    }
    if (!item->is_fetching && now_ms >= item->refresh_at_ms) {
        /* What was evicted waits until somebody wants it, or it would evict another at once. */
        if (item->value.kept != NULL && !kept_is_there(item->value.kept))
            item->refresh_at_ms = INT64_MAX;
        else
            item_fetch(item);
    }
    item_reschedule(item);
}
