/* One public key of a JWK set (RFC 7517, RFC 7518 section 6, RFC 8037). */
#ifndef SESAME_JWT_JWK_H
#define SESAME_JWT_JWK_H

#include <stdbool.h>

#include "base/text.h"
#include "jwt/algorithm.h"

struct error;
struct evp_md_ctx_st;
struct evp_pkey_st;
struct jws;

struct jwk {
    char *kid;
    size_t kid_len; /* a kid may hold NUL */
    enum key_type type;
    char curve[16];                 /* JOSE name; "" for RSA */
    char alg[16];                   /* what the key says it is for; "" when it says nothing */
    bool is_for_verifying;          /* by "use" and "key_ops" */
    const char *unusable;           /* why it cannot be used, as "weak_key"; NULL when it can */
    struct evp_pkey_st *public_key; /* NULL when it cannot be used */
    /* What the key is most likely asked for, prepared; NULL for none. */
    const struct algorithm *usual_algorithm;
    struct evp_md_ctx_st *usual_verification;
};

/* Reads one JWK object (checked JSON text). False when it has no kid or is no object: such an entry
 * is passed over. A key that we cannot use is kept with the reason, so that its kid is known and
 * does not cause a fetch. Private members are ignored. */
bool jwk_read(struct slice json, struct jwk *out);
void jwk_clear(struct jwk *key);

/* The reason why `key` does not fit `algorithm`, or NULL when it does. Static text. */
const char *jwk_mismatch(const struct jwk *key, const struct algorithm *algorithm);

/* jws_verify with this key, which fits `algorithm`. [any thread] */
bool jwk_verify(const struct jwk *key, const struct algorithm *algorithm, const struct jws *jws);

#endif
