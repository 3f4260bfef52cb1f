/* What stands in the way of a turn, which setting is behind it and how to mend it: one wording for
 * the doctor, GET /ready and the log. */
#include "server/ready_cause.h"

#include "base/error.h"
#include "base/json.h"
#include "config/host_config.h"
#include "config/idaas_config.h"
#include "config/problems.h"
#include "net/http_client.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_SIZE 200

/* ---- settings -------------------------------------------------------------------------------- */

void ready_setting(const struct host_config *host, const char *path, char *out, size_t out_size)
{
    const char *variable = host_config_variable(host, path);
    const char *shown = strncmp(path, "$.", 2) == 0 ? path + 2 : path;

    if (variable[0] != '\0')
        problem_text(out, out_size, "%s (%s)", shown, variable);
    else
        problem_text(out, out_size, "%s in %s", shown, host->file);
}

const char *ready_proxy_variable(void)
{
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "http_proxy",
                                        "HTTP_PROXY",  "all_proxy",   "ALL_PROXY"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);

        if (value != NULL && value[0] != '\0')
            return names[i];
    }
    return "";
}

static void begin(struct ready_cause *out, const char *name, const char *what)
{
    memset(out, 0, sizeof *out);
    problem_text(out->name, sizeof out->name, "%s", name);
    problem_text(out->what, sizeof out->what, "%s", what);
}

static void set_setting(struct ready_cause *out, const struct ready_settings *settings,
                        const char *path)
{
    ready_setting(settings->host, path, out->setting, sizeof out->setting);
}

static bool is_word_part(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Whether `text` has `word` as a whole. */
static bool mentions(const char *text, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = text; len > 0 && (at = strstr(at, word)) != NULL; at += len)
        if ((at == text || !is_word_part(at[-1])) && !is_word_part(at[len]))
            return true;
    return false;
}

/* ---- the IDaaS file -------------------------------------------------------------------------- */

/* What proves the agent's identity: the variables that the file names, or the method itself. */
static void set_proof(struct ready_cause *out, const struct idaas_config *idaas)
{
    const char *names[] = {idaas->client_secret_env, idaas->private_key_env,
                           idaas->oidc_token_file_env, idaas->oidc_token_file};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i][0] != '\0') {
            problem_text(out->setting, sizeof out->setting, "%.100s, and clientId in %.100s",
                         names[i], idaas->file);
            return;
        }
    problem_text(out->setting, sizeof out->setting, "clientId and authnConfiguration in %.180s",
                 idaas->file);
}

/* A variable of the IDaaS file that the message speaks of. */
static bool set_mentioned(struct ready_cause *out, const struct idaas_config *idaas)
{
    const char *names[5] = {""};

    if (idaas == NULL)
        return false;
    names[0] = idaas->passphrase_env;
    names[1] = idaas->private_key_env;
    names[2] = idaas->client_secret_env;
    names[3] = idaas->oidc_token_file_env;
    names[4] = idaas->oidc_token_file;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i][0] != '\0' && mentions(out->what, names[i])) {
            problem_text(out->setting, sizeof out->setting, "%.100s, named in %.120s", names[i],
                         idaas->file);
            return true;
        }
    return false;
}

/* ---- the network ----------------------------------------------------------------------------- */

static bool has_origin_of(const char *message, const char *url)
{
    char wanted[300], found[300];
    const char *at = strstr(message, "http");
    struct error ignored = {0};
    size_t len;

    if (at == NULL || url[0] == '\0' ||
        !url_origin(url, strlen(url), wanted, sizeof wanted, &ignored))
        return false;
    len = strcspn(at, " ");
    /* Messages go on with ": reason" behind the address. */
    while (len > 0 && at[len - 1] == ':')
        len--;
    error_clear(&ignored);
    return url_origin(at, len, found, sizeof found, &ignored) && strcmp(wanted, found) == 0;
}

