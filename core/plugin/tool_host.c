/* A configured tool, host-wide: its configuration checked once, before any worker uses it. */
#include "plugin/tool_host.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "credential/broker.h"
#include "credential/credential_client.h"
#include "plugin/granted_program.h"
#include "plugin/library.h"
#include "plugin/plugin_config.h"
#include "plugin/tool_thread.h"

#include <json-c/json.h>
#include <sesame/tool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool prepare(struct tool_host *host, const char *what, struct error *err)
{
    const struct tool_host_options *options = &host->options;
    CLEANUP(json_cleanup)
    struct json_object *config = plugin_config_prepare(
        options->library, options->config->config_json, PLUGIN_ENVIRONMENT_UNSEEN, what, err);

    if (config == NULL ||
        !plugin_config_check_credentials(options->library, config, options->config, err))
        return false;
    host->config_text = json_text(config, err);
    return host->config_text != NULL;
}

/* Whether one of the tool's credentials stands for the user. */
static bool needs_user(const struct tool_host_options *options)
{
    const struct credential_config *known = NULL;
    size_t count = 0;

    if (options->broker != NULL)
        known = broker_credentials(options->broker, &count);
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < options->config->credential_count; c++)
            if (known[i].identity == IDENTITY_USER &&
                strcmp(known[i].name, options->config->credentials[c]) == 0)
                return true;
    return false;
}

static void on_changed(void *arg)
{
    struct tool_host *host = arg;

    atomic_fetch_add(&host->list_epoch, 1);
}

static bool start_thread(struct tool_host *host, struct error *err)
{
    if (host->options.placement == PLACEMENT_INLINE)
        return true;
    host->thread = tool_thread_start(&host->options, host->config_text, on_changed, host, err);
    return host->thread != NULL;
}

/* Nothing is run that was not granted, and nothing granted that nobody asked for. */
static bool open_program(struct tool_host *host, struct error *err)
{
    const struct tool_config *config = host->options.config;
    const struct plugin_manifest *manifest = host->options.library->manifest;
    bool is_granted = config->program.path != NULL && config->program.path[0] != '\0';

    if (manifest->wants_program && !is_granted)
        return error_set_named(err, ERROR_DENIED, "ProgramNotGranted",
                               "tools.%s: the plugin %s wants to have a program run and may not: "
                               "name the one it may in tools.%s.program",
                               config->name, manifest->id, config->name);
    if (is_granted && !manifest->wants_program)
        return error_set(err, ERROR_BAD_INPUT,
                         "tools.%s.program: the plugin %s does not ask for a program (\"profile\": "
                         "\"program\" in its manifest)",
                         config->name, manifest->id);
    if (!is_granted)
        return true;
    host->options.program = granted_program_open(&config->program, host->options.sandbox, err);
    return host->options.program != NULL || error_prefix(err, "tools.%s.program", config->name);
}

struct tool_host *tool_host_new(const struct tool_host_options *options, struct error *err)
{
    const struct plugin_manifest *manifest = options->library->manifest;
    const struct tool_config *config = options->config;
    struct tool_host *host = calloc(1, sizeof *host);
    char what[120];

    if (host == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a tool");
        return NULL;
    }
    host->options = *options;
    host->options.watch.pulse = &host->pulse;
    host->is_users = needs_user(options);
    (void)snprintf(what, sizeof what, "tools.%s.config", config->name); /* cutting is fine */
    if (!plugin_offers(options->library, SESAME_TOOL_V1))
        error_set(err, ERROR_BAD_INPUT, "tools.%s: the plugin %s is no tool", config->name,
                  manifest->id);
    else if (options->placement == PLACEMENT_DEFAULT)
        error_set(err, ERROR_BAD_INPUT,
                  "tools.%s: the plugin %s names no placement: set tools.%s.placement to "
                  "process, thread or inline",
                  config->name, manifest->id, config->name);
    else if (host->is_users && options->placement != PLACEMENT_INLINE)
        error_set(err, ERROR_BAD_INPUT,
                  "tools.%s: one of its credentials stands for the signed-in user, which needs the "
                  "placement inline, where each user has an instance of his own",
                  config->name);
    else if (prepare(host, what, err) && open_program(host, err) && start_thread(host, err))
        return host;
    tool_host_free(host);
    return NULL;
}

const struct plugin_pulse *tool_host_pulse(const struct tool_host *host)
{
    return &host->pulse;
}

bool tool_host_is_of_users(const struct tool_host *host)
{
    return host->is_users;
}

void tool_host_free(struct tool_host *host)
{
    if (host == NULL)
        return;
    tool_thread_stop(host->thread);
    granted_program_free(host->options.program);
    free(host->config_text);
    free(host);
}
