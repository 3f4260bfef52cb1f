/* The security token service (version 2015-04-01): AssumeRole, AssumeRoleWithOIDC and
 * GetCallerIdentity. alibaba-cloud.md sections 3.3 and 3.6. */
#include "local-cloud/sts.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "local-cloud/agent_identity.h"
#include "local-cloud/cloud.h"
#include "local-cloud/issued_token.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/memory.h"
#include "local-cloud/params.h"
#include "local-cloud/pop.h"
#include "local-cloud/ram.h"
#include "local-cloud/reply.h"
#include "local-cloud/request.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define API_VERSION "2015-04-01"

enum { SESSION_DEFAULT_S = 3600, SESSION_NAME_MAX_BYTES = 64 };

struct call {
    struct cloud *cloud;
    const struct request *request;
    const struct params *params; /* query and form */
    const struct ram_key *key;   /* who signed; NULL for AssumeRoleWithOIDC */
    struct reply *reply;
};

void sts_format_time(int64_t at_s, char out[21])
{
    time_t at = (time_t)at_s;
    struct tm fields;

    gmtime_r(&at, &fields);
    strftime(out, 21, "%Y-%m-%dT%H:%M:%SZ", &fields);
}

static bool read_duration(const struct call *call, const struct ram_role *role, int64_t *out_s)
{
    const char *text = params_get_filled(call->params, "DurationSeconds");

    *out_s = SESSION_DEFAULT_S < role->session_max_s ? SESSION_DEFAULT_S : role->session_max_s;
    if (text == NULL)
        return true;
    if (parse_int64(text, strlen(text), out_s) && *out_s >= RAM_SESSION_LEAST_S &&
        *out_s <= role->session_max_s)
        return true;
    return pop_refuse(call->reply, call->request, 400, "InvalidParameter.DurationSeconds",
                      "The Min/Max value of DurationSeconds is %d/%lld.", RAM_SESSION_LEAST_S,
                      (long long)role->session_max_s);
}

/* 2 to 64 letters, digits, '.', '@', '-', '_' (vendor page "AssumeRole"). */
static bool is_session_name(const char *name)
{
    size_t len = strlen(name);

    for (const char *c = name; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && strchr(".@-_", *c) == NULL)
            return false;
    return len >= 2 && len <= SESSION_NAME_MAX_BYTES;
}

static struct ram_role *find_role(const struct call *call)
{
    const char *arn = pop_require(call->reply, call->request, call->params, "RoleArn");
    const char *session =
        arn == NULL ? NULL
                    : pop_require(call->reply, call->request, call->params, "RoleSessionName");
    struct ram_role *role = session == NULL ? NULL : ram_find_role_by_arn(call->cloud->ram, arn);

    if (session == NULL)
        return NULL;
    if (!is_session_name(session)) {
        pop_refuse(call->reply, call->request, 400, "InvalidParameter.RoleSessionName",
                   "The parameter RoleSessionName is wrongly formed.");
        return NULL;
    }
    if (role == NULL)
        pop_refuse(call->reply, call->request, 404, "EntityNotExist.Role",
                   "The role not exists: %.100s.", arn);
    return role;
}

static bool deny(const struct call *call)
{
    return pop_refuse(call->reply, call->request, 403, "NoPermission",
                      "You are not authorized to do this action. You should be authorized by RAM.");
}

/* Answers with a fresh session of `role`. */
static bool answer(const struct call *call, const struct ram_role *role,
                   struct json_object *token_info)
{
    const char *name = params_get(call->params, "RoleSessionName");
    CLEANUP(cleanup_free) char *arn = NULL, *id = NULL;
    const struct ram_key *session;
    char expiration[21];
    int64_t lifetime_s;

    if (!read_duration(call, role, &lifetime_s)) {
        json_object_put(token_info);
        return false;
    }
    session = ram_session_new(call->cloud->ram, role, name, lifetime_s, call->request->now_s);
    sts_format_time(session->expires_at_s, expiration);
    arn = must_format("acs:ram::" RAM_ACCOUNT ":role/%s/%s", role->name, name);
    id = must_format("300000000000000001:%s", name);
    pop_reply(call->reply, json_pack("{AssumedRoleUser:{Arn:s,AssumedRoleId:s},OIDCTokenInfo:o?,"
                                     "Credentials:{AccessKeyId:s,AccessKeySecret:s,SecurityToken:s,"
                                     "Expiration:s}}",
                                     arn, id, token_info, session->id, session->secret,
                                     session->token, expiration));
    return true;
}

static void assume_role(const struct call *call)
{
    const char *external_id = params_get_filled(call->params, "ExternalId");
    const struct ram_role *role = find_role(call);

    if (role == NULL)
        return;
    /* A role that may do nothing may not assume another one either. */
    if (!role->trusts_account || (call->key->role != NULL && !call->key->role->may_get_token) ||
        (role->external_id != NULL &&
         (external_id == NULL || strcmp(external_id, role->external_id) != 0)))
        deny(call);
    else
        answer(call, role, NULL);
}

/* Checks a token of the cluster that RAM_OIDC_PROVIDER stands for. The caller owns the claims. */
static struct json_object *open_oidc_token(const struct call *call, const char *token)
{
    CLEANUP(json_cleanup) struct json_object *claims = NULL;
    const struct agent_identity *identity = cloud_identity(call->cloud);
    struct error err = {0};
    const char *issuer;

