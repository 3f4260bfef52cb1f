/* Tokens from IDaaS with an Alibaba Cloud access key: the descriptor and the instance. */
#include "alibaba.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_FROM(variable) "{\"type\":\"string\",\"x-env\":\"" variable "\"}"
#define BOOLEAN_FROM(variable) "{\"type\":\"boolean\",\"x-env\":\"" variable "\"}"
#define SECRET_FROM(variable) \
    "{\"type\":\"string\",\"minLength\":1,\"default\":\"" variable "\",\"x-secret\":\"env\"}"

/* The variables are those of the vendor's default chain. */
static const char config_schema[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"idaasInstanceId\":{\"type\":\"string\",\"minLength\":1},"
    "\"clientId\":{\"type\":\"string\",\"minLength\":1},"
    "\"openApiEndpoint\":{\"type\":\"string\",\"minLength\":1,\"x-origin\":true},"
    "\"httpConfiguration\":{\"type\":\"object\",\"default\":{},\"properties\":{"
    "\"connectTimeout\":{\"type\":\"integer\",\"default\":5000},"
    "\"readTimeout\":{\"type\":\"integer\",\"default\":10000}}},"
    "\"accessKeyIdEnvVarName\":" SECRET_FROM("ALIBABA_CLOUD_ACCESS_KEY_ID") ","
    "\"accessKeySecretEnvVarName\":" SECRET_FROM("ALIBABA_CLOUD_ACCESS_KEY_SECRET") ","
    "\"securityTokenEnvVarName\":" SECRET_FROM("ALIBABA_CLOUD_SECURITY_TOKEN") ","
    "\"roleArn\":" TEXT_FROM("ALIBABA_CLOUD_ROLE_ARN") ","
    "\"oidcProviderArn\":" TEXT_FROM("ALIBABA_CLOUD_OIDC_PROVIDER_ARN") ","
    "\"oidcTokenFile\":" TEXT_FROM("ALIBABA_CLOUD_OIDC_TOKEN_FILE") ","
    "\"roleSessionName\":" TEXT_FROM("ALIBABA_CLOUD_ROLE_SESSION_NAME") ","
    "\"oidcPolicy\":{\"type\":\"string\"},"
    "\"oidcDurationSeconds\":{\"type\":\"integer\",\"minimum\":900,\"maximum\":43200},"
    "\"stsRegion\":" TEXT_FROM("ALIBABA_CLOUD_STS_REGION") ","
    "\"vpcEndpointEnabled\":" BOOLEAN_FROM("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED") ","
    "\"stsEndpoint\":{\"type\":\"string\",\"x-env\":\"SESAME_STS_ENDPOINT\",\"x-origin\":true},"
    "\"profile\":" TEXT_FROM("ALIBABA_CLOUD_PROFILE") ","
    "\"cliProfileDisabled\":" BOOLEAN_FROM("ALIBABA_CLOUD_CLI_PROFILE_DISABLED") ","
    "\"cliProfileFile\":{\"type\":\"string\",\"default\":\"~/.aliyun/config.json\","
    "\"x-secret\":\"file\"},"
    "\"credentialsFile\":{\"type\":\"string\",\"minLength\":1,"
    "\"x-env\":\"ALIBABA_CLOUD_CREDENTIALS_FILE\",\"x-secret\":\"file\"},"
    "\"iniProfileFile\":{\"type\":\"string\",\"default\":\"~/.alibabacloud/credentials.ini\","
    "\"x-secret\":\"file\"},"
    "\"iniProfileFileOtherName\":{\"type\":\"string\",\"default\":\"~/.alibabacloud/credentials\","
    "\"x-secret\":\"file\"},"
    "\"ecsRamRole\":" TEXT_FROM("ALIBABA_CLOUD_ECS_METADATA") ","
    "\"ecsMetadataDisabled\":" BOOLEAN_FROM("ALIBABA_CLOUD_ECS_METADATA_DISABLED") ","
    "\"imdsV1Disabled\":" BOOLEAN_FROM("ALIBABA_CLOUD_IMDSV1_DISABLED") ","
    "\"metadataEndpoint\":{\"type\":\"string\",\"x-env\":\"SESAME_ECS_METADATA_ENDPOINT\","
    "\"default\":\"http://100.100.100.200\",\"x-origin\":true},"
    "\"credentialsUri\":{\"type\":\"string\",\"x-env\":\"ALIBABA_CLOUD_CREDENTIALS_URI\","
    "\"x-origin\":true},"
    "\"externalProgram\":{\"type\":\"string\",\"pattern\":\"^/\",\"x-program\":true},"
    "\"assumeRoles\":{\"type\":\"array\",\"maxItems\":5,\"items\":{\"type\":\"object\","
    "\"properties\":{\"roleArn\":{\"type\":\"string\",\"minLength\":1},"
    "\"sessionName\":{\"type\":\"string\"},\"policy\":{\"type\":\"string\"},"
    "\"externalId\":{\"type\":\"string\"},"
    "\"durationSeconds\":{\"type\":\"integer\",\"minimum\":900,\"maximum\":43200}},"
    "\"required\":[\"roleArn\"],\"additionalProperties\":false}}},"
    "\"required\":[\"idaasInstanceId\",\"clientId\",\"openApiEndpoint\"]}";

static void destroy(struct sesame_instance *instance)
{
    token_free_all(instance);
    chain_clear(instance);
    settings_clear(&instance->settings);
    free(instance->instance_id);
    free(instance->application_id);
    free(instance->endpoint);
    free(instance);
}

static bool open_services(struct sesame_instance *instance, const struct sesame_host *host)
{
    instance->http = host->get_service(host, SESAME_HTTP_V1);
    instance->secret = host->get_service(host, SESAME_SECRET_V1);
    instance->sign = host->get_service(host, SESAME_SIGN_V1);
    instance->random = host->get_service(host, SESAME_RANDOM_V1);
    instance->platform = host->get_service(host, SESAME_PLATFORM_CREDENTIALS_V1);
    instance->completion = host->get_service(host, SESAME_CREDENTIAL_PROVIDER_HOST_V1);
    return kit_open(&instance->kit, host) && instance->http != NULL && instance->secret != NULL &&
           instance->sign != NULL && instance->random != NULL && instance->completion != NULL;
}

static bool read_config(struct sesame_instance *instance, struct sesame_text config,
                        struct reason *reason)
{
    const struct kit *kit = &instance->kit;
    int64_t connect_ms = 5000, read_ms = 10000;
    size_t len;

    instance->instance_id = kit_get_string(kit, config, "/idaasInstanceId");
    instance->application_id = kit_get_string(kit, config, "/clientId");
    instance->endpoint = kit_get_string(kit, config, "/openApiEndpoint");
    (void)kit_get_int(kit, config, "/httpConfiguration/connectTimeout", &connect_ms);
    (void)kit_get_int(kit, config, "/httpConfiguration/readTimeout", &read_ms);
    instance->timeout_ms = connect_ms + read_ms;
    if (instance->instance_id == NULL || instance->application_id == NULL ||
        instance->endpoint == NULL)
        return reason_set(reason, "no memory for the configuration");
    len = strlen(instance->endpoint);
    if (len > 0 && instance->endpoint[len - 1] == '/')
        instance->endpoint[len - 1] = '\0';
    return settings_read(instance, config, reason);
}

static int32_t create(const struct sesame_host *host, struct sesame_text config,
                      struct sesame_instance **out_instance)
{
    struct sesame_instance *instance = calloc(1, sizeof *instance);
    struct reason reason = {0};

    if (instance == NULL)
        return SESAME_INTERNAL;
    if (open_services(instance, host) && read_config(instance, config, &reason)) {
        *out_instance = instance;
        return SESAME_OK;
    }
    if (instance->kit.log != NULL && reason.text[0] != '\0')
        instance->kit.log->explain(host, kit_text(reason.text));
    if (instance->secret != NULL)
        destroy(instance);
    else
        free(instance);
    return SESAME_BAD_INPUT;
}

static const void *get_interface(const char *id)
{
    static const struct sesame_credential_provider_v1 provider = {token_begin, token_cancel};

    return strcmp(id, SESAME_CREDENTIAL_PROVIDER_V1) == 0 ? &provider : NULL;
}

static const char *const needs[] = {SESAME_LOG_V1,
                                    SESAME_CLOCK_V1,
                                    SESAME_RANDOM_V1,
                                    SESAME_JSON_V1,
                                    SESAME_HTTP_V1,
                                    SESAME_SECRET_V1,
                                    SESAME_SIGN_V1,
                                    SESAME_CREDENTIAL_PROVIDER_HOST_V1,
                                    NULL};
static const char *const offers[] = {SESAME_CREDENTIAL_PROVIDER_V1, NULL};

const struct sesame_plugin sesame_plugin_v1 = {
    .id = "alibaba-cloud",
    .version = "0.1.0",
    .description = "Tokens from IDaaS with an Alibaba Cloud access key from the default chain.",
    .config_schema = config_schema,
    .needs = needs,
    .offers = offers,
    .get_interface = get_interface,
    .create = create,
    .destroy = destroy,
};
