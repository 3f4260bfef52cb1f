/* The client assertion of CLIENT_SECRET_JWT: HS256 over the claims the vendor's SDK sends. */
#include "client_secret.h"

#include <stdio.h>

#define LIFETIME_S 600

/* A random UUID, version 4 (RFC 9562). */
static void make_uuid(struct sesame_instance *instance, char out[37])
{
    uint8_t b[16];

    instance->random->bytes(instance->kit.host, b, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    /* Always 36 characters. */
    (void)snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                   b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
                   b[13], b[14], b[15]);
}

uint64_t assertion_make(struct sesame_instance *instance)
{
    const struct kit *kit = &instance->kit;
    int64_t now_s = kit->clock->wall_ms(kit->host) / 1000;
    struct kit_buffer claims = {0};
    uint64_t assertion = 0;
    char jti[37];

    make_uuid(instance, jti);
    kit_add(&claims, "{\"aud\":");
    kit_add_quoted(kit, &claims, kit_text(instance->token_endpoint));
    kit_add(&claims, ",\"sub\":");
    kit_add_quoted(kit, &claims, kit_text(instance->client_id));
    kit_add(&claims, ",\"iss\":");
    kit_add_quoted(kit, &claims, kit_text(instance->client_id));
    kit_add(&claims, ",\"jti\":\"");
    kit_add(&claims, jti);
    kit_add(&claims, "\",\"iat\":");
    kit_add_number(&claims, now_s);
    kit_add(&claims, ",\"exp\":");
    kit_add_number(&claims, now_s + LIFETIME_S);
    kit_add(&claims, "}");
    if (claims.has_failed || instance->sign->jws(kit->host, instance->key,
                                                 kit_text("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"),
                                                 kit_buffer_text(&claims), &assertion) != SESAME_OK)
        assertion = 0;
    kit_clear(&claims);
    return assertion;
}
