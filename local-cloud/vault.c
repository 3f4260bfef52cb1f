/* The DeveloperAPI (version 2022-02-25): API keys for whoever holds an AT_p. idaas.md section 4. */
#include "local-cloud/vault.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "local-cloud/cloud.h"
#include "local-cloud/issued_token.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/memory.h"
#include "local-cloud/oauth_error.h"
#include "local-cloud/params.h"
#include "local-cloud/reply.h"
#include "local-cloud/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API_VERSION "2022-02-25"

/* What a handler of one operation gets. */
struct call {
    struct cloud *cloud;
    const struct request *request;
    const struct params *query;
    struct json_object *body; /* NULL for GET */
    struct reply *reply;
};

struct operation {
    const char *action; /* x-acs-action */
    const char *method;
    const char *path;        /* after /v2/{instanceId} */
    const char *required[4]; /* members of the query or the body */
    const char *missing; /* what a request for an entity is told that does not exist; NULL: none */
    bool is_open;        /* needs no token */
    void (*handle)(const struct call *call);
};

static void refuse(const struct cloud *cloud, struct reply *reply, int status, const char *pop_code,
                   const char *oauth_code, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

static void refuse(const struct cloud *cloud, struct reply *reply, int status, const char *pop_code,
                   const char *oauth_code, const char *format, ...)
{
    char message[300], request_id[37];
    va_list arguments;

    va_start(arguments, format);
    /* Cutting is fine: it is text for people. */
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    make_request_id(request_id);
    if (cloud->switches.vault.error_shape == ERROR_SHAPE_OAUTH)
        reply_json(reply, status,
                   json_pack("{error:s,error_description:s,request_id:s}", oauth_code, message,
                             request_id));
    else
        reply_json(reply, status,
                   json_pack("{Code:s,Message:s,RequestId:s}", pop_code, message, request_id));
}

static void obtain_credential(const struct call *call)
{
    const char *identifier = params_get(call->query, "credentialIdentifier");
    struct realm *realm = &call->cloud->realm;
    const struct realm_api_key *key = realm_find_key(realm, identifier);
    const int64_t created_at_ms = 1767225600000; /* a fixed day: nothing depends on it */
    struct json_object *content;

    if (key == NULL) {
        refuse(call->cloud, call->reply, 404, "ResourceNotFound.Credential", "not_found",
               "The credential %.80s does not exist.", identifier);
        return;
    }
    if (strcmp(key->type, "api_key") == 0)
        content = json_pack("{apiKeyContent:{apiKey:s}}", key->key);
    else
        content = json_pack("{oauthClientContent:{clientId:s,clientSecret:s}}", key->credential_id,
                            key->key);
    reply_header(call->reply, "Cache-Control", "no-store");
    reply_json(call->reply, 200,
               json_pack("{instanceId:s,credentialId:s,credentialIdentifier:s,credentialName:s,"
                         "credentialType:s,credentialCreationType:s,credentialScenarioLabel:s,"
                         "credentialSubjectType:s,credentialSubjectId:s,credentialSharingScope:s,"
                         "description:s,status:s,createTime:i,updateTime:i,credentialContent:o}",
                         realm->instance_id, key->credential_id, key->identifier, key->identifier,
                         key->type, "user_custom", key->scenario, "application", realm->agent.id,
                         "user_exclusive", "offline stand-in", key->status, created_at_ms,
                         created_at_ms, content));
}

static void list_tokens(const struct call *call)
{
    reply_json(call->reply, 200,
               json_pack("{entities:[],totalCount:i,maxResults:i}", (int64_t)0, (int64_t)20));
}

static void validate_token(const struct call *call)
{
    struct json_object *claims = NULL;
    struct error ignored = {0};
    size_t len;
    const char *token = json_get_string(call->body, "token", &len);
    bool is_active = issued_token_open(call->cloud, (struct slice){token, len},
                                       call->request->now_s, &claims, &ignored);

    json_object_put(claims);
    reply_json(call->reply, 200, json_pack("{active:b}", is_active));
}

#define TOKENS "/authenticationTokens"
#define PROVIDER "ResourceNotFound.CredentialProvider"
#define TOKEN "ResourceNotFound.AuthenticationToken"

/* Credential providers, and the authentication tokens they make, are none here, so what asks for
 * one is told that it does not exist. */
static const struct operation operations[] = {
    {"ObtainCredential",
     "GET",
     "/credentials/_/actions/obtain",
     {"credentialIdentifier"},
     NULL,
     false,
     obtain_credential},
    {"FetchOAuthAuthenticationToken",
     "POST",
     TOKENS "/_/actions/fetchOAuthAccessToken",
     {"credentialProviderIdentifier"},
     PROVIDER,
     false,
     NULL},
    {"GetOAuthAuthorizationSession",
     "POST",
     "/oauthAuthorizationSessions/_/actions/get",
     {"sessionUri"},
     "ResourceNotFound.OAuthAuthorizationSession",
     false,
     NULL},
    {"GenerateJwtAuthenticationToken",
     "POST",
     TOKENS "/_/actions/generateJwt",
     {"credentialProviderIdentifier", "subject", "audiences"},
     PROVIDER,
     false,
     NULL},
    {"ObtainJwtAuthenticationToken",
     "POST",
     TOKENS "/_/actions/obtainJwt",
     {"consumerId", "authenticationTokenId"},
     TOKEN,
     false,
     NULL},
    {"ObtainJwtAuthenticationTokenByDerivedShortToken",
     "POST",
     TOKENS "/_/actions/obtainJwtByDerivedShortToken",
     {"derivedShortToken"},
     TOKEN,
     true,
     NULL},
    {"ListAuthenticationTokens",
     "GET",
     TOKENS,
     {"consumerId", "credentialProviderIdentifier"},
     NULL,
     false,
     list_tokens},
    {"ValidateAuthenticationToken",
     "POST",
     TOKENS "/_/actions/validate",
     {"token"},
     NULL,
     true,
     validate_token},
    {"RevokeAuthenticationToken",
     "POST",
     TOKENS "/_/actions/revoke",
     {"token"},
     TOKEN,
     false,
     NULL},
    {"ReinstateAuthenticationToken",
     "POST",
     TOKENS "/_/actions/reinstate",
     {"token"},
     TOKEN,
     false,
     NULL},
    {"RevokeAuthenticationTokenByConsumer",
     "POST",
     TOKENS "/_/actions/revokeByConsumer",
     {"consumerId", "credentialProviderIdentifier"},
     PROVIDER,
     false,
     NULL},
    {"ReinstateAuthenticationTokenByConsumer",
     "POST",
     TOKENS "/_/actions/reinstateByConsumer",
     {"consumerId", "credentialProviderIdentifier"},
     PROVIDER,
     false,
     NULL},
    {"ObtainCloudAccountRoleAccessCredential",
     "GET",
     "/cloudAccountRoles/_/actions/obtainAccessCredential",
     {"cloudAccountRoleExternalId"},
     "ResourceNotFound.CloudAccountRole",
     false,
     NULL},
};
enum { OPERATION_COUNT = sizeof operations / sizeof operations[0] };

/* The scope ObtainCredential needs is documented; of the others only that ".all" covers them
 * (idaas.md section 4.1), so any scope of the audience does for them. */
static bool is_allowed(const struct operation *operation, struct json_object *claims)
{
    if (strcmp(operation->action, "ObtainCredential") != 0)
        return true;
    return issued_token_has_scope(claims, "credential:obtain") ||
           issued_token_has_scope(claims, ".all");
}

static bool check_token(const struct call *call, const struct operation *operation)
{
    CLEANUP(json_cleanup) struct json_object *claims = NULL;
    struct slice token;
    struct error err = {0};

    if (operation->is_open)
        return true;
    if (!request_bearer(call->request, &token)) {
        refuse(call->cloud, call->reply, 401, "MissingAccessToken", "invalid_request",
               "The Authorization header with a bearer token is missing or malformed.");
        return false;
    }
    if (!issued_token_open(call->cloud, token, call->request->now_s, &claims, &err)) {
        refuse(call->cloud, call->reply, 401, "InvalidAccessToken", "invalid_token",
               "The access token is not valid: %s.", err.message);
        return false;
    }
    if (!issued_token_is_for(claims, REALM_PAM_AUDIENCE)) {
        refuse(call->cloud, call->reply, 401, "InvalidAccessToken", "invalid_token",
               "The access token is not for the audience " REALM_PAM_AUDIENCE ".");
        return false;
    }
    if (!is_allowed(operation, claims)) {
        refuse(call->cloud, call->reply, 403, "Forbidden", "insufficient_scope",
               "The access token lacks the scope credential:obtain.");
        return false;
    }
    return true;
}

static bool is_given(const struct call *call, const char *name)
{
    struct json_object *value;

    if (call->body == NULL)
        return params_get_filled(call->query, name) != NULL;
    return json_object_object_get_ex(call->body, name, &value) && value != NULL &&
           !(json_object_is_type(value, json_type_string) &&
             json_object_get_string_len(value) == 0);
}

static bool check_required(const struct call *call, const struct operation *operation)
{
    for (size_t i = 0; i < 4 && operation->required[i] != NULL; i++)
        if (!is_given(call, operation->required[i])) {
            refuse(call->cloud, call->reply, 400, "MissingParameter", "invalid_request",
                   "The parameter %s is required.", operation->required[i]);
            return false;
        }
    return true;
}

static bool check_headers(const struct call *call, const struct operation *operation)
{
    struct slice action = request_header(call->request, "x-acs-action");
    struct slice version = request_header(call->request, "x-acs-version");

    if (version.len > 0 && !slice_equal_text(version, API_VERSION)) {
        refuse(call->cloud, call->reply, 400, "InvalidVersion", "invalid_request",
               "The API version is " API_VERSION ".");
        return false;
    }
    if (action.len > 0 && !slice_equal_text(action, operation->action)) {
        refuse(call->cloud, call->reply, 400, "InvalidAction", "invalid_request",
               "The path belongs to %s.", operation->action);
        return false;
    }
    return true;
}

static bool read_body(struct call *call)
{
    struct error err = {0};

    if (!slice_equal_text(call->request->method, "POST"))
        return true;
    call->body = json_parse(call->request->body.data == NULL ? "" : call->request->body.data,
                            call->request->body.len, JSON_DEPTH_DEFAULT, &err);
    if (call->body != NULL && json_object_is_type(call->body, json_type_object))
        return true;
    refuse(call->cloud, call->reply, 400, "InvalidRequestBody", "invalid_request",
           "The body is no JSON object.");
    return false;
}

static void perform(struct call *call, const struct operation *operation)
{
    if (!check_headers(call, operation) || !check_token(call, operation) || !read_body(call) ||
        !check_required(call, operation))
        return;
    if (operation->handle != NULL)
        operation->handle(call);
    else
        refuse(call->cloud, call->reply, 404, operation->missing, "not_found",
               "The resource that the request names does not exist.");
}

/* The path behind "/v2/{instanceId}", or an empty slice when the instance is another one. */
static struct slice path_behind_instance(const struct cloud *cloud, struct slice path)
{
    CLEANUP(cleanup_free) char *prefix = must_format("/v2/%s", cloud->realm.instance_id);
    size_t len = strlen(prefix);

    if (!slice_starts_with(path, prefix) || path.len <= len || path.data[len] != '/')
        return (struct slice){NULL, 0};
    return (struct slice){path.data + len, path.len - len};
}

void vault_handle(struct cloud *cloud, const struct request *request, struct reply *reply)
{
    struct slice path = path_behind_instance(cloud, request->path);
    struct params query = {NULL, 0};
    struct call call = {cloud, request, &query, NULL, reply};
    struct error err = {0};

    if (path.len == 0) {
        refuse(cloud, reply, 404, "ResourceNotFound.Instance", "not_found",
               "The instance in the path does not exist.");
        return;
    }
    if (!params_parse(request->query, &query, &err)) {
        refuse(cloud, reply, 400, "InvalidParameter", "invalid_request", "%s", err.message);
        return;
    }
    for (size_t i = 0; i < OPERATION_COUNT; i++)
        if (slice_equal_text(path, operations[i].path) &&
            slice_equal_text(request->method, operations[i].method)) {
            perform(&call, &operations[i]);
            json_object_put(call.body);
            params_clear(&query);
            return;
        }
    refuse(cloud, reply, 404, "InvalidAction.NotFound", "not_found",
           "There is no operation with this method and path.");
    params_clear(&query);
}
