/* Convenience for the common tool: functions that take JSON, may block, and return a text.
 *
 * Not a part of the frozen contract: all code here is compiled into the plugin, on top of
 * <sesame/tool.h>. Include it in one source file only. Place such a tool on `thread` or `process`:
 * on `inline` a function that blocks stops the host.
 *
 *     static int32_t greet(struct sesame_simple_call *call)
 *     {
 *         sesame_simple_print(call, "hello");
 *         return SESAME_OK;
 *     }
 *     static const struct sesame_simple_function functions[] = {
 *         {"greet", "Says hello.", "{\"type\":\"object\"}", greet},
 *         {NULL, NULL, NULL, NULL},
 *     };
 *     SESAME_SIMPLE_TOOL("hello", "1.0", "A greeting.", "{\"type\":\"object\"}", functions)
 */
#ifndef SESAME_SIMPLE_TOOL_H
#define SESAME_SIMPLE_TOOL_H

#include <sesame/services.h>
#include <sesame/tool.h>
#include <stdlib.h>
#include <string.h>

/* One call as its function sees it; valid until the function returns. All pointers are borrowed. */
struct sesame_simple_call {
    struct sesame_text arguments; /* JSON object, checked against the function's schema */
    struct sesame_text config;    /* JSON object, checked against the plugin's schema */
    struct sesame_text context;   /* see struct sesame_tool_request */
    int64_t deadline_ms;          /* absolute, of the host's monotonic clock */
    int is_error; /* set to 1 with SESAME_OK: the text is an error that the model can correct */

    /* Of this header alone. */
    struct sesame_instance *instance;
    uint64_t handle;
    char *data;
    size_t len, size;
    int out_of_memory;
};

/* The last entry of a list is all NULL. */
struct sesame_simple_function {
    const char *name;
    const char *description;
    const char *parameters; /* JSON Schema of an object */

    /* Writes its result with sesame_simple_print or _write and returns SESAME_OK; or writes a
     * message without secrets and returns what went wrong. */
    int32_t (*run)(struct sesame_simple_call *call);
};

struct sesame_instance {
    const struct sesame_host *host;
    const struct sesame_tool_host_v1 *tool;
    const struct sesame_json_v1 *json;
    const struct sesame_simple_function *functions;
    char *config; /* owned */
    size_t config_len;
};

/* The value at an RFC 6901 pointer, such as "/city", of `json`: the call's arguments or its
 * configuration. Raw JSON, a part of `json`; empty when there is none. */
static inline struct sesame_text sesame_simple_find(const struct sesame_simple_call *call,
                                                    struct sesame_text json, const char *pointer)
{
    const struct sesame_instance *instance = call->instance;
    struct sesame_text where, found;

    where.data = pointer;
    where.len = strlen(pointer);
    if (instance->json->find(instance->host, json, where, &found) != SESAME_OK) {
        found.data = NULL;
        found.len = 0;
    }
    return found;
}

/* The characters of the string at `pointer`, NUL-terminated, for the caller to free. NULL when
 * there is none, it is no string, or there is no memory. It ends at a NUL inside. */
static inline char *sesame_simple_get_text(const struct sesame_simple_call *call,
                                           struct sesame_text json, const char *pointer)
{
    const struct sesame_instance *instance = call->instance;
    struct sesame_text literal = sesame_simple_find(call, json, pointer);
    char *text = literal.len == 0 ? NULL : (char *)malloc(literal.len + 1);
    size_t len = 0;

    if (text == NULL)
        return NULL;
    if (instance->json->unquote(instance->host, literal, text, literal.len, &len) != SESAME_OK) {
        free(text);
        return NULL;
    }
    text[len] = '\0';
    return text;
}

/* The number at `pointer`, or `otherwise` when there is none. */
static inline double sesame_simple_get_number(const struct sesame_simple_call *call,
                                              struct sesame_text json, const char *pointer,
                                              double otherwise)
{
    struct sesame_text literal = sesame_simple_find(call, json, pointer);
    char text[64], *end;
    double number;

    if (literal.len == 0 || literal.len >= sizeof text)
        return otherwise;
    memcpy(text, literal.data, literal.len);
    text[literal.len] = '\0';
    number = strtod(text, &end);
    return end == text ? otherwise : number;
}

