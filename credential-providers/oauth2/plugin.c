/* Tokens from any OAuth 2.0 server: RFC 6749 section 4.4, RFC 8693 for users, with discovery
 * (RFC 8414), every way a client can authenticate, resource indicators (RFC 8707), and tokens bound
 * to a key (RFC 9449) or a certificate (RFC 8705). */
#include "oauth2.h"

#include <stdlib.h>
#include <string.h>

#define TEXT "{\"type\":\"string\",\"minLength\":1}"
#define URL "{\"type\":\"string\",\"minLength\":1,\"x-origin\":true}"
#define VARIABLE "{\"type\":\"string\",\"minLength\":1,\"x-secret\":\"env\"}"
#define SECRET_FILE "{\"type\":\"string\",\"minLength\":1,\"x-secret\":\"file\"}"
#define EITHER(name) "\"" name "_env\":" VARIABLE ",\"" name "_file\":" SECRET_FILE
#define TOKEN_TYPE "urn:ietf:params:oauth:token-type:access_token"

static const char config_schema[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"issuer\":" URL ",\"metadata_url\":" URL ",\"token_endpoint\":" URL ","
    "\"origins\":{\"type\":\"array\",\"maxItems\":16,\"items\":" URL "},"
    "\"client_id\":" TEXT ","
    "\"authentication\":{\"type\":\"object\",\"properties\":{"
    "\"method\":{\"enum\":[\"client_secret_basic\",\"client_secret_post\",\"client_secret_jwt\","
    "\"private_key_jwt\",\"tls_client_auth\",\"self_signed_tls_client_auth\",\"none\"]},"
    EITHER("client_secret") "," EITHER("private_key") "," EITHER("passphrase") ","
    "\"algorithm\":{\"enum\":[\"RS256\",\"RS384\",\"RS512\",\"PS256\",\"PS384\",\"PS512\","
    "\"ES256\",\"ES384\",\"ES512\",\"EdDSA\",\"HS256\",\"HS384\",\"HS512\"]},"
    "\"key_id\":" TEXT ",\"certificate_thumbprint\":" TEXT ",\"audience\":" TEXT "},"
    "\"required\":[\"method\"]},"
    "\"client_certificate\":{\"type\":\"object\",\"properties\":{"
    EITHER("certificate") "," EITHER("key") "," EITHER("passphrase") "}},"
    "\"sender_constraint\":{\"enum\":[\"none\",\"dpop\",\"mtls\"],\"default\":\"none\"},"
    "\"dpop_key\":{\"enum\":[\"P-256\",\"P-384\",\"P-521\",\"Ed25519\",\"RSA-2048\",\"RSA-3072\"],"
    "\"default\":\"P-256\"},"
    "\"audience_parameter\":{\"enum\":[\"resource\",\"audience\",\"none\"],"
    "\"default\":\"resource\"},"
    "\"user_grant\":{\"enum\":[\"token_exchange\",\"jwt_bearer\"],\"default\":\"token_exchange\"},"
    "\"subject_token_type\":{\"type\":\"string\",\"minLength\":1,\"default\":\"" TOKEN_TYPE "\"},"
    "\"requested_token_type\":{\"type\":\"string\",\"default\":\"" TOKEN_TYPE "\"},"
    "\"parameters\":{\"type\":\"object\",\"maxProperties\":6,"
    "\"additionalProperties\":{\"type\":\"string\"}},"
    "\"timeout_s\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":60,\"default\":10}},"
    "\"required\":[\"client_id\",\"authentication\"]}";

static void fetch(struct sesame_instance *instance, uint64_t call,
                  const struct sesame_token_request *request)
{
    struct token_fetch *fetch = token_fetch_start(&instance->provider, call, request);

    if (fetch != NULL && metadata_is_ready(instance, fetch))
        request_send(instance, fetch);
}

static void cancel(struct sesame_instance *instance, uint64_t call)
{
    token_provider_cancel(&instance->provider, call);
}

static void destroy(struct sesame_instance *instance)
{
    metadata_close(instance);
    token_provider_close(&instance->provider);
    config_free(instance);
    free(instance);
}

static int32_t create(const struct sesame_host *host, struct sesame_text config,
                      struct sesame_instance **out_instance)
{
    struct sesame_instance *instance = calloc(1, sizeof *instance);
    int32_t status;

    if (instance == NULL)
        return SESAME_INTERNAL;
    status = config_read(instance, host, config);
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
    .id = "oauth2",
    .version = PACKAGE_VERSION,
    .description = "Tokens from any OAuth 2.0 server",
    .config_schema = config_schema,
    .needs = token_provider_needs,
    .offers = offers,
    .get_interface = get_interface,
    .create = create,
    .stop = NULL,
    .destroy = destroy,
};
