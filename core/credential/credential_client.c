/* Credentials as one worker sees them: the broker's snapshots at hand without a lock. */
#include "credential/credential_client.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "config/host_config.h"
#include "credential/broker_item.h"
#include "credential/keep.h"
#include "credential/subject.h"
#include "net/http_client.h"
#include "net/loop.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* What came from the owner and waits for our thread. */
struct delivery {
    struct delivery *next;
    size_t index;
    uint64_t wait_id; /* 0: for all who wait as the agent itself */
    struct credential_snapshot snapshot;
    struct error *err; /* NULL: none */
};

/* The half that the owner's thread knows; outlives the client while messages are under way. */
struct mailbox {
    struct broker_client base;
    atomic_size_t references;
    pthread_mutex_t lock;
    struct loop *loop;
    struct credential_client *client; /* NULL once it is gone; under the lock */
    struct delivery *first, **last;   /* under the lock */
    bool has_lost;                    /* a delivery, for want of memory; under the lock */
    bool is_scheduled;                /* under the lock */
    struct loop_posting drain;
};

struct credential_wait {
    struct credential_wait *next;
    struct credential_client *client;
    size_t index;
    struct subject *subject; /* NULL: the agent itself */
    uint64_t id;             /* with a subject: who gets the answer */
    struct loop_timer *timer;
    void (*on_ready)(void *arg, const struct credential *credential, const struct error *err);
    void *arg;
};

struct slot {
    struct credential_snapshot snapshot;
    struct credential_wait *waits;
    bool is_asked; /* the broker owes us an answer */
};

struct credential_client {
    struct broker *broker;
    struct loop *loop;
    const struct credential_config *configs;
    size_t count;
    struct slot *slots;
    struct mailbox *mailbox;
    uint64_t last_wait_id;
};

/* ---- mailbox --------------------------------------------------------------------------------- */

static void free_delivery(struct delivery *delivery)
{
    if (delivery == NULL)
        return;
    credential_snapshot_clear(&delivery->snapshot);
    free(delivery->err);
    free(delivery);
}

static void mailbox_release(struct broker_client *base)
{
    struct mailbox *mailbox = (struct mailbox *)base;

    if (atomic_fetch_sub(&mailbox->references, 1) != 1)
        return;
    while (mailbox->first != NULL) {
        struct delivery *delivery = mailbox->first;

        mailbox->first = delivery->next;
        free_delivery(delivery);
    }
    pthread_mutex_destroy(&mailbox->lock);
    free(mailbox);
}

static struct mailbox *mailbox_ref(struct mailbox *mailbox)
{
    atomic_fetch_add(&mailbox->references, 1);
    return mailbox;
}

static void deliver(struct credential_client *client, const struct delivery *delivery);
static void fail_all(struct credential_client *client);

/* [our thread] */
static void drain(void *arg)
{
    struct mailbox *mailbox = arg;

    for (;;) {
        struct credential_client *client;
        struct delivery *delivery;
        bool has_lost;

        pthread_mutex_lock(&mailbox->lock);
        client = mailbox->client;
        delivery = mailbox->first;
        has_lost = mailbox->has_lost;
        mailbox->has_lost = false;
        if (delivery == NULL && !has_lost) {
            mailbox->is_scheduled = false;
            pthread_mutex_unlock(&mailbox->lock);
            break;
        }
        if (delivery != NULL && (mailbox->first = delivery->next) == NULL)
            mailbox->last = &mailbox->first;
        pthread_mutex_unlock(&mailbox->lock);
        if (client != NULL && has_lost)
            fail_all(client);
        if (client != NULL && delivery != NULL)
            deliver(client, delivery);
        free_delivery(delivery);
    }
    mailbox_release(&mailbox->base);
}

static struct delivery *new_delivery(size_t index, uint64_t wait_id,
                                     const struct credential_snapshot *snapshot,
                                     const struct error *err)
{
    struct delivery *delivery = calloc(1, sizeof *delivery);

    if (delivery == NULL)
        return NULL;
    delivery->index = index;
    delivery->wait_id = wait_id;
    credential_snapshot_copy(&delivery->snapshot, snapshot);
    if (err != NULL) {
        delivery->err = malloc(sizeof *delivery->err);
        if (delivery->err == NULL) {
            free_delivery(delivery);
            return NULL;
        }
        *delivery->err = *err;
    }
    return delivery;
}

/* [owner thread] A message that is lost for want of memory fails all who wait: it may have been for
 * any of them. */
