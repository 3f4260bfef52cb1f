/* Keys that sign: what they are, what they fit, signing, their public half. */
#include "jwt/key.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/secret.h"
#include "jwt/algorithm.h"
#include "jwt/key_private.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define PART_ALIGNMENT 16
#define RSA_MIN_BITS 2048
#define RSA_MAX_BITS 8192

static const char *jose_curve(EVP_PKEY *pkey)
{
    static const struct {
        const char *openssl;
        const char *jose;
    } curves[] = {{"prime256v1", "P-256"}, {"secp384r1", "P-384"}, {"secp521r1", "P-521"},
                  {"P-256", "P-256"},      {"P-384", "P-384"},     {"P-521", "P-521"}};
    char group[32];
    size_t len;

    if (EVP_PKEY_get_group_name(pkey, group, sizeof group, &len) != 1)
        return NULL;
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
        if (strcmp(group, curves[i].openssl) == 0)
            return curves[i].jose;
    return NULL;
}

static bool describe(struct signing_key *key, struct error *err)
{
    int bits = EVP_PKEY_get_bits(key->public_key);
    char group[32];
    size_t len;

    if (EVP_PKEY_is_a(key->public_key, "RSA")) {
        if (bits < RSA_MIN_BITS || bits > RSA_MAX_BITS)
            return error_set_named(err, ERROR_BAD_INPUT, "NotSupportedWebKey",
                                   "an RSA key of %d bits; expected 2048 to 8192", bits);
        key->type = KEY_RSA;
        return true;
    }
    if (EVP_PKEY_is_a(key->public_key, "EC")) {
        key->type = KEY_EC;
        key->curve = jose_curve(key->public_key);
        if (key->curve != NULL)
            return true;
        if (EVP_PKEY_get_group_name(key->public_key, group, sizeof group, &len) != 1)
            memcpy(group, "a curve without a name", 23);
        return error_set_named(err, ERROR_BAD_INPUT, "NotSupportedWebKey",
                               "an EC key on %s; expected P-256, P-384 or P-521", group);
    }
    if (EVP_PKEY_is_a(key->public_key, "ED25519")) {
        key->type = KEY_OKP;
        key->curve = "Ed25519";
        return true;
    }
    return error_set_named(err, ERROR_BAD_INPUT, "NotSupportedWebKey",
                           "a %s key; expected RSA from 2048 bits, P-256, P-384, P-521 or Ed25519",
                           EVP_PKEY_get0_type_name(key->public_key));
}

static size_t aligned(size_t size)
{
    return (size + PART_ALIGNMENT - 1) / PART_ALIGNMENT * PART_ALIGNMENT;
}

static struct signing_key *new_key(struct error *err)
{
    struct signing_key *key = calloc(1, sizeof *key);

    if (key == NULL)
        error_set(err, ERROR_NO_MEMORY, "no memory for a key");
    else
        atomic_init(&key->references, 1);
    return key;
}

/* The copies lie where OpenSSL may read numbers of any kind. Names are constants of libcrypto. */
static void copy_parts(struct signing_key *key, const OSSL_PARAM *all)
{
    char *at = secret_edit(key->parts, NULL);

    at += aligned((uintptr_t)at) - (uintptr_t)at;
    for (size_t i = 0; all[i].key != NULL; i++) {
        key->params[i] = all[i];
        key->params[i].data = memcpy(at, all[i].data, all[i].data_size);
        at += aligned(all[i].data_size);
    }
}

/* What makes the key pair, in locked memory. */
static bool keep_parts(struct signing_key *key, EVP_PKEY *pkey, struct error *err)
{
    OSSL_PARAM *all = NULL;
    size_t count = 0, size = PART_ALIGNMENT;
    bool ok;

    if (EVP_PKEY_todata(pkey, EVP_PKEY_KEYPAIR, &all) != 1)
        return error_set(err, ERROR_BAD_INPUT, "a key without its private half");
    for (; all[count].key != NULL; count++)
        size += aligned(all[count].data_size);
    key->params = calloc(count + 1, sizeof *key->params);
    ok = key->params != NULL ? (key->parts = secret_new(size, err)) != NULL
                             : error_set(err, ERROR_NO_MEMORY, "no memory for a key");
    if (ok)
        copy_parts(key, all);
    for (size_t i = 0; i < count; i++)
        OPENSSL_cleanse(all[i].data, all[i].data_size);
    OSSL_PARAM_free(all);
    return ok;
}

/* The encoder writes straight into locked memory; its own copy is wiped when it is freed. */
static struct secret *to_pkcs8(EVP_PKEY *pkey, struct error *err)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
    int len = info == NULL ? 0 : i2d_PKCS8_PRIV_KEY_INFO(info, NULL);
    struct secret *der = NULL;

    if (len <= 0) {
        ERR_clear_error();
        error_set(err, ERROR_BAD_INPUT, "a key without its private half");
    } else if ((der = secret_new((size_t)len, err)) != NULL) {
        unsigned char *at = (unsigned char *)secret_edit(der, NULL);

        (void)i2d_PKCS8_PRIV_KEY_INFO(info, &at);
    }
    PKCS8_PRIV_KEY_INFO_free(info);
    return der;
}

