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
#include "local-cloud/model_shape.h"
#include "local-cloud/reply.h"
#include "local-cloud/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

struct writer {
    const struct cloud *cloud;
    const struct model_request *request;
    struct reply *reply;
    struct model_quirks quirks;
    char id[48];
    int64_t created_s;
    size_t event_count;
};

static bool has(const struct writer *writer, enum model_quirk quirk)
{
    return writer->quirks.is_on[quirk];
}

/* ---- writing ---------------------------------------------------------------------------------*/

static void write_event(struct writer *writer, const char *json)
{
    const char *line_end = has(writer, QUIRK_CRLF) ? "\r\n" : "\n";
    CLEANUP(cleanup_free)
    char *text =
        must_format("%sdata:%s%s%s%s", has(writer, QUIRK_COMMENTS) ? ": keep-alive\n\n" : "",
                    has(writer, QUIRK_NO_SPACE) ? "" : " ", json, line_end, line_end);
    int64_t delay_ms = writer->event_count == 0 ? writer->cloud->switches.model.first_delay_ms
                                                : writer->cloud->switches.model.delta_delay_ms;

    writer->event_count++;
    reply_piece(writer->reply, delay_ms, text, strlen(text));
}

/* Takes `choices` (NULL: the member is left out) and `usage`. */
static void write_chunk(struct writer *writer, struct json_object *choices,
                        struct json_object *usage)
{
    CLEANUP(cleanup_free) char *json = NULL;
    struct json_object *chunk = json_pack(
        "{choices:o?,object:s,usage:o,created:i,system_fingerprint:n,model:s,id:s}", choices,
        "chat.completion.chunk", usage, writer->created_s, writer->request->model, writer->id);

    if (has(writer, QUIRK_TIMINGS))
        json_object_object_add(chunk, "timings",
                               json_pack("{prompt_ms:d,predicted_per_second:d}", 12.5, 80.25));
    json = json_pack_text(chunk);
    write_event(writer, json);
}

