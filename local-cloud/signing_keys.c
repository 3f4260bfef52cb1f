/* The issuer's signing keys: what it signs with, what its JWKS shows, and rotation. */
#include "local-cloud/signing_keys.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/memory.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

enum { KEY_MAX_COUNT = 32, TOKEN_MAX_BYTES = 64 * 1024, P256_BYTES = 32 };

struct signing_key {
    EVP_PKEY *key;
    enum switch_alg alg;
    char kid[25];
};

struct signing_keys {
    struct signing_key list[KEY_MAX_COUNT]; /* newest first */
    size_t count;
};

static const char *const alg_texts[] = {[ALG_RS256] = "RS256", [ALG_ES256] = "ES256"};

DEFINE_CLEANUP(cleanup_context, EVP_MD_CTX, EVP_MD_CTX_free)
DEFINE_CLEANUP(cleanup_bignum, BIGNUM, BN_free)
DEFINE_CLEANUP(cleanup_signature, ECDSA_SIG, ECDSA_SIG_free)

static bool make_key(struct signing_key *out_key, enum switch_alg alg, struct error *err)
{
    out_key->key = alg == ALG_RS256 ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    if (out_key->key == NULL)
        return error_set(err, ERROR_INTERNAL, "OpenSSL cannot make a %s key", alg_texts[alg]);
    out_key->alg = alg;
    memcpy(out_key->kid, "KEY_", 4);
    random_hex(out_key->kid + 4, sizeof out_key->kid - 5);
    return true;
}

static void drop_keys(struct signing_keys *keys, size_t from)
{
    for (size_t i = from; i < keys->count; i++)
        EVP_PKEY_free(keys->list[i].key);
    if (keys->count > from)
        keys->count = from;
}

bool signing_keys_rotate(struct signing_keys *keys, bool keep_old, struct error *err)
{
    struct signing_key fresh[2];

    if (!make_key(&fresh[0], ALG_RS256, err))
        return false;
    if (!make_key(&fresh[1], ALG_ES256, err)) {
        EVP_PKEY_free(fresh[0].key);
        return false;
    }
    drop_keys(keys, keep_old ? KEY_MAX_COUNT - 2 : 0);
    memmove(&keys->list[2], &keys->list[0], keys->count * sizeof keys->list[0]);
    memcpy(keys->list, fresh, sizeof fresh);
    keys->count += 2;
    return true;
}

struct signing_keys *signing_keys_new(struct error *err)
{
    struct signing_keys *keys = must_allocate(sizeof *keys);

    if (signing_keys_rotate(keys, false, err))
        return keys;
    signing_keys_free(keys);
    return NULL;
}

void signing_keys_free(struct signing_keys *keys)
{
    if (keys == NULL)
        return;
    drop_keys(keys, 0);
    free(keys);
}

struct signing_keys *signing_keys_snapshot(const struct signing_keys *keys)
{
    struct signing_keys *copy = must_allocate(sizeof *copy);

    *copy = *keys;
    for (size_t i = 0; i < copy->count; i++)
        EVP_PKEY_up_ref(copy->list[i].key);
    return copy;
}

/* ---- JWKS ------------------------------------------------------------------------------------*/

static struct json_object *number_member(const EVP_PKEY *key, const char *parameter, int width)
{
    CLEANUP(cleanup_bignum) BIGNUM *number = NULL;
    CLEANUP(buffer_clear) struct buffer text;
    unsigned char bytes[512];
    struct error err = {0};
    int len;

    buffer_init(&text, 2 * sizeof bytes);
    if (EVP_PKEY_get_bn_param(key, parameter, &number) != 1)
        return NULL;
    len = width == 0 ? BN_num_bytes(number) : width;
    if (BN_bn2binpad(number, bytes, len) != len ||
        !base64url_encode(bytes, (size_t)len, &text, &err))
        return NULL;
    return json_object_new_string_len(text.data, (int)text.len);
}

