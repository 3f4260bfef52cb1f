/* A library's descriptor, found and found complete: the same wherever the library is mapped. */
#include "plugin/descriptor.h"

#include "base/error.h"

#include <dlfcn.h>
#include <sesame/credential_provider.h>
#include <sesame/tool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

const struct sesame_plugin *plugin_descriptor_load(int fd, struct error *err)
{
    union {
        void *symbol;
        const struct sesame_plugin *plugin;
    } found;
    char path[40];
    void *library;

    /* By the descriptor that was checked, so that nobody can swap the file in between. */
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        const char *reason = dlerror();

        error_set_named(err, ERROR_BAD_INPUT, "PluginNotLoadable", "%s",
                        reason == NULL ? "cannot be loaded" : reason);
        return NULL;
    }
    found.symbol = dlsym(library, "sesame_plugin_v1");
    if (found.symbol != NULL)
        return found.plugin;
    if (dlsym(library, "sesame_plugin_v2") != NULL)
        error_set_named(err, ERROR_BAD_INPUT, "PluginWrongVersion",
                        "wanted the symbol sesame_plugin_v1, found sesame_plugin_v2: it needs a "
                        "newer sesame");
    else
        error_set_named(err, ERROR_BAD_INPUT, "PluginNoSymbol",
                        "wanted the symbol sesame_plugin_v1, found none: is it a sesame plugin?");
    return NULL;
}

bool plugin_descriptor_check(const struct sesame_plugin *plugin, struct error *err)
{
    const struct {
        const char *name;
        bool is_there;
    } members[] = {
        {"id", plugin->id != NULL},
        {"version", plugin->version != NULL},
        {"description", plugin->description != NULL},
        {"config_schema", plugin->config_schema != NULL},
        {"needs", plugin->needs != NULL},
        {"offers", plugin->offers != NULL},
        {"get_interface", plugin->get_interface != NULL},
        {"create", plugin->create != NULL},
        {"destroy", plugin->destroy != NULL},
    };

    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (!members[i].is_there)
            return error_set_named(err, ERROR_BAD_INPUT, "PluginBadDescriptor",
                                   "sesame_plugin_v1.%s is NULL (only `stop` may be)",
                                   members[i].name);
    return true;
}

static bool has_null(const char *id, const void *table)
{
    if (strcmp(id, SESAME_TOOL_V1) == 0) {
        const struct sesame_tool_v1 *tool = table;

        return tool->list == NULL || tool->call == NULL || tool->cancel == NULL;
    } else {
        const struct sesame_credential_provider_v1 *provider = table;

        return provider->fetch == NULL || provider->cancel == NULL;
    }
}

bool plugin_descriptor_check_interface(const struct sesame_plugin *plugin, const char *id,
                                       struct error *err)
{
    const void *table;

    if (strcmp(id, SESAME_TOOL_V1) != 0 && strcmp(id, SESAME_CREDENTIAL_PROVIDER_V1) != 0)
        return true;
    table = plugin->get_interface(id);
    if (table != NULL && !has_null(id, table))
        return true;
    return error_set_named(err, ERROR_BAD_INPUT, "PluginBadDescriptor",
                           "get_interface(\"%s\") gives %s, wanted a table of functions", id,
                           table == NULL ? "NULL" : "a table with a NULL in it");
}
