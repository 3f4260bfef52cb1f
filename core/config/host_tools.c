/* Tools, credential providers, plugins and their placements. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "config/host_parts.h"
#include "config/problems.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TOOL_CONFIG_MAX_BYTES ((size_t)1 << 20)

static const char *const placements[] = {"default", "inline", "thread", "process"};

const char *placement_text(enum placement placement)
{
    return placements[placement];
}

static enum placement read_placement(const struct place *place)
{
    const char *text = place_text(place, "placement", "");
    int choice;

    if (text[0] == '\0')
        return PLACEMENT_DEFAULT;
    choice = place_choice(place, "placement", text, placements + 1, COUNT(placements) - 1);
    return choice < 0 ? PLACEMENT_DEFAULT : (enum placement)(choice + 1);
}

/* "required" or "best-effort". */
static bool read_isolation(const struct place *place, bool otherwise)
{
    static const char *const choices[] = {"best-effort", "required"};
    const char *text = place_text(place, "isolation", "");
    int choice;

    if (text[0] == '\0')
        return otherwise;
    choice = place_choice(place, "isolation", text, choices, COUNT(choices));
    return choice < 0 ? otherwise : choice == 1;
}

/* Texts in a plugin's configuration must not be secrets either: plugins name credentials. */
static void refuse_secrets(const struct place *place, const char *key, struct json_object *value,
                           const char *fix)
{
    struct problem *problem;

    if (json_object_is_type(value, json_type_object)) {
        json_object_object_foreach(value, name, inner)
        {
            refuse_secrets(place, name, inner, fix);
        }
        return;
    }
    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++)
            refuse_secrets(place, key, json_object_array_get_idx(value, i), fix);
        return;
    }
    if (!json_object_is_type(value, json_type_string) ||
        !config_looks_like_secret(json_object_get_string(value)))
        return;
    problem = place_problem(place, false, key);
    PROBLEM_SET(problem, what, "looks like a secret (not shown)");
    PROBLEM_SET(problem, fix, "%s", fix);
}

char *host_read_object(const struct place *owner, const char *key, const char *secret_fix)
{
    CLEANUP(json_cleanup) struct json_object *expanded = NULL;
    CLEANUP(buffer_clear) struct buffer text;
    struct error err = {0};
    struct place place;

    buffer_init(&text, TOOL_CONFIG_MAX_BYTES);
    place_object(owner, key, &place);
    if (place.object != NULL)
        refuse_secrets(&place, "", place.object, secret_fix);
    expanded = place_expand_object(&place);
    if (expanded == NULL || !json_add_value(&text, expanded, &err)) {
        owner->reader->out_of_memory = true;
        return place_copy(owner, "", 0);
    }
    return place_copy(owner, text.data, text.len);
}

/* `source`: the command that prints it. */
static char *read_digest(const struct place *place, const char *key, const char *source)
{
    char *text = place_text(place, key, "");
    struct problem *problem;

    if (text[0] == '\0' || (strlen(text) == 64 && strspn(text, "0123456789abcdefABCDEF") == 64))
        return text;
    problem = place_problem(place, false, key);
    PROBLEM_SET(problem, what, "not a SHA-256 digest");
    PROBLEM_SET(problem, found, "\"%.80s\"", text);
    PROBLEM_SET(problem, expected, "64 hex digits, as %s prints them", source);
    return text;
}

static void read_plugin(const struct place *place, struct plugins_config *plugins,
                        struct plugin_config *out)
{
    static const char *const keys[] = {"placement", "required",  "isolation", "signed",
                                       "sha256",    "directory", "config"};

    place_check_keys(place, keys, COUNT(keys));
    out->placement = read_placement(place);
    out->is_required = place_bool(place, "required", plugins->default_is_required);
    out->is_isolation_required = read_isolation(place, plugins->default_is_isolation_required);
    out->must_be_signed = place_bool(place, "signed", plugins->default_must_be_signed);
    out->sha256 = read_digest(place, "sha256", "sesame plugin digest FILE");
    out->directory = place_text(place, "directory", "");
    out->config_json = host_read_object(
        place, "config",
        "Name the variable or the file that holds it, as the plugin's README says.");
}

static void read_settings(const struct place *place, struct host_config *config)
{
    struct plugins_config *plugins = &config->plugins;
    struct place settings;
    size_t count;

    if (!place_object(place, "settings", &settings) || settings.object == NULL)
        return;
    count = (size_t)json_object_object_length(settings.object);
    plugins->items = config_pool_alloc(config->pool, (count + 1) * sizeof *plugins->items);
    if (plugins->items == NULL) {
        place->reader->out_of_memory = true;
        return;
    }
    json_object_object_foreach(settings.object, id, value)
    {
        struct plugin_config *item = &plugins->items[plugins->count++];
        struct place inner;

        (void)value;
        item->id = place_copy(place, id, strlen(id));
        place_object(&settings, id, &inner);
        read_plugin(&inner, plugins, item);
    }
}