    if (!issued_token_open_by_keys(agent_identity_cluster_keys(identity), slice_of(token),
                                   call->request->now_s, &claims, &err)) {
        bool is_expired = strstr(err.message, "expired") != NULL;

        pop_refuse(call->reply, call->request, 400,
                   is_expired ? "AuthenticationFail.OIDCToken.Expired"
                              : "AuthenticationFail.OIDCToken.Invalid",
                   is_expired ? "This JSON Web Token has already expired."
                              : "This OIDC token is invalid: %s.",
                   err.message);
        return NULL;
    }
    issuer = json_get_string(claims, "iss", NULL);
    if (issuer == NULL || strcmp(issuer, CLUSTER_ISSUER) != 0 ||
        !issued_token_is_for(claims, CLUSTER_AUDIENCE_STS)) {
        pop_refuse(call->reply, call->request, 400, "AuthenticationFail.OIDCToken.Invalid",
                   "This OIDC token is invalid: its issuer or audience is not that of the OIDC "
                   "provider.");
        return NULL;
    }
    return TAKE(claims);
}

static void assume_role_with_oidc(const struct call *call)
{
    const char *provider = pop_require(call->reply, call->request, call->params, "OIDCProviderArn");
    const char *token = provider == NULL
                            ? NULL
                            : pop_require(call->reply, call->request, call->params, "OIDCToken");
    const struct ram_role *role = token == NULL ? NULL : find_role(call);
    CLEANUP(json_cleanup) struct json_object *claims = NULL;

    if (role == NULL)
        return;
    if (strcmp(provider, RAM_OIDC_PROVIDER) != 0) {
        pop_refuse(call->reply, call->request, 404, "EntityNotExist.OIDCProvider",
                   "The OIDC provider does not exist.");
        return;
    }
    claims = open_oidc_token(call, token);
    if (claims == NULL)
        return;
    if (!role->trusts_cluster)
        deny(call);
    else
        answer(call, role,
               json_pack("{Subject:s,Issuer:s,ClientIds:s}", json_get_string(claims, "sub", NULL),
                         CLUSTER_ISSUER, CLUSTER_AUDIENCE_STS));
}

static void get_caller_identity(const struct call *call)
{
    CLEANUP(cleanup_free) char *arn = ram_principal_arn(call->key);

    pop_reply(call->reply,
              json_pack("{IdentityType:s,AccountId:s,Arn:s}",
                        call->key->role == NULL ? "RAMUser" : "AssumedRoleUser", RAM_ACCOUNT, arn));
}

static const struct {
    const char *name;
    bool is_anonymous; /* the token is the proof */
    void (*handle)(const struct call *call);
} actions[] = {
    {"AssumeRole", false, assume_role},
    {"AssumeRoleWithOIDC", true, assume_role_with_oidc},
    {"GetCallerIdentity", false, get_caller_identity},
};

/* A text of the request that newer clients send as a header and older ones as a parameter; the
 * caller frees it. */
static char *header_or_param(const struct request *request, const struct params *params,
                             const char *header, const char *param)
{
    struct slice value = request_header(request, header);
    const char *text = params_get_filled(params, param);

    return value.len > 0 ? slice_dup(value) : text == NULL ? NULL : must_copy(text);
}

static void perform(struct call *call)
{
    CLEANUP(cleanup_free)
    char *action = header_or_param(call->request, call->params, "x-acs-action", "Action");
    CLEANUP(cleanup_free)
    char *version = header_or_param(call->request, call->params, "x-acs-version", "Version");
    const struct pop_gate gate = {call->cloud->ram, call->cloud->nonces};
    size_t i = 0;

    while (i < sizeof actions / sizeof actions[0] &&
           (action == NULL || strcmp(actions[i].name, action) != 0))
        i++;
    if (i == sizeof actions / sizeof actions[0] || !slice_equal_text(call->request->path, "/")) {
        pop_refuse(call->reply, call->request, 404, "InvalidApi.NotFound",
                   "Specified api is not found, please check your url and method.");
        return;
    }
    if (version == NULL || strcmp(version, API_VERSION) != 0) {
        pop_refuse(call->reply, call->request, 400, "NoSuchVersion",
                   "Specified version does not exist.");
        return;
    }
    if (!actions[i].is_anonymous) {
        call->key = pop_authenticate(&gate, call->request, call->params, call->reply);
        if (call->key == NULL)
            return;
    }
    actions[i].handle(call);
}

void sts_handle(struct cloud *cloud, const struct request *request, struct reply *reply)
{
    struct params params = {NULL, 0}, form = {NULL, 0};
    struct call call = {cloud, request, &params, NULL, reply};
    bool has_form = request_has_content_type(request, "application/x-www-form-urlencoded");
    struct error err = {0};

    if (params_parse(request->query, &params, &err) &&
        (!has_form || params_parse(request->body, &form, &err)) &&
        params_join(&params, &form, &err))
        perform(&call);
    else
        pop_refuse(reply, request, 400, "InvalidParameter", "%s.", err.message);
    params_clear(&form);
    params_clear(&params);
}
