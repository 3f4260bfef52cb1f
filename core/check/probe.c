/* Stands between a plugin and the real host and watches both directions. */
#include "check/probe.h"

#include "base/buffer.h"
#include "base/text.h"
#include "check/guarded.h"
#include "check/probe_private.h"
#include "check/words.h"
#include "plugin/instance.h"

#include <sesame/credential_provider.h>
#include <sesame/services.h>
#include <sesame/tool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASKED_MAX_COUNT 32
#define SECRET_MAX_COUNT 32
#define SECRET_MIN_BYTES 8
#define PROGRESS_MAX_BYTES 4096

static struct {
    pthread_mutex_t lock; /* a plugin on a thread works beside the check */
    struct sesame_plugin descriptor, *real;
    const void *(*get_service)(const struct sesame_host *host, const char *id);
    const struct sesame_tool_v1 *tool;
    const struct sesame_credential_provider_v1 *provider;
    struct plugin_instance *instance; /* the newest */
    size_t requests_in_create;
    char *asked[ASKED_MAX_COUNT];
    size_t asked_count;
    const char *withheld;
    const char *const *only;
    char *secrets[3 * SECRET_MAX_COUNT]; /* as they are, in hex and in base64 */
    size_t secret_count;
    char leak[160];
    char progress_fault[160];
    struct probe_result result;
    char *result_data;
} probe = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- what comes out -------------------------------------------------------------------------- */

void probe_look(const char *where, const char *data, size_t len)
{
    pthread_mutex_lock(&probe.lock);
    for (size_t i = 0; i < probe.secret_count && data != NULL && probe.leak[0] == '\0'; i++)
        if (memmem(data, len, probe.secrets[i], strlen(probe.secrets[i])) != NULL)
            (void)snprintf(probe.leak, sizeof probe.leak, "a secret%s stands in %s",
                           i % 3 == 0   ? ""
                           : i % 3 == 1 ? ", in hex,"
                                        : ", in base64,",
                           where);
    pthread_mutex_unlock(&probe.lock);
}

static void keep_result(int32_t status, struct sesame_text data)
{
    char *copy = malloc(data.len + 1);

    if (copy == NULL)
        return;
    if (data.len > 0)
        memcpy(copy, data.data, data.len);
    copy[data.len] = '\0';
    pthread_mutex_lock(&probe.lock);
    free(probe.result_data);
    probe.result_data = copy;
    probe.result = (struct probe_result){probe.result.count + 1, status, copy, data.len};
    pthread_mutex_unlock(&probe.lock);
}

static int32_t tool_complete(const struct sesame_host *host, uint64_t call, int32_t status,
                             struct sesame_text data)
{
    probe_look(status == SESAME_OK ? "a result" : "the message of a failure", data.data, data.len);
    keep_result(status, data);
    return service_tool_host.complete(host, call, status, data);
}

static int32_t tool_emit(const struct sesame_host *host, uint64_t call, struct sesame_text progress)
{
    const char *why = progress.len == 0
                          ? NULL
                          : words_text_fault(progress.data, progress.len, PROGRESS_MAX_BYTES);

    probe_look("progress", progress.data, progress.len);
    pthread_mutex_lock(&probe.lock);
    if (why != NULL && probe.progress_fault[0] == '\0')
        (void)snprintf(probe.progress_fault, sizeof probe.progress_fault, "a text of %zu bytes %s",
                       progress.len, why);
    pthread_mutex_unlock(&probe.lock);
    return service_tool_host.emit(host, call, progress);
}

static void tool_changed(const struct sesame_host *host)
{
    service_tool_host.changed(host);
}

static int32_t tool_is_cancelled(const struct sesame_host *host, uint64_t call)
{
    return service_tool_host.is_cancelled(host, call);
}

static int32_t provider_complete(const struct sesame_host *host, uint64_t call, int32_t status,
                                 const struct sesame_token_result *result)
{
    probe_look(status == SESAME_OK ? "what is said about a token" : "the message of a failure",
               result->data.data, result->data.len);
    keep_result(status, result->data);
    return service_provider_host.complete(host, call, status, result);
}

static int32_t provider_is_cancelled(const struct sesame_host *host, uint64_t call)
{
    return service_provider_host.is_cancelled(host, call);
}

static void log_write_(const struct sesame_host *host, int32_t level, struct sesame_text message,
                       struct sesame_text fields)
{
    probe_look("a log record", message.data, message.len);
    probe_look("the fields of a log record", fields.data, fields.len);
    service_log.write(host, level, message, fields);
}

static void log_explain(const struct sesame_host *host, struct sesame_text message)
{
    probe_look("an explanation", message.data, message.len);
    service_log.explain(host, message);
}

/* ---- services -------------------------------------------------------------------------------- */

static bool is_withheld(const char *id)
{
    if (probe.withheld != NULL && strcmp(probe.withheld, id) == 0)
        return true;
    return probe.only != NULL && !words_have(probe.only, id);
}

