/* What the broker asks for tokens: a table that the plugin module (or a test) fills in. */
#ifndef SESAME_CREDENTIAL_PROVIDER_PORT_H
#define SESAME_CREDENTIAL_PROVIDER_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct error;
struct secret;
struct token_binding;

/* Borrowed for the call of `fetch`. */
struct token_request {
    struct slice scope;     /* "audience|value audience|value", sorted, without repeats */
    struct slice audience;  /* the part before the bar */
    struct slice values;    /* the parts behind it, blank-separated */
    struct secret *subject; /* the user's token, or NULL: act as the agent */
    int64_t deadline_ms;    /* monotonic */
};

/* Times are -1 when the answer did not say. Borrowed; take references of token and binding. */
struct token_answer {
    struct secret *token;
    int64_t expires_in_s;
    int64_t expires_at_s;          /* wall clock, seconds since 1970 */
    struct token_binding *binding; /* NULL: a bearer token */
};

/* `answer` NULL: `err` says why, and `retry_after_ms` is what the server asked for, or -1. A
 * refusal that asking again will not change is ERROR_DENIED or ERROR_BAD_INPUT. */
typedef void token_done_fn(void *arg, const struct token_answer *answer, const struct error *err,
                           int64_t retry_after_ms);

struct token_fetch; /* the provider's own */

struct credential_provider {
    /* Starts a fetch; `done` follows exactly once, from the loop, unless it is cancelled. NULL:
     * nothing follows and `err` is set. On the broker's thread. */
    struct token_fetch *(*fetch)(void *arg, const struct token_request *request,
                                 token_done_fn *done, void *done_arg, struct error *err);
    /* `done` is not called any more. */
    void (*cancel)(void *arg, struct token_fetch *fetch);
    void *arg;
};

#endif
