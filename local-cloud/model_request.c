/* A chat-completions request as Model Studio's compatible mode takes it, read and checked. */
#include "local-cloud/model_request.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "local-cloud/memory.h"
#include "local-cloud/model_quirks.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_DEPTH_REQUEST = 64, THINKING_BUDGET_MAX = 38912, TEXT_MAX_BYTES = 16 << 20 };

const char *const model_names[] = {"qwen-plus",  "qwen-flash", "qwen-max",
                                   "qwen-turbo", "qwen3-max",  NULL};

static bool refuse(struct model_refusal *refusal, int status, const char *code, const char *format,
                   ...) __attribute__((format(printf, 4, 5)));

static bool refuse(struct model_refusal *refusal, int status, const char *code, const char *format,
                   ...)
{
    va_list arguments;

    refusal->status = status;
    refusal->type = "invalid_request_error";
    refusal->code = code;
    va_start(arguments, format);
    /* Cutting is fine: it is text for people. */
    vsnprintf(refusal->message, sizeof refusal->message, format, arguments);
    va_end(arguments);
    return false;
}

static bool refuse_parameter(struct model_refusal *refusal, const char *text)
{
    return refuse(refusal, 400, "invalid_parameter_error", "<400> InvalidParameter: %s", text);
}

static struct json_object *member(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;

    json_object_object_get_ex(object, name, &value);
    return value; /* NULL also for JSON null */
}

static bool has_member(struct json_object *object, const char *name)
{
    return json_object_object_get_ex(object, name, NULL);
}

/* ---- messages --------------------------------------------------------------------------------*/

static bool check_content(struct json_object *message, struct model_refusal *refusal)
{
    struct json_object *content = member(message, "content");

    /* Also where tool_calls are present (model-api.md section 1.2). */
    if (content == NULL)
        return refuse_parameter(refusal, "The content field is a required field.");
    if (json_object_is_type(content, json_type_string))
        return true;
    if (!json_object_is_type(content, json_type_array))
        return refuse_parameter(refusal, "content must be a string or an array of parts.");
    for (size_t i = 0; i < json_object_array_length(content); i++) {
        struct json_object *part = json_object_array_get_idx(content, i);
        const char *type = json_object_is_type(part, json_type_object)
                               ? json_get_string(part, "type", NULL)
                               : NULL;

        if (type == NULL || strcmp(type, "text") != 0 ||
            json_get_string(part, "text", NULL) == NULL)
            return refuse_parameter(refusal, "This model takes content parts of type text only.");
    }
    return true;
}

static bool check_calls(struct json_object *calls, struct model_refusal *refusal)
{
    for (size_t i = 0; i < json_object_array_length(calls); i++) {
        struct json_object *call = json_object_array_get_idx(calls, i);
        struct json_object *function =
            json_object_is_type(call, json_type_object) ? json_get_object(call, "function") : NULL;
        const char *id = function == NULL ? NULL : json_get_string(call, "id", NULL);
        const char *arguments =
            function == NULL ? NULL : json_get_string(function, "arguments", NULL);
        CLEANUP(json_cleanup) struct json_object *parsed = NULL;
        struct error ignored = {0};

        if (id == NULL || id[0] == '\0' || json_get_string(function, "name", NULL) == NULL ||
            arguments == NULL)
            return refuse_parameter(
                refusal,
                "An element of tool_calls needs id, function.name and function.arguments.");
        parsed = json_parse(arguments, strlen(arguments), JSON_DEPTH_REQUEST, &ignored);
        if (parsed == NULL)
            return refuse_parameter(refusal,
                                    "The \"function.arguments\" parameter must be in JSON format.");
    }
    return true;
}

/* The tool messages behind an assistant message answer each of its calls, in any order. Returns the
 * number of them, or 0 when one is missing. */
static size_t count_answers(struct json_object *messages, size_t at, struct json_object *calls)
{
    size_t call_count = json_object_array_length(calls);
    size_t answer_count = 0;

    while (at + answer_count < json_object_array_length(messages)) {
        struct json_object *message = json_object_array_get_idx(messages, at + answer_count);
        const char *role = json_get_string(message, "role", NULL);

        if (role == NULL || strcmp(role, "tool") != 0)
            break;
        answer_count++;
    }
    if (answer_count != call_count)
        return 0;
    for (size_t i = 0; i < call_count; i++) {
        const char *id = json_get_string(json_object_array_get_idx(calls, i), "id", NULL);
        size_t j = 0;

        while (j < answer_count) {
            const char *answer =
                json_get_string(json_object_array_get_idx(messages, at + j), "tool_call_id", NULL);

            if (answer != NULL && strcmp(answer, id) == 0)
                break;
            j++;
        }
        if (j == answer_count)
            return 0;
    }
    return answer_count;
}

