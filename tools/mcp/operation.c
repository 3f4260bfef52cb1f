/* Lists and calls: what the host asks for, over as many requests as it takes. */
#include "mcp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_MAX_COUNT 50
#define TOOL_MAX_COUNT 256

struct operation {
    struct operation *next;
    struct sesame_instance *instance;
    uint64_t call;
    int64_t deadline_ms;
    bool is_list;
    char *function;
    char *arguments;
    char *cursor; /* of the next page */
    int pages;
    size_t tool_count;
    struct kit_buffer functions; /* list so far */
    struct exchange *exchange;   /* NULL: waits for a session */
    int64_t id;
    uint64_t epoch;
    bool has_been_repeated;
};

/* ---- an end ---------------------------------------------------------------------------------- */

static void free_operation(struct operation *operation)
{
    struct operation **link = &operation->instance->operations;

    while (*link != operation)
        link = &(*link)->next;
    *link = operation->next;
    free(operation->function);
    free(operation->arguments);
    free(operation->cursor);
    kit_clear(&operation->functions);
    free(operation);
}

static void complete(struct operation *operation, int32_t status, struct sesame_text data)
{
    const struct sesame_instance *instance = operation->instance;

    (void)instance->completion->complete(instance->kit.host, operation->call, status, data);
    free_operation(operation);
}

void operation_fail_all(struct sesame_instance *instance, int32_t status, const char *message)
{
    while (instance->operations != NULL) {
        struct operation *operation = instance->operations;

        if (operation->exchange != NULL)
            exchange_cancel(operation->exchange);
        complete(operation, status, kit_text(message));
    }
}

void operation_free_all(struct sesame_instance *instance)
{
    while (instance->operations != NULL)
        free_operation(instance->operations);
}

/* ---- tools/list --------------------------------------------------------------------------------
 */

static bool is_allowed(const struct sesame_instance *instance, struct sesame_text literal)
{
    const struct kit *kit = &instance->kit;
    struct sesame_text name, item;
    size_t position = 0;

    if (instance->allowed.len == 0)
        return true;
    while (kit->json->next(kit->host, kit_buffer_text(&instance->allowed), &position, &name,
                           &item) == SESAME_OK)
        if (item.len == literal.len && memcmp(item.data, literal.data, item.len) == 0)
            return true;
    return false;
}

static void add_tool(struct operation *operation, struct sesame_text tool)
{
    const struct kit *kit = &operation->instance->kit;
    struct kit_buffer *out = &operation->functions;
    struct sesame_text name, description, schema;

    if (!kit_find(kit, tool, "/name", &name) || name.data[0] != '"' ||
        operation->tool_count >= TOOL_MAX_COUNT || !is_allowed(operation->instance, name))
        return;
    kit_add(out, operation->tool_count++ == 0 ? "{\"functions\":[{\"name\":" : ",{\"name\":");
    kit_add_text(out, name);
    if (kit_find(kit, tool, "/description", &description) && description.data[0] == '"') {
        kit_add(out, ",\"description\":");
        kit_add_text(out, description);
    }
    if (kit_find(kit, tool, "/inputSchema", &schema) && schema.data[0] == '{') {
        kit_add(out, ",\"parameters\":");
        kit_add_text(out, schema);
    }
    kit_add(out, "}");
}

static void send_operation(struct operation *operation);

static void take_page(struct operation *operation, struct sesame_text response)
{
    const struct kit *kit = &operation->instance->kit;
    struct sesame_text tools, name, tool;
    size_t position = 0;

    if (kit_find(kit, response, "/result/tools", &tools) && tools.data[0] == '[')
        while (kit->json->next(kit->host, tools, &position, &name, &tool) == SESAME_OK)
            add_tool(operation, tool);
    free(operation->cursor);
    operation->cursor = kit_get_string(kit, response, "/result/nextCursor");
    if (operation->cursor != NULL && ++operation->pages < PAGE_MAX_COUNT) {
        send_operation(operation);
        return;
    }
    kit_add(&operation->functions, operation->tool_count == 0 ? "{\"functions\":[]}" : "]}");
    complete(operation, operation->functions.has_failed ? SESAME_LIMIT : SESAME_OK,
             operation->functions.has_failed ? kit_text("the list of tools is too long")
                                             : kit_buffer_text(&operation->functions));
}

