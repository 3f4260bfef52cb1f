/* What a plugin asks for, and what the operator's configuration grants it. */
#ifndef SESAME_CLI_PLUGIN_SHOW_H
#define SESAME_CLI_PLUGIN_SHOW_H

struct host_config;
struct plugin_catalogue;
struct plugin_manifest;

/* Prints both to standard output; `config` NULL when there is none. The exit code. */
int plugin_show(struct plugin_catalogue *catalogue, const struct plugin_manifest *manifest,
                const struct host_config *config);

#endif