static bool check_role(const char *role, struct model_refusal *refusal)
{
    static const char *const roles[] = {"system", "developer", "user", "assistant"};

    for (size_t i = 0; role != NULL && i < sizeof roles / sizeof roles[0]; i++)
        if (strcmp(role, roles[i]) == 0)
            return true;
    if (role != NULL && strcmp(role, "tool") == 0)
        return refuse_parameter(refusal,
                                "messages with role \"tool\" must be a response to a "
                                "preceeding message with \"tool_calls\".");
    return refuse(refusal, 400, "invalid_parameter_error",
                  "<400> InvalidParameter: \"%.40s\" is not one of the roles system, user, "
                  "assistant, tool.",
                  role == NULL ? "null" : role);
}

/* Checks the message at `*at`, and the tool messages that belong to it, and moves behind them. */
static bool check_message(struct json_object *messages, size_t *at, struct model_refusal *refusal)
{
    struct json_object *message = json_object_array_get_idx(messages, *at);
    struct json_object *calls;
    const char *role;
    size_t answers;

    if (!json_object_is_type(message, json_type_object))
        return refuse_parameter(refusal, "A message must be an object.");
    role = json_get_string(message, "role", NULL);
    if (!check_role(role, refusal) || !check_content(message, refusal))
        return false;
    (*at)++;
    calls = json_get_array(message, "tool_calls");
    if (calls == NULL || strcmp(role, "assistant") != 0)
        return true;
    if (json_object_array_length(calls) == 0)
        return refuse_parameter(refusal, "[] is too short - 'messages.tool_calls'");
    if (!check_calls(calls, refusal))
        return false;
    answers = count_answers(messages, *at, calls);
    if (answers == 0)
        return refuse_parameter(refusal,
                                "An assistant message with \"tool_calls\" must be followed "
                                "by tool messages responding to each \"tool_call_id\".");
    for (size_t i = 0; i < answers; i++)
        if (!check_content(json_object_array_get_idx(messages, *at + i), refusal))
            return false;
    *at += answers;
    return true;
}

static bool check_messages(struct model_request *request, struct model_refusal *refusal)
{
    size_t at = 0;

    request->messages = json_get_array(request->root, "messages");
    if (request->messages == NULL || json_object_array_length(request->messages) == 0)
        return refuse_parameter(refusal, "[] is too short - 'messages'");
    while (at < json_object_array_length(request->messages))
        if (!check_message(request->messages, &at, refusal))
            return false;
    return true;
}

/* ---- tools -----------------------------------------------------------------------------------*/

static bool is_function_name(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= 64 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == len;
}

static bool check_tool(struct json_object *tool, struct model_refusal *refusal)
{
    struct json_object *function =
        json_object_is_type(tool, json_type_object) ? json_get_object(tool, "function") : NULL;
    const char *type = function == NULL ? NULL : json_get_string(tool, "type", NULL);
    const char *name = function == NULL ? NULL : json_get_string(function, "name", NULL);

    if (type == NULL || strcmp(type, "function") != 0 || name == NULL)
        return refuse_parameter(refusal, "A tool needs type \"function\" and function.name.");
    if (!is_function_name(name))
        return refuse_parameter(refusal, "A function name has 1 to 64 of a-z, A-Z, 0-9, _ and -.");
    if (has_member(function, "parameters") && json_get_object(function, "parameters") == NULL)
        return refuse_parameter(refusal, "function.parameters must be a JSON Schema object.");
    return true;
}

static bool offers(const struct model_request *request, const char *name)
{
    for (size_t i = 0; request->tools != NULL && i < json_object_array_length(request->tools); i++)
        if (strcmp(json_get_string(
                       json_get_object(json_object_array_get_idx(request->tools, i), "function"),
                       "name", NULL),
                   name) == 0)
            return true;
    return false;
}

static bool read_choice(struct model_request *request, struct model_refusal *refusal)
{
    struct json_object *choice = member(request->root, "tool_choice");
    struct json_object *function;
    const char *text;

    if (choice == NULL)
        return true;
    if (json_object_is_type(choice, json_type_string)) {
        text = json_object_get_string(choice);
        if (strcmp(text, "none") == 0)
            request->tool_choice = TOOL_CHOICE_NONE;
        else if (strcmp(text, "required") == 0)
            request->tool_choice = TOOL_CHOICE_REQUIRED;
        else if (strcmp(text, "auto") != 0)
            return refuse_parameter(refusal, "tool_choice is one of auto, none or a function.");
    } else {
        function = json_object_is_type(choice, json_type_object)
                       ? json_get_object(choice, "function")
                       : NULL;
        request->forced_tool = function == NULL ? NULL : json_get_string(function, "name", NULL);
        if (request->forced_tool == NULL || !offers(request, request->forced_tool))
            return refuse_parameter(refusal, "tool_choice names no offered function.");
        request->tool_choice = TOOL_CHOICE_NAMED;
    }
    if (request->is_thinking && request->tool_choice >= TOOL_CHOICE_NAMED)
        return refuse_parameter(refusal,
                                "The tool_choice parameter must be auto or none in thinking mode.");
    return true;
}

