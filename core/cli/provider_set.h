/* The credential providers of a host: the one that the IDaaS file picks, and those that sesame.json
 * names. */
#ifndef SESAME_CLI_PROVIDER_SET_H
#define SESAME_CLI_PROVIDER_SET_H

#include "credential/provider.h"
#include "plugin/plugin_host.h"

struct error;
struct plugin_catalogue;
struct provider_set;
struct setup;

struct provider_set_options {
    const struct setup *setup;
    struct plugin_catalogue *catalogue;
    struct plugin_home home; /* the owner's thread; `credentials` NULL */
    struct plugin_watch watch;
};

/* Creates all instances. The error names the member of the configuration. On the owner's thread,
 * before others start (secret_from_environment). */
struct provider_set *provider_set_new(const struct provider_set_options *options,
                                      struct error *err);

/* By credential_config.provider: the first is the IDaaS file's, empty without such a file. */
const struct credential_provider *provider_set_tables(const struct provider_set *set);

/* The id of the plugin that the IDaaS file picks, "" without one. */
const char *provider_set_idaas_plugin(const struct provider_set *set);

/* Open fetches must have been cancelled. NULL is fine. */
void provider_set_free(struct provider_set *set);

#endif
