/* OAuth tokens of the DeveloperAPI: 2-legged at once, 3-legged after the user has consented. */
#include "local-cloud/vault_tokens.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "local-cloud/cloud.h"
#include "local-cloud/consent.h"
#include "local-cloud/issued_token.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/memory.h"
#include "local-cloud/request.h"
#include "local-cloud/token_store.h"
#include "local-cloud/vault_call.h"

#include <string.h>

enum { SCOPE_MAX_BYTES = 256 };

static struct json_object *describe_oauth(const struct vault_call *call,
                                          const struct made_token *token)
{
    return vault_describe(call, token, "oauthAccessTokenContent",
                          json_pack("{accessTokenValue:s,tokenType:s,scope:s}", token->value,
                                    "Bearer", token->scope));
}

/* The token itself is one that the enterprise service takes, so that the credential can be used
 * from end to end; at the real service it would be the third party's. */
static struct made_token *make_oauth_token(const struct vault_call *call,
                                           const struct credential_provider *provider,
                                           const char *consumer, const char *scope)
{
    struct realm *realm = &call->cloud->realm;
    const char *client = json_get_string(call->claims, "client_id", NULL);
    struct token_claims claims = {.sub = consumer,
                                  .client_id = client,
                                  .audience = realm->enterprise_audience,
                                  .scope = scope[0] == '\0' ? realm->enterprise_scope : scope};
    struct token_spec token = {.provider = provider,
                               .consumer_id = consumer,
                               .creator_id = client,
                               .scope = scope,
                               .is_machine = strcmp(consumer, client) == 0,
                               .created_at_s = call->request->now_s};
    struct error err = {0};
    CLEANUP(cleanup_free)
    char *value =
        issued_token_make(call->cloud, &claims, call->request->now_s, &token.expires_at_s, &err);

    token.value = must_have(value);
    return token_store_add(call->cloud->tokens, &token);
}

static void ask_for_consent(const struct vault_call *call,
                            const struct credential_provider *provider, const char *consumer,
                            const char *scope)
{
    const struct consent_session *session =
        token_store_ask(call->cloud->tokens, provider, consumer, scope,
                        call->request->now_s + call->cloud->switches.vault.session_s);
    CLEANUP(cleanup_free) char *url = consent_url(call->cloud, session);

    vault_answer(call, json_pack("{instanceId:s,credentialProviderId:s,oauthAuthorizationSession:"
                                 "{authorizationUrl:s,sessionId:s,sessionUri:s,sessionStatus:s}}",
                                 call->cloud->realm.instance_id, provider->id, url, session->id,
                                 session->uri, "pending"));
}

static bool wants_anew(const struct vault_call *call)
{
    bool is_forced = false;

    return json_get_bool(call->body, "forceAuthentication", &is_forced) && is_forced;
}

void vault_fetch_oauth_token(const struct vault_call *call)
{
    const struct credential_provider *provider =
        vault_find_provider(call, PROVIDER_OAUTH_MACHINE, PROVIDER_OAUTH_USER);
    const char *scope = vault_text(call, "scope");
    const char *consumer = json_get_string(call->claims, "sub", NULL);
    const char *client = json_get_string(call->claims, "client_id", NULL);
    struct token_query query = {.provider = provider, .consumer_id = consumer};
    struct made_token *token;
    size_t position = 0;

    if (provider == NULL)
        return;
    scope = scope == NULL ? "" : scope;
    query.scope = scope;
    if (strlen(scope) > SCOPE_MAX_BYTES) {
        vault_refuse(call, 400, "InvalidParameter.scope", "invalid_request",
                     "scope is longer than %d characters.", SCOPE_MAX_BYTES);
        return;
    }
    if (provider->kind == PROVIDER_OAUTH_USER) {
        if (strcmp(consumer, client) == 0) {
            vault_refuse(call, 400, "InvalidParameter.AccessToken", "invalid_request",
                         "This credential provider needs a user's access token.");
            return;
        }
        if (wants_anew(call) ||
            !token_store_has_consent(call->cloud->tokens, provider, consumer, scope)) {
            ask_for_consent(call, provider, consumer, scope);
            return;
        }
    }
    do
        token = token_store_next(call->cloud->tokens, &query, &position);
    while (token != NULL && !made_token_is_good(token, call->request->now_s));
    if (token == NULL)
        token = make_oauth_token(call, provider, consumer, scope);
    vault_answer(call, describe_oauth(call, token));
}

void vault_get_session(const struct vault_call *call)
{
    static const char *const names[] = {[SESSION_PENDING] = "pending",
                                        [SESSION_COMPLETED] = "completed",
                                        [SESSION_FAILED] = "failed",
                                        [SESSION_EXPIRED] = "expired"};
    const char *uri = vault_text(call, "sessionUri");
    const struct consent_session *session =
        uri == NULL ? NULL : token_store_session(call->cloud->tokens, uri, call->request->now_s);
    CLEANUP(cleanup_free) char *url = NULL;
    bool is_denied;

    /* Somebody else's session is as good as none. */
    if (session == NULL ||
        strcmp(session->consumer_id, json_get_string(call->claims, "sub", NULL)) != 0) {
        vault_refuse(call, 404, "ResourceNotFound.OAuthAuthorizationSession", "not_found",
                     "The session does not exist.");
        return;
    }
    is_denied = session->status == SESSION_FAILED;
    url = consent_url(call->cloud, session);
    vault_answer(call,
                 json_pack("{instanceId:s,sessionId:s,sessionUri:s,sessionStatus:s,"
                           "authorizationUrl:s,expirationTime:i,errorCode:s?,errorDescription:s?}",
                           call->cloud->realm.instance_id, session->id, session->uri,
                           names[session->status], url, session->expires_at_s * 1000,
                           is_denied ? "access_denied" : NULL,
                           is_denied ? "The user has refused." : NULL));
}
