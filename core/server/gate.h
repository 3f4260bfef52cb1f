/* Lets a request in or says why not: AT_u checked with the key set at hand (idaas.md section 7). */
#ifndef SESAME_SERVER_GATE_H
#define SESAME_SERVER_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jwt/access_token.h"

struct error;
struct gate;
struct gate_wait;
struct jwks;
struct loop;
struct secret;

struct gate_options {
    struct access_token_policy policy; /* borrowed texts */
    /* Asks the owner for a newer key set: a token named a kid we do not have, or there is none at
     * all. [worker] */
    void (*want_keys)(void *arg);
    void *arg;
};

struct gate_verdict {
    int status;                               /* 200: come in; 401, 403, 503 */
    const struct access_token_claims *claims; /* borrowed for the call; with 200 */
    struct slice token;                       /* the same */
    const char *reason;                       /* static, for audit and metrics; "" with 200 */
    const char *challenge;                    /* WWW-Authenticate, with 401 and 403 */
    const char *code;
    const char *message;
};

struct gate *gate_new(struct loop *loop, const struct gate_options *options, struct error *err);
void gate_free(struct gate *gate);

/* The owner has a new key set, or NULL; takes a reference. Tokens that waited are checked again. */
void gate_set_keys(struct gate *gate, struct jwks *jwks);

/* `authorization` is the header's value, NULL when it was not sent; `count` how often. The verdict
 * is given inside this call and NULL returned, unless keys must be fetched first: then within some
 * seconds, from the loop. */
struct gate_wait *gate_check(struct gate *gate, struct secret *authorization, size_t count,
                             void (*on_verdict)(void *arg, const struct gate_verdict *verdict),
                             void *arg);
void gate_wait_cancel(struct gate_wait *wait);

#endif
