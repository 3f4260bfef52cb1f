/* A certificate authority for one run, and a server certificate for 127.0.0.1 and localhost. */
#include "local-cloud/tls_identity.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "local-cloud/certificate.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

DEFINE_CLEANUP(cleanup_key, EVP_PKEY, EVP_PKEY_free)
DEFINE_CLEANUP(cleanup_certificate, X509, X509_free)
DEFINE_CLEANUP(cleanup_tls, SSL_CTX, SSL_CTX_free)

/* Besides this machine's names those that Alibaba Cloud's clients have built in, so that a test
 * which sends their connections here needs to change nothing else. */
#define SERVER_NAMES                                                                       \
    "IP:127.0.0.1,DNS:localhost,IP:::1,DNS:*.aliyuncs.com,DNS:*.cn-hangzhou.aliyuncs.com," \
    "DNS:*.aliyunidaas.com"

struct ssl_ctx_st *tls_identity_new(char **out_ca_pem, struct error *err)
{
    CLEANUP(cleanup_key) EVP_PKEY *ca_key = EVP_EC_gen("P-256");
    CLEANUP(cleanup_key) EVP_PKEY *key = EVP_EC_gen("P-256");
    CLEANUP(cleanup_certificate) X509 *ca = NULL;
    CLEANUP(cleanup_certificate) X509 *leaf = NULL;
    CLEANUP(cleanup_tls) SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    struct certificate_spec authority = {.common_name = "sesame-local-cloud CA",
                                         .constraints = "critical,CA:TRUE,pathlen:0",
                                         .key_usage = "critical,keyCertSign,cRLSign",
                                         .key = ca_key,
                                         .issuer_key = ca_key};
    struct certificate_spec server = {.common_name = "localhost",
                                      .constraints = "critical,CA:FALSE",
                                      .key_usage = "critical,digitalSignature",
                                      .extended_usage = "serverAuth",
                                      .alternative_names = SERVER_NAMES,
                                      .key = key,
                                      .issuer_key = ca_key};

    if (ca_key != NULL && key != NULL)
        ca = certificate_make(&authority);
    server.issuer = ca;
    if (ca != NULL)
        leaf = certificate_make(&server);
    if (leaf == NULL || tls == NULL || SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1 ||
        SSL_CTX_use_certificate(tls, leaf) != 1 || SSL_CTX_use_PrivateKey(tls, key) != 1 ||
        (*out_ca_pem = certificate_pem(ca)) == NULL) {
        error_set(err, ERROR_INTERNAL, "OpenSSL cannot make a certificate");
        return NULL;
    }
    return TAKE(tls);
}
