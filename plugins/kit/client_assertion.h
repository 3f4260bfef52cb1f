/* The client assertion (RFC 7523): a JWT signed with the client's secret or private key. */
#ifndef SESAME_PLUGINS_KIT_CLIENT_ASSERTION_H
#define SESAME_PLUGINS_KIT_CLIENT_ASSERTION_H

#include "plugins/kit/token_provider.h"

#define ASSERTION_JWT_BEARER "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

struct assertion_key {
    uint64_t handle;    /* of sesame.sign/1; the host frees it with the instance */
    char algorithm[12]; /* "RS256" */
};

/* The client secret's bytes as an HS256 key. On failure a status, explained. */
int32_t assertion_key_from_secret(const struct token_provider *provider, uint64_t client_secret,
                                  struct assertion_key *out);

/* The members of authnConfiguration by which assertion_key_from_config finds its key, for a
 * provider's schema. */
#define ASSERTION_KEY_PROPERTIES                                                            \
    "\"privateKeyEnvVarName\":{\"type\":\"string\",\"minLength\":1,\"x-secret\":\"env\"},"  \
    "\"privateKeyPassphraseEnvVarName\":{\"type\":\"string\",\"minLength\":1,"              \
    "\"x-secret\":\"env\"},"                                                                \
    "\"algorithm\":{\"enum\":[\"RS256\",\"RS384\",\"RS512\",\"PS256\",\"PS384\",\"PS512\"," \
    "\"ES256\",\"ES384\",\"ES512\",\"EdDSA\"]}"

/* The private key in the variable that privateKeyEnvVarName names. Which algorithm: "algorithm",
 * else by the key as the newest SDK does (idaas.md 2.3). On failure a status, explained with the
 * name of the variable and what was found in it. */
int32_t assertion_key_from_config(const struct token_provider *provider, struct sesame_text config,
                                  struct assertion_key *out);

/* The private key in `pem` (secret handles; `passphrase` may be 0). `wanted` is an algorithm that
 * must fit it, NULL for the key's own. On failure a status, and `why` goes on after the name of the
 * place where the key was found: " cannot be used: ..." */
int32_t assertion_key_open(const struct token_provider *provider, uint64_t pem, uint64_t passphrase,
                           const char *wanted, struct assertion_key *out, struct kit_buffer *why);

/* What an assertion says besides who and when. */
struct assertion_shape {
    const char *audience;
    const char *key_id;                 /* "kid", or NULL */
    const char *certificate_thumbprint; /* "x5t#S256", or NULL */
    int64_t lifetime_s;
};
/* A new assertion, as a secret handle of the caller; 0 on failure. */
uint64_t client_assertion_make_as(const struct token_provider *provider,
                                  const struct assertion_key *key,
                                  const struct assertion_shape *shape);

/* The same for IDaaS: for the token endpoint, valid for ten minutes. Header and claims are the
 * vendor SDK's (idaas.md 2.2), no `kid` among them. */
uint64_t client_assertion_make(const struct token_provider *provider,
                               const struct assertion_key *key);

#endif
