/* Looks into an OIDC token far enough to say when it expires. */
#ifndef FEDERATED_OIDC_TOKEN_EXPIRY_H
#define FEDERATED_OIDC_TOKEN_EXPIRY_H

#include "plugins/kit/token_provider.h"

/* Whether the secret is three parts of base64url with dots between them (RFC 7515 section 7.1); if
 * so its `exp` in seconds since 1970, -1 when it names none that can be read. */
bool token_expiry_read(const struct token_provider *provider, uint64_t token,
                       int64_t *out_expires_at_s);

#endif
