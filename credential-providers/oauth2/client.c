/* How the client authenticates at the token endpoint. */
#include "oauth2.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT_SECRET "/authentication/client_secret"
#define PRIVATE_KEY "/authentication/private_key"
#define PASSPHRASE "/authentication/passphrase"
#define ASSERTION_LIFETIME_S 120

/* RFC 6749 section 2.3.1: both halves are form-encoded before they are joined. */
static bool prove_by_basic(const struct sesame_instance *instance, struct client_proof *out,
                           struct kit_buffer *why)
{
    const struct token_provider *provider = &instance->provider;
    struct sesame_secret_part part = {.encoding = SESAME_PART_PERCENT};
    struct kit_buffer id = {0};
    uint64_t secret = 0;
    bool ok = secret_read(instance, CLIENT_SECRET, &secret, why);

    if (!ok)
        return false;
    part.secret = secret;
    kit_add_percent(&id, kit_text(provider->client_id));
    ok = !id.has_failed &&
         provider->secret->join(provider->kit.host, &part, 1, &out->secret) == SESAME_OK;
    out->encoded_id = id.data;
    if (ok)
        client_auth_set_basic(&out->auth, out->encoded_id, out->secret);
    else
        kit_add(why, "the client secret cannot be encoded");
    provider->secret->free(provider->kit.host, secret);
    return ok;
}

static bool prove_by_post(const struct sesame_instance *instance, struct client_proof *out,
                          struct kit_buffer *why)
{
    if (!secret_read(instance, CLIENT_SECRET, &out->secret, why))
        return false;
    client_auth_add_secret(&out->auth, "client_secret", out->secret);
    return true;
}

static bool open_shared_key(const struct sesame_instance *instance, struct assertion_key *out,
                            struct kit_buffer *why)
{
    const struct token_provider *provider = &instance->provider;
    uint64_t secret = 0;
    int32_t status;

    if (!secret_read(instance, CLIENT_SECRET, &secret, why))
        return false;
    status = assertion_key_from_secret(provider, secret, out);
    provider->secret->free(provider->kit.host, secret);
    if (status == SESAME_OK && instance->algorithm != NULL)
        (void)snprintf(out->algorithm, sizeof out->algorithm, "%s", instance->algorithm);
    if (status != SESAME_OK)
        kit_add(why, "the client secret cannot sign");
    return status == SESAME_OK;
}

static bool prove_by_assertion(const struct sesame_instance *instance, struct client_proof *out,
                               struct kit_buffer *why)
{
    const struct token_provider *provider = &instance->provider;
    const struct assertion_shape shape = {
        .audience = instance->assertion_audience != NULL ? instance->assertion_audience
                    : instance->issuer != NULL           ? instance->issuer
                                                         : provider->token_endpoint,
        .key_id = instance->key_id,
        .certificate_thumbprint = instance->certificate_thumbprint,
        .lifetime_s = ASSERTION_LIFETIME_S,
    };
    struct assertion_key key = {.handle = 0};

    if (instance->method == AUTH_SECRET_JWT
            ? !open_shared_key(instance, &key, why)
            : !key_read(instance, PRIVATE_KEY, PASSPHRASE, instance->algorithm, &key, why))
        return false;
    out->secret = client_assertion_make_as(provider, &key, &shape);
    provider->sign->key_free(provider->kit.host, key.handle);
    if (out->secret == 0) {
        kit_add(why, "the client assertion cannot be signed");
        return false;
    }
    client_auth_add(&out->auth, "client_assertion_type", ASSERTION_JWT_BEARER);
    client_auth_add_secret(&out->auth, "client_assertion", out->secret);
    return true;
}

bool client_prove(const struct sesame_instance *instance, struct client_proof *out,
                  struct kit_buffer *why)
{
    memset(out, 0, sizeof *out);
    if (instance->method != AUTH_SECRET_BASIC)
        client_auth_add(&out->auth, "client_id", instance->provider.client_id);
    switch (instance->method) {
    case AUTH_SECRET_BASIC:
        return prove_by_basic(instance, out, why);
    case AUTH_SECRET_POST:
        return prove_by_post(instance, out, why);
    case AUTH_SECRET_JWT:
    case AUTH_PRIVATE_KEY_JWT:
        return prove_by_assertion(instance, out, why);
    case AUTH_TLS: /* the connection is the proof */
    case AUTH_NONE:
        break;
    }
    return true;
}

void client_proof_drop(const struct sesame_instance *instance, struct client_proof *proof)
{
    const struct token_provider *provider = &instance->provider;

    provider->secret->free(provider->kit.host, proof->secret);
    free(proof->encoded_id);
}
