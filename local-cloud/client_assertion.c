/* JWT assertions by which a client authenticates (RFC 7523 section 3, idaas.md section 2.2). */
#include "local-cloud/client_assertion.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/secret.h"
#include "jwt/algorithm.h"
#include "jwt/jws.h"
#include "jwt/key.h"
#include "local-cloud/client_keys.h"
#include "local-cloud/cloud.h"
#include "local-cloud/memory.h"
#include "local-cloud/oauth_error.h"
#include "local-cloud/replay_memory.h"

#include <openssl/crypto.h>
#include <string.h>

enum {
    CLOCK_TOLERANCE_S = 60,
    ASSERTION_LIFETIME_MAX_S = 3600, /* the vendor's clients use 600 */
    JTI_MAX_BYTES = 256,
};

static struct json_object *parse_object(const struct buffer *text)
{
    struct error ignored = {0};
    struct json_object *value;

    if (text->len == 0)
        return NULL;
    value = json_parse(text->data, text->len, JSON_DEPTH_DEFAULT, &ignored);
    if (value == NULL || json_object_is_type(value, json_type_object))
        return value;
    json_object_put(value);
    return NULL;
}

static bool mac_is_right(const struct jws *jws, const char *secret)
{
    struct error ignored = {0};
    CLEANUP(secret_cleanup)
    struct secret *shared = secret_copy(secret, strlen(secret), &ignored);
    struct signing_key *key = shared == NULL ? NULL : signing_key_from_hmac(shared, &ignored);
    unsigned char expected[1024];
    size_t len = 0;
    bool is_right;

    is_right = key != NULL &&
               signing_key_sign(key, "HS256", jws->signed_part, expected, sizeof expected, &len,
                                &ignored) &&
               jws->signature.len == len && CRYPTO_memcmp(jws->signature.data, expected, len) == 0;
    signing_key_free(key);
    return is_right;
}

static bool signature_is_right(const struct realm_client *client, const struct jws *jws,
                               const char *alg, EVP_PKEY *key)
{
    const struct algorithm *algorithm = alg == NULL ? NULL : algorithm_find(slice_of(alg));

    if (algorithm == NULL)
        return false;
    if (key != NULL)
        return public_key_fits(key, algorithm) && jws_verify(jws, algorithm, key);
    if (algorithm->key_type == KEY_OCT)
        return strcmp(alg, "HS256") == 0 && client->secret != NULL &&
               mac_is_right(jws, client->secret);
    return client->keys != NULL && client_keys_verify(client->keys, jws, algorithm);
}

static bool names_endpoint(const struct realm *realm, struct json_object *aud)
{
    const char *text;

    if (json_object_is_type(aud, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(aud); i++)
            if (names_endpoint(realm, json_object_array_get_idx(aud, i)))
                return true;
        return false;
    }
    if (!json_object_is_type(aud, json_type_string))
        return false;
    text = json_object_get_string(aud);
    return strcmp(text, realm->token_endpoint) == 0 ||
           strcmp(text, realm->token_endpoint_plain) == 0;
}

static bool claim_is(struct json_object *claims, const char *name, const char *expected)
{
    const char *text = json_get_string(claims, name, NULL);

    return text != NULL && strcmp(text, expected) == 0;
}

/* NULL when the claims are right, else what is wrong with them. */
static const char *claims_fault(struct cloud *cloud, const struct realm_client *client,
                                struct json_object *claims, int64_t now_s)
{
    CLEANUP(cleanup_free) char *use = NULL;
    int64_t issued_at_s, expires_at_s;
    struct json_object *aud;
    const char *jti;

    if (!claim_is(claims, "iss", client->id) || !claim_is(claims, "sub", client->id))
        return "iss and sub of the assertion must be the client id";
    if (!json_object_object_get_ex(claims, "aud", &aud) || !names_endpoint(&cloud->realm, aud))
        return "aud of the assertion is not this token endpoint";
    if (!json_get_int64(claims, "exp", &expires_at_s) || now_s >= expires_at_s + CLOCK_TOLERANCE_S)
        return "the assertion is expired";
    if (!json_get_int64(claims, "iat", &issued_at_s) || issued_at_s > now_s + CLOCK_TOLERANCE_S)
        return "the assertion was issued in the future";
    if (expires_at_s - issued_at_s > ASSERTION_LIFETIME_MAX_S)
        return "the assertion lives too long";
    jti = json_get_string(claims, "jti", NULL);
    if (jti == NULL || jti[0] == '\0' || strlen(jti) > JTI_MAX_BYTES)
        return "the assertion has no usable jti";
    use = must_format("%s %s", client->id, jti);
    if (!replay_memory_use(cloud->assertions, use, expires_at_s + CLOCK_TOLERANCE_S, now_s))
        return "the assertion was used before";
    return NULL;
}

static bool check_parts(struct cloud *cloud, const struct realm_client *client,
                        const struct jws *jws, EVP_PKEY *key, int64_t now_s, struct error *err)
{
    CLEANUP(json_cleanup) struct json_object *header = parse_object(&jws->header);
    CLEANUP(json_cleanup) struct json_object *claims = parse_object(&jws->payload);
    struct json_object *critical;
    const char *fault;

    if (header == NULL || claims == NULL)
        return oauth_refuse_client(err, "the assertion's header or payload is no JSON object");
    if (json_object_object_get_ex(header, "crit", &critical))
        return oauth_refuse_client(err, "the assertion asks for extensions that are not known");
    if (!signature_is_right(client, jws, json_get_string(header, "alg", NULL), key))
        return oauth_refuse_client(err, "unknown client or wrong signature of the assertion");
    fault = claims_fault(cloud, client, claims, now_s);
    return fault == NULL || oauth_refuse_client(err, "%s", fault);
}

bool client_assertion_check(struct cloud *cloud, const struct realm_client *client,
                            const char *assertion, EVP_PKEY *key, int64_t now_s, struct error *err)
{
    const char *reason = "";
    struct jws jws;
    bool is_good;

    if (jws_split(slice_of(assertion), &jws, &reason))
        is_good = check_parts(cloud, client, &jws, key, now_s, err);
    else
        is_good = oauth_refuse_client(err, "the assertion is no compact JWS");
    jws_clear(&jws);
    return is_good;
}
