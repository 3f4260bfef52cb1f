/* A chat-completions request as clients send it, checked and brought into the model's form. */
#include "server/chat_input.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "model/tool_calls.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_MAX_COUNT 2000
#define CONTENT_MAX_BYTES (8 * 1024 * 1024)

struct reading {
    size_t index; /* of the message */
    struct error *err;
};

static bool fault(const struct reading *reading, const char *what)
{
    return error_set_named(reading->err, ERROR_BAD_INPUT, "invalid_value", "messages[%zu]%s",
                           reading->index, what);
}

static struct json_object *no_memory(const struct reading *reading)
{
    error_set(reading->err, ERROR_NO_MEMORY, "no memory for the messages");
    return NULL;
}

/* ---- content --------------------------------------------------------------------------------- */

static bool add_part(const struct reading *reading, struct json_object *part, struct buffer *out)
{
    const char *type, *text;
    size_t len;

    if (!json_object_is_type(part, json_type_object) ||
        (type = json_get_string(part, "type", NULL)) == NULL)
        return fault(reading, ".content: a part is no object with a \"type\"");
    if (strcmp(type, "text") != 0 && strcmp(type, "input_text") != 0)
        return fault(reading, ".content: only parts of type \"text\" can be read by this agent");
    text = json_get_string(part, "text", &len);
    if (text == NULL)
        return fault(reading, ".content: a text part without \"text\"");
    return buffer_add(out, text, len, reading->err);
}

/* Text as it is, null as "", parts joined. The caller owns the result; NULL with an error, or
 * without one where there was no memory. */
static struct json_object *read_content(const struct reading *reading, struct json_object *message)
{
    struct json_object *content = NULL, *text = NULL;
    struct buffer joined;
    bool ok = true;

    if (!json_object_object_get_ex(message, "content", &content) || content == NULL)
        return json_object_new_string("");
    if (json_object_is_type(content, json_type_string))
        return json_object_get(content);
    if (!json_object_is_type(content, json_type_array)) {
        fault(reading, ".content: expected a text, an array of parts or null");
        return NULL;
    }
    buffer_init(&joined, CONTENT_MAX_BYTES);
    for (size_t i = 0; ok && i < json_object_array_length(content); i++)
        ok = add_part(reading, json_object_array_get_idx(content, i), &joined);
    if (ok)
        text = json_object_new_string_len(joined.data == NULL ? "" : joined.data, (int)joined.len);
    buffer_clear(&joined);
    return text;
}

/* ---- calls of earlier turns, and their answers -----------------------------------------------
 *
 * Every provider refuses a call without its answer directly behind it, and an answer without its
 * call. The bounds are the model's own, and keep the comparison of all with all short. */

static bool has_role(struct json_object *message, const char *role)
{
    const char *found = json_get_string(message, "role", NULL);

    return found != NULL && strcmp(found, role) == 0;
}

static bool names_id(struct json_object *object, const char *member, const char *id)
{
    const char *found = json_get_string(object, member, NULL);

    return found != NULL && strcmp(found, id) == 0;
}

/* The calls an assistant's message makes; NULL when it makes none. */
static struct json_object *find_calls(struct json_object *message)
{
    struct json_object *calls =
        has_role(message, "assistant") ? json_get_array(message, "tool_calls") : NULL;

    return calls == NULL || json_object_array_length(calls) == 0 ? NULL : calls;
}

/* At `first` and directly behind it. */
static bool is_answered(struct json_object *messages, size_t first, const char *id)
{
    for (size_t i = first; i < first + TOOL_CALL_MAX_COUNT; i++) {
        struct json_object *message = json_object_array_get_idx(messages, i);

        if (!has_role(message, "tool"))
            return false;
        if (names_id(message, "tool_call_id", id))
            return true;
    }
    return false;
}

static bool check_tool_calls(const struct reading *reading, struct json_object *messages,
                             struct json_object *calls)
{
    size_t count = json_object_array_length(calls);

    if (count > TOOL_CALL_MAX_COUNT)
        return fault(reading, ".tool_calls: more than 64 calls in one message");
    for (size_t i = 0; i < count; i++) {
        struct json_object *call = json_object_array_get_idx(calls, i);
        struct json_object *function = json_get_object(call, "function");
        const char *id = json_get_string(call, "id", NULL);

        if (id == NULL || json_get_string(function, "name", NULL) == NULL ||
            json_get_string(function, "arguments", NULL) == NULL)
            return fault(reading,
                         ".tool_calls: a call without id, function.name or "
                         "function.arguments");
        if (!is_answered(messages, reading->index + 1, id))
            return fault(reading,
                         ".tool_calls: a call is not answered by a tool message directly "
                         "behind it");
    }
    return true;
}

