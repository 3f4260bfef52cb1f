/* The OpenAI-compatible model service, as Model Studio's compatible mode speaks it. */
#include "local-cloud/model.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "local-cloud/brain.h"
#include "local-cloud/cloud.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/memory.h"
#include "local-cloud/model_quirks.h"
#include "local-cloud/model_request.h"
#include "local-cloud/reply.h"
#include "local-cloud/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#define SHORT_CONTEXT_BYTES 4096

struct writer {
    const struct cloud *cloud;
    const struct model_request *request;
    struct reply *reply;
    unsigned quirks;
    char id[48];
    int64_t created_s;
    size_t event_count;
};

static void refuse(struct reply *reply, int status, const char *type, const char *code,
                   const char *message)
{
    char request_id[37];

    random_uuid(request_id);
    /* Model Studio puts the id beside "error", not into it. */
    reply_json(reply, status,
               json_pack("{error:{message:s,type:s,param:n,code:s},request_id:s}", message, type,
                         code, request_id));
}

/* ---- writing ---------------------------------------------------------------------------------*/

static void write_event(struct writer *writer, const char *json)
{
    const char *line_end = (writer->quirks & QUIRK_CRLF) != 0 ? "\r\n" : "\n";
    CLEANUP(cleanup_free)
    char *text = must_format(
        "%sdata:%s%s%s%s", (writer->quirks & QUIRK_COMMENTS) != 0 ? ": keep-alive\n\n" : "",
        (writer->quirks & QUIRK_NO_SPACE) != 0 ? "" : " ", json, line_end, line_end);
    int64_t delay_ms = writer->event_count == 0 ? writer->cloud->switches.model.first_delay_ms
                                                : writer->cloud->switches.model.delta_delay_ms;

    writer->event_count++;
    reply_piece(writer->reply, delay_ms, text, strlen(text));
}

static void write_chunk(struct writer *writer, struct json_object *choices,
                        struct json_object *usage)
{
    CLEANUP(cleanup_free)
    char *json = json_pack_text(json_pack(
        "{choices:o,object:s,usage:o,created:i,system_fingerprint:n,model:s,id:s}", choices,
        "chat.completion.chunk", usage, writer->created_s, writer->request->model, writer->id));

    write_event(writer, json);
}

/* Takes `delta`. */
static void write_delta(struct writer *writer, struct json_object *delta, const char *finish)
{
    write_chunk(
        writer,
        json_pack("[{delta:o,finish_reason:s,index:i,logprobs:n}]", delta, finish, (int64_t)0),
        NULL);
}

/* Cuts `text` into deltas of `chars` characters, or into exactly `count` when that is not 0. */
static void write_text(struct writer *writer, const char *name, const char *text, int64_t count)
{
    size_t left = strlen(text);
    size_t step = (size_t)writer->cloud->switches.model.delta_chars;

    for (int64_t i = 0; count > 0 ? i < count : left > 0; i++) {
        size_t want = count > 0 ? left / (size_t)(count - i) : step;
        size_t len = count > 0 && i == count - 1 ? left : utf8_prefix(text, left, want);
        struct json_object *delta = must_have(json_object_new_object());

        if (len == 0 && left > 0 && count == 0)
            len = utf8_prefix(text, left, 4); /* one character, whatever its length */
        if (strcmp(name, "content") != 0)
            json_object_object_add(delta, "content", NULL);
        json_object_object_add(delta, name,
                               len > 0 || left > 0 ? json_object_new_string_len(text, (int)len)
                                                   : json_object_new_string("\u00b7"));
        write_delta(writer, delta, NULL);
        text += len;
        left -= len;
    }
}

