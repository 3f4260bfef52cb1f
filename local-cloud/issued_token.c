/* Access tokens as the issuer makes them (claims of RFC 9068) and as its services check them. */
#include "local-cloud/issued_token.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "local-cloud/cloud.h"
#include "local-cloud/issuer_keys.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/token_scope.h"

#include <string.h>

/* What services allow the issuer's clock to differ. */
enum { LEEWAY_S = 60 };

char *issued_token_make(const struct cloud *cloud, const struct token_claims *claims, int64_t now_s,
                        int64_t *out_expires_at_s, struct error *err)
{
    int64_t issued_at_s = now_s + cloud->switches.issuer.clock_offset_s;
    int64_t lifetime_s =
        claims->lifetime_s != 0 ? claims->lifetime_s : cloud->switches.issuer.token_lifetime_s;
    struct json_object *members;
    char jti[37];

    random_uuid(jti);
    members = json_pack(
        "{iss:s,sub:s,aud:s,client_id:s,scope:s,iat:i,nbf:i,exp:i,jti:s,name:s?,"
        "preferred_username:s?,act:o?,may_act:o?}",
        cloud->realm.issuer, claims->sub, claims->audience, claims->client_id, claims->scope,
        issued_at_s, issued_at_s, issued_at_s + lifetime_s, jti, claims->name,
        claims->preferred_username, json_object_get(claims->act),
        claims->may_act == NULL ? NULL : json_pack("{client_id:s}", claims->may_act));
    if (out_expires_at_s != NULL)
        *out_expires_at_s = issued_at_s + lifetime_s;
    return issuer_keys_sign(cloud->keys, (enum switch_alg)cloud->switches.issuer.algorithm,
                            "at+jwt", members, err);
}

bool issued_token_open_by_keys(const struct jwks *jwks, struct slice token, int64_t now_s,
                               struct json_object **out_claims, struct error *err)
{
    CLEANUP(json_cleanup) struct json_object *claims = NULL;
    int64_t expires_at_s;

    if (!issued_jws_open(jwks, token, &claims, err))
        return false;
    if (!json_get_int64(claims, "exp", &expires_at_s))
        return error_set(err, ERROR_DENIED, "the token has no expiry");
    if (now_s >= expires_at_s + LEEWAY_S)
        return error_set(err, ERROR_DENIED, "the token expired %lld s ago",
                         (long long)(now_s - expires_at_s));
    *out_claims = TAKE(claims);
    return true;
}

bool issued_token_open(const struct cloud *cloud, struct slice token, int64_t now_s,
                       struct json_object **out_claims, struct error *err)
{
    CLEANUP(json_cleanup) struct json_object *claims = NULL;
    const char *issuer;
    int64_t not_before_s;

    if (!issued_token_open_by_keys(issuer_keys_set(cloud->keys), token, now_s, &claims, err))
        return false;
    issuer = json_get_string(claims, "iss", NULL);
    if (issuer == NULL || strcmp(issuer, cloud->realm.issuer) != 0)
        return error_set(err, ERROR_DENIED, "the token is of another issuer");
    if (json_get_int64(claims, "nbf", &not_before_s) && now_s + LEEWAY_S < not_before_s)
        return error_set(err, ERROR_DENIED, "the token is not valid yet");
    *out_claims = TAKE(claims);
    return true;
}

bool issued_token_is_for(struct json_object *claims, const char *audience)
{
    struct json_object *aud;

    if (!json_object_object_get_ex(claims, "aud", &aud))
        return false;
    if (json_object_is_type(aud, json_type_string))
        return strcmp(json_object_get_string(aud), audience) == 0;
    if (!json_object_is_type(aud, json_type_array))
        return false;
    for (size_t i = 0; i < json_object_array_length(aud); i++) {
        struct json_object *item = json_object_array_get_idx(aud, i);

        if (json_object_is_type(item, json_type_string) &&
            strcmp(json_object_get_string(item), audience) == 0)
            return true;
    }
    return false;
}

bool issued_token_has_scope(struct json_object *claims, const char *value)
{
    const char *scope = json_get_string(claims, "scope", NULL);

    return scope != NULL && token_scope_has(scope, value);
}
