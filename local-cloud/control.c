/* The control port: switches, ordered faults, rotation, counters and the request log, for tests. */
#include "local-cloud/control.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "jwt/jwks.h"
#include "local-cloud/cloud.h"
#include "local-cloud/control_identity.h"
#include "local-cloud/control_ram.h"
#include "local-cloud/faults.h"
#include "local-cloud/issued_token.h"
#include "local-cloud/issuer_keys.h"
#include "local-cloud/journal.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/mcp.h"
#include "local-cloud/memory.h"
#include "local-cloud/model_quirks.h"
#include "local-cloud/params.h"
#include "local-cloud/reply.h"
#include "local-cloud/request.h"

#include <stdlib.h>
#include <string.h>

static const char help_text[] =
    "sesame-local-cloud, the offline stand-in: control port\n\n"
    "GET  /state           ports and switches\n"
    "GET  /counts          requests by route, and how many clients hung up\n"
    "GET  /requests        the log, without values; ?route=NAME&after=NUMBER\n"
    "GET  /requests/N      one request with headers and body\n"
    "POST /requests/find   {\"text\":T}: where a text occurred, Base64 forms included\n"
    "POST /switches        {\"model\":{\"delta_delay_ms\":50}}\n"
    "POST /fail            {\"at\":ROUTE,\"times\":1,\"status\":503,\"delay_ms\":0,\"cut\":false}\n"
    "POST /keys/rotate     {\"keep_old\":true}\n"
    "POST /keys/paste      the enterprise service takes over today's JWKS (mode fc)\n"
    "POST /secret          {\"secret\":T}: the agent's client secret\n"
    "POST /clients         {\"id\":I,\"secret\":T,\"audience\":A,\"may_exchange\":true,"
    "\"acts_for\":SUBS,\"grants\":[{\"audience\":A,\"values\":V}]}: adds or changes a client\n"
    "POST /clients/keys    {\"client\":I,\"pem\":T,\"jwk\":{...},\"forget\":false}: registers a "
    "public key\n"
    "POST /federation      {\"name\":N,\"kind\":\"oidc|pkcs7|x509\",\"issuer\":I,\"audience\":A,"
    "\"subject\":S,\"jwks\":{...},\"certificate\":PEM}: what a federated credential trusts\n"
    "POST /cluster/token   {\"audience\":A,\"subject\":S,\"issuer\":I,\"lifetime_s\":N}: a fresh "
    "service-account token\n"
    "POST /ram/roles       {\"role\":R,\"may_get_token\":true,\"trusts_account\":true,"
    "\"trusts_cluster\":true,\"external_id\":T,\"session_max_s\":N}\n"
    "POST /ram/keys        {\"active\":true,\"secret\":T}: the user's access key\n"
    "POST /ram/sessions    {\"role\":R,\"lifetime_s\":N}: temporary credentials\n"
    "POST /credentials     {\"identifier\":I,\"key\":K,\"status\":S,\"type\":T}: an API key\n"
    "POST /redirects       {\"uri\":U}: one more allowed page address\n"
    "POST /tokens          {\"user\":U,\"audience\":A,\"scope\":S,\"lifetime_s\":N,"
    "\"may_act\":CLIENT}: a user's token\n"
    "POST /mcp/tools-changed   changes the tool list and tells the listeners\n"
    "POST /mcp/drop-sessions   forgets all MCP sessions\n"
    "POST /reset           everything but keys, secrets and redirects\n";

static void post_rotate(struct cloud *cloud, struct json_object *body, struct reply *reply)
{
    struct error err = {0};
    bool keep_old = true;

    json_get_bool(body, "keep_old", &keep_old);
    if (!issuer_keys_rotate(cloud->keys, keep_old, &err))
        control_refuse(reply, err.message);
    else
        control_done(reply);
}

static void post_paste(struct cloud *cloud, struct json_object *body, struct reply *reply)
{
    (void)body;
    jwks_free(cloud->pasted_jwks);
    cloud->pasted_jwks = jwks_ref(issuer_keys_set(cloud->keys));
    control_done(reply);
}

static void post_secret(struct cloud *cloud, struct json_object *body, struct reply *reply)
{
    const char *secret = json_get_string(body, "secret", NULL);

    if (secret == NULL) {
        control_refuse(reply, "member secret is missing");
        return;
    }
    replace_text(&cloud->realm.agent.secret, secret);
    control_done(reply);
}

