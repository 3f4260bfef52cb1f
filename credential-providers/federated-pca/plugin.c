/* Tokens from IDaaS with an X.509 certificate and an assertion by its key (idaas.md 2.6). */
#include "plugins/kit/client_assertion.h"
#include "plugins/kit/idaas.h"
#include "plugins/kit/token_request.h"

#include <stdlib.h>
#include <string.h>

#define ASSERTION_X509 "urn:cloud:idaas:params:oauth:client-assertion-type:x509-jwt-bearer"

struct sesame_instance {
    struct token_provider provider;
    struct assertion_key key;
    char *federated_name;
    char *certificate; /* PEM, sent as configured, as is the chain */
    char *chain;
};

static const char config_schema[] = IDAAS_CONFIG_SCHEMA(
    "\"authnMethod\":{\"const\":\"PCA\"},"
    "\"applicationFederatedCredentialName\":{\"type\":\"string\",\"minLength\":1},"
    "\"clientX509Certificate\":{\"type\":\"string\",\"minLength\":1},"
    "\"x509CertChains\":{\"type\":\"string\",\"minLength\":1}," ASSERTION_KEY_PROPERTIES,
    "\"authnMethod\",\"applicationFederatedCredentialName\",\"clientX509Certificate\","
    "\"x509CertChains\",\"privateKeyEnvVarName\"");

static void fetch(struct sesame_instance *instance, uint64_t call,
                  const struct sesame_token_request *request)
{
    struct token_provider *provider = &instance->provider;
    struct token_fetch *fetch = token_fetch_start(provider, call, request);
    struct client_auth auth = {.field_count = 0};
    uint64_t assertion;

    if (fetch == NULL)
        return;
    assertion = client_assertion_make(provider, &instance->key);
    if (assertion == 0) {
        token_fetch_fail(fetch, SESAME_INTERNAL, "", "the client assertion cannot be signed");
        return;
    }
    client_auth_add(&auth, "application_federated_credential_name", instance->federated_name);
    client_auth_add(&auth, "client_assertion_type", ASSERTION_X509);
    client_auth_add_secret(&auth, "client_assertion", assertion);
    client_auth_add(&auth, "client_x509", instance->certificate);
    client_auth_add(&auth, "client_x509_chain", instance->chain);
    token_request_send(fetch, &auth);
    provider->secret->free(provider->kit.host, assertion);
}

static void cancel(struct sesame_instance *instance, uint64_t call)
{
    token_provider_cancel(&instance->provider, call);
}

static void destroy(struct sesame_instance *instance)
{
    token_provider_close(&instance->provider);
    free(instance->federated_name);
    free(instance->certificate);
    free(instance->chain);
    free(instance);
}

static bool read_config(struct sesame_instance *instance, struct sesame_text config)
{
    const struct kit *kit = &instance->provider.kit;

    instance->federated_name =
        kit_get_string(kit, config, "/authnConfiguration/applicationFederatedCredentialName");
    instance->certificate =
        kit_get_string(kit, config, "/authnConfiguration/clientX509Certificate");
    instance->chain = kit_get_string(kit, config, "/authnConfiguration/x509CertChains");
    return instance->federated_name != NULL && instance->certificate != NULL &&
           instance->chain != NULL;
}

static int32_t create(const struct sesame_host *host, struct sesame_text config,
                      struct sesame_instance **out_instance)
{
    struct sesame_instance *instance = calloc(1, sizeof *instance);
    int32_t status = SESAME_INTERNAL;

    if (instance == NULL)
        return SESAME_INTERNAL;
    if (idaas_open(&instance->provider, host, config,
                   "the client id, applicationFederatedCredentialName, that clientX509Certificate "
                   "is valid and belongs to the private key, and that x509CertChains leads from it "
                   "to the registered root") &&
        read_config(instance, config))
        status = assertion_key_from_config(&instance->provider, config, &instance->key);
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
    .id = "federated-pca",
    .version = PACKAGE_VERSION,
    .description = "Tokens from IDaaS with an X.509 certificate of a private CA",
    .config_schema = config_schema,
    .needs = token_provider_needs,
    .offers = offers,
    .get_interface = get_interface,
    .create = create,
    .stop = NULL,
    .destroy = destroy,
};
