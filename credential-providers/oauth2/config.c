/* Reads the configuration, which the host has checked against the schema. */
#include "oauth2.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Only what is missing in spite of the schema needs a message. */
static int32_t refuse(const struct sesame_instance *instance, const char *message)
{
    return token_provider_explain(&instance->provider, SESAME_BAD_INPUT, message);
}

static int32_t read_server(struct sesame_instance *instance, struct sesame_text config)
{
    struct token_provider *provider = &instance->provider;
    const struct kit *kit = &provider->kit;
    int64_t timeout_s = 10;

    instance->issuer = kit_get_string(kit, config, "/issuer");
    instance->metadata_url = kit_get_string(kit, config, "/metadata_url");
    provider->token_endpoint = kit_get_string(kit, config, "/token_endpoint");
    provider->client_id = kit_get_string(kit, config, "/client_id");
    instance->is_endpoint_configured = provider->token_endpoint != NULL;
    (void)kit_get_int(kit, config, "/timeout_s", &timeout_s);
    provider->timeout_ms = timeout_s * 1000;
    if (instance->issuer == NULL && provider->token_endpoint == NULL)
        return refuse(instance,
                      "MissingMember: \"issuer\" (the server's metadata is read) or "
                      "\"token_endpoint\" is needed");
    if (instance->issuer == NULL && instance->metadata_url != NULL)
        return refuse(instance,
                      "MissingMember: \"metadata_url\" needs \"issuer\", which the "
                      "metadata must name");
    instance->server =
        kit_copy(kit_text(instance->issuer != NULL ? instance->issuer : provider->token_endpoint));
    provider->server = instance->server;
    provider->scope_hint =
        "the credential's \"scope\", and what the server lets this client ask "
        "for";
    return instance->server == NULL || provider->client_id == NULL ? SESAME_INTERNAL : SESAME_OK;
}

static int32_t read_authentication(struct sesame_instance *instance, struct sesame_text config)
{
    static const struct {
        const char *name;
        enum auth_method method;
        const char *secret; /* what it needs */
    } methods[] = {
        {"client_secret_basic", AUTH_SECRET_BASIC, "/authentication/client_secret"},
        {"client_secret_post", AUTH_SECRET_POST, "/authentication/client_secret"},
        {"client_secret_jwt", AUTH_SECRET_JWT, "/authentication/client_secret"},
        {"private_key_jwt", AUTH_PRIVATE_KEY_JWT, "/authentication/private_key"},
        {"tls_client_auth", AUTH_TLS, "/client_certificate/certificate"},
        {"self_signed_tls_client_auth", AUTH_TLS, "/client_certificate/certificate"},
        {"none", AUTH_NONE, NULL},
    };
    const struct kit *kit = &instance->provider.kit;
    struct kit_buffer message = {0};
    int32_t status;

    instance->method_name = kit_get_string(kit, config, "/authentication/method");
    instance->algorithm = kit_get_string(kit, config, "/authentication/algorithm");
    instance->key_id = kit_get_string(kit, config, "/authentication/key_id");
    instance->certificate_thumbprint =
        kit_get_string(kit, config, "/authentication/certificate_thumbprint");
    instance->assertion_audience = kit_get_string(kit, config, "/authentication/audience");
    for (size_t i = 0; instance->method_name != NULL && i < COUNT(methods); i++) {
        if (strcmp(methods[i].name, instance->method_name) != 0)
            continue;
        instance->method = methods[i].method;
        if (methods[i].secret == NULL || secret_is_given(instance, methods[i].secret))
            return SESAME_OK;
        kit_add(&message, "MissingMember: ");
        kit_add(&message, instance->method_name);
        kit_add(&message, " needs ");
        place_add(&message, methods[i].secret);
        kit_add(&message, "_env or ");
        place_add(&message, methods[i].secret);
        kit_add(&message, "_file");
        status = refuse(instance, message.has_failed ? "" : message.data);
        kit_clear(&message);
        return status;
    }
    return SESAME_INTERNAL;
}

/* "HS..." and the others must not be mixed up: a client secret signs with the first, a key with the
 * rest. */
static int32_t check_algorithm(const struct sesame_instance *instance)
{
    bool is_shared = instance->algorithm != NULL && strncmp(instance->algorithm, "HS", 2) == 0;

    if (instance->algorithm == NULL || is_shared == (instance->method == AUTH_SECRET_JWT))
        return SESAME_OK;
    return refuse(instance,
                  "BadAlgorithm: authentication.algorithm does not fit the method: HS256 "
                  "to HS512 are for client_secret_jwt, all others for private_key_jwt");
}

