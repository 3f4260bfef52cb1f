/* Gets every credential the host needs, once for all workers, and keeps it fresh. */
#include "credential/broker.h"

#include "base/cleanup.h"
#include "base/secret.h"
#include "config/host_config.h"
#include "credential/broker_item.h"
#include "credential/keep.h"
#include "credential/subject.h"
#include "credential/token_binding.h"
#include "net/loop.h"

#include <stdlib.h>
#include <string.h>

#define RENEWAL_PAUSE_MS 5000
#define USER_MAX_COUNT 1000

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

/* True: it is still there. */
static bool tell(struct broker_client *client, size_t index, uint64_t wait_id,
                 const struct credential_snapshot *snapshot, const struct error *err)
{
    return client->on_snapshot(client, index, wait_id, snapshot, err);
}

static void tell_all(struct broker *broker, size_t index, const struct broker_item *item)
{
    struct broker_client **link = &broker->clients;

    while (*link != NULL) {
        struct broker_client *client = *link;

        if (tell(client, index, 0, &item->value, NULL)) {
            link = &client->next;
            continue;
        }
        *link = client->next;
        client->release(client);
    }
}

/* Whether the agent's own `item` serves the configured credential. */
static bool serves(const struct broker *broker, size_t index, const struct broker_item *item)
{
    return broker->options.credentials[index].identity == IDENTITY_MACHINE &&
           item->spec == broker->specs[broker->by_index[index]];
}

static void set_timer(struct broker *broker);

static bool is_ready(const struct broker_item *item)
{
    return item_is_usable(item) || (item->failure.code == ERROR_NONE && item->value.generation > 0);
}

static void publish(struct broker *broker, struct broker_item *item)
{
    const struct error *why = item->failure.code == ERROR_NONE ? NULL : &item->failure;
    bool reports = broker->options.on_state != NULL;

    if (reports && item == broker->vault)
        broker->options.on_state(broker->options.arg, item->spec->name, is_ready(item), why);
    for (size_t i = 0; i < broker->options.credential_count; i++) {
        if (!serves(broker, i, item))
            continue;
        if (reports)
            broker->options.on_state(broker->options.arg, broker->options.credentials[i].name,
                                     is_ready(item), why);
        tell_all(broker, i, item);
    }
}

/* Those that wait for AT_p go on, or do not. */
static void wake_keys(struct broker *broker, struct broker_item *vault)
{
    struct broker_item **items = vault->user == NULL ? broker->items : vault->user->items;

    for (size_t i = 0; i < broker->spec_count; i++)
        if (items[i] != NULL && items[i]->waits_for_vault)
            item_reschedule(items[i]);
}

static void answer_wants(struct broker_item *item)
{
    struct broker_want *wants = TAKE(item->wants);
    bool has_failed = !item_is_usable(item) && item->failure.code != ERROR_NONE;

    while (wants != NULL) {
        struct broker_want *want = wants;

        wants = want->next;
        /* What serves everybody was told to everybody. */
        if (has_failed || want->wait_id != 0)
            tell(want->client, want->index, want->wait_id, &item->value,
                 has_failed ? &item->failure : NULL);
        want->client->release(want->client);
        free(want);
    }
}

void broker_settled(struct broker *broker, struct broker_item *item)
{
    if (item->user == NULL)
        publish(broker, item);
    answer_wants(item);
    item_reschedule(item);
    if (item == broker->vault || item->spec == broker->user_vault_spec)
        wake_keys(broker, item);
    if (item->user != NULL)
        user_settled(item->user);
    set_timer(broker);
}

void broker_add_client(struct broker *broker, struct broker_client *client)
{
    client->next = broker->clients;
    broker->clients = client;
    for (size_t i = 0; i < broker->options.credential_count; i++) {
        const struct broker_item *item = broker->items[broker->by_index[i]];

        if (item != NULL && serves(broker, i, item) && item_is_usable(item))
            tell(client, i, 0, &item->value, NULL);
    }
}

