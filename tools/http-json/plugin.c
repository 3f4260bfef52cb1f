/* One operation of a REST service, described by OpenAPI 3, as one function. */
#include "plugins/kit/exchange.h"
#include "plugins/kit/openapi.h"

#include <stdlib.h>
#include <string.h>

enum { PARAMETER_MAX_COUNT = 32, SHOWN_MAX_BYTES = 1000 };

/* What OpenAPI has and this tool has not (other styles, cookies, references) does not fit it. */
static const char config_schema[] =
    "{\"type\":\"object\",\"properties\":{\"server\":{\"type\":\"string\","
    "\"pattern\":\"^[^?#]*[^/?#]$\",\"x-origin\":true},\"path\":{\"type\":\"string\","
    "\"pattern\":\"^/[^?#]*$\"},\"method\":{\"enum\":[\"GET\",\"PUT\",\"POST\",\"DELETE\","
    "\"PATCH\"],\"default\":\"GET\"},\"operation\":{\"type\":\"object\",\"properties\":{"
    "\"operationId\":{\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9_.-]{1,64}$\"},\"parameters\":{"
    "\"type\":\"array\",\"maxItems\":32,\"items\":{\"type\":\"object\",\"properties\":{\"name\":{"
    "\"type\":\"string\",\"minLength\":1},\"description\":{\"type\":\"string\"},\"in\":{"
    "\"enum\":[\"path\",\"query\",\"header\"]},\"schema\":{\"type\":\"object\"},"
    "\"allowReserved\":{\"const\":false}},\"required\":[\"name\",\"in\",\"schema\"],\"if\":{"
    "\"properties\":{\"in\":{\"const\":\"query\"}}},\"then\":{\"properties\":{\"style\":{"
    "\"const\":\"form\"}}},\"else\":{\"properties\":{\"style\":{\"const\":\"simple\"}}}}},"
    "\"requestBody\":{\"type\":\"object\",\"properties\":{\"content\":{\"type\":\"object\","
    "\"properties\":{\"application/json\":{\"type\":\"object\",\"properties\":{\"schema\":{"
    "\"type\":\"object\"}},\"required\":[\"schema\"]}},\"required\":[\"application/json\"]}},"
    "\"required\":[\"content\"]}},\"required\":[\"operationId\"]},\"credential\":{"
    "\"type\":\"string\",\"default\":\"\",\"x-credential\":true},\"timeout_s\":{"
    "\"type\":\"integer\",\"minimum\":1,\"maximum\":600,\"default\":60},\"answer_max_bytes\":{"
    "\"type\":\"integer\",\"minimum\":1,\"maximum\":4194304,\"default\":1048576}},"
    "\"required\":[\"server\",\"path\",\"operation\"],\"additionalProperties\":false}";

enum { SERVER, PATH, METHOD, CREDENTIAL, NAME, TEXT_COUNT };
static const char *const text_pointers[] = {"/server", "/path", "/method", "/credential",
                                            "/operation/operationId"};

struct sesame_instance {
    struct kit kit;
    struct kit_exchanges exchanges;
    char *texts[TEXT_COUNT];
    struct kit_parameter parameters[PARAMETER_MAX_COUNT];
    size_t parameter_count;
    struct kit_buffer list; /* what `list` answers */
    int64_t timeout_ms, answer_max_bytes;
};

/* ---- one call -------------------------------------------------------------------------------- */

/* The path with its places filled in; false when one has no text, which would be another path than
 * the one meant. Without `arguments`: false when a place is no parameter. */
static bool add_path(const struct sesame_instance *instance, const struct sesame_text *arguments,
                     struct kit_buffer *url)
{
    const char *at = instance->texts[PATH], *open, *close;

    for (; (open = strchr(at, '{')) != NULL; at = close + 1) {
        const struct kit_parameter *parameter = instance->parameters;
        const struct kit_parameter *end = parameter + instance->parameter_count;
        struct sesame_text name = {open + 1, strcspn(open + 1, "}")};

        close = open + 1 + name.len;
        while (parameter < end &&
               (parameter->place != KIT_IN_PATH || !kit_equal(name, parameter->name)))
            parameter++;
        if (*close == '\0' || parameter == end)
            return false;
        kit_add_text(url, (struct sesame_text){at, (size_t)(open - at)});
        if (arguments != NULL && !kit_parameter_add(&instance->kit, parameter, *arguments, url))
            return false;
    }
    kit_add(url, at);
    return true;
}

