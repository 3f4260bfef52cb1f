/* X.509 certificates: making them, reading PEM, checking a chain, and keys as PEM. */
#include "local-cloud/certificate.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "local-cloud/memory.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

enum { VALID_FROM_S = -3600, VALID_TO_S = 30 * 86400, CHAIN_MAX_COUNT = 10, AUTH_LEVEL = 2 };

DEFINE_CLEANUP(cleanup_certificate, X509, X509_free)
DEFINE_CLEANUP(cleanup_bio, BIO, BIO_vfree)
DEFINE_CLEANUP(cleanup_store, X509_STORE, X509_STORE_free)
DEFINE_CLEANUP(cleanup_context, X509_STORE_CTX, X509_STORE_CTX_free)

static void cleanup_chain(STACK_OF(X509) * *slot)
{
    sk_X509_pop_free(*slot, X509_free);
}

/* ---- making ----------------------------------------------------------------------------------*/

static bool set_serial(X509 *certificate)
{
    unsigned char bytes[8];

    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    bytes[0] &= 0x7f; /* positive */
    bytes[0] |= 0x40; /* and of full length */
    return ASN1_STRING_set(X509_get_serialNumber(certificate), bytes, sizeof bytes) == 1;
}

/* `value` NULL: nothing to add. */
static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;
    bool is_added;

    if (value == NULL)
        return true;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    is_added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_added;
}

static bool set_name(X509 *certificate, const char *common_name)
{
    X509_NAME *name = X509_get_subject_name(certificate);

    return X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC,
                                      (const unsigned char *)"sesame-local-cloud offline stand-in",
                                      -1, -1, 0) == 1 &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)common_name,
                                      -1, -1, 0) == 1;
}

X509 *certificate_make(const struct certificate_spec *spec)
{
    CLEANUP(cleanup_certificate) X509 *certificate = X509_new();
    X509 *signer = spec->issuer == NULL ? certificate : spec->issuer;

    if (certificate == NULL || X509_set_version(certificate, X509_VERSION_3) != 1 ||
        !set_serial(certificate) || !set_name(certificate, spec->common_name) ||
        X509_gmtime_adj(X509_getm_notBefore(certificate), VALID_FROM_S) == NULL ||
        X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_TO_S) == NULL ||
        X509_set_pubkey(certificate, spec->key) != 1 ||
        X509_set_issuer_name(certificate, X509_get_subject_name(signer)) != 1)
        return NULL;
    if (!add_extension(certificate, signer, NID_subject_key_identifier, "hash") ||
        !add_extension(certificate, signer, NID_authority_key_identifier, "keyid:always") ||
        !add_extension(certificate, signer, NID_basic_constraints, spec->constraints) ||
        !add_extension(certificate, signer, NID_key_usage, spec->key_usage) ||
        !add_extension(certificate, signer, NID_ext_key_usage, spec->extended_usage) ||
        !add_extension(certificate, signer, NID_subject_alt_name, spec->alternative_names))
        return NULL;
    if (X509_sign(certificate, spec->issuer_key, EVP_sha256()) == 0)
        return NULL;
    return TAKE(certificate);
}

/* ---- PEM -------------------------------------------------------------------------------------*/

static char *text_of(BIO *bio)
{
    char *text = NULL;
    long len = BIO_get_mem_data(bio, &text);

    return must_copy_bytes(text, (size_t)len);
}

char *certificate_pem(X509 *certificate)
{
    CLEANUP(cleanup_bio) BIO *bio = BIO_new(BIO_s_mem());

    if (bio == NULL || PEM_write_bio_X509(bio, certificate) != 1)
        return NULL;
    return text_of(bio);
}

char *private_key_pem(EVP_PKEY *key)
{
    CLEANUP(cleanup_bio) BIO *bio = BIO_new(BIO_s_secmem());

    if (bio == NULL || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        return NULL;
    return text_of(bio);
}

static int refuse_passphrase(char *out, int size, int is_writing, void *arg)
{
    (void)out;
    (void)size;
    (void)is_writing;
    (void)arg;
    return -1;
}

X509 *certificate_read(const char *pem)
{
    CLEANUP(cleanup_bio) BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *certificate = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, refuse_passphrase, NULL);

    ERR_clear_error();
    return certificate;
}

/* All certificates of a PEM text; NULL when there are none or too many. */
static STACK_OF(X509) * read_chain(const char *pem)
{
    CLEANUP(cleanup_bio) BIO *bio = BIO_new_mem_buf(pem, -1);
    CLEANUP(cleanup_chain) STACK_OF(X509) *chain = sk_X509_new_null();
    X509 *next;

    if (bio == NULL || chain == NULL)
        return NULL;
    while ((next = PEM_read_bio_X509(bio, NULL, refuse_passphrase, NULL)) != NULL)
        if (sk_X509_num(chain) >= CHAIN_MAX_COUNT || sk_X509_push(chain, next) <= 0) {
            X509_free(next);
            return NULL;
        }
    ERR_clear_error();
    return sk_X509_num(chain) > 0 ? TAKE(chain) : NULL;
}

/* ---- checking --------------------------------------------------------------------------------*/

X509 *certificate_check_chain(const char *leaf_pem, const char *chain_pem, X509 *anchor,
                              int64_t now_s, struct error *err)
{
    CLEANUP(cleanup_certificate) X509 *leaf = certificate_read(leaf_pem);
    CLEANUP(cleanup_chain) STACK_OF(X509) *chain = read_chain(chain_pem);
    CLEANUP(cleanup_store) X509_STORE *store = X509_STORE_new();
    CLEANUP(cleanup_context) X509_STORE_CTX *context = X509_STORE_CTX_new();

    if (leaf == NULL || chain == NULL) {
        error_set(err, ERROR_BAD_INPUT, "%s",
                  leaf == NULL ? "client_x509 is no PEM certificate"
                               : "client_x509_chain holds no PEM certificate, or too many");
        return NULL;
    }
    must_have(store != NULL && X509_STORE_add_cert(store, anchor) == 1 ? store : NULL);
    must_have(context);
    must_have(X509_STORE_CTX_init(context, store, leaf, chain) == 1 ? context : NULL);
    X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context), (time_t)now_s);
    X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(context), AUTH_LEVEL);
    if (X509_verify_cert(context) != 1) {
        error_set(err, ERROR_DENIED, "the certificate chain is not trusted: %s",
                  X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
        ERR_clear_error();
        return NULL;
    }
    return TAKE(leaf);
}

char *certificate_common_name(X509 *certificate)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    unsigned char *utf8 = NULL;
    char *copy;
    int len;

    if (at < 0)
        return NULL;
    len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (len < 0)
        return NULL;
    /* A NUL inside must not make one name look like another. */
    copy =
        memchr(utf8, '\0', (size_t)len) == NULL ? must_copy_bytes((char *)utf8, (size_t)len) : NULL;
    OPENSSL_free(utf8);
    return copy;
}
