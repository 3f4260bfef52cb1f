/* Tokens from IDaaS with a client secret (idaas.md 2 and 3): Basic, form field or assertion. */
#include "plugins/kit/client_assertion.h"
#include "plugins/kit/idaas.h"
#include "plugins/kit/token_request.h"

#include <stdlib.h>
#include <string.h>

enum method { METHOD_BASIC, METHOD_POST, METHOD_JWT };

struct sesame_instance {
    struct token_provider provider;
    enum method method;
    uint64_t client_secret;   /* handle */
    struct assertion_key key; /* METHOD_JWT */
};

static const char config_schema[] = IDAAS_CONFIG_SCHEMA(
    "\"authnMethod\":{\"enum\":[\"CLIENT_SECRET_BASIC\",\"CLIENT_SECRET_POST\","
    "\"CLIENT_SECRET_JWT\"]},"
    "\"clientSecretEnvVarName\":{\"type\":\"string\",\"minLength\":1,"
    "\"x-secret\":\"env\"}",
    "\"authnMethod\",\"clientSecretEnvVarName\"");

/* ---- a token --------------------------------------------------------------------------------- */

static void fetch(struct sesame_instance *instance, uint64_t call,
                  const struct sesame_token_request *request)
{
    struct token_provider *provider = &instance->provider;
    struct token_fetch *fetch = token_fetch_start(provider, call, request);
    struct client_auth auth = {.field_count = 0};
    uint64_t assertion = 0;

    if (fetch == NULL)
        return;
    if (instance->method == METHOD_JWT) {
        assertion = client_assertion_make(provider, &instance->key);
        client_auth_add(&auth, "client_assertion_type", ASSERTION_JWT_BEARER);
        client_auth_add_secret(&auth, "client_assertion", assertion);
    } else if (instance->method == METHOD_POST) {
        client_auth_add_secret(&auth, "client_secret", instance->client_secret);
    } else {
        client_auth_set_basic(&auth, provider->client_id, instance->client_secret);
    }
    if (instance->method == METHOD_JWT && assertion == 0)
        token_fetch_fail(fetch, SESAME_INTERNAL, "", "the client assertion cannot be signed");
    else
        token_request_send(fetch, &auth);
    provider->secret->free(provider->kit.host, assertion);
}

static void cancel(struct sesame_instance *instance, uint64_t call)
{
    token_provider_cancel(&instance->provider, call);
}

/* ---- the instance ---------------------------------------------------------------------------- */

static void destroy(struct sesame_instance *instance)
{
    token_provider_close(&instance->provider);
    free(instance);
}

static bool read_method(struct sesame_instance *instance, struct sesame_text config)
{
    char *method =
        kit_get_string(&instance->provider.kit, config, "/authnConfiguration/authnMethod");

    if (method == NULL)
        return false;
    instance->method = strcmp(method, "CLIENT_SECRET_POST") == 0  ? METHOD_POST
                       : strcmp(method, "CLIENT_SECRET_JWT") == 0 ? METHOD_JWT
                                                                  : METHOD_BASIC;
    free(method);
    return true;
}

static int32_t open_secret(struct sesame_instance *instance)
{
    struct token_provider *provider = &instance->provider;
    int32_t status = provider->secret->from_config(
        provider->kit.host, kit_text("/authnConfiguration/clientSecretEnvVarName"),
        &instance->client_secret);

    if (status != SESAME_OK)
        return token_provider_explain(
            provider, status,
            "ClientSecretNotFound: the environment variable that "
            "authnConfiguration.clientSecretEnvVarName names (the client secret of the agent) is "
            "not set or empty");
    return instance->method == METHOD_JWT
               ? assertion_key_from_secret(provider, instance->client_secret, &instance->key)
               : SESAME_OK;
}

static int32_t create(const struct sesame_host *host, struct sesame_text config,
                      struct sesame_instance **out_instance)
{
    struct sesame_instance *instance = calloc(1, sizeof *instance);
    int32_t status = SESAME_INTERNAL;

    if (instance == NULL)
        return SESAME_INTERNAL;
    if (idaas_open(&instance->provider, host, config,
                   "the client id and the client secret of the agent node") &&
        read_method(instance, config))
        status = open_secret(instance);
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
    .id = "client-secret",
    .version = PACKAGE_VERSION,
    .description = "Tokens from IDaaS with a client secret",
    .config_schema = config_schema,
    .needs = token_provider_needs,
    .offers = offers,
    .get_interface = get_interface,
    .create = create,
    .stop = NULL,
    .destroy = destroy,
};
