/* The public keys that a client has registered for its assertions (private_key_jwt). */
#include "local-cloud/client_keys.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "jwt/algorithm.h"
#include "jwt/jwk.h"
#include "jwt/jws.h"
#include "local-cloud/certificate.h"
#include "local-cloud/memory.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_MAX_COUNT = 16, RSA_MIN_BITS = 2048, RSA_MAX_BITS = 8192 };

DEFINE_CLEANUP(cleanup_bio, BIO, BIO_vfree)
DEFINE_CLEANUP(cleanup_key, EVP_PKEY, EVP_PKEY_free)
DEFINE_CLEANUP(cleanup_certificate, X509, X509_free)

struct client_keys {
    EVP_PKEY *list[KEY_MAX_COUNT];
    size_t count;
};

struct client_keys *client_keys_new(void)
{
    return must_allocate(sizeof(struct client_keys));
}

void client_keys_forget(struct client_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        EVP_PKEY_free(keys->list[i]);
    keys->count = 0;
}

void client_keys_free(struct client_keys *keys)
{
    if (keys == NULL)
        return;
    client_keys_forget(keys);
    free(keys);
}

size_t client_keys_count(const struct client_keys *keys)
{
    return keys->count;
}

static bool is_curve(EVP_PKEY *key, const char *jose_name)
{
    static const struct {
        const char *openssl, *jose;
    } curves[] = {{"prime256v1", "P-256"}, {"secp384r1", "P-384"}, {"secp521r1", "P-521"}};
    char group[32];
    size_t len;

    if (EVP_PKEY_get_group_name(key, group, sizeof group, &len) != 1)
        return false;
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
        if (strcmp(group, curves[i].openssl) == 0)
            return jose_name == NULL || strcmp(curves[i].jose, jose_name) == 0;
    return false;
}

static bool is_usable_rsa(EVP_PKEY *key)
{
    int bits = EVP_PKEY_get_bits(key);

    return EVP_PKEY_is_a(key, "RSA") && bits >= RSA_MIN_BITS && bits <= RSA_MAX_BITS;
}

bool public_key_fits(EVP_PKEY *key, const struct algorithm *algorithm)
{
    switch (algorithm->key_type) {
    case KEY_RSA:
        return is_usable_rsa(key);
    case KEY_EC:
        return EVP_PKEY_is_a(key, "EC") && is_curve(key, algorithm->curve);
    case KEY_OKP:
        return EVP_PKEY_is_a(key, "ED25519");
    case KEY_NONE:
    case KEY_OCT:
    default:
        return false;
    }
}

bool client_keys_add(struct client_keys *keys, EVP_PKEY *key, struct error *err)
{
    if (!is_usable_rsa(key) && !EVP_PKEY_is_a(key, "ED25519") &&
        !(EVP_PKEY_is_a(key, "EC") && is_curve(key, NULL)))
        return error_set(err, ERROR_BAD_INPUT,
                         "a %s key of %d bits; expected RSA from 2048 bits, P-256, P-384, P-521 or "
                         "Ed25519",
                         EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key));
    if (keys->count == KEY_MAX_COUNT)
        return error_set(err, ERROR_LIMIT, "the client has %d keys; no more can be registered",
                         KEY_MAX_COUNT);
    must_have(EVP_PKEY_up_ref(key) == 1 ? key : NULL);
    keys->list[keys->count++] = key;
    return true;
}

bool client_keys_add_pem(struct client_keys *keys, const char *pem, struct error *err)
{
    CLEANUP(cleanup_certificate) X509 *certificate = certificate_read(pem);
    CLEANUP(cleanup_bio) BIO *bio = BIO_new_mem_buf(pem, -1);
    CLEANUP(cleanup_key) EVP_PKEY *key = NULL;

    if (certificate != NULL)
        key = X509_get_pubkey(certificate);
    else if (bio != NULL)
        key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    ERR_clear_error();
    if (key == NULL)
        return error_set(err, ERROR_BAD_INPUT,
                         "the text is neither a public key nor a certificate in PEM");
    return client_keys_add(keys, key, err);
}

bool client_keys_add_jwk(struct client_keys *keys, struct slice json, struct error *err)
{
    struct jwk jwk;
    bool is_added;

    if (!jwk_read(json, &jwk))
        return error_set(err, ERROR_BAD_INPUT, "the JWK is no object, or has no kid");
    is_added = jwk.public_key == NULL
                   ? error_set(err, ERROR_BAD_INPUT, "the JWK cannot be used: %s",
                               jwk.unusable == NULL ? "no public key" : jwk.unusable)
                   : client_keys_add(keys, jwk.public_key, err);
    jwk_clear(&jwk);
    return is_added;
}

bool client_keys_verify(const struct client_keys *keys, const struct jws *jws,
                        const struct algorithm *algorithm)
{
    for (size_t i = 0; i < keys->count; i++)
        if (public_key_fits(keys->list[i], algorithm) && jws_verify(jws, algorithm, keys->list[i]))
            return true;
    return false;
}
