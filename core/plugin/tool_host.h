/* A configured tool, host-wide; private to core/plugin. */
#ifndef SESAME_PLUGIN_TOOL_HOST_H
#define SESAME_PLUGIN_TOOL_HOST_H

#include "plugin/tool_port.h"

struct tool_host {
    struct tool_host_options options;
    struct json_object *config; /* prepared */
};

#endif