/* ---- tools/call --------------------------------------------------------------------------------
 */

static void take_result(struct operation *operation, struct sesame_text response)
{
    struct sesame_instance *instance = operation->instance;
    struct kit_buffer text = {0}, data = {0};
    struct sesame_text result = {NULL, 0};

    (void)kit_find(&instance->kit, response, "/result", &result);
    content_to_text(instance, result, &text);
    kit_add(&data, "{\"text\":");
    kit_add_quoted(&instance->kit, &data, kit_buffer_text(&text));
    kit_add(&data, kit_get_bool(&instance->kit, result, "/isError") ? ",\"is_error\":true}" : "}");
    if (text.has_failed || data.has_failed)
        complete(operation, SESAME_LIMIT, kit_text("the tool's result is too long"));
    else
        complete(operation, SESAME_OK, kit_buffer_text(&data));
    kit_clear(&text);
    kit_clear(&data);
}

/* ---- both --------------------------------------------------------------------------------------
 */

static void on_answer(struct sesame_instance *instance, void *owner, const struct outcome *outcome)
{
    struct operation *operation = owner;
    int64_t code;
    char *said;

    operation->exchange = NULL;
    if (outcome->session_is_lost && !operation->has_been_repeated) {
        operation->has_been_repeated = true;
        session_lost(instance, operation->epoch);
        if (instance->state == SESSION_READY)
            send_operation(operation);
        else
            session_want(instance);
        return;
    }
    if (outcome->status != SESAME_OK) {
        complete(operation, outcome->status, kit_text(outcome->message));
        return;
    }
    said = rpc_error_text(instance, outcome->response, &code);
    if (said != NULL)
        complete(operation, code == -32602 ? SESAME_BAD_INPUT : SESAME_UNAVAILABLE, kit_text(said));
    else if (operation->is_list)
        take_page(operation, outcome->response);
    else
        take_result(operation, outcome->response);
    free(said);
}

static void write_params(struct operation *operation, struct kit_buffer *out)
{
    const struct kit *kit = &operation->instance->kit;

    if (operation->is_list) {
        kit_add(out, "{");
        if (operation->cursor != NULL) {
            kit_add(out, "\"cursor\":");
            kit_add_quoted(kit, out, kit_text(operation->cursor));
        }
    } else {
        kit_add(out, "{\"name\":");
        kit_add_quoted(kit, out, kit_text(operation->function));
        kit_add(out, ",\"arguments\":");
        kit_add(out, operation->arguments);
        kit_add(out, ",\"_meta\":{\"progressToken\":");
        kit_add_number(out, operation->id);
        kit_add(out, "}");
    }
    kit_add(out, "}}");
}

static void send_operation(struct operation *operation)
{
    struct sesame_instance *instance = operation->instance;
    int64_t deadline_ms =
        instance->kit.clock->monotonic_ms(instance->kit.host) + instance->timeout_ms;
    struct kit_buffer body = {0};

    operation->id = ++instance->next_id;
    operation->epoch = instance->epoch;
    rpc_begin(instance, &body, operation->id, operation->is_list ? "tools/list" : "tools/call");
    write_params(operation, &body);
    if (operation->deadline_ms < deadline_ms)
        deadline_ms = operation->deadline_ms;
    if (!body.has_failed)
        operation->exchange =
            exchange_start(instance, "POST", operation->id, kit_buffer_text(&body), deadline_ms,
                           on_answer, operation);
    kit_clear(&body);
    if (operation->exchange == NULL)
        complete(operation, SESAME_UNAVAILABLE,
                 kit_text("the MCP server cannot be called: the host's log has the reason"));
}

void operation_resume_all(struct sesame_instance *instance)
{
    struct operation *operation = instance->operations;

    while (operation != NULL) {
        struct operation *next = operation->next;

        if (operation->exchange == NULL)
            send_operation(operation);
        operation = next;
    }
}

