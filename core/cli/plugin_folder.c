/* The plugins that a configuration can choose from. */
#include "cli/plugin_folder.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "cli/locate.h"
#include "config/host_config.h"
#include "plugin/catalogue.h"

#include <stdlib.h>

struct plugin_catalogue *plugin_folder_open(const struct plugins_config *plugins, struct error *err)
{
    size_t count = 0, setting_count = plugins == NULL ? 0 : plugins->count;
    CLEANUP(cleanup_free)
    char *directory = locate_plugins(plugins == NULL ? "" : plugins->directory);
    CLEANUP(cleanup_free) const char **extra = calloc(setting_count + 1, sizeof *extra);
    struct plugin_catalogue *catalogue;

    if (directory == NULL || extra == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for the plugins");
        return NULL;
    }
    for (size_t i = 0; i < setting_count; i++)
        if (plugins->items[i].directory[0] != '\0')
            extra[count++] = plugins->items[i].directory;
    catalogue = plugin_catalogue_new(directory, extra, err);
    if (catalogue != NULL && plugins != NULL)
        plugin_catalogue_set_trust(catalogue, plugins);
    return catalogue;
}
