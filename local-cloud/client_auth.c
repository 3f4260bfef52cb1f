/* Authenticates the client of a token request: CLIENT_SECRET_BASIC, _POST and _JWT. */
#include "local-cloud/client_auth.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/secret.h"
#include "jwt/jws.h"
#include "jwt/key.h"
#include "local-cloud/cloud.h"
#include "local-cloud/memory.h"
#include "local-cloud/params.h"
#include "local-cloud/replay_memory.h"
#include "local-cloud/request.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define ASSERTION_TYPE_JWT "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

enum {
    ASSERTION_MAX_BYTES = 16 * 1024,
    CLOCK_TOLERANCE_S = 60,
    ASSERTION_LIFETIME_MAX_S = 3600, /* the vendor's clients use 600 */
};

/* One text for an unknown client and a wrong secret: an answer must not tell which it was. */
static const struct realm_client *refuse(struct error *err, const char *why)
{
    error_set_named(err, ERROR_DENIED, "invalid_client", "client authentication failed: %s", why);
    return NULL;
}

static const struct realm_client *malformed(struct error *err, const char *why)
{
    error_set_named(err, ERROR_BAD_INPUT, "invalid_request", "%s", why);
    return NULL;
}

static const struct realm_client *check_secret(const struct realm *realm, const char *id,
                                               struct slice secret, struct error *err)
{
    const struct realm_client *client = realm_find_client(realm, id);

    if (client == NULL || client->secret == NULL || !secret_text_equal(secret, client->secret))
        return refuse(err, "unknown client or wrong secret");
    return client;
}

/* The vendor's clients send id and secret as they are, without the form encoding of RFC 6749
 * section 2.3.1 (idaas.md section 2.1), so nothing is decoded here but Base64. */
static const struct realm_client *check_basic(const struct realm *realm, struct slice header,
                                              const char *form_id, struct error *err)
{
    CLEANUP(buffer_wipe) struct buffer pair;
    CLEANUP(cleanup_free) char *id = NULL;
    struct slice rest = header;
    struct slice scheme = slice_cut(&rest, ' ');
    struct error ignored = {0};

    buffer_init(&pair, ASSERTION_MAX_BYTES);
    if (!slice_equal_nocase(scheme, "basic"))
        return malformed(err, "the Authorization scheme is not Basic");
    if (!base64_decode(rest.data, rest.len, &pair, &ignored) || pair.len == 0 ||
        memchr(pair.data, ':', pair.len) == NULL)
        return malformed(err, "the Basic credentials are not Base64 of id:secret");
    rest = (struct slice){pair.data, pair.len};
    id = slice_dup(slice_cut(&rest, ':'));
    if (id == NULL)
        return malformed(err, "the client id holds a NUL character");
    if (form_id != NULL && strcmp(form_id, id) != 0)
        return malformed(err, "client_id differs from the Authorization header");
    return check_secret(realm, id, rest, err);
}

/* ---- CLIENT_SECRET_JWT (RFC 7523 section 3) --------------------------------------------------*/

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
    if (jti == NULL || jti[0] == '\0' || strlen(jti) > 256)
        return "the assertion has no usable jti";
    use = must_format("%s %s", client->id, jti);
    if (!replay_memory_use(cloud->assertions, use, expires_at_s + CLOCK_TOLERANCE_S, now_s))
        return "the assertion was used before";
    return NULL;
}

static const struct realm_client *check_parts(struct cloud *cloud, const char *id,
                                              const struct jws *jws, int64_t now_s,
                                              struct error *err)
{
    CLEANUP(json_cleanup) struct json_object *header = parse_object(&jws->header);
    CLEANUP(json_cleanup) struct json_object *claims = parse_object(&jws->payload);
    const struct realm_client *client;
    const char *fault;

    if (header == NULL || claims == NULL)
        return refuse(err, "the assertion's header or payload is no JSON object");
    if (!claim_is(header, "alg", "HS256"))
        return refuse(err, "this client has a secret; its assertions must be signed with HS256");
    client = realm_find_client(&cloud->realm, id);
    if (client == NULL || client->secret == NULL || !mac_is_right(jws, client->secret))
        return refuse(err, "unknown client or wrong signature of the assertion");
    fault = claims_fault(cloud, client, claims, now_s);
    return fault == NULL ? client : refuse(err, fault);
}

static const struct realm_client *check_assertion(struct cloud *cloud, const char *id,
                                                  const char *assertion, int64_t now_s,
                                                  struct error *err)
{
    const struct realm_client *client;
    const char *reason = "";
    struct jws jws;

    if (jws_split(slice_of(assertion), &jws, &reason))
        client = check_parts(cloud, id, &jws, now_s, err);
    else
        client = refuse(err, "the assertion is no compact JWS");
    jws_clear(&jws);
    return client;
}

static const struct realm_client *check_form_assertion(struct cloud *cloud,
                                                       const struct request *request,
                                                       const struct params *form, struct error *err)
{
    const char *type = params_get_filled(form, "client_assertion_type");
    const char *assertion = params_get_filled(form, "client_assertion");
    const char *id = params_get_filled(form, "client_id");

    if (type == NULL || assertion == NULL)
        return malformed(err, "client_assertion and client_assertion_type belong together");
    if (id == NULL)
        return malformed(err, "client_id is missing");
    if (strcmp(type, ASSERTION_TYPE_JWT) != 0)
        return refuse(err, "this client_assertion_type is not enabled for the client");
    return check_assertion(cloud, id, assertion, request->now_s, err);
}

const struct realm_client *client_auth_check(struct cloud *cloud, const struct request *request,
                                             const struct params *form, struct error *err)
{
    const char *id = params_get_filled(form, "client_id");
    const char *secret = params_get_filled(form, "client_secret");
    bool has_assertion = params_get(form, "client_assertion") != NULL ||
                         params_get(form, "client_assertion_type") != NULL;
    int methods = (request->authorization_count > 0) + (secret != NULL) + (has_assertion ? 1 : 0);

    /* RFC 6749 section 2.3: no more than one method in a request. */
    if (methods > 1 || request->authorization_count > 1)
        return malformed(err, "more than one way of client authentication in one request");
    if (request->authorization_count == 1)
        return check_basic(&cloud->realm, request->authorization, id, err);
    if (id == NULL)
        return malformed(err, "client_id is missing");
    if (has_assertion)
        return check_form_assertion(cloud, request, form, err);
    if (secret == NULL)
        return refuse(err, "no client authentication was sent");
    return check_secret(&cloud->realm, id, slice_of(secret), err);
}
