/* The private key of a client certificate stays in OpenSSL's memory only while a connection is
 * made. */
#include "net/tls_client_key.h"

#include <string.h>

#include <openssl/ssl.h>

/* OpenSSL checks that a key fits its certificate by comparing public halves, so the certificate's
 * own public key passes as the replacement. libcurl makes one context per connection. */
static void on_progress(const SSL *connection, int where, int result)
{
    X509 *certificate;
    EVP_PKEY *public_half;
    SSL *ssl;

    (void)result;
    if ((where & SSL_CB_HANDSHAKE_DONE) == 0)
        return;
    memcpy(&ssl, &connection, sizeof ssl);
    certificate = SSL_get_certificate(ssl);
    public_half = certificate == NULL ? NULL : X509_get0_pubkey(certificate);
    if (public_half == NULL)
        return;
    (void)SSL_use_PrivateKey(ssl, public_half);
    (void)SSL_CTX_use_PrivateKey(SSL_get_SSL_CTX(ssl), public_half);
}

void tls_client_key_forget_after_handshake(struct ssl_ctx_st *context)
{
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_info_callback(context, on_progress);
}
