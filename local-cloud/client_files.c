/* The folder "clients": for every way to authenticate an SDK file, and what it needs. */
#include "local-cloud/client_files.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "local-cloud/agent_identity.h"
#include "local-cloud/cloud.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/memory.h"
#include "local-cloud/metadata.h"
#include "local-cloud/ram.h"
#include "local-cloud/state_dir.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <json-c/json.h>

enum { CLUSTER_TOKEN_LIFETIME_S = 86400, STS_LIFETIME_S = 3600 };

struct writer {
    char *folder;
    struct cloud *cloud;
    const struct cloud_ports *ports;
    struct error *err;
};

/* Writes `text`, which is taken and wiped. */
static bool write_taken(const struct writer *writer, const char *name, mode_t mode, char *text)
{
    bool is_written = state_file_write(writer->folder, name, mode, text, writer->err);

    explicit_bzero(text, strlen(text));
    free(text);
    return is_written;
}

/* An SDK file (idaas.md section 1) with `authentication`, which is taken. */
static bool write_sdk_file(const struct writer *writer, const char *name,
                           struct json_object *authentication)
{
    const struct realm *realm = &writer->cloud->realm;
    CLEANUP(cleanup_free)
    char *developer_api = must_format("127.0.0.1:%d", writer->ports->developer_api_https);
    struct json_object *config;
    char *text;

    CLEANUP(cleanup_free)
    char *open_api = must_format("127.0.0.1:%d", writer->ports->openapi_https);