static bool check_tool_answer(const struct reading *reading, struct json_object *messages,
                              const char *call_id)
{
    struct json_object *calls;
    size_t asker = reading->index;

    while (asker > 0 && reading->index - asker < TOOL_CALL_MAX_COUNT) {
        asker--;
        if (!has_role(json_object_array_get_idx(messages, asker), "tool"))
            break;
    }
    calls = find_calls(json_object_array_get_idx(messages, asker));
    for (size_t i = 0; calls != NULL && i < json_object_array_length(calls); i++)
        if (names_id(json_object_array_get_idx(calls, i), "id", call_id))
            return true;
    return fault(reading, ": a tool message that answers no call of the message in front of it");
}

/* ---- the same in the form that tools replaced ------------------------------------------------
 *
 * One `function_call` without an id, answered by one message of the role function. Models of today
 * do not know it, so it goes on as a call with an id made from its place. */

static struct json_object *find_old_call(struct json_object *message)
{
    if (!has_role(message, "assistant") || find_calls(message) != NULL)
        return NULL;
    return json_get_object(message, "function_call");
}

static struct json_object *old_call_id(size_t index)
{
    char id[40];

    (void)snprintf(id, sizeof id, "call_function_%zu", index);
    return json_object_new_string(id);
}

static struct json_object *old_call(const struct reading *reading, struct json_object *messages,
                                    struct json_object *function)
{
    struct json_object *calls = NULL, *call;
    const char *name = json_get_string(function, "name", NULL);
    bool ok;

    if (name == NULL || json_get_string(function, "arguments", NULL) == NULL) {
        fault(reading, ".function_call: a call without name or arguments");
        return NULL;
    }
    if (!has_role(json_object_array_get_idx(messages, reading->index + 1), "function")) {
        fault(reading, ".function_call: no function message directly behind it answers it");
        return NULL;
    }
    call = json_object_new_object();
    ok = json_set(call, "id", old_call_id(reading->index));
    ok = json_set(call, "type", json_object_new_string("function")) && ok;
    ok = json_set(call, "function", json_object_get(function)) && ok;
    calls = json_object_new_array();
    if (json_append(calls, call) && ok)
        return calls;
    json_object_put(calls);
    return no_memory(reading);
}

/* ---- a message ------------------------------------------------------------------------------- */

static const char *role_for_model(const char *role)
{
    static const char *const roles[][2] = {
        {"system", "system"},       {"developer", "system"}, {"user", "user"},
        {"assistant", "assistant"}, {"tool", "tool"},        {"function", "tool"},
    };

    for (size_t i = 0; role != NULL && i < sizeof roles / sizeof roles[0]; i++)
        if (strcmp(role, roles[i][0]) == 0)
            return roles[i][1];
    return NULL;
}

static bool add_calls(const struct reading *reading, struct json_object *messages,
                      struct json_object *message, struct json_object *fresh)
{
    struct json_object *calls = find_calls(message), *function = find_old_call(message);

    if (calls != NULL)
        calls = check_tool_calls(reading, messages, calls) ? json_object_get(calls) : NULL;
    else if (function != NULL)
        calls = old_call(reading, messages, function);
    else
        return true;
    return calls != NULL && (json_set(fresh, "tool_calls", calls) || no_memory(reading) != NULL);
}

static bool add_answered_call(const struct reading *reading, struct json_object *messages,
                              struct json_object *message, struct json_object *fresh)
{
    const char *call_id = json_get_string(message, "tool_call_id", NULL);
    struct json_object *id;

    if (has_role(message, "function")) {
        struct json_object *asker =
            reading->index == 0 ? NULL : json_object_array_get_idx(messages, reading->index - 1);

        if (find_old_call(asker) == NULL)
            return fault(reading,
                         ": a function message that answers no function_call of the message in "
                         "front of it");
        id = old_call_id(reading->index - 1);
    } else {
        if (call_id == NULL)
            return fault(reading, ": a tool message without \"tool_call_id\"");
        if (!check_tool_answer(reading, messages, call_id))
            return false;
        id = json_object_new_string(call_id);
    }
    return json_set(fresh, "tool_call_id", id) || no_memory(reading) != NULL;
}

