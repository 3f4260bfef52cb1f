/* A certificate authority for one run, and a server certificate for 127.0.0.1 and localhost. */
#include "local-cloud/tls_identity.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "local-cloud/memory.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <string.h>

enum { VALID_FROM_S = -3600, VALID_TO_S = 30 * 86400 };

DEFINE_CLEANUP(cleanup_key, EVP_PKEY, EVP_PKEY_free)
DEFINE_CLEANUP(cleanup_certificate, X509, X509_free)
DEFINE_CLEANUP(cleanup_bio, BIO, BIO_vfree)
DEFINE_CLEANUP(cleanup_tls, SSL_CTX, SSL_CTX_free)

static bool set_serial(X509 *certificate)
{
    unsigned char bytes[8];

    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    bytes[0] &= 0x7f; /* positive */
    bytes[0] |= 0x40; /* and of full length */
    return ASN1_STRING_set(X509_get_serialNumber(certificate), bytes, sizeof bytes) == 1;
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;
    bool is_added;

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

/* `issuer` NULL: self-signed. */
static X509 *make_certificate(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key)
{
    CLEANUP(cleanup_certificate) X509 *certificate = X509_new();
    X509 *signer = issuer == NULL ? certificate : issuer;
    bool is_authority = issuer == NULL;

    if (certificate == NULL || X509_set_version(certificate, X509_VERSION_3) != 1 ||
        !set_serial(certificate) || !set_name(certificate, name) ||
        X509_gmtime_adj(X509_getm_notBefore(certificate), VALID_FROM_S) == NULL ||
        X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_TO_S) == NULL ||
        X509_set_pubkey(certificate, key) != 1 ||
        X509_set_issuer_name(certificate, X509_get_subject_name(signer)) != 1)
        return NULL;
    if (!add_extension(certificate, signer, NID_subject_key_identifier, "hash") ||
        !add_extension(certificate, signer, NID_authority_key_identifier, "keyid:always"))
        return NULL;
    if (is_authority &&
        (!add_extension(certificate, signer, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
         !add_extension(certificate, signer, NID_key_usage, "critical,keyCertSign,cRLSign")))
        return NULL;
    if (!is_authority &&
        (!add_extension(certificate, signer, NID_basic_constraints, "critical,CA:FALSE") ||
         !add_extension(certificate, signer, NID_key_usage, "critical,digitalSignature") ||
         !add_extension(certificate, signer, NID_ext_key_usage, "serverAuth") ||
         !add_extension(certificate, signer, NID_subject_alt_name,
                        "IP:127.0.0.1,DNS:localhost,IP:::1")))
        return NULL;
    if (X509_sign(certificate, issuer_key, EVP_sha256()) == 0)
        return NULL;
    return TAKE(certificate);
}

static char *pem_of(X509 *certificate)
{
    CLEANUP(cleanup_bio) BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long len;

    if (bio == NULL || PEM_write_bio_X509(bio, certificate) != 1)
        return NULL;
    len = BIO_get_mem_data(bio, &text);
    return must_copy_bytes(text, (size_t)len);
}

struct ssl_ctx_st *tls_identity_new(char **out_ca_pem, struct error *err)
{
    CLEANUP(cleanup_key) EVP_PKEY *ca_key = EVP_EC_gen("P-256");
    CLEANUP(cleanup_key) EVP_PKEY *key = EVP_EC_gen("P-256");
    CLEANUP(cleanup_certificate) X509 *ca = NULL;
    CLEANUP(cleanup_certificate) X509 *leaf = NULL;
    CLEANUP(cleanup_tls) SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

    if (ca_key != NULL && key != NULL)
        ca = make_certificate(ca_key, "sesame-local-cloud CA", NULL, ca_key);
    if (ca != NULL)
        leaf = make_certificate(key, "localhost", ca, ca_key);
    if (leaf == NULL || tls == NULL || SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1 ||
        SSL_CTX_use_certificate(tls, leaf) != 1 || SSL_CTX_use_PrivateKey(tls, key) != 1 ||
        (*out_ca_pem = pem_of(ca)) == NULL) {
        error_set(err, ERROR_INTERNAL, "OpenSSL cannot make a certificate");
        return NULL;
    }
    return TAKE(tls);
}
