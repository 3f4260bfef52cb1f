/* Lists and calls: what the host asks for, over as many requests as it takes. */
#include "operation.h"

#include <stdlib.h>
#include <string.h>

#define PROGRESS_MAX_BYTES 200
#define NUMBER_MAX_BYTES 30
#define TELLING_TIMEOUT_MS 5000

/* ---- an end ---------------------------------------------------------------------------------- */

static void free_operation(struct operation *operation)
{
    struct operation **link = &operation->instance->operations;

    while (*link != operation)
        link = &(*link)->next;
    *link = operation->next;
    free(operation->function);
    free(operation->arguments);
    list_rewind(operation);
    free(operation);
}

void operation_complete(struct operation *operation, int32_t status, struct sesame_text data)
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
        operation_complete(operation, status, kit_text(message));
    }
}

uint64_t operation_any_call(const struct sesame_instance *instance)
{
    return instance->operations == NULL ? 0 : instance->operations->call;
}

void operation_free_all(struct sesame_instance *instance)
{
    while (instance->operations != NULL)
        free_operation(instance->operations);
}

/* ---- tools/call --------------------------------------------------------------------------------
 */

static void take_result(struct operation *operation, struct sesame_text response)
{
    struct sesame_instance *instance = operation->instance;
    struct kit_buffer text = {0}, data = {0};
    struct sesame_text result;

    if (!kit_find(&instance->kit, response, "/result", &result) || !kit_is_object(result)) {
        operation_complete(
            operation, SESAME_UNAVAILABLE,
            kit_text("the MCP server's answer to tools/call has no object \"result\""));
        return;
    }
    content_to_text(instance, result, &text);
    kit_add(&data, "{\"text\":");
    kit_add_quoted(&instance->kit, &data, kit_buffer_text(&text));
    kit_add(&data, kit_get_bool(&instance->kit, result, "/isError") ? ",\"is_error\":true}" : "}");
    if (text.has_failed || data.has_failed)
        operation_complete(operation, SESAME_LIMIT, kit_text("the tool's result is too long"));
    else
        operation_complete(operation, SESAME_OK, kit_buffer_text(&data));
    kit_clear(&text);
    kit_clear(&data);
}

/* ---- both --------------------------------------------------------------------------------------
 */

/* Closing the connection does not cancel in these revisions: the server is told (3.8). */
static void tell_server(struct operation *operation, const char *reason)
{
    struct sesame_instance *instance = operation->instance;
    struct kit_buffer body = {0};

    rpc_begin(instance, &body, 0, "notifications/cancelled");
    kit_add(&body, "{\"requestId\":");
    kit_add_number(&body, operation->id);
    kit_add(&body, ",\"reason\":\"");
    kit_add(&body, reason);
    kit_add(&body, "\"}}");
    if (!body.has_failed)
        (void)exchange_start(
            instance, operation->call, "POST", 0, kit_buffer_text(&body),
            instance->kit.clock->monotonic_ms(instance->kit.host) + TELLING_TIMEOUT_MS, NULL, NULL);
    kit_clear(&body);
}

static void begin_anew(struct operation *operation)
{
    struct sesame_instance *instance = operation->instance;

    operation->has_been_repeated = true;
    list_rewind(operation);
    session_lost(instance, operation->epoch);
    if (instance->state == SESSION_READY)
        operation_send(operation);
    else
        session_want(instance);
}

static void on_answer(struct sesame_instance *instance, void *owner, const struct outcome *outcome)
{
    struct operation *operation = owner;
    int64_t code;
    char *said;

    operation->exchange = NULL;
    if (outcome->session_is_lost && !operation->has_been_repeated) {
        begin_anew(operation);
        return;
    }
    if (outcome->status != SESAME_OK) {
        if (outcome->may_be_running)
            tell_server(operation, outcome->status == SESAME_TIMED_OUT ? "timed out" : "given up");
        operation_complete(operation, outcome->status, kit_text(outcome->message));
        return;
    }
    said = rpc_error_text(instance, outcome->response, &code);
    if (said != NULL)
        operation_complete(operation, code == -32602 ? SESAME_BAD_INPUT : SESAME_UNAVAILABLE,
                           kit_text(said));
    else if (operation->is_list)
        list_take_page(operation, outcome->response);
    else
        take_result(operation, outcome->response);
    free(said);
}

static void write_params(struct operation *operation, struct kit_buffer *out)
{
    const struct kit *kit = &operation->instance->kit;

    if (operation->is_list) {
        kit_add(out, "{");
        if (operation->cursor_count > 0) {
            kit_add(out, "\"cursor\":");
            kit_add(out, operation->cursors[operation->cursor_count - 1]);
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

void operation_send(struct operation *operation)
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
            exchange_start(instance, operation->call, "POST", operation->id, kit_buffer_text(&body),
                           deadline_ms, on_answer, operation);
    kit_clear(&body);
    if (operation->exchange == NULL)
        operation_complete(
            operation, SESAME_UNAVAILABLE,
            kit_text("the MCP server cannot be called: the host's log has the reason"));
}

void operation_resume_all(struct sesame_instance *instance)
{
    struct operation *operation = instance->operations;

    while (operation != NULL) {
        struct operation *next = operation->next;

        if (operation->exchange == NULL)
            operation_send(operation);
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
        operation_send(operation);
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
        operation_complete(operation, SESAME_INTERNAL, kit_text("no memory for an MCP request"));
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

void operation_cancel(struct sesame_instance *instance, uint64_t call)
{
    struct operation *operation = find(instance, call);
    bool is_late;

    if (operation == NULL)
        return;
    is_late = instance->kit.clock->monotonic_ms(instance->kit.host) + TIMER_SLACK_MS >=
              operation->deadline_ms;
    if (operation->exchange != NULL) {
        tell_server(operation, is_late ? "timed out" : "the turn was cancelled");
        exchange_cancel(operation->exchange);
    }
    operation_complete(operation, is_late ? SESAME_TIMED_OUT : SESAME_CANCELLED,
                       kit_text(is_late ? "the MCP server did not answer in time" : "cancelled"));
}

static void show_progress(const struct operation *operation, struct sesame_text params)
{
    const struct kit *kit = &operation->instance->kit;
    struct sesame_text progress, total, message;
    struct kit_buffer text = {0};

    if (kit_find(kit, params, "/progress", &progress) && kit_is_number(progress))
        content_add_clean(&text, progress, NUMBER_MAX_BYTES);
    if (kit_find(kit, params, "/total", &total) && kit_is_number(total)) {
        kit_add(&text, "/");
        content_add_clean(&text, total, NUMBER_MAX_BYTES);
    }
    if (kit_find(kit, params, "/message", &message) && kit_is_string(message)) {
        kit_add(&text, " ");
        content_add_literal(kit, &text, message, PROGRESS_MAX_BYTES);
    }
    if (!text.has_failed && text.len > 0)
        (void)operation->instance->completion->emit(kit->host, operation->call,
                                                    kit_buffer_text(&text));
    kit_clear(&text);
}

void operation_progress(struct sesame_instance *instance, struct sesame_text params)
{
    int64_t token;

    if (!kit_get_int(&instance->kit, params, "/progressToken", &token))
        return;
    for (struct operation *operation = instance->operations; operation != NULL;
         operation = operation->next)
        if (operation->id == token && !operation->is_list && operation->exchange != NULL) {
            show_progress(operation, params);
            return;
        }
}