static void check_signing(const struct place *place, const struct plugins_config *plugins)
{
    bool is_wanted = plugins->default_must_be_signed;
    struct problem *problem;

    for (size_t i = 0; i < plugins->count; i++)
        is_wanted = is_wanted || plugins->items[i].must_be_signed;
    if (!is_wanted || plugins->trusted_key_count > 0)
        return;
    problem = place_problem(place, false, "trusted_keys");
    PROBLEM_SET(problem, what, "plugins must be signed, and no key is trusted");
    PROBLEM_SET(problem, expected, "a list of files with Ed25519 public keys in PEM form");
}

void host_read_plugins(const struct place *root, struct host_config *config)
{
    static const char *const keys[] = {"directory", "trusted_keys", "defaults", "settings"};
    static const char *const default_keys[] = {"placement", "required", "isolation", "signed"};
    struct plugins_config *plugins = &config->plugins;
    struct place place, defaults;

    place_object(root, "plugins", &place);
    place_check_keys(&place, keys, COUNT(keys));
    plugins->directory = place_text(&place, "directory", "");
    place_object(&place, "defaults", &defaults);
    place_check_keys(&defaults, default_keys, COUNT(default_keys));
    plugins->default_placement = read_placement(&defaults);
    plugins->default_is_required = place_bool(&defaults, "required", true);
    plugins->default_is_isolation_required = read_isolation(&defaults, false);
    plugins->default_must_be_signed = place_bool(&defaults, "signed", false);
    plugins->trusted_keys = place_texts(&place, "trusted_keys", &plugins->trusted_key_count);
    read_settings(&place, config);
    check_signing(&place, plugins);
}

static char *read_plugin_id(const struct place *place, const char *expected)
{
    char *id = host_required_text(place, "plugin", expected);
    struct problem *problem;

    if (id[0] == '\0' || host_is_name(id))
        return id;
    problem = place_problem(place, false, "plugin");
    PROBLEM_SET(problem, what, "not the id of a plugin");
    PROBLEM_SET(problem, expected, "letters, digits, '-' and '_', not a path");
    return id;
}

static void read_provider(const struct place *place, struct provider_config *out)
{
    static const char *const keys[] = {"plugin", "config", "placement"};

    place_check_keys(place, keys, COUNT(keys));
    out->plugin = read_plugin_id(place, "the id of a credential provider plugin, such as oauth2");
    out->config_json = host_read_object(
        place, "config",
        "Put it into an environment variable or a file and name that here instead.");
    out->placement = read_placement(place);
}

void host_read_providers(const struct place *root, struct host_config *config)
{
    struct place all;
    size_t count;

    if (!place_object(root, "credential_providers", &all) || all.object == NULL)
        return;
    count = (size_t)json_object_object_length(all.object);
    config->providers = config_pool_alloc(config->pool, (count + 1) * sizeof *config->providers);
    if (config->providers == NULL) {
        root->reader->out_of_memory = true;
        return;
    }
    json_object_object_foreach(all.object, name, value)
    {
        struct provider_config *provider = &config->providers[config->provider_count++];
        struct place place;

        (void)value;
        provider->name = place_copy(&all, name, strlen(name));
        if (!host_is_name(name))
            PROBLEM_SET(place_problem(&all, false, name), what, "not a usable name");
        place_object(&all, name, &place);
        read_provider(&place, provider);
    }
}

static void check_credentials(const struct place *place, const struct host_config *config,
                              const struct tool_config *tool)
{
    for (size_t i = 0; i < tool->credential_count; i++) {
        char key[40];
        struct problem *problem;

        if (host_config_credential(config, tool->credentials[i]) != NULL)
            continue;
        problem_text(key, sizeof key, "credentials[%zu]", i);
        problem = place_problem(place, false, key);
        PROBLEM_SET(problem, what, "there is no credential of this name");
        PROBLEM_SET(problem, found, "\"%.60s\"", tool->credentials[i]);
        PROBLEM_SET(problem, expected, "a key of $.credentials");
    }
}

/* ---- the program of a tool ------------------------------------------------------------------- */

#define PROGRAM_MEMORY_MIN_BYTES ((int64_t)16 << 20)
#define PROGRAM_MEMORY_DEFAULT_BYTES ((int64_t)512 << 20)
#define PROGRAM_MEMORY_MAX_BYTES ((int64_t)64 << 30)

static void check_path(const struct place *place, const char *key, const char *path)
{
    struct problem *problem;

    if (path[0] == '/')
        return;
    problem = place_problem(place, false, key);
    PROBLEM_SET(problem, what, "not an absolute path");
    PROBLEM_SET(problem, found, "\"%.80s\"", path);
}