static EVP_PKEY *public_half(EVP_PKEY *pkey)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(pkey, &der);
    const unsigned char *at = der;
    EVP_PKEY *half = len > 0 ? d2i_PUBKEY(NULL, &at, len) : NULL;

    OPENSSL_free(der);
    ERR_clear_error();
    return half;
}

struct signing_key *signing_key_take_pkey(EVP_PKEY *pkey, struct error *err)
{
    struct signing_key *key = new_key(err);
    bool ok = key != NULL;

    if (ok) {
        key->public_key = public_half(pkey);
        if (key->public_key == NULL)
            ok = error_set(err, ERROR_BAD_INPUT, "a key without its public half");
    }
    ok = ok && describe(key, err) && (key->pkcs8 = to_pkcs8(pkey, err)) != NULL &&
         keep_parts(key, pkey, err);
    EVP_PKEY_free(pkey);
    if (ok)
        return key;
    signing_key_free(key);
    return NULL;
}

struct signing_key *signing_key_from_hmac(struct secret *secret, struct error *err)
{
    struct signing_key *key = new_key(err);

    if (key == NULL)
        return NULL;
    key->type = KEY_OCT;
    key->shared = secret_ref(secret);
    return key;
}

struct signing_key *signing_key_generate(const char *kind, struct error *err)
{
    EVP_PKEY *pkey = NULL;

    if (strcmp(kind, "RSA-2048") == 0)
        pkey = EVP_RSA_gen(2048);
    else if (strcmp(kind, "RSA-3072") == 0)
        pkey = EVP_RSA_gen(3072);
    else if (strcmp(kind, "Ed25519") == 0)
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    else if (strcmp(kind, "P-256") == 0 || strcmp(kind, "P-384") == 0 || strcmp(kind, "P-521") == 0)
        pkey = EVP_EC_gen(kind);
    else {
        error_set(err, ERROR_BAD_INPUT,
                  "found the kind of key \"%s\"; expected RSA-2048, RSA-3072, P-256, P-384, P-521 "
                  "or Ed25519",
                  kind);
        return NULL;
    }
    if (pkey == NULL) {
        ERR_clear_error();
        error_set(err, ERROR_INTERNAL, "cannot make a key of kind %s", kind);
        return NULL;
    }
    return signing_key_take_pkey(pkey, err);
}

struct signing_key *signing_key_ref(struct signing_key *key)
{
    if (key != NULL)
        atomic_fetch_add(&key->references, 1);
    return key;
}

void signing_key_free(struct signing_key *key)
{
    if (key == NULL || atomic_fetch_sub(&key->references, 1) != 1)
        return;
    EVP_PKEY_free(key->public_key);
    secret_free(key->shared);
    secret_free(key->pkcs8);
    secret_free(key->parts);
    free(key->params);
    free(key);
}

const char *signing_key_type(const struct signing_key *key)
{
    static const char *const names[] = {"none", "RSA", "EC", "OKP", "oct"};

    return names[key->type];
}

int signing_key_bits(const struct signing_key *key)
{
    return key->public_key == NULL ? (int)secret_len(key->shared) * 8
                                   : EVP_PKEY_get_bits(key->public_key);
}

const char *signing_key_default_algorithm(const struct signing_key *key)
{
    switch (key->type) {
    case KEY_RSA:
        return signing_key_bits(key) <= 2048   ? "RS256"
               : signing_key_bits(key) <= 3072 ? "RS384"
                                               : "RS512";
    case KEY_EC:
        return strcmp(key->curve, "P-256") == 0   ? "ES256"
               : strcmp(key->curve, "P-384") == 0 ? "ES384"
                                                  : "ES512";
    case KEY_OKP:
        return "EdDSA";
    default:
        return "HS256";
    }
}

bool signing_key_fits(const struct signing_key *key, const char *algorithm_name)
{
    const struct algorithm *algorithm = algorithm_find(slice_of(algorithm_name));

    return algorithm != NULL && algorithm->key_type == key->type &&
           (algorithm->curve == NULL || strcmp(algorithm->curve, key->curve) == 0);
}

static bool sign_hmac(const struct signing_key *key, const struct algorithm *algorithm,
                      struct slice data, unsigned char *out, size_t capacity, size_t *out_len)
{
    size_t len;
    const char *bytes = secret_borrow(key->shared, &len);

    return EVP_Q_mac(NULL, "HMAC", NULL, algorithm->digest, NULL, bytes, len,
                     (const unsigned char *)data.data, data.len, out, capacity, out_len) != NULL;
}

/* DER from OpenSSL into r and s of fixed width. */
static bool ecdsa_to_raw(unsigned char *bytes, size_t *len, size_t width)
{
    const unsigned char *at = bytes;
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long)*len);
    bool ok = signature != NULL &&
              BN_bn2binpad(ECDSA_SIG_get0_r(signature), bytes, (int)width) == (int)width &&
              BN_bn2binpad(ECDSA_SIG_get0_s(signature), bytes + width, (int)width) == (int)width;

    ECDSA_SIG_free(signature);
    *len = 2 * width;
    return ok;
}

