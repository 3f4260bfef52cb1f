/* Keys that sign: PEM in all the forms people put into variables, and shared secrets. */
#ifndef SESAME_JWT_KEY_H
#define SESAME_JWT_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct buffer;
struct error;
struct secret;
struct signing_key;

/* A private key from PEM: PKCS#8, PKCS#1, SEC1, encrypted PKCS#8 with `passphrase` (may be NULL);
 * line breaks may have become blanks or the two characters \n, or be gone; bare base64 is tried as
 * PKCS#8, PKCS#1 and SEC1. RSA from 2048 bits, P-256, P-384, P-521, Ed25519; others are refused as
 * NotSupportedWebKey with what was found. */
struct signing_key *signing_key_from_pem(const struct secret *pem, const struct secret *passphrase,
                                         struct error *err);

/* A key for HS256, HS384, HS512: the bytes of the secret; takes a reference. */
struct signing_key *signing_key_from_hmac(struct secret *secret, struct error *err);

/* A fresh key pair, by kind: "RSA-2048", "RSA-3072", "P-256", "P-384", "P-521", "Ed25519". */
struct signing_key *signing_key_generate(const char *kind, struct error *err);

/* A key never changes once made; references are counted atomically, so that threads may share one.
 * NULL is fine for both. [any thread] */
struct signing_key *signing_key_ref(struct signing_key *key);
void signing_key_free(struct signing_key *key);

/* "RSA", "EC", "OKP" or "oct"; bits of RSA keys; the algorithm a key is used with unless told
 * otherwise: RSA up to 2048 bits RS256, up to 3072 RS384, larger RS512; EC by curve (the newest
 * vendor SDK's choice). */
const char *signing_key_type(const struct signing_key *key);
int signing_key_bits(const struct signing_key *key);
const char *signing_key_default_algorithm(const struct signing_key *key);
bool signing_key_fits(const struct signing_key *key, const char *algorithm_name);

/* A signature or MAC in JOSE form. `out` of 1024 bytes is always enough. */
bool signing_key_sign(const struct signing_key *key, const char *algorithm_name, struct slice data,
                      unsigned char *out, size_t capacity, size_t *out_len, struct error *err);

/* The private half as PKCS#8 DER, borrowed from the key; NULL for a shared secret. */
const struct secret *signing_key_pkcs8(const struct signing_key *key);

/* Appends the public half as a JWK object with `kid`, use sig and the default alg; without a kid
 * (NULL) only what makes the key, as in RFC 7638. */
bool signing_key_add_jwk(const struct signing_key *key, const char *kid, struct buffer *out,
                         struct error *err);

#endif