static int32_t read_binding(struct sesame_instance *instance, struct sesame_text config)
{
    const struct token_provider *provider = &instance->provider;
    char *constraint = kit_get_string(&provider->kit, config, "/sender_constraint");
    char *kind = kit_get_string(&provider->kit, config, "/dpop_key");
    int32_t status = SESAME_OK;

    instance->binds_to_certificate = constraint != NULL && strcmp(constraint, "mtls") == 0;
    instance->uses_certificate = instance->binds_to_certificate || instance->method == AUTH_TLS;
    if (instance->binds_to_certificate &&
        !secret_is_given(instance, "/client_certificate/certificate"))
        status = refuse(instance, "MissingMember: sender_constraint mtls needs client_certificate");
    if (constraint != NULL && strcmp(constraint, "dpop") == 0)
        status = provider->sign->key_generate(provider->kit.host,
                                              kit_text(kind == NULL ? "P-256" : kind),
                                              &instance->identity.proof_key);
    free(constraint);
    free(kind);
    return status;
}

static void read_grant(struct sesame_instance *instance, struct sesame_text config)
{
    const struct kit *kit = &instance->provider.kit;
    char *parameter = kit_get_string(kit, config, "/audience_parameter");
    char *grant = kit_get_string(kit, config, "/user_grant");

    instance->audience_parameter = parameter == NULL || strcmp(parameter, "resource") == 0
                                       ? AUDIENCE_RESOURCE
                                   : strcmp(parameter, "audience") == 0 ? AUDIENCE_AUDIENCE
                                                                        : AUDIENCE_NONE;
    instance->is_jwt_bearer = grant != NULL && strcmp(grant, "jwt_bearer") == 0;
    instance->subject_token_type = kit_get_string(kit, config, "/subject_token_type");
    instance->requested_token_type = kit_get_string(kit, config, "/requested_token_type");
    free(parameter);
    free(grant);
}

static int32_t check_parameters(const struct sesame_instance *instance, struct sesame_text config)
{
    static const char *const ours[] = {"\"grant_type\"",    "\"client_id\"",
                                       "\"client_secret\"", "\"client_assertion\"",
                                       "\"subject_token\"", "\"scope\"",
                                       "\"assertion\"",     "\"resource\"",
                                       "\"audience\"",      "\"client_assertion_type\""};
    const struct kit *kit = &instance->provider.kit;
    struct sesame_text all, name, value;
    size_t position = 0;

    if (!kit_find(kit, config, "/parameters", &all))
        return SESAME_OK;
    while (kit->json->next(kit->host, all, &position, &name, &value) == SESAME_OK)
        for (size_t i = 0; i < COUNT(ours); i++)
            if (kit_equal(name, ours[i]))
                return refuse(instance,
                              "BadParameter: \"parameters\" is for what the server wants "
                              "besides; grant, scope, audience and client have members "
                              "of their own");
    return SESAME_OK;
}

/* A secret, key or certificate that cannot be used is found now, not when somebody chats. */
static int32_t try_credentials(struct sesame_instance *instance)
{
    struct client_proof proof = {.secret = 0};
    struct kit_buffer why = {0};
    char *endpoint = instance->provider.token_endpoint;
    int32_t status = SESAME_OK;

    /* An assertion wants an audience, which discovery will bring. */
    if (endpoint == NULL)
        instance->provider.token_endpoint = instance->issuer;
    if (!identity_refresh(instance, &why) || !client_prove(instance, &proof, &why)) {
        struct kit_buffer message = {0};

        kit_add(&message, "ClientCredentialNotFound: ");
        kit_add_text(&message, kit_buffer_text(&why));
        status = token_provider_explain(&instance->provider, SESAME_BAD_INPUT,
                                        message.data == NULL ? "" : message.data);
        kit_clear(&message);
    }
    instance->provider.token_endpoint = endpoint;
    client_proof_drop(instance, &proof);
    kit_clear(&why);
    return status;
}

int32_t config_read(struct sesame_instance *instance, const struct sesame_host *host,
                    struct sesame_text config)
{
    int32_t status;

    if (!token_provider_open(&instance->provider, host) ||
        (instance->config = kit_copy(config)) == NULL)
        return SESAME_INTERNAL;
    instance->provider.credential_hint = instance->hint;
    (void)snprintf(instance->hint, sizeof instance->hint,
                   "client_id, authentication.method and what it names");
    status = read_server(instance, config);
    if (status == SESAME_OK)
        status = read_authentication(instance, config);
    if (status == SESAME_OK)
        status = check_algorithm(instance);
    if (status == SESAME_OK)
        status = read_binding(instance, config);
    if (status == SESAME_OK)
        status = check_parameters(instance, config);
    if (status != SESAME_OK)
        return status;
    read_grant(instance, config);
    if (instance->subject_token_type == NULL || instance->requested_token_type == NULL)
        return SESAME_INTERNAL;
    return try_credentials(instance);
}

void config_free(struct sesame_instance *instance)
{
    free(instance->config);
    free(instance->issuer);
    free(instance->metadata_url);
    free(instance->server);
    free(instance->method_name);
    free(instance->algorithm);
    free(instance->key_id);
    free(instance->certificate_thumbprint);
    free(instance->assertion_audience);
    free(instance->subject_token_type);
    free(instance->requested_token_type);
}
