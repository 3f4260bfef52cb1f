/* A credential provider plugin behind the broker's table. */
#ifndef SESAME_PLUGIN_PROVIDER_PORT_H
#define SESAME_PLUGIN_PROVIDER_PORT_H

#include "config/host_config.h"
#include "credential/provider.h"
#include "plugin/plugin_host.h"

struct error;
struct plugin_library;
struct provider_port;

struct provider_port_options {
    struct plugin_library *library;
    struct plugin_home home;  /* the broker's thread; `credentials` NULL */
    const char *config_json;  /* what the plugin gets, before its schema's defaults */
    enum placement placement; /* INLINE or THREAD */
    /* Of the HTTP client of a thread; 0: the client's default. */
    int32_t connect_timeout_ms;
    struct plugin_watch watch;
};

/* Creates the instance, with THREAD on a thread of its own; environment variables that the schema
 * marks "x-secret" are moved into locked memory and wiped from the environment now. On the broker's
 * thread, before others start (secret_from_environment). */
struct provider_port *provider_port_new(const struct provider_port_options *options,
                                        struct error *err);
struct credential_provider provider_port_table(struct provider_port *port);
/* Stops the instance; open fetches must have been cancelled. Waits some seconds for a thread. */
void provider_port_free(struct provider_port *port);

#endif
