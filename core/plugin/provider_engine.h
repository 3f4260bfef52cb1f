/* A credential provider's instance at work on its home thread: fetches, each completed exactly
 * once; private to core/plugin. */
#ifndef SESAME_PLUGIN_PROVIDER_ENGINE_H
#define SESAME_PLUGIN_PROVIDER_ENGINE_H

#include "credential/provider.h"
#include "plugin/instance.h"

#include <stdatomic.h>

struct provider_engine;
struct engine_fetch;

/* What came of a fetch: a token, or `err`. */
struct provider_result {
    struct secret *token; /* NULL: none */
    struct token_binding *binding;
    int64_t expires_in_s, expires_at_s, retry_after_ms; /* -1: not said */
    struct error err;
};
void provider_result_clear(struct provider_result *result);

/* Once, from the loop. The callee may move references out of the result. */
typedef void provider_done_fn(void *arg, struct provider_result *result);

struct provider_engine *provider_engine_new(const struct instance_options *options,
                                            struct error *err);

/* The deadline of the request is kept whatever the plugin does. `cancel_flag` (may be NULL) is
 * looked at by is_cancelled, for plugins that block while nobody can call cancel. */
struct engine_fetch *provider_engine_fetch(struct provider_engine *engine,
                                           const struct token_request *request,
                                           const atomic_bool *cancel_flag, provider_done_fn *done,
                                           void *arg, struct error *err);
/* The plugin is told, and `done` follows as ever. */
void engine_fetch_ask(struct engine_fetch *fetch);
/* The plugin is told; no callback follows. */
void engine_fetch_cancel(struct engine_fetch *fetch);

void provider_engine_stop(struct provider_engine *engine, void (*on_stopped)(void *arg), void *arg);
/* Open fetches are forgotten without callbacks. */
void provider_engine_free(struct provider_engine *engine);

#endif