/* All files, other processes and devices are more than any program needs. */
static void check_read(const struct place *place, const char *key, const char *path)
{
    static const char *const closed[] = {"/proc", "/sys", "/dev"};
    bool is_closed =
        (path[0] == '/' && strspn(path, "/.") == strlen(path)) || strstr(path, "/../") != NULL;
    struct problem *problem;

    check_path(place, key, path);
    for (size_t i = 0; i < COUNT(closed); i++) {
        size_t len = strlen(closed[i]);

        is_closed = is_closed ||
                    (strncmp(path, closed[i], len) == 0 && (path[len] == '\0' || path[len] == '/'));
    }
    if (!is_closed)
        return;
    problem = place_problem(place, false, key);
    PROBLEM_SET(problem, what, "a program may not read all of the machine");
    PROBLEM_SET(problem, found, "\"%.80s\"", path);
    PROBLEM_SET(problem, expected, "files and folders, not /, /proc, /sys or /dev");
}

static void read_program(const struct place *owner, struct program_config *out)
{
    static const char *const keys[] = {"path", "arguments", "reads", "sha256", "memory_bytes"};
    struct json_object *arguments = NULL;
    struct place place;

    out->path = place_copy(owner, "", 0);
    out->sha256 = out->path;
    if (!place_object(owner, "program", &place) || place.object == NULL)
        return;
    place_check_keys(&place, keys, COUNT(keys));
    out->path = host_required_text(&place, "path", "the absolute path of a program");
    if (out->path[0] != '\0')
        check_path(&place, "path", out->path);
    if (json_object_object_get_ex(place.object, "arguments", &arguments))
        refuse_secrets(&place, "arguments", arguments,
                       "Everybody on the machine can read the arguments of a program.");
    out->arguments = place_texts(&place, "arguments", &out->argument_count);
    out->reads = place_texts(&place, "reads", &out->read_count);
    for (size_t i = 0; i < out->read_count; i++) {
        char key[40];

        problem_text(key, sizeof key, "reads[%zu]", i);
        check_read(&place, key, out->reads[i]);
    }
    out->sha256 = read_digest(&place, "sha256", "sha256sum FILE");
    out->memory_bytes = place_int(&place, "memory_bytes", PROGRAM_MEMORY_DEFAULT_BYTES,
                                  PROGRAM_MEMORY_MIN_BYTES, PROGRAM_MEMORY_MAX_BYTES);
}

static void read_pins(const struct place *owner, struct tool_config *tool)
{
    struct place place;
    size_t count;

    if (!place_object(owner, "pins", &place) || place.object == NULL)
        return;
    count = (size_t)json_object_object_length(place.object);
    tool->pins = config_pool_alloc(owner->reader->pool, (count + 1) * sizeof *tool->pins);
    if (tool->pins == NULL) {
        owner->reader->out_of_memory = true;
        return;
    }
    json_object_object_foreach(place.object, name, value)
    {
        struct function_pin *pin = &tool->pins[tool->pin_count++];

        (void)value;
        pin->name = place_copy(&place, name, strlen(name));
        pin->sha256 = read_digest(&place, name, "sesame tool list --pins");
    }
}

static void read_tool(const struct place *place, struct host_config *config,
                      struct tool_config *tool)
{
    static const char *const keys[] = {"plugin",    "credentials", "origins",   "program", "config",
                                       "placement", "required",    "isolation", "pins"};
    const struct plugins_config *plugins = &config->plugins;
    bool is_required = plugins->default_is_required;
    bool is_isolation_required = plugins->default_is_isolation_required;

    place_check_keys(place, keys, COUNT(keys));
    tool->plugin = read_plugin_id(place, "the id of a tool plugin, such as mcp");
    tool->credentials = place_texts(place, "credentials", &tool->credential_count);
    check_credentials(place, config, tool);
    tool->origins = host_read_origins(place, "origins", &tool->origin_count);
    read_program(place, &tool->program);
    read_pins(place, tool);
    tool->config_json = host_read_object(
        place, "config", "Declare a credential under $.credentials and name it here.");
    tool->placement = read_placement(place);
    for (size_t i = 0; i < plugins->count; i++) {
        if (strcmp(plugins->items[i].id, tool->plugin) != 0)
            continue;
        is_required = plugins->items[i].is_required;
        is_isolation_required = plugins->items[i].is_isolation_required;
    }
    tool->is_required = place_bool(place, "required", is_required);
    tool->is_isolation_required = read_isolation(place, is_isolation_required);
}

void host_read_tools(const struct place *root, struct host_config *config)
{
    struct place all;
    size_t count;

    if (!place_object(root, "tools", &all) || all.object == NULL)
        return;
    count = (size_t)json_object_object_length(all.object);
    config->tools = config_pool_alloc(config->pool, (count + 1) * sizeof *config->tools);
    if (config->tools == NULL) {
        root->reader->out_of_memory = true;
        return;
    }
    json_object_object_foreach(all.object, name, value)
    {
        struct tool_config *tool = &config->tools[config->tool_count++];
        struct place place;

        (void)value;
        tool->name = place_copy(&all, name, strlen(name));
        if (!host_is_name(name))
            PROBLEM_SET(place_problem(&all, false, name), what, "not a usable name");
        place_object(&all, name, &place);
        read_tool(&place, config, tool);
    }
}
