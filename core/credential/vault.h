/* One question to the credential vault: ObtainCredential of the IDaaS DeveloperAPI (2022-02-25). */
#ifndef SESAME_CREDENTIAL_VAULT_H
#define SESAME_CREDENTIAL_VAULT_H

#include <stdbool.h>
#include <stdint.h>

struct error;
struct http_client;
struct secret;
struct vault_call;

struct vault_request {
    const char *endpoint; /* "https://eiam-developerapi.<region>.aliyuncs.com" */
    const char *instance_id;
    const char *identifier; /* of the credential */
    struct secret *access_token;
    int64_t timeout_ms;
    int64_t wall_s; /* for the Date header */
};

/* `key` is borrowed, NULL on failure; `http_status` 0 when none came. ApiKeyNotFound when the vault
 * has no such API key. */
typedef void vault_done_fn(void *arg, struct secret *key, int http_status, const struct error *err,
                           int64_t retry_after_ms);

/* `done` follows exactly once, from the loop, unless it is cancelled. */
struct vault_call *vault_obtain(struct http_client *client, const struct vault_request *request,
                                vault_done_fn *done, void *arg, struct error *err);
void vault_call_cancel(struct vault_call *call);

/* Takes the API key out of an answer. Pure. */
struct secret *vault_read_answer(int http_status, const struct secret *answer,
                                 const char *identifier, struct error *err);

#endif
