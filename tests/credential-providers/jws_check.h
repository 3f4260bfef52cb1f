/* Checks a JWS with OpenSSL alone, apart from the code under test. */
#ifndef SESAME_TESTS_CREDENTIAL_PROVIDERS_JWS_CHECK_H
#define SESAME_TESTS_CREDENTIAL_PROVIDERS_JWS_CHECK_H

#include <openssl/types.h>
#include <stdbool.h>

struct json_object;

/* Part 0 (header) or 1 (claims) as an object; the caller puts it. */
struct json_object *jws_part(const char *token, int part);

/* Whether the signature is right under the header's "alg", which must be one for this kind of key
 * (RFC 7518 section 3, RFC 8037). */
bool jws_check_key(const char *token, EVP_PKEY *key);
/* HS256 with the bytes of `secret`. */
bool jws_check_secret(const char *token, const char *secret);

/* A private key from clean PEM; the caller frees. */
EVP_PKEY *jws_key_from_pem(const char *pem);

#endif
