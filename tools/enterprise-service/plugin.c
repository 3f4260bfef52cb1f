/* One HTTP service as one function; the default is the guide's sample service. */
#include "service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX_BYTES 1000

static const char config_schema[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"url\":{\"type\":\"string\",\"minLength\":1,\"x-origin\":true},"
    "\"credential\":{\"type\":\"string\",\"default\":\"\",\"x-credential\":true},"
    "\"method\":{\"enum\":[\"GET\",\"POST\",\"PUT\",\"PATCH\",\"DELETE\"],\"default\":\"POST\"},"
    "\"name\":{\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9_.-]{1,64}$\","
    "\"default\":\"enterprise_service_sample\"},"
    "\"description\":{\"type\":\"string\",\"default\":"
    "\"Calls the sample enterprise service and returns its answer.\"},"
    "\"parameters\":{\"type\":\"object\",\"default\":{\"type\":\"object\",\"properties\":{}}},"
    "\"body\":{\"type\":\"string\",\"default\":\"\"},"
    "\"content_type\":{\"type\":\"string\",\"default\":\"application/json\"},"
    "\"timeout_s\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":600,\"default\":60},"
    "\"result_max_bytes\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":4194304,"
    "\"default\":1048576}},"
    "\"required\":[\"url\"],\"additionalProperties\":false}";

struct call {
    struct call *next;
    struct sesame_instance *instance;
    uint64_t handle;
    uint64_t http;
    int32_t http_status;
    bool is_text;
    char type[80];
    struct kit_buffer answer;
};

struct sesame_instance {
    struct kit kit;
    const struct sesame_http_v1 *http;
    const struct sesame_tool_host_v1 *completion;
    char *url;
    char *credential;
    char *method;
    char *body;
    char *content_type;
    struct kit_buffer list; /* what `list` answers */
    int64_t timeout_ms;
    int64_t result_max_bytes;
    struct call *calls;
};

/* ---- results --------------------------------------------------------------------------------- */

static void complete(struct call *call, struct sesame_text text, bool is_error)
{
    struct sesame_instance *instance = call->instance;
    struct kit_buffer result = {0};

    kit_add(&result, "{\"text\":");
    kit_add_quoted(&instance->kit, &result, text);
    kit_add(&result, is_error ? ",\"is_error\":true}" : "}");
    if (result.has_failed)
        (void)instance->completion->complete(instance->kit.host, call->handle, SESAME_INTERNAL,
                                             kit_text("no memory for the result"));
    else
        (void)instance->completion->complete(instance->kit.host, call->handle, SESAME_OK,
                                             kit_buffer_text(&result));
    kit_clear(&result);
}

/* The beginning of what it said helps the model, or the person behind it, to correct the call. */
static void complete_failure(struct call *call)
{
    struct sesame_text said = kit_buffer_text(&call->answer);
    struct kit_buffer text = {0};

    kit_add(&text, "EnterpriseServiceFailed: Enterprise service call failed (HTTP ");
    kit_add_number(&text, call->http_status);
    kit_add(&text, ").");
    if (call->is_text && said.len > 0) {
        kit_add(&text, " It said: ");
        kit_add_text(&text, (struct sesame_text){said.data, kit_prefix(said, SHOWN_MAX_BYTES)});
    }
    complete(call, kit_buffer_text(&text), true);
    kit_clear(&text);
}

static void complete_answer(struct call *call)
{
    const struct sesame_instance *instance = call->instance;
    char text[200];

    if (call->http_status == 401 || call->http_status == 403) {
        (void)instance->completion->complete(
            instance->kit.host, call->handle, SESAME_DENIED,
            kit_text("JwtAuthenticationFailed: JWT authentication failed at the enterprise "
                     "service. Check the JWKS of the Function Compute trigger and "
                     "ENTERPRISE_SERVICE_SCOPE."));
    } else if (call->http_status >= 300) {
        complete_failure(call);
    } else if (call->answer.len == 0) {
        complete(call, kit_text("(the service answered without any text)"), false);
    } else if (!call->is_text) {
        (void)snprintf(text, sizeof text, "(the service answered with %zu bytes of %s)",
                       call->answer.len, call->type);
        complete(call, kit_text(text), false);
    } else {
        complete(call, kit_buffer_text(&call->answer), false);
    }
}

/* ---- one call -------------------------------------------------------------------------------- */

static void free_call(struct call *call)
{
    struct call **link = &call->instance->calls;

    while (*link != call)
        link = &(*link)->next;
    *link = call->next;
    kit_clear(&call->answer);
    free(call);
}

static bool type_is_text(const char *type)
{
    static const char *const marks[] = {"json", "text/", "xml", "x-www-form-urlencoded"};

    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (strcasestr(type, marks[i]) != NULL)
            return true;
    return type[0] == '\0';
}

static void on_head(struct sesame_instance *instance, uint64_t tag, int32_t http_status,
                    const struct sesame_http_field *headers, size_t header_count)
{
    struct call *call = (struct call *)(uintptr_t)tag;

    (void)instance;
    call->http_status = http_status;
    call->is_text = true;
    for (size_t i = 0; i < header_count; i++)
        if (kit_equal_nocase(headers[i].name, "content-type")) {
            /* Cutting it off is fine. */
            (void)snprintf(call->type, sizeof call->type, "%.*s", (int)headers[i].value.len,
                           headers[i].value.len == 0 ? "" : headers[i].value.data);
            call->is_text = type_is_text(call->type);
        }
}

static void on_data(struct sesame_instance *instance, uint64_t tag, struct sesame_text bytes)
{
    struct call *call = (struct call *)(uintptr_t)tag;

    (void)instance;
    kit_add_text(&call->answer, bytes);
}

static void on_done(struct sesame_instance *instance, uint64_t tag, int32_t status,
                    struct sesame_text message, uint64_t answer)
{
    struct call *call = (struct call *)(uintptr_t)tag;

    (void)answer;
    if (status == SESAME_OK)
        complete_answer(call);
    else
        (void)instance->completion->complete(instance->kit.host, call->handle, status, message);
    free_call(call);
}

static int32_t send_request(struct call *call, const struct sesame_tool_request *request)
{
    static const struct sesame_http_events events = {on_head, on_data, on_done};
    struct sesame_instance *instance = call->instance;
    const struct kit *kit = &instance->kit;
    struct sesame_http_field type = {.name = kit_text("Content-Type"),
                                     .value = kit_text(instance->content_type)};
    struct sesame_http_request http = {
        .method = kit_text(instance->method),
        .credential = kit_text(instance->credential),
        .headers = &type,
        .header_count = instance->body[0] == '\0' ? 0 : 1,
        .deadline_ms = kit->clock->monotonic_ms(kit->host) + instance->timeout_ms,
        .answer_max_bytes = (uint64_t)instance->result_max_bytes,
        .call = call->handle,
    };
    struct kit_buffer url = {0}, body = {0};
    int32_t status = SESAME_INTERNAL;

    template_fill(kit, instance->url, false, request->arguments, &url);
    template_fill(kit, instance->body, strstr(instance->content_type, "json") != NULL,
                  request->arguments, &body);
    http.url = kit_buffer_text(&url);
    http.body = kit_buffer_text(&body);
    if (request->deadline_ms < http.deadline_ms)
        http.deadline_ms = request->deadline_ms;
    if (url_climbs(http.url))
        status = SESAME_BAD_INPUT;
    else if (!url.has_failed && !body.has_failed)
        status = instance->http->start(kit->host, &http, &events, (uint64_t)(uintptr_t)call,
                                       &call->http);
    kit_clear(&url);
    kit_clear(&body);
    return status;
}

static void call_function(struct sesame_instance *instance, uint64_t handle,
                          const struct sesame_tool_request *request)
{
    struct call *call = calloc(1, sizeof *call);
    int32_t status = SESAME_INTERNAL;

    if (call != NULL) {
        call->instance = instance;
        call->handle = handle;
        call->next = instance->calls;
        instance->calls = call;
        status = send_request(call, request);
        if (status == SESAME_OK)
            return;
        free_call(call);
    }
    (void)instance->completion->complete(
        instance->kit.host, handle, status,
        kit_text(status == SESAME_BAD_INPUT
                     ? "an argument that is a part of the address may not be \".\" or \"..\""
                     : "the request to the service was refused by the host: see its log"));
}

static void cancel(struct sesame_instance *instance, uint64_t handle)
{
    for (struct call *call = instance->calls; call != NULL; call = call->next)
        if (call->handle == handle) {
            instance->http->cancel(instance->kit.host, call->http);
            return;
        }
}

static void list(struct sesame_instance *instance, uint64_t call, int64_t deadline_ms)
{
    (void)deadline_ms;
    (void)instance->completion->complete(instance->kit.host, call, SESAME_OK,
                                         kit_buffer_text(&instance->list));
}

/* ---- the instance ---------------------------------------------------------------------------- */

static void destroy(struct sesame_instance *instance)
{
    while (instance->calls != NULL)
        free_call(instance->calls);
    kit_clear(&instance->list);
    free(instance->url);
    free(instance->credential);
    free(instance->method);
    free(instance->body);
    free(instance->content_type);
    free(instance);
}

static bool read_config(struct sesame_instance *instance, struct sesame_text config)
{
    const struct kit *kit = &instance->kit;
    struct sesame_text name, description, parameters;

    instance->url = kit_get_string(kit, config, "/url");
    instance->credential = kit_get_string(kit, config, "/credential");
    instance->method = kit_get_string(kit, config, "/method");
    instance->body = kit_get_string(kit, config, "/body");
    instance->content_type = kit_get_string(kit, config, "/content_type");
    if (instance->url == NULL || instance->credential == NULL || instance->method == NULL ||
        instance->body == NULL || instance->content_type == NULL ||
        !kit_get_int(kit, config, "/timeout_s", &instance->timeout_ms) ||
        !kit_get_int(kit, config, "/result_max_bytes", &instance->result_max_bytes) ||
        !kit_find(kit, config, "/name", &name) ||
        !kit_find(kit, config, "/description", &description) ||
        !kit_find(kit, config, "/parameters", &parameters))
        return false;
    instance->timeout_ms *= 1000;
    kit_add(&instance->list, "{\"functions\":[{\"name\":");
    kit_add_text(&instance->list, name);
    kit_add(&instance->list, ",\"description\":");
    kit_add_text(&instance->list, description);
    kit_add(&instance->list, ",\"parameters\":");
    kit_add_text(&instance->list, parameters);
    kit_add(&instance->list, "}]}");
    return !instance->list.has_failed;
}

static int32_t create(const struct sesame_host *host, struct sesame_text config,
                      struct sesame_instance **out_instance)
{
    struct sesame_instance *instance = calloc(1, sizeof *instance);

    if (instance == NULL)
        return SESAME_INTERNAL;
    instance->http = host->get_service(host, SESAME_HTTP_V1);
    instance->completion = host->get_service(host, SESAME_TOOL_HOST_V1);
    if (kit_open(&instance->kit, host) && read_config(instance, config)) {
        *out_instance = instance;
        return SESAME_OK;
    }
    destroy(instance);
    return SESAME_INTERNAL;
}

static const void *get_interface(const char *id)
{
    static const struct sesame_tool_v1 tool = {list, call_function, cancel};

    return strcmp(id, SESAME_TOOL_V1) == 0 ? &tool : NULL;
}

static const char *const needs[] = {SESAME_LOG_V1,  SESAME_JSON_V1,      SESAME_CLOCK_V1,
                                    SESAME_HTTP_V1, SESAME_TOOL_HOST_V1, NULL};
static const char *const offers[] = {SESAME_TOOL_V1, NULL};

const struct sesame_plugin sesame_plugin_v1 = {
    .id = "enterprise-service",
    .version = PACKAGE_VERSION,
    .description = "One HTTP service as one function",
    .config_schema = config_schema,
    .needs = needs,
    .offers = offers,
    .get_interface = get_interface,
    .create = create,
    .stop = NULL,
    .destroy = destroy,
};
