/* Access tokens as the issuer makes them (claims of RFC 9068) and as its services check them. */
#ifndef LOCAL_CLOUD_ISSUED_TOKEN_H
#define LOCAL_CLOUD_ISSUED_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct cloud;
struct error;
struct json_object;
struct jwks;

struct token_claims {
    const char *sub;
    const char *client_id;
    const char *audience;
    const char *scope;              /* bare values */
    const char *name;               /* NULL: not sent */
    const char *preferred_username; /* NULL: not sent */
    const char *may_act;     /* the client that alone may act for the subject; NULL: not sent */
    struct json_object *act; /* who acts (RFC 8693 section 4.1); NULL: not sent */
    int64_t lifetime_s;      /* 0: the switch's */
};

/* Signs a token at `now_s`. The caller frees it; NULL on failure. `*out_expires_at_s` may be NULL.
 */
char *issued_token_make(const struct cloud *cloud, const struct token_claims *claims, int64_t now_s,
                        int64_t *out_expires_at_s, struct error *err);

/* Checks signature, issuer and times. The caller owns `*out_claims`. */
bool issued_token_open(const struct cloud *cloud, struct slice token, int64_t now_s,
                       struct json_object **out_claims, struct error *err);

/* As issued_token_open, but only the signature and the expiry count, against `jwks`: what a
 * Function Compute trigger with a pasted JWKS checks (idaas.md section 9). */
bool issued_token_open_by_keys(const struct jwks *jwks, struct slice token, int64_t now_s,
                               struct json_object **out_claims, struct error *err);

/* "aud" is `audience`, or an array that holds it. */
bool issued_token_is_for(struct json_object *claims, const char *audience);
bool issued_token_has_scope(struct json_object *claims, const char *value);

#endif