/* Appends bytes of UTF-8 to the result. A lack of memory is remembered and fails the call. */
static inline void sesame_simple_write(struct sesame_simple_call *call, const char *data,
                                       size_t len)
{
    if (len == 0 || call->out_of_memory)
        return;
    if (len > call->size - call->len) {
        size_t size = (call->len + len) * 2;
        char *grown = size / 2 < len ? NULL : (char *)realloc(call->data, size);

        if (grown == NULL) {
            call->out_of_memory = 1;
            return;
        }
        call->data = grown;
        call->size = size;
    }
    memcpy(call->data + call->len, data, len);
    call->len += len;
}

/* Appends a NUL-terminated text to the result. */
static inline void sesame_simple_print(struct sesame_simple_call *call, const char *text)
{
    sesame_simple_write(call, text, strlen(text));
}

/* Appends `len` bytes as a JSON string, quotes included (RFC 8259, section 7). */
static inline void sesame_simple_quote(struct sesame_simple_call *call, const char *data,
                                       size_t len)
{
    static const char hex[] = "0123456789abcdef";
    size_t i;

    sesame_simple_print(call, "\"");
    for (i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)data[i];

        if (byte < 0x20) {
            char escape[6] = {'\\', 'u', '0', '0', '0', '0'};

            escape[4] = hex[byte >> 4];
            escape[5] = hex[byte & 15];
            sesame_simple_write(call, escape, sizeof escape);
            continue;
        }
        if (byte == '"' || byte == '\\')
            sesame_simple_print(call, "\\");
        sesame_simple_write(call, data + i, 1);
    }
    sesame_simple_print(call, "\"");
}

/* Shows a short plain text while the call goes on. */
static inline void sesame_simple_progress(struct sesame_simple_call *call, const char *text)
{
    struct sesame_text progress;

    progress.data = text;
    progress.len = strlen(text);
    (void)call->instance->tool->emit(call->instance->host, call->handle, progress);
}

/* 1 when the function should return early, best with SESAME_CANCELLED. Ask it in long loops. */
static inline int sesame_simple_is_cancelled(const struct sesame_simple_call *call)
{
    return call->instance->tool->is_cancelled(call->instance->host, call->handle) != 0;
}

/* Ends the call with what was written and frees it. */
static inline void sesame_simple_complete(struct sesame_simple_call *call, int32_t status)
{
    struct sesame_text result;

    result.data = call->data;
    result.len = call->len;
    if (call->out_of_memory) {
        status = SESAME_LIMIT;
        result.data = "out of memory";
        result.len = strlen(result.data);
    }
    (void)call->instance->tool->complete(call->instance->host, call->handle, status, result);
    free(call->data);
}

static inline void sesame_simple_list(struct sesame_instance *instance, uint64_t handle,
                                      int64_t deadline_ms)
{
    const struct sesame_simple_function *function;
    struct sesame_simple_call answer;

    memset(&answer, 0, sizeof answer);
    answer.instance = instance;
    answer.handle = handle;
    answer.deadline_ms = deadline_ms;
    sesame_simple_print(&answer, "{\"functions\":[");
    for (function = instance->functions; function->name != NULL; function++) {
        sesame_simple_print(&answer,
                            function == instance->functions ? "{\"name\":" : ",{\"name\":");
        sesame_simple_quote(&answer, function->name, strlen(function->name));
        sesame_simple_print(&answer, ",\"description\":");
        sesame_simple_quote(&answer, function->description, strlen(function->description));
        sesame_simple_print(&answer, ",\"parameters\":");
        sesame_simple_print(&answer, function->parameters);
        sesame_simple_print(&answer, "}");
    }
    sesame_simple_print(&answer, "]}");
    sesame_simple_complete(&answer, SESAME_OK);
}

/* Runs the function, and wraps its text as the contract wants it. */
static inline void sesame_simple_run(const struct sesame_simple_function *function,
                                     struct sesame_simple_call *call)
{
    int32_t status = function->run(call);
    struct sesame_simple_call answer = *call;

