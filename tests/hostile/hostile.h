/* What every hostile plugin is: a tool whose function `act` does what HOSTILE_ACT names. One source
 * for a family, one library for each kind: -DHOSTILE_ACT=forks -DHOSTILE_ID="forks". */
#ifndef SESAME_TESTS_HOSTILE_H
#define SESAME_TESTS_HOSTILE_H

#include <errno.h>
#include <sesame/services.h>
#include <sesame/tool.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

struct sesame_instance {
    const struct sesame_host *host;
    const struct sesame_tool_host_v1 *tool;
    const struct sesame_loop_v1 *loop;
    const struct sesame_log_v1 *log;
    const struct sesame_http_v1 *http;
    const struct sesame_credentials_v1 *credentials;
    const struct sesame_json_v1 *json;
    pid_t host_pid; /* from the configuration */
    char url[200], other_url[200];
    uint64_t call;
    char report[2000]; /* what it got; empty: nothing */
};

/* One kind of evil. The others of the family are not used in this library. */
#define ACT(name) \
    static __attribute__((unused)) void name(struct sesame_instance *instance, uint64_t call)

static __attribute__((unused)) struct sesame_text text_of(const char *text)
{
    return (struct sesame_text){text, strlen(text)};
}

/* `result` as system calls give it: what did not fail is noted. */
static __attribute__((unused)) void got(struct sesame_instance *instance, const char *what,
                                        long result)
{
    size_t used = strlen(instance->report);

    if (result >= 0)
        (void)snprintf(instance->report + used, sizeof instance->report - used, "%s ", what);
}

static __attribute__((unused)) void say(struct sesame_instance *instance, uint64_t call,
                                        const char *text)
{
    char json[2200];

    (void)snprintf(json, sizeof json, "{\"text\":\"%s\"}", text);
    (void)instance->tool->complete(instance->host, call, SESAME_OK, text_of(json));
}

/* "contained", or what it got. */
static __attribute__((unused)) void finish(struct sesame_instance *instance, uint64_t call)
{
    say(instance, call, instance->report[0] == '\0' ? "contained" : instance->report);
}

/* ---- what a family may replace before it includes hostile_end.h ------------------------------ */

#define LIST_OF_ACT                                                                            \
    "{\"functions\":[{\"name\":\"act\",\"description\":\"d\",\"parameters\":{\"type\":"        \
    "\"object\",\"properties\":{}}},{\"name\":\"rest\",\"description\":\"d\",\"parameters\":{" \
    "\"type\":\"object\",\"properties\":{}}}]}"

#endif
