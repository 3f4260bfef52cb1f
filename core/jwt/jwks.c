/* An immutable set of public keys, shared between threads by reference count. */
#include "jwt/jwks.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "jwt/jwk.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX_COUNT 256

struct jwks {
    atomic_size_t references;
    size_t count;
    size_t usable_count;
    struct jwk keys[];
};

static bool has_member(const char *text, size_t len, const char *pointer)
{
    const char *value;
    size_t value_len;

    return json_find(text, len, pointer, &value, &value_len);
}

static size_t count_items(const char *array, size_t len)
{
    struct slice name, value;
    size_t count = 0, position = 0;

    while (count < KEY_MAX_COUNT && json_next(array, len, &position, &name, &value))
        count++;
    return count;
}

static bool find_keys(const char *text, size_t len, const char **out_array, size_t *out_len,
                      struct error *err)
{
    if (!json_check(text, len, JSON_DEPTH_DEFAULT, err))
        return error_prefix(err, "the key set (JWKS)");
    if (json_find(text, len, "/keys", out_array, out_len) && **out_array == '[')
        return true;
    if (has_member(text, len, "/jwks_uri"))
        return error_set_named(err, ERROR_BAD_INPUT, "JwksIsDiscovery",
                               "this is the discovery document, use its jwks_uri");
    return error_set(err, ERROR_BAD_INPUT, "the key set (JWKS) has no member \"keys\" of keys");
}

struct jwks *jwks_parse(const char *text, size_t len, struct error *err)
{
    const char *array;
    size_t array_len, position = 0;
    struct slice name, value;
    struct jwks *jwks;

    if (!find_keys(text, len, &array, &array_len, err))
        return NULL;
    jwks = calloc(1, sizeof *jwks + count_items(array, array_len) * sizeof jwks->keys[0]);
    if (jwks == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a key set");
        return NULL;
    }
    atomic_init(&jwks->references, 1);
    for (size_t i = 0; i < KEY_MAX_COUNT && json_next(array, array_len, &position, &name, &value);
         i++)
        if (value.data[0] == '{' && jwk_read(value, &jwks->keys[jwks->count])) {
            const struct jwk *key = &jwks->keys[jwks->count++];

            jwks->usable_count += key->unusable == NULL && key->is_for_verifying;
        }
    if (jwks->usable_count > 0)
        return jwks;
    jwks_free(jwks);
    error_set(err, ERROR_BAD_INPUT, "the key set (JWKS) holds no key that can be used");
    return NULL;
}

struct jwks *jwks_ref(struct jwks *jwks)
{
    atomic_fetch_add_explicit(&jwks->references, 1, memory_order_relaxed);
    return jwks;
}

void jwks_free(struct jwks *jwks)
{
    if (jwks == NULL || atomic_fetch_sub_explicit(&jwks->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < jwks->count; i++)
        jwk_clear(&jwks->keys[i]);
    free(jwks);
}

static bool has_kid(const struct jwk *key, struct slice kid)
{
    return slice_equal((struct slice){key->kid, key->kid_len}, kid);
}

const struct jwk *jwks_find_key(const struct jwks *jwks, struct slice kid,
                                const struct algorithm *algorithm, const char **out_reason)
{
    *out_reason = "unknown_kid";
    for (size_t i = 0; i < jwks->count; i++) {
        const char *mismatch;

        if (!has_kid(&jwks->keys[i], kid))
            continue;
        /* Two keys may share a kid: the one that fits counts (RFC 7517 section 4.5). */
        mismatch = jwk_mismatch(&jwks->keys[i], algorithm);
        if (mismatch == NULL)
            return &jwks->keys[i];
        *out_reason = mismatch;
    }
    return NULL;
}

size_t jwks_usable_count(const struct jwks *jwks)
{
    return jwks->usable_count;
}

bool jwks_has_usable_kid(const struct jwks *jwks, struct slice kid)
{
    for (size_t i = 0; i < jwks->count; i++)
        if (has_kid(&jwks->keys[i], kid) && jwks->keys[i].unusable == NULL &&
            jwks->keys[i].is_for_verifying)
            return true;
    return false;
}