static struct json_object *public_jwk(const struct signing_key *key)
{
    if (key->alg == ALG_RS256)
        return json_pack("{kty:s,kid:s,use:s,alg:s,n:o,e:o}", "RSA", key->kid, "sig", "RS256",
                         number_member(key->key, OSSL_PKEY_PARAM_RSA_N, 0),
                         number_member(key->key, OSSL_PKEY_PARAM_RSA_E, 0));
    return json_pack("{kty:s,kid:s,use:s,alg:s,crv:s,x:o,y:o}", "EC", key->kid, "sig", "ES256",
                     "P-256", number_member(key->key, OSSL_PKEY_PARAM_EC_PUB_X, P256_BYTES),
                     number_member(key->key, OSSL_PKEY_PARAM_EC_PUB_Y, P256_BYTES));
}

struct json_object *signing_keys_jwks(const struct signing_keys *keys)
{
    struct json_object *list = must_have(json_object_new_array());

    for (size_t i = 0; i < keys->count; i++)
        json_object_array_add(list, public_jwk(&keys->list[i]));
    return json_pack("{keys:o}", list);
}

/* ---- signing ---------------------------------------------------------------------------------*/

/* RFC 7518 section 3.4: r and s in fixed width, not DER. */
static bool add_ecdsa(struct buffer *out, const unsigned char *der, size_t len, struct error *err)
{
    CLEANUP(cleanup_signature) ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)len);
    unsigned char pair[2 * P256_BYTES];

    if (signature == NULL ||
        BN_bn2binpad(ECDSA_SIG_get0_r(signature), pair, P256_BYTES) != P256_BYTES ||
        BN_bn2binpad(ECDSA_SIG_get0_s(signature), pair + P256_BYTES, P256_BYTES) != P256_BYTES)
        return error_set(err, ERROR_INTERNAL, "OpenSSL made an unusable signature");
    return base64url_encode(pair, sizeof pair, out, err);
}

static bool add_signature(const struct signing_key *key, struct buffer *out, struct error *err)
{
    CLEANUP(cleanup_context) EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char signature[512];
    size_t len = sizeof signature;

    if (context == NULL || EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key->key) != 1 ||
        EVP_DigestSign(context, signature, &len, (const unsigned char *)out->data, out->len) != 1)
        return error_set(err, ERROR_INTERNAL, "OpenSSL cannot sign");
    if (!buffer_add_char(out, '.', err))
        return false;
    return key->alg == ALG_ES256 ? add_ecdsa(out, signature, len, err)
                                 : base64url_encode(signature, len, out, err);
}

static bool add_part(struct buffer *out, struct json_object *part, struct error *err)
{
    CLEANUP(cleanup_free) char *text = json_pack_text(part);

    return base64url_encode(text, strlen(text), out, err);
}

char *signing_keys_sign(const struct signing_keys *keys, enum switch_alg alg, const char *typ,
                        struct json_object *claims, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer token;
    const struct signing_key *key = &keys->list[0];

    while (key->alg != alg)
        key++; /* each pair has one of each kind */
    buffer_init(&token, TOKEN_MAX_BYTES);
    if (!add_part(&token, json_pack("{alg:s,typ:s,kid:s}", alg_texts[alg], typ, key->kid), err)) {
        json_object_put(claims);
        return NULL;
    }
    if (!buffer_add_char(&token, '.', err)) {
        json_object_put(claims);
        return NULL;
    }
    if (!add_part(&token, claims, err) || !add_signature(key, &token, err))
        return NULL;
    return buffer_take(&token, NULL);
}

/* ---- checking --------------------------------------------------------------------------------*/

static struct json_object *open_part(struct slice part, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer text;
    struct json_object *value;

    buffer_init(&text, TOKEN_MAX_BYTES);
    if (!base64url_decode(part.data, part.len, &text, err))
        return NULL;
    value = json_parse(text.data == NULL ? "" : text.data, text.len, JSON_DEPTH_DEFAULT, err);
    if (value != NULL && !json_object_is_type(value, json_type_object)) {
        json_object_put(value);
        error_set(err, ERROR_BAD_INPUT, "a part of the token is no JSON object");
        return NULL;
    }
    return value;
}

