/* The newest key that the platform handed to this process with a request. */
#include "credential/platform_credentials.h"

#include "base/error.h"
#include "base/secret.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A lock is good enough: it is taken when a key is new, about once an hour and worker, and when a
 * provider asks. */
struct platform_credentials {
    pthread_mutex_t lock;
    struct platform_key newest;
    void (*on_new)(void *arg);
    void *arg;
};

void platform_key_clear(struct platform_key *key)
{
    secret_free(key->access_key_id);
    secret_free(key->access_key_secret);
    secret_free(key->security_token);
    memset(key, 0, sizeof *key);
}

struct platform_credentials *platform_credentials_new(void (*on_new)(void *arg), void *arg,
                                                      struct error *err)
{
    struct platform_credentials *credentials = calloc(1, sizeof *credentials);

    if (credentials == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for the platform's key");
        return NULL;
    }
    pthread_mutex_init(&credentials->lock, NULL);
    credentials->on_new = on_new;
    credentials->arg = arg;
    return credentials;
}

void platform_credentials_free(struct platform_credentials *credentials)
{
    if (credentials == NULL)
        return;
    platform_key_clear(&credentials->newest);
    pthread_mutex_destroy(&credentials->lock);
    free(credentials);
}

void platform_credentials_put(struct platform_credentials *credentials, struct platform_key *key)
{
    struct platform_key dropped = *key;
    bool is_new;

    pthread_mutex_lock(&credentials->lock);
    is_new = key->received_at_ms >= credentials->newest.received_at_ms;
    if (is_new) {
        dropped = credentials->newest;
        credentials->newest = *key;
    }
    pthread_mutex_unlock(&credentials->lock);
    platform_key_clear(&dropped);
    memset(key, 0, sizeof *key);
    if (is_new)
        credentials->on_new(credentials->arg);
}

bool platform_credentials_get(struct platform_credentials *credentials,
                              struct platform_key *out_key)
{
    bool has_key;

    pthread_mutex_lock(&credentials->lock);
    has_key = credentials->newest.access_key_id != NULL;
    if (has_key) {
        const struct platform_key *newest = &credentials->newest;

        *out_key = (struct platform_key){
            secret_ref(newest->access_key_id), secret_ref(newest->access_key_secret),
            secret_ref(newest->security_token), newest->received_at_ms};
    }
    pthread_mutex_unlock(&credentials->lock);
    return has_key;
}
