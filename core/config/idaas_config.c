/* Parsing and checking the IDaaS SDK file. */
#include "config/idaas_config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <json-c/json.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "config/endpoint.h"
#include "config/idaas_private.h"
#include "config/problems.h"
#include "config/reader.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TIMEOUT_MIN_MS 2000
#define TIMEOUT_MAX_MS 60000

static const char *const top_keys[] = {
    "idaasInstanceId",      "clientId",        "issuer",
    "tokenEndpoint",        "scope",           "deviceAuthorizationEndpoint",
    "developerApiEndpoint", "openApiEndpoint", "authnConfiguration",
    "httpConfiguration",
};
static const char *const authn_keys[] = {
    "identityType",
    "authenticationSubject",
    "authnMethod",
    "clientSecretEnvVarName",
    "privateKeyEnvVarName",
    "applicationFederatedCredentialName",
    "clientDeployEnvironment",
    "oidcTokenFilePath",
    "oidcTokenFilePathEnvVarName",
    "clientX509Certificate",
    "x509CertChains",
    "humanAuthenticateClientId",
    "pluginName",
    /* Ours; the vendor's SDK passes over keys that it does not know. */
    "algorithm",
    "privateKeyPassphraseEnvVarName",
};
static const char *const http_keys[] = {"connectTimeout", "readTimeout", "unsafeIgnoreSSLCert"};

/* "unsafeIgnoreSSLCert" to "unsafe_ignore_ssl_cert", as the vendor's Python SDK does. */
static void to_snake(const char *name, char *out, size_t out_size)
{
    size_t used = 0;

    for (size_t i = 0; name[i] != '\0' && used + 2 < out_size; i++) {
        bool is_upper = isupper((unsigned char)name[i]) != 0;
        bool after_small =
            i > 0 && (islower((unsigned char)name[i - 1]) || isdigit((unsigned char)name[i - 1]));
        bool ends_acronym =
            i > 0 && isupper((unsigned char)name[i - 1]) && islower((unsigned char)name[i + 1]);

        if (is_upper && (after_small || ends_acronym))
            out[used++] = '_';
        out[used++] = (char)tolower((unsigned char)name[i]);
    }
    out[used] = '\0';
}

static const char *canonical_key(const char *key, const char *const *names, size_t count)
{
    char snake[96], known[96];

    to_snake(key, snake, sizeof snake);
    for (size_t i = 0; i < count; i++) {
        to_snake(names[i], known, sizeof known);
        if (strcmp(snake, known) == 0)
            return names[i];
    }
    return key;
}

/* Replaces the place's object by one whose keys are in camel case, which the caller owns, and
 * reports unknown keys. */
static struct json_object *canonical_object(struct place *place, const char *const *names,
                                            size_t count)
{
    struct json_object *copy = json_object_new_object();

    if (copy == NULL) {
        place->reader->out_of_memory = true;
        place->object = NULL;
        return NULL;
    }
    if (place->object != NULL) {
        json_object_object_foreach(place->object, key, value)
        {
            const char *name = canonical_key(key, names, count);

            if (json_object_object_get_ex(copy, name, NULL)) {
                struct problem *problem = place_problem(place, false, key);

                PROBLEM_SET(problem, what, "the same key as \"%s\" in another spelling", name);
                PROBLEM_SET(problem, fix, "Remove one of them.");
            } else if (value == NULL ? json_object_object_add(copy, name, NULL) != 0
                                     : !json_set(copy, name, json_object_get(value))) {
                place->reader->out_of_memory = true;
            }
        }
    }
    place->object = copy;
    place_check_keys(place, names, count);
    return copy;
}

/* A text member; null counts as missing, as in the vendor's SDK. */
static char *text_of(const struct place *place, const char *key)
{
    struct json_object *value = NULL;

    if (place->object != NULL && json_object_object_get_ex(place->object, key, &value) &&
        value == NULL)
        return place_expand(place, key, "");
    return place_text(place, key, "");
}

