/* The public keys that a client has registered for its assertions (private_key_jwt). */
#ifndef LOCAL_CLOUD_CLIENT_KEYS_H
#define LOCAL_CLOUD_CLIENT_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct algorithm;
struct client_keys;
struct error;
struct evp_pkey_st;
struct jws;

struct client_keys *client_keys_new(void);
void client_keys_free(struct client_keys *keys);
void client_keys_forget(struct client_keys *keys);
size_t client_keys_count(const struct client_keys *keys);

/* Registers a key: a public key or a certificate in PEM, or a JWK as JSON text. RSA from 2048 bits,
 * P-256, P-384, P-521, Ed25519; others are refused. */
bool client_keys_add_pem(struct client_keys *keys, const char *pem, struct error *err);
bool client_keys_add_jwk(struct client_keys *keys, struct slice json, struct error *err);
bool client_keys_add(struct client_keys *keys, struct evp_pkey_st *key, struct error *err);

/* True when `key` is of the kind that `algorithm` wants. */
bool public_key_fits(struct evp_pkey_st *key, const struct algorithm *algorithm);

/* True when the signature is good for one of the keys: assertions carry no kid (idaas.md section
 * 2.2), so each that fits is tried. */
bool client_keys_verify(const struct client_keys *keys, const struct jws *jws,
                        const struct algorithm *algorithm);

#endif
