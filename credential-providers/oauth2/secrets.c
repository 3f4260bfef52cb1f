/* Secrets, keys and certificates of the configuration: by variable, or by a file that may change.
 */
#include "oauth2.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POINTER_MAX_BYTES 80
#define CERTIFICATE "/client_certificate/certificate"
#define CERTIFICATE_KEY "/client_certificate/key"
#define CERTIFICATE_PASSPHRASE "/client_certificate/passphrase"

static const char *const suffixes[] = {"_env", "_file"};

void place_add(struct kit_buffer *out, const char *place)
{
    for (const char *at = place + 1; *at != '\0'; at++)
        kit_add_text(out, *at == '/' ? kit_text(".") : (struct sesame_text){at, 1});
}

/* The name that the configuration has at `place` + suffix, which becomes `pointer`. */
static char *name_at(const struct sesame_instance *instance, const char *place, size_t which,
                     char pointer[POINTER_MAX_BYTES])
{
    /* Places and suffixes are our own and short. */
    (void)snprintf(pointer, POINTER_MAX_BYTES, "%s%s", place, suffixes[which]);
    return kit_get_string(&instance->provider.kit, kit_text(instance->config), pointer);
}

bool secret_is_given(const struct sesame_instance *instance, const char *place)
{
    char pointer[POINTER_MAX_BYTES];
    bool is_given = false;

    for (size_t i = 0; i < 2; i++) {
        char *name = name_at(instance, place, i, pointer);

        is_given = is_given || name != NULL;
        free(name);
    }
    return is_given;
}

static void explain(struct kit_buffer *why, size_t which, const char *name, const char *pointer,
                    int32_t status)
{
    kit_add(why, which == 0 ? "the environment variable " : "the file ");
    kit_add(why, name);
    kit_add(why, " (");
    place_add(why, pointer);
    kit_add(why, which == 0 ? ") is not set" : ") cannot be used: ");
    if (which == 1)
        kit_add(why, kit_file_fault(status));
}

bool secret_read(const struct sesame_instance *instance, const char *place, uint64_t *out,
                 struct kit_buffer *why)
{
    const struct token_provider *provider = &instance->provider;
    char pointer[POINTER_MAX_BYTES];

    for (size_t i = 0; i < 2; i++) {
        char *name = name_at(instance, place, i, pointer);
        int32_t status;

        if (name == NULL)
            continue;
        status = provider->secret->from_config(provider->kit.host, kit_text(pointer), out);
        if (status != SESAME_OK)
            explain(why, i, name, pointer, status);
        free(name);
        return status == SESAME_OK;
    }
    place_add(why, place);
    kit_add(why, "_env or ");
    place_add(why, place);
    kit_add(why, "_file is missing");
    return false;
}

bool key_read(const struct sesame_instance *instance, const char *place,
              const char *passphrase_place, const char *algorithm, struct assertion_key *out,
              struct kit_buffer *why)
{
    const struct token_provider *provider = &instance->provider;
    const struct sesame_host *host = provider->kit.host;
    uint64_t pem = 0, passphrase = 0;
    bool ok = secret_read(instance, place, &pem, why) &&
              (!secret_is_given(instance, passphrase_place) ||
               secret_read(instance, passphrase_place, &passphrase, why));

    if (ok) {
        struct kit_buffer fault = {0};

        ok = assertion_key_open(provider, pem, passphrase, algorithm, out, &fault) == SESAME_OK;
        if (!ok) {
            kit_add(why, "the private key in ");
            place_add(why, place);
            kit_add_text(why, kit_buffer_text(&fault));
            provider->sign->key_free(host, out->handle);
        }
        kit_clear(&fault);
    }
    provider->secret->free(host, pem);
    provider->secret->free(host, passphrase);
    return ok;
}

/* ---- the client certificate ------------------------------------------------------------------ */

static bool is_same(const struct token_provider *provider, uint64_t a, uint64_t b)
{
    const struct sesame_host *host = provider->kit.host;
    struct sesame_text left, right;

    return a != 0 && b != 0 && provider->secret->borrow(host, a, &left) == SESAME_OK &&
           provider->secret->borrow(host, b, &right) == SESAME_OK && left.len == right.len &&
           memcmp(left.data, right.data, left.len) == 0;
}

/* Takes both secrets, on failure too. */
static bool replace(struct sesame_instance *instance, uint64_t certificate, uint64_t pem,
                    struct kit_buffer *why)
{
    const struct token_provider *provider = &instance->provider;
    const struct sesame_host *host = provider->kit.host;
    struct sesame_binding *identity = &instance->identity;
    struct assertion_key key = {.handle = 0};

    if (!key_read(instance, CERTIFICATE_KEY, CERTIFICATE_PASSPHRASE, NULL, &key, why)) {
        provider->secret->free(host, certificate);
        provider->secret->free(host, pem);
        return false;
    }
    provider->secret->free(host, identity->client_certificate);
    provider->secret->free(host, instance->key_pem);
    provider->sign->key_free(host, identity->client_key);
    identity->client_certificate = certificate;
    identity->client_key = key.handle;
    instance->key_pem = pem;
    return true;
}

bool identity_refresh(struct sesame_instance *instance, struct kit_buffer *why)
{
    const struct token_provider *provider = &instance->provider;
    const struct sesame_host *host = provider->kit.host;
    struct token_fetch *fetches = provider->fetches;
    bool is_busy = fetches != NULL && fetches->next != NULL;
    uint64_t certificate = 0, pem = 0;

    if (!instance->uses_certificate || (is_busy && instance->identity.client_key != 0))
        return true;
    if (!secret_read(instance, CERTIFICATE, &certificate, why) ||
        !secret_read(instance, CERTIFICATE_KEY, &pem, why)) {
        provider->secret->free(host, certificate);
        return false;
    }
    if (!is_same(provider, certificate, instance->identity.client_certificate) ||
        !is_same(provider, pem, instance->key_pem))
        return replace(instance, certificate, pem, why);
    provider->secret->free(host, certificate);
    provider->secret->free(host, pem);
    return true;
}
