/* One thing the broker fetches and keeps: a token of one scope, or one API key. */
#include "credential/broker_item.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/secret.h"
#include "config/endpoint.h"
#include "config/host_config.h"
#include "credential/keep.h"
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
#define SCOPE_MAX_COUNT 64
#define VAULT_GRACE_MS 5000

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

/* ---- making ---------------------------------------------------------------------------------- */

static int compare_slices(const void *a, const void *b)
{
    const struct slice *left = a, *right = b;
    size_t shorter = left->len < right->len ? left->len : right->len;
    int order = memcmp(left->data, right->data, shorter);

    return order != 0 ? order : (left->len > right->len) - (left->len < right->len);
}

/* Sorted and without repeats, so that two spellings of one scope are one token. */
static bool normalise_scope(struct broker_item *item, const char *scope,
                            bool (*check)(const char *scope, struct slice *out_audience,
                                          struct error *err),
                            struct error *err)
{
    struct slice items[SCOPE_MAX_COUNT], rest = slice_of(scope), audience, one;
    struct buffer text, values;
    size_t count = 0, before_value;
    bool ok = check(scope, &audience, err);

    if (!ok)
        return false;
    before_value = audience.len == 0 ? 0 : audience.len + 1; /* with the bar */
    while (count < SCOPE_MAX_COUNT && scope_next(&rest, &one))
        items[count++] = one;
    qsort(items, count, sizeof items[0], compare_slices);
    buffer_init(&text, 8192);
    buffer_init(&values, 8192);
    for (size_t i = 0; ok && i < count; i++) {
        if (i > 0 && compare_slices(&items[i], &items[i - 1]) == 0)
            continue;
        ok = (text.len == 0 || buffer_add_char(&text, ' ', err)) &&
             (values.len == 0 || buffer_add_char(&values, ' ', err)) &&
             buffer_add(&text, items[i].data, items[i].len, err) &&
             buffer_add(&values, items[i].data + before_value, items[i].len - before_value, err);
    }
    if (ok) {
        item->audience = slice_dup(audience);
        item->scope = buffer_take(&text, NULL);
        item->values = buffer_take(&values, NULL);
        if (item->audience == NULL || item->scope == NULL || item->values == NULL)
            ok = error_set(err, ERROR_NO_MEMORY, "no memory for a scope");
    }
    buffer_clear(&text);
    buffer_clear(&values);
    return ok;
}

static struct broker_item *new_item(struct broker *broker, enum item_kind kind, const char *name,
                                    struct error *err)
{
    struct broker_item *item = calloc(1, sizeof *item);

    if (item == NULL || (item->name = strdup(name)) == NULL) {
        free(item);
        error_set(err, ERROR_NO_MEMORY, "no memory for the credential %s", name);
        return NULL;
    }
    item->broker = broker;
    item->kind = kind;
    item->refresh_at_ms = INT64_MAX;
    item->retry_at_ms = INT64_MIN;
    item->invalidated_at_ms = INT64_MIN;
    return item;
}

struct broker_item *item_new_token(struct broker *broker, const char *name, size_t provider,
                                   const char *scope, struct error *err)
{
    struct broker_item *item = new_item(broker, ITEM_TOKEN, name, err);

    if (item == NULL)
        return NULL;
    item->provider =
        provider == 0 ? &broker->options.provider : &broker->options.more_providers[provider - 1];
    if (provider == 0 ? normalise_scope(item, scope, scope_check, err)
                      : normalise_scope(item, scope, scope_check_oauth, err))
        return item;
    item_free(item);
    return NULL;
}

struct broker_item *item_new_api_key(struct broker *broker, const char *name,
                                     const char *identifier, int64_t cache_s, struct error *err)
{
    struct broker_item *item = new_item(broker, ITEM_API_KEY, name, err);

    if (item == NULL)
        return NULL;
    item->cache_ms = cache_s * 1000;
    item->identifier = strdup(identifier);
    if (item->identifier != NULL)
        return item;
    error_set(err, ERROR_NO_MEMORY, "no memory for the credential %s", name);
    item_free(item);
    return NULL;
}

static void stop_fetch(struct broker_item *item)
{
    if (item->token_fetch != NULL)
        item->provider->cancel(item->provider->arg, TAKE(item->token_fetch));
    if (item->vault_call != NULL)
        vault_call_cancel(TAKE(item->vault_call));
    item->is_fetching = item->waits_for_vault = false;
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
    free(item->name);
    free(item->identifier);
    free(item->scope);
    free(item->audience);
    free(item->values);
    free(item);
}

