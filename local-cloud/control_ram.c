/* Orders of the control port about the cloud account. */
#include "local-cloud/control_ram.h"

#include "base/clock.h"
#include "base/json.h"
#include "local-cloud/cloud.h"
#include "local-cloud/control_identity.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/memory.h"
#include "local-cloud/ram.h"
#include "local-cloud/reply.h"
#include "local-cloud/sts.h"

enum { SESSION_LIFETIME_S = 3600 };

static struct ram_role *named_role(struct cloud *cloud, struct json_object *body,
                                   struct reply *reply)
{
    const char *name = json_get_string(body, "role", NULL);
    struct ram_role *role = ram_find_role(cloud->ram, name == NULL ? RAM_ROLE_AGENT : name);

    if (role == NULL)
        control_refuse(reply, "member role: expected " RAM_ROLE_AGENT ", " RAM_ROLE_NO_PERMISSION
                              " or " RAM_ROLE_CLOSED);
    return role;
}

void control_post_ram_role(struct cloud *cloud, struct json_object *body, struct reply *reply)
{
    struct ram_role *role = named_role(cloud, body, reply);
    const char *external_id = json_get_string(body, "external_id", NULL);

    if (role == NULL)
        return;
    json_get_bool(body, "may_get_token", &role->may_get_token);
    json_get_bool(body, "trusts_account", &role->trusts_account);
    json_get_bool(body, "trusts_cluster", &role->trusts_cluster);
    json_get_int64(body, "session_max_s", &role->session_max_s);
    if (external_id != NULL)
        replace_text(&role->external_id, external_id);
    control_done(reply);
}

void control_post_ram_key(struct cloud *cloud, struct json_object *body, struct reply *reply)
{
    struct ram_key *key = ram_user_key(cloud->ram);
    const char *secret = json_get_string(body, "secret", NULL);

    json_get_bool(body, "active", &key->is_active);
    if (secret != NULL)
        replace_text(&key->secret, secret);
    control_done(reply);
}

void control_post_ram_session(struct cloud *cloud, struct json_object *body, struct reply *reply)
{
    const struct ram_role *role = named_role(cloud, body, reply);
    int64_t lifetime_s = SESSION_LIFETIME_S;
    const struct ram_key *session;
    char expiration[21];

    if (role == NULL)
        return;
    json_get_int64(body, "lifetime_s", &lifetime_s);
    session = ram_session_new(cloud->ram, role, "control", lifetime_s, clock_wall_s());
    sts_format_time(session->expires_at_s, expiration);
    reply_json(reply, 200,
               json_pack("{AccessKeyId:s,AccessKeySecret:s,SecurityToken:s,Expiration:s}",
                         session->id, session->secret, session->token, expiration));
}