static bool on_snapshot(struct broker_client *base, size_t index, uint64_t wait_id,
                        const struct credential_snapshot *snapshot, const struct error *err)
{
    struct mailbox *mailbox = (struct mailbox *)base;
    struct delivery *delivery = new_delivery(index, wait_id, snapshot, err);
    bool is_there;

    pthread_mutex_lock(&mailbox->lock);
    is_there = mailbox->client != NULL;
    if (is_there && delivery != NULL) {
        *mailbox->last = delivery;
        mailbox->last = &delivery->next;
        delivery = NULL;
    } else if (is_there) {
        mailbox->has_lost = true;
    }
    if (is_there && !mailbox->is_scheduled) {
        mailbox->is_scheduled = true;
        mailbox->drain = (struct loop_posting){.fn = drain, .arg = mailbox_ref(mailbox)};
        loop_post_kept(mailbox->loop, &mailbox->drain);
    }
    pthread_mutex_unlock(&mailbox->lock);
    free_delivery(delivery);
    return is_there;
}

/* ---- messages to the owner ------------------------------------------------------------------- */

struct message {
    struct broker *broker;
    struct mailbox *mailbox;
    size_t index;
    struct subject *subject;
    uint64_t wait_id;
    uint64_t generation;
};

static void free_message(struct message *message)
{
    subject_free(message->subject);
    free(message);
}

static void take_join(void *arg)
{
    struct message *message = arg;

    broker_add_client(message->broker, &message->mailbox->base);
    free_message(message);
}

static void take_want(void *arg)
{
    struct message *message = arg;

    broker_want(message->broker, &message->mailbox->base, message->index, message->subject,
                message->wait_id);
    free_message(message);
}

static void take_refusal(void *arg)
{
    struct message *message = arg;

    broker_invalidate(message->broker, message->index, message->subject, message->generation);
    mailbox_release(&message->mailbox->base);
    free_message(message);
}

/* `what` is copied; references are taken. */
static bool send_message(struct credential_client *client, void (*fn)(void *arg),
                         const struct message *what)
{
    struct message *message = malloc(sizeof *message);

    if (message == NULL)
        return false;
    *message = *what;
    message->broker = client->broker;
    message->mailbox = mailbox_ref(client->mailbox);
    subject_ref(message->subject);
    if (loop_post(broker_loop(client->broker), fn, message))
        return true;
    mailbox_release(&client->mailbox->base);
    free_message(message);
    return false;
}

static bool send_want(struct credential_wait *wait)
{
    return send_message(
        wait->client, take_want,
        &(struct message){.index = wait->index, .subject = wait->subject, .wait_id = wait->id});
}

static void unlink_wait(struct credential_wait *wait)
{
    struct credential_wait **link = &wait->client->slots[wait->index].waits;

    while (*link != NULL && *link != wait)
        link = &(*link)->next;
    if (*link != NULL)
        *link = wait->next;
    loop_timer_free(wait->timer);
    subject_free(wait->subject);
    free(wait);
}

/* ---- the client ------------------------------------------------------------------------------ */

struct credential_client *credential_client_new(struct broker *broker, struct loop *loop,
                                                struct error *err)
{
    struct credential_client *client = calloc(1, sizeof *client);

    if (client == NULL)
        goto no_memory;
    client->broker = broker;
    client->loop = loop;
    client->configs = broker_credentials(broker, &client->count);
    client->slots = calloc(client->count + 1, sizeof *client->slots);
    client->mailbox = calloc(1, sizeof *client->mailbox);
    if (client->slots == NULL || client->mailbox == NULL) {
        free(client->slots);
        free(client->mailbox);
        free(client);
        goto no_memory;
    }
    client->mailbox->base.on_snapshot = on_snapshot;
    client->mailbox->base.release = mailbox_release;
    client->mailbox->references = 1;
    client->mailbox->loop = loop;
    client->mailbox->client = client;
    client->mailbox->last = &client->mailbox->first;
    pthread_mutex_init(&client->mailbox->lock, NULL);
    if (send_message(client, take_join, &(struct message){.index = 0}))
        return client;
    credential_client_free(client);

no_memory:
    error_set(err, ERROR_NO_MEMORY, "no memory for a worker's credentials");
    return NULL;
}