/* ---- a fetch ends ---------------------------------------------------------------------------- */

/* `secret` with success, else `err`. */
static void report(struct broker_item *item, const struct secret *secret, const struct error *err)
{
    struct broker *broker = item->broker;
    int64_t now_ms = broker_now_ms(broker);
    char fingerprint[13] = "";
    struct credential_event event = {
        .credential = item->name,
        .kind = item->kind == ITEM_TOKEN ? "access-token" : "api-key",
        .audience = item->kind == ITEM_TOKEN ? item->audience : item->identifier,
        .scope = item->kind == ITEM_TOKEN ? item->scope : "",
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
    item->is_fetching = item->waits_for_vault = false;
    item->failure = *err;
    item->back_off_ms = item->back_off_ms == 0                    ? BACK_OFF_MIN_MS
                        : item->back_off_ms * 2 > BACK_OFF_MAX_MS ? BACK_OFF_MAX_MS
                                                                  : item->back_off_ms * 2;
    if (retry_after_ms > RETRY_AFTER_MAX_MS)
        retry_after_ms = RETRY_AFTER_MAX_MS;
    item->retry_at_ms = broker_now_ms(item->broker) +
                        (retry_after_ms > item->back_off_ms ? retry_after_ms : item->back_off_ms);
    item->refresh_at_ms = item->retry_at_ms;
    report(item, NULL, err);
    broker_settled(item->broker, item);
}

/* Ours no more; those who got it use it up. */
static void let_go(struct broker_item *item)
{
    credential_snapshot_clear(&item->value);
    item->value.usable_until_ms = INT64_MIN;
}

/* `lifetime_ms` 0: the value may be used now and not be kept. */
static void succeed(struct broker_item *item, struct secret *secret, struct token_binding *binding,
                    int64_t lifetime_ms)
{
    int64_t now_ms = broker_now_ms(item->broker);
    int64_t margin_ms = lifetime_ms / 2 < MARGIN_MAX_MS ? lifetime_ms / 2 : MARGIN_MAX_MS;
    struct error err = {0};
    struct kept *kept = keep_add(item->broker->keep, secret, &err);

    if (kept == NULL) {
        fail(item, &err, -1);
        return;
    }
    item->is_fetching = item->waits_for_vault = false;
    credential_snapshot_clear(&item->value);
    item->value.kept = kept;
    item->value.binding = token_binding_ref(binding);
    item->value.generation = ++item->broker->last_generation;
    item->value.usable_until_ms =
        now_ms + (item->kind == ITEM_TOKEN ? lifetime_ms - margin_ms : lifetime_ms);
    /* The keys that wait for AT_p use it in a moment, even when it cannot be kept. */
    if (lifetime_ms == 0 && item == item->broker->vault)
        item->value.usable_until_ms = now_ms + VAULT_GRACE_MS;
    /* Half of the lifetime and up to a tenth more, so that many hosts do not ask in step. */
    item->refresh_at_ms =
        lifetime_ms == 0
            ? INT64_MAX
            : now_ms + lifetime_ms / 2 + (int64_t)random_below((uint64_t)(lifetime_ms / 10) + 1);
    error_clear(&item->failure);
    item->back_off_ms = 0;
    item->retry_at_ms = INT64_MIN;
    report(item, secret, NULL);
    broker_settled(item->broker, item);
    if (lifetime_ms == 0 && item != item->broker->vault)
        let_go(item);
}

/* ---- tokens ---------------------------------------------------------------------------------- */

/* idaas.md 2.7: `expires_at` when it makes sense, unless it disagrees with `expires_in`, which does
 * not depend on our clock. -1 for an answer that is over already. */
static int64_t token_lifetime_s(const struct token_answer *answer, int64_t wall_s)
{
    bool has_at = answer->expires_at_s >= 0 && answer->expires_at_s <= wall_s + LIFETIME_MAX_S;
    bool has_in = answer->expires_in_s >= 0 && answer->expires_in_s <= LIFETIME_MAX_S;
    int64_t by_clock = answer->expires_at_s - wall_s;

    if (has_at && has_in) {
        int64_t difference = by_clock - answer->expires_in_s;

        if (difference > CLOCK_SKEW_MAX_S || difference < -CLOCK_SKEW_MAX_S)
            return answer->expires_in_s;
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
                token_lifetime_s(answer, broker_wall_s(item->broker)) * 1000);
}

static void start_token(struct broker_item *item)
{
    struct token_request request = {.scope = slice_of(item->scope),
                                    .audience = slice_of(item->audience),
                                    .values = slice_of(item->values),
                                    .deadline_ms = item->give_up_at_ms};
    struct error err = {0};

    item->token_fetch = item->provider->fetch(item->provider->arg, &request, on_token, item, &err);
    if (item->token_fetch == NULL)
        fail(item, &err, -1);
}

/* ---- API keys -------------------------------------------------------------------------------- */

static struct secret *item_take(const struct broker_item *item)
{
    return item_is_usable(item) ? kept_take(item->value.kept) : NULL;
}

static void start_vault_call(struct broker_item *item);

static void on_key(void *arg, struct secret *key, int http_status, const struct error *err,
                   int64_t retry_after_ms)
{
    struct broker_item *item = arg;
    struct broker_item *vault = item->broker->vault;

    item->vault_call = NULL;
    if (key != NULL) {
        succeed(item, key, NULL, item->cache_ms);
    } else if (http_status == 401 && !item->has_renewed_vault) {
        item->has_renewed_vault = true;
        if (vault->value.generation == item->vault_generation)
            item_drop(vault);
        start_vault_call(item);
    } else {
        fail(item, err, retry_after_ms);
    }
}

static void start_vault_call(struct broker_item *item)
{
    struct broker *broker = item->broker;
    struct broker_item *vault = broker->vault;
    struct vault_request request = {.endpoint = broker->endpoint,
                                    .instance_id = broker->instance_id,
                                    .identifier = item->identifier,
                                    .wall_s = broker_wall_s(broker)};
    CLEANUP(secret_cleanup) struct secret *access_token = item_take(vault);
    struct error err = {0};

    if (access_token == NULL) {
        if (!vault->is_fetching && vault->failure.code != ERROR_NONE &&
            broker_now_ms(broker) < vault->retry_at_ms) {
            fail(item, &vault->failure, vault->retry_at_ms - broker_now_ms(broker));
            return;
        }
        item->waits_for_vault = true;
        item_fetch(vault);
        return;
    }
    item->waits_for_vault = false;
    item->vault_generation = vault->value.generation;
    request.access_token = access_token;
    request.timeout_ms = item->give_up_at_ms - broker_now_ms(broker);
    if (request.timeout_ms < 1)
        request.timeout_ms = 1;
    item->vault_call = vault_obtain(broker->http, &request, on_key, item, &err);
    if (item->vault_call == NULL)
        fail(item, &err, -1);
}

/* AT_p came or did not: the keys that wait for it go on. */
static void wake_keys(struct broker *broker)
{
    for (size_t i = 0; i < broker->item_count; i++) {
        struct broker_item *item = broker->items[i];

        if (!item->waits_for_vault)
            continue;
        if (item_is_usable(broker->vault) || broker->vault->is_fetching)
            start_vault_call(item);
        else
            fail(item, &broker->vault->failure, -1);
    }
}

/* ---- the item -------------------------------------------------------------------------------- */

bool item_is_usable(const struct broker_item *item)
{
    return broker_now_ms(item->broker) <= item->value.usable_until_ms &&
           kept_is_there(item->value.kept);
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
    if (item->kind == ITEM_TOKEN)
        start_token(item);
    else
        start_vault_call(item);
}

void item_drop(struct broker_item *item)
{
    kept_drop(item->value.kept);
    let_go(item);
}

int64_t item_due_at_ms(const struct broker_item *item)
{
    const struct broker_item *vault = item->broker->vault;
    int64_t due_ms = item->is_fetching ? item->give_up_at_ms : item->refresh_at_ms;

    if (item->waits_for_vault && !vault->is_fetching)
        return INT64_MIN;
    if (item->value.kept != NULL && item->value.usable_until_ms + 1 < due_ms)
        due_ms = item->value.usable_until_ms + 1;
    return due_ms;
}

void item_run_due(struct broker_item *item)
{
    int64_t now_ms = broker_now_ms(item->broker);
    struct error err = {0};

    if (item->is_fetching && now_ms >= item->give_up_at_ms) {
        stop_fetch(item);
        error_set_named(&err, ERROR_TIMED_OUT, "ReadTimeOut",
                        "the credential %s was not there in time", item->name);
        fail(item, &err, -1);
    }
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
    if (item == item->broker->vault)
        wake_keys(item->broker);
}