static void post_credentials(struct cloud *cloud, struct json_object *body, struct reply *reply)
{
    const char *identifier = json_get_string(body, "identifier", NULL);
    struct realm_api_key *key =
        identifier == NULL ? NULL : realm_find_key(&cloud->realm, identifier);
    const char *text;

    if (key == NULL) {
        control_refuse(reply, "member identifier names no credential");
        return;
    }
    if ((text = json_get_string(body, "key", NULL)) != NULL)
        replace_text(&key->key, text);
    if ((text = json_get_string(body, "status", NULL)) != NULL)
        replace_text(&key->status, text);
    if ((text = json_get_string(body, "type", NULL)) != NULL)
        replace_text(&key->type, text);
    control_done(reply);
}

static void post_redirects(struct cloud *cloud, struct json_object *body, struct reply *reply)
{
    const char *uri = json_get_string(body, "uri", NULL);

    if (uri == NULL) {
        control_refuse(reply, "member uri is missing");
        return;
    }
    realm_allow_redirect(&cloud->realm, uri);
    control_done(reply);
}

static void post_tokens(struct cloud *cloud, struct json_object *body, struct reply *reply)
{
    const char *username = json_get_string(body, "user", NULL);
    const char *audience = json_get_string(body, "audience", NULL);
    const char *scope = json_get_string(body, "scope", NULL);
    const struct realm_user *user = realm_find_user(username == NULL ? "alice" : username);
    struct token_claims claims = {.client_id = cloud->realm.page.id};
    CLEANUP(cleanup_free) char *token = NULL;
    struct error err = {0};

    claims.sub = user == NULL ? username : user->sub;
    claims.name = user == NULL ? username : user->name;
    claims.preferred_username = user == NULL ? username : user->username;
    claims.audience = audience == NULL ? cloud->realm.agent.audience : audience;
    claims.scope = scope == NULL ? cloud->realm.agent_scope : scope;
    claims.may_act = json_get_string(body, "may_act", NULL);
    json_get_int64(body, "lifetime_s", &claims.lifetime_s);
    token = issued_token_make(cloud, &claims, clock_wall_s(), NULL, &err);
    if (token == NULL)
        control_refuse(reply, err.message);
    else
        reply_json(reply, 200, json_pack("{access_token:s}", token));
}

static void post_switches(struct cloud *cloud, struct json_object *body, struct reply *reply)
{
    struct switches changed = cloud->switches;
    struct model_quirks quirks = {{false}};
    struct error err = {0};

    if (switches_set(&changed, body, &err) &&
        model_quirks_add(&quirks, changed.model.quirks, &err)) {
        cloud->switches = changed;
        reply_json(reply, 200, switches_get(&cloud->switches));
    } else {
        control_refuse(reply, err.message);
    }
}

static void post_fail(struct cloud *cloud, struct json_object *body, struct reply *reply)
{
    struct error err = {0};

    if (faults_add(cloud->faults, body, &err))
        control_done(reply);
    else
        control_refuse(reply, err.message);
}

static void post_find(struct cloud *cloud, struct json_object *body, struct reply *reply)
{
    size_t len = 0;
    const char *text = json_get_string(body, "text", &len);

    if (text == NULL || len < 4)
        control_refuse(reply, "member text is missing or shorter than 4 bytes");
    else
        reply_json(reply, 200, journal_find(cloud->journal, (struct slice){text, len}));
}

static void post_tools_changed(struct cloud *cloud, struct json_object *body, struct reply *reply)
{
    (void)body;
    reply_json(reply, 200, json_pack("{listeners:i}", (int64_t)mcp_change_tools(cloud)));
}

static void post_drop_sessions(struct cloud *cloud, struct json_object *body, struct reply *reply)
{
    (void)body;
    mcp_drop_sessions(cloud);
    control_done(reply);
}

static void post_reset(struct cloud *cloud, struct json_object *body, struct reply *reply)
{
    (void)body;
    cloud_reset(cloud);
    control_done(reply);
}

