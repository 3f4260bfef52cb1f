/* sesame plugin list: what is installed, and how it does in the host that runs. */
#ifndef SESAME_CLI_PLUGIN_LIST_H
#define SESAME_CLI_PLUGIN_LIST_H

struct host_config;
struct plugin_catalogue;

/* Prints the catalogue and, when `config` (NULL for none) names an address for metrics that
 * answers, a line for each use of a plugin there. The exit code. */
int plugin_list(const struct plugin_catalogue *catalogue, const struct host_config *config);

#endif
