/* A credential provider's instance at work on its home thread: fetches, each completed exactly
 * once.
 */
#include "plugin/provider_engine.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/secret.h"
#include "credential/token_binding.h"
#include "plugin/plugin_call.h"

#include <json-c/json.h>
#include <sesame/credential_provider.h>
#include <stdlib.h>
#include <string.h>

struct engine_fetch {
    struct plugin_call base;
    provider_done_fn *done;
    void *arg;
    uint64_t subject; /* handle; dies with the call */
    struct provider_result result;
};

struct provider_engine {
    struct call_book book;
    const struct sesame_credential_provider_v1 *table;
};

static struct provider_engine *engine_of(struct call_book *book)
{
    return (struct provider_engine *)book; /* its first member */
}

void provider_result_clear(struct provider_result *result)
{
    secret_free(TAKE(result->token));
    token_binding_free(TAKE(result->binding));
}

/* ---- an end ---------------------------------------------------------------------------------- */

static void finish(struct plugin_call *base)
{
    struct engine_fetch *fetch = (struct engine_fetch *)base;

    secret_free(handle_take(&base->book->instance->handles, HANDLE_SECRET, fetch->subject));
    if (!base->is_silent)
        fetch->done(fetch->arg, &fetch->result);
    provider_result_clear(&fetch->result);
    free(fetch);
}

static void give_up(struct plugin_call *call)
{
    struct engine_fetch *fetch = (struct engine_fetch *)call;

    error_set_named(&fetch->result.err, ERROR_TIMED_OUT, "ReadTimeOut",
                    "the credential provider %s did not answer in time",
                    call->book->instance->name);
}

static void read_failure(struct engine_fetch *fetch, int32_t status, struct json_object *data)
{
    const char *code = data == NULL ? NULL : json_get_string(data, "code", NULL);
    const char *message = data == NULL ? NULL : json_get_string(data, "message", NULL);
    const char *request_id = data == NULL ? NULL : json_get_string(data, "request_id", NULL);

    error_set_named(
        &fetch->result.err, error_of_status(status), code == NULL ? "" : code, "%.390s%s%.60s",
        message == NULL ? "the credential provider gave no reason" : message,
        request_id == NULL ? "" : ", request id ", request_id == NULL ? "" : request_id);
    /* A server may repeat in its description what it was sent. */
    (void)secret_occurs_in(fetch->result.err.message, strlen(fetch->result.err.message), true);
    if (data != NULL)
        (void)json_get_int64(data, "retry_after_ms", &fetch->result.retry_after_ms);
}

/* The handles stay the plugin's; one that is dead, or half of a certificate, is a broken rule. */
static bool read_binding(struct engine_fetch *fetch, struct plugin_instance *instance,
                         const struct sesame_binding *given)
{
    struct plugin_binding parts;

    if (given->proof_key == 0 && given->client_certificate == 0 && given->client_key == 0)
        return true;
    if (!plugin_binding_find(instance, given, &parts, &fetch->result.err))
        return false;
    fetch->result.binding = token_binding_new(parts.proof_key, parts.client_certificate,
                                              parts.client_key, &fetch->result.err);
    return fetch->result.binding != NULL;
}

static void read_token(struct engine_fetch *fetch, struct plugin_instance *instance,
                       const struct sesame_token_result *result, struct json_object *data)
{
    struct secret *token = handle_take(&instance->handles, HANDLE_SECRET, result->token);

    if (token == NULL)
        error_set(&fetch->result.err, ERROR_INTERNAL, "the credential provider gave no token");
    if (token == NULL || !read_binding(fetch, instance, &result->binding)) {
        secret_free(token);
        instance_misbehaved(instance, "bad_result");
        return;
    }
    fetch->result.token = token;
    if (data == NULL)
        return;
    (void)json_get_int64(data, "expires_in_s", &fetch->result.expires_in_s);
    (void)json_get_int64(data, "expires_at_s", &fetch->result.expires_at_s);
}

