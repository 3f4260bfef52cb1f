/* The issuer's signing keys: what it signs with, what its JWKS shows, and rotation. */
#include "local-cloud/issuer_keys.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/secret.h"
#include "jwt/algorithm.h"
#include "jwt/jwk.h"
#include "jwt/jwks.h"
#include "jwt/jws.h"
#include "jwt/key.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/memory.h"

#include <string.h>

enum { KEY_MAX_COUNT = 32, JWKS_MAX_BYTES = 128 * 1024 };

struct issuer_key {
    struct signing_key *key;
    enum switch_alg alg;
    char kid[25];
};

struct issuer_keys {
    struct issuer_key list[KEY_MAX_COUNT]; /* newest first */
    size_t count;
    char *text;
    struct jwks *set;
};

static const struct {
    const char *name;
    const char *kind;
} algs[] = {[ALG_RS256] = {"RS256", "RSA-2048"}, [ALG_ES256] = {"ES256", "P-256"}};

static bool make_key(struct issuer_key *out_key, enum switch_alg alg, struct error *err)
{
    out_key->key = signing_key_generate(algs[alg].kind, err);
    if (out_key->key == NULL)
        return false;
    out_key->alg = alg;
    memcpy(out_key->kid, "KEY_", 4);
    random_hex(out_key->kid + 4, sizeof out_key->kid - 5);
    return true;
}

static void drop_keys(struct issuer_keys *keys, size_t from)
{
    for (size_t i = from; i < keys->count; i++)
        signing_key_free(keys->list[i].key);
    if (keys->count > from)
        keys->count = from;
}

static bool publish(struct issuer_keys *keys, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer text;
    struct jwks *set;

    buffer_init(&text, JWKS_MAX_BYTES);
    if (!buffer_add_text(&text, "{\"keys\":[", err))
        return false;
    for (size_t i = 0; i < keys->count; i++)
        if ((i > 0 && !buffer_add_char(&text, ',', err)) ||
            !signing_key_add_jwk(keys->list[i].key, keys->list[i].kid, &text, err))
            return false;
    if (!buffer_add_text(&text, "]}", err))
        return false;
    set = jwks_parse(text.data, text.len, err);
    if (set == NULL)
        return false;
    jwks_free(keys->set);
    keys->set = set;
    free(keys->text);
    keys->text = must_have(buffer_take(&text, NULL));
    return true;
}

bool issuer_keys_rotate(struct issuer_keys *keys, bool keep_old, struct error *err)
{
    struct issuer_key fresh[2];

    if (!make_key(&fresh[0], ALG_RS256, err))
        return false;
    if (!make_key(&fresh[1], ALG_ES256, err)) {
        signing_key_free(fresh[0].key);
        return false;
    }
    drop_keys(keys, keep_old ? KEY_MAX_COUNT - 2 : 0);
    memmove(&keys->list[2], &keys->list[0], keys->count * sizeof keys->list[0]);
    memcpy(keys->list, fresh, sizeof fresh);
    keys->count += 2;
    return publish(keys, err);
}

struct issuer_keys *issuer_keys_new(struct error *err)
{
    struct issuer_keys *keys = must_allocate(sizeof *keys);

    if (issuer_keys_rotate(keys, false, err))
        return keys;
    issuer_keys_free(keys);
    return NULL;
}

void issuer_keys_free(struct issuer_keys *keys)
{
    if (keys == NULL)
        return;
    drop_keys(keys, 0);
    jwks_free(keys->set);
    free(keys->text);
    free(keys);
}

const char *issuer_keys_text(const struct issuer_keys *keys)
{
    return keys->text;
}

struct jwks *issuer_keys_set(const struct issuer_keys *keys)
{
    return keys->set;
}

char *issuer_keys_sign(const struct issuer_keys *keys, enum switch_alg alg, const char *typ,
                       struct json_object *claims, struct error *err)
{
    const struct issuer_key *key = &keys->list[0];
    CLEANUP(cleanup_free) char *payload = json_pack_text(claims);
    CLEANUP(cleanup_free) char *header = NULL;
    CLEANUP(secret_cleanup) struct secret *token = NULL;
    const char *bytes;
    size_t len;

    while (key->alg != alg)
        key++; /* each pair has one of each kind */
    header = json_pack_text(json_pack("{alg:s,typ:s,kid:s}", algs[alg].name, typ, key->kid));
    token = jws_sign(key->key, slice_of(header), slice_of(payload), err);
    if (token == NULL)
        return NULL;
    bytes = secret_borrow(token, &len);
    return must_copy_bytes(bytes, len);
}

static struct json_object *parse_object(const struct buffer *text, struct error *err)
{
    struct json_object *value =
        json_parse(text->data == NULL ? "" : text->data, text->len, JSON_DEPTH_DEFAULT, err);

    if (value == NULL || json_object_is_type(value, json_type_object))
        return value;
    json_object_put(value);
    error_set(err, ERROR_BAD_INPUT, "a part of the token is no JSON object");
    return NULL;
}

static bool check_jws(const struct jwks *jwks, const struct jws *jws,
                      struct json_object **out_claims, struct error *err)
{
    CLEANUP(json_cleanup) struct json_object *header = parse_object(&jws->header, err);
    const struct algorithm *algorithm;
    const struct jwk *key;
    const char *kid, *alg, *reason = "";

    if (header == NULL)
        return false;
    kid = json_get_string(header, "kid", NULL);
    alg = json_get_string(header, "alg", NULL);
    algorithm = alg == NULL ? NULL : algorithm_find(slice_of(alg));
    if (kid == NULL || algorithm == NULL)
        return error_set(err, ERROR_DENIED, "the token's header lacks a usable kid or alg");
    key = jwks_find_key(jwks, slice_of(kid), algorithm, &reason);
    if (key == NULL)
        return error_set(err, ERROR_DENIED, "no key for the token: %s", reason);
    if (!jws_verify(jws, algorithm, key->public_key))
        return error_set(err, ERROR_DENIED, "the token's signature is wrong");
    *out_claims = parse_object(&jws->payload, err);
    return *out_claims != NULL;
}

bool issued_jws_open(const struct jwks *jwks, struct slice token, struct json_object **out_claims,
                     struct error *err)
{
    const char *reason = "";
    struct jws jws;
    bool is_good;

    if (jws_split(token, &jws, &reason))
        is_good = check_jws(jwks, &jws, out_claims, err);
    else
        is_good = error_set(err, ERROR_BAD_INPUT, "the token is no compact JWS: %s", reason);
    jws_clear(&jws);
    return is_good;
}
