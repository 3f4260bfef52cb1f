/* The tools of a host, by its configuration. */
#include "cli/tool_host_set.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/locate.h"
#include "config/host_config.h"
#include "plugin/catalogue.h"
#include "plugin/tool_port.h"
#include "server/ready.h"

#include <stdio.h>
#include <stdlib.h>

struct tool_host_set {
    struct tool_set_options options;
    struct tool_host **hosts;
    size_t *config_index; /* in the configuration, by tool */
    size_t count;
};

static enum placement placement_of(const struct tool_host_set *set,
                                   const struct plugin_manifest *manifest,
                                   const struct tool_config *tool)
{
    enum placement placement = host_config_placement(set->options.config, manifest->id, tool);

    return placement == PLACEMENT_DEFAULT ? manifest->placement : placement;
}

/* The library of a tool that lives in a process is never mapped here. */
static struct plugin_library *open_library(struct tool_host_set *set,
                                           const struct plugin_manifest *manifest,
                                           enum placement placement, struct error *err)
{
    CLEANUP(cleanup_free) char *program = NULL;

    if (placement != PLACEMENT_PROCESS)
        return plugin_library_open(set->options.catalogue, manifest, err);
    program = locate_sandbox();
    if (program != NULL)
        return plugin_library_open_apart(set->options.catalogue, manifest, program, err);
    error_set(err, ERROR_NO_MEMORY, "no memory for a plugin");
    return NULL;
}

/* What the kernel lacks is said once at the start and shows in GET /ready, or ends the start. */
static bool check_isolation(struct tool_host_set *set, const struct tool_config *tool,
                            const struct plugin_library *library, struct error *err)
{
    char missing[100], entry[100];

    plugin_library_missing_guards(library, missing, sizeof missing);
    (void)snprintf(entry, sizeof entry, "isolation of %.80s", tool->name);
    if (missing[0] == '\0') {
        ready_board_set(set->options.ready, entry, false, true, "");
        return true;
    }
    if (tool->is_isolation_required)
        return error_set_named(err, ERROR_DENIED, "IsolationIncomplete",
                               "this kernel does not offer: %s; set isolation to \"best-effort\" "
                               "to go without",
                               missing);
    ready_board_set(set->options.ready, entry, false, false, missing);
    log_warn("plugin", "this kernel holds a plugin's process back less than it could",
             LOG_TEXT("tool", tool->name), LOG_TEXT("missing", missing));
    return true;
}

/* A granted program is held back by all there is, or not run: the start would have ended. */
static void say_program(struct tool_host_set *set, const struct tool_config *tool)
{
    char entry[100];

    if (tool->program.path[0] == '\0')
        return;
    (void)snprintf(entry, sizeof entry, "program of %.80s", tool->name);
    ready_board_set(set->options.ready, entry, false, true, tool->program.path);
    log_info("plugin",
             "a tool may have a program run, in processes without network, environment, other "
             "files and children",
             LOG_TEXT("tool", tool->name), LOG_TEXT("program", tool->program.path),
             LOG_INT("reads", tool->program.read_count),
             LOG_TEXT("pinned", tool->program.sha256[0] == '\0' ? "no" : "by digest"));
}

static bool make_tool(struct tool_host_set *set, size_t index, struct error *err)
{
    const struct host_config *config = set->options.config;
    const struct tool_config *tool = &config->tools[index];
    const struct plugin_manifest *manifest =
        plugin_catalogue_require(set->options.catalogue, tool->plugin, err);
    CLEANUP(cleanup_free) char *sandbox = locate_sandbox();
    char entry[80];
    struct tool_host_options options = {
        .config = tool,
        .broker = set->options.broker,
        .sandbox = sandbox == NULL ? "" : sandbox,
        .watch = set->options.watch,
        .result_max_bytes = 4 * 1024 * 1024,
        .json_depth = (int)config->limits.tool_result_json_depth,
    };

    if (manifest == NULL)
        return error_prefix(err, "tools.%s", tool->name);
    options.placement = placement_of(set, manifest, tool);
    options.library = open_library(set, manifest, options.placement, err);
    if (options.library == NULL || (options.placement == PLACEMENT_PROCESS &&
                                    !check_isolation(set, tool, options.library, err)))
        return error_prefix(err, "tools.%s", tool->name);
    set->hosts[set->count] = tool_host_new(&options, err);
    if (set->hosts[set->count] == NULL)
        return false;
    say_program(set, tool);
    if (!tool_host_is_of_users(set->hosts[set->count])) {
        (void)snprintf(entry, sizeof entry, "tool %.60s", tool->name);
        ready_board_expect(set->options.ready, entry, false, "not listed yet");
    }
    set->config_index[set->count++] = index;
    return true;
}

static void leave_out(const struct tool_host_set *set, const struct tool_config *tool,
                      const struct error *why)
{
    char entry[80];

    (void)snprintf(entry, sizeof entry, "tool %.60s", tool->name);
    ready_board_set(set->options.ready, entry, false, false, why->message);
    log_warn("tool", "a tool is left out", LOG_TEXT("tool", tool->name),
             LOG_TEXT("reason", why->message));
}

static bool make_tools(struct tool_host_set *set, struct error *err)
{
    const struct host_config *config = set->options.config;

    set->hosts = calloc(config->tool_count + 1, sizeof(struct tool_host *));
    set->config_index = calloc(config->tool_count + 1, sizeof *set->config_index);
    if (set->hosts == NULL || set->config_index == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory for the tools");
    for (size_t i = 0; i < config->tool_count; i++) {
        struct error why = {0};

        if (make_tool(set, i, &why))
            continue;
        if (config->tools[i].is_required) {
            *err = why;
            return false;
        }
        leave_out(set, &config->tools[i], &why);
    }
    return true;
}

struct tool_host_set *tool_host_set_new(const struct tool_set_options *options, struct error *err)
{
    struct tool_host_set *set = calloc(1, sizeof *set);

    if (set == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for the tools");
        return NULL;
    }
    set->options = *options;
    if (make_tools(set, err))
        return set;
    tool_host_set_free(set);
    return NULL;
}

size_t tool_host_set_count(const struct tool_host_set *set)
{
    return set == NULL ? 0 : set->count;
}

struct tool_host *tool_host_set_at(const struct tool_host_set *set, size_t index)
{
    return set->hosts[index];
}

struct tool_host *tool_host_set_find(const struct tool_host_set *set, size_t config_index)
{
    for (size_t i = 0; i < tool_host_set_count(set); i++)
        if (set->config_index[i] == config_index)
            return set->hosts[i];
    return NULL;
}

bool tool_host_set_is_required(const struct tool_host_set *set, size_t index)
{
    return set->options.config->tools[set->config_index[index]].is_required;
}

void tool_host_set_leave_out(const struct tool_host_set *set, size_t index, const struct error *why)
{
    leave_out(set, &set->options.config->tools[set->config_index[index]], why);
}

void tool_host_set_free(struct tool_host_set *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->count; i++)
        tool_host_free(set->hosts[i]);
    free(set->hosts);
    free(set->config_index);
    free(set);
}