static EVP_PKEY *open_private(const struct signing_key *key)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key->public_key, NULL);
    EVP_PKEY *pkey = NULL;

    if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_KEYPAIR, key->params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(context);
    return pkey;
}

static bool sign_pkey(const struct signing_key *key, const struct algorithm *algorithm,
                      struct slice data, unsigned char *out, size_t capacity, size_t *out_len)
{
    EVP_PKEY *pkey = open_private(key);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key_context = NULL;
    size_t len = capacity;
    bool ok = pkey != NULL && context != NULL &&
              EVP_DigestSignInit_ex(context, &key_context, algorithm->digest, NULL, NULL, pkey,
                                    NULL) == 1;

    if (ok && algorithm->is_pss)
        ok = EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, RSA_PSS_SALTLEN_DIGEST) == 1;
    ok = ok && EVP_DigestSign(context, out, &len, (const unsigned char *)data.data, data.len) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(pkey);
    if (ok && algorithm->key_type == KEY_EC)
        ok = ecdsa_to_raw(out, &len, algorithm->coordinate_len);
    if (ok)
        *out_len = len;
    return ok;
}

bool signing_key_sign(const struct signing_key *key, const char *algorithm_name, struct slice data,
                      unsigned char *out, size_t capacity, size_t *out_len, struct error *err)
{
    const struct algorithm *algorithm = algorithm_find(slice_of(algorithm_name));

    if (!signing_key_fits(key, algorithm_name))
        return error_set(err, ERROR_BAD_INPUT, "algorithm %s does not fit a key of type %s",
                         algorithm_name, signing_key_type(key));
    if (key->type == KEY_OCT ? sign_hmac(key, algorithm, data, out, capacity, out_len)
                             : sign_pkey(key, algorithm, data, out, capacity, out_len))
        return true;
    ERR_clear_error();
    return error_set(err, ERROR_INTERNAL, "signing with %s failed", algorithm_name);
}

const struct secret *signing_key_pkcs8(const struct signing_key *key)
{
    return key->pkcs8;
}

/* ---- the public half ------------------------------------------------------------------------- */

static bool add_number(EVP_PKEY *pkey, const char *param, const char *name, int width,
                       struct buffer *out, struct error *err)
{
    unsigned char bytes[RSA_MAX_BITS / 8];
    BIGNUM *number = NULL;
    int len = 0;

    if (EVP_PKEY_get_bn_param(pkey, param, &number) == 1)
        len = width > 0 ? BN_bn2binpad(number, bytes, width) : BN_bn2bin(number, bytes);
    BN_free(number);
    if (len <= 0)
        return error_set(err, ERROR_INTERNAL, "a key without its %s", name);
    return buffer_printf(out, err, ",\"%s\":\"", name) &&
           base64url_encode(bytes, (size_t)len, out, err) && buffer_add_char(out, '"', err);
}

static bool add_okp(const struct signing_key *key, struct buffer *out, struct error *err)
{
    unsigned char bytes[32];
    size_t len = sizeof bytes;

    if (EVP_PKEY_get_raw_public_key(key->public_key, bytes, &len) != 1)
        return error_set(err, ERROR_INTERNAL, "a key without its public half");
    return buffer_add_text(out, ",\"x\":\"", err) && base64url_encode(bytes, len, out, err) &&
           buffer_add_char(out, '"', err);
}

bool signing_key_add_jwk(const struct signing_key *key, const char *kid, struct buffer *out,
                         struct error *err)
{
    const struct algorithm *algorithm =
        algorithm_find(slice_of(signing_key_default_algorithm(key)));
    int width = (int)algorithm->coordinate_len;
    bool ok =
        buffer_printf(out, err, "{\"kty\":\"%s\"", signing_key_type(key)) &&
        (kid == NULL || buffer_printf(out, err, ",\"kid\":\"%s\",\"use\":\"sig\",\"alg\":\"%s\"",
                                      kid, algorithm->name)) &&
        (key->curve == NULL || buffer_printf(out, err, ",\"crv\":\"%s\"", key->curve));

    if (!ok)
        return false;
    if (key->type == KEY_RSA)
        ok = add_number(key->public_key, OSSL_PKEY_PARAM_RSA_N, "n", 0, out, err) &&
             add_number(key->public_key, OSSL_PKEY_PARAM_RSA_E, "e", 0, out, err);
    else if (key->type == KEY_EC)
        ok = add_number(key->public_key, OSSL_PKEY_PARAM_EC_PUB_X, "x", width, out, err) &&
             add_number(key->public_key, OSSL_PKEY_PARAM_EC_PUB_Y, "y", width, out, err);
    else if (key->type == KEY_OKP)
        ok = add_okp(key, out, err);
    else
        return error_set(err, ERROR_BAD_INPUT, "a shared secret has no public half");
    return ok && buffer_add_char(out, '}', err);
}
