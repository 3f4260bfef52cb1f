/* A library's descriptor, held against its manifest; its configuration schema. */
#include "plugin/library.h"

#include "base/error.h"
#include "base/json.h"
#include "base/json_schema.h"
#include "plugin/descriptor.h"

#include <sesame/tool.h>
#include <string.h>

static bool has_text(const char *const *list, const char *text)
{
    for (size_t i = 0; i < PLUGIN_LIST_MAX_COUNT && list[i] != NULL; i++)
        if (strcmp(list[i], text) == 0)
            return true;
    return false;
}

bool plugin_offers(const struct plugin_library *library, const char *interface_id)
{
    return has_text(library->descriptor->offers, interface_id);
}

static bool check_descriptor(struct plugin_library *library, const char *path, struct error *err)
{
    const struct sesame_plugin *plugin = library->descriptor;
    const struct plugin_manifest *manifest = library->manifest;

    if (!plugin_descriptor_check(plugin, err))
        return error_prefix(err, "%s", path);
    if (strcmp(plugin->id, manifest->id) != 0)
        return error_set_named(err, ERROR_BAD_INPUT, "PluginBadDescriptor",
                               "%s: wanted the id \"%s\" of its manifest, found \"%.64s\"", path,
                               manifest->id, plugin->id);
    for (char **named = manifest->interfaces; *named != NULL; named++)
        if (!has_text(plugin->offers, *named))
            return error_set_named(err, ERROR_BAD_INPUT, "PluginBadDescriptor",
                                   "%s: its manifest names the interface %s, which it does not "
                                   "offer",
                                   path, *named);
    for (size_t i = 0; i < PLUGIN_LIST_MAX_COUNT && plugin->offers[i] != NULL; i++) {
        /* A process serves tools; what else the library offers is not used there. */
        if (library->apart != NULL && strcmp(plugin->offers[i], SESAME_TOOL_V1) != 0)
            continue;
        if (!plugin_descriptor_check_interface(plugin, plugin->offers[i], err))
            return error_prefix(err, "%s", path);
    }
    return true;
}

static bool compile_schema(struct plugin_library *library, const char *path, struct error *err)
{
    const char *text = library->descriptor->config_schema;

    library->schema_json = json_parse(text, strlen(text), JSON_DEPTH_DEFAULT, err);
    if (library->schema_json != NULL)
        library->schema = json_schema_new(library->schema_json, err);
    return library->schema != NULL || error_prefix(err, "%s: its configuration schema", path);
}

bool plugin_library_check(struct plugin_library *library, const char *path, struct error *err)
{
    return check_descriptor(library, path, err) && compile_schema(library, path, err);
}
