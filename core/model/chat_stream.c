/* Reads the events of a chat-completions stream into typed deltas. Pure. */
#include "model/chat_stream.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"

#include <string.h>

void chat_stream_init(struct chat_stream *stream)
{
    memset(stream, 0, sizeof *stream);
    tool_calls_init(&stream->tool_calls);
}

void chat_stream_clear(struct chat_stream *stream)
{
    tool_calls_clear(&stream->tool_calls);
}

/* A string member as a slice; empty when it is missing, null or of another type. */
static struct slice text_member(struct json_object *object, const char *name)
{
    size_t len = 0;
    const char *text = json_get_string(object, name, &len);

    return (struct slice){text, text == NULL ? 0 : len};
}

static enum finish_reason read_finish(struct slice text)
{
    if (text.len == 0)
        return FINISH_NONE;
    if (slice_equal_text(text, "length"))
        return FINISH_LENGTH;
    if (slice_equal_text(text, "tool_calls") || slice_equal_text(text, "function_call"))
        return FINISH_TOOL_CALLS;
    if (slice_equal_text(text, "content_filter"))
        return FINISH_CONTENT_FILTER;
    return FINISH_STOP;
}

static bool read_tool_call(struct chat_stream *stream, struct json_object *element,
                           struct error *err)
{
    struct json_object *function = json_get_object(element, "function"), *whole;
    struct tool_call_piece piece = {.index = -1, .id = text_member(element, "id")};
    CLEANUP(buffer_clear) struct buffer text;

    buffer_init(&text, TOOL_CALL_ARGUMENTS_MAX_BYTES);
    if (!json_get_int64(element, "index", &piece.index) || piece.index < 0)
        piece.index = -1;
    piece.name = text_member(function, "name");
    piece.arguments = text_member(function, "arguments");
    whole = json_get_object(function, "arguments");
    if (whole != NULL) {
        if (!json_add_value(&text, whole, err))
            return error_prefix(err, "the arguments of a tool call");
        piece.arguments = (struct slice){text.data, text.len};
        piece.is_whole_arguments = true;
    }
    return tool_calls_add(&stream->tool_calls, &piece, err);
}

static void give_text(struct chat_stream *stream, struct slice text,
                      void (*on_text)(void *arg, const char *text, size_t len), void *arg)
{
    if (text.len == 0)
        return;
    stream->has_content = true;
    if (on_text != NULL)
        on_text(arg, text.data, text.len);
}

static bool read_choice(struct chat_stream *stream, struct json_object *choice,
                        const struct chat_stream_events *events, void *arg, struct error *err)
{
    struct json_object *delta = json_get_object(choice, "delta"), *calls;
    enum finish_reason finish = read_finish(text_member(choice, "finish_reason"));
    struct slice reasoning;

    if (finish != FINISH_NONE)
        stream->finish = finish;
    if (delta == NULL) /* some servers answer a stream with a whole message */
        delta = json_get_object(choice, "message");
    reasoning = text_member(delta, "reasoning_content");
    if (reasoning.len == 0)
        reasoning = text_member(delta, "reasoning");
    give_text(stream, reasoning, events->on_reasoning, arg);
    give_text(stream, text_member(delta, "content"), events->on_text, arg);
    calls = json_get_array(delta, "tool_calls");
    for (size_t i = 0; calls != NULL && i < json_object_array_length(calls); i++)
        if (!read_tool_call(stream, json_object_array_get_idx(calls, i), err))
            return false;
    return true;
}

static void read_usage(struct chat_stream *stream, struct json_object *usage)
{
    if (usage == NULL)
        return;
    stream->has_usage = true;
    (void)json_get_int64(usage, "prompt_tokens", &stream->usage.prompt_tokens);
    (void)json_get_int64(usage, "completion_tokens", &stream->usage.completion_tokens);
    (void)json_get_int64(usage, "total_tokens", &stream->usage.total_tokens);
    (void)json_get_int64(json_get_object(usage, "completion_tokens_details"), "reasoning_tokens",
                         &stream->usage.reasoning_tokens);
}

bool chat_stream_event(struct chat_stream *stream, const char *data, size_t len,
                       const struct chat_stream_events *events, void *arg, struct error *err)
{
    CLEANUP(json_cleanup) struct json_object *event = NULL;
    struct slice text = slice_trim((struct slice){data, len});
    struct json_object *choices;

    if (text.len == 0 || stream->is_done)
        return true;
    if (slice_equal_text(text, "[DONE]")) {
        stream->is_done = true;
        return true;
    }
    event = json_parse(text.data, text.len, JSON_DEPTH_DEFAULT, err);
    if (event == NULL) {
        err->code = ERROR_UPSTREAM;
        return error_prefix(err, "the model sent an event that cannot be read");
    }
    if (chat_error_is(event)) {
        chat_error_read(0, text.data, text.len, err);
        return false;
    }
    read_usage(stream, json_get_object(event, "usage"));
    choices = json_get_array(event, "choices");
    /* One answer is asked for; further choices would be mixed into it. */
    if (choices == NULL || json_object_array_length(choices) == 0)
        return true;
    return read_choice(stream, json_object_array_get_idx(choices, 0), events, arg, err);
}

bool chat_stream_end(struct chat_stream *stream, struct error *err)
{
    if (!stream->is_done && stream->finish == FINISH_NONE)
        return error_set_named(err, ERROR_UPSTREAM, "StreamCut",
                               "the model's answer was cut off before its end");
    if (stream->finish == FINISH_LENGTH) {
        /* Arguments may be cut: never run them. */
        tool_calls_clear(&stream->tool_calls);
        return true;
    }
    return tool_calls_finish(&stream->tool_calls, err);
}
