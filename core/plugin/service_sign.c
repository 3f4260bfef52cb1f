/* Host service for credential providers: signing with keys that stay in locked memory. */
#include "plugin/instance.h"

#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "jwt/jws.h"
#include "jwt/key.h"

#include <openssl/evp.h>
#include <sesame/services.h>
#include <stdio.h>
#include <string.h>

static struct signing_key *get(struct plugin_instance *instance, uint64_t handle)
{
    struct signing_key *key =
        instance == NULL ? NULL : handle_get(&instance->handles, HANDLE_KEY, handle);

    if (instance != NULL && key == NULL)
        instance_misbehaved(instance, "unknown_handle");
    return key;
}

static int32_t key_open(const struct sesame_host *host, struct sesame_text kind, uint64_t secret,
                        uint64_t passphrase, uint64_t *out_key, struct sesame_text *out_message)
{
    struct plugin_instance *instance = instance_enter(host);
    struct secret *bytes, *unlock;
    struct signing_key *key = NULL;
    struct error err = {0};

    if (instance == NULL)
        return SESAME_INTERNAL;
    bytes = handle_get(&instance->handles, HANDLE_SECRET, secret);
    unlock = passphrase == 0 ? NULL : handle_get(&instance->handles, HANDLE_SECRET, passphrase);
    if (bytes == NULL || (passphrase != 0 && unlock == NULL))
        return SESAME_NOT_FOUND;
    if (slice_equal_text(slice_from(kind), "hmac"))
        key = signing_key_from_hmac(bytes, &err);
    else if (slice_equal_text(slice_from(kind), "pem"))
        key = signing_key_from_pem(bytes, unlock, &err);
    else
        error_set(&err, ERROR_BAD_INPUT, "a key is of the kind \"pem\" or \"hmac\"");
    if (key == NULL) {
        instance_say(instance, err.message, out_message);
        return status_of_error(&err);
    }
    *out_key = handle_add(&instance->handles, HANDLE_KEY, key);
    if (*out_key != 0)
        return SESAME_OK;
    signing_key_free(key);
    return SESAME_LIMIT;
}

static int32_t key_generate(const struct sesame_host *host, struct sesame_text kind,
                            uint64_t *out_key)
{
    struct plugin_instance *instance = instance_enter(host);
    struct signing_key *key;
    struct error err = {0};
    char name[16];

    if (instance == NULL)
        return SESAME_INTERNAL;
    if (kind.len >= sizeof name)
        return SESAME_BAD_INPUT;
    memcpy(name, kind.data, kind.len);
    name[kind.len] = '\0';
    key = signing_key_generate(name, &err);
    if (key == NULL) {
        instance_explain(instance, &err);
        return status_of_error(&err);
    }
    *out_key = handle_add(&instance->handles, HANDLE_KEY, key);
    if (*out_key != 0)
        return SESAME_OK;
    signing_key_free(key);
    return SESAME_LIMIT;
}

bool plugin_binding_find(struct plugin_instance *instance, const struct sesame_binding *given,
                         struct plugin_binding *out, struct error *err)
{
    struct plugin_binding found = {
        .proof_key = handle_get(&instance->handles, HANDLE_KEY, given->proof_key),
        .client_certificate =
            handle_get(&instance->handles, HANDLE_SECRET, given->client_certificate),
        .client_key = handle_get(&instance->handles, HANDLE_KEY, given->client_key),
    };

    if ((given->proof_key != 0 && found.proof_key == NULL) ||
        (given->client_certificate != 0 && found.client_certificate == NULL) ||
        (given->client_key != 0 && found.client_key == NULL))
        return error_set(err, ERROR_NOT_FOUND, "a binding names a key or certificate that is gone");
    if ((found.client_certificate == NULL) != (found.client_key == NULL))
        return error_set(err, ERROR_BAD_INPUT,
                         "a client certificate and its key go together, one is missing");
    if ((found.proof_key != NULL && signing_key_pkcs8(found.proof_key) == NULL) ||
        (found.client_key != NULL && signing_key_pkcs8(found.client_key) == NULL))
        return error_set(err, ERROR_BAD_INPUT,
                         "a binding needs key pairs, this is a shared secret");
    *out = found;
    return true;
}

