/* The JWS algorithms (RFC 7518 section 3, RFC 8037) and what each asks of a key. */
#include "jwt/algorithm.h"

static const struct algorithm algorithms[] = {
    {"RS256", KEY_RSA, "SHA256", NULL, 0, 0},    {"RS384", KEY_RSA, "SHA384", NULL, 0, 0},
    {"RS512", KEY_RSA, "SHA512", NULL, 0, 0},    {"PS256", KEY_RSA, "SHA256", NULL, 0, 1},
    {"PS384", KEY_RSA, "SHA384", NULL, 0, 1},    {"PS512", KEY_RSA, "SHA512", NULL, 0, 1},
    {"ES256", KEY_EC, "SHA256", "P-256", 32, 0}, {"ES384", KEY_EC, "SHA384", "P-384", 48, 0},
    {"ES512", KEY_EC, "SHA512", "P-521", 66, 0}, {"EdDSA", KEY_OKP, NULL, "Ed25519", 0, 0},
    {"HS256", KEY_OCT, "SHA256", NULL, 0, 0},    {"HS384", KEY_OCT, "SHA384", NULL, 0, 0},
    {"HS512", KEY_OCT, "SHA512", NULL, 0, 0},
};

const struct algorithm *algorithm_find(struct slice name)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++)
        if (slice_equal_text(name, algorithms[i].name))
            return &algorithms[i];
    return NULL;
}
