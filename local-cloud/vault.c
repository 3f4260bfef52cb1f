/* The DeveloperAPI (version 2022-02-25): its operations, for whoever holds an AT_p. idaas.md
 * section 4. */
#include "local-cloud/vault.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "local-cloud/cloud.h"
#include "local-cloud/issued_token.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/memory.h"
#include "local-cloud/params.h"
#include "local-cloud/reply.h"
#include "local-cloud/request.h"
#include "local-cloud/vault_call.h"
#include "local-cloud/vault_tokens.h"

#include <stdlib.h>
#include <string.h>

#define API_VERSION "2022-02-25"

struct operation {
    const char *action; /* x-acs-action */
    const char *method;
    const char *path;        /* after /v2/{instanceId} */
    const char *required[4]; /* members of the query or the body */
    bool is_open;            /* needs no token */
    void (*handle)(const struct vault_call *call);
};

static void obtain_credential(const struct vault_call *call)
{
    const char *identifier = params_get(call->query, "credentialIdentifier");
    struct realm *realm = &call->cloud->realm;
    const struct realm_api_key *key = realm_find_key(realm, identifier);
    const int64_t created_at_ms = 1767225600000; /* a fixed day: nothing depends on it */
    struct json_object *content;

    if (key == NULL) {
        vault_refuse(call, 404, "ResourceNotFound.Credential", "not_found",
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

#define TOKENS "/authenticationTokens"

static const struct operation operations[] = {
    {"ObtainCredential",
     "GET",
     "/credentials/_/actions/obtain",
     {"credentialIdentifier"},
     false,
     obtain_credential},
    {"FetchOAuthAuthenticationToken",
     "POST",
     TOKENS "/_/actions/fetchOAuthAccessToken",
     {"credentialProviderIdentifier"},
     false,
     vault_fetch_oauth_token},
    {"GetOAuthAuthorizationSession",
     "POST",
     "/oauthAuthorizationSessions/_/actions/get",
     {"sessionUri"},
     false,
     vault_get_session},
    {"GenerateJwtAuthenticationToken",
     "POST",
     TOKENS "/_/actions/generateJwt",
     {"credentialProviderIdentifier", "subject", "audiences"},
     false,
     vault_generate_jwt},
    {"ObtainJwtAuthenticationToken",
     "POST",
     TOKENS "/_/actions/obtainJwt",
     {"consumerId", "authenticationTokenId"},
     false,
     vault_obtain_jwt},
    {"ObtainJwtAuthenticationTokenByDerivedShortToken",
     "POST",
     TOKENS "/_/actions/obtainJwtByDerivedShortToken",
     {"derivedShortToken"},
     true,
     vault_obtain_jwt_by_short_token},
    {"ListAuthenticationTokens",
     "GET",
     TOKENS,
     {"consumerId", "credentialProviderIdentifier"},
     false,
     vault_list_tokens},
    {"ValidateAuthenticationToken",
     "POST",
     TOKENS "/_/actions/validate",
     {"token"},
     true,
     vault_validate_token},
    {"RevokeAuthenticationToken",
     "POST",
     TOKENS "/_/actions/revoke",
     {"token"},
     false,
     vault_revoke_token},
    {"ReinstateAuthenticationToken",
     "POST",
     TOKENS "/_/actions/reinstate",
     {"token"},
     false,
     vault_reinstate_token},
    {"RevokeAuthenticationTokenByConsumer",
     "POST",
     TOKENS "/_/actions/revokeByConsumer",
     {"consumerId", "credentialProviderIdentifier"},
     false,
     vault_revoke_by_consumer},
    {"ReinstateAuthenticationTokenByConsumer",
     "POST",
     TOKENS "/_/actions/reinstateByConsumer",
     {"consumerId", "credentialProviderIdentifier"},
     false,
     vault_reinstate_by_consumer},
    {"ObtainCloudAccountRoleAccessCredential",
     "GET",
     "/cloudAccountRoles/_/actions/obtainAccessCredential",
     {"cloudAccountRoleExternalId"},
     false,
     vault_obtain_role_credential},
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

/* Opens the access token into `call->claims`. */
static bool check_token(struct vault_call *call, const struct operation *operation)
{
    CLEANUP(json_cleanup) struct json_object *claims = NULL;
    struct slice token;
    struct error err = {0};

    if (operation->is_open)
        return true;
    if (!request_bearer(call->request, &token)) {
        vault_refuse(call, 401, "MissingAccessToken", "invalid_request",
                     "The Authorization header with a bearer token is missing or malformed.");
        return false;
    }
    if (!issued_token_open(call->cloud, token, call->request->now_s, &claims, &err)) {
        vault_refuse(call, 401, "InvalidAccessToken", "invalid_token",
                     "The access token is not valid: %s.", err.message);
        return false;
    }
    if (!issued_token_is_for(claims, REALM_PAM_AUDIENCE)) {
        vault_refuse(call, 401, "InvalidAccessToken", "invalid_token",
                     "The access token is not for the audience " REALM_PAM_AUDIENCE ".");
        return false;
    }
    if (!is_allowed(operation, claims)) {
        vault_refuse(call, 403, "Forbidden", "insufficient_scope",
                     "The access token lacks the scope credential:obtain.");
        return false;
    }
    call->claims = TAKE(claims);
    return true;
}

static bool is_given(const struct vault_call *call, const char *name)
{
    struct json_object *value;

    if (call->body == NULL)
        return params_get_filled(call->query, name) != NULL;
    return json_object_object_get_ex(call->body, name, &value) && value != NULL &&
           !(json_object_is_type(value, json_type_string) &&
             json_object_get_string_len(value) == 0);
}

static bool check_required(const struct vault_call *call, const struct operation *operation)
{
    for (size_t i = 0; i < 4 && operation->required[i] != NULL; i++)
        if (!is_given(call, operation->required[i])) {
            vault_refuse(call, 400, "MissingParameter", "invalid_request",
                         "The parameter %s is required.", operation->required[i]);
            return false;
        }
    return true;
}

static bool check_headers(const struct vault_call *call, const struct operation *operation)
{
    struct slice action = request_header(call->request, "x-acs-action");
    struct slice version = request_header(call->request, "x-acs-version");

    if (version.len > 0 && !slice_equal_text(version, API_VERSION)) {
        vault_refuse(call, 400, "InvalidVersion", "invalid_request",
                     "The API version is " API_VERSION ".");
        return false;
    }
    if (action.len > 0 && !slice_equal_text(action, operation->action)) {
        vault_refuse(call, 400, "InvalidAction", "invalid_request", "The path belongs to %s.",
                     operation->action);
        return false;
    }
    return true;
}

static bool read_body(struct vault_call *call)
{
    struct error err = {0};

    if (!slice_equal_text(call->request->method, "POST"))
        return true;
    call->body = json_parse(call->request->body.data == NULL ? "" : call->request->body.data,
                            call->request->body.len, JSON_DEPTH_DEFAULT, &err);
    if (call->body != NULL && json_object_is_type(call->body, json_type_object))
        return true;
    vault_refuse(call, 400, "InvalidRequestBody", "invalid_request", "The body is no JSON object.");
    return false;
}

static void perform(struct vault_call *call, const struct operation *operation)
{
    if (!check_headers(call, operation) || !check_token(call, operation) || !read_body(call) ||
        !check_required(call, operation))
        return;
    operation->handle(call);
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
    struct vault_call call = {cloud, request, &query, NULL, NULL, reply};
    struct error err = {0};

    if (path.len == 0) {
        vault_refuse(&call, 404, "ResourceNotFound.Instance", "not_found",
                     "The instance in the path does not exist.");
        return;
    }
    if (!params_parse(request->query, &query, &err)) {
        vault_refuse(&call, 400, "InvalidParameter", "invalid_request", "%s", err.message);
        return;
    }
    for (size_t i = 0; i < OPERATION_COUNT; i++)
        if (slice_equal_text(path, operations[i].path) &&
            slice_equal_text(request->method, operations[i].method)) {
            perform(&call, &operations[i]);
            json_object_put(call.body);
            json_object_put(call.claims);
            params_clear(&query);
            return;
        }
    vault_refuse(&call, 404, "InvalidAction.NotFound", "not_found",
                 "There is no operation with this method and path.");
    params_clear(&query);
}