static int32_t key_describe(const struct sesame_host *host, uint64_t handle,
                            struct sesame_text *out)
{
    static const char *const names[] = {"RS256", "RS384", "RS512", "PS256", "PS384",
                                        "PS512", "ES256", "ES384", "ES512", "EdDSA",
                                        "HS256", "HS384", "HS512"};
    struct plugin_instance *instance = instance_enter(host);
    struct signing_key *key = get(instance, handle);
    char text[400];
    size_t used;

    if (key == NULL)
        return SESAME_NOT_FOUND;
    used = (size_t)snprintf(
        text, sizeof text, "{\"kty\":\"%s\",\"bits\":%d,\"alg\":\"%s\",\"algs\":[",
        signing_key_type(key), signing_key_bits(key), signing_key_default_algorithm(key));
    /* All thirteen names are far shorter than the array. */
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (signing_key_fits(key, names[i]))
            used += (size_t)snprintf(text + used, sizeof text - used, "%s\"%s\"",
                                     text[used - 1] == '[' ? "" : ",", names[i]);
    (void)snprintf(text + used, sizeof text - used, "]}");
    instance_say(instance, text, out);
    return SESAME_OK;
}

static int32_t jws(const struct sesame_host *host, uint64_t handle, struct sesame_text header,
                   struct sesame_text claims, uint64_t *out_secret)
{
    struct plugin_instance *instance = instance_enter(host);
    struct signing_key *key = get(instance, handle);
    struct secret *token;
    struct error err = {0};

    if (key == NULL)
        return SESAME_NOT_FOUND;
    token = jws_sign(key, slice_from(header), slice_from(claims), &err);
    if (token == NULL) {
        instance_explain(instance, &err);
        return status_of_error(&err);
    }
    *out_secret = handle_add(&instance->handles, HANDLE_SECRET, token);
    if (*out_secret != 0)
        return SESAME_OK;
    secret_free(token);
    return SESAME_LIMIT;
}

static int32_t sign(const struct sesame_host *host, uint64_t handle, struct sesame_text alg,
                    struct sesame_text data, uint8_t *out, size_t out_capacity, size_t *out_len)
{
    struct plugin_instance *instance = instance_enter(host);
    struct signing_key *key = get(instance, handle);
    struct error err = {0};
    char name[16];

    if (key == NULL || alg.len >= sizeof name)
        return SESAME_NOT_FOUND;
    memcpy(name, alg.data, alg.len);
    name[alg.len] = '\0';
    if (signing_key_sign(key, name, slice_from(data), out, out_capacity, out_len, &err))
        return SESAME_OK;
    instance_explain(instance, &err);
    return status_of_error(&err);
}

static int32_t digest(const struct sesame_host *host, struct sesame_text alg,
                      struct sesame_text data, uint8_t *out, size_t out_capacity, size_t *out_len)
{
    const EVP_MD *md = slice_equal_text(slice_from(alg), "sha1")     ? EVP_sha1()
                       : slice_equal_text(slice_from(alg), "sha256") ? EVP_sha256()
                       : slice_equal_text(slice_from(alg), "sha384") ? EVP_sha384()
                       : slice_equal_text(slice_from(alg), "sha512") ? EVP_sha512()
                                                                     : NULL;
    unsigned len = 0;

    if (instance_enter(host) == NULL)
        return SESAME_INTERNAL;
    if (md == NULL)
        return SESAME_BAD_INPUT;
    if (out_capacity < (size_t)EVP_MD_get_size(md))
        return SESAME_LIMIT;
    if (EVP_Digest(data.data, data.len, out, &len, md, NULL) != 1)
        return SESAME_INTERNAL;
    *out_len = len;
    return SESAME_OK;
}

static void drop(void *object)
{
    signing_key_free(object);
}

static void key_free(const struct sesame_host *host, uint64_t handle)
{
    struct plugin_instance *instance = instance_enter(host);

    if (instance != NULL && handle != 0)
        signing_key_free(handle_take(&instance->handles, HANDLE_KEY, handle));
}

void service_sign_close(struct plugin_instance *instance)
{
    handle_take_all(&instance->handles, HANDLE_KEY, drop);
}

const struct sesame_sign_v1 service_sign = {key_open, key_generate, key_describe, jws,
                                            sign,     digest,       key_free};
