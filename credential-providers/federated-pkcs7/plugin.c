/* Tokens from IDaaS with the identity document of an Alibaba Cloud machine (idaas.md 2.4). */
#include "federated_pkcs7.h"

#include "plugins/kit/idaas.h"
#include "plugins/kit/token_request.h"

#include <stdlib.h>
#include <string.h>

#define ASSERTION_PKCS7 "urn:cloud:idaas:params:oauth:client-assertion-type:pkcs7-bearer"

static const char config_schema[] = IDAAS_CONFIG_SCHEMA_WITH(
    "\"metadataEndpoint\":{\"type\":\"string\",\"minLength\":1,\"x-origin\":true,"
    "\"x-env\":\"SESAME_ECS_METADATA_ENDPOINT\",\"default\":\"http://100.100.100.200\"},",
    "\"authnMethod\":{\"const\":\"PKCS7\"},"
    "\"applicationFederatedCredentialName\":{\"type\":\"string\",\"minLength\":1},"
    "\"clientDeployEnvironment\":{\"const\":\"ALIBABA_CLOUD_ECS\"}",
    "\"authnMethod\",\"applicationFederatedCredentialName\",\"clientDeployEnvironment\"");

void federated_request_send(struct sesame_instance *instance, struct token_fetch *fetch)
{
    struct client_auth auth = {.field_count = 0};

    client_auth_add(&auth, "application_federated_credential_name", instance->federated_name);
    client_auth_add(&auth, "client_assertion_type", ASSERTION_PKCS7);
    client_auth_add_secret(&auth, "client_assertion", instance->document);
    token_request_send(fetch, &auth);
}

static void fetch(struct sesame_instance *instance, uint64_t call,
                  const struct sesame_token_request *request)
{
    struct token_fetch *fetch = token_fetch_start(&instance->provider, call, request);

    if (fetch == NULL)
        return;
    if (attested_document_is_young(instance))
        federated_request_send(instance, fetch);
    else
        attested_document_renew(instance, fetch);
}

static void cancel(struct sesame_instance *instance, uint64_t call)
{
    token_provider_cancel(&instance->provider, call);
}

/* ---- the instance ---------------------------------------------------------------------------- */

static void destroy(struct sesame_instance *instance)
{
    token_provider_close(&instance->provider);
    free(instance->instance_id);
    free(instance->federated_name);
    free(instance->metadata_endpoint);
    free(instance);
}

static bool read_config(struct sesame_instance *instance, struct sesame_text config)
{
    const struct kit *kit = &instance->provider.kit;

    instance->instance_id = kit_get_string(kit, config, "/idaasInstanceId");
    instance->federated_name =
        kit_get_string(kit, config, "/authnConfiguration/applicationFederatedCredentialName");
    instance->metadata_endpoint = kit_get_string(kit, config, "/metadataEndpoint");
    return instance->instance_id != NULL && instance->federated_name != NULL &&
           instance->metadata_endpoint != NULL;
}

static int32_t create(const struct sesame_host *host, struct sesame_text config,
                      struct sesame_instance **out_instance)
{
    struct sesame_instance *instance = calloc(1, sizeof *instance);
    int32_t status = SESAME_INTERNAL;

    if (instance == NULL)
        return SESAME_INTERNAL;
    if (idaas_open(&instance->provider, host, config,
                   "the client id, applicationFederatedCredentialName, and that this credential "
                   "trusts this machine's account and instance")) {
        if (read_config(instance, config)) {
            *out_instance = instance;
            return SESAME_OK;
        }
        if (instance->instance_id == NULL)
            status = token_provider_explain(&instance->provider, SESAME_BAD_INPUT,
                                            "idaasInstanceId is missing: the identity document is "
                                            "made out to this instance of IDaaS");
    }
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
    .id = "federated-pkcs7",
    .version = PACKAGE_VERSION,
    .description = "Tokens from IDaaS with the identity document of an Alibaba Cloud machine",
    .config_schema = config_schema,
    .needs = token_provider_needs,
    .offers = offers,
    .get_interface = get_interface,
    .create = create,
    .stop = NULL,
    .destroy = destroy,
};
