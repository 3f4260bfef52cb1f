/* A plugin's configuration: checked against its schema, completed, and the marks in the schema. */
#ifndef SESAME_PLUGIN_PLUGIN_CONFIG_H
#define SESAME_PLUGIN_PLUGIN_CONFIG_H

#include <stdbool.h>

struct error;
struct json_object;
struct plugin_library;
struct tool_config;

/* Whether the schema's "x-env" marks count: for credential providers only, since a tool could read
 * any variable by them. */
enum plugin_environment { PLUGIN_ENVIRONMENT_UNSEEN, PLUGIN_ENVIRONMENT_SEEN };

/* Parses `config_json`, lays it over the preset it names ("preset": NAME, when the manifest has
 * presets), fills in what "x-env" marks name, applies defaults and checks everything; all faults
 * are in the message, with `what` in front. The caller owns the result. With
 * PLUGIN_ENVIRONMENT_SEEN before other threads start. */
struct json_object *plugin_config_prepare(const struct plugin_library *library,
                                          const char *config_json,
                                          enum plugin_environment environment, const char *what,
                                          struct error *err);

/* Calls `fn` for every text of the configuration whose property carries `mark` ("x-origin",
 * "x-secret", "x-credential") in the schema; `kind` is the mark's text ("env", "file"), "" for
 * true. `pointer` is the RFC 6901 place. Stops when `fn` returns false. */
bool plugin_config_each(const struct plugin_library *library, struct json_object *config,
                        const char *mark,
                        bool (*fn)(void *arg, const char *pointer, const char *kind,
                                   const char *value, struct error *err),
                        void *arg, struct error *err);

/* Whether all credentials that the configuration names ("x-credential") are the tool's. */
bool plugin_config_check_credentials(const struct plugin_library *library,
                                     struct json_object *config, const struct tool_config *tool,
                                     struct error *err);

#endif
