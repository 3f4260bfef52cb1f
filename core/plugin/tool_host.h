/* A configured tool, host-wide; private to core/plugin. */
#ifndef SESAME_PLUGIN_TOOL_HOST_H
#define SESAME_PLUGIN_TOOL_HOST_H

#include "plugin/tool_port.h"

#include <stdatomic.h>

struct tool_thread;

struct tool_host {
    struct tool_host_options options;
    /* Prepared, as text: json-c objects must not be read by several threads, its serialiser writes
     * into them. */
    char *config_text;
    struct tool_thread *thread; /* unless PLACEMENT_INLINE */
    bool is_users;              /* one of its credentials is the user's: no user, no request */
    atomic_uint list_epoch;     /* counts the plugin's "changed" */
    struct plugin_pulse pulse;
};

#endif
