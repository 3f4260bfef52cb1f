/* Tokens from IDaaS with a token of the platform's own OIDC issuer, read from a file
 * (idaas.md 2.5).
 *
 * The platform writes the file anew before the token in it expires, so it is read for each request
 * and nothing of it is kept. Reading blocks, therefore the plugin runs on a thread of its own. */
#include "plugins/kit/idaas.h"
#include "plugins/kit/jwt_expiry.h"
#include "plugins/kit/token_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASSERTION_ID_TOKEN "urn:cloud:idaas:params:oauth:client-assertion-type:id-token-bearer"
#define TOKEN_FILE "/authnConfiguration/oidcTokenFilePath"
#define HINT_MAX_BYTES 600

struct sesame_instance {
    struct token_provider provider;
    char *federated_name;
    char *path;
    char hint[HINT_MAX_BYTES];
};

static const char config_schema[] = IDAAS_CONFIG_SCHEMA(
    "\"authnMethod\":{\"const\":\"OIDC\"},"
    "\"applicationFederatedCredentialName\":{\"type\":\"string\",\"minLength\":1},"
    "\"clientDeployEnvironment\":{\"enum\":[\"KUBERNETES\",\"COMPUTER\"]},"
    "\"oidcTokenFilePath\":{\"type\":\"string\",\"minLength\":1,\"x-secret\":\"file\","
    "\"default\":\"/var/run/secrets/kubernetes.io/serviceaccount/token\"}",
    "\"authnMethod\",\"applicationFederatedCredentialName\",\"clientDeployEnvironment\"");

/* ---- the file -------------------------------------------------------------------------------- */

/* When IDaaS refuses the token, the likeliest reason stands in what it says itself. */
static void set_hint(struct sesame_instance *instance, int64_t expires_at_s)
{
    const struct kit *kit = &instance->provider.kit;
    int64_t left_s = expires_at_s - kit->clock->wall_ms(kit->host) / 1000;
    char expiry[80] = "";

    if (expires_at_s >= 0 && left_s <= 0)
        (void)snprintf(expiry, sizeof expiry, ", which expired %lld s ago by this machine's clock",
                       (long long)-left_s);
    /* Cutting long names is fine. */
    (void)snprintf(instance->hint, sizeof instance->hint,
                   "the client id, the federated credential \"%.100s\" (its issuer, audience and "
                   "subject) and the token in %.200s%s",
                   instance->federated_name, instance->path, expiry);
}

/* The token of the moment. False: `message` says why not. */
static bool read_token(struct sesame_instance *instance, uint64_t *out_token, char *message,
                       size_t size)
{
    const struct token_provider *provider = &instance->provider;
    int64_t expires_at_s;
    int32_t status =
        provider->secret->from_config(provider->kit.host, kit_text(TOKEN_FILE), out_token);

    if (status != SESAME_OK) {
        (void)snprintf(message, size,
                       "OidcTokenNotFound: the OIDC token in %.200s (oidcTokenFilePath) cannot be "
                       "used: %s",
                       instance->path, kit_file_fault(status));
        return false;
    }
    if (jwt_expiry_read(&provider->kit, provider->secret, *out_token, &expires_at_s)) {
        set_hint(instance, expires_at_s);
        return true;
    }
    provider->secret->free(provider->kit.host, *out_token);
    (void)snprintf(message, size,
                   "OidcTokenNotFound: %.200s (oidcTokenFilePath) holds no token: expected a JWT, "
                   "three parts with dots between them",
                   instance->path);
    return false;
}

/* ---- a token --------------------------------------------------------------------------------- */

static void fetch(struct sesame_instance *instance, uint64_t call,
                  const struct sesame_token_request *request)
{
    struct token_provider *provider = &instance->provider;
    struct token_fetch *fetch = token_fetch_start(provider, call, request);
    struct client_auth auth = {.field_count = 0};
    char message[500];
    uint64_t token = 0;

    if (fetch == NULL)
        return;
    /* The file may be back a moment later: a volume that is being written anew. */
    if (!read_token(instance, &token, message, sizeof message)) {
        token_fetch_fail(fetch, SESAME_UNAVAILABLE, "OidcTokenNotFound", strchr(message, ' ') + 1);
        return;
    }
    client_auth_add(&auth, "application_federated_credential_name", instance->federated_name);
    client_auth_add(&auth, "client_assertion_type", ASSERTION_ID_TOKEN);
    client_auth_add_secret(&auth, "client_assertion", token);
    token_request_send(fetch, &auth);
    provider->secret->free(provider->kit.host, token);
}

static void cancel(struct sesame_instance *instance, uint64_t call)
{
    token_provider_cancel(&instance->provider, call);
}

/* ---- the instance ---------------------------------------------------------------------------- */

static void destroy(struct sesame_instance *instance)
{
    token_provider_close(&instance->provider);
    free(instance->federated_name);
    free(instance->path);
    free(instance);
}

/* A file that is not there is found out now, not when somebody chats. */
static int32_t check_file(struct sesame_instance *instance)
{
    const struct token_provider *provider = &instance->provider;
    char message[500];
    uint64_t token = 0;

    if (!read_token(instance, &token, message, sizeof message))
        return token_provider_explain(provider, SESAME_NOT_FOUND, message);
    provider->secret->free(provider->kit.host, token);
    return SESAME_OK;
}

static int32_t create(const struct sesame_host *host, struct sesame_text config,
                      struct sesame_instance **out_instance)
{
    struct sesame_instance *instance = calloc(1, sizeof *instance);
    int32_t status = SESAME_INTERNAL;

    if (instance == NULL)
        return SESAME_INTERNAL;
    if (idaas_open(&instance->provider, host, config, instance->hint)) {
        const struct kit *kit = &instance->provider.kit;

        instance->path = kit_get_string(kit, config, TOKEN_FILE);
        instance->federated_name =
            kit_get_string(kit, config, "/authnConfiguration/applicationFederatedCredentialName");
        if (instance->path != NULL && instance->federated_name != NULL)
            status = check_file(instance);
    }
    if (status == SESAME_OK)
        *out_instance = instance;
    else
        destroy(instance);
    return status;
}

static const void *get_interface(const char *id)
{
    static const struct sesame_credential_provider_v1 provider = {fetch, cancel};

    return strcmp(id, SESAME_CREDENTIAL_PROVIDER_V1) == 0 ? &provider : NULL;
}

static const char *const offers[] = {SESAME_CREDENTIAL_PROVIDER_V1, NULL};

const struct sesame_plugin sesame_plugin_v1 = {
    .id = "federated-oidc",
    .version = PACKAGE_VERSION,
    .description = "Tokens from IDaaS with the OIDC token of a Kubernetes service account",
    .config_schema = config_schema,
    .needs = token_provider_needs,
    .offers = offers,
    .get_interface = get_interface,
    .create = create,
    .stop = NULL,
    .destroy = destroy,
};
