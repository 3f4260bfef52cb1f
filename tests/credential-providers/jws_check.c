/* Checks a JWS with OpenSSL alone, apart from the code under test. */
#include "jws_check.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

#include "../support/files.h"

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

static void decode_part(const char *token, int part, struct buffer *out)
{
    struct slice rest = slice_of(token), piece = {NULL, 0};
    struct error err = {0};

    for (int i = 0; i <= part; i++)
        piece = slice_cut(&rest, '.');
    buffer_init(out, 8192);
    ck_assert(base64url_decode(piece.data, piece.len, out, &err));
}

struct json_object *jws_part(const char *token, int part)
{
    struct buffer text;
    struct json_object *object;
    struct error err = {0};

    decode_part(token, part, &text);
    object = json_parse(text.data, text.len, 8, &err);
    ck_assert_msg(object != NULL, "%s", err.message);
    buffer_clear(&text);
    return object;
}

/* r and s of exactly `width` bytes each, as DER; 0 when the length is another. */
static int raw_to_der(const struct buffer *raw, size_t width, unsigned char **out)
{
    const unsigned char *bytes = (const unsigned char *)raw->data;
    ECDSA_SIG *signature = ECDSA_SIG_new();
    int len = 0;

    if (raw->len == 2 * width && ECDSA_SIG_set0(signature, BN_bin2bn(bytes, (int)width, NULL),
                                                BN_bin2bn(bytes + width, (int)width, NULL)) == 1)
        len = i2d_ECDSA_SIG(signature, out);
    ECDSA_SIG_free(signature);
    return len;
}

static const EVP_MD *digest_of(const char *alg)
{
    return strcmp(alg + 2, "256") == 0   ? EVP_sha256()
           : strcmp(alg + 2, "384") == 0 ? EVP_sha384()
                                         : EVP_sha512();
}

/* RFC 7518 section 3.4: the algorithm fixes the curve. */
static size_t width_of(const char *alg, EVP_PKEY *key)
{
    static const struct {
        const char *alg;
        int bits;
        size_t width;
    } rows[] = {{"ES256", 256, 32}, {"ES384", 384, 48}, {"ES512", 521, 66}};

    for (size_t i = 0; i < 3; i++)
        if (strcmp(rows[i].alg, alg) == 0 && EVP_PKEY_get_bits(key) == rows[i].bits)
            return rows[i].width;
    return 0;
}

static bool verify(EVP_PKEY *key, const char *alg, struct slice text, const struct buffer *raw)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key_context = NULL;
    unsigned char *der = NULL;
    const unsigned char *signature = (const unsigned char *)raw->data;
    size_t len = raw->len;
    bool ok =
        EVP_DigestVerifyInit(context, &key_context,
                             strcmp(alg, "EdDSA") == 0 ? NULL : digest_of(alg), NULL, key) == 1;

    if (EVP_PKEY_is_a(key, "EC")) {
        len = (size_t)raw_to_der(raw, width_of(alg, key), &der);
        signature = der;
        ok = ok && len > 0 && alg[0] == 'E';
    } else if (EVP_PKEY_is_a(key, "RSA")) {
        ok = ok && (alg[0] == 'R' || alg[0] == 'P');
        if (ok && alg[0] == 'P')
            ok = EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING) == 1 &&
                 EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, RSA_PSS_SALTLEN_DIGEST) == 1;
    } else {
        ok = ok && strcmp(alg, "EdDSA") == 0;
    }
    ok = ok &&
         EVP_DigestVerify(context, signature, len, (const unsigned char *)text.data, text.len) == 1;
    OPENSSL_free(der);
    EVP_MD_CTX_free(context);
    return ok;
}

bool jws_check_key(const char *token, EVP_PKEY *key)
{
    struct json_object *header = jws_part(token, 0);
    struct slice signed_text = {token, (size_t)(strrchr(token, '.') - token)};
    struct buffer raw;
    bool ok;

    decode_part(token, 2, &raw);
    ok = verify(key, member_text(header, "alg"), signed_text, &raw);
    buffer_clear(&raw);
    json_object_put(header);
    return ok;
}

bool jws_check_secret(const char *token, const char *secret)
{
    struct json_object *header = jws_part(token, 0);
    size_t signed_len = (size_t)(strrchr(token, '.') - token), len = 0;
    unsigned char mac[EVP_MAX_MD_SIZE];
    struct buffer raw;
    bool ok;

    decode_part(token, 2, &raw);
    ok = strcmp(member_text(header, "alg"), "HS256") == 0 &&
         EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, secret, strlen(secret),
                   (const unsigned char *)token, signed_len, mac, sizeof mac, &len) != NULL &&
         raw.len == len && memcmp(raw.data, mac, len) == 0;
    buffer_clear(&raw);
    json_object_put(header);
    return ok;
}

EVP_PKEY *jws_key_from_pem(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

    BIO_free(bio);
    ck_assert_ptr_nonnull(key);
    return key;
}
