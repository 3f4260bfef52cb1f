/* A plugin whose calls do what the test says; for tests of the scripted host itself. */
#ifndef SESAME_TESTS_KIT_SCRIPTED_PLUGIN_H
#define SESAME_TESTS_KIT_SCRIPTED_PLUGIN_H

#include <check.h>
#include <sesame/plugin_test.h>
#include <stdlib.h>
#include <string.h>

struct sesame_instance {
    const struct sesame_host *host;
    uint64_t call; /* the last one */
};

/* Set by the test before the call. */
static void (*scripted_on_call)(struct sesame_instance *instance, uint64_t call);
static void (*scripted_on_fetch)(struct sesame_instance *instance, uint64_t call);
static void (*scripted_on_cancel)(struct sesame_instance *instance, uint64_t call);
static int32_t (*scripted_on_stop)(struct sesame_instance *instance);
static const char *scripted_list =
    "{\"functions\":[{\"name\":\"act\",\"description\":\"Acts.\","
    "\"parameters\":{\"type\":\"object\",\"properties\":{\"n\":{"
    "\"type\":\"integer\"}}}}]}";

static inline struct sesame_text scripted_text(const char *text)
{
    return (struct sesame_text){text, strlen(text)};
}

/* The table of a service, as of sesame.http/1. */
#define SERVICE(instance, type, id) \
    ((const struct type *)(instance)->host->get_service((instance)->host, id))

static inline int32_t scripted_complete(struct sesame_instance *instance, uint64_t call,
                                        int32_t status, const char *data)
{
    return SERVICE(instance, sesame_tool_host_v1, SESAME_TOOL_HOST_V1)
        ->complete(instance->host, call, status, scripted_text(data));
}

static inline void scripted_answer(struct sesame_instance *instance, uint64_t call)
{
    (void)scripted_complete(instance, call, SESAME_OK, "{\"text\":\"done\"}");
}

static inline void scripted_do_list(struct sesame_instance *instance, uint64_t call,
                                    int64_t deadline_ms)
{
    (void)deadline_ms;
    (void)scripted_complete(instance, call, SESAME_OK, scripted_list);
}

static inline void scripted_do_call(struct sesame_instance *instance, uint64_t call,
                                    const struct sesame_tool_request *request)
{
    (void)request;
    instance->call = call;
    scripted_on_call(instance, call);
}

static inline void scripted_do_fetch(struct sesame_instance *instance, uint64_t call,
                                     const struct sesame_token_request *request)
{
    (void)request;
    instance->call = call;
    scripted_on_fetch(instance, call);
}

static inline void scripted_do_cancel(struct sesame_instance *instance, uint64_t call)
{
    if (scripted_on_cancel != NULL)
        scripted_on_cancel(instance, call);
}

static inline const void *scripted_get_interface(const char *id)
{
    static const struct sesame_tool_v1 tool = {scripted_do_list, scripted_do_call,
                                               scripted_do_cancel};
    static const struct sesame_credential_provider_v1 provider = {scripted_do_fetch,
                                                                  scripted_do_cancel};

    return strcmp(id, SESAME_TOOL_V1) == 0                  ? (const void *)&tool
           : strcmp(id, SESAME_CREDENTIAL_PROVIDER_V1) == 0 ? (const void *)&provider
                                                            : NULL;
}

static inline int32_t scripted_create(const struct sesame_host *host, struct sesame_text config,
                                      struct sesame_instance **out_instance)
{
    (void)config;
    *out_instance = calloc(1, sizeof **out_instance);
    (*out_instance)->host = host;
    return SESAME_OK;
}

static inline int32_t scripted_stop(struct sesame_instance *instance)
{
    return scripted_on_stop == NULL ? SESAME_OK : scripted_on_stop(instance);
}

static inline void scripted_destroy(struct sesame_instance *instance)
{
    free(instance);
}

static const char *const scripted_needs[] = {SESAME_LOG_V1, NULL};
static const char *const scripted_offers[] = {SESAME_TOOL_V1, SESAME_CREDENTIAL_PROVIDER_V1, NULL};

static const struct sesame_plugin scripted_plugin = {
    .id = "scripted",
    .version = "1",
    .description = "Does what a test says.",
    .config_schema =
        "{\"type\":\"object\",\"properties\":{\"url\":{\"type\":\"string\","
        "\"x-origin\":true},\"size\":{\"type\":\"integer\",\"maximum\":9},"
        "\"secret\":{\"type\":\"string\",\"x-secret\":\"env\"}},"
        "\"additionalProperties\":false}",
    .needs = scripted_needs,
    .offers = scripted_offers,
    .get_interface = scripted_get_interface,
    .create = scripted_create,
    .stop = scripted_stop,
    .destroy = scripted_destroy,
};

#endif
