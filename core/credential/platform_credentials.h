/* The newest key that the platform handed to this process with a request: on Function Compute each
 * request brings the execution role's temporary key in headers, while the copy in the environment
 * only ages. One for the process, on any thread. */
#ifndef SESAME_CREDENTIAL_PLATFORM_CREDENTIALS_H
#define SESAME_CREDENTIAL_PLATFORM_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

struct error;
struct platform_credentials;
struct secret;

/* One key. All zero bytes is none. */
struct platform_key {
    struct secret *access_key_id;
    struct secret *access_key_secret;
    struct secret *security_token;
    int64_t received_at_ms; /* monotonic */
};

/* Drops the references of `key` and empties it. */
void platform_key_clear(struct platform_key *key);

/* `on_new` is called on whatever thread a new key comes from. */
struct platform_credentials *platform_credentials_new(void (*on_new)(void *arg), void *arg,
                                                      struct error *err);
void platform_credentials_free(struct platform_credentials *credentials);

/* [any thread] Keeps `key`, whose references are taken, drops the one before and says so, unless
 * that was received later. */
void platform_credentials_put(struct platform_credentials *credentials, struct platform_key *key);

/* [any thread] The newest key, with references for the caller. False when none came yet. */
bool platform_credentials_get(struct platform_credentials *credentials,
                              struct platform_key *out_key);

#endif