void credential_client_free(struct credential_client *client)
{
    if (client == NULL)
        return;
    pthread_mutex_lock(&client->mailbox->lock);
    client->mailbox->client = NULL;
    pthread_mutex_unlock(&client->mailbox->lock);
    mailbox_release(&client->mailbox->base);
    for (size_t i = 0; i < client->count; i++) {
        while (client->slots[i].waits != NULL)
            unlink_wait(client->slots[i].waits);
        credential_snapshot_clear(&client->slots[i].snapshot);
    }
    free(client->slots);
    free(client);
}

const struct credential_config *credential_find(const struct credential_client *client,
                                                struct slice name)
{
    for (size_t i = 0; i < client->count; i++)
        if (slice_equal_text(name, client->configs[i].name))
            return &client->configs[i];
    return NULL;
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void finish_wait(struct credential_wait *wait, const struct credential *credential,
                        const struct error *err)
{
    void (*on_ready)(void *, const struct credential *, const struct error *) = wait->on_ready;
    void *arg = wait->arg;

    unlink_wait(wait);
    on_ready(arg, credential, err);
}

static void on_deadline(void *arg)
{
    struct credential_wait *wait = arg;
    struct error err = {0};

    error_set_named(&err, ERROR_TIMED_OUT, "CredentialTimeOut",
                    "the credential \"%s\" was not there in time",
                    wait->client->configs[wait->index].name);
    finish_wait(wait, NULL, &err);
}

static const struct error no_memory = {ERROR_NO_MEMORY, "", "no memory for a credential"};

/* Those that begin inside a callback are not meant: they come before the others. */
static void fail_waits(struct slot *slot)
{
    size_t waiting = 0;

    slot->is_asked = false;
    for (struct credential_wait *wait = slot->waits; wait != NULL; wait = wait->next)
        waiting++;
    while (waiting-- > 0 && slot->waits != NULL) {
        struct credential_wait *last = slot->waits;

        while (last->next != NULL)
            last = last->next;
        finish_wait(last, NULL, &no_memory);
    }
}

static void fail_all(struct credential_client *client)
{
    for (size_t i = 0; i < client->count; i++)
        fail_waits(&client->slots[i]);
}

/* One that is waited for by itself. */
static struct credential_wait *find_wait(const struct slot *slot, uint64_t id)
{
    struct credential_wait *wait = slot->waits;

    while (wait != NULL && wait->id != id)
        wait = wait->next;
    return wait;
}

static void answer_one(struct credential_client *client, const struct delivery *delivery)
{
    struct credential_wait *wait = find_wait(&client->slots[delivery->index], delivery->wait_id);
    struct kept *kept = delivery->snapshot.kept;
    CLEANUP(secret_cleanup) struct secret *secret = kept == NULL ? NULL : kept_take(kept);
    struct credential credential = {secret, &client->configs[delivery->index],
                                    delivery->snapshot.generation, delivery->snapshot.binding};

    if (wait == NULL)
        return;
    if (delivery->err != NULL)
        finish_wait(wait, NULL, delivery->err);
    else if (secret != NULL)
        finish_wait(wait, &credential, NULL);
    else if (!send_want(wait)) /* evicted on its way here */
        finish_wait(wait, NULL, &no_memory);
}

/* Whether somebody waits as the agent itself, and who came first. */
static struct credential_wait *first_wait(const struct slot *slot)
{
    struct credential_wait *first = NULL;

    for (struct credential_wait *wait = slot->waits; wait != NULL; wait = wait->next)
        if (wait->id == 0)
            first = wait;
    return first;
}

/* Waits that begin inside a callback are not answered by the delivery at hand: they ask anew. */
static void deliver(struct credential_client *client, const struct delivery *delivery)
{
    struct slot *slot = &client->slots[delivery->index];
    struct kept *kept = delivery->snapshot.kept;
    CLEANUP(secret_cleanup) struct secret *secret = kept == NULL ? NULL : kept_take(kept);
    struct credential credential = {secret, &client->configs[delivery->index],
                                    delivery->snapshot.generation, delivery->snapshot.binding};
    size_t waiting = 0;

    if (delivery->wait_id != 0) {
        answer_one(client, delivery);
        return;
    }
    credential_snapshot_clear(&slot->snapshot);
    credential_snapshot_copy(&slot->snapshot, &delivery->snapshot);
    if (delivery->err == NULL && secret == NULL) {
        /* Gone, perhaps evicted on its way here. Who waits asks again. */
        slot->is_asked = first_wait(slot) != NULL && send_want(first_wait(slot));
        if (!slot->is_asked)
            fail_waits(slot);
        return;
    }
    slot->is_asked = false;
    for (struct credential_wait *wait = slot->waits; wait != NULL; wait = wait->next)
        waiting += wait->id == 0;
    while (waiting-- > 0 && first_wait(slot) != NULL)
        finish_wait(first_wait(slot), delivery->err == NULL ? &credential : NULL, delivery->err);
}

/* A reference of what may be sent now, or NULL. */
static struct secret *take_usable(const struct credential_client *client, const struct slot *slot)
{
    return slot->snapshot.kept != NULL &&
                   broker_now_ms(client->broker) <= slot->snapshot.usable_until_ms
               ? kept_take(slot->snapshot.kept)
               : NULL;
}

static struct credential_wait *new_wait(struct credential_client *client, size_t index,
                                        struct subject *subject, int64_t deadline_ms)
{
    struct credential_wait *wait = calloc(1, sizeof *wait);
    struct error ignored = {0};
    int64_t now_ms = clock_monotonic_ms();

