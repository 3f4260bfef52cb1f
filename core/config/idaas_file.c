/* Which IDaaS SDK file is read, and how its configuration goes on to a provider plugin. */
#include "config/idaas_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <json-c/json.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "config/problems.h"

static bool is_there(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0;
}

/* Two pages of the vendor call the file client_config.json, which no SDK ever reads. */
static bool has_underscore_twin(const char *path, char **out_twin)
{
    static const char right[] = "client-config.json";
    size_t len = strlen(path);

    *out_twin = NULL;
    if (len < sizeof right - 1 || strcmp(path + len - (sizeof right - 1), right) != 0)
        return false;
    *out_twin = strdup(path);
    if (*out_twin == NULL)
        return false;
    (*out_twin)[len - (sizeof right - 1) + strlen("client")] = '_';
    return is_there(*out_twin);
}

char *idaas_config_find(const char *argument, const struct config_source *source, struct error *err)
{
    const char *variable = source->get_env(source->arg, "CLOUD_IDAAS_CONFIG_PATH");
    const char *chosen = "~/.cloud_idaas/client-config.json";
    CLEANUP(cleanup_free) char *path = NULL;
    CLEANUP(cleanup_free) char *twin = NULL;

    if (argument != NULL && argument[0] != '\0')
        chosen = argument;
    else if (variable != NULL && slice_trim(slice_of(variable)).len > 0)
        chosen = variable;
    if (strncmp(chosen, "classpath:", strlen("classpath:")) == 0)
        chosen += strlen("classpath:");
    path = config_expand_home(chosen, source);
    if (path == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a path");
        return NULL;
    }
    if (is_there(path))
        return TAKE(path);
    if (has_underscore_twin(path, &twin))
        error_set_named(err, ERROR_NOT_FOUND, "LoadConfigFileFailed",
                        "Failed to load the SDK configuration: %s not found, but %s is there. "
                        "Rename it: the name is written with a hyphen.",
                        path, twin);
    else
        error_set_named(err, ERROR_NOT_FOUND, "LoadConfigFileFailed",
                        "Failed to load the SDK configuration: %s not found. Check "
                        "cloud_idaas_config_path / CLOUD_IDAAS_CONFIG_PATH.",
                        path);
    return NULL;
}

struct idaas_config *idaas_config_load(const char *path, const struct config_source *source,
                                       struct problems *problems)
{
    CLEANUP(cleanup_free) char *text = NULL;
    struct error err = {0};
    size_t len = 0;
    struct problem *problem;

    text = config_read_file(path, &len, &err);
    if (text != NULL)
        return idaas_config_parse(path, text, len, source, problems);
    problem = problems_add(problems, false, path, "");
    PROBLEM_SET(problem, code, "LoadConfigFileFailed");
    PROBLEM_SET(problem, what, "Failed to load the SDK configuration: %s", err.message);
    PROBLEM_SET(problem, fix, "Check cloud_idaas_config_path / CLOUD_IDAAS_CONFIG_PATH.");
    return NULL;
}

static const char *const method_texts[] = {
    "NONE",
    "CLIENT_SECRET_POST",
    "CLIENT_SECRET_BASIC",
    "CLIENT_SECRET_JWT",
    "PRIVATE_KEY_JWT",
    "PKCS7",
    "PCA",
    "OIDC",
    "PLUGIN",
};

const char *authn_method_text(enum authn_method method)
{
    return method_texts[method];
}

static bool add_text(struct json_object *object, const char *name, const char *text)
{
    struct json_object *value;

    if (text[0] == '\0')
        return true;
    value = json_object_new_string(text);
    if (value == NULL || json_object_object_add(object, name, value) != 0) {
        json_object_put(value);
        return false;
    }
    return true;
}

static bool add_authn(struct json_object *authn, const struct idaas_config *config)
{
    return add_text(authn, "identityType", config->is_human ? "HUMAN" : "CLIENT") &&
           add_text(authn, "authnMethod", authn_method_text(config->method)) &&
           add_text(authn, "clientSecretEnvVarName", config->client_secret_env) &&
           add_text(authn, "privateKeyEnvVarName", config->private_key_env) &&
           add_text(authn, "privateKeyPassphraseEnvVarName", config->passphrase_env) &&
           add_text(authn, "algorithm", config->algorithm) &&
           add_text(authn, "applicationFederatedCredentialName",
                    config->federated_credential_name) &&
           add_text(authn, "clientDeployEnvironment", config->deploy_environment) &&
           add_text(authn, "oidcTokenFilePath", config->oidc_token_file) &&
           add_text(authn, "oidcTokenFilePathEnvVarName", config->oidc_token_file_env) &&
           add_text(authn, "clientX509Certificate", config->client_certificate) &&
           add_text(authn, "x509CertChains", config->certificate_chain) &&
           add_text(authn, "humanAuthenticateClientId", config->human_client_id) &&
           add_text(authn, "pluginName", config->plugin_name);
}

static bool add_top(struct json_object *top, const struct idaas_config *config)
{
    return add_text(top, "idaasInstanceId", config->instance_id) &&
           add_text(top, "clientId", config->client_id) &&
           add_text(top, "issuer", config->issuer) &&
           add_text(top, "tokenEndpoint", config->token_endpoint) &&
           add_text(top, "scope", config->scope) &&
           add_text(top, "deviceAuthorizationEndpoint", config->device_authorization_endpoint) &&
           add_text(top, "developerApiEndpoint", config->developer_api_endpoint) &&
           add_text(top, "openApiEndpoint", config->open_api_endpoint);
}

static bool add_object(struct json_object *top, const char *name, struct json_object *object)
{
    if (object != NULL && json_object_object_add(top, name, object) == 0)
        return true;
    json_object_put(object);
    return false;
}

static bool add_number(struct json_object *object, const char *name, int64_t number)
{
    return add_object(object, name, json_object_new_int64(number));
}

bool idaas_config_to_json(const struct idaas_config *config, struct buffer *out, struct error *err)
{
    CLEANUP(json_cleanup) struct json_object *top = json_object_new_object();
    struct json_object *authn = json_object_new_object();
    struct json_object *http = json_object_new_object();

    if (top == NULL || authn == NULL || http == NULL || !add_top(top, config) ||
        !add_authn(authn, config) ||
        !add_number(http, "connectTimeout", config->connect_timeout_ms) ||
        !add_number(http, "readTimeout", config->read_timeout_ms)) {
        json_object_put(authn);
        json_object_put(http);
        return error_set(err, ERROR_NO_MEMORY, "no memory for the IDaaS configuration");
    }
    if (!add_object(top, "authnConfiguration", authn) ||
        !add_object(top, "httpConfiguration", http))
        return error_set(err, ERROR_NO_MEMORY, "no memory for the IDaaS configuration");
    return json_add_value(out, top, err);
}

void idaas_config_free(struct idaas_config *config)
{
    if (config == NULL)
        return;
    config_pool_free(config->pool);
    free(config);
}

void idaas_config_cleanup(struct idaas_config **slot)
{
    idaas_config_free(*slot);
}
