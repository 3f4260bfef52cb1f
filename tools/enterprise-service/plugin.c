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

struct sesame_instance {
    struct kit kit;
    struct kit_exchanges exchanges;
    char *name; /* of its one function */
    char *url;
    char *credential;
    char *method;
    char *body;
    char *content_type;
    struct kit_buffer list; /* what `list` answers */
    int64_t timeout_ms;
    int64_t result_max_bytes;
};

/* ---- results --------------------------------------------------------------------------------- */

static void complete(const struct sesame_instance *instance, uint64_t call, struct sesame_text text,
                     bool is_error)
{
    kit_complete_text(&instance->kit, instance->exchanges.tool, call, text, is_error);
}

/* The beginning of what it said helps the model, or the person behind it, to correct the call. */
static void complete_failure(const struct sesame_instance *instance,
                             const struct kit_exchange *exchange)
{
    struct sesame_text said = kit_buffer_text(&exchange->answer);
    struct kit_buffer text = {0};

    kit_add(&text, "EnterpriseServiceFailed: Enterprise service call failed (HTTP ");
    kit_add_number(&text, exchange->http_status);
    kit_add(&text, ").");
    if (kit_type_is_text(exchange->type) && said.len > 0) {
        kit_add(&text, " It said: ");
        kit_add_text(&text, (struct sesame_text){said.data, kit_prefix(said, SHOWN_MAX_BYTES)});
    }
    complete(instance, exchange->call, kit_buffer_text(&text), true);
    kit_clear(&text);
}

static void complete_answer(struct sesame_instance *instance, const struct kit_exchange *exchange)
{
    char text[200];

    if (exchange->http_status == 401 || exchange->http_status == 403) {
        (void)instance->exchanges.tool->complete(
            instance->kit.host, exchange->call, SESAME_DENIED,
            kit_text("JwtAuthenticationFailed: JWT authentication failed at the enterprise "
                     "service. Check the JWKS of the Function Compute trigger and "
                     "ENTERPRISE_SERVICE_SCOPE."));
    } else if (exchange->http_status >= 300) {
        complete_failure(instance, exchange);
    } else if (exchange->answer.len == 0) {
        complete(instance, exchange->call, kit_text("(the service answered without any text)"),
                 false);
    } else if (!kit_type_is_text(exchange->type)) {
        (void)snprintf(text, sizeof text, "(the service answered with %zu bytes of %s)",
                       exchange->answer.len, exchange->type);
        complete(instance, exchange->call, kit_text(text), false);
    } else {
        complete(instance, exchange->call, kit_buffer_text(&exchange->answer), false);
    }
}

/* ---- one call -------------------------------------------------------------------------------- */

static int32_t send_request(struct sesame_instance *instance, uint64_t call,
                            const struct sesame_tool_request *request)
{
    const struct kit *kit = &instance->kit;
    struct sesame_http_field type = {.name = kit_text("Content-Type"),
                                     .value = kit_text(instance->content_type)};
    struct sesame_http_request http = {
        .method = kit_text(instance->method),
        .credential = kit_text(instance->credential),
        .headers = &type,
        .header_count = instance->body[0] == '\0' ? 0 : 1,
        .answer_max_bytes = (uint64_t)instance->result_max_bytes,
        .call = call,
    };
    struct kit_buffer url = {0}, body = {0};
    int32_t status = SESAME_INTERNAL;

    template_fill(kit, instance->url, false, request->arguments, &url);
    template_fill(kit, instance->body, strstr(instance->content_type, "json") != NULL,
                  request->arguments, &body);
    http.url = kit_buffer_text(&url);
    http.body = kit_buffer_text(&body);
    if (kit_url_climbs(http.url))
        status = SESAME_BAD_INPUT;
    else if (!url.has_failed && !body.has_failed)
        status = kit_exchange_start(&instance->exchanges, &http, instance->timeout_ms,
                                    request->deadline_ms);
    kit_clear(&url);
    kit_clear(&body);
    return status;
}

static void call_function(struct sesame_instance *instance, uint64_t handle,
                          const struct sesame_tool_request *request)
{
    int32_t status;

    if (!kit_exchange_is_for(&instance->exchanges, handle, request, instance->name))
        return;
    status = send_request(instance, handle, request);
    if (status == SESAME_OK)
        return;
    (void)instance->exchanges.tool->complete(
        instance->kit.host, handle, status,
        kit_text(status == SESAME_BAD_INPUT
                     ? "an argument that is a part of the address may not be \".\" or \"..\""
                     : "the request to the service was refused by the host: see its log"));
}

static void cancel(struct sesame_instance *instance, uint64_t handle)
{
    kit_exchange_cancel(&instance->exchanges, handle);
}

static void list(struct sesame_instance *instance, uint64_t call, int64_t deadline_ms)
{
    (void)deadline_ms;
    (void)instance->exchanges.tool->complete(instance->kit.host, call, SESAME_OK,
                                             kit_buffer_text(&instance->list));
}

/* ---- the instance ---------------------------------------------------------------------------- */

static void destroy(struct sesame_instance *instance)
{
    kit_exchanges_clear(&instance->exchanges);
    kit_clear(&instance->list);
    free(instance->name);
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

    instance->name = kit_get_string(kit, config, "/name");
    instance->url = kit_get_string(kit, config, "/url");
    instance->credential = kit_get_string(kit, config, "/credential");
    instance->method = kit_get_string(kit, config, "/method");
    instance->body = kit_get_string(kit, config, "/body");
    instance->content_type = kit_get_string(kit, config, "/content_type");
    if (instance->name == NULL || instance->url == NULL || instance->credential == NULL ||
        instance->method == NULL || instance->body == NULL || instance->content_type == NULL ||
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
    if (kit_open(&instance->kit, host) &&
        kit_exchanges_open(&instance->exchanges, &instance->kit, complete_answer) &&
        read_config(instance, config)) {
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