static int32_t complete(const struct sesame_host *host, uint64_t handle, int32_t status,
                        const struct sesame_token_result *result)
{
    struct plugin_instance *instance = instance_enter(host);
    struct provider_engine *engine = instance == NULL ? NULL : instance->owner;
    struct plugin_call *call;
    CLEANUP(json_cleanup) struct json_object *json = NULL;
    struct error ignored = {0};

    if (engine == NULL)
        return SESAME_INTERNAL;
    call = plugin_call_complete(&engine->book, instance, handle);
    if (call == NULL) {
        secret_free(handle_take(&instance->handles, HANDLE_SECRET, result->token));
        return SESAME_NOT_FOUND;
    }
    if (result->data.len > 0)
        json = json_parse(result->data.data, result->data.len, JSON_DEPTH_DEFAULT, &ignored);
    if (status == SESAME_OK)
        read_token((struct engine_fetch *)call, instance, result, json);
    else if (status == SESAME_CANCELLED && plugin_call_is_late(call))
        give_up(call); /* told to end a late call, a plugin ends it as cancelled */
    else
        read_failure((struct engine_fetch *)call, status, json);
    plugin_call_end(call, true);
    return SESAME_OK;
}

static int32_t is_cancelled(const struct sesame_host *host, uint64_t handle)
{
    struct plugin_instance *instance = instance_enter(host);

    return instance == NULL || plugin_call_is_cancelled(instance, handle);
}

const struct sesame_credential_provider_host_v1 service_provider_host = {complete, is_cancelled};

/* ---- the host's side ------------------------------------------------------------------------- */

static void tell_cancel(struct call_book *book, uint64_t handle)
{
    engine_of(book)->table->cancel(book->instance->plugin, handle);
}

struct engine_fetch *provider_engine_fetch(struct provider_engine *engine,
                                           const struct token_request *request,
                                           const atomic_bool *cancel_flag, provider_done_fn *done,
                                           void *arg, struct error *err)
{
    struct plugin_instance *instance = engine->book.instance;
    struct engine_fetch *fetch = calloc(1, sizeof *fetch);
    struct sesame_token_request plugin_request = {.scope = text_from(request->scope),
                                                  .audience = text_from(request->audience),
                                                  .values = text_from(request->values),
                                                  .deadline_ms = request->deadline_ms,
                                                  .context = text_of("{}")};

    if (fetch == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory to fetch a token");
        return NULL;
    }
    fetch->base.cancel_flag = cancel_flag;
    fetch->done = done;
    fetch->arg = arg;
    fetch->result.expires_in_s = fetch->result.expires_at_s = fetch->result.retry_after_ms = -1;
    if (request->subject != NULL) {
        fetch->subject = handle_add(&instance->handles, HANDLE_SECRET, request->subject);
        if (fetch->subject == 0) {
            free(fetch);
            error_set(err, ERROR_LIMIT, "%s has too many open handles", instance->name);
            return NULL;
        }
        secret_ref(request->subject);
    }
    if (!plugin_call_open(&engine->book, &fetch->base, NULL, request->deadline_ms, err)) {
        secret_free(handle_take(&instance->handles, HANDLE_SECRET, fetch->subject));
        free(fetch);
        return NULL;
    }
    plugin_request.subject_token = fetch->subject;
    engine->table->fetch(instance->plugin, fetch->base.handle, &plugin_request);
    return fetch;
}

void engine_fetch_ask(struct engine_fetch *fetch)
{
    plugin_call_ask(&fetch->base);
}

void engine_fetch_cancel(struct engine_fetch *fetch)
{
    fetch->base.is_silent = true;
    plugin_call_ask(&fetch->base);
}

/* ---- the engine ------------------------------------------------------------------------------ */

struct provider_engine *provider_engine_new(const struct instance_options *options,
                                            struct error *err)
{
    struct provider_engine *engine = calloc(1, sizeof *engine);
    struct instance_options instance = *options;

    if (engine == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a credential provider");
        return NULL;
    }
    engine->book.cancel = tell_cancel;
    engine->book.give_up = give_up;
    engine->book.finish = finish;
    engine->table = options->library->descriptor->get_interface(SESAME_CREDENTIAL_PROVIDER_V1);
    instance.owner = engine;
    engine->book.instance = instance_new(&instance, err);
    if (engine->book.instance != NULL)
        return engine;
    free(engine);
    return NULL;
}

void provider_engine_stop(struct provider_engine *engine, void (*on_stopped)(void *arg), void *arg)
{
    call_book_forget(&engine->book);
    instance_stop(engine->book.instance, on_stopped, arg);
}

void provider_engine_free(struct provider_engine *engine)
{
    if (engine == NULL)
        return;
    call_book_forget(&engine->book);
    instance_free(engine->book.instance);
    free(engine);
}