static struct operation *new_operation(struct sesame_instance *instance, uint64_t call,
                                       int64_t deadline_ms)
{
    struct operation *operation = calloc(1, sizeof *operation);

    if (operation == NULL) {
        (void)instance->completion->complete(instance->kit.host, call, SESAME_INTERNAL,
                                             kit_text("no memory for an MCP request"));
        return NULL;
    }
    operation->instance = instance;
    operation->call = call;
    operation->deadline_ms = deadline_ms;
    operation->next = instance->operations;
    instance->operations = operation;
    return operation;
}

static void begin(struct operation *operation)
{
    if (operation->instance->state == SESSION_READY)
        send_operation(operation);
    else
        session_want(operation->instance);
}

void operation_list(struct sesame_instance *instance, uint64_t call, int64_t deadline_ms)
{
    struct operation *operation = new_operation(instance, call, deadline_ms);

    if (operation == NULL)
        return;
    operation->is_list = true;
    begin(operation);
}

void operation_call(struct sesame_instance *instance, uint64_t call,
                    const struct sesame_tool_request *request)
{
    struct operation *operation = new_operation(instance, call, request->deadline_ms);

    if (operation == NULL)
        return;
    operation->function = kit_copy(request->function);
    operation->arguments = kit_copy(request->arguments);
    if (operation->function == NULL || operation->arguments == NULL)
        complete(operation, SESAME_INTERNAL, kit_text("no memory for an MCP request"));
    else
        begin(operation);
}

/* ---- cancel, progress --------------------------------------------------------------------------
 */

static struct operation *find(struct sesame_instance *instance, uint64_t call)
{
    struct operation *operation = instance->operations;

    while (operation != NULL && operation->call != call)
        operation = operation->next;
    return operation;
}

/* Closing the connection does not cancel in these revisions: the server is told (3.8). */
static void tell_server(struct operation *operation)
{
    struct sesame_instance *instance = operation->instance;
    struct kit_buffer body = {0};

    rpc_begin(instance, &body, 0, "notifications/cancelled");
    kit_add(&body, "{\"requestId\":");
    kit_add_number(&body, operation->id);
    kit_add(&body, ",\"reason\":\"the turn was cancelled\"}}");
    if (!body.has_failed)
        (void)exchange_start(instance, "POST", 0, kit_buffer_text(&body),
                             instance->kit.clock->monotonic_ms(instance->kit.host) + 5000, NULL,
                             NULL);
    kit_clear(&body);
}

void operation_cancel(struct sesame_instance *instance, uint64_t call)
{
    struct operation *operation = find(instance, call);
    bool is_late;

    if (operation == NULL)
        return;
    is_late = instance->kit.clock->monotonic_ms(instance->kit.host) >= operation->deadline_ms;
    if (operation->exchange != NULL) {
        tell_server(operation);
        exchange_cancel(operation->exchange);
    }
    complete(operation, is_late ? SESAME_TIMED_OUT : SESAME_CANCELLED,
             kit_text(is_late ? "the MCP server did not answer in time" : "cancelled"));
}

void operation_progress(struct sesame_instance *instance, struct sesame_text params)
{
    const struct kit *kit = &instance->kit;
    struct sesame_text progress = {NULL, 0}, total = {NULL, 0};
    int64_t token;
    char *message, text[200];

    if (!kit_get_int(kit, params, "/progressToken", &token))
        return;
    for (struct operation *operation = instance->operations; operation != NULL;
         operation = operation->next) {
        if (operation->id != token || operation->is_list)
            continue;
        message = kit_get_string(kit, params, "/message");
        (void)kit_find(kit, params, "/progress", &progress);
        (void)kit_find(kit, params, "/total", &total);
        (void)snprintf(text, sizeof text, "%.*s%s%.*s%s%.120s", (int)progress.len, progress.data,
                       total.len > 0 ? "/" : "", (int)total.len, total.data,
                       message == NULL ? "" : " ", message == NULL ? "" : message);
        (void)instance->completion->emit(kit->host, operation->call, kit_text(text));
        free(message);
        return;
    }
}
