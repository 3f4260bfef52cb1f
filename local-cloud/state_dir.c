/* The folder that tells others how to reach the stand-in. */
#include "local-cloud/state_dir.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "local-cloud/client_files.h"
#include "local-cloud/cloud.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/memory.h"
#include "local-cloud/route.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>

char *ports_json(const struct cloud_ports *ports)
{
    return json_pack_text(json_pack(
        "{issuer:{http:i,https:i},developer_api:{http:i,https:i},openapi:{http:i,https:i},"
        "sts:{http:i,https:i},metadata:i,model:i,mcp:i,enterprise:i,control:i}",
        (int64_t)ports->issuer, (int64_t)ports->issuer_https, (int64_t)ports->developer_api,
        (int64_t)ports->developer_api_https, (int64_t)ports->openapi, (int64_t)ports->openapi_https,
        (int64_t)ports->sts, (int64_t)ports->sts_https, (int64_t)ports->metadata,
        (int64_t)ports->model, (int64_t)ports->mcp, (int64_t)ports->enterprise,
        (int64_t)ports->control));
}

bool state_file_write(const char *folder, const char *name, mode_t mode, const char *text,
                      struct error *err)
{
    CLEANUP(cleanup_free) char *path = must_format("%s/%s", folder, name);
    CLEANUP(cleanup_free) char *fresh = must_format("%s/.%s.new", folder, name);
    CLEANUP(cleanup_close) int fd = -1;
    size_t len = strlen(text);

    unlink(fresh);
    fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return error_set(err, ERROR_BAD_INPUT, "cannot make %s: %s", fresh, strerror(errno));
    for (size_t done = 0; done < len;) {
        ssize_t count = write(fd, text + done, len - done);

        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return error_set(err, ERROR_BAD_INPUT, "cannot write %s: %s", fresh, strerror(errno));
        done += (size_t)count;
    }
    /* Renamed into place, so that nobody reads half a file. */
    if (rename(fresh, path) != 0)
        return error_set(err, ERROR_BAD_INPUT, "cannot make %s: %s", path, strerror(errno));
    return true;
}

static char *environment_text(const char *folder, const struct cloud *cloud,
                              const struct cloud_ports *ports)
{
    const struct realm *realm = &cloud->realm;

    /* The scope keeps its quotes, as the guide wants: without them a shell would take the "|" for a
     * pipe. */
    return must_format(
        "CLOUD_IDAAS_CONFIG_PATH=%s/client-config.json\n"
        "SSL_CERT_FILE=%s/ca.pem\n"
        "NODE_EXTRA_CA_CERTS=%s/ca.pem\n"
        "IDAAS_CLIENT_SECRET=%s\n"
        "JWKS_ENDPOINT=%s/jwks\n"
        "AGENT_AUDIENCE=%s\n"
        "AGENT_SCOPE=%s\n"
        "ACCESS_IDENTITY=Machine\n"
        "LLM_API_KEY_IDENTIFIER=%s\n"
        "EXTERNAL_SERVER_API_KEY_IDENTIFIER=%s\n"
        "ENTERPRISE_SERVICE_SCOPE=\"%s|%s\"\n"
        "EXTERNAL_SERVER_URL=http://127.0.0.1:%d%s\n"
        "ENTERPRISE_SERVICE_URL=http://127.0.0.1:%d/\n"
        "LLM_BASE_URL=http://127.0.0.1:%d%s\n"
        "LLM_MODEL=qwen-plus\n"
        "SESAME_LOCAL_CLOUD_CONTROL=http://127.0.0.1:%d\n",
        folder, folder, folder, realm->agent.secret, realm->issuer, realm->agent.audience,
        realm->agent_scope, realm->keys[0].identifier, realm->keys[1].identifier,
        realm->enterprise_audience, realm->enterprise_scope, ports->mcp, PATH_MCP,
        ports->enterprise, ports->model, PATH_MODEL, ports->control);
}

/* As the IDaaS console generates it for a client secret (idaas.md section 1). */
static char *sdk_config_text(const struct cloud *cloud, const struct cloud_ports *ports)
{
    const struct realm *realm = &cloud->realm;
    CLEANUP(cleanup_free)
    char *developer_api = must_format("127.0.0.1:%d", ports->developer_api_https);
    struct json_object *config = json_pack(
        "{idaasInstanceId:s,clientId:s,issuer:s,tokenEndpoint:s,scope:s,developerApiEndpoint:s,"
        "authnConfiguration:{identityType:s,authnMethod:s,clientSecretEnvVarName:s}}",
        realm->instance_id, realm->agent.id, realm->issuer, realm->token_endpoint,
        REALM_PAM_AUDIENCE "|credential:obtain", developer_api, "CLIENT", "CLIENT_SECRET_BASIC",
        "IDAAS_CLIENT_SECRET");
    char *text =
        must_format("%s\n", json_object_to_json_string_ext(
                                config, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));

    json_object_put(config);
    return text;
}

