/* One thing the broker fetches and keeps, for the agent itself or for one user; private to
 * core/credential. Several configured credentials may share one. */
#ifndef SESAME_CREDENTIAL_BROKER_ITEM_H
#define SESAME_CREDENTIAL_BROKER_ITEM_H

#include "base/error.h"
#include "credential/broker.h"
#include "credential/due_queue.h"
#include "credential/item_spec.h"

struct broker_user;
struct keep;
struct subject;
struct user_table;
struct vault_call;

struct broker_want {
    struct broker_want *next;
    struct broker_client *client;
    size_t index;
    uint64_t wait_id;
};

struct broker_item {
    struct due due; /* first */
    struct broker *broker;
    const struct item_spec *spec;
    struct broker_user *user; /* NULL: the agent's own */

    struct credential_snapshot value;
    int64_t refresh_at_ms; /* INT64_MAX: never */

    bool is_fetching;
    bool waits_for_vault; /* an API key whose AT_p is being fetched */
    bool waits_for_slot;  /* in the broker's queue */
    bool has_slot;
    bool has_renewed_vault;
    int64_t started_at_ms;
    int64_t give_up_at_ms;
    struct broker_item *next_waiting;
    struct token_fetch *token_fetch;
    struct vault_call *vault_call;
    uint64_t vault_generation; /* of the AT_p in use */

    struct error failure; /* of the last fetch; empty when it succeeded */
    int64_t retry_at_ms;
    int64_t back_off_ms;
    int64_t invalidated_at_ms;

    struct broker_want *wants;
};

struct broker {
    struct loop *loop;
    struct http_client *http;
    struct broker_options options;
    char *endpoint;
    char *instance_id;

    struct item_spec **specs; /* one per distinct thing */
    size_t spec_count;
    size_t *by_index;                               /* configured credential -> spec */
    struct item_spec *vault_spec, *user_vault_spec; /* AT_p; NULL when nobody needs it */
    struct broker_item **items; /* the agent's own, by spec; NULL where only users have one */
    struct broker_item *vault;  /* its AT_p, or NULL */
    struct user_table *users;

    struct broker_client *clients;
    struct keep *keep;
    struct due_queue due;
    struct loop_timer *timer;
    uint64_t last_generation;

    /* Requests for users under way, and those that wait for one of them to end: a thousand users
     * who come at once must not be a thousand connections to the issuer. */
    size_t slots_used;
    struct broker_item *waiting, **waiting_end;
};

int64_t broker_now_ms(const struct broker *broker);
int64_t broker_wall_s(const struct broker *broker);

struct broker_item *item_new(struct broker *broker, const struct item_spec *spec,
                             struct broker_user *user, struct error *err);
void item_free(struct broker_item *item); /* NULL is fine */

bool item_is_usable(const struct broker_item *item);

/* Starts a fetch unless one is in flight. For a user his subject must be there. */
void item_fetch(struct broker_item *item);

/* Forgets the value: it is not handed out again. */
void item_drop(struct broker_item *item);

/* Sets its place in the queue anew, after a change from outside. */
void item_reschedule(struct broker_item *item);

/* Answers those who wait for `item` and tells everybody about its present value. */
void broker_settled(struct broker *broker, struct broker_item *item);

/* ---- users (broker_user.c) ------------------------------------------------------------------- */

/* What is kept for one token of a user: found by its digest, gone when it expires or when too many
 * others came since. */
struct broker_user {
    struct due due; /* first */
    struct broker *broker;
    struct subject *subject; /* while something is fetched for him, else NULL */
    struct broker_user *next_in_bucket;
    struct broker_user *newer, *older;
    int64_t expires_at_ms; /* monotonic, of his token */
    unsigned char digest[32];
    struct broker_item *vault;   /* his AT_p, or NULL so far */
    struct broker_item *items[]; /* by spec; NULL until wanted */
};

struct user_table *user_table_new(struct broker *broker, size_t max_count, struct error *err);
void user_table_free(struct user_table *table); /* NULL is fine */

/* The user of `subject`, made when he is new; he is the most recently used one then. */
struct broker_user *user_table_get(struct user_table *table, const struct subject *subject,
                                   struct error *err);
/* The same, or NULL when he is not there. */
struct broker_user *user_table_find(struct user_table *table, const struct subject *subject);

/* His item for `spec` (of the broker's list, or its user_vault_spec), made when it is not there. */
struct broker_item *user_item(struct broker_user *user, const struct item_spec *spec, size_t index,
                              struct error *err);

/* Lets his token go when nothing is fetched for him any more. */
void user_settled(struct broker_user *user);

#endif
