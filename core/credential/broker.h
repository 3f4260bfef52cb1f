/* Gets every credential the host needs, once for all workers, and keeps it fresh: for the agent
 * itself, and on demand for users, each of whom has values of his own.
 *
 * Lives on the owner's loop. A fetch belongs to no single turn: it goes on when a client hangs up,
 * and however many ask, there is one in flight for each token or key. Tokens are refreshed in the
 * background from half of their lifetime on and never handed out within min(10 s, lifetime / 2) of
 * their expiry; a refusal is remembered for 1 s, growing to 60 s. When locked memory is full the
 * least recently used value is evicted and fetched again when somebody wants it. */
#ifndef SESAME_CREDENTIAL_BROKER_H
#define SESAME_CREDENTIAL_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "credential/provider.h"

struct broker;
struct credential_config;
struct error;
struct http_client;
struct kept;
struct loop;
struct subject;
struct token_binding;

/* One fetch that ended, for audit and metrics. Texts are borrowed for the call. */
struct credential_event {
    const char *credential; /* its name in the configuration; "vault" for AT_p */
    const char *kind;       /* "access-token" or "api-key" */
    const char *audience;
    const char *scope;
    const struct subject *subject; /* the user it was fetched for, or NULL: the agent itself */
    const char *outcome;           /* "ok", "refused", "failed" */
    const char *reason;            /* "" when ok: the error's name, else its message; no secret */
    const char *fingerprint;       /* of the new value, "" when there is none */
    int64_t duration_ms;
    int64_t expires_in_s; /* -1: unknown */
};

struct broker_options {
    const struct credential_config *credentials; /* borrowed for the broker's lifetime */
    size_t credential_count;
    struct credential_provider provider; /* the IDaaS file's: credential_config.provider 0 */
    const struct credential_provider *more_providers; /* 1 and on; borrowed as the credentials */
    const char *developer_api_endpoint; /* "https://host"; "" when no credential is an API key */
    const char *instance_id;
    const char *vault_scope;      /* for AT_p */
    const char *user_vault_scope; /* for a user's AT_p; NULL when no credential is a user's */
    size_t user_max_count;        /* kept at once, the least recently used go; 0: 1,000 */
    int64_t fetch_timeout_ms;     /* of a fetch as a whole; 0: 20,000 */
    int64_t vault_timeout_ms;     /* of one question to the vault; 0: what is left of the fetch */
    int64_t (*now_ms)(void *arg); /* monotonic; NULL: the clock */
    int64_t (*wall_s)(void *arg); /* NULL: the clock */
    void *clock_arg;
    void (*on_event)(void *arg, const struct credential_event *event); /* may be NULL */
    /* After each fetch: whether `credential` can be served now, and why the fetch failed, NULL when
     * it did not. May be NULL. */
    void (*on_state)(void *arg, const char *credential, bool is_ready, const struct error *why);
    void *arg;
};

struct broker *broker_new(struct loop *loop, struct http_client *client,
                          const struct broker_options *options, struct error *err);

/* Fetches everything once, so that the first turn finds it. */
void broker_start(struct broker *broker);

/* All credential clients must be gone. */
void broker_free(struct broker *broker);

/* Does what is due now: refresh, expiry. The broker's own timer calls it; tests with a clock of
 * their own do too. */
void broker_run_due(struct broker *broker);

/* ---- for credential_client ------------------------------------------------------------------ */

/* A value at one moment, shared by reference counts. It may be evicted at any time (keep.h). */
struct credential_snapshot {
    struct kept *kept; /* NULL: none */
    struct token_binding *binding;
    uint64_t generation; /* of this value; never 0 with one */
    int64_t usable_until_ms;
};

/* Takes references of its own, for the copy; drops those of the snapshot, whose generation stays.
 */
void credential_snapshot_copy(struct credential_snapshot *out,
                              const struct credential_snapshot *snapshot);
void credential_snapshot_clear(struct credential_snapshot *snapshot);

/* One receiver of snapshots, on whatever thread; counted by reference. */
struct broker_client {
    struct broker_client *next;
    /* [owner thread] With `wait_id` 0 for everybody who waits for this credential as the agent
     * itself: a new snapshot or, with `err`, the failure that answers them. Else the answer to that
     * one wait. Takes references of its own. False: it is gone, forget it. */
    bool (*on_snapshot)(struct broker_client *client, size_t index, uint64_t wait_id,
                        const struct credential_snapshot *snapshot, const struct error *err);
    void (*release)(struct broker_client *client); /* drops the broker's reference */
};

/* [owner thread] Takes a reference; the client gets all present snapshots at once. */
void broker_add_client(struct broker *broker, struct broker_client *client);

/* [owner thread] Somebody at `client` waits, as the agent itself (`subject` NULL, `wait_id` 0) or
 * for a user: answered through on_snapshot, now or when the fetch ends. Takes a reference of
 * `client`. */
void broker_want(struct broker *broker, struct broker_client *client, size_t index,
                 struct subject *subject, uint64_t wait_id);

/* [owner thread] The peer refused generation `generation` of this credential: it is dropped and
 * fetched anew (for a user: when it is wanted again), unless it is another one by now or was
 * fetched for this reason moments ago. */
void broker_invalidate(struct broker *broker, size_t index, struct subject *subject,
                       uint64_t generation);

/* [owner thread] What providers prove the agent with is new: what failed so far for the agent
 * itself is fetched again now, whatever pause was due. */
void broker_retry_failed(struct broker *broker);

struct loop *broker_loop(const struct broker *broker);
const struct credential_config *broker_credentials(const struct broker *broker, size_t *out_count);

#endif