static struct json_object *call_delta(const struct writer *writer, size_t index, const char *id,
                                      const char *name, const char *arguments, size_t len)
{
    struct json_object *part = json_object_new_string_len(arguments, (int)len);
    struct json_object *call =
        json_pack("{id:s,type:s,function:{name:s?,arguments:o}}", id, "function", name, part);

    if ((writer->quirks & QUIRK_INDEX_MISSING) == 0)
        json_object_object_add(
            call, "index",
            json_object_new_int64((writer->quirks & QUIRK_INDEX_ZERO) != 0 ? 0 : (int64_t)index));
    return json_pack("{content:n,tool_calls:[o]}", call);
}

static void write_call(struct writer *writer, size_t index, const struct plan_call *call)
{
    size_t left = strlen(call->arguments);
    const char *rest = call->arguments;
    char digits[25], id[32];
    size_t step = (writer->quirks & QUIRK_ARGS_BYTEWISE) != 0 ? 1 : 8;

    if ((writer->quirks & QUIRK_ONE_DELTA) != 0)
        step = left;
    random_hex(digits, 24);
    /* Fits: 5 + 24 characters. */
    snprintf(id, sizeof id, "call_%s", digits);
    if ((writer->quirks & QUIRK_BAD_ARGS) != 0)
        left /= 2;
    for (size_t i = 0; i == 0 || left > 0; i++) {
        size_t len = utf8_prefix(rest, left, step);

        if (len == 0 && left > 0)
            len = utf8_prefix(rest, left, 4);
        /* Continuations carry an empty id and the type again (model-api.md section 1.3). */
        write_delta(
            writer,
            call_delta(writer, index, i == 0 ? id : "", i == 0 ? call->name : NULL, rest, len),
            NULL);
        rest += len;
        left -= len;
    }
}

static int64_t tokens_of(size_t bytes)
{
    return (int64_t)(bytes + 3) / 4; /* near enough for a stand-in */
}

static struct json_object *usage_of(const struct model_request *request, const struct plan *plan)
{
    int64_t prompt = tokens_of(request->body_bytes);
    int64_t reasoning = request->is_thinking ? tokens_of(strlen(plan->reasoning)) : 0;
    int64_t completion = reasoning + tokens_of(strlen(plan->content));
    struct json_object *usage;

    for (size_t i = 0; i < plan->call_count; i++)
        completion += tokens_of(strlen(plan->calls[i].arguments) + strlen(plan->calls[i].name));
    usage = json_pack(
        "{prompt_tokens:i,completion_tokens:i,total_tokens:i,"
        "prompt_tokens_details:{cached_tokens:i}}",
        prompt, completion, prompt + completion, (int64_t)0);
    if (request->is_thinking)
        json_object_object_add(usage, "completion_tokens_details",
                               json_pack("{reasoning_tokens:i}", reasoning));
    return usage;
}

/* Faults in the middle of a stream that began well. */
static void break_stream(struct writer *writer)
{
    size_t half = writer->reply->piece_count / 2;

    if ((writer->quirks & (QUIRK_CUT | QUIRK_MALFORMED | QUIRK_ERROR_EVENT)) == 0)
        return;
    reply_truncate(writer->reply, half > 0 ? half : 1);
    if ((writer->quirks & QUIRK_MALFORMED) != 0)
        write_event(writer, "{\"choices\":[{\"delta\":{\"content\":");
    if ((writer->quirks & QUIRK_ERROR_EVENT) != 0)
        write_event(writer,
                    "{\"error\":{\"message\":\"the stand-in was told to fail here\","
                    "\"type\":\"server_error\",\"param\":null,\"code\":\"internal_error\"},"
                    "\"request_id\":\"stand-in\"}");
    if ((writer->quirks & QUIRK_CUT) != 0)
        writer->reply->ending = REPLY_IS_CUT;
}

static const char *finish_of(const struct writer *writer, const struct plan *plan)
{
    if (plan->call_count == 0 || (writer->quirks & QUIRK_FINISH_STOP) != 0)
        return "stop";
    return "tool_calls";
}

