/* Credentials as one worker sees them: the broker's snapshots at hand; a user's are asked for, so
 * that none of them stays with the worker.
 *
 * One per loop (each worker, and each plugin thread); everything is for that loop's thread. */
#ifndef SESAME_CREDENTIAL_CREDENTIAL_CLIENT_H
#define SESAME_CREDENTIAL_CREDENTIAL_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct broker;
struct credential_client;
struct credential_config;
struct credential_wait;
struct error;
struct loop;
struct secret;
struct subject;
struct token_binding;

/* Borrowed for the callback; take references to keep it. */
struct credential {
    struct secret *secret;
    const struct credential_config *config;
    uint64_t generation;
    struct token_binding *binding; /* NULL: a bearer token or a key */
};

/* Registers with the broker by message. */
struct credential_client *credential_client_new(struct broker *broker, struct loop *loop,
                                                struct error *err);
/* Waits that are open are never answered. The broker lets go of it by message, so that both loops
 * must still run (or be run once more) before the broker is freed. */
void credential_client_free(struct credential_client *client);

/* The configuration of a credential, or NULL. */
const struct credential_config *credential_find(const struct credential_client *client,
                                                struct slice name);

/* Whether `url` belongs to an origin on the credential's list. The error names both. */
bool credential_allows_url(const struct credential_config *config, struct slice url,
                           struct error *err);

/* `on_ready` gets the credential or, with NULL, the reason. It is called inside this call when the
 * snapshot is at hand, and NULL is returned then; else later, on this loop. `subject` is the user
 * on whose behalf, which counts for a credential of IDENTITY_USER only and is needed there; a
 * reference is taken. `deadline_ms` is monotonic; 0: none. */
struct credential_wait *credential_get(
    struct credential_client *client, const struct credential_config *config,
    struct subject *subject, int64_t deadline_ms,
    void (*on_ready)(void *arg, const struct credential *credential, const struct error *err),
    void *arg);
/* `on_ready` is not called any more. NULL is fine. */
void credential_wait_cancel(struct credential_wait *wait);

/* The peer answered 401 to this generation: the next get waits for a new one. */
void credential_report_unauthorized(struct credential_client *client,
                                    const struct credential_config *config, struct subject *subject,
                                    uint64_t generation);

#endif
