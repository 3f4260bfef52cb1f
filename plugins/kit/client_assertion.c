/* The client assertion (RFC 7523): a JWT signed with the client's secret or private key. */
#include "plugins/kit/client_assertion.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIFETIME_S 600
#define PRIVATE_KEY "/authnConfiguration/privateKeyEnvVarName"
#define PASSPHRASE "/authnConfiguration/privateKeyPassphraseEnvVarName"
#define ALGORITHM "/authnConfiguration/algorithm"

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

/* ---- private keys ---------------------------------------------------------------------------- */

/* A variable's text: what the configuration has at `pointer`, for messages. */
static void explain_variable(const struct token_provider *provider, struct sesame_text config,
                             const char *pointer, const char *before, struct sesame_text after)
{
    char *name = kit_get_string(&provider->kit, config, pointer);
    struct kit_buffer text = {0};

    kit_add(&text, before);
    kit_add(&text, name == NULL ? "" : name);
    kit_add_text(&text, after);
    if (!text.has_failed)
        provider->kit.log->explain(provider->kit.host, kit_buffer_text(&text));
    kit_clear(&text);
    free(name);
}

/* A secret from the variable that is named at `pointer`; its absence is explained. */
static int32_t read_variable(const struct token_provider *provider, struct sesame_text config,
                             const char *pointer, const char *code, uint64_t *out_secret)
{
    int32_t status =
        provider->secret->from_config(provider->kit.host, kit_text(pointer), out_secret);

    if (status != SESAME_OK)
        explain_variable(provider, config, pointer, code, kit_text(" is not set"));
    return status;
}

/* `wanted` must be among the key's algorithms; without it the key's own default holds. */
static int32_t choose_algorithm(const struct token_provider *provider, const char *wanted,
                                struct assertion_key *key, struct kit_buffer *why)
{
    const struct kit *kit = &provider->kit;
    struct sesame_text facts = {NULL, 0}, fitting = {NULL, 0};
    int32_t status = provider->sign->key_describe(kit->host, key->handle, &facts);
    char *own = kit_get_string(kit, facts, "/alg"), *quoted = NULL;
    const char *chosen = wanted != NULL ? wanted : own;
    char literal[20];

    if (status == SESAME_OK && kit_find(kit, facts, "/algs", &fitting))
        quoted = kit_copy(fitting);
    if (chosen == NULL || quoted == NULL) {
        status = SESAME_INTERNAL;
    } else {
        (void)snprintf(key->algorithm, sizeof key->algorithm, "%s", chosen);
        (void)snprintf(literal, sizeof literal, "\"%s\"", key->algorithm);
        if (strstr(quoted, literal) == NULL) {
            kit_add(why, ": the algorithm ");
            kit_add(why, key->algorithm);
            kit_add(why, " does not fit this key; expected one of ");
            kit_add(why, quoted);
            status = SESAME_BAD_INPUT;
        }
    }
    free(quoted);
    free(own);
    return status;
}

int32_t assertion_key_open(const struct token_provider *provider, uint64_t pem, uint64_t passphrase,
                           const char *wanted, struct assertion_key *out, struct kit_buffer *why)
{
    struct sesame_text reason = {NULL, 0};
    int32_t status = provider->sign->key_open(provider->kit.host, kit_text("pem"), pem, passphrase,
                                              &out->handle, &reason);

    if (status == SESAME_OK)
        return choose_algorithm(provider, wanted, out, why);
    kit_add(why, " cannot be used: ");
    kit_add_text(why, reason);
    return status;
}

int32_t assertion_key_from_config(const struct token_provider *provider, struct sesame_text config,
                                  struct assertion_key *out)
{
    const struct sesame_host *host = provider->kit.host;
    char *wanted = kit_get_string(&provider->kit, config, ALGORITHM);
    struct kit_buffer why = {0};
    struct sesame_text ignored;
    uint64_t pem = 0, passphrase = 0;
    int32_t status = read_variable(provider, config, PRIVATE_KEY, "PrivateKeyNotFound: ", &pem);

