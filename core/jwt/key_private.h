/* What a signing key is made of; private to core/jwt. */
#ifndef SESAME_JWT_KEY_PRIVATE_H
#define SESAME_JWT_KEY_PRIVATE_H

#include "jwt/algorithm.h"

#include <stdatomic.h>

#include <openssl/types.h>

struct error;
struct secret;

/* Between uses a private key lies in locked memory only: it is read into an EVP_PKEY for each
 * signature and freed, hence wiped, after it. That costs 20 to 60 microseconds. */
struct signing_key {
    atomic_size_t references;
    enum key_type type;
    EVP_PKEY *public_key;   /* NULL for a shared secret */
    struct secret *private; /* PKCS#8 DER, or the shared secret itself */
    const char *curve;      /* JOSE name; NULL for RSA */
};

/* Takes `pkey`, on failure too. */
struct signing_key *signing_key_take_pkey(EVP_PKEY *pkey, struct error *err);

#endif
