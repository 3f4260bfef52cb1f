/* Token exchange (RFC 8693): whether a client may trade a token, and who acts for whom in the new
 * one. idaas.md section 3. */
#include "local-cloud/token_exchange.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "local-cloud/cloud.h"
#include "local-cloud/issued_token.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/token_scope.h"

#include <string.h>

static bool check_type(const char *name, const char *type, bool is_required, struct error *err)
{
    if (type == NULL && !is_required)
        return true;
    if (type == NULL || strcmp(type, TOKEN_TYPE_ACCESS_TOKEN) != 0)
        return error_set_named(err, ERROR_BAD_INPUT, "invalid_request", "%s must be %s", name,
                               TOKEN_TYPE_ACCESS_TOKEN);
    return true;
}

/* Opens a token of this issuer; `name` is the parameter's. The caller owns the claims. */
static bool open_token(const struct cloud *cloud, const char *name, const char *token,
                       int64_t now_s, struct json_object **out_claims, struct error *err)
{
    CLEANUP(json_cleanup) struct json_object *claims = NULL;
    struct error fault = {0};

    if (!issued_token_open(cloud, slice_of(token), now_s, &claims, &fault))
        return error_set_named(err, ERROR_DENIED, "invalid_grant", "%s: %s", name, fault.message);
    if (json_get_string(claims, "sub", NULL) == NULL)
        return error_set_named(err, ERROR_DENIED, "invalid_grant", "%s has no sub", name);
    *out_claims = TAKE(claims);
    return true;
}

static bool check_request(const struct realm_client *client, const struct exchange_request *request,
                          struct error *err)
{
    if (!client->may_exchange)
        return error_set_named(err, ERROR_DENIED, "unauthorized_client",
                               "token exchange is not enabled for the client");
    if (request->subject_token == NULL)
        return error_set_named(err, ERROR_BAD_INPUT, "invalid_request", "subject_token is missing");
    /* Section 2.1: an actor_token_type must come with an actor token, and only with one. */
    if ((request->actor_token == NULL) != (request->actor_token_type == NULL))
        return error_set_named(err, ERROR_BAD_INPUT, "invalid_request",
                               "actor_token and actor_token_type belong together");
    return check_type("subject_token_type", request->subject_token_type, true, err) &&
           check_type("actor_token_type", request->actor_token_type, false, err) &&
           check_type("requested_token_type", request->requested_token_type, false, err);
}

/* "may_act" names who may act for the subject: by client_id, else by sub. */
static bool may_act_is(struct json_object *subject, const struct realm_client *client)
{
    struct json_object *may_act = json_get_object(subject, "may_act");
    const char *name;

    if (may_act == NULL)
        return true;
    name = json_get_string(may_act, "client_id", NULL);
    if (name == NULL)
        name = json_get_string(may_act, "sub", NULL);
    return name != NULL && strcmp(name, client->id) == 0;
}

static bool check_subject(const struct realm_client *client, struct json_object *subject,
                          struct error *err)
{
    if (client->audience == NULL || !issued_token_is_for(subject, client->audience))
        return error_set_named(err, ERROR_DENIED, "invalid_grant",
                               "subject_token was not issued for this client");
    if (client->acts_for != NULL &&
        !token_scope_has(client->acts_for, json_get_string(subject, "sub", NULL)))
        return error_set_named(err, ERROR_DENIED, "unauthorized_client",
                               "the client may not act for this user");
    if (!may_act_is(subject, client))
        return error_set_named(err, ERROR_DENIED, "unauthorized_client",
                               "the subject token names another party that may act");
    return true;
}

/* Who acts: the subject of the actor token, else the client itself. */
static bool find_actor(const struct cloud *cloud, const struct realm_client *client,
                       const struct exchange_request *request, int64_t now_s,
                       struct json_object **out_actor, struct error *err)
{
    CLEANUP(json_cleanup) struct json_object *claims = NULL;
    const char *issued_to;

    if (request->actor_token == NULL) {
        *out_actor = json_pack("{sub:s}", client->id);
        return true;
    }
    if (!open_token(cloud, "actor_token", request->actor_token, now_s, &claims, err))
        return false;
    issued_to = json_get_string(claims, "client_id", NULL);
    if (issued_to == NULL || strcmp(issued_to, client->id) != 0)
        return error_set_named(err, ERROR_DENIED, "invalid_grant",
                               "actor_token was not issued to this client");
    *out_actor = json_pack("{sub:s}", json_get_string(claims, "sub", NULL));
    return true;
}

/* Puts the actors of the subject token behind the new one; false when there are too many. */
static bool add_earlier_actors(struct json_object *act, struct json_object *subject, int64_t max)
{
    struct json_object *earlier = json_get_object(subject, "act");
    int64_t count = 1;

    if (earlier != NULL)
        json_object_object_add(act, "act", json_object_get(earlier));
    for (; earlier != NULL; earlier = json_get_object(earlier, "act"))
        count++;
    return count <= max;
}

bool token_exchange_open(const struct cloud *cloud, const struct realm_client *client,
                         const struct exchange_request *request, int64_t now_s,
                         struct exchange *out_exchange, struct error *err)
{
    CLEANUP(json_cleanup) struct json_object *subject = NULL;
    CLEANUP(json_cleanup) struct json_object *act = NULL;

    if (!check_request(client, request, err) ||
        !open_token(cloud, "subject_token", request->subject_token, now_s, &subject, err) ||
        !check_subject(client, subject, err) ||
        !find_actor(cloud, client, request, now_s, &act, err))
        return false;
    if (!add_earlier_actors(act, subject, cloud->switches.issuer.actors_max))
        return error_set_named(err, ERROR_DENIED, "invalid_grant",
                               "the chain of actors would be longer than %lld",
                               (long long)cloud->switches.issuer.actors_max);
    out_exchange->subject = TAKE(subject);
    out_exchange->act = cloud->switches.issuer.act ? TAKE(act) : NULL;
    return true;
}

void token_exchange_clear(struct exchange *exchange)
{
    json_object_put(exchange->subject);
    json_object_put(exchange->act);
    exchange->subject = NULL;
    exchange->act = NULL;
}

void token_exchange_claims(const struct exchange *exchange, struct token_claims *claims)
{
    claims->sub = json_get_string(exchange->subject, "sub", NULL);
    claims->name = json_get_string(exchange->subject, "name", NULL);
    claims->preferred_username = json_get_string(exchange->subject, "preferred_username", NULL);
    claims->act = exchange->act;
}
