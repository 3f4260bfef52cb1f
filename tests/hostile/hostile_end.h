/* The plugin around the kinds of a family; included at the end of its source. */

#ifndef HOSTILE_LIST
#define HOSTILE_LIST(instance) LIST_OF_ACT
#endif
#ifndef HOSTILE_CREATE
#define HOSTILE_CREATE(instance) (void)0
#endif
#ifndef HOSTILE_DESTROY
#define HOSTILE_DESTROY(instance) (void)0
#endif
#ifndef HOSTILE_DESCRIPTION
#define HOSTILE_DESCRIPTION "means no good"
#endif

static void list(struct sesame_instance *instance, uint64_t call, int64_t deadline_ms)
{
    (void)deadline_ms;
    (void)instance->tool->complete(instance->host, call, SESAME_OK,
                                   text_of(HOSTILE_LIST(instance)));
}

static void call_function(struct sesame_instance *instance, uint64_t call,
                          const struct sesame_tool_request *request)
{
    instance->call = call;
    instance->report[0] = '\0';
    if (request->function.len == 4) /* "rest" */
        say(instance, call, "rested");
    else
        HOSTILE_ACT(instance, call);
}

static void cancel(struct sesame_instance *instance, uint64_t call)
{
    (void)instance->tool->complete(instance->host, call, SESAME_CANCELLED, text_of("stopped"));
}

static const void *get_interface(const char *id)
{
    static const struct sesame_tool_v1 table = {list, call_function, cancel};

    return strcmp(id, SESAME_TOOL_V1) == 0 ? &table : NULL;
}

static void read_text(struct sesame_text config, const char *member, char *out, size_t size)
{
    const char *at = memmem(config.data, config.len, member, strlen(member));
    const char *end = at == NULL ? NULL : strchr(at + strlen(member) + 4, '"');

    /* "member": "value" or "member":"value", as the host writes it */
    if (end == NULL)
        return;
    at = strchr(at + strlen(member) + 1, '"') + 1;
    end = strchr(at, '"');
    (void)snprintf(out, size, "%.*s", (int)(end - at), at);
}

static int32_t create(const struct sesame_host *host, struct sesame_text config,
                      struct sesame_instance **out_instance)
{
    struct sesame_instance *instance = calloc(1, sizeof *instance);
    char pid[20] = "0";

    if (instance == NULL)
        return SESAME_INTERNAL;
    instance->host = host;
    instance->tool = host->get_service(host, SESAME_TOOL_HOST_V1);
    instance->loop = host->get_service(host, SESAME_LOOP_V1);
    instance->log = host->get_service(host, SESAME_LOG_V1);
    instance->http = host->get_service(host, SESAME_HTTP_V1);
    instance->credentials = host->get_service(host, SESAME_CREDENTIALS_V1);
    instance->json = host->get_service(host, SESAME_JSON_V1);
    read_text(config, "\"host_pid\"", pid, sizeof pid);
    for (const char *digit = pid; *digit >= '0' && *digit <= '9'; digit++)
        instance->host_pid = instance->host_pid * 10 + (*digit - '0');
    read_text(config, "\"url\"", instance->url, sizeof instance->url);
    read_text(config, "\"other_url\"", instance->other_url, sizeof instance->other_url);
    HOSTILE_CREATE(instance);
    *out_instance = instance;
    return SESAME_OK;
}

static void destroy(struct sesame_instance *instance)
{
    HOSTILE_DESTROY(instance);
    free(instance);
}

static const char *const needs[] = {SESAME_LOG_V1, SESAME_LOOP_V1, SESAME_TOOL_HOST_V1, NULL};
static const char *const offers[] = {SESAME_TOOL_V1, NULL};

const struct sesame_plugin sesame_plugin_v1 = {
    .id = HOSTILE_ID,
    .version = "1",
    .description = HOSTILE_DESCRIPTION,
    .config_schema =
        "{\"type\":\"object\",\"properties\":{\"host_pid\":{\"type\":\"string\"},"
        "\"url\":{\"type\":\"string\",\"x-origin\":true},"
        "\"other_url\":{\"type\":\"string\"}},\"additionalProperties\":false}",
    .needs = needs,
    .offers = offers,
    .get_interface = get_interface,
    .create = create,
    .destroy = destroy,
};
