/* What becomes of a good answer: failures on demand, quirks of its content, and the limits that the
 * request sets. */
#include "local-cloud/model_shape.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "local-cloud/brain.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/memory.h"
#include "local-cloud/model_quirks.h"
#include "local-cloud/model_request.h"
#include "local-cloud/reply.h"

#include <stdlib.h>
#include <string.h>

enum { SHORT_CONTEXT_BYTES = 4096, TOKEN_BYTES = 4 };

void model_refuse(struct reply *reply, int status, const char *type, const char *code,
                  const char *message)
{
    char request_id[37];

    random_uuid(request_id);
    /* Model Studio puts the id beside "error", not into it. */
    reply_json(reply, status,
               json_pack("{error:{message:s,type:s,param:n,code:s},request_id:s}", message, type,
                         code, request_id));
}

/* ---- failures --------------------------------------------------------------------------------*/

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

/* Errors that are the same whatever was asked. */
static const struct {
    enum model_quirk quirk;
    int status;
    const char *content_type, *body;
} raw_failures[] = {
    {QUIRK_SSE_400, 400, "text/event-stream;charset=UTF-8",
     "data: {\"error\":{\"message\":\"<400> InvalidParameter: the stand-in was told to fail "
     "here\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":"
     "\"invalid_parameter_error\"},\"id\":\"chatcmpl-stand-in\"}\n\n"},
    {QUIRK_ERROR_NUMBER, 500, "application/json",
     "{\"error\":{\"code\":500,\"message\":\"the stand-in was told to fail here\",\"type\":"
     "\"server_error\"}}"},
    {QUIRK_ERROR_TEXT, 503, "application/json",
     "{\"error\":\"the stand-in was told to fail here\"}"},
    {QUIRK_ERROR_NATIVE, 400, "application/json",
     "{\"code\":\"InvalidParameter\",\"message\":\"the stand-in was told to fail here\","
     "\"request_id\":\"stand-in\"}"},
    {QUIRK_ERROR_HTML, 502, "text/html",
     "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"},
    {QUIRK_NO_AUTO_TOOLS, 400, "application/json",
     "{\"object\":\"error\",\"message\":\"\\\"auto\\\" tool choice requires "
     "--enable-auto-tool-choice and --tool-call-parser to be set\",\"type\":\"BadRequestError\","
     "\"param\":null,\"code\":400}"},
};

/* Errors in Model Studio's words. */
static const struct {
    enum model_quirk quirk;
    int status;
    const char *type, *code, *message;
} failures[] = {
    {QUIRK_ARREARAGE, 400, "Arrearage", "Arrearage",
     "Access denied, please make sure your account is in good standing."},
    {QUIRK_INSPECTION, 400, "data_inspection_failed", "data_inspection_failed",
     "Input data may contain inappropriate content."},
    {QUIRK_403, 403, "access_denied", "access_denied", "Access denied."},
    {QUIRK_429, 429, "limit_requests", "Throttling.RateQuota",
     "Requests rate limit exceeded, please try again later."},
    {QUIRK_500, 500, "internal_error", "internal_error", "the stand-in was told to fail here"},
};

static bool play_raw_failure(const struct model_quirks *quirks, const struct model_request *request,
                             struct reply *reply)
{
    for (size_t i = 0; i < sizeof raw_failures / sizeof raw_failures[0]; i++) {
        if (!quirks->is_on[raw_failures[i].quirk] ||
            (raw_failures[i].quirk == QUIRK_NO_AUTO_TOOLS && request->tools == NULL))
            continue;
        reply_text(reply, raw_failures[i].status, raw_failures[i].content_type,
                   raw_failures[i].body);
        return true;
    }
    return false;
}

bool model_play_failure(const struct model_quirks *quirks, const struct model_request *request,
                        struct reply *reply)
{
    if (quirks->is_on[QUIRK_SHORT_CONTEXT] && is_too_long(request)) {
        model_refuse(reply, 400, "invalid_request_error", "invalid_parameter_error",
                     "<400> InternalError.Algo.InvalidParameter: Range of input length should be "
                     "[1, 4096]");
        return true;
    }
    if (quirks->is_on[QUIRK_ERROR_EMPTY]) {
        reply_empty(reply, 500);
        return true;
    }
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        if (!quirks->is_on[failures[i].quirk])
            continue;
        if (failures[i].status == 429)
            reply_header(reply, "Retry-After", "1");
        model_refuse(reply, failures[i].status, failures[i].type, failures[i].code,
                     failures[i].message);
        return true;
    }
    return play_raw_failure(quirks, request, reply);
}

/* ---- quirks of the content -------------------------------------------------------------------*/

/* Offers nothing new: the first tool once more. */
static void call_again(const struct model_request *request, struct plan *plan)
{
    struct json_object *function =
        json_get_object(json_object_array_get_idx(request->tools, 0), "function");

    plan->calls[0].name = must_copy(json_get_string(function, "name", NULL));
    plan->calls[0].arguments = must_copy("{}");
    plan->call_count = 1;
}