    if (status == SESAME_OK && kit_find(&provider->kit, config, PASSPHRASE, &ignored))
        status = read_variable(provider, config, PASSPHRASE,
                               "PrivateKeyPassphraseNotFound: ", &passphrase);
    if (status == SESAME_OK) {
        status = assertion_key_open(provider, pem, passphrase, wanted, out, &why);
        if (status != SESAME_OK)
            explain_variable(provider, config, PRIVATE_KEY,
                             "NotSupportedWebKey: the private key in ", kit_buffer_text(&why));
    }
    if (status == SESAME_OK && strcmp(out->algorithm, "EdDSA") == 0)
        provider->kit.log->write(host, SESAME_LOG_WARN,
                                 kit_text("the private key is an Ed25519 key: the documentation of "
                                          "IDaaS names RSA and EC keys only, it may refuse this "
                                          "one"),
                                 (struct sesame_text){NULL, 0});
    provider->secret->free(host, pem);
    provider->secret->free(host, passphrase);
    kit_clear(&why);
    free(wanted);
    return status;
}

/* ---- the assertion --------------------------------------------------------------------------- */

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

static void add_claims(const struct token_provider *provider, const struct assertion_shape *shape,
                       struct kit_buffer *claims)
{
    const struct kit *kit = &provider->kit;
    int64_t now_s = kit->clock->wall_ms(kit->host) / 1000;
    char jti[37];

    make_uuid(provider, jti);
    kit_add(claims, "{\"aud\":");
    kit_add_quoted(kit, claims, kit_text(shape->audience));
    kit_add(claims, ",\"sub\":");
    kit_add_quoted(kit, claims, kit_text(provider->client_id));
    kit_add(claims, ",\"iss\":");
    kit_add_quoted(kit, claims, kit_text(provider->client_id));
    kit_add(claims, ",\"jti\":\"");
    kit_add(claims, jti);
    kit_add(claims, "\",\"iat\":");
    kit_add_number(claims, now_s);
    kit_add(claims, ",\"exp\":");
    kit_add_number(claims, now_s + shape->lifetime_s);
    kit_add(claims, "}");
}

static void add_header(const struct kit *kit, const struct assertion_key *key,
                       const struct assertion_shape *shape, struct kit_buffer *header)
{
    kit_add(header, "{\"alg\":\"");
    kit_add(header, key->algorithm);
    kit_add(header, "\",\"typ\":\"JWT\"");
    if (shape->key_id != NULL) {
        kit_add(header, ",\"kid\":");
        kit_add_quoted(kit, header, kit_text(shape->key_id));
    }
    if (shape->certificate_thumbprint != NULL) {
        kit_add(header, ",\"x5t#S256\":");
        kit_add_quoted(kit, header, kit_text(shape->certificate_thumbprint));
    }
    kit_add(header, "}");
}

uint64_t client_assertion_make_as(const struct token_provider *provider,
                                  const struct assertion_key *key,
                                  const struct assertion_shape *shape)
{
    struct kit_buffer claims = {0}, header = {0};
    uint64_t assertion = 0;

    add_header(&provider->kit, key, shape, &header);
    add_claims(provider, shape, &claims);
    if (header.has_failed || claims.has_failed ||
        provider->sign->jws(provider->kit.host, key->handle, kit_buffer_text(&header),
                            kit_buffer_text(&claims), &assertion) != SESAME_OK)
        assertion = 0;
    kit_clear(&header);
    kit_clear(&claims);
    return assertion;
}

uint64_t client_assertion_make(const struct token_provider *provider,
                               const struct assertion_key *key)
{
    const struct assertion_shape shape = {.audience = provider->token_endpoint,
                                          .lifetime_s = LIFETIME_S};

    return client_assertion_make_as(provider, key, &shape);
}