static char *required(const struct place *place, const char *key, const char *code,
                      const char *expected)
{
    size_t before = place->reader->problems->error_count;
    char *text = text_of(place, key);

    if (slice_trim(slice_of(text)).len == 0 && place->reader->problems->error_count == before)
        idaas_missing(place, key, code, expected);
    return text;
}

static char *endpoint(const struct place *place, const char *key, char *text)
{
    struct reader *reader = place->reader;
    CLEANUP(cleanup_free) char *url = NULL;
    struct error err = {0};
    struct problem *problem;
    char *copy;

    if (slice_trim(slice_of(text)).len == 0)
        return text;
    url = endpoint_normalise(text, reader->source->allow_loopback_http, &err);
    if (url == NULL) {
        problem = place_problem(place, false, key);
        PROBLEM_SET(problem, what, "%s", err.message);
        PROBLEM_SET(problem, expected, "an https URL or a host name");
        return text;
    }
    if (strncasecmp(slice_trim(slice_of(text)).data, "http://", 7) == 0 &&
        strncmp(url, "https://", 8) == 0) {
        problem = place_problem(place, true, key);
        PROBLEM_SET(problem, what, "plain http is not used; https is used instead");
        PROBLEM_SET(problem, fix, "Write https://.");
    }
    copy = config_pool_copy(reader->pool, url, strlen(url));
    if (copy == NULL)
        reader->out_of_memory = true;
    return copy == NULL ? text : copy;
}

static void read_scope(const struct place *top, struct idaas_config *config)
{
    struct error err = {0};
    struct problem *problem;

    if (!place_has(top, "scope")) {
        config->scope = place_text(top, "scope", IDAAS_SCOPE_DEFAULT);
        return;
    }
    config->scope = text_of(top, "scope");
    if (idaas_is_mistyped(top, "scope") || scope_check(config->scope, NULL, &err))
        return;
    problem = place_problem(top, false, "scope");
    PROBLEM_SET(problem, code, "%s", err.name);
    PROBLEM_SET(problem, what, "%s", err.message);
    PROBLEM_SET(problem, fix, "Remove the key to use %s.", IDAAS_SCOPE_DEFAULT);
}

static void read_top(const struct place *top, struct idaas_config *config)
{
    config->instance_id = required(top, "idaasInstanceId", "IDaaSInstanceIdNotFound",
                                   "the instance id of the IDaaS console, idaas_...");
    config->client_id =
        required(top, "clientId", "ClientIdNotFound", "the client id of the agent node, app_...");
    config->issuer = required(top, "issuer", "IssuerEndpointNotFound",
                              "https://.../api/v2/iauths_system/oauth2");
    config->token_endpoint = endpoint(
        top, "tokenEndpoint",
        required(top, "tokenEndpoint", "TokenEndpointNotFound", "the issuer followed by /token"));
    read_scope(top, config);
    config->device_authorization_endpoint =
        endpoint(top, "deviceAuthorizationEndpoint", text_of(top, "deviceAuthorizationEndpoint"));
    config->developer_api_endpoint =
        endpoint(top, "developerApiEndpoint", text_of(top, "developerApiEndpoint"));
    config->open_api_endpoint = endpoint(top, "openApiEndpoint", text_of(top, "openApiEndpoint"));
}

/* An enum value in upper case; "" when missing. */
static char *upper_text(const struct place *place, const char *key)
{
    char *text = text_of(place, key);

    for (char *at = text; *at != '\0'; at++)
        *at = (char)toupper((unsigned char)*at);
    return text;
}

static void read_identity(const struct place *top, const struct place *authn,
                          struct idaas_config *config)
{
    static const char *const types[] = {"CLIENT", "HUMAN"};
    const char *type = upper_text(authn, "identityType");
    const char *subject = upper_text(authn, "authenticationSubject");
    const char *key = type[0] != '\0' ? "identityType" : "authenticationSubject";
    struct problem *problem;

