/* When a token that is a JWT expires, by its own word. */
#ifndef SESAME_PLUGINS_KIT_JWT_EXPIRY_H
#define SESAME_PLUGINS_KIT_JWT_EXPIRY_H

#include "plugins/kit/kit.h"

/* Whether the secret is three parts of base64url with dots between them (RFC 7515 section 7.1); if
 * so the whole seconds of its `exp`, -1 when it names none that can be read. Nothing is verified:
 * it is about when to fetch a new one. */
bool jwt_expiry_read(const struct kit *kit, const struct sesame_secret_v1 *secret, uint64_t token,
                     int64_t *out_expires_at_s);

#endif
