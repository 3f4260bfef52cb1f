/* Orders of the control port about how clients prove who they are. */
#include "local-cloud/control_identity.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "local-cloud/agent_identity.h"
#include "local-cloud/client_keys.h"
#include "local-cloud/cloud.h"
#include "local-cloud/federation.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/memory.h"
#include "local-cloud/reply.h"

#include <string.h>

enum { TOKEN_LIFETIME_S = 3600 };

void control_refuse(struct reply *reply, const char *message)
{
    reply_json(reply, 400, json_pack("{error:s}", message));
}

void control_done(struct reply *reply)
{
    reply_json(reply, 200, json_pack("{ok:b}", 1));
}

/* What "grants" lists: [{"audience":A,"values":V}]. */
static bool read_grants(struct realm_client *client, struct json_object *grants)
{
    size_t count = grants == NULL ? 0 : json_object_array_length(grants);

    for (size_t i = 0; i < count; i++) {
        struct json_object *grant = json_object_array_get_idx(grants, i);
        const char *audience = json_get_string(grant, "audience", NULL);
        const char *values = json_get_string(grant, "values", NULL);

        if (audience == NULL || values == NULL || !realm_client_grant(client, audience, values))
            return false;
    }
    return true;
}

void control_post_client(struct cloud *cloud, struct json_object *body, struct reply *reply)
{
    const char *id = json_get_string(body, "id", NULL);
    struct realm_client *client = id == NULL ? NULL : realm_client_put(&cloud->realm, id);
    const char *text;

    if (client == NULL) {
        control_refuse(reply, "member id is missing, or there are too many clients");
        return;
    }
    if ((text = json_get_string(body, "secret", NULL)) != NULL)
        replace_text(&client->secret, text);
    if ((text = json_get_string(body, "audience", NULL)) != NULL)
        replace_text(&client->audience, text);
    if ((text = json_get_string(body, "acts_for", NULL)) != NULL)
        replace_text(&client->acts_for, text);
    json_get_bool(body, "may_exchange", &client->may_exchange);
    if (read_grants(client, json_get_array(body, "grants")))
        control_done(reply);
    else
        control_refuse(reply, "a grant lacks audience or values, or there are too many");
}

void control_post_client_keys(struct cloud *cloud, struct json_object *body, struct reply *reply)
{
    const char *id = json_get_string(body, "client", NULL);
    struct realm_client *client =
        id == NULL ? &cloud->realm.agent : realm_client_edit(&cloud->realm, id);
    struct json_object *jwk = json_get_object(body, "jwk");
    const char *pem = json_get_string(body, "pem", NULL);
    struct error err = {0};
    bool forget = false, is_good = true;

    if (client == NULL) {
        control_refuse(reply, "member client names no client");
        return;
    }
    json_get_bool(body, "forget", &forget);
    if (forget)
        client_keys_forget(client->keys);
    if (pem != NULL)
        is_good = client_keys_add_pem(client->keys, pem, &err);
    else if (jwk != NULL)
        is_good = client_keys_add_jwk(
            client->keys, slice_of(json_object_to_json_string_ext(jwk, JSON_C_TO_STRING_PLAIN)),
            &err);
    else if (!forget)
        is_good = error_set(&err, ERROR_BAD_INPUT, "a member pem, jwk or forget is needed");
    if (is_good)
        reply_json(reply, 200, json_pack("{keys:i}", (int64_t)client_keys_count(client->keys)));
    else
        control_refuse(reply, err.message);
}

void control_post_federation(struct cloud *cloud, struct json_object *body, struct reply *reply)
{
    struct error err = {0};

    if (federation_put_json(cloud->federation, body, &err))
        control_done(reply);
    else
        control_refuse(reply, err.message);
}

void control_post_cluster_token(struct cloud *cloud, struct json_object *body, struct reply *reply)
{
    struct cluster_token spec = {.issuer = json_get_string(body, "issuer", NULL),
                                 .audience = json_get_string(body, "audience", NULL),
                                 .subject = json_get_string(body, "subject", NULL),
                                 .lifetime_s = TOKEN_LIFETIME_S};
    struct error err = {0};
    CLEANUP(cleanup_free) char *token = NULL;

    json_get_int64(body, "lifetime_s", &spec.lifetime_s);
    token = agent_identity_token(cloud_identity(cloud), &spec, clock_wall_s(), &err);
    if (token == NULL)
        control_refuse(reply, err.message);
    else
        reply_json(reply, 200, json_pack("{token:s}", token));
}
