/* One public key of a JWK set (RFC 7517, RFC 7518 section 6, RFC 8037). */
#include "jwt/jwk.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "jwt/jws.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#define MEMBER_MAX_BYTES 2048
#define RSA_MIN_BITS 2048
#define RSA_MAX_BITS 8192

/* The string member `pointer` of `json` into `out`; false when it is missing or no string. */
static bool read_member(struct slice json, const char *pointer, struct buffer *out)
{
    struct error ignored = {0};
    const char *value;
    size_t len;

    buffer_truncate(out, 0);
    return json_find(json.data, json.len, pointer, &value, &len) &&
           json_unescape(value, len, out, &ignored);
}

/* A base64url member as bytes. */
static bool read_bytes(struct slice json, const char *pointer, struct buffer *out)
{
    CLEANUP(buffer_clear) struct buffer text;
    struct error ignored = {0};

    buffer_init(&text, MEMBER_MAX_BYTES);
    buffer_truncate(out, 0);
    return read_member(json, pointer, &text) && text.len > 0 &&
           base64url_decode(text.data, text.len, out, &ignored);
}

static void copy_member(struct slice json, const char *pointer, char *out, size_t size)
{
    CLEANUP(buffer_clear) struct buffer text;

    buffer_init(&text, MEMBER_MAX_BYTES);
    out[0] = '\0';
    if (read_member(json, pointer, &text) && text.len > 0 && text.len < size &&
        memchr(text.data, '\0', text.len) == NULL)
        memcpy(out, text.data, text.len + 1);
    else if (text.len > 0)
        memcpy(out, "?", 2); /* said something that fits nothing we know */
}

static EVP_PKEY *make_key(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (context != NULL && EVP_PKEY_fromdata_init(context) == 1 &&
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return key;
}

static EVP_PKEY *build_rsa(const BIGNUM *modulus, const BIGNUM *exponent)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;

    if (builder != NULL && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
        params = OSSL_PARAM_BLD_to_param(builder);
    if (params != NULL)
        key = make_key("RSA", params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

static void read_rsa(struct slice json, struct jwk *out)
{
    CLEANUP(buffer_clear) struct buffer n, e;
    BIGNUM *modulus, *exponent;

    buffer_init(&n, MEMBER_MAX_BYTES);
    buffer_init(&e, 16);
    if (!read_bytes(json, "/n", &n) || !read_bytes(json, "/e", &e)) {
        out->unusable = "key_unusable";
        return;
    }
    modulus = BN_bin2bn((const unsigned char *)n.data, (int)n.len, NULL);
    exponent = BN_bin2bn((const unsigned char *)e.data, (int)e.len, NULL);
    /* With e = 1 every signature is its own message: anyone could forge. */
    if (modulus == NULL || exponent == NULL || !BN_is_odd(exponent) || BN_is_one(exponent) ||
        BN_num_bits(modulus) > RSA_MAX_BITS)
        out->unusable = "key_unusable";
    else if (BN_num_bits(modulus) < RSA_MIN_BITS)
        out->unusable = "weak_key";
    else
        out->public_key = build_rsa(modulus, exponent);
    if (out->public_key == NULL && out->unusable == NULL)
        out->unusable = "key_unusable";
    BN_free(modulus);
    BN_free(exponent);
}

/* The uncompressed point; OpenSSL refuses one that is not on the curve. */
static EVP_PKEY *build_ec(const char *group, const struct buffer *x, const struct buffer *y)
{
    unsigned char point[1 + 2 * 66] = {4};
    char group_copy[16];
    OSSL_PARAM params[3];

    memcpy(point + 1, x->data, x->len);
    memcpy(point + 1 + x->len, y->data, y->len);
    memcpy(group_copy, group, strlen(group) + 1);
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group_copy, 0);
    params[1] =
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + x->len + y->len);
    params[2] = OSSL_PARAM_construct_end();
    return make_key("EC", params);
}

static void read_ec(struct slice json, struct jwk *out)
{
    static const struct {
        const char *curve;
        size_t len;
    } curves[] = {{"P-256", 32}, {"P-384", 48}, {"P-521", 66}};
    CLEANUP(buffer_clear) struct buffer x, y;

    buffer_init(&x, 66);
    buffer_init(&y, 66);
    out->unusable = "key_unusable";
    if (!read_bytes(json, "/x", &x) || !read_bytes(json, "/y", &y))
        return;
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
        if (strcmp(out->curve, curves[i].curve) == 0 && x.len == curves[i].len &&
            y.len == curves[i].len)
            out->public_key = build_ec(out->curve, &x, &y);
    if (out->public_key != NULL)
        out->unusable = NULL;
}

static void read_okp(struct slice json, struct jwk *out)
{
    CLEANUP(buffer_clear) struct buffer x;

    buffer_init(&x, 32);
    out->unusable = "key_unusable";
    if (strcmp(out->curve, "Ed25519") != 0 || !read_bytes(json, "/x", &x) || x.len != 32)
        return;
    out->public_key =
        EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, (const unsigned char *)x.data, x.len);
    if (out->public_key != NULL)
        out->unusable = NULL;
}