/* The message in the model's form; the caller owns it. */
static struct json_object *read_message(const struct reading *reading, struct json_object *messages,
                                        struct json_object *message)
{
    CLEANUP(json_cleanup) struct json_object *fresh = NULL;
    const char *role = role_for_model(json_get_string(message, "role", NULL));
    struct json_object *content;
    bool ok;

    if (role == NULL) {
        fault(reading, ".role: expected system, developer, user, assistant, tool or function");
        return NULL;
    }
    content = read_content(reading, message);
    if (content == NULL)
        return reading->err->code != ERROR_NONE ? NULL : no_memory(reading);
    fresh = json_object_new_object();
    ok = json_set(fresh, "role", json_object_new_string(role));
    if (!json_set(fresh, "content", content) || !ok)
        return no_memory(reading);
    if (strcmp(role, "assistant") == 0)
        ok = add_calls(reading, messages, message, fresh);
    else if (strcmp(role, "tool") == 0)
        ok = add_answered_call(reading, messages, message, fresh);
    return ok ? TAKE(fresh) : NULL;
}

static bool read_messages(struct json_object *messages, struct chat_input *out, struct error *err)
{
    struct reading reading = {0, err};
    bool has_user = false;

    out->messages = json_object_new_array();
    for (; reading.index < json_object_array_length(messages); reading.index++) {
        struct json_object *fresh =
            read_message(&reading, messages, json_object_array_get_idx(messages, reading.index));

        if (fresh == NULL)
            return false;
        has_user = has_user || strcmp(json_get_string(fresh, "role", NULL), "user") == 0;
        if (!json_append(out->messages, fresh))
            return no_memory(&reading) != NULL;
    }
    return has_user || error_set_named(err, ERROR_BAD_INPUT, "invalid_value",
                                       "messages: there is no message of the role user");
}

/* ---- the request ----------------------------------------------------------------------------- */

/* A boolean, or missing, or null. */
static bool read_flag(struct json_object *object, const char *name, bool fallback, bool *out,
                      struct error *err)
{
    struct json_object *value = NULL;

    *out = fallback;
    if (!json_object_object_get_ex(object, name, &value) || value == NULL)
        return true;
    if (!json_object_is_type(value, json_type_boolean))
        return error_set_named(err, ERROR_BAD_INPUT, "invalid_value", "%s: expected true or false",
                               name);
    *out = json_object_get_boolean(value);
    return true;
}

bool chat_input_read(const char *body, size_t len, int json_depth, bool stream_default,
                     struct chat_input *out, const char **out_param, struct error *err)
{
    CLEANUP(json_cleanup) struct json_object *root = NULL;
    struct json_object *messages, *options;
    struct error why = {0};
    int64_t n;

    memset(out, 0, sizeof *out);
    *out_param = NULL;
    root = json_parse(body, len, json_depth, &why);
    if (!json_object_is_type(root, json_type_object))
        return error_set_named(err, ERROR_BAD_INPUT, "invalid_json",
                               "The body is no JSON object: %s",
                               why.code == ERROR_NONE ? "it is another JSON value" : why.message);
    *out_param = "stream";
    if (!read_flag(root, "stream", stream_default, &out->is_stream, err))
        return false;
    *out_param = "stream_options";
    options = json_get_object(root, "stream_options");
    if (options != NULL && !read_flag(options, "include_usage", false, &out->includes_usage, err))
        return false;
    *out_param = "n";
    if (json_get_int64(root, "n", &n) && n != 1)
        return error_set_named(err, ERROR_BAD_INPUT, "invalid_value",
                               "n: this agent gives one answer, expected 1");
    *out_param = "messages";
    messages = json_get_array(root, "messages");
    if (messages == NULL || json_object_array_length(messages) == 0 ||
        json_object_array_length(messages) > MESSAGE_MAX_COUNT)
        return error_set_named(err, ERROR_BAD_INPUT, "invalid_value",
                               "messages: expected an array of 1 to %d messages",
                               MESSAGE_MAX_COUNT);
    return read_messages(messages, out, err);
}

void chat_input_clear(struct chat_input *input)
{
    json_object_put(TAKE(input->messages));
}