    if (status != SESAME_OK || call->out_of_memory) {
        sesame_simple_complete(call, status);
        return;
    }
    answer.data = NULL;
    answer.len = answer.size = 0;
    sesame_simple_print(&answer, "{\"text\":");
    sesame_simple_quote(&answer, call->data, call->len);
    sesame_simple_print(&answer, call->is_error ? ",\"is_error\":true}" : "}");
    free(call->data);
    sesame_simple_complete(&answer, SESAME_OK);
}

static inline void sesame_simple_call_function(struct sesame_instance *instance, uint64_t handle,
                                               const struct sesame_tool_request *request)
{
    const struct sesame_simple_function *function;
    struct sesame_simple_call call;

    memset(&call, 0, sizeof call);
    call.instance = instance;
    call.handle = handle;
    call.arguments = request->arguments;
    call.context = request->context;
    call.deadline_ms = request->deadline_ms;
    call.config.data = instance->config;
    call.config.len = instance->config_len;
    for (function = instance->functions; function->name != NULL; function++)
        if (strlen(function->name) == request->function.len &&
            memcmp(function->name, request->function.data, request->function.len) == 0) {
            sesame_simple_run(function, &call);
            return;
        }
    sesame_simple_print(&call, "this tool has no such function");
    sesame_simple_complete(&call, SESAME_NOT_FOUND);
}

/* Nothing to do: a running function asks sesame_simple_is_cancelled, and completes in any case. */
static inline void sesame_simple_cancel(struct sesame_instance *instance, uint64_t handle)
{
    (void)instance;
    (void)handle;
}

static inline const void *sesame_simple_get_interface(const char *id)
{
    static const struct sesame_tool_v1 table = {sesame_simple_list, sesame_simple_call_function,
                                                sesame_simple_cancel};

    return strcmp(id, SESAME_TOOL_V1) == 0 ? &table : NULL;
}

static inline void sesame_simple_destroy(struct sesame_instance *instance)
{
    free(instance->config);
    free(instance);
}

static inline int32_t sesame_simple_create(const struct sesame_host *host,
                                           struct sesame_text config,
                                           const struct sesame_simple_function *functions,
                                           struct sesame_instance **out_instance)
{
    struct sesame_instance *instance = (struct sesame_instance *)calloc(1, sizeof *instance);

    if (instance == NULL)
        return SESAME_LIMIT;
    instance->host = host;
    instance->functions = functions;
    instance->tool =
        (const struct sesame_tool_host_v1 *)host->get_service(host, SESAME_TOOL_HOST_V1);
    instance->json = (const struct sesame_json_v1 *)host->get_service(host, SESAME_JSON_V1);
    instance->config = (char *)malloc(config.len + 1);
    if (instance->tool == NULL || instance->json == NULL || instance->config == NULL) {
        sesame_simple_destroy(instance);
        return SESAME_INTERNAL;
    }
    if (config.len > 0)
        memcpy(instance->config, config.data, config.len);
    instance->config[config.len] = '\0';
    instance->config_len = config.len;
    *out_instance = instance;
    return SESAME_OK;
}

/* The plugin itself: texts as in struct sesame_plugin, and the list of functions. */
#define SESAME_SIMPLE_TOOL(id, version, description, config_schema, functions)                    \
    static int32_t sesame_simple_create_this(const struct sesame_host *host,                      \
                                             struct sesame_text config,                           \
                                             struct sesame_instance **out_instance)               \
    {                                                                                             \
        return sesame_simple_create(host, config, functions, out_instance);                       \
    }                                                                                             \
    static const char *const sesame_simple_needs[] = {SESAME_TOOL_HOST_V1, SESAME_JSON_V1, NULL}; \
    static const char *const sesame_simple_offers[] = {SESAME_TOOL_V1, NULL};                     \
    const struct sesame_plugin sesame_plugin_v1 = {id,                                            \
                                                   version,                                       \
                                                   description,                                   \
                                                   config_schema,                                 \
                                                   sesame_simple_needs,                           \
                                                   sesame_simple_offers,                          \
                                                   sesame_simple_get_interface,                   \
                                                   sesame_simple_create_this,                     \
                                                   NULL,                                          \
                                                   sesame_simple_destroy};

#endif
