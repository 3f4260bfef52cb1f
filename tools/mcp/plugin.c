/* The contract's side of the MCP client: configuration, instance, tables. */
#include "mcp.h"

#include <stdlib.h>
#include <string.h>

static const char config_schema[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"url\":{\"type\":\"string\",\"minLength\":1,\"x-origin\":true},"
    "\"credential\":{\"type\":\"string\",\"default\":\"\",\"x-credential\":true},"
    "\"timeout_s\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":600,\"default\":60},"
    "\"tools\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
    "\"listen\":{\"type\":\"boolean\",\"default\":false}},"
    "\"required\":[\"url\"],\"additionalProperties\":false}";

static void destroy(struct sesame_instance *instance)
{
    operation_free_all(instance);
    exchange_free_all(instance);
    kit_clear(&instance->allowed);
    free(instance->url);
    free(instance->credential);
    free(instance->session_id);
    free(instance->version);
    free(instance);
}

static bool open_services(struct sesame_instance *instance, const struct sesame_host *host)
{
    instance->http = host->get_service(host, SESAME_HTTP_V1);
    instance->sse = host->get_service(host, SESAME_SSE_V1);
    instance->loop = host->get_service(host, SESAME_LOOP_V1);
    instance->completion = host->get_service(host, SESAME_TOOL_HOST_V1);
    return kit_open(&instance->kit, host) && instance->http != NULL && instance->sse != NULL &&
           instance->loop != NULL && instance->completion != NULL;
}

/* The path of the older HTTP+SSE transport, as in ".../sse" or ".../sse?key=...". */
static bool is_old_form(const char *url)
{
    size_t len = strcspn(url, "?#");

    while (len > 0 && url[len - 1] == '/')
        len--;
    return len > 4 && strncmp(url + len - 4, "/sse", 4) == 0;
}

static int32_t read_config(struct sesame_instance *instance, struct sesame_text config)
{
    const struct kit *kit = &instance->kit;
    struct sesame_text allowed;

    instance->url = kit_get_string(kit, config, "/url");
    instance->credential = kit_get_string(kit, config, "/credential");
    if (instance->url == NULL || instance->credential == NULL ||
        !kit_get_int(kit, config, "/timeout_s", &instance->timeout_ms))
        return SESAME_INTERNAL;
    instance->timeout_ms *= 1000;
    instance->listens = kit_get_bool(kit, config, "/listen");
    if (kit_find(kit, config, "/tools", &allowed))
        kit_add_text(&instance->allowed, allowed);
    if (!is_old_form(instance->url))
        return instance->allowed.has_failed ? SESAME_INTERNAL : SESAME_OK;
    kit->log->explain(kit->host,
                      kit_text("config.url ends in /sse, the older HTTP+SSE transport, which this "
                               "client does not speak: use the server's Streamable HTTP address, "
                               "which usually ends in /mcp instead"));
    return SESAME_BAD_INPUT;
}

static int32_t create(const struct sesame_host *host, struct sesame_text config,
                      struct sesame_instance **out_instance)
{
    struct sesame_instance *instance = calloc(1, sizeof *instance);
    int32_t status = SESAME_INTERNAL;

    if (instance == NULL)
        return SESAME_INTERNAL;
    if (open_services(instance, host))
        status = read_config(instance, config);
    if (status == SESAME_OK)
        *out_instance = instance;
    else
        destroy(instance);
    return status;
}

static int32_t stop(struct sesame_instance *instance)
{
    return session_end(instance) ? SESAME_PENDING : SESAME_OK;
}

static const void *get_interface(const char *id)
{
    static const struct sesame_tool_v1 tool = {operation_list, operation_call, operation_cancel};

    return strcmp(id, SESAME_TOOL_V1) == 0 ? &tool : NULL;
}

static const char *const needs[] = {
    SESAME_LOG_V1, SESAME_JSON_V1, SESAME_CLOCK_V1,     SESAME_LOOP_V1,
    SESAME_SSE_V1, SESAME_HTTP_V1, SESAME_TOOL_HOST_V1, NULL};
static const char *const offers[] = {SESAME_TOOL_V1, NULL};

const struct sesame_plugin sesame_plugin_v1 = {
    .id = "mcp",
    .version = PACKAGE_VERSION,
    .description = "The tools of an MCP server over Streamable HTTP",
    .config_schema = config_schema,
    .needs = needs,
    .offers = offers,
    .get_interface = get_interface,
    .create = create,
    .stop = stop,
    .destroy = destroy,
};