/* Whose address the message begins with. */
static bool set_address(struct ready_cause *out, const struct ready_settings *settings)
{
    const struct host_config *host = settings->host;
    const struct idaas_config *idaas = settings->idaas;
    char path[PATH_SIZE];

    if (idaas != NULL && has_origin_of(out->what, idaas->token_endpoint))
        problem_text(out->setting, sizeof out->setting, "tokenEndpoint in %s", idaas->file);
    else if (idaas != NULL && has_origin_of(out->what, idaas->developer_api_endpoint))
        problem_text(out->setting, sizeof out->setting, "developerApiEndpoint in %s", idaas->file);
    else if (idaas != NULL && has_origin_of(out->what, idaas->open_api_endpoint))
        problem_text(out->setting, sizeof out->setting, "openApiEndpoint in %s", idaas->file);
    else if (has_origin_of(out->what, host->model.base_url))
        set_setting(out, settings, "$.model.base_url");
    else if (has_origin_of(out->what, host->inbound.jwks_url))
        set_setting(out, settings, "$.inbound.jwks_url");
    else
        for (size_t i = 0; i < host->credential_count; i++)
            for (size_t j = 0; j < host->credentials[i].origin_count; j++)
                if (has_origin_of(out->what, host->credentials[i].origins[j])) {
                    problem_text(path, sizeof path, "$.credentials.%.80s.origins[%zu]",
                                 host->credentials[i].name, j);
                    set_setting(out, settings, path);
                    return true;
                }
    return out->setting[0] != '\0';
}

static void add_proxy(struct ready_cause *out)
{
    const char *proxy = ready_proxy_variable();
    size_t used = strlen(out->fix);

    if (proxy[0] != '\0')
        problem_text(out->fix + used, sizeof out->fix - used,
                     "; %s is set, and sesame uses no proxy: the way out must be direct", proxy);
}

/* Names are lost where a plugin passes a failure on, and the words of net/http_call.c stay. */
static const struct {
    const char *name, *words, *setting, *fix;
} network_faults[] = {
    {"NameNotFound", "the host name cannot be resolved", NULL,
     "correct the host name, or mend name resolution on this machine (/etc/resolv.conf)"},
    {"TlsNotTrusted", "the server's certificate is not trusted", "SSL_CERT_FILE",
     "set SSL_CERT_FILE to the PEM file of the private CA; for a public service install "
     "ca-certificates, and check this machine's clock"},
    {"PlainHttpRefused", "plain http", NULL, "write https:// instead of http://"},
    {"ConnectFailed", ": cannot connect", NULL,
     "correct host and port, and let this machine out to them (firewall, VPC, security group)"},
    {"ConnectTimeOut", ": no connection in time", NULL,
     "correct host and port, and let this machine out to them (firewall, VPC, security group)"},
    {"ReadTimeOut", ": no complete answer in time", NULL,
     "the service is reached and stays silent: see whether it is up, then try again"},
    {"HttpFailed", "SSL routines", NULL,
     "correct the address: this port may speak plain http, or not HTTP at all"},
};

/* What lies between this machine and the service. `setting` stays unless it is something else. */
static bool explain_network(struct ready_cause *out)
{
    for (size_t i = 0; i < sizeof network_faults / sizeof network_faults[0]; i++) {
        if (strcmp(out->name, network_faults[i].name) != 0 &&
            strstr(out->what, network_faults[i].words) == NULL)
            continue;
        if (network_faults[i].setting != NULL)
            problem_text(out->setting, sizeof out->setting, "%s", network_faults[i].setting);
        problem_text(out->fix, sizeof out->fix, "%s", network_faults[i].fix);
        if (network_faults[i].setting == NULL)
            add_proxy(out);
        return true;
    }
    return false;
}

/* ---- keys ------------------------------------------------------------------------------------ */

void ready_cause_keys(const struct ready_settings *settings, const struct error *err,
                      struct ready_cause *out)
{
    begin(out, err->name, err->message);
    set_setting(out, settings, "$.inbound.jwks_url");
    if (!explain_network(out))
        problem_text(out->fix, sizeof out->fix, "set it to the issuer followed by /jwks: %s/jwks",
                     settings->host->inbound.issuer);
}

