/* When a token that is a JWT expires, by its own word. */
#ifndef SESAME_PLUGINS_KIT_JWT_EXPIRY_H
#define SESAME_PLUGINS_KIT_JWT_EXPIRY_H

#include "plugins/kit/kit.h"

/* The whole seconds of "exp" in the claims of the JWT that `token` (a secret handle) holds, or -1
 * when it is no JWT or says nothing. Nothing is verified: it is about when to fetch a new one. */
int64_t jwt_expiry_s(const struct kit *kit, const struct sesame_secret_v1 *secret, uint64_t token);

#endif