static const struct signing_key *find_key(const struct signing_keys *keys, const char *kid)
{
    for (size_t i = 0; i < keys->count; i++)
        if (strcmp(keys->list[i].kid, kid) == 0)
            return &keys->list[i];
    return NULL;
}

static bool ecdsa_to_der(const struct buffer *pair, unsigned char **out_der, size_t *out_len)
{
    CLEANUP(cleanup_signature) ECDSA_SIG *signature = ECDSA_SIG_new();
    const unsigned char *bytes = (const unsigned char *)pair->data;
    BIGNUM *r, *s;
    int len;

    if (pair->len != 2 * P256_BYTES || signature == NULL)
        return false;
    r = BN_bin2bn(bytes, P256_BYTES, NULL);
    s = BN_bin2bn(bytes + P256_BYTES, P256_BYTES, NULL);
    if (ECDSA_SIG_set0(signature, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        return false;
    }
    len = i2d_ECDSA_SIG(signature, out_der);
    *out_len = len > 0 ? (size_t)len : 0;
    return len > 0;
}

static bool verify(const struct signing_key *key, struct slice signed_part,
                   const struct buffer *signature)
{
    CLEANUP(cleanup_context) EVP_MD_CTX *context = EVP_MD_CTX_new();
    const unsigned char *bytes = (const unsigned char *)signature->data;
    unsigned char *der = NULL;
    size_t len = signature->len;
    bool is_good;

    if (key->alg == ALG_ES256) {
        if (!ecdsa_to_der(signature, &der, &len))
            return false;
        bytes = der;
    }
    is_good = context != NULL &&
              EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key->key) == 1 &&
              EVP_DigestVerify(context, bytes, len, (const unsigned char *)signed_part.data,
                               signed_part.len) == 1;
    OPENSSL_free(der);
    return is_good;
}

static bool check_signature(const struct signing_keys *keys, struct slice header,
                            struct slice signed_part, struct slice signature, struct error *err)
{
    CLEANUP(json_cleanup) struct json_object *members = open_part(header, err);
    CLEANUP(buffer_clear) struct buffer bytes;
    const struct signing_key *key;
    const char *kid, *alg;

    buffer_init(&bytes, TOKEN_MAX_BYTES);
    if (members == NULL)
        return false;
    kid = json_get_string(members, "kid", NULL);
    alg = json_get_string(members, "alg", NULL);
    key = kid == NULL ? NULL : find_key(keys, kid);
    if (key == NULL)
        return error_set(err, ERROR_DENIED, "the token names no key of this issuer");
    if (alg == NULL || strcmp(alg, alg_texts[key->alg]) != 0)
        return error_set(err, ERROR_DENIED, "the token's algorithm does not fit its key");
    if (!base64url_decode(signature.data, signature.len, &bytes, err))
        return false;
    if (bytes.len == 0 || !verify(key, signed_part, &bytes))
        return error_set(err, ERROR_DENIED, "the token's signature is wrong");
    return true;
}

bool signing_keys_open(const struct signing_keys *keys, struct slice token,
                       struct json_object **out_claims, struct error *err)
{
    struct slice rest = token;
    struct slice header = slice_cut(&rest, '.');
    struct slice payload = slice_cut(&rest, '.');
    struct slice signed_part = {token.data, header.len + 1 + payload.len};
    struct json_object *claims;

    if (token.len > TOKEN_MAX_BYTES || header.len == 0 || payload.len == 0 || rest.len == 0 ||
        memchr(rest.data, '.', rest.len) != NULL)
        return error_set(err, ERROR_BAD_INPUT, "the token is no compact JWS");
    if (!check_signature(keys, header, signed_part, rest, err))
        return false;
    claims = open_part(payload, err);
    if (claims == NULL)
        return false;
    *out_claims = claims;
    return true;
}
