/* Gets every credential the host needs, once for all workers, and keeps it fresh. */
#include "credential/broker.h"

#include "base/cleanup.h"
#include "base/secret.h"
#include "config/host_config.h"
#include "credential/broker_item.h"
#include "credential/keep.h"
#include "credential/token_binding.h"
#include "net/loop.h"

#include <stdlib.h>
#include <string.h>

#define RENEWAL_PAUSE_MS 5000

/* ---- snapshots ------------------------------------------------------------------------------- */

void credential_snapshot_copy(struct credential_snapshot *out,
                              const struct credential_snapshot *snapshot)
{
    *out = *snapshot;
    if (out->kept != NULL)
        kept_ref(out->kept);
    token_binding_ref(out->binding);
}

void credential_snapshot_clear(struct credential_snapshot *snapshot)
{
    kept_free(TAKE(snapshot->kept));
    token_binding_free(TAKE(snapshot->binding));
}

/* ---- clients --------------------------------------------------------------------------------- */

static void tell_all(struct broker *broker, size_t index)
{
    struct broker_client **link = &broker->clients;

    while (*link != NULL) {
        struct broker_client *client = *link;

        if (client->on_snapshot(client, index, &broker->by_index[index]->value, NULL)) {
            link = &client->next;
            continue;
        }
        *link = client->next;
        client->release(client);
    }
}

static void set_timer(struct broker *broker);

static bool is_ready(const struct broker_item *item)
{
    return item_is_usable(item) || (item->failure.code == ERROR_NONE && item->value.generation > 0);
}

static void report_state(struct broker *broker, struct broker_item *item)
{
    if (broker->options.on_state == NULL)
        return;
    if (item == broker->vault)
        broker->options.on_state(broker->options.arg, item->name, is_ready(item),
                                 item->failure.message);
    for (size_t i = 0; i < broker->options.credential_count; i++)
        if (broker->by_index[i] == item)
            broker->options.on_state(broker->options.arg, broker->options.credentials[i].name,
                                     is_ready(item), item->failure.message);
}

void broker_settled(struct broker *broker, struct broker_item *item)
{
    struct broker_want *wants = TAKE(item->wants);
    bool is_usable = item_is_usable(item);

    report_state(broker, item);
    for (size_t i = 0; i < broker->options.credential_count; i++)
        if (broker->by_index[i] == item)
            tell_all(broker, i);
    while (wants != NULL) {
        struct broker_want *want = wants;

        wants = want->next;
        if (!is_usable && item->failure.code != ERROR_NONE)
            want->client->on_snapshot(want->client, want->index, &item->value, &item->failure);
        want->client->release(want->client);
        free(want);
    }
    set_timer(broker);
}

void broker_add_client(struct broker *broker, struct broker_client *client)
{
    client->next = broker->clients;
    broker->clients = client;
    for (size_t i = 0; i < broker->options.credential_count; i++)
        if (item_is_usable(broker->by_index[i]))
            client->on_snapshot(client, i, &broker->by_index[i]->value, NULL);
}

void broker_want(struct broker *broker, struct broker_client *client, size_t index)
{
    struct broker_item *item = broker->by_index[index];
    struct broker_want *want;

    if (item_is_usable(item)) {
        client->on_snapshot(client, index, &item->value, NULL);
        client->release(client);
        return;
    }
    if (!item->is_fetching && item->failure.code != ERROR_NONE &&
        broker_now_ms(broker) < item->retry_at_ms) {
        client->on_snapshot(client, index, &item->value, &item->failure);
        client->release(client);
        return;
    }
    want = calloc(1, sizeof *want);
    if (want == NULL) {
        struct error err = {0};

        error_set(&err, ERROR_NO_MEMORY, "no memory to wait for a credential");
        client->on_snapshot(client, index, &item->value, &err);
        client->release(client);
        return;
    }
    *want = (struct broker_want){item->wants, client, index};
    item->wants = want;
    item_fetch(item);
    set_timer(broker);
}

void broker_invalidate(struct broker *broker, size_t index, uint64_t generation)
{
    struct broker_item *item = broker->by_index[index];
    int64_t now_ms = broker_now_ms(broker);

    if (item->value.kept == NULL || item->value.generation != generation)
        return;
    if (item->invalidated_at_ms != INT64_MIN && now_ms - item->invalidated_at_ms < RENEWAL_PAUSE_MS)
        return;
    item->invalidated_at_ms = now_ms;
    item_drop(item);
    for (size_t i = 0; i < broker->options.credential_count; i++)
        if (broker->by_index[i] == item)
            tell_all(broker, i);
    item_fetch(item);
    set_timer(broker);
}

/* ---- time ------------------------------------------------------------------------------------ */

