/* The enterprise service, behind a check of AT_s in one of two ways (idaas.md section 9). */
#include "local-cloud/enterprise.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "local-cloud/cloud.h"
#include "local-cloud/issued_token.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/memory.h"
#include "local-cloud/oauth_error.h"
#include "local-cloud/reply.h"
#include "local-cloud/request.h"

#include <stdlib.h>
#include <string.h>

static void challenge(struct reply *reply, int status, const char *header, const char *error,
                      const char *message)
{
    reply_header(reply, "WWW-Authenticate", "%s", header);
    reply_json(reply, status, json_pack("{error:s,message:s}", error, message));
}

/* Checks as RFC 6750 wants a resource server to. Returns the claims, or answers and returns NULL.
 */
static struct json_object *check_strictly(const struct cloud *cloud, const struct request *request,
                                          struct reply *reply)
{
    CLEANUP(json_cleanup) struct json_object *claims = NULL;
    CLEANUP(cleanup_free) char *header = NULL;
    struct slice token;
    struct error err = {0};

    if (!request_bearer(request, &token)) {
        challenge(reply, 401, "Bearer realm=\"enterprise\"", "unauthorized",
                  "an access token is needed");
        return NULL;
    }
    if (!issued_token_open(cloud, token, request->now_s, &claims, &err)) {
        challenge(reply, 401, "Bearer realm=\"enterprise\", error=\"invalid_token\"",
                  "invalid_token", err.message);
        return NULL;
    }
    if (!issued_token_is_for(claims, cloud->realm.enterprise_audience)) {
        challenge(reply, 401, "Bearer realm=\"enterprise\", error=\"invalid_token\"",
                  "invalid_token", "the access token is for another audience");
        return NULL;
    }
    if (!issued_token_has_scope(claims, cloud->realm.enterprise_scope)) {
        header =
            must_format("Bearer realm=\"enterprise\", error=\"insufficient_scope\", scope=\"%s\"",
                        cloud->realm.enterprise_scope);
        challenge(reply, 403, header, "insufficient_scope",
                  "the access token lacks the scope of this service");
        return NULL;
    }
    return TAKE(claims);
}

/* The status and shape of the platform's refusal could not be checked (idaas.md section 12); this
 * is the shape of its other errors. */
static struct json_object *check_as_trigger(const struct cloud *cloud,
                                            const struct request *request, struct reply *reply)
{
    struct json_object *claims = NULL;
    struct error err = {0};
    char request_id[37];
    struct slice token;

    if (request_bearer(request, &token) &&
        issued_token_open_by_keys(cloud->pasted_jwks, token, request->now_s, &claims, &err))
        return claims;
    make_request_id(request_id);
    reply_header(reply, "X-Fc-Request-Id", "%s", request_id);
    reply_json(reply, 403,
               json_pack("{RequestId:s,Code:s,Message:s}", request_id, "AccessDenied",
                         err.message[0] == '\0' ? "the JWT is missing or malformed" : err.message));
    return NULL;
}

void enterprise_handle(struct cloud *cloud, const struct request *request, struct reply *reply)
{
    CLEANUP(json_cleanup) struct json_object *claims = NULL;
    CLEANUP(cleanup_free) char *text = NULL;
    const char *client_id, *sub, *scope;
    char now[25];

    reply->delay_ms += cloud->switches.enterprise.delay_ms;
    claims = cloud->switches.enterprise.mode == ENTERPRISE_FC
                 ? check_as_trigger(cloud, request, reply)
                 : check_strictly(cloud, request, reply);
    if (claims == NULL)
        return;
    if (!slice_equal_text(request->method, "POST") && !slice_equal_text(request->method, "GET")) {
        reply_method_not_allowed(reply, "GET, POST");
        return;
    }
    client_id = json_get_string(claims, "client_id", NULL);
    sub = json_get_string(claims, "sub", NULL);
    scope = json_get_string(claims, "scope", NULL);
    clock_format_rfc3339(request->now_ms, now);
    if (request_header(request, "accept").len > 0 &&
        !request_accepts(request, "application/json") && request_accepts(request, "text/plain")) {
        text = must_format(
            "Hello from the sample enterprise service (offline stand-in). You are "
            "client %s with scope %s.\n",
            client_id, scope);
        reply_text(reply, 200, "text/plain; charset=utf-8", text);
        return;
    }
    reply_json(reply, 200,
               json_pack("{service:s,stand_in:b,message:s,client_id:s,subject:s,act:o?,scope:s,"
                         "received_bytes:i,time:s}",
                         "sample enterprise service", 1,
                         "Hello from the sample enterprise service (offline stand-in).", client_id,
                         sub, json_object_get(json_get_object(claims, "act")), scope,
                         (int64_t)request->body.len, now));
}
