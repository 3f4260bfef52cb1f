/* Calls of a plugin under test: lists, functions and tokens, and what they came to. */
#include "record.h"

#include "agent/arguments.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/secret.h"
#include "credential/subject.h"
#include "credential/token_binding.h"
#include "plugin/provider_engine.h"
#include "plugin/tool_engine.h"
#include "plugin/tool_functions.h"
#include "plugin/tool_result.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_DEFAULT_MS 60000
#define RESULT_MAX_BYTES ((size_t)8 << 20)
#define SUBJECT_LIFETIME_S 3600

struct sesame_test_call {
    atomic_bool cancel_flag; /* first, see test_call_asked */
    unsigned asks_left;      /* until it is set; 0: never */
    struct sesame_test_call *next;
    struct sesame_test_host *test;
    struct sesame_test_instance *instance; /* NULL once that is destroyed */
    struct engine_call *run;               /* open, or NULL */
    struct engine_fetch *fetch;            /* open, or NULL */
    bool is_over;
    int32_t status;
    char *text;
    size_t len;
    bool is_error;
    char **progress;
    size_t progress_count;
    char code[ERROR_NAME_SIZE];
    struct sesame_test_token token;
};

/* ---- ends ------------------------------------------------------------------------------------ */

static void end(struct sesame_test_call *call, int32_t status, const char *text, size_t len)
{
    call->run = NULL;
    call->fetch = NULL;
    call->is_over = true;
    call->status = status;
    free(call->text);
    call->text = script_bytes(text, len);
    call->len = len;
}

static void end_text(struct sesame_test_call *call, int32_t status, const char *text)
{
    end(call, status, text, strlen(text));
}

static void on_progress(void *arg, const char *text, size_t len)
{
    struct sesame_test_call *call = arg;

    *(char **)script_grow(&call->progress, &call->progress_count, sizeof *call->progress) =
        script_bytes(text, len);
}

static void on_called(void *arg, int32_t status, const char *data, size_t len)
{
    struct sesame_test_call *call = arg;
    struct tool_run_result result = {.text = data, .len = len};
    CLEANUP(buffer_clear) struct buffer scratch;

    buffer_init(&scratch, RESULT_MAX_BYTES);
    if (status == SESAME_OK && !tool_result_read(data, len, &scratch, &result)) {
        test_host_fault(call->test, "bad_result", call->instance->name);
        end_text(call, SESAME_INTERNAL, "the tool gave no proper result");
    } else {
        call->is_error = result.is_error;
        end(call, status, result.text, result.len);
    }
    test_instance_settle(call->instance);
}

/* A function that the host would leave out is a fault. */
static void check_count(struct sesame_test_call *call, const char *data, size_t len)
{
    struct error ignored = {0};
    CLEANUP(json_cleanup)
    struct json_object *json = json_parse(data, len, JSON_DEPTH_TOOL_RESULT, &ignored);

    if (json_object_array_length(json_get_array(json, "functions")) >
        call->instance->functions->count)
        test_host_fault(call->test, "bad_function", call->instance->name);
}

static void on_listed(void *arg, int32_t status, const char *data, size_t len)
{
    struct sesame_test_call *call = arg;
    const struct tool_config config = {.name = call->instance->name};
    struct error err = {0};

    tool_functions_free(TAKE(call->instance->functions));
    call->instance->is_outdated = false;
    end(call, status, data, len);
    if (status != SESAME_OK)
        return;
    call->instance->functions =
        tool_functions_parse(data, len, JSON_DEPTH_TOOL_RESULT, &config, &err);
    if (call->instance->functions != NULL) {
        check_count(call, data, len);
        return;
    }
    test_host_fault(call->test, "bad_result", call->instance->name);
    end_text(call, status_of_error(&err), err.message);
}

static void on_fetched(void *arg, struct provider_result *result)
{
    struct sesame_test_call *call = arg;
    size_t len;
    const char *bytes = result->token == NULL ? NULL : secret_borrow(result->token, &len);

    memcpy(call->code, result->err.name, sizeof call->code);
    call->token = (struct sesame_test_token){
        .code = call->code,
        .expires_in_s = result->expires_in_s,
        .expires_at_s = result->expires_at_s,
        .retry_after_ms = result->retry_after_ms,
        .is_bound_to_key = result->binding != NULL && result->binding->proof_key != NULL,
        .is_bound_to_certificate =
            result->binding != NULL && result->binding->client_certificate != NULL,
    };
    if (bytes != NULL)
        end(call, SESAME_OK, bytes, len);
    else
        end_text(call, status_of_error(&result->err), result->err.message);
    test_instance_settle(call->instance);
}

/* ---- starts ---------------------------------------------------------------------------------- */

