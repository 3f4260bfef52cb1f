/* What each authnMethod of the IDaaS file needs, and what is missing or does not fit. */
#include "config/idaas_private.h"

#include "base/secret.h"
#include "base/text.h"
#include "config/idaas_config.h"
#include "config/problems.h"
#include "config/reader.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const environments[] = {
    "COMMON",
    "COMPUTER",
    "KUBERNETES",
    "ALIBABA_CLOUD_ECS",
    "ALIBABA_CLOUD_ECI",
    "ALIBABA_CLOUD_ACK",
    "AWS_EC2",
    "AWS_ESK",
    "GOOGLE_VM",
    "HUAWEI_CLOUD_ECS",
    "CUSTOM",
};

void idaas_missing(const struct place *place, const char *key, const char *code,
                   const char *expected)
{
    struct problem *problem = place_problem(place, false, key);

    PROBLEM_SET(problem, code, "%s", code);
    PROBLEM_SET(problem, what, "%s is missing", key);
    PROBLEM_SET(problem, expected, "%s", expected);
}

bool idaas_is_mistyped(const struct place *place, const char *key)
{
    struct json_object *value = NULL;

    return place->object != NULL && json_object_object_get_ex(place->object, key, &value) &&
           value != NULL && !json_object_is_type(value, json_type_string);
}

/* NAME_FILE names a file that holds the value instead (secret_from_environment). */
static bool has_file(const struct config_source *source, const char *name)
{
    char variable[200];
    int len = snprintf(variable, sizeof variable, "%s_FILE", name);

    return len < (int)sizeof variable && source->get_env(source->arg, variable) != NULL;
}

/* The name of a variable that must be set; the value is looked at only for blankness. */
static void check_variable(const struct place *authn, const char *key, const char *name,
                           const char *name_code, const char *value_code, const char *meaning)
{
    const struct config_source *source = authn->reader->source;
    struct problem *problem;
    const char *value;

    if (idaas_is_mistyped(authn, key))
        return;
    if (name[0] == '\0') {
        idaas_missing(authn, key, name_code, "the name of the environment variable that holds it");
        return;
    }
    if (!config_is_variable_name(name) || config_looks_like_secret(name) ||
        config_looks_random(name)) {
        problem = place_problem(authn, false, key);
        PROBLEM_SET(problem, what, "not the name of an environment variable");
        PROBLEM_SET(problem, found, "%zu characters (not shown, they may be the secret itself)",
                    strlen(name));
        PROBLEM_SET(problem, expected, "a name such as IDAAS_CLIENT_SECRET");
        PROBLEM_SET(problem, fix,
                    "Put the value into an environment variable and its name here; "
                    "if it was the secret, have a new one made.");
        return;
    }
    value = source->get_env(source->arg, name);
    if (value == NULL ? has_file(source, name) : slice_trim(slice_of(value)).len > 0)
        return;
    if (secret_environment_has(name)) /* a reload: it was moved into locked memory */
        return;
    problem = place_problem(authn, false, key);
    PROBLEM_SET(problem, code, "%s", value_code);
    PROBLEM_SET(problem, what, "Environment variable %s (%s of the agent) is %s", name, meaning,
                value == NULL ? "not set" : "empty");
    PROBLEM_SET(problem, fix, "Set %s, or %s_FILE to a file that holds it.", name, name);
}

static void check_private_key(const struct place *authn, const struct idaas_config *config)
{
    check_variable(authn, "privateKeyEnvVarName", config->private_key_env,
                   "PrivateKeyEnvVarNameNotFound", "PrivateKeyNotFound", "private key");
    if (config->passphrase_env[0] != '\0')
        check_variable(authn, "privateKeyPassphraseEnvVarName", config->passphrase_env, "",
                       "PrivateKeyPassphraseNotFound", "passphrase of the private key");
}

static void check_federated(const struct place *authn, const struct idaas_config *config)
{
    if (config->federated_credential_name[0] == '\0' &&
        !idaas_is_mistyped(authn, "applicationFederatedCredentialName"))
        idaas_missing(authn, "applicationFederatedCredentialName",
                      "ApplicationFederatedCredentialNameNotFound",
                      "the name of the federated credential of the agent node");
}

/* The second choice for the token's file: a variable holds its path. A variable that is not set
 * leaves the default, as in the vendor's SDK. */
