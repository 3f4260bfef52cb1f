/* Writes a turn's answer as chat-completion chunks, or collects it into one object. */
#include "server/chat_writer.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "net/http_server.h"
#include "server/reply.h"

#include <stdio.h>
#include <string.h>

#define ANSWER_MAX_BYTES (16 * 1024 * 1024)

void chat_writer_init(struct chat_writer *writer, struct http_exchange *exchange, const char *model,
                      bool is_stream, bool includes_usage, bool has_layout)
{
    char digits[33];

    memset(writer, 0, sizeof *writer);
    writer->exchange = exchange;
    writer->model = model;
    writer->is_stream = is_stream;
    writer->includes_usage = includes_usage;
    writer->has_layout = has_layout;
    writer->created_s = clock_wall_s();
    random_hex(digits, 32);
    (void)snprintf(writer->id, sizeof writer->id, "chatcmpl-%s", digits); /* 41 characters */
    buffer_init(&writer->opening, ANSWER_MAX_BYTES);
    buffer_init(&writer->line, ANSWER_MAX_BYTES);
    buffer_init(&writer->content, ANSWER_MAX_BYTES);
    buffer_init(&writer->reasoning, ANSWER_MAX_BYTES);
}

void chat_writer_clear(struct chat_writer *writer)
{
    buffer_clear(&writer->opening);
    buffer_clear(&writer->line);
    buffer_clear(&writer->content);
    buffer_clear(&writer->reasoning);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void send_line(struct chat_writer *writer)
{
    (void)http_exchange_write(writer->exchange, writer->line.data, writer->line.len);
}

/* "data: {... "choices":[" is what every chunk begins with; written once. */
static bool write_opening(struct chat_writer *writer, struct error *err)
{
    struct buffer *opening = &writer->opening;

    return buffer_printf(opening, err,
                         "data: {\"id\":\"%s\",\"object\":\"chat.completion.chunk\","
                         "\"created\":%lld,\"model\":",
                         writer->id, (long long)writer->created_s) &&
           json_add_string(opening, writer->model, strlen(writer->model), err) &&
           buffer_add_text(opening, ",\"choices\":[", err);
}

static bool begin_chunk(struct chat_writer *writer, struct error *err)
{
    buffer_truncate(&writer->line, 0);
    return (writer->opening.len > 0 || write_opening(writer, err)) &&
           buffer_add(&writer->line, writer->opening.data, writer->opening.len, err);
}

static void start(struct chat_writer *writer)
{
    struct error ignored = {0};

    if (writer->has_started || !writer->is_stream)
        return;
    writer->has_started = true;
    http_exchange_add_header(writer->exchange, "Cache-Control", "no-cache");
    http_exchange_add_header(writer->exchange, "X-Accel-Buffering", "no");
    (void)http_exchange_stream(writer->exchange, 200, "text/event-stream; charset=utf-8");
    if (begin_chunk(writer, &ignored) &&
        buffer_printf(&writer->line, &ignored,
                      "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
                      "\"finish_reason\":null}]%s}\n\n",
                      writer->includes_usage ? ",\"usage\":null" : ""))
        send_line(writer);
}

/* One delta; `reasoning` or `content` may be NULL. */
static void send_delta(struct chat_writer *writer, const char *reasoning, size_t reasoning_len,
                       const char *content, size_t content_len, const char *extra)
{
    struct buffer *line = &writer->line;
    struct error ignored = {0};

    start(writer);
    if (begin_chunk(writer, &ignored) &&
        buffer_add_text(line, "{\"index\":0,\"delta\":{", &ignored) &&
        (reasoning == NULL || (buffer_add_text(line, "\"reasoning_content\":", &ignored) &&
                               json_add_string(line, reasoning, reasoning_len, &ignored))) &&
        (content == NULL ||
         (buffer_add_text(line, reasoning == NULL ? "\"content\":" : ",\"content\":", &ignored) &&
          json_add_string(line, content, content_len, &ignored))) &&
        buffer_add_text(line, "},\"finish_reason\":null}]", &ignored) &&
        buffer_add_text(line, writer->includes_usage ? ",\"usage\":null" : "", &ignored) &&
        buffer_add_text(line, extra, &ignored) && buffer_add_text(line, "}\n\n", &ignored))
        send_line(writer);
}

static void collect(struct buffer *out, const char *text, size_t len)
{
    struct error ignored = {0};

    (void)buffer_add(out, text, len, &ignored);
}

/* Text that is only layout: our own page leaves it out. */
static void write_layout(struct chat_writer *writer, const char *text)
{
    if (writer->is_stream)
        send_delta(writer, NULL, 0, text, strlen(text), ",\"sesame\":{\"layout\":true}");
    else
        collect(&writer->content, text, strlen(text));
}

void chat_writer_reasoning(struct chat_writer *writer, const char *text, size_t len)
{
    if (writer->has_layout && writer->layout != LAYOUT_THINKING) {
        write_layout(writer, writer->layout == LAYOUT_NOTHING ? "Thinking: " : "\n\nThinking: ");
        writer->layout = LAYOUT_THINKING;
    }
    if (writer->is_stream) {
        send_delta(writer, text, len, writer->has_layout ? text : NULL, len, "");
        return;
    }
    collect(&writer->reasoning, text, len);
    if (writer->has_layout)
        collect(&writer->content, text, len);
}

void chat_writer_text(struct chat_writer *writer, const char *text, size_t len)
{
    if (writer->has_layout && writer->layout != LAYOUT_TEXT) {
        if (writer->layout == LAYOUT_THINKING)
            write_layout(writer, "\n\n");
        write_layout(writer, "Text: ");
        writer->layout = LAYOUT_TEXT;
    }
    if (writer->is_stream)
        send_delta(writer, NULL, 0, text, len, "");
    else
        collect(&writer->content, text, len);
}

void chat_writer_extra(struct chat_writer *writer, const char *json, size_t len)
{
    struct buffer *line = &writer->line;
    struct error ignored = {0};

    if (!writer->is_stream)
        return;
    start(writer);
    if (begin_chunk(writer, &ignored) &&
        buffer_printf(line, &ignored, "{\"index\":0,\"delta\":{},\"finish_reason\":null}]%s,",
                      writer->includes_usage ? ",\"usage\":null" : "") &&
        buffer_add_text(line, "\"sesame\":", &ignored) && buffer_add(line, json, len, &ignored) &&
        buffer_add_text(line, "}\n\n", &ignored))
        send_line(writer);
}

void chat_writer_keep_alive(struct chat_writer *writer)
{
    if (!writer->has_started)
        return;
    (void)http_exchange_write(writer->exchange, ": keep-alive\n\n", 14);
}

/* ---- the end --------------------------------------------------------------------------------- */

static const char *finish_text(enum finish_reason finish)
{
    return finish == FINISH_LENGTH           ? "length"
           : finish == FINISH_CONTENT_FILTER ? "content_filter"
                                             : "stop";
}

static bool add_usage(struct buffer *out, const struct chat_usage *usage, struct error *err)
{
    return buffer_printf(out, err,
                         "{\"prompt_tokens\":%lld,\"completion_tokens\":%lld,\"total_tokens\":%lld,"
                         "\"completion_tokens_details\":{\"reasoning_tokens\":%lld}}",
                         (long long)usage->prompt_tokens, (long long)usage->completion_tokens,
                         (long long)usage->total_tokens, (long long)usage->reasoning_tokens);
}

static void end_stream(struct chat_writer *writer, enum finish_reason finish,
                       const struct chat_usage *usage)
{
    struct buffer *line = &writer->line;
    struct error ignored = {0};

    start(writer);
    if (begin_chunk(writer, &ignored) &&
        buffer_printf(line, &ignored, "{\"index\":0,\"delta\":{},\"finish_reason\":\"%s\"}]%s}\n\n",
                      finish_text(finish), writer->includes_usage ? ",\"usage\":null" : ""))
        send_line(writer);
    if (writer->includes_usage && usage != NULL && begin_chunk(writer, &ignored) &&
        buffer_add_text(line, "],\"usage\":", &ignored) && add_usage(line, usage, &ignored) &&
        buffer_add_text(line, "}\n\n", &ignored))
        send_line(writer);
    (void)http_exchange_write(writer->exchange, "data: [DONE]\n\n", 14);
    http_exchange_end(writer->exchange);
}

static void reply_whole(struct chat_writer *writer, enum finish_reason finish,
                        const struct chat_usage *usage)
{
    struct buffer *out = &writer->line;
    struct error err = {0};

    buffer_truncate(out, 0);
    if (buffer_printf(out, &err,
                      "{\"id\":\"%s\",\"object\":\"chat.completion\",\"created\":%lld,\"model\":",
                      writer->id, (long long)writer->created_s) &&
        json_add_string(out, writer->model, strlen(writer->model), &err) &&
        buffer_add_text(out,
                        ",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
                        "\"content\":",
                        &err) &&
        json_add_string(out, writer->content.data == NULL ? "" : writer->content.data,
                        writer->content.len, &err) &&
        (writer->reasoning.len == 0 ||
         (buffer_add_text(out, ",\"reasoning_content\":", &err) &&
          json_add_string(out, writer->reasoning.data, writer->reasoning.len, &err))) &&
        buffer_printf(out, &err,
                      ",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"%s\"}],"
                      "\"usage\":",
                      finish_text(finish)) &&
        add_usage(out, usage, &err) && buffer_add_char(out, '}', &err))
        reply_json(writer->exchange, 200, out->data, out->len);
    else
        reply_error(writer->exchange,
                    &(struct api_error){500, "api_error", "internal_error", NULL, err.message});
}

void chat_writer_finish(struct chat_writer *writer, enum finish_reason finish,
                        const struct chat_usage *usage)
{
    if (writer->is_stream)
        end_stream(writer, finish, usage);
    else
        reply_whole(writer, finish, usage);
}

void chat_writer_fail(struct chat_writer *writer, const struct api_error *error)
{
    struct buffer *line = &writer->line;
    struct error ignored = {0};
    char text[700];

    if (!writer->has_started) {
        /* Tools may have run: clients that repeat 5xx by themselves must not run them again. */
        reply_error(writer->exchange, error);
        return;
    }
    /* The sample's page sees only text; other clients stop at the error event, so it comes last. */
    (void)snprintf(text, sizeof text, "\n\n[Error: %s]", error->message);
    send_delta(writer, NULL, 0, text, strlen(text), ",\"sesame\":{\"layout\":true}");
    buffer_truncate(line, 0);
    if (buffer_add_text(line, "data: ", &ignored) && api_error_write(error, line, &ignored) &&
        buffer_add_text(line, "\n\n", &ignored))
        send_line(writer);
    end_stream(writer, FINISH_STOP, NULL);
}