/* The arguments of later calls of the first function go behind its own. */
static void glue_calls(struct plan *plan)
{
    for (size_t i = 1; i < plan->call_count; i++)
        if (strcmp(plan->calls[i].name, plan->calls[0].name) == 0) {
            CLEANUP(cleanup_free)
            char *glued = must_format("%s%s", plan->calls[0].arguments, plan->calls[i].arguments);

            replace_text(&plan->calls[0].arguments, glued);
        }
    plan_drop_calls(plan, 1);
}

static void write_calls_as_text(struct plan *plan)
{
    CLEANUP(cleanup_free)
    char *text = must_format("<tool_call>\n{\"name\": \"%s\", \"arguments\": %s}\n</tool_call>",
                             plan->calls[0].name, plan->calls[0].arguments);

    replace_text(&plan->content, text);
    plan_drop_calls(plan, 0);
}

static void cut_text(char *text, size_t max_bytes)
{
    text[utf8_prefix(text, strlen(text), max_bytes)] = '\0';
}

/* True when tools have answered behind the last question. */
static bool is_answered(const struct model_request *request)
{
    size_t count = json_object_array_length(request->messages);
    const char *role =
        json_get_string(json_object_array_get_idx(request->messages, count - 1), "role", NULL);

    return role != NULL && strcmp(role, "tool") == 0;
}

/* Words where there would have been calls. */
static void say_instead(struct plan *plan)
{
    if (plan->call_count == 0)
        return;
    plan_drop_calls(plan, 0);
    replace_text(&plan->content, "This would have been a call of a tool.");
}

static void spoil(const struct model_quirks *quirks, const struct model_request *request,
                  struct plan *plan)
{
    bool has_calls = plan->call_count > 0;

    if (quirks->is_on[QUIRK_UNKNOWN_TOOL] && has_calls && !is_answered(request))
        replace_text(&plan->calls[0].name, "tool_that_nobody_offered");
    if (quirks->is_on[QUIRK_BAD_ARGS] && has_calls && !is_answered(request))
        cut_text(plan->calls[0].arguments, strlen(plan->calls[0].arguments) / 2);
    if (quirks->is_on[QUIRK_ENDLESS_CALLS] && !has_calls && request->tools != NULL &&
        request->tool_choice != TOOL_CHOICE_NONE)
        call_again(request, plan);
    if (quirks->is_on[QUIRK_ARGS_GLUED] && has_calls)
        glue_calls(plan);
    if (quirks->is_on[QUIRK_CALLS_AS_TEXT] && has_calls)
        write_calls_as_text(plan);
    if (quirks->is_on[QUIRK_FINISH_CALLS] || quirks->is_on[QUIRK_CONTENT_FILTER])
        say_instead(plan);
    if (quirks->is_on[QUIRK_LENGTH] || quirks->is_on[QUIRK_CONTENT_FILTER])
        cut_text(plan->content, strlen(plan->content) / 2);
}

/* ---- what the request limits -----------------------------------------------------------------*/

static void end_at_stop(struct plan *plan, struct json_object *stop)
{
    const char *text =
        json_object_is_type(stop, json_type_string) ? json_object_get_string(stop) : NULL;
    char *found = text == NULL || text[0] == '\0' ? NULL : strstr(plan->content, text);

    if (found != NULL)
        *found = '\0';
}

/* "stop" is a text or a list of texts; what stands behind the first one found is not said. */
static void apply_stop(const struct model_request *request, struct plan *plan)
{
    struct json_object *stop = NULL;

    if (!json_object_object_get_ex(request->root, "stop", &stop))
        return;
    if (!json_object_is_type(stop, json_type_array)) {
        end_at_stop(plan, stop);
        return;
    }
    for (size_t i = 0; i < json_object_array_length(stop); i++)
        end_at_stop(plan, json_object_array_get_idx(stop, i));
}

/* A call whose arguments do not fit is cut as well, and then of no use to anybody. */
static void apply_max_tokens(const struct model_request *request, struct plan *plan)
{
    size_t left = (size_t)request->output_max * TOKEN_BYTES;

    if (request->output_max == 0 || request->output_max > (int64_t)(SIZE_MAX / TOKEN_BYTES / 2))
        return;
    if (strlen(plan->content) > left) {
        cut_text(plan->content, left);
        plan->is_cut = true;
    }
    left -= strlen(plan->content);
    for (size_t i = 0; i < plan->call_count; i++) {
        char *arguments = plan->calls[i].arguments;

        if (strlen(arguments) > left) {
            cut_text(arguments, left);
            plan->is_cut = true;
        }
        left -= strlen(arguments);
    }
}

void model_shape_plan(const struct model_quirks *quirks, const struct model_request *request,
                      struct plan *plan)
{
    spoil(quirks, request, plan);
    apply_stop(request, plan);
    apply_max_tokens(request, plan);
}
