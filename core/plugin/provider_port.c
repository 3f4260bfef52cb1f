/* A credential provider plugin behind the broker's table. */
#include "plugin/provider_port.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/secret.h"
#include "credential/token_binding.h"
#include "net/loop.h"
#include "plugin/instance.h"
#include "plugin/plugin_config.h"

#include <json-c/json.h>
#include <sesame/credential_provider.h>
#include <stdlib.h>
#include <string.h>

struct provider_port {
    struct plugin_instance *instance;
    const struct sesame_credential_provider_v1 *table;
};

struct token_fetch {
    struct provider_port *port; /* NULL: cancelled while its end was queued */
    uint64_t handle;
    int64_t deadline_ms;
    token_done_fn *done;
    void *done_arg;
    uint64_t subject;
    bool is_ending;
    /* what the plugin said */
    struct secret *token;
    struct token_binding *binding;
    int64_t expires_in_s, expires_at_s, retry_after_ms;
    struct error err;
};

/* ---- an end ---------------------------------------------------------------------------------- */

static void free_fetch(struct token_fetch *fetch)
{
    secret_free(fetch->token);
    token_binding_free(fetch->binding);
    free(fetch);
}

/* On the broker's loop, off the plugin's stack. */
static void finish(void *arg)
{
    struct token_fetch *fetch = arg;
    struct token_answer answer = {fetch->token, fetch->expires_in_s, fetch->expires_at_s,
                                  fetch->binding};

    if (fetch->port != NULL)
        fetch->done(fetch->done_arg, fetch->token == NULL ? NULL : &answer, &fetch->err,
                    fetch->retry_after_ms);
    free_fetch(fetch);
}

static void read_failure(struct token_fetch *fetch, int32_t status, struct json_object *data)
{
    const char *code = data == NULL ? NULL : json_get_string(data, "code", NULL);
    const char *message = data == NULL ? NULL : json_get_string(data, "message", NULL);
    const char *request_id = data == NULL ? NULL : json_get_string(data, "request_id", NULL);

    error_set_named(&fetch->err, error_of_status(status), code == NULL ? "" : code, "%.300s%s%.80s",
                    message == NULL ? "the credential provider gave no reason" : message,
                    request_id == NULL ? "" : ", request id ",
                    request_id == NULL ? "" : request_id);
    /* A server may repeat in its description what it was sent. */
    (void)secret_occurs_in(fetch->err.message, strlen(fetch->err.message), true);
    if (data != NULL)
        (void)json_get_int64(data, "retry_after_ms", &fetch->retry_after_ms);
}

/* The handles stay the plugin's; one that is dead, or half of a certificate, is a broken rule. */
static bool read_binding(struct token_fetch *fetch, struct plugin_instance *instance,
                         const struct sesame_binding *given)
{
    struct plugin_binding parts;

    if (given->proof_key == 0 && given->client_certificate == 0 && given->client_key == 0)
        return true;
    if (!plugin_binding_find(instance, given, &parts, &fetch->err))
        return false;
    fetch->binding =
        token_binding_new(parts.proof_key, parts.client_certificate, parts.client_key, &fetch->err);
    return fetch->binding != NULL;
}

static void read_token(struct token_fetch *fetch, struct plugin_instance *instance,
                       const struct sesame_token_result *result, struct json_object *data)
{
    struct secret *token = handle_take(&instance->handles, HANDLE_SECRET, result->token);

    if (token == NULL)
        error_set(&fetch->err, ERROR_INTERNAL, "the credential provider gave no token");
    if (token == NULL || !read_binding(fetch, instance, &result->binding)) {
        secret_free(token);
        instance_misbehaved(instance, "bad_result");
        return;
    }
    fetch->token = token;
    if (data == NULL)
        return;
    (void)json_get_int64(data, "expires_in_s", &fetch->expires_in_s);
    (void)json_get_int64(data, "expires_at_s", &fetch->expires_at_s);
}

static int32_t complete(const struct sesame_host *host, uint64_t call, int32_t status,
                        const struct sesame_token_result *result)
{
    struct plugin_instance *instance = instance_enter(host);
    struct token_fetch *fetch;
    CLEANUP(json_cleanup) struct json_object *json = NULL;
    struct error ignored = {0};

    if (instance == NULL)
        return SESAME_INTERNAL;
    fetch = handle_take(&instance->handles, HANDLE_CALL, call);
    if (fetch == NULL) {
        secret_free(handle_take(&instance->handles, HANDLE_SECRET, result->token));
        instance_misbehaved(instance, "dead_call");
        return SESAME_NOT_FOUND;
    }
    secret_free(handle_take(&instance->handles, HANDLE_SECRET, fetch->subject));
    if (result->data.len > 0)
        json = json_parse(result->data.data, result->data.len, JSON_DEPTH_DEFAULT, &ignored);
    if (status == SESAME_OK)
        read_token(fetch, instance, result, json);
    else
        read_failure(fetch, status, json);
    fetch->is_ending = loop_post(instance->home.loop, finish, fetch);
    return SESAME_OK;
}

