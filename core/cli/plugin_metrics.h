/* How each plugin of a host does, for GET /metrics. */
#ifndef SESAME_CLI_PLUGIN_METRICS_H
#define SESAME_CLI_PLUGIN_METRICS_H

#include <stdint.h>

struct buffer;
struct host_config;
struct metrics;
struct plugin_catalogue;
struct tool_host_set;

/* What there is to see of a host's plugins; borrowed. */
struct plugin_view {
    const struct host_config *config;
    const struct plugin_catalogue *catalogue;
    const struct tool_host_set *tools;
    const char *idaas_provider; /* the plugin that the IDaaS file picks, "" for none */
};

/* Appends version, placement, state, restarts and memory, as they are now. */
void plugin_metrics_write(const struct plugin_view *view, struct buffer *out);

/* Counts a call of the plugin `id` for `use` ("tools.amap", "credential_providers.x", "idaas") and
 * notes how long it took. `outcome` is "ok" or says what went wrong in one word of a few. [any
 * thread] */
void plugin_metrics_call(struct metrics *metrics, const char *id, const char *use,
                         const char *outcome, int64_t duration_ms);

#endif