    json_object_object_add(authentication, "identityType", json_object_new_string("CLIENT"));
    config = json_pack(
        "{idaasInstanceId:s,clientId:s,issuer:s,tokenEndpoint:s,scope:s,"
        "developerApiEndpoint:s,openApiEndpoint:s,authnConfiguration:o}",
        realm->instance_id, realm->agent.id, realm->issuer, realm->token_endpoint,
        REALM_PAM_AUDIENCE "|credential:obtain", developer_api, open_api, authentication);
    text =
        must_format("%s\n", json_object_to_json_string_ext(
                                config, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(config);
    return write_taken(writer, name, 0644, text);
}

static bool write_secret_files(const struct writer *writer)
{
    static const char *const methods[][2] = {{"client-secret-basic.json", "CLIENT_SECRET_BASIC"},
                                             {"client-secret-post.json", "CLIENT_SECRET_POST"},
                                             {"client-secret-jwt.json", "CLIENT_SECRET_JWT"}};

    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (!write_sdk_file(writer, methods[i][0],
                            json_pack("{authnMethod:s,clientSecretEnvVarName:s}", methods[i][1],
                                      "IDAAS_CLIENT_SECRET")))
            return false;
    return true;
}

static bool write_federated_files(const struct writer *writer)
{
    const struct agent_identity *identity = cloud_identity(writer->cloud);
    CLEANUP(cleanup_free) char *token_path = must_format("%s/oidc-token", writer->folder);
    CLEANUP(cleanup_free) char *leaf = agent_identity_leaf_pem(identity);
    CLEANUP(cleanup_free) char *chain = agent_identity_chain_pem(identity);

    return write_sdk_file(writer, "private-key-jwt.json",
                          json_pack("{authnMethod:s,privateKeyEnvVarName:s}", "PRIVATE_KEY_JWT",
                                    "ENV_PRIVATE_KEY")) &&
           write_sdk_file(writer, "federated-oidc.json",
                          json_pack("{authnMethod:s,applicationFederatedCredentialName:s,"
                                    "clientDeployEnvironment:s,oidcTokenFilePath:s}",
                                    "OIDC", FEDERATED_OIDC, "KUBERNETES", token_path)) &&
           write_sdk_file(writer, "federated-pkcs7.json",
                          json_pack("{authnMethod:s,applicationFederatedCredentialName:s,"
                                    "clientDeployEnvironment:s}",
                                    "PKCS7", FEDERATED_PKCS7, "ALIBABA_CLOUD_ECS")) &&
           write_sdk_file(
               writer, "federated-pca.json",
               json_pack("{authnMethod:s,applicationFederatedCredentialName:s,"
                         "clientX509Certificate:s,x509CertChains:s,privateKeyEnvVarName:s}",
                         "PCA", FEDERATED_PCA, leaf, chain, "ENV_PRIVATE_KEY")) &&
           write_sdk_file(writer, "alibaba-cloud.json",
                          json_pack("{authnMethod:s,pluginName:s}", "PLUGIN",
                                    "alibabacloudPluginCredentialProvider")) &&
           state_file_write(writer->folder, "certificate.pem", 0644, leaf, writer->err) &&
           state_file_write(writer->folder, "chain.pem", 0644, chain, writer->err);
}

static bool write_keys(const struct writer *writer)
{
    const struct agent_identity *identity = cloud_identity(writer->cloud);
    struct cluster_token spec = {.lifetime_s = CLUSTER_TOKEN_LIFETIME_S};
    char *token;

    for (size_t i = 0; agent_identity_key_name(i) != NULL; i++) {
        CLEANUP(cleanup_free) char *name = must_format("%s.pem", agent_identity_key_name(i));

        if (!write_taken(writer, name, 0600, agent_identity_key_pem(identity, i)))
            return false;
    }
    token = agent_identity_token(identity, &spec, clock_wall_s(), writer->err);
    if (token == NULL || !write_taken(writer, "oidc-token", 0600, token))
        return false;
    spec.audience = CLUSTER_AUDIENCE_STS;
    token = agent_identity_token(identity, &spec, clock_wall_s(), writer->err);
    return token != NULL && write_taken(writer, "rrsa-token", 0600, token);
}

/* One line of the form the vendor's SDK takes from a variable: blanks for line breaks. */
static char *one_line(char *pem)
{
    for (char *c = pem; *c != '\0'; c++)
        if (*c == '\n')
            *c = c[1] == '\0' ? '\0' : ' ';
    return pem;
}

static bool write_environment(const struct writer *writer)
{
    CLEANUP(cleanup_free)
    char *key = one_line(agent_identity_key_pem(cloud_identity(writer->cloud), 0));
    bool is_written = write_taken(writer, "environment", 0600,
                                  must_format("IDAAS_CLIENT_SECRET=%s\n"
                                              "ENV_PRIVATE_KEY=\"%s\"\n",
                                              writer->cloud->realm.agent.secret, key));

    explicit_bzero(key, strlen(key));
    return is_written;
}

/* One file for each way in which Alibaba Cloud's default chain finds credentials. */
static bool write_chain_environments(const struct writer *writer)
{
    struct ram *ram = writer->cloud->ram;
    const struct ram_key *user = ram_user_key(ram);
    const struct ram_key *session = ram_session_new(ram, ram_find_role(ram, RAM_ROLE_AGENT),
                                                    "environment", STS_LIFETIME_S, clock_wall_s());

    return write_taken(writer, "alibaba-ak.env", 0600,
                       must_format("ALIBABA_CLOUD_ACCESS_KEY_ID=%s\n"
                                   "ALIBABA_CLOUD_ACCESS_KEY_SECRET=%s\n",
                                   user->id, user->secret)) &&
           write_taken(writer, "alibaba-sts.env", 0600,
                       must_format("ALIBABA_CLOUD_ACCESS_KEY_ID=%s\n"
                                   "ALIBABA_CLOUD_ACCESS_KEY_SECRET=%s\n"
                                   "ALIBABA_CLOUD_SECURITY_TOKEN=%s\n",
                                   session->id, session->secret, session->token)) &&
           write_taken(writer, "alibaba-oidc.env", 0600,
                       must_format("ALIBABA_CLOUD_ROLE_ARN=acs:ram::" RAM_ACCOUNT
                                   ":role/" RAM_ROLE_AGENT "\n"
                                   "ALIBABA_CLOUD_OIDC_PROVIDER_ARN=" RAM_OIDC_PROVIDER "\n"
                                   "ALIBABA_CLOUD_OIDC_TOKEN_FILE=%s/rrsa-token\n"
                                   "ALIBABA_CLOUD_ROLE_SESSION_NAME=sesame\n",
                                   writer->folder)) &&
           write_taken(writer, "alibaba-metadata.env", 0600,
                       must_format("ALIBABA_CLOUD_ECS_METADATA=%s\n", RAM_ROLE_AGENT)) &&
           write_taken(writer, "alibaba-uri.env", 0600,
                       must_format("ALIBABA_CLOUD_CREDENTIALS_URI=http://127.0.0.1:%d%s\n",
                                   writer->ports->metadata, PATH_CREDENTIALS_URI));
}

bool client_files_write(const char *folder, struct cloud *cloud, const struct cloud_ports *ports,
                        struct error *err)
{
    CLEANUP(cleanup_free) char *clients = must_format("%s/clients", folder);
    const struct writer writer = {clients, cloud, ports, err};

    if (mkdir(clients, 0700) != 0 && errno != EEXIST)
        return error_set(err, ERROR_BAD_INPUT, "cannot make %s: %s", clients, strerror(errno));
    return write_secret_files(&writer) && write_federated_files(&writer) && write_keys(&writer) &&
           write_environment(&writer) && write_chain_environments(&writer);
}