void broker_run_due(struct broker *broker)
{
    for (size_t i = 0; i < broker->item_count; i++)
        item_run_due(broker->items[i]);
    set_timer(broker);
}

static void on_timer(void *arg)
{
    broker_run_due(arg);
}

/* Only looks; what is due runs from the timer. */
static void set_timer(struct broker *broker)
{
    int64_t now_ms = broker_now_ms(broker), next_ms = INT64_MAX;

    if (broker->timer == NULL)
        return;
    for (size_t i = 0; i < broker->item_count; i++) {
        int64_t due_ms = item_due_at_ms(broker->items[i]);

        if (due_ms < next_ms)
            next_ms = due_ms;
    }
    if (next_ms != INT64_MAX)
        loop_timer_start(broker->timer, next_ms > now_ms ? next_ms - now_ms : 0);
}

/* ---- the broker ------------------------------------------------------------------------------ */

/* The item that serves a configured credential: an existing one when it is the same thing. */
static struct broker_item *item_for(struct broker *broker, const struct credential_config *config,
                                    struct error *err)
{
    struct broker_item *fresh =
        config->kind == CREDENTIAL_ACCESS_TOKEN
            ? item_new_token(broker, config->name, config->provider, config->scope, err)
            : item_new_api_key(broker, config->name, config->identifier, config->cache_s, err);

    if (fresh == NULL)
        return NULL;
    for (size_t i = 0; i < broker->item_count; i++) {
        struct broker_item *item = broker->items[i];

        if (item == broker->vault || item->kind != fresh->kind)
            continue;
        if (fresh->kind == ITEM_TOKEN
                ? item->provider == fresh->provider && strcmp(item->scope, fresh->scope) == 0
                : strcmp(item->identifier, fresh->identifier) == 0 &&
                      item->cache_ms == fresh->cache_ms) {
            item_free(fresh);
            return item;
        }
    }
    return broker->items[broker->item_count++] = fresh;
}

static bool make_items(struct broker *broker, struct error *err)
{
    size_t count = broker->options.credential_count;
    bool needs_vault = false;

    broker->items = calloc(count + 1, sizeof *broker->items);
    broker->by_index = calloc(count + 1, sizeof *broker->by_index);
    if (broker->items == NULL || broker->by_index == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory for the credentials");
    for (size_t i = 0; i < count; i++)
        needs_vault = needs_vault || broker->options.credentials[i].kind == CREDENTIAL_API_KEY;
    if (needs_vault) {
        broker->vault = item_new_token(broker, "vault", 0, broker->options.vault_scope, err);
        if (broker->vault == NULL)
            return false;
        broker->items[broker->item_count++] = broker->vault;
    }
    for (size_t i = 0; i < count; i++) {
        broker->by_index[i] = item_for(broker, &broker->options.credentials[i], err);
        if (broker->by_index[i] == NULL)
            return false;
    }
    return true;
}

struct broker *broker_new(struct loop *loop, struct http_client *client,
                          const struct broker_options *options, struct error *err)
{
    struct broker *broker = calloc(1, sizeof *broker);

    if (broker == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for the credentials");
        return NULL;
    }
    broker->loop = loop;
    broker->http = client;
    broker->options = *options;
    broker->endpoint = strdup(options->developer_api_endpoint);
    broker->instance_id = strdup(options->instance_id);
    if (broker->endpoint == NULL || broker->instance_id == NULL)
        error_set(err, ERROR_NO_MEMORY, "no memory for the credentials");
    else if ((broker->keep = keep_new(err)) != NULL && make_items(broker, err) &&
             (broker->timer = loop_timer_new(loop, on_timer, broker, err)) != NULL)
        return broker;
    broker_free(broker);
    return NULL;
}

void broker_start(struct broker *broker)
{
    for (size_t i = 0; i < broker->item_count; i++)
        item_fetch(broker->items[i]);
    set_timer(broker);
}

void broker_free(struct broker *broker)
{
    if (broker == NULL)
        return;
    for (size_t i = 0; i < broker->item_count; i++)
        item_free(broker->items[i]);
    while (broker->clients != NULL) {
        struct broker_client *client = broker->clients;

        broker->clients = client->next;
        client->release(client);
    }
    loop_timer_free(broker->timer);
    keep_free(broker->keep);
    free(broker->items);
    free(broker->by_index);
    free(broker->endpoint);
    free(broker->instance_id);
    free(broker);
}

struct loop *broker_loop(const struct broker *broker)
{
    return broker->loop;
}

const struct credential_config *broker_credentials(const struct broker *broker, size_t *out_count)
{
    *out_count = broker->options.credential_count;
    return broker->options.credentials;
}
