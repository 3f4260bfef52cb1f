/* What the credential provider that the IDaaS file picks gets for its configuration. */
#ifndef SESAME_CLI_PROVIDER_CONFIG_H
#define SESAME_CLI_PROVIDER_CONFIG_H

#include <stdbool.h>

struct buffer;
struct error;
struct plugin_library;
struct setup;

/* The IDaaS file as JSON and, on top, "plugins"."settings".ID."config" of the host file. A member
 * there that the plugin's schema does not know, or that the IDaaS file decides, is refused. */
bool provider_config_from_idaas(const struct setup *setup, const struct plugin_library *library,
                                struct buffer *out, struct error *err);

#endif
