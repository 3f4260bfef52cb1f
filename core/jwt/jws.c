/* Compact JWS (RFC 7515): taking a token apart, verifying, signing. */
#include "jwt/jws.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/secret.h"
#include "jwt/algorithm.h"
#include "jwt/key.h"

#include <string.h>

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#define SIGNATURE_MAX_BYTES 1024

/* ---- taking apart ---------------------------------------------------------------------------- */

static bool decode_part(struct slice part, struct buffer *out, const char **out_reason)
{
    struct error ignored = {0};

    if (part.len == 0) {
        *out_reason = "malformed_compact";
        return false;
    }
    if (!base64url_decode(part.data, part.len, out, &ignored)) {
        *out_reason = "bad_base64";
        return false;
    }
    return true;
}

bool jws_split(struct slice token, struct jws *out, const char **out_reason)
{
    struct slice rest = token, header = slice_cut(&rest, '.'), payload, signature;

    buffer_init(&out->header, token.len);
    buffer_init(&out->payload, token.len);
    buffer_init(&out->signature, SIGNATURE_MAX_BYTES);
    *out_reason = "malformed_compact";
    if (rest.data == NULL)
        return false;
    payload = slice_cut(&rest, '.');
    if (rest.data == NULL)
        return false;
    signature = slice_cut(&rest, '.');
    if (rest.data != NULL)
        return false;
    out->signed_part = (struct slice){token.data, header.len + 1 + payload.len};
    return decode_part(header, &out->header, out_reason) &&
           decode_part(payload, &out->payload, out_reason) &&
           /* An empty signature is told from its algorithm: "none", or a signature that is bad. */
           (signature.len == 0 || decode_part(signature, &out->signature, out_reason));
}

void jws_clear(struct jws *jws)
{
    buffer_clear(&jws->header);
    buffer_wipe(&jws->payload);
    buffer_wipe(&jws->signature);
}

/* ---- verifying ------------------------------------------------------------------------------- */

/* r and s as the DER that OpenSSL takes; 0 when they are not of the right width. */
static size_t ecdsa_to_der(const struct buffer *raw, size_t width, unsigned char *out, size_t size)
{
    ECDSA_SIG *signature = ECDSA_SIG_new();
    const unsigned char *bytes = (const unsigned char *)raw->data;
    unsigned char *end = out;
    BIGNUM *r, *s;
    int len = 0;

    if (signature == NULL || raw->len != 2 * width) {
        ECDSA_SIG_free(signature);
        return 0;
    }
    r = BN_bin2bn(bytes, (int)width, NULL);
    s = BN_bin2bn(bytes + width, (int)width, NULL);
    if (r != NULL && s != NULL && ECDSA_SIG_set0(signature, r, s) == 1) {
        len = i2d_ECDSA_SIG(signature, NULL);
        len = len > 0 && (size_t)len <= size ? i2d_ECDSA_SIG(signature, &end) : 0;
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(signature);
    return len > 0 ? (size_t)len : 0;
}

static bool set_padding(EVP_PKEY_CTX *context, const struct algorithm *algorithm)
{
    if (algorithm->key_type != KEY_RSA || !algorithm->is_pss)
        return true;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

EVP_MD_CTX *jws_prepare(const struct algorithm *algorithm, EVP_PKEY *public_key)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key_context = NULL;

    if (context == NULL ||
        EVP_DigestVerifyInit_ex(context, &key_context, algorithm->digest, NULL, NULL, public_key,
                                NULL) != 1 ||
        !set_padding(key_context, algorithm)) {
        EVP_MD_CTX_free(context);
        context = NULL;
    } else {
        /* One token for each copy: OpenSSL need not copy it again to go on after the result. */
        EVP_MD_CTX_set_flags(context, EVP_MD_CTX_FLAG_FINALISE);
    }
    ERR_clear_error();
    return context;
}

/* Uses `context` up. */
static bool verify_once(const struct jws *jws, const struct algorithm *algorithm,
                        EVP_MD_CTX *context)
{
    unsigned char der[160];
    const unsigned char *signature = (const unsigned char *)jws->signature.data;
    size_t signature_len = jws->signature.len;
    bool ok;

    if (algorithm->key_type == KEY_EC) {
        signature_len = ecdsa_to_der(&jws->signature, algorithm->coordinate_len, der, sizeof der);
        signature = der;
    }
    ok = signature_len > 0 &&
         EVP_DigestVerify(context, signature, signature_len,
                          (const unsigned char *)jws->signed_part.data, jws->signed_part.len) == 1;
    ERR_clear_error();
    return ok;
}

bool jws_verify_prepared(const struct jws *jws, const struct algorithm *algorithm,
                         const EVP_MD_CTX *prepared)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context != NULL && EVP_MD_CTX_copy_ex(context, prepared) == 1 &&
              verify_once(jws, algorithm, context);

    EVP_MD_CTX_free(context);
    return ok;
}

bool jws_verify(const struct jws *jws, const struct algorithm *algorithm, EVP_PKEY *public_key)
{
    EVP_MD_CTX *context = jws_prepare(algorithm, public_key);
    bool ok = context != NULL && verify_once(jws, algorithm, context);

    EVP_MD_CTX_free(context);
    return ok;
}

/* ---- signing --------------------------------------------------------------------------------- */

/* Grows the token inside the arena: its last part makes it a secret. */
static bool add_encoded(struct secret_builder *token, const void *bytes, size_t len, char separator,
                        struct error *err)
{
    struct buffer text;
    bool ok;

    buffer_init(&text, len * 2 + 8);
    ok = base64url_encode(bytes, len, &text, err) &&
         secret_builder_add(token, text.data, text.len, err) &&
         (separator == '\0' || secret_builder_add(token, &separator, 1, err));
    buffer_wipe(&text);
    return ok;
}

static const struct algorithm *header_algorithm(struct slice header, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer name;
    const struct algorithm *algorithm = NULL;
    const char *value;
    size_t len;

    buffer_init(&name, 16);
    if (json_check(header.data, header.len, JSON_DEPTH_DEFAULT, err)) {
        struct error ignored = {0};

        if (json_find(header.data, header.len, "/alg", &value, &len) &&
            json_unescape(value, len, &name, &ignored))
            algorithm = algorithm_find((struct slice){name.data, name.len});
        if (algorithm == NULL)
            error_set(err, ERROR_BAD_INPUT, "the header names no known algorithm");
    }
    return algorithm;
}

struct secret *jws_sign(const struct signing_key *key, struct slice header, struct slice claims,
                        struct error *err)
{
    const struct algorithm *algorithm = header_algorithm(header, err);
    unsigned char signature[SIGNATURE_MAX_BYTES];
    struct secret_builder token;
    size_t signature_len = 0;
    bool ok;

    if (algorithm == NULL)
        return NULL;
    secret_builder_init(&token, (header.len + claims.len) * 2 + 2 * SIGNATURE_MAX_BYTES);
    ok = add_encoded(&token, header.data, header.len, '.', err) &&
         add_encoded(&token, claims.data, claims.len, '\0', err) &&
         signing_key_sign(key, algorithm->name,
                          (struct slice){secret_borrow(token.secret, NULL), token.len}, signature,
                          sizeof signature, &signature_len, err) &&
         secret_builder_add(&token, ".", 1, err) &&
         add_encoded(&token, signature, signature_len, '\0', err);
    explicit_bzero(signature, sizeof signature);
    if (ok)
        return secret_builder_take(&token, err);
    secret_builder_clear(&token);
    return NULL;
}