    if (type[0] != '\0' && subject[0] != '\0' && strcmp(type, subject) != 0) {
        problem = place_problem(authn, false, "authenticationSubject");
        PROBLEM_SET(problem, what, "contradicts identityType");
        PROBLEM_SET(problem, fix, "Remove one of them: both mean the same.");
    }
    if (type[0] == '\0')
        type = subject;
    if (type[0] == '\0')
        return;
    config->is_human = place_choice(authn, key, type, types, COUNT(types)) == 1;
    if (config->is_human && config->device_authorization_endpoint[0] == '\0')
        idaas_missing(top, "deviceAuthorizationEndpoint", "DeviceAuthorizationEndpointNotFound",
                      "an https URL, which identityType HUMAN needs");
}

static void read_method(const struct place *authn, struct idaas_config *config)
{
    const char *text;
    char shown[80];
    struct problem *problem;

    if (idaas_is_mistyped(authn, "authnMethod")) {
        problem = place_problem(authn, false, "authnMethod");
        PROBLEM_SET(problem, code, "UnsupportedAuthenticationMethod");
        PROBLEM_SET(problem, what, "wrong type");
        PROBLEM_SET(problem, expected, "the name of a method, such as CLIENT_SECRET_BASIC");
        return;
    }
    text = upper_text(authn, "authnMethod");
    for (int i = AUTHN_CLIENT_SECRET_POST; i <= AUTHN_PLUGIN; i++) {
        if (strcmp(text, authn_method_text((enum authn_method)i)) == 0) {
            config->method = (enum authn_method)i;
            return;
        }
    }
    problem = place_problem(authn, false, "authnMethod");
    PROBLEM_SET(problem, code, "UnsupportedAuthenticationMethod");
    PROBLEM_SET(problem, what, "%s", text[0] == '\0' ? "authnMethod is missing" : "unknown value");
    if (text[0] != '\0')
        PROBLEM_SET(problem, found, "%s", reader_show(text, shown, sizeof shown));
    PROBLEM_SET(problem, expected,
                "CLIENT_SECRET_POST, CLIENT_SECRET_BASIC, CLIENT_SECRET_JWT, PRIVATE_KEY_JWT, "
                "PKCS7, PCA, OIDC or PLUGIN");
}

static void read_authn(const struct place *top, struct idaas_config *config)
{
    CLEANUP(json_cleanup) struct json_object *object = NULL;
    struct json_object *value = NULL;
    struct place authn;
    bool is_there = json_object_object_get_ex(top->object, "authnConfiguration", &value) != 0;

    if (!is_there || value == NULL)
        idaas_missing(top, "authnConfiguration", "AuthnConfigurationNotFound", "an object");
    if (is_there && value != NULL && !place_object(top, "authnConfiguration", &authn))
        is_there = false;
    else if (!is_there || value == NULL)
        authn = (struct place){.reader = top->reader};
    object = canonical_object(&authn, authn_keys, COUNT(authn_keys));
    config->client_secret_env = text_of(&authn, "clientSecretEnvVarName");
    config->private_key_env = text_of(&authn, "privateKeyEnvVarName");
    config->federated_credential_name = text_of(&authn, "applicationFederatedCredentialName");
    config->deploy_environment = upper_text(&authn, "clientDeployEnvironment");
    config->oidc_token_file = text_of(&authn, "oidcTokenFilePath");
    config->oidc_token_file_env = text_of(&authn, "oidcTokenFilePathEnvVarName");
    config->client_certificate = text_of(&authn, "clientX509Certificate");
    config->certificate_chain = text_of(&authn, "x509CertChains");
    config->human_client_id =
        place_has(&authn, "humanAuthenticateClientId")
            ? text_of(&authn, "humanAuthenticateClientId")
            : place_text(&authn, "humanAuthenticateClientId", "iap_developer");
    config->plugin_name = text_of(&authn, "pluginName");
    config->algorithm = text_of(&authn, "algorithm");
    config->passphrase_env = text_of(&authn, "privateKeyPassphraseEnvVarName");
    if (!is_there || value == NULL)
        return;
    read_identity(top, &authn, config);
    read_method(&authn, config);
    idaas_check_method(&authn, config);
}

