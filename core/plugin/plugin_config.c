/* A plugin's configuration: checked against its schema, completed, and the marks in the schema. */
#include "plugin/plugin_config.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/json_schema.h"
#include "base/text.h"
#include "config/host_config.h"
#include "plugin/library.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MARK_DEPTH_MAX 8

static bool refuse_preset(struct json_object *presets, const char *name, struct error *err)
{
    char known[120] = "";
    size_t used = 0;

    json_object_object_foreach(presets, preset, value)
    {
        (void)value;
        if (used < sizeof known) /* cutting the list off is fine */
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s",
                                     used == 0 ? "" : ", ", preset);
    }
    return error_set(err, ERROR_BAD_INPUT,
                     "$.preset: the plugin has no preset \"%.60s\", it has %s", name, known);
}

/* Members of the preset that the configuration does not have itself. */
static bool apply_preset(const struct plugin_manifest *manifest, struct json_object *config,
                         struct error *err)
{
    const char *name = json_get_string(config, "preset", NULL);
    struct json_object *preset;

    if (name == NULL || manifest->presets == NULL)
        return true;
    preset = json_get_object(manifest->presets, name);
    if (preset == NULL)
        return refuse_preset(manifest->presets, name, err);
    json_object_object_foreach(preset, member, value)
    {
        struct json_object *copy = NULL;

        if (json_object_object_get_ex(config, member, NULL))
            continue;
        if (json_object_deep_copy(value, &copy, NULL) != 0)
            return error_set(err, ERROR_NO_MEMORY, "no memory for a preset");
        json_object_object_add(config, member, copy);
    }
    json_object_object_del(config, "preset");
    return true;
}

/* The variable's text as the property's type wants it; what is no whole number stays a text, which
 * the check then refuses. */
static struct json_object *value_from_environment(struct json_object *property, const char *text)
{
    const char *type = json_get_string(property, "type", NULL);
    int64_t number;

    if (type != NULL && strcmp(type, "boolean") == 0)
        return json_object_new_boolean(strcasecmp(text, "true") == 0);
    if (type != NULL && strcmp(type, "integer") == 0 && parse_int64(text, strlen(text), &number))
        return json_object_new_int64(number);
    return json_object_new_string(text);
}

static bool apply_environment(struct json_object *schema, struct json_object *config,
                              struct error *err)
{
    struct json_object *properties = json_get_object(schema, "properties");

    if (properties == NULL)
        return true;
    json_object_object_foreach(properties, name, property)
    {
        const char *variable, *text;
        struct json_object *value;

        if (!json_object_is_type(property, json_type_object) ||
            json_object_object_get_ex(config, name, NULL))
            continue;
        variable = json_get_string(property, "x-env", NULL);
        text = variable == NULL ? NULL : getenv(variable);
        if (text == NULL || text[0] == '\0')
            continue;
        value = value_from_environment(property, text);
        if (value == NULL || json_object_object_add(config, name, value) != 0)
            return error_set(err, ERROR_NO_MEMORY, "no memory for a configuration");
    }
    return true;
}

struct json_object *plugin_config_prepare(const struct plugin_library *library,
                                          const char *config_json,
                                          enum plugin_environment environment, const char *what,
                                          struct error *err)
{
    CLEANUP(json_cleanup)
    struct json_object *config =
        json_parse(config_json, strlen(config_json), JSON_DEPTH_DEFAULT, err);

    if (config != NULL && !json_object_is_type(config, json_type_object))
        error_set(err, ERROR_BAD_INPUT, "the configuration is no object");
    if (err->code == ERROR_NONE && config != NULL && apply_preset(library->manifest, config, err) &&
        (environment == PLUGIN_ENVIRONMENT_UNSEEN ||
         apply_environment(library->schema_json, config, err)) &&
        json_schema_apply_defaults(library->schema, config, err) &&
        json_schema_check(library->schema, config, err))
        return TAKE(config);
    error_prefix(err, "%s", what);
    return NULL;
}

struct walk {
    const char *mark;
    bool (*fn)(void *arg, const char *pointer, const char *kind, const char *value,
               struct error *err);
    void *arg;
    struct error *err;
};

static bool visit(const struct walk *walk, struct json_object *schema, struct json_object *value,
                  const char *pointer, int depth);

static bool walk_object(const struct walk *walk, struct json_object *schema,
                        struct json_object *config, const char *at, int depth)
{
    struct json_object *properties = json_get_object(schema, "properties");

    if (properties == NULL)
        return true;
    json_object_object_foreach(properties, name, property)
    {
        struct json_object *value;
        char pointer[256];

        if (json_object_is_type(property, json_type_object) &&
            json_object_object_get_ex(config, name, &value) &&
            snprintf(pointer, sizeof pointer, "%s/%s", at, name) < (int)sizeof pointer &&
            !visit(walk, property, value, pointer, depth + 1))
            return false;
    }
    return true;
}

static bool walk_array(const struct walk *walk, struct json_object *schema,
                       struct json_object *array, const char *at, int depth)
{
    struct json_object *items = json_get_object(schema, "items");

    for (size_t i = 0; items != NULL && i < json_object_array_length(array); i++) {
        char pointer[256];

        if (snprintf(pointer, sizeof pointer, "%s/%zu", at, i) < (int)sizeof pointer &&
            !visit(walk, items, json_object_array_get_idx(array, i), pointer, depth + 1))
            return false;
    }
    return true;
}

static bool visit(const struct walk *walk, struct json_object *schema, struct json_object *value,
                  const char *pointer, int depth)
{
    struct json_object *mark;

    if (depth > MARK_DEPTH_MAX)
        return true;
    if (json_object_is_type(value, json_type_object))
        return walk_object(walk, schema, value, pointer, depth);
    if (json_object_is_type(value, json_type_array))
        return walk_array(walk, schema, value, pointer, depth);
    return !json_object_object_get_ex(schema, walk->mark, &mark) ||
           !json_object_is_type(value, json_type_string) ||
           json_object_get_string_len(value) == 0 ||
           walk->fn(walk->arg, pointer,
                    json_object_is_type(mark, json_type_string) ? json_object_get_string(mark) : "",
                    json_object_get_string(value), walk->err);
}

bool plugin_config_each(const struct plugin_library *library, struct json_object *config,
                        const char *mark,
                        bool (*fn)(void *arg, const char *pointer, const char *kind,
                                   const char *value, struct error *err),
                        void *arg, struct error *err)
{
    const struct walk walk = {mark, fn, arg, err};

    return visit(&walk, library->schema_json, config, "", 0);
}

static bool check_credential(void *arg, const char *pointer, const char *kind, const char *name,
                             struct error *err)
{
    const struct tool_config *config = arg;

    (void)kind;
    for (size_t i = 0; i < config->credential_count; i++)
        if (strcmp(config->credentials[i], name) == 0)
            return true;
    return error_set(err, ERROR_BAD_INPUT,
                     "tools.%s.config%s names the credential \"%.60s\", which tools.%s.credentials "
                     "does not list",
                     config->name, pointer, name, config->name);
}

bool plugin_config_check_credentials(const struct plugin_library *library,
                                     struct json_object *config, const struct tool_config *tool,
                                     struct error *err)
{
    struct tool_config *arg;

    memcpy(&arg, &tool, sizeof arg); /* the callback's argument is not const */
    return plugin_config_each(library, config, "x-credential", check_credential, arg, err);
}