static void call_function(struct sesame_instance *instance, uint64_t call,
                          const struct sesame_tool_request *request)
{
    struct kit_buffer url = {0}, query = {0}, values[PARAMETER_MAX_COUNT] = {{0}};
    struct sesame_http_field headers[PARAMETER_MAX_COUNT + 2] = {
        {.name = kit_text("Accept"), .value = kit_text("application/json")},
        {.name = kit_text("Content-Type"), .value = kit_text("application/json")}};
    struct sesame_http_request http = {.method = kit_text(instance->texts[METHOD]),
                                       .credential = kit_text(instance->texts[CREDENTIAL]),
                                       .headers = headers,
                                       .answer_max_bytes = (uint64_t)instance->answer_max_bytes,
                                       .call = call};
    const char *why = "the host did not send the request: see its log";
    int32_t status = SESAME_BAD_INPUT;

    if (!kit_exchange_is_for(&instance->exchanges, call, request, instance->texts[NAME]))
        return;
    http.header_count = kit_find(&instance->kit, request->arguments, "/body", &http.body) ? 2 : 1;
    for (size_t i = 0; i < instance->parameter_count; i++) {
        const struct kit_parameter *parameter = &instance->parameters[i];

        if (parameter->place == KIT_IN_QUERY)
            (void)kit_parameter_add(&instance->kit, parameter, request->arguments, &query);
        else if (parameter->place == KIT_IN_HEADER &&
                 kit_parameter_add(&instance->kit, parameter, request->arguments, &values[i]))
            headers[http.header_count++] = (struct sesame_http_field){
                .name = kit_text(parameter->name), .value = kit_buffer_text(&values[i])};
        query.has_failed = query.has_failed || values[i].has_failed;
    }
    kit_add(&url, instance->texts[SERVER]);
    if (!add_path(instance, &request->arguments, &url) || kit_url_climbs(kit_buffer_text(&url))) {
        why = "an argument that is a part of the path is empty, \".\" or \"..\"";
    } else {
        kit_add(&url, query.len > 0 ? "?" : "");
        kit_add_text(&url, kit_buffer_text(&query));
        http.url = kit_buffer_text(&url);
        status = url.has_failed || query.has_failed
                     ? SESAME_LIMIT
                     : kit_exchange_start(&instance->exchanges, &http, instance->timeout_ms,
                                          request->deadline_ms);
    }
    if (status != SESAME_OK)
        (void)instance->exchanges.tool->complete(instance->kit.host, call, status, kit_text(why));
    for (size_t i = 0; i < instance->parameter_count; i++)
        kit_clear(&values[i]);
    kit_clear(&query);
    kit_clear(&url);
}

static void on_answer(struct sesame_instance *instance, const struct kit_exchange *exchange)
{
    bool has_failed = exchange->http_status < 200 || exchange->http_status > 299;
    bool is_text = kit_type_is_text(exchange->type);
    struct sesame_text body = kit_buffer_text(&exchange->answer);
    struct kit_buffer text = {0};

    if (has_failed || body.len == 0 || !is_text) {
        kit_add(&text, has_failed ? "the service refused the call: HTTP " : "done: HTTP ");
        kit_add_number(&text, exchange->http_status);
        kit_add(&text, body.len == 0 ? ", without a body" : is_text ? ", " : ", with a body of ");
        body.len = is_text ? kit_prefix(body, SHOWN_MAX_BYTES) : 0;
        kit_add_text(&text, is_text ? body : kit_text(exchange->type));
        body = kit_buffer_text(&text);
    }
    kit_complete_text(&instance->kit, instance->exchanges.tool, exchange->call, body, has_failed);
    kit_clear(&text);
}

/* ---- from the operation to a function -------------------------------------------------------- */

/* One property of the parameters: its schema, and the description that OpenAPI has beside it. */
static void add_property(const struct kit *kit, struct kit_buffer *properties,
                         struct kit_buffer *required, const struct kit_parameter *parameter,
                         struct sesame_text schema, struct sesame_text description)
{
    kit_add(properties, properties->len > 0 ? "," : "");
    kit_add_quoted(kit, properties, kit_text(parameter->name));
    kit_add(properties, ":{");
    if (description.len > 0 && !kit_find(kit, schema, "/description", &(struct sesame_text){0})) {
        kit_add(properties, "\"description\":");
        kit_add_text(properties, description);
        kit_add(properties, schema.len > 2 ? "," : "");
    }
    kit_add_text(properties, (struct sesame_text){schema.data + 1, schema.len - 1});
    if (!parameter->is_required)
        return;
    kit_add(required, required->len > 0 ? "," : "");
    kit_add_quoted(kit, required, kit_text(parameter->name));
}

static bool read_parameters(struct sesame_instance *instance, struct sesame_text operation,
                            struct kit_buffer *properties, struct kit_buffer *required)
{
    const struct kit *kit = &instance->kit;
    struct kit_parameter body = {.name = (char[]){"body"}};
    struct sesame_text all = {NULL, 0}, json, schema, none, description;
    size_t position = 0;