static void write_stream(struct writer *writer, const struct plan *plan)
{
    const struct model_request *request = writer->request;
    int64_t count = plan->call_count > 0 ? 0 : writer->cloud->switches.model.delta_count;

    reply_header(writer->reply, "Cache-Control", "no-cache");
    reply_stream(writer->reply, 200, "text/event-stream; charset=utf-8");
    write_delta(writer, json_pack("{content:s,role:s}", "", "assistant"), NULL);
    if (request->is_thinking)
        write_text(writer,
                   (writer->quirks & QUIRK_REASONING_FIELD) != 0 ? "reasoning"
                                                                 : "reasoning_content",
                   plan->reasoning, 0);
    write_text(writer, "content", plan->content, count);
    for (size_t i = 0; i < plan->call_count; i++)
        write_call(writer, i, &plan->calls[i]);
    write_delta(writer, json_pack("{}"), finish_of(writer, plan));
    if (request->wants_usage_chunk)
        write_chunk(writer, json_pack("[]"), usage_of(request, plan));
    if ((writer->quirks & (QUIRK_NO_DONE | QUIRK_CUT | QUIRK_MALFORMED | QUIRK_ERROR_EVENT)) == 0)
        write_event(writer, "[DONE]");
    break_stream(writer);
    if ((writer->quirks & QUIRK_WIRE_BYTEWISE) != 0)
        reply_split_bytes(writer->reply);
}

static void write_whole(struct writer *writer, const struct plan *plan)
{
    struct json_object *message = json_pack("{role:s,content:s}", "assistant", plan->content);
    struct json_object *calls = must_have(json_object_new_array());
    char digits[25];

    for (size_t i = 0; i < plan->call_count; i++) {
        CLEANUP(cleanup_free) char *id = NULL;

        random_hex(digits, 24);
        id = must_format("call_%s", digits);
        json_object_array_add(
            calls, json_pack("{id:s,type:s,function:{name:s,arguments:s},index:i}", id, "function",
                             plan->calls[i].name, plan->calls[i].arguments, (int64_t)i));
    }
    if (plan->call_count > 0)
        json_object_object_add(message, "tool_calls", calls);
    else
        json_object_put(calls);
    writer->reply->delay_ms += writer->cloud->switches.model.first_delay_ms;
    reply_json(writer->reply, 200,
               json_pack("{choices:[{message:o,finish_reason:s,index:i,logprobs:n}],object:s,"
                         "usage:o,created:i,system_fingerprint:n,model:s,id:s}",
                         message, finish_of(writer, plan), (int64_t)0, "chat.completion",
                         usage_of(writer->request, plan), writer->created_s, writer->request->model,
                         writer->id));
}

/* ---- routes ----------------------------------------------------------------------------------*/

static bool is_too_long(const struct model_request *request)
{
    size_t bytes = 0;

    for (size_t i = 0; i < json_object_array_length(request->messages); i++) {
        CLEANUP(cleanup_free)
        char *text = model_message_text(json_object_array_get_idx(request->messages, i));

        bytes += strlen(text);
    }
    return bytes > SHORT_CONTEXT_BYTES;
}

/* Answers that are failures on demand. */
static bool play_failure(unsigned quirks, const struct model_request *request, struct reply *reply)
{
    if ((quirks & QUIRK_SHORT_CONTEXT) != 0 && is_too_long(request)) {
        refuse(reply, 400, "invalid_request_error", "invalid_parameter_error",
               "<400> InternalError.Algo.InvalidParameter: Range of input length should be "
               "[1, 4096]");
    } else if ((quirks & QUIRK_429) != 0) {
        reply_header(reply, "Retry-After", "1");
        refuse(reply, 429, "limit_requests", "Throttling.RateQuota",
               "Requests rate limit exceeded, please try again later.");
    } else if ((quirks & QUIRK_500) != 0) {
        refuse(reply, 500, "internal_error", "internal_error",
               "the stand-in was told to fail here");
    } else if ((quirks & QUIRK_SSE_400) != 0) {
        reply_text(reply, 400, "text/event-stream;charset=UTF-8",
                   "data: {\"error\":{\"message\":\"<400> InvalidParameter: the stand-in was told "
                   "to fail here\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":"
                   "\"invalid_parameter_error\"},\"id\":\"chatcmpl-stand-in\"}\n\n");
    } else {
        return false;
    }
    return true;
}