/* ---- credentials ----------------------------------------------------------------------------- */

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

static void explain_scope(struct ready_cause *out, const struct ready_settings *settings,
                          const struct credential_config *credential)
{
    char path[PATH_SIZE];

    if (credential != NULL && credential->kind == CREDENTIAL_ACCESS_TOKEN) {
        problem_text(path, sizeof path, "$.credentials.%.80s.scope", credential->name);
        set_setting(out, settings, path);
        problem_text(out->fix, sizeof out->fix,
                     "write the target node's audience and permission as audience|scope, and grant "
                     "this permission to the agent in the console (Permission Configuration)");
        return;
    }
    problem_text(out->setting, sizeof out->setting, "the agent node's permissions for %s",
                 IDAAS_PAM_AUDIENCE);
    problem_text(out->fix, sizeof out->fix,
                 "grant the agent the use of the credential vault in the console");
}

static void explain_key(struct ready_cause *out, const struct ready_settings *settings,
                        const struct credential_config *credential, const struct error *err)
{
    char path[PATH_SIZE];

    problem_text(path, sizeof path, "$.credentials.%.80s.identifier", credential->name);
    set_setting(out, settings, path);
    if (err->code == ERROR_NOT_FOUND)
        problem_text(out->fix, sizeof out->fix,
                     "set it to the identifier that the console shows at this node");
    else if (strcmp(err->name, "ApiKeyDisabled") == 0)
        problem_text(out->fix, sizeof out->fix, "enable the credential in the console");
    else if (err->code == ERROR_DENIED)
        problem_text(out->fix, sizeof out->fix,
                     "let the agent read this credential: the outbound authorization of the agent "
                     "node in the console");
    else
        problem_text(out->fix, sizeof out->fix, "try again; the vault itself failed");
}

/* What the vault says about one of its credentials (credential/vault.c), which the agent's own
 * token has reached. */
static bool is_of_vault(const struct ready_cause *cause, const struct credential_config *credential)
{
    return credential != NULL && credential->kind != CREDENTIAL_ACCESS_TOKEN &&
           (strncmp(cause->what, "the vault", 9) == 0 ||
            strncmp(cause->what, "the credential \"", 16) == 0);
}

/* The answer of an address that is wrong, of a service that is ill, or what the plugin of the
 * method has to say. */
static void explain_other(struct ready_cause *out, const struct idaas_config *idaas)
{
    bool is_plugin = idaas->method == AUTHN_PLUGIN;

    if (strstr(out->what, "HTTP 404") != NULL || strstr(out->what, "HTTP 405") != NULL) {
        problem_text(out->setting, sizeof out->setting, "%s in %s",
                     is_plugin ? "openApiEndpoint" : "tokenEndpoint", idaas->file);
        problem_text(out->fix, sizeof out->fix,
                     "take the address from the SDK configuration that the console generates");
    } else if (strstr(out->what, "HTTP 5") != NULL) {
        problem_text(out->setting, sizeof out->setting, "%s in %s",
                     is_plugin ? "openApiEndpoint" : "tokenEndpoint", idaas->file);
        problem_text(out->fix, sizeof out->fix,
                     "a temporary error of IDaaS: try again, and give its support the request id");
    } else if (!set_mentioned(out, idaas)) {
        set_proof(out, idaas);
    }
}

