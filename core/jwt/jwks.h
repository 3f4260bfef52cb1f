/* An immutable set of public keys, shared between threads by reference count. */
#ifndef SESAME_JWT_JWKS_H
#define SESAME_JWT_JWKS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct algorithm;
struct error;
struct jwk;
struct jwks;

/* Reads a JWK set (RFC 7517 section 5). Entries that are broken or have no kid are passed over; it
 * fails when no usable key is left, and says so plainly when the text is an OpenID discovery
 * document. The caller owns one reference. */
struct jwks *jwks_parse(const char *text, size_t len, struct error *err);

/* [any thread] */
struct jwks *jwks_ref(struct jwks *jwks);
void jwks_free(struct jwks *jwks); /* drops one reference; NULL is fine */

/* The key with this kid (byte for byte) that fits `algorithm`, borrowed. NULL: `*out_reason` is
 * "unknown_kid" or why the keys of that kid do not fit. */
const struct jwk *jwks_find_key(const struct jwks *jwks, struct slice kid,
                                const struct algorithm *algorithm, const char **out_reason);

size_t jwks_usable_count(const struct jwks *jwks);
bool jwks_has_usable_kid(const struct jwks *jwks, struct slice kid);

#endif