static void resolve_token_file(const struct place *authn, struct idaas_config *config)
{
    const struct reader *reader = authn->reader;
    const char *name = config->oidc_token_file_env, *path;
    struct problem *problem;

    if (config->oidc_token_file[0] != '\0' || name[0] == '\0')
        return;
    path = reader->source->get_env(reader->source->arg, name);
    if (path != NULL && slice_trim(slice_of(path)).len > 0) {
        config->oidc_token_file = config_pool_copy(reader->pool, path, strlen(path));
        if (config->oidc_token_file == NULL)
            authn->reader->out_of_memory = true;
        return;
    }
    problem = place_problem(authn, true, "oidcTokenFilePathEnvVarName");
    PROBLEM_SET(problem, what, "Environment variable %s (path of the OIDC token) is %s", name,
                path == NULL ? "not set" : "empty");
    PROBLEM_SET(problem, fix,
                "Set %s, or remove the key to use the service-account token of Kubernetes.", name);
}

static void check_environment(const struct place *authn, const struct idaas_config *config,
                              const char *wanted, const char *other)
{
    const char *found = config->deploy_environment;
    char shown[80];
    struct problem *problem;

    if (idaas_is_mistyped(authn, "clientDeployEnvironment") || strcmp(found, wanted) == 0 ||
        (other != NULL && strcmp(found, other) == 0))
        return;
    problem = place_problem(authn, false, "clientDeployEnvironment");
    PROBLEM_SET(problem, code, "ClientDeployEnvironmentNotFound");
    PROBLEM_SET(problem, what, "clientDeployEnvironment is missing");
    PROBLEM_SET(problem, expected, "%s%s%s with %s", wanted, other == NULL ? "" : " or ",
                other == NULL ? "" : other, authn_method_text(config->method));
    if (found[0] == '\0')
        return;
    if (strncmp(found, "AWS_", 4) == 0)
        PROBLEM_SET(problem, fix,
                    "Identity documents of AWS are not supported, here as in the vendor's SDK: use "
                    "OIDC, PRIVATE_KEY_JWT or a client secret there.");
    if (strcmp(found, "ALIBABA_CLOUD_ACK") == 0)
        PROBLEM_SET(problem, fix,
                    "Write KUBERNETES; for the token of RRSA also "
                    "\"oidcTokenFilePathEnvVarName\": \"ALIBABA_CLOUD_OIDC_TOKEN_FILE\".");
    PROBLEM_SET(problem, what, "unknown value");
    PROBLEM_SET(problem, found, "%s", reader_show(found, shown, sizeof shown));
    for (size_t i = 0; i < COUNT(environments); i++) {
        if (strcmp(found, environments[i]) == 0) {
            PROBLEM_SET(problem, code, "UnsupportedClientDeployEnvironment");
            PROBLEM_SET(problem, what, "does not work with %s", authn_method_text(config->method));
        }
    }
}

void idaas_check_method(const struct place *authn, struct idaas_config *config)
{
    switch (config->method) {
    case AUTHN_NONE:
        break; /* reported by read_method */
    case AUTHN_CLIENT_SECRET_POST:
    case AUTHN_CLIENT_SECRET_BASIC:
    case AUTHN_CLIENT_SECRET_JWT:
        check_variable(authn, "clientSecretEnvVarName", config->client_secret_env,
                       "ClientSecretEnvVarNameNotFound", "ClientSecretNotFound", "client secret");
        break;
    case AUTHN_PCA:
        check_federated(authn, config);
        idaas_check_certificates(authn, config);
        __attribute__((fallthrough));
    case AUTHN_PRIVATE_KEY_JWT:
        check_private_key(authn, config);
        break;
    case AUTHN_PKCS7:
        check_federated(authn, config);
        check_environment(authn, config, "ALIBABA_CLOUD_ECS", NULL);
        break;
    case AUTHN_OIDC:
        check_federated(authn, config);
        check_environment(authn, config, "KUBERNETES", "COMPUTER");
        resolve_token_file(authn, config);
        break;
    case AUTHN_PLUGIN:
        if (config->plugin_name[0] == '\0' && !idaas_is_mistyped(authn, "pluginName"))
            idaas_missing(authn, "pluginName", "PluginNameNotFound",
                          "the name of a credential-provider plugin");
        break;
    }
}
