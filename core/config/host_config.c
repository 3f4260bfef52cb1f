/* Choosing, loading and completing the host file. */
#include "config/host_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <json-c/json.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "config/endpoint.h"
#include "config/host_parts.h"
#include "config/idaas_config.h"
#include "config/problems.h"
#include "config/reader.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SYSTEM_FILE "/etc/sesame/sesame.json"
#define MODEL_STUDIO_URL "https://dashscope.aliyuncs.com/compatible-mode/v1"

/* ---- the environment as the built-in default sees it --------------------------------------- */

struct guide_env {
    const struct config_source *outer;
    struct config_pool *pool;
    bool out_of_memory;
};

/* The deployment guide tells people to type the quotes of "audience|scope" into the variable. */
static const char *without_quotes(struct guide_env *env, const char *value)
{
    struct slice text = slice_trim(slice_of(value));
    const char *copy;

    if (text.len < 2 || text.data[0] != '"' || text.data[text.len - 1] != '"')
        return value;
    copy = config_pool_copy(env->pool, text.data + 1, text.len - 2);
    env->out_of_memory = env->out_of_memory || copy == NULL;
    return copy == NULL ? value : copy;
}

static const char *guide_get_env(void *arg, const char *name)
{
    struct guide_env *env = arg;
    const char *value = env->outer->get_env(env->outer->arg, name);
    bool is_blank = value == NULL || slice_trim(slice_of(value)).len == 0;

    if (is_blank && strcmp(name, "LLM_BASE_URL") == 0)
        return MODEL_STUDIO_URL;
    if (is_blank && strcmp(name, "LLM_MODEL") == 0)
        return "qwen-plus";
    if (!is_blank && strcmp(name, "ENTERPRISE_SERVICE_SCOPE") == 0)
        return without_quotes(env, value);
    return value;
}

/* ---- which file ------------------------------------------------------------------------------*/

static bool is_there(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0;
}

