/* The private key of a client certificate stays in OpenSSL's memory only while a connection is
 * made. */
#ifndef SESAME_NET_TLS_CLIENT_KEY_H
#define SESAME_NET_TLS_CLIENT_KEY_H

struct ssl_ctx_st;

/* Makes each connection of `context` drop its copy of the private key when the handshake is over:
 * the connection may be kept for hours, and nothing needs the key any more. Renegotiation, which
 * would, is refused. To be called when the certificate and its key are in the context. */
void tls_client_key_forget_after_handshake(struct ssl_ctx_st *context);

#endif