static struct sesame_test_call *new_call(struct sesame_test_instance *instance, bool is_of_tool,
                                         const struct sesame_test_call_options **options)
{
    static const struct sesame_test_call_options none = {0};
    struct sesame_test_call *call = script_alloc(sizeof *call);

    if (is_of_tool != (instance->tools != NULL))
        script_refuse("%s is %s", instance->name,
                      is_of_tool ? "a credential provider: it has no functions"
                                 : "a tool: it fetches no tokens");
    if (*options == NULL)
        *options = &none;
    call->test = instance->test;
    call->instance = instance;
    call->asks_left = (*options)->cancel_after_asks;
    call->text = script_text("");
    call->token = (struct sesame_test_token){call->code, -1, -1, -1, 0, 0};
    call->next = call->test->calls;
    call->test->calls = call;
    return call;
}

static int64_t deadline_of(const struct sesame_test_call_options *options)
{
    return script_clock_now_ms() +
           (options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_DEFAULT_MS);
}

static struct subject *subject_of(const struct sesame_test_call_options *options)
{
    struct error err = {0};
    struct subject *subject;

    if (options->user_token == NULL)
        return NULL;
    subject = subject_new(slice_of(options->user_token), "test-user", "test-client", "",
                          script_clock_wall_ms() / 1000 + SUBJECT_LIFETIME_S, &err);
    if (subject == NULL)
        script_refuse("the user's token: %s", err.message);
    return subject;
}

/* `request` NULL: a listing. */
static void start(struct sesame_test_call *call, const struct tool_run_request *request,
                  const struct sesame_test_call_options *options)
{
    struct engine_events events = {on_progress, request == NULL ? on_listed : on_called,
                                   &call->cancel_flag};
    struct subject *subject = subject_of(options);
    struct error err = {0};

    call->run = tool_engine_start(call->instance->tools, request, subject, deadline_of(options),
                                  &events, call, &err);
    subject_free(subject);
    if (call->run == NULL)
        end_text(call, status_of_error(&err), err.message);
}

struct sesame_test_call *sesame_test_start_list(struct sesame_test_instance *instance,
                                                const struct sesame_test_call_options *options)
{
    struct sesame_test_call *call = new_call(instance, true, &options);

    start(call, NULL, options);
    return call;
}

static const struct tool_function *find_function(const struct sesame_test_instance *instance,
                                                 const char *name)
{
    const struct tool_functions *functions = instance->functions;

    for (size_t i = 0; functions != NULL && i < functions->count; i++)
        if (strcmp(functions->items[i].name, name) == 0)
            return &functions->items[i];
    return NULL;
}

/* What the plugin is given: the arguments as the host hands them on. NULL ended the call. */
static char *check_arguments(struct sesame_test_call *call, const char *name, const char *arguments)
{
    const struct tool_function *function;
    CLEANUP(json_cleanup) struct json_object *json = NULL;
    struct error err = {0};

    if (call->instance->functions == NULL || call->instance->is_outdated) {
        struct sesame_test_call *listing = sesame_test_start_list(call->instance, NULL);

        if (sesame_test_wait(listing) != SESAME_OK) {
            end(call, listing->status, listing->text, listing->len);
            return NULL;
        }
    }
    function = find_function(call->instance, name);
    if (function == NULL) {
        end_text(call, SESAME_NOT_FOUND, "the tool lists no such function");
        return NULL;
    }
    json = arguments_read(arguments, strlen(arguments), function->schema, &err);
    if (json == NULL) {
        end_text(call, SESAME_BAD_INPUT, err.message);
        return NULL;
    }
    return script_text(json_object_to_json_string_ext(json, JSON_C_TO_STRING_NOSLASHESCAPE));
}

struct sesame_test_call *sesame_test_call(struct sesame_test_instance *instance,
                                          const char *function, const char *arguments,
                                          const struct sesame_test_call_options *options)
{
    struct sesame_test_call *call = new_call(instance, true, &options);
    CLEANUP(cleanup_free)
    char *given = options->arguments_are_unchecked ? script_text(arguments)
                                                   : check_arguments(call, function, arguments);
    struct tool_run_request request = {.function = function,
                                       .arguments = given,
                                       .context =
                                           options->context == NULL ? "{}" : options->context};

    if (given == NULL)
        return call;
    request.arguments_len = strlen(given);
    start(call, &request, options);
    return call;
}

/* "https://svc.example|read https://svc.example|write": the audience, and what is read of it. */
static char *values_of(struct slice scope, struct slice *out_audience)
{
    char *values = script_alloc(scope.len + 1), *at = values;

    *out_audience = (struct slice){NULL, 0};
    while (scope.len > 0) {
        struct slice value = slice_cut(&scope, ' '), audience = slice_cut(&value, '|');

        if (out_audience->data == NULL)
            *out_audience = audience;
        if (value.len == 0)
            continue;
        if (at != values)
            *at++ = ' ';
        memcpy(at, value.data, value.len);
        at += value.len;
    }
    return values;
}

