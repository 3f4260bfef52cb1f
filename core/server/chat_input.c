/* A chat-completions request as clients send it, checked and brought into the model's form. */
#include "server/chat_input.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"

#include <json-c/json.h>
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

/* ---- tool traffic of earlier turns ----------------------------------------------------------- */

static bool check_tool_calls(const struct reading *reading, struct json_object *calls)
{
    for (size_t i = 0; i < json_object_array_length(calls); i++) {
        struct json_object *call = json_object_array_get_idx(calls, i);
        struct json_object *function =
            json_object_is_type(call, json_type_object) ? json_get_object(call, "function") : NULL;

        if (function == NULL || json_get_string(call, "id", NULL) == NULL ||
            json_get_string(function, "name", NULL) == NULL ||
            json_get_string(function, "arguments", NULL) == NULL)
            return fault(reading,
                         ".tool_calls: a call without id, function.name or "
                         "function.arguments");
    }
    return true;
}

/* Every provider refuses a call without its answer, and an answer without its call. */
static bool check_answers(const struct reading *reading, struct json_object *messages,
                          struct json_object *calls)
{
    size_t count = json_object_array_length(calls);

    for (size_t i = 0; i < count; i++) {
        const char *id = json_get_string(json_object_array_get_idx(calls, i), "id", NULL);
        bool is_answered = false;

        for (size_t j = 1; j <= count && !is_answered; j++) {
            struct json_object *next = json_object_array_get_idx(messages, reading->index + j);
            const char *answers = json_object_is_type(next, json_type_object)
                                      ? json_get_string(next, "tool_call_id", NULL)
                                      : NULL;

            is_answered = answers != NULL && strcmp(answers, id) == 0;
        }
        if (!is_answered)
            return fault(reading,
                         ".tool_calls: a call is not answered by a tool message directly "
                         "behind it");
    }
    return true;
}

/* ---- a message ------------------------------------------------------------------------------- */

static const char *role_for_model(const char *role)
{
    static const char *const roles[] = {"system", "user", "assistant", "tool"};

    if (strcmp(role, "developer") == 0)
        return "system";
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (strcmp(role, roles[i]) == 0)
            return roles[i];
    return NULL;
}

/* The message in the model's form; the caller owns it. */
static struct json_object *read_message(const struct reading *reading, struct json_object *messages,
                                        struct json_object *message)
{
    const char *given = json_object_is_type(message, json_type_object)
                            ? json_get_string(message, "role", NULL)
                            : NULL;
    const char *role = given == NULL ? NULL : role_for_model(given), *call_id;
    struct json_object *fresh, *content, *calls;
    bool ok;

    if (role == NULL) {
        fault(reading, ".role: expected system, developer, user, assistant or tool");
        return NULL;
    }
    content = read_content(reading, message);
    if (content == NULL)
        return reading->err->code != ERROR_NONE ? NULL : no_memory(reading);
    fresh = json_object_new_object();
    ok = json_set(fresh, "role", json_object_new_string(role));
    ok = json_set(fresh, "content", content) && ok;
    call_id = json_get_string(message, "tool_call_id", NULL);
    if (strcmp(role, "tool") == 0) {
        if (call_id == NULL)
            fault(reading, ": a tool message without \"tool_call_id\"");
        else
            ok = ok && json_set(fresh, "tool_call_id", json_object_new_string(call_id));
    }
    calls = json_get_array(message, "tool_calls");
    if (strcmp(role, "assistant") == 0 && calls != NULL && json_object_array_length(calls) > 0 &&
        check_tool_calls(reading, calls) && check_answers(reading, messages, calls))
        ok = ok && json_set(fresh, "tool_calls", json_object_get(calls));
    if (!ok && reading->err->code == ERROR_NONE)
        (void)no_memory(reading);
    if (reading->err->code == ERROR_NONE)
        return fresh;
    json_object_put(fresh);
    return NULL;
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
