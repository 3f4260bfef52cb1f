/* POST .../oauth2/token: client credentials and token exchange. */
#include "local-cloud/token_endpoint.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "local-cloud/client_auth.h"
#include "local-cloud/cloud.h"
#include "local-cloud/issued_token.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/oauth_error.h"
#include "local-cloud/params.h"
#include "local-cloud/reply.h"
#include "local-cloud/request.h"
#include "local-cloud/token_exchange.h"
#include "local-cloud/token_scope.h"

#include <stdlib.h>
#include <string.h>

/* What a grant decided, before the token is made. */
struct grant {
    struct token_claims claims;
    const char *issued_token_type; /* NULL: not sent */
};

static void refuse(const struct request *request, struct reply *reply, const struct error *err)
{
    const char *code = err->name[0] != '\0' ? err->name : "invalid_request";
    bool is_client_fault = strcmp(code, "invalid_client") == 0;

    /* The SDK's names of idaas.md section 1.3 are for configurations; on the wire both are
     * invalid_scope. */
    if (strcmp(code, "InvalidScope") == 0 || strcmp(code, "MultipleAudienceNotSupported") == 0)
        code = "invalid_scope";
    /* RFC 6749 section 5.2: 401 and the scheme when the client tried the Authorization header. */
    if (is_client_fault && request->authorization_count > 0)
        reply_header(reply, "WWW-Authenticate", "Basic realm=\"idaas\"");
    oauth_error_reply(reply, is_client_fault ? 401 : 400, code, "%s", err->message);
}

static void grant_token(const struct cloud *cloud, const struct request *request,
                        const struct grant *grant, struct reply *reply)
{
    struct error err = {0};
    int64_t expires_at_s = 0;
    CLEANUP(cleanup_free)
    char *token = issued_token_make(cloud, &grant->claims, request->now_s, &expires_at_s, &err);
    struct json_object *answer;

    if (token == NULL) {
        oauth_error_reply(reply, 500, "server_error", "%s", err.message);
        return;
    }
    answer = json_pack("{access_token:s,token_type:s,expires_in:i,issued_token_type:s?}", token,
                       "Bearer", cloud->switches.issuer.token_lifetime_s, grant->issued_token_type);
    if (cloud->switches.issuer.expires_at)
        json_object_object_add(answer, "expires_at", json_object_new_int64(expires_at_s));
    reply_header(reply, "Cache-Control", "no-store");
    reply_header(reply, "Pragma", "no-cache");
    reply_json(reply, 200, answer);
}

static bool read_scope(const struct params *form, const struct realm_client *client,
                       struct token_scope *out_scope, struct error *err)
{
    const char *text = params_get_filled(form, "scope");
    const char *audience = params_get_filled(form, "audience");

    if (text == NULL)
        return error_set_named(err, ERROR_BAD_INPUT, "invalid_scope", "scope is missing");
    if (!token_scope_parse(text, out_scope, err))
        return false;
    /* Optional; it has to agree with the scope (idaas.md section 3). */
    if (audience != NULL && strcmp(audience, out_scope->audience) != 0)
        return error_set_named(err, ERROR_BAD_INPUT, "invalid_request",
                               "audience does not agree with the audience of scope");
    return token_scope_grant(out_scope, client, err);
}

static void client_credentials(const struct cloud *cloud, const struct request *request,
                               const struct params *form, const struct realm_client *client,
                               struct reply *reply)
{
    struct token_scope scope = {NULL, NULL};
    struct error err = {0};

    if (read_scope(form, client, &scope, &err)) {
        struct grant grant = {.claims = {.sub = client->id,
                                         .client_id = client->id,
                                         .audience = scope.audience,
                                         .scope = scope.values}};

        grant_token(cloud, request, &grant, reply);
    } else {
        refuse(request, reply, &err);
    }
    token_scope_clear(&scope);
}

static void token_exchange(const struct cloud *cloud, const struct request *request,
                           const struct params *form, const struct realm_client *client,
                           struct reply *reply)
{
    const struct exchange_request sent = {
        .subject_token = params_get_filled(form, "subject_token"),
        .subject_token_type = params_get_filled(form, "subject_token_type"),
        .actor_token = params_get_filled(form, "actor_token"),
        .actor_token_type = params_get_filled(form, "actor_token_type"),
        .requested_token_type = params_get_filled(form, "requested_token_type"),
    };
    struct exchange exchange = {NULL, NULL};
    struct token_scope scope = {NULL, NULL};
    struct error err = {0};

    if (token_exchange_open(cloud, client, &sent, request->now_s, &exchange, &err) &&
        read_scope(form, client, &scope, &err)) {
        struct grant grant = {
            .claims = {.client_id = client->id, .audience = scope.audience, .scope = scope.values},
            .issued_token_type = TOKEN_TYPE_ACCESS_TOKEN};

        token_exchange_claims(&exchange, &grant.claims);
        grant_token(cloud, request, &grant, reply);
    } else {
        refuse(request, reply, &err);
    }
    token_scope_clear(&scope);
    token_exchange_clear(&exchange);
}

static void handle_form(struct cloud *cloud, const struct request *request,
                        const struct params *form, struct reply *reply)
{
    const char *grant_type = params_get_filled(form, "grant_type");
    struct request on_issuers_clock = *request; /* which judges the times of assertions */
    const struct realm_client *client;
    struct error err = {0};

    on_issuers_clock.now_s += cloud->switches.issuer.clock_offset_s;
    client = client_auth_check(cloud, &on_issuers_clock, form, &err);
    if (client == NULL) {
        refuse(request, reply, &err);
        return;
    }
    if (grant_type == NULL)
        oauth_error_reply(reply, 400, "invalid_request", "grant_type is missing");
    else if (strcmp(grant_type, "client_credentials") == 0)
        client_credentials(cloud, request, form, client, reply);
    else if (strcmp(grant_type, GRANT_TOKEN_EXCHANGE) == 0)
        token_exchange(cloud, request, form, client, reply);
    else
        oauth_error_reply(reply, 400, "unsupported_grant_type",
                          "the grant type %.80s is not enabled for this client", grant_type);
}

void token_endpoint_handle(struct cloud *cloud, const struct request *request, struct reply *reply)
{
    struct params form = {NULL, 0};
    struct error err = {0};

    if (!slice_equal_text(request->method, "POST")) {
        reply_header(reply, "Allow", "POST");
        oauth_error_reply(reply, 405, "invalid_request", "the token endpoint wants POST");
        return;
    }
    if (!request_has_content_type(request, "application/x-www-form-urlencoded")) {
        oauth_error_reply(reply, 400, "invalid_request",
                          "Content-Type must be application/x-www-form-urlencoded");
        return;
    }
    if (!params_parse(request->body, &form, &err)) {
        oauth_error_reply(reply, 400, "invalid_request", "%s", err.message);
        return;
    }
    handle_form(cloud, request, &form, reply);
    params_clear(&form);
}
