/* Authentication tokens of the DeveloperAPI: what they look like, listing, checking, revoking; and
 * cloud roles. */
#include "local-cloud/vault_tokens.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "local-cloud/cloud.h"
#include "local-cloud/issued_token.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/memory.h"
#include "local-cloud/ram.h"
#include "local-cloud/reply.h"
#include "local-cloud/request.h"
#include "local-cloud/sts.h"
#include "local-cloud/vault_call.h"

#include <string.h>

enum { LIST_DEFAULT_COUNT = 20, LIST_MAX_COUNT = 100 };

/* ---- what a token looks like -----------------------------------------------------------------*/

/* The common members (section 4.2), with `content` (taken) under its name. */
struct json_object *vault_describe(const struct vault_call *call, const struct made_token *token,
                                   const char *content_name, struct json_object *content)
{
    const char *type = token->provider->kind == PROVIDER_JWT ? "jwt" : "oauth_access_token";
    struct json_object *value = json_pack(
        "{instanceId:s,authenticationTokenId:s,authenticationTokenType:s,credentialProviderId:s,"
        "consumerType:s,consumerId:s,creatorType:s,creatorId:s,revoked:b,createTime:i,"
        "updateTime:i,expirationTime:i}",
        call->cloud->realm.instance_id, token->id, type, token->provider->id,
        token->is_machine ? "application" : "custom", token->consumer_id, "application",
        token->creator_id, token->is_revoked, token->created_at_s * 1000,
        token->created_at_s * 1000, token->expires_at_s * 1000);

    if (content != NULL)
        json_object_object_add(value, content_name, content);
    return value;
}

void vault_answer(const struct vault_call *call, struct json_object *value)
{
    reply_header(call->reply, "Cache-Control", "no-store");
    reply_json(call->reply, 200, value);
}

/* The named provider if it is of one of two kinds; NULL after a refusal. */
const struct credential_provider *vault_find_provider(const struct vault_call *call,
                                                      enum provider_kind kind,
                                                      enum provider_kind other_kind)
{
    const char *identifier = vault_text(call, "credentialProviderIdentifier");
    const struct credential_provider *provider =
        identifier == NULL ? NULL : credential_provider_find(identifier);

    if (provider != NULL && (provider->kind == kind || provider->kind == other_kind))
        return provider;
    vault_refuse(call, 404, "ResourceNotFound.CredentialProvider", "not_found",
                 "The credential provider %.80s does not exist%s.",
                 identifier == NULL ? "" : identifier,
                 provider == NULL ? "" : " for this kind of token");
    return NULL;
}

/* ---- looking after tokens --------------------------------------------------------------------*/

static bool is_or_unset(const struct vault_call *call, const char *name, bool value)
{
    const char *text = vault_text(call, name);

    return text == NULL || strcmp(text, value ? "true" : "false") == 0;
}

void vault_list_tokens(const struct vault_call *call)
{
    const char *identifier = vault_text(call, "credentialProviderIdentifier");
    const char *count_text = vault_text(call, "maxResults"), *from = vault_text(call, "nextToken");
    const struct token_query query = {.provider = credential_provider_find(identifier),
                                      .consumer_id = vault_text(call, "consumerId")};
    struct json_object *entities = json_object_new_array();
    int64_t max_count = LIST_DEFAULT_COUNT, skip = 0, total = 0;
    CLEANUP(cleanup_free) char *next = NULL;
    const struct made_token *token;
    size_t position = 0;

    if ((count_text != NULL && !parse_int64(count_text, strlen(count_text), &max_count)) ||
        (from != NULL && !parse_int64(from, strlen(from), &skip)) || max_count < 1 ||
        max_count > LIST_MAX_COUNT) {
        json_object_put(entities);
        vault_refuse(call, 400, "InvalidParameter", "invalid_request",
                     "maxResults or nextToken is wrong.");
        return;
    }
    while (query.provider != NULL &&
           (token = token_store_next(call->cloud->tokens, &query, &position)) != NULL) {
        if (!is_or_unset(call, "revoked", token->is_revoked) ||
            !is_or_unset(call, "expired", call->request->now_s >= token->expires_at_s))
            continue;
        if (total >= skip && total < skip + max_count)
            json_object_array_add(entities, vault_describe(call, token, NULL, NULL));
        total++;
    }
    next = skip + max_count < total ? must_format("%lld", (long long)(skip + max_count)) : NULL;
    vault_answer(call, json_pack("{entities:o,totalCount:i,maxResults:i,nextToken:s?}", entities,
                                 total, max_count, next));
}

