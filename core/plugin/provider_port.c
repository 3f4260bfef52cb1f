/* A credential provider plugin behind the broker's table. */
#include "plugin/provider_port.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "plugin/instance.h"
#include "plugin/plugin_config.h"
#include "plugin/provider_engine.h"
#include "plugin/provider_thread.h"

#include <json-c/json.h>
#include <sesame/credential_provider.h>
#include <stdlib.h>
#include <string.h>

/* One of the two. */
struct provider_port {
    struct provider_engine *engine;
    struct provider_thread *thread;
};

/* ---- inline: the broker's thread is the plugin's home ------------------------------------------
 */

struct token_fetch {
    struct engine_fetch *fetch;
    token_done_fn *done;
    void *done_arg;
};

static void on_done(void *arg, struct provider_result *result)
{
    struct token_fetch *fetch = arg;
    struct token_answer answer = {result->token, result->expires_in_s, result->expires_at_s,
                                  result->binding};

    fetch->done(fetch->done_arg, result->token == NULL ? NULL : &answer, &result->err,
                result->retry_after_ms);
    free(fetch);
}

static struct token_fetch *start_fetch(void *arg, const struct token_request *request,
                                       token_done_fn *done, void *done_arg, struct error *err)
{
    struct provider_port *port = arg;
    struct token_fetch *fetch = calloc(1, sizeof *fetch);

    if (fetch == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory to fetch a token");
        return NULL;
    }
    fetch->done = done;
    fetch->done_arg = done_arg;
    fetch->fetch = provider_engine_fetch(port->engine, request, NULL, on_done, fetch, err);
    if (fetch->fetch != NULL)
        return fetch;
    free(fetch);
    return NULL;
}

static void cancel_fetch(void *arg, struct token_fetch *fetch)
{
    (void)arg;
    engine_fetch_cancel(fetch->fetch);
    free(fetch);
}

struct credential_provider provider_port_table(struct provider_port *port)
{
    if (port->thread != NULL)
        return provider_thread_table(port->thread);
    return (struct credential_provider){start_fetch, cancel_fetch, port};
}

/* ---- the port -------------------------------------------------------------------------------- */

static bool check_placement(const struct provider_port_options *options, struct error *err)
{
    const char *id = options->library->manifest->id;

    if (options->placement == PLACEMENT_INLINE || options->placement == PLACEMENT_THREAD)
        return true;
    if (options->placement == PLACEMENT_DEFAULT)
        return error_set(err, ERROR_BAD_INPUT,
                         "the credential provider %s names no placement: set "
                         "plugins.settings.%s.placement to inline or thread",
                         id, id);
    return error_set(err, ERROR_BAD_INPUT,
                     "the credential provider %s is placed \"%s\", expected inline or thread: a "
                     "provider handles secrets, which a process of its own never gets",
                     id, placement_text(options->placement));
}

static bool open_port(struct provider_port *port, const struct provider_port_options *options,
                      struct error *err)
{
    const char *id = options->library->manifest->id;
    CLEANUP(json_cleanup)
    struct json_object *config = plugin_config_prepare(options->library, options->config_json,
                                                       PLUGIN_ENVIRONMENT_SEEN, id, err);
    struct instance_options instance = {.library = options->library,
                                        .home = options->home,
                                        .watch = options->watch,
                                        .name = id,
                                        .config = config};

    if (config == NULL)
        return false;
    if (options->placement == PLACEMENT_THREAD) {
        /* As text: json-c objects must not be shared between threads. */
        CLEANUP(cleanup_free) char *text = json_text(config, err);

        port->thread = text == NULL ? NULL : provider_thread_start(options, text, err);
    } else {
        port->engine = provider_engine_new(&instance, err);
    }
    return port->thread != NULL || port->engine != NULL;
}

struct provider_port *provider_port_new(const struct provider_port_options *options,
                                        struct error *err)
{
    struct provider_port *port = calloc(1, sizeof *port);

    if (port == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a credential provider");
        return NULL;
    }
    if (!plugin_offers(options->library, SESAME_CREDENTIAL_PROVIDER_V1))
        error_set(err, ERROR_BAD_INPUT, "the plugin %s is no credential provider",
                  options->library->manifest->id);
    else if (check_placement(options, err) && open_port(port, options, err))
        return port;
    free(port);
    return NULL;
}

void provider_port_free(struct provider_port *port)
{
    if (port == NULL)
        return;
    provider_thread_stop(port->thread);
    provider_engine_free(port->engine);
    free(port);
}