struct sesame_test_call *sesame_test_fetch(struct sesame_test_instance *instance, const char *scope,
                                           const struct sesame_test_call_options *options)
{
    struct sesame_test_call *call = new_call(instance, false, &options);
    struct subject *subject = subject_of(options);
    struct token_request request = {.scope = slice_of(scope), .deadline_ms = deadline_of(options)};
    CLEANUP(cleanup_free) char *values = values_of(slice_of(scope), &request.audience);
    struct error err = {0};

    request.values = slice_of(values);
    request.subject = subject == NULL ? NULL : subject->token;
    call->fetch = provider_engine_fetch(instance->provider, &request, &call->cancel_flag,
                                        on_fetched, call, &err);
    subject_free(subject);
    if (call->fetch == NULL)
        end_text(call, status_of_error(&err), err.message);
    return call;
}

/* ---- functions ------------------------------------------------------------------------------- */

const struct sesame_test_function *sesame_test_list(struct sesame_test_instance *instance,
                                                    size_t *out_count)
{
    struct sesame_test_call *call = sesame_test_start_list(instance, NULL);
    const struct tool_functions *functions;

    *out_count = 0;
    if (sesame_test_wait(call) != SESAME_OK) {
        error_clear(&instance->test->err);
        error_set(&instance->test->err, error_of_status(call->status), "%s", call->text);
        return NULL;
    }
    functions = instance->functions;
    free(instance->shown);
    instance->shown = script_alloc(functions->count * sizeof *instance->shown);
    for (size_t i = 0; i < functions->count; i++)
        instance->shown[i] = (struct sesame_test_function){
            functions->items[i].name, functions->items[i].description,
            json_object_to_json_string_ext(functions->items[i].parameters,
                                           JSON_C_TO_STRING_NOSLASHESCAPE)};
    *out_count = functions->count;
    return instance->shown;
}

size_t sesame_test_changed_count(const struct sesame_test_instance *instance)
{
    return instance->changed_count;
}

/* ---- on the way ------------------------------------------------------------------------------ */

void test_call_asked(struct sesame_test_call *call)
{
    if (call->asks_left > 0 && --call->asks_left == 0)
        call->cancel_flag = true;
}

int32_t sesame_test_wait(struct sesame_test_call *call)
{
    struct loop *loop = call->test->loop;

    if (!test_host_run_until(call->test, script_clock_now_ms()))
        return SESAME_INTERNAL;
    while (!call->is_over)
        if (!test_host_run_until(call->test, script_loop_next_ms(loop)))
            return SESAME_INTERNAL;
    return call->status;
}

void sesame_test_cancel(struct sesame_test_call *call)
{
    call->cancel_flag = true;
    if (call->run != NULL)
        engine_call_ask(call->run);
    if (call->fetch != NULL)
        engine_fetch_ask(call->fetch);
}

void test_calls_end(struct sesame_test_instance *instance)
{
    for (struct sesame_test_call *call = instance->test->calls; call != NULL; call = call->next) {
        if (call->instance != instance)
            continue;
        if (!call->is_over)
            end_text(call, SESAME_CANCELLED, "the instance was destroyed");
        call->instance = NULL;
    }
}

void test_calls_free(struct sesame_test_host *test)
{
    while (test->calls != NULL) {
        struct sesame_test_call *call = test->calls;

        test->calls = call->next;
        for (size_t i = 0; i < call->progress_count; i++)
            free(call->progress[i]);
        free(call->progress);
        free(call->text);
        free(call);
    }
}

/* ---- what it came to ------------------------------------------------------------------------- */

int sesame_test_is_over(const struct sesame_test_call *call)
{
    return call->is_over;
}

int32_t sesame_test_status(const struct sesame_test_call *call)
{
    if (!call->is_over)
        script_refuse("the call is not over: wait for it, or move the clock");
    return call->status;
}

const char *sesame_test_text(const struct sesame_test_call *call)
{
    return call->text;
}

size_t sesame_test_text_len(const struct sesame_test_call *call)
{
    return call->len;
}

int sesame_test_is_error(const struct sesame_test_call *call)
{
    return call->is_error;
}

size_t sesame_test_progress_count(const struct sesame_test_call *call)
{
    return call->progress_count;
}

const char *sesame_test_progress(const struct sesame_test_call *call, size_t index)
{
    if (index >= call->progress_count)
        script_refuse("there is no progress %zu", index);
    return call->progress[index];
}

struct sesame_test_token sesame_test_token(const struct sesame_test_call *call)
{
    return call->token;
}
