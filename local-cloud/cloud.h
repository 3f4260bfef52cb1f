/* The stand-in's world: everything its services share. One thread, one process. */
#ifndef LOCAL_CLOUD_CLOUD_H
#define LOCAL_CLOUD_CLOUD_H

#include <stdint.h>

#include "local-cloud/realm.h"
#include "local-cloud/route.h"
#include "local-cloud/switches.h"

struct agent_identity;
struct error;
struct faults;
struct federation;
struct journal;
struct mcp_server;
struct player;
struct ram;
struct token_store;
struct reply;
struct replay_memory;
struct request;
struct issuer_keys;
struct jwks;

struct cloud {
    struct realm realm;
    struct switches switches;
    struct issuer_keys *keys;
    struct federation *federation;    /* what the identity service trusts */
    struct agent_identity *identity;  /* what the agent has; NULL until cloud_identity */
    struct jwks *pasted_jwks;         /* what the enterprise service's trigger holds (mode fc) */
    struct replay_memory *assertions; /* jti values of client assertions */
    struct replay_memory *nonces;     /* of signed OpenAPI requests */
    struct replay_memory *metadata_tokens;
    struct ram *ram;
    struct token_store *tokens; /* of the DeveloperAPI */
    struct faults *faults;
    struct journal *journal;
    struct mcp_server *mcp;
    struct player *player; /* NULL where nothing is played, as in tests of handlers */
    char *ports_json;      /* what ports.json says; NULL until the services run */
};

/* A world with fresh keys. Secrets as realm_init says. NULL on failure. */
struct cloud *cloud_new(const char *secret_prefix, struct error *err);
void cloud_free(struct cloud *cloud);

/* Switches, faults, log, MCP sessions and remembered assertions as at the start. Keys, secrets and
 * allowed redirects stay. */
void cloud_reset(struct cloud *cloud);

/* The agent's keys, certificates and platforms, registered with the identity service; made when
 * first asked for, because RSA keys take their time. Borrowed. */
struct agent_identity *cloud_identity(struct cloud *cloud);

/* Makes the reply of one service to one request, after the faults that were ordered for it. */
void cloud_handle(struct cloud *cloud, enum service_kind kind, const struct request *request,
                  struct reply *reply);

#endif
