/* Looks into an OIDC token far enough to say when it expires. */
#include "token_expiry.h"

#include <stdlib.h>
#include <string.h>

#define CLAIMS_MAX_BYTES 16384

/* 64 for a character that is none of the alphabet (RFC 4648 section 5). */
static unsigned value_of(char c)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *at = c == '\0' ? NULL : strchr(alphabet, c);

    return at == NULL ? 64 : (unsigned)(at - alphabet);
}

/* Without padding, as in a JWS. `out` holds len * 3 / 4 bytes. */
static bool decode(struct sesame_text text, char *out, size_t *out_len)
{
    unsigned bits = 0;
    size_t used = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned value = value_of(text.data[i]);

        if (value == 64)
            return false;
        bits = (bits & 0xffff) << 6 | value;
        /* The first character of a group of four completes no byte. */
        if (i % 4 != 0)
            out[used++] = (char)(bits >> (6 - 2 * (i % 4)) & 0xff);
    }
    *out_len = used;
    return text.len % 4 != 1;
}

static bool split(struct sesame_text token, struct sesame_text parts[3])
{
    for (int i = 0; i < 3; i++) {
        const char *dot = i < 2 ? memchr(token.data, '.', token.len) : token.data + token.len;

        if (dot == NULL || dot == token.data)
            return false;
        parts[i] = (struct sesame_text){token.data, (size_t)(dot - token.data)};
        for (size_t c = 0; c < parts[i].len; c++)
            if (value_of(parts[i].data[c]) == 64)
                return false;
        if (i < 2)
            token = (struct sesame_text){dot + 1, token.len - parts[i].len - 1};
    }
    return true;
}

/* Through the host's strict reader, which takes secrets only. */
static int64_t read_exp(const struct token_provider *provider, struct sesame_text claims)
{
    const struct sesame_host *host = provider->kit.host;
    uint64_t json = 0;
    int64_t expires_at_s = -1;
    char raw[24];
    size_t len = 0;

    if (provider->secret->create(host, claims, &json) != SESAME_OK)
        return -1;
    if (provider->secret->json_read(host, json, kit_text("/exp"), raw, sizeof raw, &len) !=
            SESAME_OK ||
        !kit_parse_int((struct sesame_text){raw, len}, &expires_at_s))
        expires_at_s = -1;
    provider->secret->free(host, json);
    return expires_at_s;
}

bool token_expiry_read(const struct token_provider *provider, uint64_t token,
                       int64_t *out_expires_at_s)
{
    struct sesame_text text, parts[3];
    char *claims;
    size_t len = 0;

    *out_expires_at_s = -1;
    if (provider->secret->borrow(provider->kit.host, token, &text) != SESAME_OK ||
        !split(text, parts))
        return false;
    if (parts[1].len > CLAIMS_MAX_BYTES || (claims = malloc(parts[1].len)) == NULL)
        return true;
    if (decode(parts[1], claims, &len))
        *out_expires_at_s = read_exp(provider, (struct sesame_text){claims, len});
    explicit_bzero(claims, parts[1].len);
    free(claims);
    return true;
}
