/* The issuer's routes: discovery, JWKS, sign-in, sign-out and the token endpoint. */
#include "local-cloud/issuer.h"

#include "base/cleanup.h"
#include "local-cloud/cloud.h"
#include "local-cloud/consent.h"
#include "local-cloud/issuer_keys.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/login.h"
#include "local-cloud/memory.h"
#include "local-cloud/reply.h"
#include "local-cloud/request.h"
#include "local-cloud/route.h"
#include "local-cloud/token_endpoint.h"

#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

static void add_cors(const struct request *request, struct reply *reply)
{
    /* Discovery and JWKS are public and read by pages, as at the real issuer. */
    if (request_header(request, "origin").len > 0)
        reply_header(reply, "Access-Control-Allow-Origin", "*");
}

static void discovery(const struct cloud *cloud, const struct request *request, struct reply *reply)
{
    const char *issuer = cloud->realm.issuer;
    /* Sign-in lives at the root of the issuer's host, not below its path. */
    CLEANUP(cleanup_free)
    char *origin = must_copy_bytes(issuer, strlen(issuer) - strlen(PATH_OAUTH2));
    CLEANUP(cleanup_free) char *authorize = must_format("%s%s", origin, PATH_AUTHORIZE);
    CLEANUP(cleanup_free) char *logout = must_format("%s%s", origin, PATH_LOGOUT);
    CLEANUP(cleanup_free) char *jwks = must_format("%s%s", origin, PATH_JWKS);

    add_cors(request, reply);
    reply_header(reply, "Cache-Control", "max-age=300");
    reply_json(
        reply, 200,
        json_pack(
            "{issuer:s,authorization_endpoint:s,token_endpoint:s,end_session_endpoint:s,"
            "jwks_uri:s,response_types_supported:[s],response_modes_supported:[s],"
            "grant_types_supported:[sss],subject_types_supported:[s],"
            "id_token_signing_alg_values_supported:[ss],"
            "token_endpoint_auth_methods_supported:[ssss],"
            "token_endpoint_auth_signing_alg_values_supported:[sssssssssss],scopes_supported:[s],"
            "claims_supported:[ssssssss]}",
            issuer, authorize, cloud->realm.token_endpoint, logout, jwks, "token", "fragment",
            "client_credentials", "implicit", "urn:ietf:params:oauth:grant-type:token-exchange",
            "public", "RS256", "ES256", "client_secret_basic", "client_secret_post",
            "client_secret_jwt", "private_key_jwt", "HS256", "RS256", "RS384", "RS512", "PS256",
            "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "openid", "iss", "sub", "aud",
            "exp", "iat", "jti", "client_id", "scope"));
}

static void jwks(const struct cloud *cloud, const struct request *request, struct reply *reply)
{
    add_cors(request, reply);
    if (cloud->switches.issuer.jwks_max_age_s >= 0)
        reply_header(reply, "Cache-Control", "public, max-age=%lld",
                     (long long)cloud->switches.issuer.jwks_max_age_s);
    reply_text(reply, 200, "application/json", issuer_keys_text(cloud->keys));
}

void issuer_handle(struct cloud *cloud, const struct request *request, struct reply *reply)
{
    bool is_get = slice_equal_text(request->method, "GET");
    bool is_post = slice_equal_text(request->method, "POST");

    if (slice_equal_text(request->path, PATH_TOKEN))
        token_endpoint_handle(cloud, request, reply);
    else if (slice_equal_text(request->path, PATH_AUTHORIZE) && (is_get || is_post))
        login_handle(cloud, request, reply);
    else if (slice_equal_text(request->path, PATH_CONSENT) && (is_get || is_post))
        consent_handle(cloud, request, reply);
    else if (!is_get)
        reply_method_not_allowed(reply, "GET");
    else if (slice_equal_text(request->path, PATH_DISCOVERY))
        discovery(cloud, request, reply);
    else if (slice_equal_text(request->path, PATH_JWKS))
        jwks(cloud, request, reply);
    else if (slice_equal_text(request->path, PATH_LOGOUT))
        logout_handle(cloud, request, reply);
    else if (slice_equal_text(request->path, PATH_LOGIN_STYLE))
        login_style_handle(reply);
    else
        reply_json(reply, 404,
                   json_pack("{error:s,error_description:s}", "not_found",
                             "the offline stand-in has nothing at this path"));
}
