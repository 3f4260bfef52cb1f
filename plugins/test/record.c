/* What a plugin asks of the host is noted, then done: which services there are. */
#include "record.h"

#include <string.h>

static const struct {
    const char *id;
    const void *table;
} services[] = {
    {SESAME_LOG_V1, &recorded_log},
    {SESAME_CLOCK_V1, &recorded_clock},
    {SESAME_RANDOM_V1, &recorded_random},
    {SESAME_LOOP_V1, &recorded_loop},
    {SESAME_JSON_V1, &recorded_json},
    {SESAME_SSE_V1, &recorded_sse},
    {SESAME_HTTP_V1, &recorded_http},
    {SESAME_PROGRAM_V1, &recorded_program},
    {SESAME_CREDENTIALS_V1, &recorded_credentials},
    {SESAME_SECRET_V1, &recorded_secret},
    {SESAME_SIGN_V1, &recorded_sign},
    {SESAME_PLATFORM_CREDENTIALS_V1, &recorded_platform},
    {SESAME_TOOL_HOST_V1, &recorded_tool},
    {SESAME_CREDENTIAL_PROVIDER_HOST_V1, &recorded_provider},
};

const struct sesame_host *recorded_enter(const struct sesame_host *host, const char *service,
                                         const char *function)
{
    struct recorded_host *recorded;
    const struct sesame_host *inner;
    const char *name;

    memcpy(&recorded, &host, sizeof recorded); /* it is the first member */
    inner = recorded->inner;
    name = recorded->instance == NULL ? "" : recorded->instance->name;
    test_host_note_call(recorded->test, service, function);
    if (inner == NULL)
        test_host_fault(recorded->test, "late_host_call", name);
    else if (!pthread_equal(recorded->test->thread, pthread_self()) &&
             (strcmp(service, SESAME_CLOCK_V1) == 0 || strcmp(service, SESAME_RANDOM_V1) == 0))
        test_host_fault(recorded->test, "wrong_thread", name); /* the other services look */
    return inner;
}

static const char *known_id(const char *id)
{
    for (size_t i = 0; id != NULL && i < sizeof services / sizeof services[0]; i++)
        if (strcmp(services[i].id, id) == 0)
            return services[i].id;
    return "";
}

const void *recorded_get_service(const struct sesame_host *host, const char *id)
{
    const struct sesame_host *inner = recorded_enter(host, known_id(id), "get_service");
    struct recorded_host *recorded;

    memcpy(&recorded, &host, sizeof recorded);
    if (inner == NULL || inner->get_service(inner, id) == NULL)
        return NULL;
    for (const char *const *withheld = recorded->withheld; *withheld != NULL; withheld++)
        if (strcmp(*withheld, id) == 0)
            return NULL;
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++)
        if (strcmp(services[i].id, id) == 0)
            return services[i].table;
    return NULL;
}