static int32_t is_cancelled(const struct sesame_host *host, uint64_t call)
{
    struct plugin_instance *instance = instance_enter(host);
    const struct token_fetch *fetch =
        instance == NULL ? NULL : handle_get(&instance->handles, HANDLE_CALL, call);

    return fetch == NULL || fetch->port == NULL || clock_monotonic_ms() >= fetch->deadline_ms;
}

const struct sesame_credential_provider_host_v1 service_provider_host = {complete, is_cancelled};

/* ---- the broker's table ---------------------------------------------------------------------- */

static struct token_fetch *start_fetch(void *arg, const struct token_request *request,
                                       token_done_fn *done, void *done_arg, struct error *err)
{
    struct provider_port *port = arg;
    struct token_fetch *fetch = calloc(1, sizeof *fetch);
    struct sesame_token_request plugin_request = {.scope = text_from(request->scope),
                                                  .audience = text_from(request->audience),
                                                  .values = text_from(request->values),
                                                  .deadline_ms = request->deadline_ms,
                                                  .context = text_of("{}")};

    if (fetch != NULL)
        fetch->handle = handle_add(&port->instance->handles, HANDLE_CALL, fetch);
    if (fetch == NULL || fetch->handle == 0) {
        free(fetch);
        error_set(err, ERROR_LIMIT, "too many tokens are being fetched");
        return NULL;
    }
    fetch->port = port;
    fetch->done = done;
    fetch->done_arg = done_arg;
    fetch->deadline_ms = request->deadline_ms;
    fetch->expires_in_s = fetch->expires_at_s = fetch->retry_after_ms = -1;
    if (request->subject != NULL)
        fetch->subject =
            handle_add(&port->instance->handles, HANDLE_SECRET, secret_ref(request->subject));
    plugin_request.subject_token = fetch->subject;
    port->table->fetch(port->instance->plugin, fetch->handle, &plugin_request);
    return fetch;
}

static void cancel_fetch(void *arg, struct token_fetch *fetch)
{
    struct provider_port *port = arg;

    fetch->port = NULL;
    if (fetch->is_ending)
        return;
    port->table->cancel(port->instance->plugin, fetch->handle);
    if (fetch->is_ending)
        return;
    secret_free(handle_take(&port->instance->handles, HANDLE_SECRET, fetch->subject));
    handle_take(&port->instance->handles, HANDLE_CALL, fetch->handle);
    free_fetch(fetch);
}

struct credential_provider provider_port_table(struct provider_port *port)
{
    return (struct credential_provider){start_fetch, cancel_fetch, port};
}

/* ---- the port -------------------------------------------------------------------------------- */

struct provider_port *provider_port_new(const struct provider_port_options *options,
                                        struct error *err)
{
    struct provider_port *port = calloc(1, sizeof *port);
    const struct plugin_manifest *manifest = options->library->manifest;
    CLEANUP(json_cleanup) struct json_object *config = NULL;
    struct instance_options instance = {.library = options->library,
                                        .home = options->home,
                                        .watch = options->watch,
                                        .name = manifest->id,
                                        .owner = port};

    if (port == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a credential provider");
        return NULL;
    }
    if (options->placement != PLACEMENT_INLINE) {
        error_set(err, ERROR_BAD_INPUT,
                  "the credential provider %s is placed \"%s\", expected \"inline\"", manifest->id,
                  placement_text(options->placement));
    } else if (!plugin_offers(options->library, SESAME_CREDENTIAL_PROVIDER_V1)) {
        error_set(err, ERROR_BAD_INPUT, "the plugin %s is no credential provider", manifest->id);
    } else {
        config = plugin_config_prepare(options->library, options->config_json,
                                       PLUGIN_ENVIRONMENT_SEEN, manifest->id, err);
        instance.config = config;
        port->table = options->library->descriptor->get_interface(SESAME_CREDENTIAL_PROVIDER_V1);
        if (config != NULL)
            port->instance = instance_new(&instance, err);
        if (port->instance != NULL)
            return port;
    }
    free(port);
    return NULL;
}

void provider_port_free(struct provider_port *port)
{
    if (port == NULL)
        return;
    instance_free(port->instance);
    free(port);
}