/* "use" must be sig and "key_ops" must hold verify, where they are given. */
static bool is_for_verifying(struct slice json)
{
    CLEANUP(buffer_clear) struct buffer text;
    struct slice name, value;
    const char *ops;
    size_t ops_len, position = 0;
    struct error ignored = {0};

    buffer_init(&text, MEMBER_MAX_BYTES);
    if (json_find(json.data, json.len, "/use", &ops, &ops_len) &&
        (!read_member(json, "/use", &text) || text.len != 3 || memcmp(text.data, "sig", 3) != 0))
        return false;
    if (!json_find(json.data, json.len, "/key_ops", &ops, &ops_len))
        return true;
    while (*ops == '[' && json_next(ops, ops_len, &position, &name, &value)) {
        buffer_truncate(&text, 0);
        if (json_unescape(value.data, value.len, &text, &ignored) && text.len == 6 &&
            memcmp(text.data, "verify", 6) == 0)
            return true;
        error_clear(&ignored);
    }
    return false;
}

/* The algorithm the key names, or the only one of its curve, or the one nearly all RSA keys serve.
 */
static const struct algorithm *usual_algorithm(const struct jwk *key)
{
    static const char *const names[] = {"RS256", "ES256", "ES384", "ES512", "EdDSA"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct algorithm *algorithm =
            algorithm_find(slice_of(key->alg[0] != '\0' ? key->alg : names[i]));

        if (algorithm != NULL && jwk_mismatch(key, algorithm) == NULL)
            return algorithm;
    }
    return NULL;
}

bool jwk_read(struct slice json, struct jwk *out)
{
    CLEANUP(buffer_clear) struct buffer text;
    struct jwk key = {0};
    struct slice kty;

    buffer_init(&text, MEMBER_MAX_BYTES);
    if (!read_member(json, "/kid", &text) || text.len == 0)
        return false;
    key.kid = buffer_take(&text, &key.kid_len);
    if (key.kid == NULL)
        return false;
    copy_member(json, "/alg", key.alg, sizeof key.alg);
    copy_member(json, "/crv", key.curve, sizeof key.curve);
    key.is_for_verifying = is_for_verifying(json);
    kty = read_member(json, "/kty", &text) ? (struct slice){text.data, text.len}
                                           : (struct slice){NULL, 0};
    if (slice_equal_text(kty, "RSA")) {
        key.type = KEY_RSA;
        read_rsa(json, &key);
    } else if (slice_equal_text(kty, "EC")) {
        key.type = KEY_EC;
        read_ec(json, &key);
    } else if (slice_equal_text(kty, "OKP")) {
        key.type = KEY_OKP;
        read_okp(json, &key);
    } else {
        /* Symmetric keys never: whoever can verify with one can also sign. */
        key.unusable = "key_unusable";
    }
    key.usual_algorithm = usual_algorithm(&key);
    if (key.usual_algorithm != NULL)
        key.usual_verification = jws_prepare(key.usual_algorithm, key.public_key);
    *out = key;
    return true;
}

void jwk_clear(struct jwk *key)
{
    free(key->kid);
    EVP_MD_CTX_free(key->usual_verification);
    EVP_PKEY_free(key->public_key);
    *key = (struct jwk){0};
}

const char *jwk_mismatch(const struct jwk *key, const struct algorithm *algorithm)
{
    if (key->type != algorithm->key_type ||
        (algorithm->curve != NULL && strcmp(key->curve, algorithm->curve) != 0))
        return "key_alg_mismatch";
    if (key->alg[0] != '\0' && strcmp(key->alg, algorithm->name) != 0)
        return "key_alg_mismatch";
    if (!key->is_for_verifying)
        return "key_unusable";
    return key->unusable;
}

bool jwk_verify(const struct jwk *key, const struct algorithm *algorithm, const struct jws *jws)
{
    if (key->usual_verification != NULL && algorithm == key->usual_algorithm)
        return jws_verify_prepared(jws, algorithm, key->usual_verification);
    return jws_verify(jws, algorithm, key->public_key);
}