/* The item behind a credential, for the agent or for `subject`. */
static struct broker_item *find_item(struct broker *broker, size_t index,
                                     const struct subject *subject, struct error *err)
{
    size_t spec = broker->by_index[index];
    struct broker_user *user;

    if (subject == NULL)
        return broker->items[spec];
    user = user_table_get(broker->users, subject, err);
    return user == NULL ? NULL : user_item(user, broker->specs[spec], spec, err);
}

/* What is known already answers; else the want waits and NULL is no answer. */
static bool answer_now(struct broker *broker, struct broker_client *client, size_t index,
                       uint64_t wait_id, struct broker_item *item)
{
    if (item_is_usable(item)) {
        tell(client, index, wait_id, &item->value, NULL);
        return true;
    }
    if (item->is_fetching || item->failure.code == ERROR_NONE ||
        broker_now_ms(broker) >= item->retry_at_ms)
        return false;
    tell(client, index, wait_id, &item->value, &item->failure);
    return true;
}

void broker_want(struct broker *broker, struct broker_client *client, size_t index,
                 struct subject *subject, uint64_t wait_id)
{
    static const struct credential_snapshot none;
    struct error err = {0};
    struct broker_item *item = find_item(broker, index, subject, &err);
    struct broker_want *want;

    if (item != NULL && answer_now(broker, client, index, wait_id, item)) {
        client->release(client);
        return;
    }
    want = item == NULL ? NULL : calloc(1, sizeof *want);
    if (want == NULL) {
        if (err.code == ERROR_NONE)
            error_set(&err, ERROR_NO_MEMORY, "no memory to wait for a credential");
        tell(client, index, wait_id, &none, &err);
        client->release(client);
        return;
    }
    *want = (struct broker_want){item->wants, client, index, wait_id};
    item->wants = want;
    if (item->user != NULL && item->user->subject == NULL)
        item->user->subject = subject_ref(subject);
    item_fetch(item);
    set_timer(broker);
}

void broker_invalidate(struct broker *broker, size_t index, struct subject *subject,
                       uint64_t generation)
{
    struct broker_user *user = subject == NULL ? NULL : user_table_find(broker->users, subject);
    struct broker_item *item = subject == NULL ? broker->items[broker->by_index[index]]
                               : user == NULL  ? NULL
                                               : user->items[broker->by_index[index]];
    int64_t now_ms = broker_now_ms(broker);

    if (item == NULL || item->value.kept == NULL || item->value.generation != generation)
        return;
    if (item->invalidated_at_ms != INT64_MIN && now_ms - item->invalidated_at_ms < RENEWAL_PAUSE_MS)
        return;
    item->invalidated_at_ms = now_ms;
    item_drop(item);
    if (item->user == NULL) {
        publish(broker, item);
        item_fetch(item);
    } else {
        item_reschedule(item);
    }
    set_timer(broker);
}

static void retry_failed(struct broker_item *item)
{
    if (item == NULL || item->is_fetching || item->failure.code == ERROR_NONE)
        return;
    item->back_off_ms = 0;
    item->retry_at_ms = INT64_MIN;
    item_fetch(item);
}

void broker_retry_failed(struct broker *broker)
{
    /* AT_p first: API keys wait for it. */
    retry_failed(broker->vault);
    for (size_t i = 0; i < broker->spec_count; i++)
        retry_failed(broker->items[i]);
    set_timer(broker);
}

/* ---- time ------------------------------------------------------------------------------------ */

/* At most one run for each thing that can be due: what is due again at once comes with the timer.
 */
void broker_run_due(struct broker *broker)
{
    size_t left = broker->due.members;
    struct due *due;

    while (left-- > 0 && (due = due_queue_first(&broker->due)) != NULL &&
           due->at_ms <= broker_now_ms(broker))
        due->run(due);
    set_timer(broker);
}

static void on_timer(void *arg)
{
    broker_run_due(arg);
}

/* Only looks; what is due runs from the timer. */
static void set_timer(struct broker *broker)
{
    const struct due *due = due_queue_first(&broker->due);
    int64_t now_ms = broker_now_ms(broker);

    if (broker->timer != NULL && due != NULL)
        loop_timer_start(broker->timer, due->at_ms > now_ms ? due->at_ms - now_ms : 0);
}

