/* The client assertion (RFC 7523): a JWT signed with the client's secret or private key. */
#include "plugins/kit/client_assertion.h"

#include <stdio.h>
#include <string.h>

#define LIFETIME_S 600

int32_t assertion_key_from_secret(const struct token_provider *provider, uint64_t client_secret,
                                  struct assertion_key *out)
{
    const struct sesame_host *host = provider->kit.host;
    struct sesame_text message = {NULL, 0};
    int32_t status =
        provider->sign->key_open(host, kit_text("hmac"), client_secret, 0, &out->handle, &message);

    if (status != SESAME_OK)
        provider->kit.log->explain(host, message);
    else
        (void)snprintf(out->algorithm, sizeof out->algorithm, "HS256");
    return status;
}

/* A random UUID, version 4 (RFC 9562). */
static void make_uuid(const struct token_provider *provider, char out[37])
{
    uint8_t b[16];

    provider->random->bytes(provider->kit.host, b, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    /* Always 36 characters. */
    (void)snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                   b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
                   b[13], b[14], b[15]);
}

static void add_claims(const struct token_provider *provider, struct kit_buffer *claims)
{
    const struct kit *kit = &provider->kit;
    int64_t now_s = kit->clock->wall_ms(kit->host) / 1000;
    char jti[37];

    make_uuid(provider, jti);
    kit_add(claims, "{\"aud\":");
    kit_add_quoted(kit, claims, kit_text(provider->token_endpoint));
    kit_add(claims, ",\"sub\":");
    kit_add_quoted(kit, claims, kit_text(provider->client_id));
    kit_add(claims, ",\"iss\":");
    kit_add_quoted(kit, claims, kit_text(provider->client_id));
    kit_add(claims, ",\"jti\":\"");
    kit_add(claims, jti);
    kit_add(claims, "\",\"iat\":");
    kit_add_number(claims, now_s);
    kit_add(claims, ",\"exp\":");
    kit_add_number(claims, now_s + LIFETIME_S);
    kit_add(claims, "}");
}

uint64_t client_assertion_make(const struct token_provider *provider,
                               const struct assertion_key *key)
{
    struct kit_buffer claims = {0}, header = {0};
    uint64_t assertion = 0;

    kit_add(&header, "{\"alg\":\"");
    kit_add(&header, key->algorithm);
    kit_add(&header, "\",\"typ\":\"JWT\"}");
    add_claims(provider, &claims);
    if (header.has_failed || claims.has_failed ||
        provider->sign->jws(provider->kit.host, key->handle, kit_buffer_text(&header),
                            kit_buffer_text(&claims), &assertion) != SESAME_OK)
        assertion = 0;
    kit_clear(&header);
    kit_clear(&claims);
    return assertion;
}
