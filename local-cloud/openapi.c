/* The identity service's OpenAPI (EIAM, version 2021-12-01): GenerateOauthToken for whoever signs
 * with a key that may. alibaba-cloud.md section 1. */
#include "local-cloud/openapi.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "local-cloud/cloud.h"
#include "local-cloud/issued_token.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/memory.h"
#include "local-cloud/params.h"
#include "local-cloud/pop.h"
#include "local-cloud/ram.h"
#include "local-cloud/reply.h"
#include "local-cloud/request.h"
#include "local-cloud/token_exchange.h"
#include "local-cloud/token_scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API_VERSION "2021-12-01"
#define ACTION "GenerateOauthToken"

enum { SCOPE_MAX_BYTES = 8192, SCOPE_VALUE_MAX_COUNT = 100 };

struct call {
    struct cloud *cloud;
    const struct request *request;
    const struct params *params;
    struct reply *reply;
};

/* The codes for what an OAuth server calls invalid_scope and so on could not be checked
 * (alibaba-cloud.md section 8); their form is that of the gateway's others. */
static bool refuse(const struct call *call, const struct error *err)
{
    static const struct {
        const char *oauth, *code;
        int status;
    } codes[] = {
        {"unauthorized_client", "Forbidden.Audience", 403},
        {"invalid_scope", "InvalidParameter.ScopeValues", 400},
        {"InvalidScope", "InvalidParameter.ScopeValues", 400},
        {"MultipleAudienceNotSupported", "InvalidParameter.Audience", 400},
        {"invalid_grant", "InvalidParameter.SubjectToken", 400},
    };

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (strcmp(err->name, codes[i].oauth) == 0)
            return pop_refuse(call->reply, call->request, codes[i].status, codes[i].code, "%s.",
                              err->message);
    return pop_refuse(call->reply, call->request, 400, "InvalidParameter", "%s.", err->message);
}

/* Audience and ScopeValues.1, .2 ... in the form "audience|value audience|value". The caller frees
 * it; NULL after a refusal. */
static char *read_scope(const struct call *call)
{
    const char *audience = pop_require(call->reply, call->request, call->params, "Audience");
    CLEANUP(buffer_clear) struct buffer text;
    struct error err = {0};
    const char *value;
    char name[32];

    buffer_init(&text, SCOPE_MAX_BYTES);
    for (int i = 1; audience != NULL && i <= SCOPE_VALUE_MAX_COUNT; i++) {
        /* Fits: three digits at most. */
        snprintf(name, sizeof name, "ScopeValues.%d", i);
        value = params_get_filled(call->params, name);
        if (value == NULL)
            break;
        if (!buffer_printf(&text, &err, "%s%s|%s", i > 1 ? " " : "", audience, value)) {
            refuse(call, &err);
            return NULL;
        }
    }
    if (audience != NULL && text.len == 0)
        pop_refuse(call->reply, call->request, 400, "MissingScopeValues",
                   "ScopeValues is mandatory for this action.");
    return text.len == 0 ? NULL : buffer_take(&text, NULL);
}

static bool answer(const struct call *call, const struct token_claims *claims,
                   const char *issued_token_type)
{
    int64_t expires_at_s = 0;
    struct error err = {0};
    CLEANUP(cleanup_free)
    char *token = issued_token_make(call->cloud, claims, call->request->now_s, &expires_at_s, &err);

    if (token == NULL)
        return pop_refuse(call->reply, call->request, 500, "InternalError", "%s", err.message);
    reply_header(call->reply, "Cache-Control", "no-store");
    pop_reply(call->reply,
              json_pack("{TokenResponse:{AccessToken:s,TokenType:s,ExpiresIn:i,ExpiresAt:i,"
                        "IssuedTokenType:s?}}",
                        token, "Bearer", call->cloud->switches.issuer.token_lifetime_s,
                        expires_at_s, issued_token_type));
    return true;
}

static bool grant_exchange(const struct call *call, const struct realm_client *client,
                           struct token_claims *claims)
{
    const struct exchange_request sent = {
        .subject_token = params_get_filled(call->params, "SubjectToken"),
        .subject_token_type = params_get_filled(call->params, "SubjectTokenType"),
        .requested_token_type = params_get_filled(call->params, "RequestedTokenType"),
    };
    struct exchange exchange = {NULL, NULL};
    struct error err = {0};
    bool is_granted;

