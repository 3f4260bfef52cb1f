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

/* The second of three parts. */
static bool find_claims(struct sesame_text token, struct sesame_text *out)
{
    const char *end = token.data + token.len;
    const char *first = memchr(token.data, '.', token.len);
    const char *second = first == NULL ? NULL : memchr(first + 1, '.', (size_t)(end - first - 1));

    if (second == NULL || memchr(second + 1, '.', (size_t)(end - second - 1)) != NULL)
        return false;
    *out = (struct sesame_text){first + 1, (size_t)(second - first - 1)};
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

int64_t jwt_expiry_s(const struct kit *kit, const struct sesame_secret_v1 *secret, uint64_t token)
{
    struct sesame_text text, part;
    int64_t exp = -1;
    size_t len = 0;
    char *claims;

    if (secret->borrow(kit->host, token, &text) != SESAME_OK || text.len == 0 ||
        !find_claims(text, &part) || (claims = calloc(1, CLAIMS_MAX_BYTES)) == NULL)
        return -1;
    if (decode(part, claims, CLAIMS_MAX_BYTES, &len))
        exp = read_exp(kit, (struct sesame_text){claims, len});
    /* Claims may be personal. */
    explicit_bzero(claims, CLAIMS_MAX_BYTES);
    free(claims);
    return exp;
}
