/* sesame.tool/1: a plugin that offers the model one or more functions. */
#ifndef SESAME_TOOL_H
#define SESAME_TOOL_H

#include <sesame/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SESAME_TOOL_V1 "sesame.tool/1"
#define SESAME_TOOL_HOST_V1 "sesame.tool-host/1"

struct sesame_tool_request {
    struct sesame_text function;  /* the name as `list` gave it */
    struct sesame_text arguments; /* JSON object, checked against the function's schema */
    int64_t deadline_ms;
    /* JSON object, never a secret: {"request_id": "...", "user": "..."}. "user" is an opaque name,
     * the same for the same user, by which to keep apart what must not be shared between users,
     * such as sessions; it is missing when no credential here stands for the user. */
    struct sesame_text context;
};

/* Implemented by the plugin. [home] */
struct sesame_tool_v1 {
    /* Asks which functions there are. Completed with JSON:
     *   {"functions": [{"name": "...", "description": "...", "parameters": {JSON Schema object}}]}
     * A name is 1 to 128 of [A-Za-z0-9_.-], unique within the plugin. The host makes it fit what
     * the model accepts. */
    void (*list)(struct sesame_instance *instance, uint64_t call, int64_t deadline_ms);

    /* Runs one function. Completed with JSON: {"text": "..."} for the model, and optional
     * "is_error": true when the function itself failed in a way the model can correct. Several
     * calls may be open at once, except on the `thread` placement, which makes one at a time. */
    void (*call)(struct sesame_instance *instance, uint64_t call,
                 const struct sesame_tool_request *request);

    /* Asks for an end of `call`, which may be over already. */
    void (*cancel)(struct sesame_instance *instance, uint64_t call);
};

/* Offered by the host under SESAME_TOOL_HOST_V1. [home] */
struct sesame_tool_host_v1 {
    /* Ends `call`. With SESAME_OK `data` is the JSON described above; else it is a message for
     * people and for the model, without secrets. */
    int32_t (*complete)(const struct sesame_host *host, uint64_t call, int32_t status,
                        struct sesame_text data);

    /* Shows progress of `call`, a short plain text. SESAME_OK: go on. SESAME_PENDING: the reader is
     * slow, texts are dropped for now. */
    int32_t (*emit)(const struct sesame_host *host, uint64_t call, struct sesame_text progress);

    /* The list of functions is no longer right: the host lists again before the next turn. */
    void (*changed)(const struct sesame_host *host);

    /* 1 when somebody asked to cancel `call` or its deadline is over, else 0. For plugins that work
     * in a loop of their own on the `thread` placement. */
    int32_t (*is_cancelled)(const struct sesame_host *host, uint64_t call);
};

#ifdef __cplusplus
}
#endif

#endif
