/* A certificate authority for one run, and a server certificate for 127.0.0.1 and localhost. */
#ifndef LOCAL_CLOUD_TLS_IDENTITY_H
#define LOCAL_CLOUD_TLS_IDENTITY_H

struct error;
struct ssl_ctx_st;

/* Makes both. The caller owns the context and the PEM text of the authority's certificate; the
 * authority's key is forgotten. NULL on failure. */
struct ssl_ctx_st *tls_identity_new(char **out_ca_pem, struct error *err);

#endif
