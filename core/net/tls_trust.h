/* Extra trust for outgoing TLS: parsed once, added to each connection. */
#ifndef SESAME_NET_TLS_TRUST_H
#define SESAME_NET_TLS_TRUST_H

#include <stdbool.h>

struct error;
struct ssl_ctx_st;
struct tls_trust;

/* The directory of hashed certificates that is the system's trust. */
#define TLS_TRUST_SYSTEM_DIRECTORY "/etc/ssl/certs"

/* Reads every certificate of a PEM file; `directory` holds more, by hash. Either may be NULL. */
struct tls_trust *tls_trust_new(const char *file, const char *directory, struct error *err);
void tls_trust_free(struct tls_trust *trust);

/* Adds them to a connection's context. */
bool tls_trust_add(const struct tls_trust *trust, struct ssl_ctx_st *context);

#endif