/* Both names of the agent's address: the guide says one, the sample page reads the other. */
static char *page_config_text(const struct cloud *cloud, const struct cloud_ports *ports,
                              const char *agent_url)
{
    return must_format(
        "/* Written by sesame-local-cloud, the offline stand-in. */\n"
        "window.APP_CONFIG = {\n"
        "  API_URL: '%s/openai/v1/chat/completions',\n"
        "  AGENTSCOPE_API_URL: '%s/openai/v1/chat/completions',\n"
        "  IDAAS_AUTHORIZE_ENDPOINT: 'http://127.0.0.1:%d%s',\n"
        "  IDAAS_LOGOUT_ENDPOINT: 'http://127.0.0.1:%d%s',\n"
        "  CLIENT_ID: '%s',\n"
        "  SCOPE: '%s|%s',\n"
        "};\n",
        agent_url, agent_url, ports->issuer, PATH_AUTHORIZE, ports->issuer, PATH_LOGOUT,
        cloud->realm.page.id, cloud->realm.agent.audience, cloud->realm.agent_scope);
}

/* The port of an address of this machine; of any other the host listens where it usually does. */
static int local_port(const char *url, int usual)
{
    static const char here[] = "http://127.0.0.1:";
    int64_t port;
    size_t len;

    if (strncmp(url, here, sizeof here - 1) != 0)
        return usual;
    url += sizeof here - 1;
    len = strcspn(url, "/");
    return parse_int64(url, len, &port) && port > 0 && port < 65536 ? (int)port : usual;
}

/* A host file that turns the page on; the rest of the host's settings are its own defaults. */
static char *host_config_text(const struct cloud *cloud, const struct cloud_ports *ports,
                              const struct agent_places *agent)
{
    int page_port = local_port(agent->page_url, 9001);

    return must_format(
        "{\n"
        "  \"listen\": \"127.0.0.1:%d\",\n"
        "  \"web\": {\n"
        "    \"enabled\": true,\n"
        "    \"client_id\": \"%s\",\n"
        "    \"authorize_url\": \"http://127.0.0.1:%d%s\",\n"
        "    \"logout_url\": \"http://127.0.0.1:%d%s\",\n"
        "    \"scope\": \"%s|%s\",\n"
        "    \"listen\": \"127.0.0.1:%d\",\n"
        "    \"agent_url\": \"%s\",\n"
        "    \"cors_origins\": [\"http://127.0.0.1:%d\", "
        "\"http://localhost:%d\"]\n"
        "  },\n"
        "  \"log\": { \"format\": \"text\" },\n"
        "  \"metrics\": { \"listen\": \"%s\" }\n"
        "}\n",
        local_port(agent->url, 9002), cloud->realm.page.id, ports->issuer, PATH_AUTHORIZE,
        ports->issuer, PATH_LOGOUT, cloud->realm.agent.audience, cloud->realm.agent_scope,
        page_port, agent->url, page_port, page_port, agent->metrics_listen);
}

bool state_dir_write(const char *path, struct cloud *cloud, const struct cloud_ports *ports,
                     const char *ca_pem, const struct agent_places *agent, char **out_path,
                     struct error *err)
{
    CLEANUP(cleanup_free) char *folder = NULL;
    CLEANUP(cleanup_free) char *environment = NULL;
    CLEANUP(cleanup_free) char *sdk_config = sdk_config_text(cloud, ports);
    CLEANUP(cleanup_free) char *page_config = page_config_text(cloud, ports, agent->url);
    CLEANUP(cleanup_free) char *host_config = host_config_text(cloud, ports, agent);

    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return error_set(err, ERROR_BAD_INPUT, "--state-dir: cannot make %s: %s", path,
                         strerror(errno));
    folder = realpath(path, NULL);
    if (folder == NULL)
        return error_set(err, ERROR_BAD_INPUT, "--state-dir: %s: %s", path, strerror(errno));
    if (strpbrk(folder, " \t\n\"'`$\\;&|<>()*?[]#~") != NULL)
        return error_set(err, ERROR_BAD_INPUT,
                         "--state-dir: %s has a blank or a character that shells treat specially; "
                         "choose another folder",
                         folder);
    environment = environment_text(folder, cloud, ports);
    if (!state_file_write(folder, "environment", 0600, environment, err) ||
        !state_file_write(folder, "client-config.json", 0644, sdk_config, err) ||
        !state_file_write(folder, "ca.pem", 0644, ca_pem, err) ||
        !state_file_write(folder, "config.js", 0644, page_config, err) ||
        !state_file_write(folder, "sesame.json", 0644, host_config, err) ||
        !state_file_write(folder, "ports.json", 0644, cloud->ports_json, err))
        return false;
    explicit_bzero(environment, strlen(environment));
    if (!client_files_write(folder, cloud, ports, err))
        return false;
    *out_path = TAKE(folder);
    return true;
}
