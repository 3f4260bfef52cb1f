/* Keeps the issuer's key set fresh: one fetch for the whole host, old keys while the issuer is
 * down.
 *
 * Lives on one loop (the owner's); everything here is for its thread. */
#ifndef SESAME_JWT_JWKS_CACHE_H
#define SESAME_JWT_JWKS_CACHE_H

#include <stdbool.h>
#include <stdint.h>

struct error;
struct http_client;
struct jwks;
struct jwks_cache;
struct loop;

struct jwks_cache_options {
    const char *url;              /* copied */
    int64_t (*now_ms)(void *arg); /* monotonic; NULL: the loop's clock */
    /* A new set, to be shared by reference, or NULL when the last one is older than 24 hours.
     * Called from the loop. */
    void (*on_change)(void *arg, struct jwks *jwks);
    /* A fetch failed; `has_keys` when older ones still serve. May be NULL. */
    void (*on_failure)(void *arg, const struct error *why, bool has_keys);
    void *arg; /* of all */
};

/* Starts the first fetch. */
struct jwks_cache *jwks_cache_new(struct loop *loop, struct http_client *client,
                                  const struct jwks_cache_options *options, struct error *err);
void jwks_cache_free(struct jwks_cache *cache);

/* A token named a kid that the present set does not have: fetches, but at most every 30 s however
 * often it is asked. Fetches that were due anyway do not count, so that keys which rotate just
 * after one are found at once. True when a fetch is under way now. */
bool jwks_cache_want_kid(struct jwks_cache *cache);

/* Does what is due at `now`: fetch anew, or give up keys that are too old. The cache's own timer
 * calls it; tests with a clock of their own call it too. */
void jwks_cache_run_due(struct jwks_cache *cache);

/* The present set, borrowed; NULL when there is none. */
struct jwks *jwks_cache_get(const struct jwks_cache *cache);

/* Why the last fetch failed, "" when it did not. Borrowed until the next turn of the loop. */
const char *jwks_cache_last_error(const struct jwks_cache *cache);

#endif
