/* What a signing key is made of; private to core/jwt. */
#ifndef SESAME_JWT_KEY_PRIVATE_H
#define SESAME_JWT_KEY_PRIVATE_H

#include "jwt/algorithm.h"

#include <openssl/types.h>

struct error;
struct secret;

struct signing_key {
    enum key_type type;
    EVP_PKEY *pkey;        /* NULL for a shared secret */
    struct secret *shared; /* NULL for a key pair */
    const char *curve;     /* JOSE name; NULL for RSA */
};

/* Takes `pkey`, on failure too. */
struct signing_key *signing_key_take_pkey(EVP_PKEY *pkey, struct error *err);

#endif