    (void)kit_find(kit, operation, "/parameters", &all);
    while (kit->json->next(kit->host, all, &position, &none, &json) == SESAME_OK) {
        struct kit_parameter *parameter = &instance->parameters[instance->parameter_count++];

        if (!kit_parameter_read(kit, json, parameter))
            return false;
        if (!kit_find(kit, json, "/description", &description))
            description = kit_text("");
        if (kit_find(kit, json, "/schema", &schema))
            add_property(kit, properties, required, parameter, schema, description);
    }
    body.is_required = kit_get_bool(kit, operation, "/requestBody/required");
    if (kit_find(kit, operation, "/requestBody/content/application~1json/schema", &schema))
        add_property(kit, properties, required, &body, schema, (struct sesame_text){NULL, 0});
    return true;
}

/* What `list` answers. */
static bool read_operation(struct sesame_instance *instance, struct sesame_text operation)
{
    struct kit_buffer *list = &instance->list, properties = {0}, required = {0};
    struct sesame_text name = {NULL, 0}, words;

    (void)kit_find(&instance->kit, operation, "/operationId", &name);
    words = name; /* a model needs some description */
    if (!kit_find(&instance->kit, operation, "/description", &words))
        (void)kit_find(&instance->kit, operation, "/summary", &words);
    list->has_failed = !read_parameters(instance, operation, &properties, &required);
    kit_add(list, "{\"functions\":[{\"name\":");
    kit_add_text(list, name);
    kit_add(list, ",\"description\":");
    kit_add_text(list, words);
    kit_add(list, ",\"parameters\":{\"type\":\"object\",\"properties\":{");
    kit_add_text(list, kit_buffer_text(&properties));
    kit_add(list, "},\"required\":[");
    kit_add_text(list, kit_buffer_text(&required));
    kit_add(list, "],\"additionalProperties\":false}}]}");
    list->has_failed = list->has_failed || properties.has_failed || required.has_failed;
    kit_clear(&properties);
    kit_clear(&required);
    return !list->has_failed;
}

/* ---- the tool -------------------------------------------------------------------------------- */

static void cancel(struct sesame_instance *instance, uint64_t call)
{
    kit_exchange_cancel(&instance->exchanges, call);
}

static void list(struct sesame_instance *instance, uint64_t call, int64_t deadline_ms)
{
    (void)deadline_ms;
    (void)instance->exchanges.tool->complete(instance->kit.host, call, SESAME_OK,
                                             kit_buffer_text(&instance->list));
}

static void destroy(struct sesame_instance *instance)
{
    kit_exchanges_clear(&instance->exchanges);
    for (size_t i = 0; i < instance->parameter_count; i++)
        kit_parameter_clear(&instance->parameters[i]);
    kit_clear(&instance->list);
    for (size_t i = 0; i < TEXT_COUNT; i++)
        free(instance->texts[i]);
    free(instance);
}

static bool read_config(struct sesame_instance *instance, struct sesame_text config)
{
    const struct kit *kit = &instance->kit;
    struct sesame_text operation;

    for (size_t i = 0; i < TEXT_COUNT; i++)
        if ((instance->texts[i] = kit_get_string(kit, config, text_pointers[i])) == NULL)
            return false;
    if (!kit_find(kit, config, "/operation", &operation) ||
        !kit_get_int(kit, config, "/timeout_s", &instance->timeout_ms) ||
        !kit_get_int(kit, config, "/answer_max_bytes", &instance->answer_max_bytes))
        return false;
    instance->timeout_ms *= 1000;
    return read_operation(instance, operation);
}

static int32_t create(const struct sesame_host *host, struct sesame_text config,
                      struct sesame_instance **out_instance)
{
    struct sesame_instance *instance = calloc(1, sizeof *instance);
    struct kit_buffer ignored = {0};
    int32_t status = SESAME_INTERNAL;

    if (instance == NULL)
        return SESAME_INTERNAL;
    if (kit_open(&instance->kit, host) &&
        kit_exchanges_open(&instance->exchanges, &instance->kit, on_answer) &&
        read_config(instance, config)) {
        status = add_path(instance, NULL, &ignored) ? SESAME_OK : SESAME_BAD_INPUT;
        if (status != SESAME_OK)
            instance->kit.log->explain(host, kit_text("a {place} of \"path\" is no parameter of "
                                                      "the operation that is in \"path\""));
    }
    kit_clear(&ignored);
    if (status != SESAME_OK)
        destroy(instance);
    else
        *out_instance = instance;
    return status;
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
    "http-json",   PACKAGE_VERSION, "One operation of a REST service as one function",
    config_schema, needs,           offers,
    get_interface, create,          NULL,
    destroy,
};