/* Takes `delta`. */
static void write_delta(struct writer *writer, struct json_object *delta, const char *finish)
{
    struct json_object *choice =
        json_pack("{delta:o,finish_reason:s,index:i,logprobs:n}", delta, finish, (int64_t)0);

    if (has(writer, QUIRK_FINISH_MISSING))
        json_object_object_del(choice, "finish_reason");
    write_chunk(writer, json_pack("[o]", choice), NULL);
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

        if (len == 0 && left > 0)
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

/* One piece of a call. Continuations carry an empty id and the type again (model-api.md section
 * 1.3). `arguments` is taken; NULL: "function" is empty. */
static void write_call_piece(struct writer *writer, size_t index, const char *id, const char *name,
                             struct json_object *arguments)
{
    bool is_anonymous = has(writer, QUIRK_ID_MISSING) || has(writer, QUIRK_ARGS_GLUED);
    struct json_object *function =
        arguments == NULL ? json_pack("{}") : json_pack("{name:s?,arguments:o}", name, arguments);
    struct json_object *call =
        json_pack("{id:s?,type:s,function:o}", is_anonymous ? NULL : id, "function", function);

    if (!has(writer, QUIRK_INDEX_MISSING))
        json_object_object_add(
            call, "index",
            json_object_new_int64(has(writer, QUIRK_INDEX_ZERO) ? 0 : (int64_t)index));
    write_delta(writer, json_pack("{content:n,tool_calls:[o]}", call), NULL);
}

static void write_call_in_pieces(struct writer *writer, size_t index, const struct plan_call *call,
                                 const char *id)
{
    const char *rest = call->arguments;
    size_t left = strlen(rest), step = has(writer, QUIRK_ARGS_BYTEWISE) ? 1 : 8;

    if (has(writer, QUIRK_ONE_DELTA))
        step = left;
    if (has(writer, QUIRK_LENGTH))
        left /= 2;
    for (size_t i = 0; i == 0 || left > 0; i++) {
        size_t len = utf8_prefix(rest, left, step);
        bool is_named = i == 0 || has(writer, QUIRK_NAME_REPEATED);

        if (len == 0 && left > 0)
            len = utf8_prefix(rest, left, 4);
        write_call_piece(writer, index, i == 0 ? id : "", is_named ? call->name : NULL,
                         json_object_new_string_len(rest, (int)len));
        rest += len;
        left -= len;
    }
    if (has(writer, QUIRK_FUNCTION_EMPTY))
        write_call_piece(writer, index, "", NULL, NULL);
}

static void write_call(struct writer *writer, size_t index, const struct plan_call *call)
{
    char digits[25], id[32];

    random_hex(digits, 24);
    /* Fits: 5 + 24 characters. */
    snprintf(id, sizeof id, "call_%s", digits);
    if (has(writer, QUIRK_ARGS_OBJECT))
        write_call_piece(writer, index, id, call->name, json_tokener_parse(call->arguments));
    else
        write_call_in_pieces(writer, index, call, id);
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

static bool breaks(const struct writer *writer)
{
    return has(writer, QUIRK_CUT) || has(writer, QUIRK_MALFORMED) || has(writer, QUIRK_ERROR_EVENT);
}

/* Faults in the middle of a stream that began well. */
static void break_stream(struct writer *writer)
{
    size_t half = writer->reply->piece_count / 2;

    if (!breaks(writer))
        return;
    reply_truncate(writer->reply, half > 0 ? half : 1);
    if (has(writer, QUIRK_MALFORMED))
        write_event(writer, "{\"choices\":[{\"delta\":{\"content\":");
    if (has(writer, QUIRK_ERROR_EVENT))
        write_event(writer,
                    "{\"error\":{\"message\":\"the stand-in was told to fail here\","
                    "\"type\":\"server_error\",\"param\":null,\"code\":\"internal_error\"},"
                    "\"request_id\":\"stand-in\"}");
    if (has(writer, QUIRK_CUT))
        writer->reply->ending = REPLY_IS_CUT;
}

static const char *finish_of(const struct writer *writer, const struct plan *plan)
{
    if (has(writer, QUIRK_LENGTH) || plan->is_cut)
        return "length";
    if (has(writer, QUIRK_CONTENT_FILTER))
        return "content_filter";
    if (has(writer, QUIRK_FINISH_CALLS))
        return "tool_calls";
    return plan->call_count == 0 || has(writer, QUIRK_FINISH_STOP) ? "stop" : "tool_calls";
}

static void write_stream(struct writer *writer, const struct plan *plan)
{
    const struct model_request *request = writer->request;
    int64_t count = plan->call_count > 0 ? 0 : writer->cloud->switches.model.delta_count;

    reply_header(writer->reply, "Cache-Control", "no-cache");
    reply_stream(writer->reply, 200, "text/event-stream; charset=utf-8");
    write_delta(writer, json_pack("{content:s,role:s}", "", "assistant"), NULL);
    if (request->is_thinking)
        write_text(writer, has(writer, QUIRK_REASONING_FIELD) ? "reasoning" : "reasoning_content",
                   plan->reasoning, 0);
    write_text(writer, "content", plan->content, count);
    for (size_t i = 0; i < plan->call_count; i++)
        write_call(writer, i, &plan->calls[i]);
    write_delta(writer, json_pack("{}"), finish_of(writer, plan));
    if (request->wants_usage_chunk)
        write_chunk(writer, has(writer, QUIRK_USAGE_NO_CHOICES) ? NULL : json_pack("[]"),
                    usage_of(request, plan));
    if (!has(writer, QUIRK_NO_DONE) && !breaks(writer))
        write_event(writer, "[DONE]");
    break_stream(writer);
    if (has(writer, QUIRK_WIRE_BYTEWISE))
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

static void complete(struct cloud *cloud, const struct request *request, struct reply *reply)
{
    struct writer writer = {.cloud = cloud, .reply = reply, .created_s = request->now_s};
    struct model_refusal refusal = {0};
    struct error ignored = {0};
    struct model_request read;
    struct plan plan;

    if (!model_request_read(request->body, &read, &refusal)) {
        model_refuse(reply, refusal.status, refusal.type, refusal.code, refusal.message);
        return;
    }
    writer.request = &read;
    /* Both were checked when they came. */
    model_quirks_add(&writer.quirks, cloud->switches.model.quirks, &ignored);
    if (strncmp(read.model, "quirk-", 6) == 0)
        model_quirks_add(&writer.quirks, read.model + 6, &ignored);
    memcpy(writer.id, "chatcmpl-", 9);
    random_uuid(writer.id + 9);
    if (!model_play_failure(&writer.quirks, &read, reply)) {
        brain_plan(&read, &plan);
        model_shape_plan(&writer.quirks, &read, &plan);
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
        model_refuse(
            reply, 401, "invalid_request_error", "invalid_api_key",
            "No API key was provided. Send it in the Authorization header: Bearer YOUR_KEY.");
    else if (!request_bearer(request, &token) || !secret_text_equal(token, key->key))
        model_refuse(reply, 401, "invalid_request_error", "invalid_api_key",
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
        model_refuse(reply, 404, "invalid_request_error", "not_found",
                     "There is nothing at this path.");
}
