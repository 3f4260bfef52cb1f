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

/* A new assertion for the token endpoint, valid for ten minutes, as a secret handle of the caller;
 * 0 on failure. Header and claims are the vendor SDK's (idaas.md 2.2), no `kid` among them. */
uint64_t client_assertion_make(const struct token_provider *provider,
                               const struct assertion_key *key);

#endif
