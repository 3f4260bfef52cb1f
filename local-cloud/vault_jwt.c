/* JWTs of the DeveloperAPI: made for a subject and audiences, fetched again by id or short token.
 */
#include "local-cloud/vault_tokens.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "local-cloud/cloud.h"
#include "local-cloud/issuer_keys.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/memory.h"
#include "local-cloud/request.h"
#include "local-cloud/token_store.h"
#include "local-cloud/vault_call.h"

#include <string.h>

enum {
    JWT_LIFETIME_DEFAULT_S = 3600,
    JWT_LIFETIME_MAX_S = 30 * 86400,
    SHORT_TOKEN_HEX_DIGITS = 32,
};

static struct json_object *describe_jwt(const struct vault_call *call,
                                        const struct made_token *token)
{
    return vault_describe(
        call, token, "jwtContent",
        json_pack("{jwtValue:s,derivedShortToken:s?}", token->value, token->short_token));
}

static bool are_texts(struct json_object *list)
{
    for (size_t i = 0; i < json_object_array_length(list); i++)
        if (!json_object_is_type(json_object_array_get_idx(list, i), json_type_string))
            return false;
    return json_object_array_length(list) > 0;
}

/* The claims of a new JWT; the caller owns them. Custom claims cannot replace the others. */
static struct json_object *make_claims(const struct vault_call *call, struct json_object *audiences,
                                       int64_t lifetime_s)
{
    struct json_object *custom = json_get_object(call->body, "customClaims");
    const char *issuer = vault_text(call, "issuer");
    int64_t now_s = call->request->now_s;
    struct json_object *claims;
    char jti[37];

    random_uuid(jti);
    claims =
        json_pack("{iss:s,sub:s,aud:o,iat:i,exp:i,jti:s}",
                  issuer == NULL ? call->cloud->realm.issuer : issuer, vault_text(call, "subject"),
                  json_object_get(audiences), now_s, now_s + lifetime_s, jti);
    if (custom == NULL)
        return claims;
    json_object_object_foreach(custom, name, value)
    {
        if (!json_object_object_get_ex(claims, name, NULL))
            json_object_object_add(claims, name, json_object_get(value));
    }
    return claims;
}

static bool read_lifetime(const struct vault_call *call, int64_t *out_s)
{
    struct json_object *value;

    *out_s = JWT_LIFETIME_DEFAULT_S;
    if (!json_object_object_get_ex(call->body, "expiration", &value))
        return true;
    return json_get_int64(call->body, "expiration", out_s) && *out_s >= 1 &&
           *out_s <= JWT_LIFETIME_MAX_S;
}

void vault_generate_jwt(const struct vault_call *call)
{
    const struct credential_provider *provider =
        vault_find_provider(call, PROVIDER_JWT, PROVIDER_JWT);
    struct json_object *audiences = json_get_array(call->body, "audiences");
    const char *subject = vault_text(call, "subject");
    CLEANUP(cleanup_free) char *value = NULL, *short_token = NULL;
    char digits[SHORT_TOKEN_HEX_DIGITS + 1];
    struct error err = {0};
    bool wants_short = false;
    int64_t lifetime_s;
    struct token_spec token;

    if (provider == NULL)
        return;
    if (subject == NULL || audiences == NULL || !are_texts(audiences) ||
        !read_lifetime(call, &lifetime_s)) {
        vault_refuse(call, 400, "InvalidParameter", "invalid_request",
                     "subject must be a text, audiences a list of texts, expiration 1 to %d.",
                     JWT_LIFETIME_MAX_S);
        return;
    }
    value = must_have(issuer_keys_sign(call->cloud->keys,
                                       (enum switch_alg)call->cloud->switches.issuer.algorithm,
                                       "JWT", make_claims(call, audiences, lifetime_s), &err));
    json_get_bool(call->body, "includeDerivedShortToken", &wants_short);
    random_hex(digits, SHORT_TOKEN_HEX_DIGITS);
    short_token = wants_short ? must_format("sk-%s", digits) : NULL;
    token = (struct token_spec){.provider = provider,
                                .consumer_id = subject,
                                .creator_id = json_get_string(call->claims, "client_id", NULL),
                                .value = value,
                                .short_token = short_token,
                                .created_at_s = call->request->now_s,
                                .expires_at_s = call->request->now_s + lifetime_s};
    vault_answer(call, describe_jwt(call, token_store_add(call->cloud->tokens, &token)));
}

static void answer_found_jwt(const struct vault_call *call, const struct token_query *query)
{
    size_t position = 0;
    const struct made_token *token = token_store_next(call->cloud->tokens, query, &position);

    if (token == NULL || token->provider->kind != PROVIDER_JWT)
        vault_refuse(call, 404, "ResourceNotFound.AuthenticationToken", "not_found",
                     "The authentication token does not exist.");
    else if (!made_token_is_good(token, call->request->now_s))
        vault_refuse(call, 403, "Forbidden.AuthenticationToken", "access_denied",
                     "The authentication token is revoked or expired.");
    else
        vault_answer(call, describe_jwt(call, token));
}

void vault_obtain_jwt(const struct vault_call *call)
{
    const struct token_query query = {.consumer_id = vault_text(call, "consumerId"),
                                      .id = vault_text(call, "authenticationTokenId")};

    answer_found_jwt(call, &query);
}

void vault_obtain_jwt_by_short_token(const struct vault_call *call)
{
    const struct token_query query = {.short_token = vault_text(call, "derivedShortToken")};

    answer_found_jwt(call, &query);
}