static const struct {
    const char *path;
    void (*handle)(struct cloud *cloud, struct json_object *body, struct reply *reply);
} posts[] = {
    {"/switches", post_switches},
    {"/fail", post_fail},
    {"/requests/find", post_find},
    {"/keys/rotate", post_rotate},
    {"/keys/paste", post_paste},
    {"/secret", post_secret},
    {"/clients", control_post_client},
    {"/clients/keys", control_post_client_keys},
    {"/federation", control_post_federation},
    {"/cluster/token", control_post_cluster_token},
    {"/ram/roles", control_post_ram_role},
    {"/ram/keys", control_post_ram_key},
    {"/ram/sessions", control_post_ram_session},
    {"/credentials", post_credentials},
    {"/redirects", post_redirects},
    {"/tokens", post_tokens},
    {"/mcp/tools-changed", post_tools_changed},
    {"/mcp/drop-sessions", post_drop_sessions},
    {"/reset", post_reset},
};

static void handle_post(struct cloud *cloud, const struct request *request, struct reply *reply)
{
    CLEANUP(json_cleanup) struct json_object *body = NULL;
    struct error err = {0};

    body = request->body.len == 0
               ? json_object_new_object()
               : json_parse(request->body.data, request->body.len, JSON_DEPTH_DEFAULT, &err);
    if (body == NULL || !json_object_is_type(body, json_type_object)) {
        control_refuse(reply, body == NULL ? err.message : "the body is no JSON object");
        return;
    }
    for (size_t i = 0; i < sizeof posts / sizeof posts[0]; i++)
        if (slice_equal_text(request->path, posts[i].path)) {
            posts[i].handle(cloud, body, reply);
            return;
        }
    reply_text(reply, 404, "text/plain; charset=utf-8", help_text);
}

static void get_requests(struct cloud *cloud, const struct request *request, struct reply *reply)
{
    struct params query = {NULL, 0};
    struct error err = {0};
    const char *after;
    int64_t number = 0;

    if (!params_parse(request->query, &query, &err)) {
        control_refuse(reply, err.message);
        return;
    }
    after = params_get_filled(&query, "after");
    if (after != NULL && !parse_int64(after, strlen(after), &number))
        control_refuse(reply, "after is no number");
    else
        reply_json(reply, 200,
                   journal_list(cloud->journal, params_get_filled(&query, "route"), number));
    params_clear(&query);
}

static void get_one_request(struct cloud *cloud, struct slice digits, struct reply *reply)
{
    struct json_object *shown = NULL;
    int64_t number;

    if (parse_int64(digits.data, digits.len, &number))
        shown = journal_show(cloud->journal, number);
    if (shown == NULL)
        reply_json(reply, 404, json_pack("{error:s}", "there is no such request"));
    else
        reply_json(reply, 200, shown);
}

static void handle_get(struct cloud *cloud, const struct request *request, struct reply *reply)
{
    struct slice path = request->path;

    if (slice_equal_text(path, "/"))
        reply_text(reply, 200, "text/plain; charset=utf-8", help_text);
    else if (slice_equal_text(path, "/counts"))
        reply_json(reply, 200, journal_counts(cloud->journal));
    else if (slice_equal_text(path, "/state"))
        reply_json(reply, 200,
                   json_pack("{stand_in:b,ports:o,switches:o}", 1,
                             json_tokener_parse(cloud->ports_json),
                             switches_get(&cloud->switches)));
    else if (slice_equal_text(path, "/requests"))
        get_requests(cloud, request, reply);
    else if (slice_starts_with(path, "/requests/"))
        get_one_request(cloud, (struct slice){path.data + 10, path.len - 10}, reply);
    else
        reply_text(reply, 404, "text/plain; charset=utf-8", help_text);
}

static bool is_local(const struct request *request)
{
    struct slice host = request_header(request, "host");

    if (request_header(request, "origin").len > 0)
        return false;
    return slice_starts_with(host, "127.0.0.1:") || slice_starts_with(host, "localhost:");
}

void control_handle(struct cloud *cloud, const struct request *request, struct reply *reply)
{
    if (!is_local(request))
        reply_json(reply, 403, json_pack("{error:s}", "the control port is not for web pages"));
    else if (slice_equal_text(request->method, "GET"))
        handle_get(cloud, request, reply);
    else if (slice_equal_text(request->method, "POST"))
        handle_post(cloud, request, reply);
    else
        reply_method_not_allowed(reply, "GET, POST");
}
