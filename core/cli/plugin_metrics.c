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
    const char *plugin, *version;
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

static void write_info(const struct use *use, const char *labels, struct buffer *out)
{
    struct error ignored = {0};

    (void)buffer_printf(out, &ignored,
                        "sesame_plugin_info{%s,version=\"%.40s\",placement=\"%s\"} 1\n", labels,
                        use->version, placement_text(use->placement));
}

static void write_state(const struct use *use, const char *labels, struct buffer *out)
{
    static const char *const states[] = {"running", "restarting", "failed", "left_out"};
    const char *now = state_of(use);
    struct error ignored = {0};

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        (void)buffer_printf(out, &ignored, "sesame_plugin_state{%s,state=\"%s\"} %d\n", labels,
                            states[i], strcmp(states[i], now) == 0);
}

static bool has_process(const struct use *use)
{
    return use->placement == PLACEMENT_PROCESS && use->pulse != NULL;
}

static void write_restarts(const struct use *use, const char *labels, struct buffer *out)
{
    struct error ignored = {0};

    if (has_process(use))
        (void)buffer_printf(out, &ignored, "sesame_plugin_restarts_total{%s} %u\n", labels,
                            atomic_load(&use->pulse->restarts));
}

static void write_memory(const struct use *use, const char *labels, struct buffer *out)
{
    pid_t pid = has_process(use) ? atomic_load(&use->pulse->pid) : 0;
    struct error ignored = {0};

    if (has_process(use))
        (void)buffer_printf(out, &ignored, "sesame_plugin_memory_bytes{%s} %" PRId64 "\n", labels,
                            pid == 0 ? 0 : process_memory(pid));
}

/* The text form wants all samples of a metric together. */
static const struct family {
    const char *head;
    void (*write)(const struct use *use, const char *labels, struct buffer *out);
} families[] = {
    {"# TYPE sesame_plugin_info gauge\n", write_info},
    {"# TYPE sesame_plugin_state gauge\n", write_state},
    {"# TYPE sesame_plugin_restarts_total counter\n", write_restarts},
    {"# TYPE sesame_plugin_memory_bytes gauge\n", write_memory},
};

static void write_use(const struct plugin_view *view, const struct family *family, struct use *use,
                      struct buffer *out)
{
    const struct plugin_manifest *manifest = plugin_catalogue_find(view->catalogue, use->plugin);
    char labels[160];

    if (use->placement == PLACEMENT_DEFAULT && manifest != NULL)
        use->placement = manifest->placement;
    use->version = manifest == NULL ? "" : manifest->version;
    (void)snprintf(labels, sizeof labels, "plugin=\"%.40s\",use=\"%.60s\"", use->plugin, use->name);
    family->write(use, labels, out);
}

static void write_tools(const struct plugin_view *view, const struct family *family,
                        struct buffer *out)
{
    for (size_t i = 0; i < view->config->tool_count; i++) {
        const struct tool_config *tool = &view->config->tools[i];
        const struct tool_host *host = tool_host_set_find(view->tools, i);
        struct use use = {.plugin = tool->plugin,
                          .placement = host_config_placement(view->config, tool->plugin, tool),
                          .pulse = host == NULL ? NULL : tool_host_pulse(host),
                          .is_left_out = host == NULL};

        (void)snprintf(use.name, sizeof use.name, "tools.%.80s", tool->name);
        write_use(view, family, &use, out);
    }
}

static void write_providers(const struct plugin_view *view, const struct family *family,
                            struct buffer *out)
{
    struct use idaas = {.plugin = view->idaas_provider,
                        .name = "idaas",
                        .placement =
                            host_config_placement(view->config, view->idaas_provider, NULL)};

    if (view->idaas_provider[0] != '\0')
        write_use(view, family, &idaas, out);
    for (size_t i = 0; i < view->config->provider_count; i++) {
        const struct provider_config *provider = &view->config->providers[i];
        struct use use = {.plugin = provider->plugin, .placement = provider->placement};

        if (use.placement == PLACEMENT_DEFAULT)
            use.placement = host_config_placement(view->config, use.plugin, NULL);
        (void)snprintf(use.name, sizeof use.name, "credential_providers.%.70s", provider->name);
        write_use(view, family, &use, out);
    }
}

void plugin_metrics_write(const struct plugin_view *view, struct buffer *out)
{
    struct error ignored = {0};

    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        (void)buffer_add_text(out, families[i].head, &ignored);
        write_tools(view, &families[i], out);
        write_providers(view, &families[i], out);
    }
}
