/* The plugins that a configuration can choose from. */
#ifndef SESAME_CLI_PLUGIN_FOLDER_H
#define SESAME_CLI_PLUGIN_FOLDER_H

struct error;
struct plugin_catalogue;
struct plugins_config;

/* Reads the manifests of the folders that `plugins` names, with its trust; NULL for what was
 * installed. `plugins` is borrowed for the catalogue's lifetime. */
struct plugin_catalogue *plugin_folder_open(const struct plugins_config *plugins,
                                            struct error *err);

#endif
