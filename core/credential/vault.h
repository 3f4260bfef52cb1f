/* One question to the credential vault, the IDaaS DeveloperAPI (2022-02-25): an API key
 * (ObtainCredential), an OAuth token of somebody else's server (FetchOAuthAuthenticationToken) or a
 * JWT (GenerateJwtAuthenticationToken). */
#ifndef SESAME_CREDENTIAL_VAULT_H
#define SESAME_CREDENTIAL_VAULT_H

#include <stdbool.h>
#include <stdint.h>

struct error;
struct http_client;
struct secret;
struct vault_call;

enum vault_question { VAULT_API_KEY, VAULT_OAUTH_TOKEN, VAULT_JWT };

/* Texts may be NULL where they do not apply. */
struct vault_request {
    enum vault_question question;
    const char *endpoint; /* "https://eiam-developerapi.<region>.aliyuncs.com" */
    const char *instance_id;
    const char *identifier;   /* of the key, or of the credential provider there */
    const char *scope;        /* OAuth token: blank-separated; "" for none */
    const char *request_json; /* the last two: more members of the request, an object */
    const char *user;         /* JWT: the "subject" when request_json names none */
    struct secret *access_token;
    int64_t timeout_ms;
    int64_t wall_s; /* for the Date header */
};

/* Borrowed for the callback. */
struct vault_answer {
    struct secret *value;
    int64_t expires_at_s; /* wall clock; -1: not said */
};

/* `answer` is NULL on failure; `http_status` 0 when none came. The names of what is wrong:
 * ApiKeyNotFound when the vault has no such API key, ConsentRequired when the user must first
 * consent, with the link in the message. */
typedef void vault_done_fn(void *arg, const struct vault_answer *answer, int http_status,
                           const struct error *err, int64_t retry_after_ms);

/* `done` follows exactly once, from the loop, unless it is cancelled. */
struct vault_call *vault_ask(struct http_client *client, const struct vault_request *request,
                             vault_done_fn *done, void *arg, struct error *err);
void vault_call_cancel(struct vault_call *call);

/* The link of a ConsentRequired; false for any other failure. */
#define VAULT_LINK_SIZE 400
bool vault_consent_link(const struct error *err, char out[VAULT_LINK_SIZE]);

#endif
