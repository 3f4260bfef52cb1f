/* What a signing key is made of; private to core/jwt. */
#ifndef SESAME_JWT_KEY_PRIVATE_H
#define SESAME_JWT_KEY_PRIVATE_H

#include "jwt/algorithm.h"

#include <stdatomic.h>

#include <openssl/types.h>

struct error;
struct secret;

/* Between uses a private key lies in locked memory only: it is made into an EVP_PKEY for each
 * signature and freed, hence wiped, after it. From its parts that takes 3 (Ed25519) to 20
 * microseconds (P-256), and RSA pays 300 more because OpenSSL keeps nothing from the last
 * signature; reading DER each time would take 400. */
struct signing_key {
    atomic_size_t references;
    enum key_type type;
    EVP_PKEY *public_key;  /* NULL for a shared secret */
    struct secret *shared; /* the bytes of a shared secret, else NULL */
    struct secret *pkcs8;  /* DER, for TLS */
    struct secret *parts;  /* what `params` points to */
    OSSL_PARAM *params;    /* of EVP_PKEY_fromdata */
    const char *curve;     /* JOSE name; NULL for RSA */
};

/* Takes `pkey`, on failure too. */
struct signing_key *signing_key_take_pkey(EVP_PKEY *pkey, struct error *err);

#endif
