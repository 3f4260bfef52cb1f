/* The stand-in's world: everything its services share. */
#include "local-cloud/cloud.h"

#include "base/error.h"
#include "jwt/jwks.h"
#include "local-cloud/agent_identity.h"
#include "local-cloud/enterprise.h"
#include "local-cloud/faults.h"
#include "local-cloud/federation.h"
#include "local-cloud/issuer.h"
#include "local-cloud/issuer_keys.h"
#include "local-cloud/journal.h"
#include "local-cloud/mcp.h"
#include "local-cloud/memory.h"
#include "local-cloud/metadata.h"
#include "local-cloud/model.h"
#include "local-cloud/openapi.h"
#include "local-cloud/pop.h"
#include "local-cloud/ram.h"
#include "local-cloud/replay_memory.h"
#include "local-cloud/reply.h"
#include "local-cloud/request.h"
#include "local-cloud/sts.h"
#include "local-cloud/token_store.h"
#include "local-cloud/vault.h"

#include <stdlib.h>

struct cloud *cloud_new(const char *secret_prefix, struct error *err)
{
    struct issuer_keys *keys = issuer_keys_new(err);
    struct cloud *cloud;

    if (keys == NULL)
        return NULL;
    cloud = must_allocate(sizeof *cloud);
    cloud->keys = keys;
    cloud->pasted_jwks = jwks_ref(issuer_keys_set(keys));
    realm_init(&cloud->realm, secret_prefix);
    switches_init(&cloud->switches);
    cloud->federation = federation_new();
    cloud->assertions = replay_memory_new();
    cloud->nonces = replay_memory_new();
    cloud->metadata_tokens = replay_memory_new();
    cloud->ram = ram_new(secret_prefix);
    cloud->tokens = token_store_new();
    cloud->faults = faults_new();
    cloud->journal = journal_new();
    cloud->mcp = mcp_server_new();
    return cloud;
}

void cloud_free(struct cloud *cloud)
{
    if (cloud == NULL)
        return;
    mcp_server_free(cloud->mcp);
    journal_free(cloud->journal);
    faults_free(cloud->faults);
    replay_memory_free(cloud->assertions);
    replay_memory_free(cloud->nonces);
    replay_memory_free(cloud->metadata_tokens);
    ram_free(cloud->ram);
    token_store_free(cloud->tokens);
    realm_clear(&cloud->realm);
    jwks_free(cloud->pasted_jwks);
    federation_free(cloud->federation);
    agent_identity_free(cloud->identity);
    issuer_keys_free(cloud->keys);
    free(cloud->ports_json);
    free(cloud);
}

struct agent_identity *cloud_identity(struct cloud *cloud)
{
    struct error err = {0};

    if (cloud->identity == NULL) {
        cloud->identity = must_have(agent_identity_new(&err));
        agent_identity_register(cloud->identity, &cloud->realm.agent, cloud->federation);
    }
    return cloud->identity;
}

void cloud_reset(struct cloud *cloud)
{
    switches_init(&cloud->switches);
    faults_reset(cloud->faults);
    journal_reset(cloud->journal);
    replay_memory_reset(cloud->assertions);
    replay_memory_reset(cloud->nonces);
    token_store_reset(cloud->tokens);
    mcp_server_reset(cloud->mcp);
}

void cloud_handle(struct cloud *cloud, enum service_kind kind, const struct request *request,
                  struct reply *reply)
{
    if (faults_apply(cloud->faults, route_name(kind, request->path), reply))
        return;
    switch (kind) {
    case SERVICE_ISSUER:
        issuer_handle(cloud, request, reply);
        return;
    case SERVICE_DEVELOPER_API:
        vault_handle(cloud, request, reply);
        return;
    case SERVICE_MODEL:
        model_handle(cloud, request, reply);
        return;
    case SERVICE_MCP:
        mcp_handle(cloud, request, reply);
        return;
    case SERVICE_ENTERPRISE:
        enterprise_handle(cloud, request, reply);
        return;
    case SERVICE_OPENAPI:
        if (pop_may_be_plain(cloud->switches.openapi.needs_ssl, request, reply))
            openapi_handle(cloud, request, reply);
        return;
    case SERVICE_STS:
        if (pop_may_be_plain(cloud->switches.openapi.needs_ssl, request, reply))
            sts_handle(cloud, request, reply);
        return;
    case SERVICE_METADATA:
        metadata_handle(cloud, request, reply);
        return;
    case SERVICE_CONTROL:
    default:
        reply_text(reply, 404, "text/plain; charset=utf-8", "not here\n");
    }
}
