/* How each plugin of a host does, for GET /metrics. */
#include "cli/plugin_metrics.h"

#include "base/buffer.h"
#include "base/error.h"
#include "cli/tool_host_set.h"
#include "config/host_config.h"
#include "plugin/catalogue.h"
#include "plugin/process_child.h"
#include "plugin/tool_port.h"
#include "server/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void plugin_metrics_call(struct metrics *metrics, const char *id, const char *use,
                         const char *outcome, int64_t duration_ms)
{
    char labels[160];

    (void)snprintf(labels, sizeof labels, "plugin=\"%.40s\",use=\"%.60s\"", id, use);
    metrics_observe(metrics, "sesame_plugin_call_seconds", labels, duration_ms);
    (void)snprintf(labels, sizeof labels, "plugin=\"%.40s\",use=\"%.60s\",outcome=\"%.20s\"", id,
                   use, outcome);
    metrics_count(metrics, "sesame_plugin_calls_total", labels);
}

/* ---- as it is now ---------------------------------------------------------------------------- */

/* One use of one plugin. */
struct use {
    const char *plugin;
    char name[100];
    enum placement placement;
    const struct plugin_pulse *pulse; /* NULL: it lives with the host, or not at all */
    bool is_left_out;
};

static const char *state_of(const struct use *use)
{
    if (use->is_left_out)
        return "left_out";
    switch (use->pulse == NULL ? PLUGIN_RUNNING : atomic_load(&use->pulse->state)) {
    case PLUGIN_RESTARTING:
        return "restarting";
    case PLUGIN_FAILED:
        return "failed";
    default:
        return "running";
    }
}

static void write_use(const struct plugin_view *view, const struct use *use, struct buffer *out)
{
    const struct plugin_manifest *manifest = plugin_catalogue_find(view->catalogue, use->plugin);
    enum placement placement = use->placement == PLACEMENT_DEFAULT && manifest != NULL
                                   ? manifest->placement
                                   : use->placement;
    pid_t pid = use->pulse == NULL ? 0 : atomic_load(&use->pulse->pid);
    struct error ignored = {0};
    char labels[160];

    (void)snprintf(labels, sizeof labels, "plugin=\"%.40s\",use=\"%.60s\"", use->plugin, use->name);
    (void)buffer_printf(
        out, &ignored, "sesame_plugin_info{%s,version=\"%.40s\",placement=\"%s\",state=\"%s\"} 1\n",
        labels, manifest == NULL ? "" : manifest->version, placement_text(placement),
        state_of(use));
    if (placement != PLACEMENT_PROCESS || use->pulse == NULL)
        return;
    (void)buffer_printf(out, &ignored,
                        "sesame_plugin_restarts_total{%s} %u\n"
                        "sesame_plugin_memory_bytes{%s} %" PRId64 "\n",
                        labels, atomic_load(&use->pulse->restarts), labels,
                        pid == 0 ? 0 : process_memory(pid));
}

static void write_tools(const struct plugin_view *view, struct buffer *out)
{
    for (size_t i = 0; i < view->config->tool_count; i++) {
        const struct tool_config *tool = &view->config->tools[i];
        const struct tool_host *host = tool_host_set_find(view->tools, i);
        struct use use = {.plugin = tool->plugin,
                          .placement = host_config_placement(view->config, tool->plugin, tool),
                          .pulse = host == NULL ? NULL : tool_host_pulse(host),
                          .is_left_out = host == NULL};

        (void)snprintf(use.name, sizeof use.name, "tools.%.80s", tool->name);
        write_use(view, &use, out);
    }
}

static void write_providers(const struct plugin_view *view, struct buffer *out)
{
    struct use idaas = {.plugin = view->idaas_provider,
                        .name = "idaas",
                        .placement =
                            host_config_placement(view->config, view->idaas_provider, NULL)};

    if (view->idaas_provider[0] != '\0')
        write_use(view, &idaas, out);
    for (size_t i = 0; i < view->config->provider_count; i++) {
        const struct provider_config *provider = &view->config->providers[i];
        struct use use = {.plugin = provider->plugin, .placement = provider->placement};

        if (use.placement == PLACEMENT_DEFAULT)
            use.placement = host_config_placement(view->config, use.plugin, NULL);
        (void)snprintf(use.name, sizeof use.name, "credential_providers.%.70s", provider->name);
        write_use(view, &use, out);
    }
}

void plugin_metrics_write(const struct plugin_view *view, struct buffer *out)
{
    struct error ignored = {0};

    (void)buffer_add_text(out,
                          "# TYPE sesame_plugin_info gauge\n"
                          "# TYPE sesame_plugin_restarts_total counter\n"
                          "# TYPE sesame_plugin_memory_bytes gauge\n",
                          &ignored);
    write_tools(view, out);
    write_providers(view, out);
}
