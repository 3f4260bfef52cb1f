/* The issuer's signing keys: what it signs with, what its JWKS shows, and rotation. */
#ifndef LOCAL_CLOUD_SIGNING_KEYS_H
#define LOCAL_CLOUD_SIGNING_KEYS_H

#include <stdbool.h>

#include "base/text.h"
#include "local-cloud/switches.h"

struct error;
struct json_object;
struct signing_keys;

/* Two fresh keys: RSA 2048 (RS256) and EC P-256 (ES256), both in the JWKS. NULL on failure. */
struct signing_keys *signing_keys_new(struct error *err);
void signing_keys_free(struct signing_keys *keys);

/* The same keys at this moment, as somebody has them who pasted the JWKS. */
struct signing_keys *signing_keys_snapshot(const struct signing_keys *keys);

/* Makes a new pair that signs from now on. The old keys stay in the JWKS when `keep_old`, else they
 * are gone and tokens signed with them are worth nothing. */
bool signing_keys_rotate(struct signing_keys *keys, bool keep_old, struct error *err);

/* {"keys":[...]}, newest first; the caller owns it. */
struct json_object *signing_keys_jwks(const struct signing_keys *keys);

/* A compact JWS of `claims` (taken) with the newest key for `alg`; the caller frees it. NULL on
 * failure. */
char *signing_keys_sign(const struct signing_keys *keys, enum switch_alg alg, const char *typ,
                        struct json_object *claims, struct error *err);

/* Checks form, header and signature of a compact JWS against the keys of the set. On success the
 * caller owns `*out_claims`; nothing else has been checked. */
bool signing_keys_open(const struct signing_keys *keys, struct slice token,
                       struct json_object **out_claims, struct error *err);

#endif