void ready_cause_credential(const struct ready_settings *settings,
                            const struct credential_config *credential, const struct error *err,
                            struct ready_cause *out)
{
    static const char *const proofs[] = {"invalid_client", "invalid_grant", NULL};
    static const char *const scopes[] = {"invalid_scope", "unauthorized_client", "access_denied",
                                         "invalid_target", NULL};
    const struct idaas_config *idaas = settings->idaas;
    bool is_idaas = idaas != NULL && (credential == NULL || credential->provider == 0);
    begin(out, err->name, err->message);
    if (set_address(out, settings) && explain_network(out))
        return;
    out->setting[0] = '\0';
    if (strstr(out->what, "the clock of this machine is") != NULL) {
        problem_text(out->setting, sizeof out->setting, "the clock of this machine");
        problem_text(out->fix, sizeof out->fix, "set the clock (timedatectl set-ntp true)");
    } else if (strcmp(err->name, "UserNeeded") == 0) {
        problem_text(out->setting, sizeof out->setting, "SESAME_USER_TOKEN");
        problem_text(out->fix, sizeof out->fix,
                     "set it to a user's access token, to try this on the user's behalf");
    } else if (strcmp(err->name, "ConsentRequired") == 0) {
        problem_text(out->setting, sizeof out->setting, "the user's consent");
        problem_text(out->fix, sizeof out->fix, "let the user open the link and allow it");
    } else if (is_one_of(err->name, scopes)) {
        explain_scope(out, settings, credential);
    } else if (is_idaas && is_one_of(err->name, proofs)) {
        set_proof(out, idaas);
        problem_text(out->fix, sizeof out->fix,
                     "copy what the console shows at the agent node once more");
    } else if (is_of_vault(out, credential)) {
        explain_key(out, settings, credential, err);
    } else if (is_idaas) {
        explain_other(out, idaas);
    } else if (credential != NULL) {
        problem_text(out->setting, sizeof out->setting,
                     "credentials.%.80s.scope and its provider under credential_providers",
                     credential->name);
    }
    if (out->fix[0] == '\0')
        problem_text(out->fix, sizeof out->fix,
                     "do what the message asks for; doc/credentials.md has the settings of each "
                     "method");
}

/* ---- the model ------------------------------------------------------------------------------- */

void ready_cause_model(const struct ready_settings *settings, int http_status,
                       const struct error *err, struct ready_cause *out)
{
    const struct host_config *host = settings->host;
    char path[PATH_SIZE];

    begin(out, err->name, err->message);
    set_setting(out, settings, "$.model.base_url");
    if (explain_network(out))
        return;
    problem_text(path, sizeof path, "$.credentials.%.80s.identifier", host->model.credential);
    if (http_status == 401 || http_status == 403) {
        set_setting(out, settings, path);
        problem_text(out->fix, sizeof out->fix,
                     "the vault's key is refused: enter a valid one in the console; keys belong to "
                     "a region, so model.base_url must be of the same");
    } else if (http_status == 404 && strstr(out->name, "odel") != NULL) {
        set_setting(out, settings, "$.model.name");
        problem_text(out->fix, sizeof out->fix, "set it to a model that this key may use");
    } else if (http_status == 404) {
        problem_text(out->fix, sizeof out->fix,
                     "end it where /chat/completions follows, usually in /v1; if it is right, the "
                     "model's name is wrong (model.name)");
    } else if (http_status == 400 || http_status == 422) {
        set_setting(out, settings, "$.model.name");
        problem_text(out->fix, sizeof out->fix,
                     "take a model that streams and knows tools, or change what is refused under "
                     "\"model\"");
    } else {
        problem_text(out->fix, sizeof out->fix,
                     http_status == 429 ? "wait, or raise the quota of the key's account"
                                        : "see whether the service is up, then try again");
    }
}

/* ---- tools ----------------------------------------------------------------------------------- */

/* Where the tool goes to: most call the member so. */
static void set_tool_address(struct ready_cause *out, const struct ready_settings *settings,
                             const struct tool_config *tool)
{
    const char *value;
    size_t len;
    bool has_url = json_find(tool->config_json, strlen(tool->config_json), "/url", &value, &len);
    char path[PATH_SIZE];

    problem_text(path, sizeof path, "$.tools.%.80s.config%s", tool->name, has_url ? ".url" : "");
    set_setting(out, settings, path);
}