static void spoil_plan(unsigned quirks, const struct model_request *request, struct plan *plan)
{
    if ((quirks & QUIRK_UNKNOWN_TOOL) != 0 && plan->call_count > 0)
        replace_text(&plan->calls[0].name, "tool_that_nobody_offered");
    if ((quirks & QUIRK_ENDLESS_CALLS) != 0 && plan->call_count == 0 && request->tools != NULL &&
        request->tool_choice != TOOL_CHOICE_NONE) {
        struct json_object *first = json_object_array_get_idx(request->tools, 0);
        struct json_object *function = NULL, *name = NULL;

        json_object_object_get_ex(first, "function", &function);
        json_object_object_get_ex(function, "name", &name);
        plan->calls[0].name = must_copy(json_object_get_string(name));
        plan->calls[0].arguments = must_copy("{}");
        plan->call_count = 1;
    }
}

static void complete(struct cloud *cloud, const struct request *request, struct reply *reply)
{
    struct writer writer = {.cloud = cloud, .reply = reply, .created_s = request->now_s};
    struct model_refusal refusal = {0};
    struct model_request read;
    struct plan plan;

    if (!model_request_read(request->body, &read, &refusal)) {
        refuse(reply, refusal.status, refusal.type, refusal.code, refusal.message);
        return;
    }
    writer.request = &read;
    writer.quirks = model_quirks_parse(cloud->switches.model.quirks);
    if (strncmp(read.model, "quirk-", 6) == 0)
        writer.quirks |= model_quirks_parse(read.model + 6);
    memcpy(writer.id, "chatcmpl-", 9);
    random_uuid(writer.id + 9);
    if (!play_failure(writer.quirks, &read, reply)) {
        brain_plan(&read, &plan);
        spoil_plan(writer.quirks, &read, &plan);
        if (read.is_streamed)
            write_stream(&writer, &plan);
        else
            write_whole(&writer, &plan);
        plan_clear(&plan);
    }
    model_request_clear(&read);
}

static struct json_object *model_object(const char *name)
{
    return json_pack("{id:s,object:s,created:i,owned_by:s}", name, "model", (int64_t)1767225600,
                     "offline stand-in");
}

static void list_models(struct reply *reply)
{
    struct json_object *list = must_have(json_object_new_array());

    for (size_t i = 0; model_names[i] != NULL; i++)
        json_object_array_add(list, model_object(model_names[i]));
    reply_json(reply, 200, json_pack("{object:s,data:o}", "list", list));
}

static bool check_key(struct cloud *cloud, const struct request *request, struct reply *reply)
{
    const struct realm_api_key *key = &cloud->realm.keys[0];
    struct slice token;

    if (request->authorization_count == 0)
        refuse(reply, 401, "invalid_request_error", "invalid_api_key",
               "No API key was provided. Send it in the Authorization header: Bearer YOUR_KEY.");
    else if (!request_bearer(request, &token) || !secret_text_equal(token, key->key))
        refuse(reply, 401, "invalid_request_error", "invalid_api_key",
               "Incorrect API key provided.");
    else
        return true;
    return false;
}

void model_handle(struct cloud *cloud, const struct request *request, struct reply *reply)
{
    if (!check_key(cloud, request, reply))
        return;
    if (request_is(request, "POST", PATH_MODEL "/chat/completions"))
        complete(cloud, request, reply);
    else if (request_is(request, "GET", PATH_MODEL "/models"))
        list_models(reply);
    else
        refuse(reply, 404, "invalid_request_error", "not_found", "There is nothing at this path.");
}
