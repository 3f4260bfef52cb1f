/* The plugin's library, mapped into a check's process without an instance. */
#include "check/loaded.h"

#include "base/json.h"

#include <dlfcn.h>
#include <sesame/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct sesame_plugin *check_raw_descriptor(struct check *check)
{
    /* A name without a slash would be looked for elsewhere. */
    char path[4096];
    union {
        void *symbol;
        const struct sesame_plugin *descriptor;
    } found;
    void *handle;

    (void)snprintf(path, sizeof path, "%s/%s", check->target->directory, check->target->name);
    check_step(check, "the library is loaded");
    handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        check_skip(check, "the library cannot be loaded (load.works says why)");
    found.symbol = dlsym(handle, "sesame_plugin_v1");
    if (found.symbol == NULL)
        check_skip(check, "it does not export sesame_plugin_v1 (elf.symbol says what it does)");
    return found.descriptor;
}

const struct sesame_plugin *check_descriptor(struct check *check)
{
    const struct sesame_plugin *plugin = check_raw_descriptor(check);

    if (plugin->id == NULL || plugin->version == NULL || plugin->description == NULL ||
        plugin->config_schema == NULL || plugin->needs == NULL || plugin->offers == NULL ||
        plugin->get_interface == NULL || plugin->create == NULL || plugin->destroy == NULL)
        check_skip(check,
                   "the descriptor is incomplete (descriptor.complete says what is missing)");
    return plugin;
}

struct json_object *check_schema(struct check *check)
{
    const char *text = check_descriptor(check)->config_schema;
    struct error err = {0};
    struct json_object *schema = json_parse(text, strlen(text), JSON_DEPTH_DEFAULT, &err);

    if (schema == NULL)
        check_skip(check, "the schema is no JSON (descriptor.schema-json says why)");
    return schema;
}