void ready_cause_tool(const struct ready_settings *settings, const struct tool_config *tool,
                      const char *reason, struct ready_cause *out)
{
    const struct host_config *host = settings->host;
    char path[PATH_SIZE];

    begin(out, "", reason);
    set_tool_address(out, settings, tool);
    if (strstr(reason, "401") == NULL && strstr(reason, "403") == NULL &&
        strstr(reason, "denied") == NULL) {
        problem_text(out->fix, sizeof out->fix,
                     "set it to the address that the service's own page shows");
        return;
    }
    for (size_t i = 0; tool->credential_count > 0 && i < host->credential_count; i++) {
        const struct credential_config *credential = &host->credentials[i];

        if (strcmp(credential->name, tool->credentials[0]) != 0)
            continue;
        problem_text(path, sizeof path, "$.credentials.%.80s.%s", credential->name,
                     credential->kind == CREDENTIAL_ACCESS_TOKEN ? "scope" : "identifier");
        set_setting(out, settings, path);
        problem_text(
            out->fix, sizeof out->fix,
            credential->kind != CREDENTIAL_ACCESS_TOKEN
                ? "name the key that this service takes, and see in the console that it "
                  "is still valid"
                : "check the audience and scope, and the JWKS of the service (for Function "
                  "Compute: of the trigger), which must be this issuer's");
    }
}

/* ---- the start ------------------------------------------------------------------------------- */

/* "amap cannot be started: config.url ends in ..." or "tools.amap: ...": the member of the tool's
 * configuration, as exactly as the message has it. */
static bool set_tool(struct ready_cause *out, const struct ready_settings *settings)
{
    const char *text = strncmp(out->what, "tools.", 6) == 0 ? out->what + 6 : out->what;
    const char *member = strstr(text, "config.");
    char path[PATH_SIZE];

    for (size_t i = 0; i < settings->host->tool_count; i++) {
        const char *name = settings->host->tools[i].name;
        size_t len = strlen(name);

        if (strncmp(text, name, len) != 0 || strchr(": .", text[len]) == NULL)
            continue;
        if (member == NULL)
            problem_text(path, sizeof path, "$.tools.%.80s", name);
        else
            problem_text(path, sizeof path, "$.tools.%.80s.%.*s", name,
                         (int)strspn(member, "abcdefghijklmnopqrstuvwxyz_.0123456789"), member);
        set_setting(out, settings, path);
        return true;
    }
    return false;
}

void ready_cause_start(const struct ready_settings *settings, const struct error *err,
                       struct ready_cause *out)
{
    begin(out, err->name, err->message);
    if (set_mentioned(out, settings->idaas))
        problem_text(out->fix, sizeof out->fix,
                     "copy what the console shows at the agent node once more");
    else if (strcmp(err->name, "PluginNotFound") == 0 ||
             strstr(err->message, "plugins.directory") != NULL) {
        set_setting(out, settings, "$.plugins.directory");
        problem_text(out->fix, sizeof out->fix,
                     "install the plugin there, or correct its name; sesame plugin list shows what "
                     "is found");
    } else if (strcmp(err->name, "PluginNotTrusted") == 0) {
        problem_text(out->setting, sizeof out->setting, "the owner and mode of the plugin's files");
        problem_text(out->fix, sizeof out->fix,
                     "give files and folder to root or to the user who runs sesame, with chmod "
                     "go-w");
    } else if (strcmp(err->name, "UnsupportedAuthenticationMethod") == 0 &&
               settings->idaas != NULL) {
        problem_text(out->setting, sizeof out->setting, "authnMethod and pluginName in %s",
                     settings->idaas->file);
        problem_text(out->fix, sizeof out->fix,
                     "choose a method that sesame plugin list shows, or install its plugin");
    } else if (set_tool(out, settings)) {
        problem_text(out->fix, sizeof out->fix,
                     "write it as the message expects; sesame plugin show lists what the plugin "
                     "takes");
    } else if (settings->idaas != NULL) {
        problem_text(out->setting, sizeof out->setting, "authnConfiguration in %s",
                     settings->idaas->file);
    } else {
        problem_text(out->setting, sizeof out->setting, "%s", settings->host->file);
    }
    if (out->fix[0] == '\0')
        problem_text(out->fix, sizeof out->fix, "see what is expected in the message");
}
