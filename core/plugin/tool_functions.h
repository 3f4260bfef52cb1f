/* The list of functions a tool offers, as the host keeps it; private to core/plugin. */
#ifndef SESAME_PLUGIN_TOOL_FUNCTIONS_H
#define SESAME_PLUGIN_TOOL_FUNCTIONS_H

#include "plugin/tool_port.h"

struct tool_config;

/* Reads what `list` was completed with. Functions that are broken, or not as the tool's pins want
 * them, are left out with a warning. `tool` is used during the call only. */
struct tool_functions *tool_functions_parse(const char *data, size_t len, int json_depth,
                                            const struct tool_config *tool, struct error *err);

/* Whether a function may have this name (sesame/tool.h). */
bool tool_function_is_name(const char *name, size_t len);

#endif