    if (!token_exchange_open(call->cloud, client, &sent, call->request->now_s, &exchange, &err))
        return refuse(call, &err);
    token_exchange_claims(&exchange, claims);
    is_granted = answer(call, claims, TOKEN_TYPE_ACCESS_TOKEN);
    token_exchange_clear(&exchange);
    return is_granted;
}

static bool grant(const struct call *call, const struct realm_client *client,
                  struct token_scope *scope)
{
    const char *grant_type = params_get_filled(call->params, "GrantType");
    struct token_claims claims = {.sub = client->id,
                                  .client_id = client->id,
                                  .audience = scope->audience,
                                  .scope = scope->values};

    /* Without a grant type it is the agent's own token, as the vendor's plugin wants it. */
    if (grant_type == NULL || strcmp(grant_type, "client_credentials") == 0)
        return answer(call, &claims, NULL);
    if (strcmp(grant_type, GRANT_TOKEN_EXCHANGE) == 0)
        return grant_exchange(call, client, &claims);
    return pop_refuse(call->reply, call->request, 400, "InvalidParameter.GrantType",
                      "GrantType is neither client_credentials nor " GRANT_TOKEN_EXCHANGE ".");
}

static const struct realm_client *find_application(const struct call *call)
{
    const struct realm *realm = &call->cloud->realm;
    const char *instance = pop_require(call->reply, call->request, call->params, "InstanceId");
    const char *application =
        instance == NULL ? NULL
                         : pop_require(call->reply, call->request, call->params, "ApplicationId");
    const struct realm_client *client;

    if (application == NULL)
        return NULL;
    if (strcmp(instance, realm->instance_id) != 0) {
        pop_refuse(call->reply, call->request, 404, "ResourceNotFound.Instance",
                   "The specified resource of Instance is not found.");
        return NULL;
    }
    client = realm_find_client(realm, application);
    if (client == NULL)
        pop_refuse(call->reply, call->request, 404, "ResourceNotFound.Application",
                   "The specified resource of Application is not found.");
    return client;
}

static void generate_oauth_token(const struct call *call)
{
    const struct realm_client *client = find_application(call);
    CLEANUP(cleanup_free) char *text = client == NULL ? NULL : read_scope(call);
    struct token_scope scope = {NULL, NULL};
    struct error err = {0};

    if (text == NULL)
        return;
    if (token_scope_parse(text, &scope, &err) && token_scope_grant(&scope, client, &err))
        grant(call, client, &scope);
    else
        refuse(call, &err);
    token_scope_clear(&scope);
}

static bool check_api(const struct request *request, struct reply *reply)
{
    if (!slice_equal_text(request->path, "/") ||
        !slice_equal_text(request_header(request, "x-acs-action"), ACTION))
        return pop_refuse(reply, request, 404, "InvalidApi.NotFound",
                          "Specified api is not found, please check your url and method.");
    if (!slice_equal_text(request_header(request, "x-acs-version"), API_VERSION))
        return pop_refuse(reply, request, 400, "NoSuchVersion",
                          "Specified version does not exist.");
    return true;
}

void openapi_handle(struct cloud *cloud, const struct request *request, struct reply *reply)
{
    const struct pop_gate gate = {cloud->ram, cloud->nonces};
    struct params params = {NULL, 0};
    const struct call call = {cloud, request, &params, reply};
    const struct ram_key *key;
    struct error err = {0};

    if (!check_api(request, reply))
        return;
    if (!params_parse(request->query, &params, &err)) {
        pop_refuse(reply, request, 400, "InvalidParameter", "%s.", err.message);
        return;
    }
    key = pop_authenticate(&gate, request, &params, reply);
    if (key != NULL && key->role != NULL && !key->role->may_get_token)
        pop_refuse_permission(reply, request, key, "eiam:" ACTION);
    else if (key != NULL)
        generate_oauth_token(&call);
    params_clear(&params);
}
