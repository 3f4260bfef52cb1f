/* DPoP (RFC 9449): the proof that whoever sends a request holds a key. */
#ifndef SESAME_JWT_DPOP_H
#define SESAME_JWT_DPOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct error;
struct secret;
struct signing_key;

/* The request that a proof is for. */
struct dpop_request {
    const char *method;
    const char *url;                   /* query and fragment are left out of the proof */
    const struct secret *access_token; /* sent with the request; NULL: none (token endpoint) */
    struct slice nonce;                /* what the server gave; empty: none */
    int64_t now_s;                     /* wall clock */
};

/* A fresh proof (section 4.2): a JWS of type dpop+jwt with the public key in its header and htm,
 * htu, iat, a random jti, and ath and nonce where there are any. The caller owns it. Good for one
 * request: servers refuse a jti that they have seen. */
struct secret *dpop_proof(const struct signing_key *key, const struct dpop_request *request,
                          struct error *err);

/* Whether `nonce` is made of the characters that section 8.1 allows, and of a sane length. */
bool dpop_nonce_is_valid(struct slice nonce);

#endif
