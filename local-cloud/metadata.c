/* The metadata service of the machine: role credentials (alibaba-cloud.md section 3.7) and attested
 * documents (idaas.md section 2.4); and beside it a credentials URI (section 3.8). */
#include "local-cloud/metadata.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "local-cloud/agent_identity.h"
#include "local-cloud/cloud.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/memory.h"
#include "local-cloud/params.h"
#include "local-cloud/ram.h"
#include "local-cloud/replay_memory.h"
#include "local-cloud/reply.h"
#include "local-cloud/request.h"
#include "local-cloud/sts.h"

#include <stdlib.h>
#include <string.h>

enum { TOKEN_TTL_MAX_S = 21600, TOKEN_HEX_DIGITS = 40 };

static void plain(struct reply *reply, int status, const char *text)
{
    reply_text(reply, status, "text/plain", text);
}

/* A token says until when it is good and carries a MAC-like random part that is remembered. */
static void put_token(struct cloud *cloud, const struct request *request, struct reply *reply)
{
    struct slice ttl = request_header(request, "x-aliyun-ecs-metadata-token-ttl-seconds");
    CLEANUP(cleanup_free) char *token = NULL;
    char digits[TOKEN_HEX_DIGITS + 1];
    int64_t lifetime_s;

    if (!cloud->switches.metadata.token) {
        plain(reply, 404, "Not Found\n");
        return;
    }
    if (!parse_int64(ttl.data, ttl.len, &lifetime_s) || lifetime_s < 1 ||
        lifetime_s > TOKEN_TTL_MAX_S) {
        plain(reply, 400, "Bad Request\n");
        return;
    }
    random_hex(digits, TOKEN_HEX_DIGITS);
    token = must_format("%s-%lld==", digits, (long long)(request->now_s + lifetime_s));
    replay_memory_use(cloud->metadata_tokens, token, request->now_s + lifetime_s, request->now_s);
    plain(reply, 200, token);
}

/* A request may read when it brings a token that was handed out and is still good, or none at all
 * while version 1 is allowed. */
static bool may_read(const struct cloud *cloud, const struct request *request)
{
    CLEANUP(cleanup_free)
    char *token = slice_dup(request_header(request, "x-aliyun-ecs-metadata-token"));

    if (token == NULL || token[0] == '\0')
        return cloud->switches.metadata.v1;
    return replay_memory_knows(cloud->metadata_tokens, token, request->now_s);
}

static const struct ram_role *machine_role(const struct cloud *cloud)
{
    const char *name = cloud->switches.metadata.role;
    const struct ram_role *role =
        ram_find_role(cloud->ram, name[0] == '\0' ? RAM_ROLE_AGENT : name);

    return role != NULL && role->may_be_on_machine ? role : NULL;
}

/* The metadata service also says when it has made the credentials, a credentials URI does not. */
static void answer_credentials(struct cloud *cloud, const struct request *request,
                               const struct ram_role *role, bool says_when, struct reply *reply)
{
    const struct ram_key *session = ram_session_new(
        cloud->ram, role, MACHINE_ID, cloud->switches.metadata.session_s, request->now_s);
    char expiration[21], updated[21];

    sts_format_time(session->expires_at_s, expiration);
    sts_format_time(request->now_s, updated);
    reply_json(reply, 200,
               json_pack("{AccessKeyId:s,AccessKeySecret:s,Expiration:s,SecurityToken:s,"
                         "LastUpdated:s?,Code:s}",
                         session->id, session->secret, expiration, session->token,
                         says_when ? updated : NULL, "Success"));
}

static void get_role(struct cloud *cloud, const struct request *request, struct reply *reply)
{
    const size_t prefix_len = strlen(PATH_METADATA_ROLES);
    const struct ram_role *role = machine_role(cloud);
    struct slice name = {request->path.data + prefix_len, request->path.len - prefix_len};
    CLEANUP(cleanup_free) char *line = NULL;

    if (role == NULL || (name.len > 0 && !slice_equal_text(name, role->name))) {
        plain(reply, 404, "Not Found\n");
    } else if (name.len == 0) {
        line = must_format("%s\n", role->name);
        plain(reply, 200, line);
    } else {
        answer_credentials(cloud, request, role, true, reply);
    }
}

static void get_document(struct cloud *cloud, const struct request *request, struct reply *reply)
{
    struct params query = {NULL, 0};
    CLEANUP(cleanup_free) char *document = NULL;
    struct error err = {0};

    if (!params_parse(request->query, &query, &err)) {
        plain(reply, 400, "Bad Request\n");
        return;
    }
    document = agent_identity_document(cloud_identity(cloud), params_get(&query, "audience"));
    plain(reply, 200, document);
    params_clear(&query);
}

static void get_metadata(struct cloud *cloud, const struct request *request, struct reply *reply)
{
    if (!may_read(cloud, request))
        plain(reply, 403, "Forbidden\n");
    else if (slice_starts_with(request->path, PATH_METADATA_ROLES))
        get_role(cloud, request, reply);
    else if (slice_equal_text(request->path, PATH_METADATA_PKCS7))
        get_document(cloud, request, reply);
    else if (slice_equal_text(request->path, "/latest/meta-data/instance-id"))
        plain(reply, 200, MACHINE_ID);
    else if (slice_equal_text(request->path, "/latest/meta-data/region-id"))
        plain(reply, 200, MACHINE_REGION);
    else
        plain(reply, 404, "Not Found\n");
}

void metadata_handle(struct cloud *cloud, const struct request *request, struct reply *reply)
{
    const struct ram_role *role = machine_role(cloud);

    if (request_is(request, "PUT", PATH_METADATA_TOKEN))
        put_token(cloud, request, reply);
    else if (!slice_equal_text(request->method, "GET"))
        reply_method_not_allowed(reply, "GET");
    else if (!slice_equal_text(request->path, PATH_CREDENTIALS_URI))
        get_metadata(cloud, request, reply);
    else if (role == NULL)
        plain(reply, 404, "Not Found\n");
    else
        answer_credentials(cloud, request, role, false, reply);
}
