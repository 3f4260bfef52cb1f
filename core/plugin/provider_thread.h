/* A credential provider placed on a thread of its own, where it may block; private to core/plugin.
 */
#ifndef SESAME_PLUGIN_PROVIDER_THREAD_H
#define SESAME_PLUGIN_PROVIDER_THREAD_H

#include "credential/provider.h"
#include "plugin/provider_port.h"

struct provider_thread;

/* Starts the thread and makes the instance on it, from its prepared configuration as text; returns
 * when it stands or has failed. */
struct provider_thread *provider_thread_start(const struct provider_port_options *options,
                                              const char *config_text, struct error *err);

/* For the broker's thread. An answer comes at the latest a grace time after the deadline, even when
 * the plugin never returns. */
struct credential_provider provider_thread_table(struct provider_thread *thread);

/* Waits for the plugin's end, at most some seconds: one that hangs is left behind. NULL is fine. */
void provider_thread_stop(struct provider_thread *thread);

#endif
