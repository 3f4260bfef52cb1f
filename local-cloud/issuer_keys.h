/* The issuer's signing keys: what it signs with, what its JWKS shows, and rotation. */
#ifndef LOCAL_CLOUD_ISSUER_KEYS_H
#define LOCAL_CLOUD_ISSUER_KEYS_H

#include <stdbool.h>

#include "base/text.h"
#include "local-cloud/switches.h"

struct error;
struct issuer_keys;
struct json_object;
struct jwks;

/* Two fresh keys: RSA 2048 (RS256) and P-256 (ES256), both in the JWKS. NULL on failure. */
struct issuer_keys *issuer_keys_new(struct error *err);
void issuer_keys_free(struct issuer_keys *keys);

/* Makes a new pair that signs from now on. The old keys stay in the JWKS when `keep_old`, else they
 * are gone and tokens signed with them are worth nothing. */
bool issuer_keys_rotate(struct issuer_keys *keys, bool keep_old, struct error *err);

/* The JWKS as text and as a set, newest first; borrowed until the next rotation. */
const char *issuer_keys_text(const struct issuer_keys *keys);
struct jwks *issuer_keys_set(const struct issuer_keys *keys);

/* A compact JWS of `claims` (taken) with the newest key for `alg`; the caller frees it. NULL on
 * failure. */
char *issuer_keys_sign(const struct issuer_keys *keys, enum switch_alg alg, const char *typ,
                       struct json_object *claims, struct error *err);

/* Checks form, header and signature of a compact JWS against a key set. On success the caller owns
 * `*out_claims`; nothing else has been checked. */
bool issued_jws_open(const struct jwks *jwks, struct slice token, struct json_object **out_claims,
                     struct error *err);

#endif