/* ---- the broker ------------------------------------------------------------------------------ */

/* The place of what a configured credential needs: an existing one when it is the same thing. */
static bool add_spec(struct broker *broker, size_t index, struct error *err)
{
    struct item_spec *fresh = item_spec_new(&broker->options.credentials[index], err);

    if (fresh == NULL)
        return false;
    for (size_t i = 0; i < broker->spec_count; i++)
        if (item_spec_equal(broker->specs[i], fresh)) {
            item_spec_free(fresh);
            broker->by_index[index] = i;
            return true;
        }
    broker->by_index[index] = broker->spec_count;
    broker->specs[broker->spec_count++] = fresh;
    return true;
}

static bool make_specs(struct broker *broker, struct error *err)
{
    const struct broker_options *options = &broker->options;
    size_t count = options->credential_count;

    broker->specs = calloc(count + 1, sizeof *broker->specs);
    broker->by_index = calloc(count + 1, sizeof *broker->by_index);
    broker->items = calloc(count + 1, sizeof *broker->items);
    if (broker->specs == NULL || broker->by_index == NULL || broker->items == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory for the credentials");
    for (size_t i = 0; i < count; i++) {
        const struct credential_config *config = &options->credentials[i];
        bool is_user = config->identity == IDENTITY_USER;
        struct item_spec **vault = is_user ? &broker->user_vault_spec : &broker->vault_spec;

        if (!add_spec(broker, i, err))
            return false;
        if (config->kind != CREDENTIAL_ACCESS_TOKEN && *vault == NULL) {
            *vault = item_spec_new_token(
                "vault", 0, is_user ? options->user_vault_scope : options->vault_scope, err);
            if (*vault == NULL)
                return false;
        }
    }
    return true;
}

static bool make_items(struct broker *broker, struct error *err)
{
    if (broker->vault_spec != NULL &&
        (broker->vault = item_new(broker, broker->vault_spec, NULL, err)) == NULL)
        return false;
    for (size_t i = 0; i < broker->options.credential_count; i++) {
        size_t spec = broker->by_index[i];

        if (broker->options.credentials[i].identity == IDENTITY_USER || broker->items[spec] != NULL)
            continue;
        broker->items[spec] = item_new(broker, broker->specs[spec], NULL, err);
        if (broker->items[spec] == NULL)
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
    broker->waiting_end = &broker->waiting;
    if (broker->endpoint == NULL || broker->instance_id == NULL)
        error_set(err, ERROR_NO_MEMORY, "no memory for the credentials");
    else if ((broker->keep = keep_new(err)) != NULL && make_specs(broker, err) &&
             make_items(broker, err) &&
             (broker->users = user_table_new(
                  broker, options->user_max_count > 0 ? options->user_max_count : USER_MAX_COUNT,
                  err)) != NULL &&
             (broker->timer = loop_timer_new(loop, on_timer, broker, err)) != NULL)
        return broker;
    broker_free(broker);
    return NULL;
}

void broker_start(struct broker *broker)
{
    if (broker->vault != NULL)
        item_fetch(broker->vault);
    for (size_t i = 0; i < broker->spec_count; i++)
        if (broker->items[i] != NULL)
            item_fetch(broker->items[i]);
    set_timer(broker);
}

static void free_specs(struct broker *broker)
{
    for (size_t i = 0; i < broker->spec_count; i++)
        item_spec_free(broker->specs[i]);
    item_spec_free(broker->vault_spec);
    item_spec_free(broker->user_vault_spec);
    free(broker->specs);
    free(broker->by_index);
}

void broker_free(struct broker *broker)
{
    if (broker == NULL)
        return;
    user_table_free(broker->users);
    for (size_t i = 0; i < broker->spec_count; i++)
        item_free(broker->items[i]);
    item_free(broker->vault);
    while (broker->clients != NULL) {
        struct broker_client *client = broker->clients;

        broker->clients = client->next;
        client->release(client);
    }
    loop_timer_free(broker->timer);
    keep_free(broker->keep);
    due_queue_clear(&broker->due);
    free_specs(broker);
    free(broker->items);
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