static bool named_file(const char *name, const char *where, const struct config_source *source,
                       char **out_path, struct error *err)
{
    CLEANUP(cleanup_free) char *path = config_expand_home(name, source);

    if (path == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory for a path");
    if (!is_there(path))
        return error_set_named(err, ERROR_NOT_FOUND, "ConfigError",
                               "The configuration file %s was not found. Check %s.", path, where);
    *out_path = TAKE(path);
    return true;
}

static bool personal_file(const struct config_source *source, char **out_path)
{
    const char *xdg = source->get_env(source->arg, "XDG_CONFIG_HOME");
    const char *home = source->get_env(source->arg, "HOME");
    CLEANUP(cleanup_free) char *path = NULL;
    int len = 0;

    if (xdg != NULL && xdg[0] == '/') /* relative ones are ignored, XDG base directory spec */
        len = asprintf(&path, "%s/sesame/sesame.json", xdg);
    else if (home != NULL && home[0] != '\0')
        len = asprintf(&path, "%s/.config/sesame/sesame.json", home);
    if (len < 0)
        path = NULL;
    if (path == NULL || !is_there(path))
        return false;
    *out_path = TAKE(path);
    return true;
}

bool host_config_find(const char *argument, const struct config_source *source, char **out_path,
                      struct error *err)
{
    const char *variable = source->get_env(source->arg, "SESAME_CONFIG");

    *out_path = NULL;
    if (argument != NULL && argument[0] != '\0')
        return named_file(argument, "--config", source, out_path, err);
    if (variable != NULL && slice_trim(slice_of(variable)).len > 0)
        return named_file(variable, "SESAME_CONFIG", source, out_path, err);
    if (personal_file(source, out_path))
        return true;
    if (is_there(SYSTEM_FILE) && (*out_path = strdup(SYSTEM_FILE)) == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory for a path");
    return true;
}

/* ---- reading ---------------------------------------------------------------------------------*/

static void read_identity(const struct place *root, struct host_config *config)
{
    const char *text = host_required_text(root, "identity", "Machine or Human");
    struct problem *problem;

    if (strcmp(text, "Human") == 0)
        config->identity = ACCESS_HUMAN;
    if (strcmp(text, "Machine") == 0 || strcmp(text, "Human") == 0 || text[0] == '\0')
        return;
    problem = place_problem(root, false, "identity");
    PROBLEM_SET(problem, what, "ACCESS_IDENTITY must be Machine or Human");
    PROBLEM_SET(problem, fix,
                "Set ACCESS_IDENTITY=Machine or ACCESS_IDENTITY=Human, written exactly so.");
}

static void read_top(const struct place *root, struct host_config *config)
{
    static const char *const platforms[] = {"auto", "none", "function-compute"};
    static const char *const compat_keys[] = {"java_sample"};
    struct place compat;
    int platform;

    config->listen = place_text(root, "listen", "0.0.0.0:9002");
    /* An empty one that was given has its fault recorded already. */
    if (config->listen[0] != '\0' || !place_is_given(root, "listen"))
        host_check_address(root, "listen", config->listen);
    config->workers = place_int(root, "workers", 0, 0, 64);
    config->idaas_config = place_text(root, "idaas_config", "");
    platform = place_choice(root, "platform", place_text(root, "platform", "auto"), platforms,
                            COUNT(platforms));
    config->platform = platform < 0 ? PLATFORM_AUTO : (enum host_platform)platform;
    read_identity(root, config);
    place_object(root, "compat", &compat);
    place_check_keys(&compat, compat_keys, COUNT(compat_keys));
    config->is_java_sample = place_bool(&compat, "java_sample", false);
}

static void read_sections(const struct place *root, struct host_config *config)
{
    read_top(root, config);
    host_read_inbound(root, config);
    host_read_providers(root, config);
    host_read_credentials(root, config);
    host_read_model(root, config);
    host_read_plugins(root, config);
    host_read_tools(root, config);
    host_read_web(root, config);
    host_read_limits(root, config);
    host_read_log(root, config);
}

/* Top-level members that the file leaves out are the built-in ones. */
static bool add_built_in(struct reader *reader, enum host_config_use use, struct json_object *file)
{
    CLEANUP(json_cleanup) struct json_object *built_in = NULL;
    struct error err = {0};

    built_in = json_parse(host_config_built_in(), strlen(host_config_built_in()),
                          JSON_DEPTH_DEFAULT, &err);
    if (built_in == NULL ||
        (use == HOST_CONFIG_TOOLS && !host_default_for_tools(built_in, file, reader->source)))
        return false;
    json_object_object_foreach(built_in, key, value)
    {
        if (!json_object_object_get_ex(file, key, NULL) &&
            json_object_object_add(file, key, json_object_get(value)) != 0)
            return false;
    }
    return true;
}

static void read_file(struct reader *reader, const char *text, size_t len, enum host_config_use use,
                      struct host_config *config)
{
    static const char *const keys[] = {
        "listen",
        "workers",
        "idaas_config",
        "platform",
        "identity",
        "inbound",
        "credentials",
        "model",
        "tools",
        "plugins",
        "compat",
        "web",
        "limits",
        "log",
        "audit",
        "metrics",
        "credential_providers",
    };
    CLEANUP(json_cleanup) struct json_object *parsed = NULL;
    struct error err = {0};
    struct place root;

    parsed = json_parse(text, len, JSON_DEPTH_DEFAULT, &err);
    if (parsed == NULL || !json_object_is_type(parsed, json_type_object)) {
        struct problem *problem = problems_add(reader->problems, false, reader->file, "");

        if (err.code != ERROR_NONE)
            PROBLEM_SET(problem, what, "not valid JSON: %s", err.message);
        else
            PROBLEM_SET(problem, what, "not a JSON object");
        return;
    }
    root = place_root(reader, parsed);
    place_check_keys(&root, keys, COUNT(keys));
    if (add_built_in(reader, use, parsed))
        read_sections(&root, config);
    else
        reader->out_of_memory = true;
}

static struct host_config *parse(const char *path, const char *text, size_t len,
                                 const struct config_source *source, enum host_config_use use,
                                 struct problems *problems)
{
    CLEANUP(host_config_cleanup) struct host_config *config = calloc(1, sizeof *config);
    struct guide_env env = {.outer = source};
    struct config_source guide = {.get_env = guide_get_env, .arg = &env};
    size_t before = problems->error_count;
    struct reader reader = {.file = path, .source = &guide, .problems = problems};

    if (config != NULL)
        config->pool = env.pool = reader.pool = config_pool_new();
    if (reader.pool != NULL) {
        config->file = config_pool_copy(config->pool, path, strlen(path));
        read_file(&reader, text, len, use, config);
        config->variables = reader.variables;
    }
    if (reader.pool == NULL || reader.out_of_memory || env.out_of_memory || config->file == NULL)
        PROBLEM_SET(problems_add(problems, false, path, ""), what, "no memory to read it");
    return problems->error_count == before ? TAKE(config) : NULL;
}

struct host_config *host_config_parse(const char *path, const char *text, size_t len,
                                      const struct config_source *source, struct problems *problems)
{
    return parse(path, text, len, source, HOST_CONFIG_WHOLE, problems);
}

struct host_config *host_config_load(const char *path, const struct config_source *source,
                                     enum host_config_use use, struct problems *problems)
{
    CLEANUP(cleanup_free) char *text = NULL;
    struct host_config *config;
    struct error err = {0};
    size_t len = 0;

    if (path == NULL) {
        config = host_config_parse("built-in default", host_config_built_in(),
                                   strlen(host_config_built_in()), source, problems);
        if (config != NULL)
            config->is_built_in = true;
        return config;
    }
    text = config_read_file(path, &len, &err);
    if (text != NULL)
        return parse(path, text, len, source, use, problems);
    PROBLEM_SET(problems_add(problems, false, path, ""), what, "cannot be read: %s", err.message);
    return NULL;
}

/* ---- both files together ---------------------------------------------------------------------*/

bool host_config_has_users(const struct host_config *config)
{
    for (size_t i = 0; i < config->credential_count; i++)
        if (config->credentials[i].identity == IDENTITY_USER)
            return true;
    return false;
}

bool host_config_needs_idaas(const struct host_config *config)
{
    for (size_t i = 0; i < config->credential_count; i++)
        if (config->credentials[i].kind != CREDENTIAL_ACCESS_TOKEN ||
            config->credentials[i].provider == 0)
            return true;
    return false;
}

static bool complete_issuer(struct host_config *config, const struct idaas_config *idaas,
                            struct problems *problems)
{
    struct problem *problem;

    if (config->inbound.issuer[0] != '\0')
        return true;
    if (idaas != NULL) {
        config->inbound.issuer =
            config_pool_copy(config->pool, idaas->issuer, strlen(idaas->issuer));
        if (config->inbound.issuer != NULL)
            return true;
        PROBLEM_SET(problems_add(problems, false, config->file, ""), what, "no memory to read it");
        return false;
    }
    problem = problems_add(problems, false, config->file, "$.inbound.issuer");
    PROBLEM_SET(problem, what, "issuer is missing, and there is no IDaaS file to take it from");
    PROBLEM_SET(problem, expected, "the \"iss\" of the tokens that open this agent");
    return false;
}

/* Keys from somewhere else may be meant (a domain of one's own), and may be a mix-up. */
static void compare_hosts(const struct host_config *config, struct problems *problems)
{
    struct url_parts issuer, jwks;
    struct error ignored = {0};
    struct problem *problem;

    if (!url_split(config->inbound.issuer, &issuer, &ignored) ||
        !url_split(config->inbound.jwks_url, &jwks, &ignored) ||
        (issuer.host.len == jwks.host.len &&
         strncasecmp(issuer.host.data, jwks.host.data, jwks.host.len) == 0))
        return;
    problem = problems_add(problems, true, config->file, "$.inbound.jwks_url");
    PROBLEM_SET(problem, what, "the keys come from another host than the issuer's");
    PROBLEM_SET(problem, found, "%.*s", (int)(jwks.host.len < 100 ? jwks.host.len : 100),
                jwks.host.data);
    PROBLEM_SET(problem, expected, "%.*s", (int)(issuer.host.len < 100 ? issuer.host.len : 100),
                issuer.host.data);
    PROBLEM_SET(problem, fix, "Check JWKS_ENDPOINT against the issuer of the IDaaS file.");
}

bool host_config_complete(struct host_config *config, const struct idaas_config *idaas,
                          struct problems *problems)
{
    size_t before = problems->error_count;

    if (!complete_issuer(config, idaas, problems))
        return false;
    compare_hosts(config, problems);
    for (size_t i = 0; idaas != NULL && i < config->credential_count; i++) {
        struct problem *problem;

        if (config->credentials[i].kind == CREDENTIAL_ACCESS_TOKEN ||
            idaas->developer_api_endpoint[0] != '\0')
            continue;
        problem = problems_add(problems, false, idaas->file, "$.developerApiEndpoint");
        PROBLEM_SET(problem, code, "DeveloperApiEndpointNotFound");
        PROBLEM_SET(problem, what, "developerApiEndpoint is missing");
        PROBLEM_SET(problem, expected, "the host that gives the credential \"%.60s\"",
                    config->credentials[i].name);
        PROBLEM_SET(problem, fix, "Add eiam-developerapi.<region>.aliyuncs.com.");
        break;
    }
    return problems->error_count == before;
}

void host_config_free(struct host_config *config)
{
    if (config == NULL)
        return;
    config_pool_free(config->pool);
    free(config);
}

void host_config_cleanup(struct host_config **slot)
{
    host_config_free(*slot);
}

const char *host_config_variable(const struct host_config *config, const char *path)
{
    return config_variable_at(config->variables, path);
}

const struct credential_config *host_config_credential(const struct host_config *config,
                                                       const char *name)
{
    for (size_t i = 0; i < config->credential_count; i++) {
        if (strcmp(config->credentials[i].name, name) == 0)
            return &config->credentials[i];
    }
    return NULL;
}

const struct tool_config *host_config_tool(const struct host_config *config, const char *name)
{
    for (size_t i = 0; i < config->tool_count; i++) {
        if (strcmp(config->tools[i].name, name) == 0)
            return &config->tools[i];
    }
    return NULL;
}

const struct plugin_config *host_config_plugin(const struct host_config *config, const char *id)
{
    for (size_t i = 0; i < config->plugins.count; i++) {
        if (strcmp(config->plugins.items[i].id, id) == 0)
            return &config->plugins.items[i];
    }
    return NULL;
}

enum placement host_config_placement(const struct host_config *config, const char *plugin_id,
                                     const struct tool_config *tool)
{
    const struct plugin_config *plugin = host_config_plugin(config, plugin_id);

    if (tool != NULL && tool->placement != PLACEMENT_DEFAULT)
        return tool->placement;
    if (plugin != NULL && plugin->placement != PLACEMENT_DEFAULT)
        return plugin->placement;
    return config->plugins.default_placement;
}

const char *host_config_plugin_directory(const struct host_config *config, const char *plugin_id)
{
    const struct plugin_config *plugin = host_config_plugin(config, plugin_id);

    if (plugin != NULL && plugin->directory[0] != '\0')
        return plugin->directory;
    return config->plugins.directory;
}
