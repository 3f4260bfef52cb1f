/* The tools of a host, by its configuration. */
#ifndef SESAME_CLI_TOOL_HOST_SET_H
#define SESAME_CLI_TOOL_HOST_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "plugin/plugin_host.h"

struct broker;
struct error;
struct host_config;
struct plugin_catalogue;
struct ready_board;
struct tool_host;
struct tool_host_set;

struct tool_set_options {
    const struct host_config *config;
    struct plugin_catalogue *catalogue;
    struct broker *broker;
    struct ready_board *ready; /* learns what the kernel lacks, and which programs may run */
    struct plugin_watch watch;
};

/* Loads and makes all of them. One that is not required and fails is left out, which is logged. The
 * options are borrowed for the set's lifetime. */
struct tool_host_set *tool_host_set_new(const struct tool_set_options *options, struct error *err);

size_t tool_host_set_count(const struct tool_host_set *set);
struct tool_host *tool_host_set_at(const struct tool_host_set *set, size_t index);
/* The tool with this index in the configuration; NULL when it was left out. */
struct tool_host *tool_host_set_find(const struct tool_host_set *set, size_t config_index);
bool tool_host_set_is_required(const struct tool_host_set *set, size_t index);

/* Says that a tool could not be made on a worker. [any thread] */
void tool_host_set_leave_out(const struct tool_host_set *set, size_t index,
                             const struct error *why);

/* Ends their threads and processes, and waits for them. Their ports must be gone; NULL is fine. */
void tool_host_set_free(struct tool_host_set *set);

#endif
