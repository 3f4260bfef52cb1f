/* One thing the broker fetches and keeps: a token of one scope, or one API key; private to
 * core/credential. Several configured credentials may share one. */
#ifndef SESAME_CREDENTIAL_BROKER_ITEM_H
#define SESAME_CREDENTIAL_BROKER_ITEM_H

#include "base/error.h"
#include "credential/broker.h"

struct keep;
struct vault_call;

enum item_kind { ITEM_TOKEN, ITEM_API_KEY };

struct broker_want {
    struct broker_want *next;
    struct broker_client *client;
    size_t index;
};

struct broker_item {
    struct broker *broker;
    enum item_kind kind;
    char *name;                                 /* of the first credential that uses it */
    char *identifier;                           /* API keys */
    int64_t cache_ms;                           /* API keys */
    const struct credential_provider *provider; /* tokens */
    char *scope;                                /* tokens: sorted, without repeats */
    char *audience;
    char *values;

    struct credential_snapshot value;
    int64_t refresh_at_ms; /* INT64_MAX: never */

    bool is_fetching;
    bool waits_for_vault; /* an API key whose AT_p is being fetched */
    bool has_renewed_vault;
    int64_t started_at_ms;
    int64_t give_up_at_ms;
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
    struct broker_item **items; /* one per distinct thing */
    size_t item_count;
    struct broker_item **by_index; /* configured credential -> item */
    struct broker_item *vault;     /* AT_p, or NULL */
    struct broker_client *clients;
    struct keep *keep;
    struct loop_timer *timer;
    uint64_t last_generation;
};

int64_t broker_now_ms(const struct broker *broker);
int64_t broker_wall_s(const struct broker *broker);

/* A token item from a scope text "audience|value ...", or NULL. `provider` is that of a
 * credential_config; with another than 0, plain scopes are fine too. */
struct broker_item *item_new_token(struct broker *broker, const char *name, size_t provider,
                                   const char *scope, struct error *err);
struct broker_item *item_new_api_key(struct broker *broker, const char *name,
                                     const char *identifier, int64_t cache_s, struct error *err);
void item_free(struct broker_item *item);

bool item_is_usable(const struct broker_item *item);

/* Starts a fetch unless one is in flight. */
void item_fetch(struct broker_item *item);

/* Forgets the value: it is not handed out again. */
void item_drop(struct broker_item *item);

/* Does what is due: expiry, refresh, giving up, waking the keys that wait for AT_p. */
void item_run_due(struct broker_item *item);
/* When it is to be called next; in the past: at once. INT64_MAX: never. */
int64_t item_due_at_ms(const struct broker_item *item);

/* Answers those who wait for `item` and tells everybody about its present value. */
void broker_settled(struct broker *broker, struct broker_item *item);

#endif
