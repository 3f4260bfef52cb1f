/* Whether an access token opens this agent (RFC 9068 section 4, RFC 8725 section 3). */
#ifndef SESAME_JWT_ACCESS_TOKEN_H
#define SESAME_JWT_ACCESS_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct jwks;

/* Borrowed while checks run; shared read-only between threads. */
struct access_token_policy {
    const char *issuer;   /* exact text, no normalisation */
    const char *audience; /* one of the token's must equal it */
    const char *scope;    /* one of the token's blank-separated values must equal it */
    int64_t leeway_s;
    bool requires_typ;             /* "at+jwt" must be there */
    bool requires_sub;             /* on behalf of a user */
    const char *const *algorithms; /* allowed ones, NULL-terminated; NULL: all asymmetric ones */
};

/* What a good token says. Owned strings, never NULL, "" when the token says nothing. */
struct access_token_claims {
    char *sub;
    char *client_id;
    char *jti;
    char *actors; /* JSON array: who acted for the user before us, the latest first ("act") */
    int64_t expires_at_s;
};

enum access_verdict {
    ACCESS_GRANTED,
    ACCESS_INVALID,           /* 401 invalid_token */
    ACCESS_UNKNOWN_KID,       /* 401, but the key set may have changed: fetch and try again once */
    ACCESS_SCOPE_INSUFFICIENT /* 403 insufficient_scope */
};

#define ACCESS_TOKEN_MAX_BYTES 16384

/* Checks in the order of cost: size, form, header, key, signature, claims. `*out_reason` is a short
 * static code such as "expired" for logs and tests. `out_claims` is set only when granted; clear it
 * then. Causes no request whatever the token's header names. [any thread] */
enum access_verdict access_token_check(const struct access_token_policy *policy,
                                       const struct jwks *jwks, struct slice token, int64_t now_s,
                                       struct access_token_claims *out_claims,
                                       const char **out_reason);

void access_token_claims_clear(struct access_token_claims *claims);

#endif
