/* Extra trust for outgoing TLS: parsed once, added to each connection.
 *
 * libcurl would parse a bundle anew for each connection, which costs tens of milliseconds. */
#include "net/tls_trust.h"

#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

struct tls_trust {
    STACK_OF(X509) * certificates;
    char *directory;
};

static bool read_file(struct tls_trust *trust, const char *path, struct error *err)
{
    FILE *file = fopen(path, "re");
    X509 *certificate;

    if (file == NULL)
        return error_set(err, ERROR_NOT_FOUND, "reading the CA file %s (SSL_CERT_FILE): %s", path,
                         strerror(errno));
    while ((certificate = PEM_read_X509(file, NULL, NULL, NULL)) != NULL)
        if (sk_X509_push(trust->certificates, certificate) <= 0) {
            X509_free(certificate);
            break;
        }
    ERR_clear_error(); /* the end of the file counts as one */
    fclose(file);
    if (sk_X509_num(trust->certificates) > 0)
        return true;
    return error_set(err, ERROR_BAD_INPUT,
                     "the CA file %s (SSL_CERT_FILE) holds no PEM certificate", path);
}

struct tls_trust *tls_trust_new(const char *file, const char *directory, struct error *err)
{
    struct tls_trust *trust = calloc(1, sizeof *trust);

    if (trust != NULL) {
        trust->certificates = sk_X509_new_null();
        trust->directory = directory == NULL ? NULL : strdup(directory);
        if (trust->certificates != NULL && (directory == NULL || trust->directory != NULL)) {
            if (file == NULL || read_file(trust, file, err))
                return trust;
            tls_trust_free(trust);
            return NULL;
        }
        tls_trust_free(trust);
    }
    error_set(err, ERROR_NO_MEMORY, "no memory for TLS trust");
    return NULL;
}

void tls_trust_free(struct tls_trust *trust)
{
    if (trust == NULL)
        return;
    sk_X509_pop_free(trust->certificates, X509_free);
    free(trust->directory);
    free(trust);
}

bool tls_trust_add(const struct tls_trust *trust, struct ssl_ctx_st *context)
{
    X509_STORE *store = SSL_CTX_get_cert_store(context);

    for (int i = 0; i < sk_X509_num(trust->certificates); i++)
        if (X509_STORE_add_cert(store, sk_X509_value(trust->certificates, i)) != 1)
            return false;
    return trust->directory == NULL || SSL_CTX_load_verify_dir(context, trust->directory) == 1;
}