static bool check_tools(struct model_request *request, struct model_refusal *refusal)
{
    struct json_object *tools = member(request->root, "tools");

    if (tools != NULL) {
        if (!json_object_is_type(tools, json_type_array) || json_object_array_length(tools) == 0)
            return refuse_parameter(refusal, "[] is too short - 'tools'");
        request->tools = tools;
        for (size_t i = 0; i < json_object_array_length(tools); i++)
            if (!check_tool(json_object_array_get_idx(tools, i), refusal))
                return false;
    }
    json_get_bool(request->root, "parallel_tool_calls", &request->is_parallel);
    return read_choice(request, refusal);
}

/* ---- the rest --------------------------------------------------------------------------------*/

static bool check_model(struct model_request *request, struct model_refusal *refusal)
{
    request->model = json_get_string(request->root, "model", NULL);
    if (request->model == NULL || request->model[0] == '\0')
        return refuse_parameter(refusal, "you must provide a model parameter");
    for (size_t i = 0; model_names[i] != NULL; i++)
        if (strcmp(model_names[i], request->model) == 0)
            return true;
    if (model_quirks_names_model(request->model))
        return true;
    return refuse(refusal, 404, "model_not_found",
                  "The model `%.80s` does not exist or you do not have access to it.",
                  request->model);
}

/* A positive integer member; 0 when it is absent. */
static bool read_positive(struct model_request *request, const char *name, int64_t *out_value,
                          struct model_refusal *refusal)
{
    struct json_object *value = member(request->root, name);

    if (value == NULL)
        return true;
    if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 1)
        return refuse(refusal, 400, "invalid_parameter_error",
                      "<400> InvalidParameter: %s must be a positive integer", name);
    *out_value = json_object_get_int64(value);
    return true;
}

static bool check_limits(struct model_request *request, struct model_refusal *refusal)
{
    int64_t max_tokens = 0, completion_max = 0, choices = 1;

    if (!read_positive(request, "max_tokens", &max_tokens, refusal) ||
        !read_positive(request, "max_completion_tokens", &completion_max, refusal) ||
        !read_positive(request, "thinking_budget", &request->thinking_budget, refusal) ||
        !read_positive(request, "n", &choices, refusal))
        return false;
    if (choices != 1)
        return refuse_parameter(refusal, "n must be 1 for this model");
    if (request->thinking_budget > THINKING_BUDGET_MAX)
        return refuse_parameter(refusal, "thinking_budget is above the limit of the model (38912)");
    if (request->is_thinking && request->thinking_budget > 0 && completion_max > 0 &&
        completion_max <= request->thinking_budget)
        return refuse_parameter(refusal,
                                "max_completion_tokens must be greater than thinking_budget");
    request->output_max = completion_max > 0 ? completion_max : max_tokens;
    return true;
}

static bool check_modes(struct model_request *request, struct model_refusal *refusal)
{
    struct json_object *options = member(request->root, "stream_options");

    json_get_bool(request->root, "stream", &request->is_streamed);
    json_get_bool(request->root, "enable_thinking", &request->is_thinking);
    if (options != NULL && !json_object_is_type(options, json_type_object))
        return refuse_parameter(refusal, "stream_options must be an object");
    if (options != NULL && !request->is_streamed)
        return refuse_parameter(refusal, "stream_options can only be set when stream is true");
    if (options != NULL)
        json_get_bool(options, "include_usage", &request->wants_usage_chunk);
    if (request->is_thinking && !request->is_streamed)
        return refuse_parameter(
            refusal, "parameter.enable_thinking must be set to false for non-streaming calls");
    return true;
}

bool model_request_read(struct slice body, struct model_request *out_request,
                        struct model_refusal *out_refusal)
{
    struct model_request request = {.body_bytes = body.len};
    struct error err = {0};

    request.root =
        json_parse(body.data == NULL ? "" : body.data, body.len, JSON_DEPTH_REQUEST, &err);
    if (request.root == NULL)
        return refuse(out_refusal, 400, "invalid_parameter_error",
                      "<400> InvalidParameter: the request body is no valid JSON: %s", err.message);
    if (!json_object_is_type(request.root, json_type_object)) {
        json_object_put(request.root);
        return refuse_parameter(out_refusal, "the request body must be a JSON object");
    }
    if (!check_model(&request, out_refusal) || !check_modes(&request, out_refusal) ||
        !check_messages(&request, out_refusal) || !check_tools(&request, out_refusal) ||
        !check_limits(&request, out_refusal)) {
        json_object_put(request.root);
        return false;
    }
    *out_request = request;
    return true;
}

void model_request_clear(struct model_request *request)
{
    json_object_put(request->root);
    memset(request, 0, sizeof *request);
}

char *model_message_text(struct json_object *message)
{
    struct json_object *content = member(message, "content");
    CLEANUP(buffer_clear) struct buffer text;
    struct error err = {0};

    buffer_init(&text, TEXT_MAX_BYTES);
    if (content == NULL)
        return must_copy("");
    if (json_object_is_type(content, json_type_string))
        return must_copy(json_object_get_string(content));
    for (size_t i = 0; i < json_object_array_length(content); i++)
        must_have(
            buffer_add_text(
                &text, json_get_string(json_object_array_get_idx(content, i), "text", NULL), &err)
                ? &text
                : NULL);
    return must_have(buffer_take(&text, NULL));
}