void vault_validate_token(const struct vault_call *call)
{
    const struct token_query query = {.value = vault_text(call, "token")};
    const struct made_token *token;
    struct json_object *claims = NULL;
    struct error ignored = {0};
    size_t position = 0;
    bool is_active = false;

    token = query.value == NULL ? NULL : token_store_next(call->cloud->tokens, &query, &position);
    if (token != NULL)
        is_active = made_token_is_good(token, call->request->now_s);
    else if (query.value != NULL) /* an access token of the issuer */
        is_active = issued_token_open(call->cloud, slice_of(query.value), call->request->now_s,
                                      &claims, &ignored);
    json_object_put(claims);
    reply_json(call->reply, 200, json_pack("{active:b}", is_active));
}

static void set_revoked(const struct vault_call *call, const struct token_query *query,
                        bool is_revoked)
{
    struct made_token *token;
    size_t position = 0, count = 0;

    for (; (token = token_store_next(call->cloud->tokens, query, &position)) != NULL; count++)
        token->is_revoked = is_revoked;
    if (count == 0)
        vault_refuse(call, 404, "ResourceNotFound.AuthenticationToken", "not_found",
                     "The authentication token does not exist.");
    else
        reply_empty(call->reply, 200);
}

static void set_revoked_by_value(const struct vault_call *call, bool is_revoked)
{
    const struct token_query query = {.value = vault_text(call, "token")};

    set_revoked(call, &query, is_revoked);
}

static void set_revoked_by_consumer(const struct vault_call *call, bool is_revoked)
{
    const char *identifier = vault_text(call, "credentialProviderIdentifier");
    const struct token_query query = {
        .provider = identifier == NULL ? NULL : credential_provider_find(identifier),
        .consumer_id = vault_text(call, "consumerId")};

    if (query.provider == NULL)
        vault_refuse(call, 404, "ResourceNotFound.CredentialProvider", "not_found",
                     "The credential provider does not exist.");
    else
        set_revoked(call, &query, is_revoked);
}

void vault_revoke_token(const struct vault_call *call)
{
    set_revoked_by_value(call, true);
}

void vault_reinstate_token(const struct vault_call *call)
{
    set_revoked_by_value(call, false);
}

void vault_revoke_by_consumer(const struct vault_call *call)
{
    set_revoked_by_consumer(call, true);
}

void vault_reinstate_by_consumer(const struct vault_call *call)
{
    set_revoked_by_consumer(call, false);
}

/* ---- cloud roles -----------------------------------------------------------------------------*/

void vault_obtain_role_credential(const struct vault_call *call)
{
    const char *name = vault_text(call, "cloudAccountRoleExternalId");
    const char *seconds = vault_text(call, "durationSeconds");
    const struct ram_role *role = ram_find_role(call->cloud->ram, name);
    const struct ram_key *session;
    char expiration[21];
    int64_t lifetime_s;

    if (role == NULL) {
        vault_refuse(call, 404, "ResourceNotFound.CloudAccountRole", "not_found",
                     "The cloud account role %.80s does not exist.", name);
        return;
    }
    lifetime_s = role->session_max_s;
    if (seconds != NULL && (!parse_int64(seconds, strlen(seconds), &lifetime_s) ||
                            lifetime_s < RAM_SESSION_LEAST_S || lifetime_s > role->session_max_s)) {
        vault_refuse(call, 400, "InvalidParameter.durationSeconds", "invalid_request",
                     "durationSeconds must be from %d to %lld.", RAM_SESSION_LEAST_S,
                     (long long)role->session_max_s);
        return;
    }
    session = ram_session_new(call->cloud->ram, role, "idaas", lifetime_s, call->request->now_s);
    sts_format_time(session->expires_at_s, expiration);
    vault_answer(call, json_pack("{instanceId:s,cloudAccountRoleExternalId:s,"
                                 "cloudAccountRoleAccessCredential:{accessCredentialExpiresAt:i,"
                                 "alibabaCloudStsToken:{accessKeyId:s,accessKeySecret:s,"
                                 "securityToken:s,expiration:s}}}",
                                 call->cloud->realm.instance_id, name, session->expires_at_s,
                                 session->id, session->secret, session->token, expiration));
}