    if (wait == NULL)
        return NULL;
    wait->client = client;
    wait->index = index;
    wait->subject = subject_ref(subject);
    wait->id = subject == NULL ? 0 : ++client->last_wait_id;
    wait->next = client->slots[index].waits;
    client->slots[index].waits = wait;
    if (deadline_ms == 0)
        return wait;
    wait->timer = loop_timer_new(client->loop, on_deadline, wait, &ignored);
    if (wait->timer == NULL) {
        unlink_wait(wait);
        return NULL;
    }
    loop_timer_start(wait->timer, deadline_ms > now_ms ? deadline_ms - now_ms : 0);
    return wait;
}

/* Asks for it unless others of us have. */
static bool ask(struct slot *slot, struct credential_wait *wait)
{
    if (wait->id != 0)
        return send_want(wait);
    if (!slot->is_asked)
        slot->is_asked = send_want(wait);
    return slot->is_asked;
}

static bool check_subject(const struct credential_config *config, const struct subject *subject,
                          struct error *err)
{
    return config->identity == IDENTITY_MACHINE || subject != NULL ||
           error_set_named(err, ERROR_DENIED, "UserNeeded",
                           "the credential \"%s\" stands for the signed-in user, and nobody is "
                           "signed in here",
                           config->name);
}

struct credential_wait *credential_get(
    struct credential_client *client, const struct credential_config *config,
    struct subject *subject, int64_t deadline_ms,
    void (*on_ready)(void *arg, const struct credential *credential, const struct error *err),
    void *arg)
{
    size_t index = (size_t)(config - client->configs);
    struct slot *slot = &client->slots[index];
    bool is_user = config->identity == IDENTITY_USER;
    CLEANUP(secret_cleanup) struct secret *secret = is_user ? NULL : take_usable(client, slot);
    struct credential credential = {secret, config, slot->snapshot.generation,
                                    slot->snapshot.binding};
    struct credential_wait *wait;
    struct error err = {0};

    if (secret != NULL) {
        on_ready(arg, &credential, NULL);
        return NULL;
    }
    if (!check_subject(config, subject, &err)) {
        on_ready(arg, NULL, &err);
        return NULL;
    }
    wait = new_wait(client, index, is_user ? subject : NULL, deadline_ms);
    if (wait != NULL) {
        wait->on_ready = on_ready;
        wait->arg = arg;
        if (ask(slot, wait))
            return wait;
        unlink_wait(wait);
    }
    error_set(&err, ERROR_NO_MEMORY, "no memory to wait for a credential");
    on_ready(arg, NULL, &err);
    return NULL;
}

void credential_wait_cancel(struct credential_wait *wait)
{
    if (wait != NULL)
        unlink_wait(wait);
}

void credential_report_unauthorized(struct credential_client *client,
                                    const struct credential_config *config, struct subject *subject,
                                    uint64_t generation)
{
    size_t index = (size_t)(config - client->configs);
    struct slot *slot = &client->slots[index];
    struct message refusal = {.index = index, .generation = generation};

    if (config->identity == IDENTITY_USER) {
        refusal.subject = subject;
        (void)send_message(client, take_refusal, &refusal);
        return;
    }
    if (slot->snapshot.kept == NULL || slot->snapshot.generation != generation)
        return;
    /* Not handed out until the broker has said which one counts. */
    credential_snapshot_clear(&slot->snapshot);
    (void)send_message(client, take_refusal, &refusal);
}
