/* Reads the events of a chat-completions stream into typed deltas. Pure. */
#include "model/chat_stream.h"

#include "base/buffer.h"
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

static enum finish_reason read_finish(struct slice literal)
{
    if (literal.len <= 2)
        return FINISH_NONE;
    if (slice_equal_text(literal, "\"length\""))
        return FINISH_LENGTH;
    if (slice_equal_text(literal, "\"tool_calls\"") ||
        slice_equal_text(literal, "\"function_call\""))
        return FINISH_TOOL_CALLS;
    if (slice_equal_text(literal, "\"content_filter\""))
        return FINISH_CONTENT_FILTER;
    return FINISH_STOP;
}

static bool read_tool_call(struct chat_stream *stream, struct slice element, struct error *err)
{
    struct json_member call[] = {{.name = "id", .first = '"'}, {.name = "function", .first = '{'}};
    struct json_member function[] = {{.name = "name", .first = '"'},
                                     {.name = "arguments", .first = '"'},
                                     {.name = "arguments", .first = '{'}};
    struct tool_call_piece piece = {.index = -1};
    CLEANUP(buffer_clear) struct buffer id, name, arguments;

    buffer_init(&id, element.len);
    buffer_init(&name, element.len);
    buffer_init(&arguments, element.len);
    json_find_members(element, call, 2);
    json_find_members(call[1].value, function, 3);
    if (!json_find_int64(element, "/index", &piece.index) || piece.index < 0)
        piece.index = -1;
    if (!json_characters(call[0].value, &id, &piece.id, err) ||
        !json_characters(function[0].value, &name, &piece.name, err) ||
        !json_characters(function[1].value, &arguments, &piece.arguments, err))
        return false;
    if (function[2].value.len > 0) {
        piece.arguments = function[2].value;
        piece.is_whole_arguments = true;
    }
    return tool_calls_add(&stream->tool_calls, &piece, err);
}

static bool give_text(struct chat_stream *stream, struct slice literal,
                      void (*on_text)(void *arg, const char *text, size_t len), void *arg,
                      struct error *err)
{
    CLEANUP(buffer_clear) struct buffer scratch;
    struct slice text;

    buffer_init(&scratch, literal.len);
    if (!json_characters(literal, &scratch, &text, err))
        return false;
    if (text.len == 0)
        return true;
    stream->has_content = true;
    if (on_text != NULL)
        on_text(arg, text.data, text.len);
    return true;
}

static bool read_delta(struct chat_stream *stream, struct slice delta,
                       const struct chat_stream_events *events, void *arg, struct error *err)
{
    struct json_member members[] = {{.name = "reasoning_content", .first = '"'},
                                    {.name = "reasoning", .first = '"'},
                                    {.name = "content", .first = '"'},
                                    {.name = "tool_calls", .first = '['}};
    struct slice reasoning, calls, name, call;
    size_t position = 0;

    json_find_members(delta, members, 4);
    reasoning = members[0].value.len > 2 ? members[0].value : members[1].value;
    if (!give_text(stream, reasoning, events->on_reasoning, arg, err) ||
        !give_text(stream, members[2].value, events->on_text, arg, err))
        return false;
    calls = members[3].value;
    while (calls.len > 0 && json_next(calls.data, calls.len, &position, &name, &call))
        if (!read_tool_call(stream, call, err))
            return false;
    return true;
}

static bool read_choice(struct chat_stream *stream, struct slice choice,
                        const struct chat_stream_events *events, void *arg, struct error *err)
{
    struct json_member members[] = {{.name = "finish_reason", .first = '"'},
                                    {.name = "delta", .first = '{'},
                                    {.name = "message", .first = '{'}};
    enum finish_reason finish;

    json_find_members(choice, members, 3);
    finish = read_finish(members[0].value);
    if (finish != FINISH_NONE)
        stream->finish = finish;
    /* Some servers answer a stream with a whole message. */
    return read_delta(stream, members[1].value.len > 0 ? members[1].value : members[2].value,
                      events, arg, err);
}

static void read_usage(struct chat_stream *stream, struct slice usage)
{
    if (usage.len == 0)
        return;
    stream->has_usage = true;
    (void)json_find_int64(usage, "/prompt_tokens", &stream->usage.prompt_tokens);
    (void)json_find_int64(usage, "/completion_tokens", &stream->usage.completion_tokens);
    (void)json_find_int64(usage, "/total_tokens", &stream->usage.total_tokens);
    (void)json_find_int64(usage, "/completion_tokens_details/reasoning_tokens",
                          &stream->usage.reasoning_tokens);
}

bool chat_stream_event(struct chat_stream *stream, const char *data, size_t len,
                       const struct chat_stream_events *events, void *arg, struct error *err)
{
    struct slice event = slice_trim((struct slice){data, len}), choices, name, choice;
    struct json_member members[] = {
        {.name = "usage", .first = '{'}, {.name = "choices", .first = '['}, {.name = "error"}};
    size_t position = 0;

    if (event.len == 0 || stream->is_done)
        return true;
    if (slice_equal_text(event, "[DONE]")) {
        stream->is_done = true;
        return true;
    }
    if (!json_check(event.data, event.len, JSON_DEPTH_DEFAULT, err)) {
        err->code = ERROR_UPSTREAM;
        return error_prefix(err, "the model sent an event that cannot be read");
    }
    json_find_members(event, members, 3);
    if ((members[1].value.len == 0 || members[2].value.len > 0) && chat_error_is(event)) {
        chat_error_read(0, event.data, event.len, err);
        return false;
    }
    read_usage(stream, members[0].value);
    choices = members[1].value;
    /* One answer is asked for; further choices would be mixed into it. */
    return choices.len == 0 || !json_next(choices.data, choices.len, &position, &name, &choice) ||
           read_choice(stream, choice, events, arg, err);
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