static const void *get_service(const struct sesame_host *host, const char *id)
{
    static const struct sesame_tool_host_v1 tool = {tool_complete, tool_emit, tool_changed,
                                                    tool_is_cancelled};
    static const struct sesame_credential_provider_host_v1 provider = {provider_complete,
                                                                       provider_is_cancelled};
    static const struct sesame_log_v1 log = {log_write_, log_explain};
    const void *table = probe.get_service(host, id);

    if (id == NULL)
        return NULL;
    pthread_mutex_lock(&probe.lock);
    if (probe.asked_count < ASKED_MAX_COUNT)
        probe.asked[probe.asked_count++] = strdup(id);
    pthread_mutex_unlock(&probe.lock);
    if (table == NULL || is_withheld(id))
        return NULL;
    if (table == &service_tool_host)
        return &tool;
    if (table == &service_provider_host)
        return &provider;
    if (table == &service_log)
        return &log;
    return table == &service_http ? probe_http() : table;
}

/* ---- what goes in ---------------------------------------------------------------------------- */

static void tool_list(struct sesame_instance *instance, uint64_t call, int64_t deadline_ms)
{
    probe.tool->list(instance, call, deadline_ms);
}

static void tool_call(struct sesame_instance *instance, uint64_t call,
                      const struct sesame_tool_request *request)
{
    struct guarded memory = {0};
    struct sesame_tool_request copy = *request;

    copy.function = guarded_text(&memory, request->function);
    copy.arguments = guarded_text(&memory, request->arguments);
    copy.context = guarded_text(&memory, request->context);
    probe.tool->call(instance, call, guarded_bytes(&memory, &copy, sizeof copy));
    guarded_release(&memory);
}

static void tool_cancel(struct sesame_instance *instance, uint64_t call)
{
    probe.tool->cancel(instance, call);
}

static void provider_fetch(struct sesame_instance *instance, uint64_t call,
                           const struct sesame_token_request *request)
{
    struct guarded memory = {0};
    struct sesame_token_request copy = *request;

    copy.scope = guarded_text(&memory, request->scope);
    copy.audience = guarded_text(&memory, request->audience);
    copy.values = guarded_text(&memory, request->values);
    copy.context = guarded_text(&memory, request->context);
    probe.provider->fetch(instance, call, guarded_bytes(&memory, &copy, sizeof copy));
    guarded_release(&memory);
}

static void provider_cancel(struct sesame_instance *instance, uint64_t call)
{
    probe.provider->cancel(instance, call);
}

static const void *get_interface(const char *id)
{
    static const struct sesame_tool_v1 tool = {tool_list, tool_call, tool_cancel};
    static const struct sesame_credential_provider_v1 provider = {provider_fetch, provider_cancel};
    const void *table = probe.real->get_interface(id);

    if (table != NULL && strcmp(id, SESAME_TOOL_V1) == 0) {
        probe.tool = table;
        return &tool;
    }
    if (table != NULL && strcmp(id, SESAME_CREDENTIAL_PROVIDER_V1) == 0) {
        probe.provider = table;
        return &provider;
    }
    return table;
}

static int32_t create(const struct sesame_host *host, struct sesame_text config,
                      struct sesame_instance **out_instance)
{
    struct guarded memory = {0};
    struct plugin_instance *instance;
    size_t requests = probe_request_count();
    int32_t status;

    memcpy(&instance, &host, sizeof instance); /* as instance_enter does */
    probe.instance = instance;
    probe.get_service = instance->host.get_service;
    instance->host.get_service = get_service;
    status = probe.real->create(host, guarded_text(&memory, config), out_instance);
    guarded_release(&memory);
    probe.requests_in_create += probe_request_count() - requests;
    return status;
}

void probe_install(struct plugin_library *library, const char *url)
{
    memcpy(&probe.real, &library->descriptor, sizeof probe.real); /* it is only read */
    probe.descriptor = *library->descriptor;
    probe.descriptor.get_interface = get_interface;
    probe.descriptor.create = create;
    library->descriptor = &probe.descriptor;
    probe_http_redirect(url);
}

/* ---- the check's side ------------------------------------------------------------------------ */

void probe_withhold(const char *service)
{
    probe.withheld = service;
}

void probe_withhold_all_but(const char *const *services)
{
    probe.only = services;
}

const char *probe_asked(size_t index)
{
    return index < probe.asked_count ? probe.asked[index] : NULL;
}

void probe_add_secret(const char *text)
{
    size_t len = strlen(text);
    struct buffer encoded;
    struct error ignored = {0};
    char *hex = malloc(2 * len + 1);

    if (len < SECRET_MIN_BYTES || hex == NULL ||
        probe.secret_count + 3 > sizeof probe.secrets / sizeof probe.secrets[0]) {
        free(hex);
        return;
    }
    hex_encode(text, len, hex);
    /* Whole groups of three bytes, so that what follows the secret does not matter. */
    buffer_init(&encoded, 4 * len);
    (void)base64_encode(text, len - len % 3, &encoded, &ignored);
    probe.secrets[probe.secret_count++] = strdup(text);
    probe.secrets[probe.secret_count++] = hex;
    probe.secrets[probe.secret_count++] = buffer_take(&encoded, NULL);
}

const char *probe_leak(void)
{
    return probe.leak[0] == '\0' ? NULL : probe.leak;
}

struct probe_result probe_result(void)
{
    struct probe_result result;

    pthread_mutex_lock(&probe.lock);
    result = probe.result;
    pthread_mutex_unlock(&probe.lock);
    return result;
}

const char *probe_bad_progress(void)
{
    return probe.progress_fault[0] == '\0' ? NULL : probe.progress_fault;
}

size_t probe_requests_in_create(void)
{
    return probe.requests_in_create;
}

size_t probe_handle_count(void)
{
    return probe.instance == NULL ? 0 : probe.instance->handles.used;
}