static int64_t read_timeout(const struct place *http, const char *key, const char *code,
                            int64_t fallback)
{
    struct json_object *value = NULL;
    struct problem *problem;
    int64_t number;

    if (http->object == NULL || !json_object_object_get_ex(http->object, key, &value))
        return fallback;
    number = json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : -1;
    if (number >= TIMEOUT_MIN_MS && number <= TIMEOUT_MAX_MS)
        return number;
    problem = place_problem(http, false, key);
    PROBLEM_SET(problem, code, "%s", code);
    PROBLEM_SET(problem, what, "not a valid timeout");
    if (json_object_is_type(value, json_type_int))
        PROBLEM_SET(problem, found, "%lld", (long long)number);
    PROBLEM_SET(problem, expected, "a whole number of milliseconds from %d to %d", TIMEOUT_MIN_MS,
                TIMEOUT_MAX_MS);
    return fallback;
}

static void read_http(const struct place *top, struct idaas_config *config)
{
    CLEANUP(json_cleanup) struct json_object *object = NULL;
    struct json_object *value = NULL;
    struct place http = {.reader = top->reader};

    config->connect_timeout_ms = 5000;
    config->read_timeout_ms = 10000;
    if (json_object_object_get_ex(top->object, "httpConfiguration", &value) && value == NULL)
        return;
    if (!place_object(top, "httpConfiguration", &http))
        return;
    object = canonical_object(&http, http_keys, COUNT(http_keys));
    config->connect_timeout_ms =
        read_timeout(&http, "connectTimeout", "ConnectTimeoutNotValid", 5000);
    config->read_timeout_ms = read_timeout(&http, "readTimeout", "ReadTimeoutNotValid", 10000);
    if (place_bool(&http, "unsafeIgnoreSSLCert", false)) {
        struct problem *problem = place_problem(&http, true, "unsafeIgnoreSSLCert");

        PROBLEM_SET(problem, what, "ignored: certificates are always checked");
        PROBLEM_SET(problem, fix, "Add the private CA with SSL_CERT_FILE instead.");
    }
}

static void read_file(struct reader *reader, struct json_object *parsed,
                      struct idaas_config *config)
{
    CLEANUP(json_cleanup) struct json_object *object = NULL;
    struct place top = place_root(reader, parsed);

    object = canonical_object(&top, top_keys, COUNT(top_keys));
    if (object == NULL)
        return;
    read_top(&top, config);
    read_authn(&top, config);
    read_http(&top, config);
}

static struct json_object *parse_object(struct reader *reader, const char *text, size_t len)
{
    struct error err = {0};
    struct json_object *parsed = json_parse(text, len, JSON_DEPTH_DEFAULT, &err);
    struct problem *problem;

    if (parsed != NULL && json_object_is_type(parsed, json_type_object))
        return parsed;
    problem = problems_add(reader->problems, false, reader->file, "");
    if (err.code != ERROR_NONE)
        PROBLEM_SET(problem, what, "not valid JSON: %s", err.message);
    else
        PROBLEM_SET(problem, what, "not a JSON object");
    PROBLEM_SET(problem, fix, "Copy the SDK configuration from the IDaaS console again.");
    json_object_put(parsed);
    return NULL;
}

struct idaas_config *idaas_config_parse(const char *path, const char *text, size_t len,
                                        const struct config_source *source,
                                        struct problems *problems)
{
    CLEANUP(idaas_config_cleanup) struct idaas_config *config = calloc(1, sizeof *config);
    CLEANUP(json_cleanup) struct json_object *parsed = NULL;
    size_t before = problems->error_count;
    struct reader reader = {
        .file = path, .source = source, .problems = problems, .unknown_is_warning = true};

    if (config != NULL)
        reader.pool = config->pool = config_pool_new();
    if (reader.pool == NULL)
        reader.out_of_memory = true;
    else
        parsed = parse_object(&reader, text, len);
    if (parsed != NULL) {
        config->file = config_pool_copy(config->pool, path, strlen(path));
        read_file(&reader, parsed, config);
    }
    if (reader.out_of_memory || (parsed != NULL && config->file == NULL)) {
        struct problem *problem = problems_add(problems, false, path, "");

        PROBLEM_SET(problem, what, "no memory to read it");
    }
    return problems->error_count == before ? TAKE(config) : NULL;
}
