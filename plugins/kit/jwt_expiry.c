/* When a token that is a JWT expires, by its own word. */
#include "plugins/kit/jwt_expiry.h"

#include <stdlib.h>
#include <string.h>

#define CLAIMS_MAX_BYTES 16384
#define JSON_DEPTH 32

/* The value of a letter of base64url (RFC 4648 section 5), or -1. */
static int letter_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* False for a foreign letter, and for more than `out` holds. */
static bool decode(struct sesame_text text, char *out, size_t capacity, size_t *out_len)
{
    unsigned bits = 0, bit_count = 0;
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        int value = letter_value(text.data[i]);

        if (value < 0)
            return false;
        bits = (bits << 6 | (unsigned)value) & 0xffff;
        bit_count += 6;
        if (bit_count < 8)
            continue;
        bit_count -= 8;
        if (len == capacity)
            return false;
        out[len++] = (char)(bits >> bit_count & 0xff);
    }
    *out_len = len;
    return true;
}

static bool split(struct sesame_text token, struct sesame_text parts[3])
{
    for (int i = 0; i < 3; i++) {
        const char *dot = i < 2 ? memchr(token.data, '.', token.len) : token.data + token.len;

        if (dot == NULL || dot == token.data)
            return false;
        parts[i] = (struct sesame_text){token.data, (size_t)(dot - token.data)};
        for (size_t c = 0; c < parts[i].len; c++)
            if (letter_value(parts[i].data[c]) < 0)
                return false;
        if (i < 2)
            token = (struct sesame_text){dot + 1, token.len - parts[i].len - 1};
    }
    return true;
}

/* "exp" is a NumericDate: it may have a fraction (RFC 7519 section 2). */
static int64_t read_exp(const struct kit *kit, struct sesame_text claims)
{
    struct sesame_text message, value;
    int64_t exp = -1;
    const char *dot;

    if (kit->json->check(kit->host, claims, JSON_DEPTH, &message) != SESAME_OK ||
        !kit_find(kit, claims, "/exp", &value))
        return -1;
    dot = memchr(value.data, '.', value.len);
    if (dot != NULL)
        value.len = (size_t)(dot - value.data);
    return kit_parse_int(value, &exp) && exp >= 0 ? exp : -1;
}

bool jwt_expiry_read(const struct kit *kit, const struct sesame_secret_v1 *secret, uint64_t token,
                     int64_t *out_expires_at_s)
{
    struct sesame_text text, parts[3];
    size_t len = 0;
    char *claims;

    *out_expires_at_s = -1;
    if (secret->borrow(kit->host, token, &text) != SESAME_OK || text.len == 0 ||
        !split(text, parts))
        return false;
    claims = calloc(1, CLAIMS_MAX_BYTES);
    if (claims == NULL)
        return true;
    if (decode(parts[1], claims, CLAIMS_MAX_BYTES, &len))
        *out_expires_at_s = read_exp(kit, (struct sesame_text){claims, len});
    /* Claims may be personal. */
    explicit_bzero(claims, CLAIMS_MAX_BYTES);
    free(claims);
    return true;
}
