/* What the broker keeps for users: bounded in number, each as long as his token lives. */
#include "credential/broker_item.h"

#include "base/cleanup.h"
#include "credential/subject.h"

#include <stdlib.h>
#include <string.h>

#define BUSY_PAUSE_MS 1000

_Static_assert(sizeof((struct broker_user *)0)->digest == SUBJECT_DIGEST_BYTES,
               "users are found by the digest of their token");

struct user_table {
    struct broker *broker;
    struct broker_user **buckets;
    size_t bucket_count; /* a power of two */
    size_t count, max_count;
    struct broker_user *newest, *oldest;
};

struct user_table *user_table_new(struct broker *broker, size_t max_count, struct error *err)
{
    struct user_table *table = calloc(1, sizeof *table);

    if (table != NULL) {
        table->broker = broker;
        table->max_count = max_count;
        table->bucket_count = 16;
        while (table->bucket_count < max_count)
            table->bucket_count *= 2;
        table->buckets = calloc(table->bucket_count, sizeof *table->buckets);
        if (table->buckets != NULL)
            return table;
    }
    free(table);
    error_set(err, ERROR_NO_MEMORY, "no memory for the users' credentials");
    return NULL;
}

/* The digest of SHA-256 needs no further hashing. */
static struct broker_user **bucket_of(const struct user_table *table, const unsigned char *digest)
{
    uint64_t number;

    memcpy(&number, digest, sizeof number);
    return &table->buckets[number & (table->bucket_count - 1)];
}

/* ---- the order of use ------------------------------------------------------------------------ */

static void leave_order(struct user_table *table, struct broker_user *user)
{
    *(user->newer == NULL ? &table->newest : &user->newer->older) = user->older;
    *(user->older == NULL ? &table->oldest : &user->older->newer) = user->newer;
}

static void be_newest(struct user_table *table, struct broker_user *user)
{
    user->newer = NULL;
    user->older = table->newest;
    *(table->newest == NULL ? &table->oldest : &table->newest->newer) = user;
    table->newest = user;
}

/* ---- a user ---------------------------------------------------------------------------------- */

static bool is_busy(const struct broker_user *user)
{
    if (user->vault != NULL && user->vault->is_fetching)
        return true;
    for (size_t i = 0; i < user->broker->spec_count; i++)
        if (user->items[i] != NULL && user->items[i]->is_fetching)
            return true;
    return false;
}

static void free_user(struct broker_user *user)
{
    struct user_table *table = user->broker->users;
    struct broker_user **link = bucket_of(table, user->digest);

    while (*link != user)
        link = &(*link)->next_in_bucket;
    *link = user->next_in_bucket;
    leave_order(table, user);
    table->count--;
    for (size_t i = 0; i < user->broker->spec_count; i++)
        item_free(user->items[i]);
    item_free(user->vault);
    due_queue_leave(&user->broker->due, &user->due);
    subject_free(user->subject);
    free(user);
}

/* His token is over: whatever was had with it goes. */
static void on_expiry(struct due *due)
{
    struct broker_user *user = (struct broker_user *)due;

    if (is_busy(user))
        due_queue_set(&user->broker->due, due, broker_now_ms(user->broker) + BUSY_PAUSE_MS);
    else
        free_user(user);
}

/* The least recently used go first; one for whom something is being fetched stays. */
static void make_room(struct user_table *table)
{
    struct broker_user *user = table->oldest;

    while (table->count >= table->max_count && user != NULL) {
        struct broker_user *newer = user->newer;

        if (!is_busy(user))
            free_user(user);
        user = newer;
    }
}

struct broker_user *user_table_find(struct user_table *table, const struct subject *subject)
{
    struct broker_user *user = *bucket_of(table, subject->digest);

    while (user != NULL && memcmp(user->digest, subject->digest, sizeof user->digest) != 0)
        user = user->next_in_bucket;
    return user;
}

static struct broker_user *add_user(struct user_table *table, const struct subject *subject,
                                    struct error *err)
{
    struct broker *broker = table->broker;
    struct broker_user *user;
    struct broker_user **bucket = bucket_of(table, subject->digest);

    make_room(table);
    user = calloc(1, sizeof *user + broker->spec_count * sizeof user->items[0]);
    if (user == NULL || !due_queue_join(&broker->due, err)) {
        free(user);
        if (err->code == ERROR_NONE)
            error_set(err, ERROR_NO_MEMORY, "no memory for a user's credentials");
        return NULL;
    }
    user->broker = broker;
    user->due.run = on_expiry;
    memcpy(user->digest, subject->digest, sizeof user->digest);
    user->expires_at_ms =
        broker_now_ms(broker) + (subject->expires_at_s - broker_wall_s(broker)) * 1000;
    user->next_in_bucket = *bucket;
    *bucket = user;
    table->count++;
    be_newest(table, user);
    due_queue_set(&broker->due, &user->due, user->expires_at_ms);
    return user;
}

struct broker_user *user_table_get(struct user_table *table, const struct subject *subject,
                                   struct error *err)
{
    struct broker_user *user = user_table_find(table, subject);

    if (user == NULL)
        return add_user(table, subject, err);
    leave_order(table, user);
    be_newest(table, user);
    return user;
}

void user_table_free(struct user_table *table)
{
    if (table == NULL)
        return;
    while (table->newest != NULL)
        free_user(table->newest);
    free(table->buckets);
    free(table);
}

struct broker_item *user_item(struct broker_user *user, const struct item_spec *spec, size_t index,
                              struct error *err)
{
    bool is_vault = spec == user->broker->user_vault_spec;
    struct broker_item **slot = is_vault ? &user->vault : &user->items[index];

    if (*slot == NULL)
        *slot = item_new(user->broker, spec, user, err);
    return *slot;
}

void user_settled(struct broker_user *user)
{
    if (user->subject != NULL && !is_busy(user))
        subject_free(TAKE(user->subject));
}
