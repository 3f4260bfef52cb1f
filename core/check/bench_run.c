/* Operations of a plugin at work: calls of a tool and fetches of a provider, watched to their end.
 */
#include "check/bench_private.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/secret.h"
#include "check/sample.h"
#include "net/loop.h"
#include "plugin/instance.h"
#include "plugin/tool_port.h"

#include <json-c/json.h>
#include <sesame/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_PATIENCE_MS 4000
/* The host's own grace time on a thread and in a process, and some for a busy machine. */
#define GRACE_MS 3500
#define SCOPE "https://check.example|read"

struct bench_run {
    struct bench *bench;
    struct tool_run *tool;
    struct token_fetch *fetch;
    struct secret *subject;
    struct bench_result *result; /* NULL: cancelled */
    int64_t started_at_ms;
};

/* ---- functions ------------------------------------------------------------------------------- */

struct tool_functions *bench_functions(struct bench *bench, const char **out_why)
{
    int64_t until_ms = clock_monotonic_ms() + LIST_PATIENCE_MS;
    struct tool_functions *functions;
    const char *why = "";

    check_step(bench->check, "its functions are listed");
    while ((functions = tool_port_functions(bench->port, &why)) == NULL && why[0] == '\0' &&
           clock_monotonic_ms() < until_ms)
        loop_run_once(bench->loop, 20);
    if (out_why != NULL)
        *out_why = functions != NULL ? "" : why[0] != '\0' ? why : "nothing came within 4 s";
    return functions;
}

/* ---- results --------------------------------------------------------------------------------- */

void bench_result_clear(struct bench_result *result)
{
    free(result->text);
    memset(result, 0, sizeof *result);
}

bool bench_result_is_good(const struct bench_result *result)
{
    return result->is_done && result->status == SESAME_OK && !result->is_error;
}

static void keep_text(struct bench_result *result, const char *text, size_t len)
{
    result->text = malloc(len + 1);
    if (result->text == NULL)
        return;
    if (len > 0)
        memcpy(result->text, text, len);
    result->text[len] = '\0';
    result->len = len;
}

/* What a start that the host refuses looks like: as a failure. */
static void refuse(struct bench_result *result, const struct error *err)
{
    result->is_done = true;
    result->status = SESAME_INTERNAL;
    keep_text(result, err->message, strlen(err->message));
}

static struct bench_run *new_run(struct bench *bench, int64_t timeout_ms,
                                 struct bench_result *result)
{
    struct bench_run *run = calloc(1, sizeof *run);
    int64_t now_ms = clock_monotonic_ms();

    if (run == NULL)
        check_fail(bench->check, "no memory");
    memset(result, 0, sizeof *result);
    *run = (struct bench_run){.bench = bench, .result = result, .started_at_ms = now_ms};
    if (now_ms + timeout_ms + GRACE_MS > bench->wait_until_ms)
        bench->wait_until_ms = now_ms + timeout_ms + GRACE_MS;
    return run;
}

/* ---- a tool ---------------------------------------------------------------------------------- */

static void on_progress(void *arg, const char *text, size_t len)
{
    (void)arg;
    (void)text;
    (void)len;
}

static void on_called(void *arg, const struct tool_run_result *given)
{
    struct bench_run *run = arg;
    struct bench_result *result = run->result;

    if (result->is_done)
        check_fail(run->bench->check, "one call ended twice");
    result->is_done = true;
    result->status = given->status;
    result->is_error = given->is_error;
    result->took_ms = clock_monotonic_ms() - run->started_at_ms;
    keep_text(result, given->text, given->len);
    free(run);
}

struct bench_run *bench_start_call(struct bench *bench, const char *function, const char *arguments,
                                   int64_t timeout_ms, struct bench_result *result)
{
    static const struct tool_run_events events = {on_progress, on_called};
    struct bench_run *run = new_run(bench, timeout_ms, result);
    struct tool_run_request request = {.function = function,
                                       .arguments = arguments,
                                       .arguments_len = strlen(arguments),
                                       .context = "{\"request_id\":\"check\"}",
                                       .deadline_ms = run->started_at_ms + timeout_ms};
    struct error err = {0};

    check_step(bench->check, "%.40s is called with %.60s", function, arguments);
    run->tool = tool_port_call(bench->port, &request, &events, run, &err);
    if (run->tool != NULL)
        return run;
    refuse(result, &err);
    free(run);
    return NULL;
}

/* ---- a provider ------------------------------------------------------------------------------ */

static void on_fetched(void *arg, const struct token_answer *answer, const struct error *err,
                       int64_t retry_after_ms)
{
    struct bench_run *run = arg;
    struct bench_result *result = run->result;

    (void)retry_after_ms;
    if (result->is_done)
        check_fail(run->bench->check, "one fetch ended twice");
    result->is_done = true;
    result->took_ms = clock_monotonic_ms() - run->started_at_ms;
    if (answer != NULL) {
        size_t len;
        const char *token = secret_borrow(answer->token, &len);

        result->has_token = true;
        result->expires_in_s = answer->expires_in_s;
        result->expires_at_s = answer->expires_at_s;
        keep_text(result, token, len);
    } else {
        result->status = err->code == ERROR_NONE ? SESAME_INTERNAL : status_of_error(err);
        (void)snprintf(result->name, sizeof result->name, "%s", err->name);
        keep_text(result, err->message, strlen(err->message));
    }
    secret_free(run->subject);
    free(run);
}

struct bench_run *bench_start_fetch(struct bench *bench, const char *scope, const char *subject,
                                    int64_t timeout_ms, struct bench_result *result)
{
    struct bench_run *run = new_run(bench, timeout_ms, result);
    struct slice values = slice_of(scope), audience = slice_cut(&values, '|');
    struct token_request request = {.scope = slice_of(scope),
                                    .deadline_ms = run->started_at_ms + timeout_ms};
    struct error err = {0};

    /* Without a bar all of it is values. */
    request.audience = values.data == NULL ? (struct slice){"", 0} : audience;
    request.values = values.data == NULL ? audience : values;
    if (subject != NULL)
        run->subject = secret_copy(subject, strlen(subject), &err);
    request.subject = run->subject;
    check_step(bench->check, "a token is fetched for %.60s", scope);
    run->fetch = bench->table.fetch(bench->table.arg, &request, on_fetched, run, &err);
    if (run->fetch != NULL)
        return run;
    refuse(result, &err);
    secret_free(run->subject);
    free(run);
    return NULL;
}

/* ---- either ---------------------------------------------------------------------------------- */

void bench_cancel(struct bench_run *run)
{
    check_step(run->bench->check, "the operation is cancelled");
    if (run->tool != NULL)
        tool_run_cancel(run->tool);
    else
        run->bench->table.cancel(run->bench->table.arg, run->fetch);
    secret_free(run->subject);
    free(run);
}

char *bench_arguments(struct bench *bench, const struct tool_function *function, int kind)
{
    CLEANUP(json_cleanup)
    struct json_object *value = sample_valid(bench->check, function->parameters, function->schema,
                                             (enum sample_kind)kind, NULL, NULL);

    return value == NULL
               ? NULL
               : strdup(json_object_to_json_string_ext(value, JSON_C_TO_STRING_NOSLASHESCAPE));
}

const char *bench_scope(struct bench *bench)
{
    const char *scope =
        bench->example == NULL ? NULL : json_get_string(bench->example, "scope", NULL);

    return scope == NULL ? SCOPE : scope;
}

struct bench_run *bench_start(struct bench *bench, size_t index, int64_t timeout_ms,
                              struct bench_result *result)
{
    struct tool_functions *functions;
    const struct tool_function *function;
    CLEANUP(cleanup_free) char *arguments = NULL;

    if (!bench->is_tool)
        return bench_start_fetch(bench, bench_scope(bench), NULL, timeout_ms, result);
    functions = bench_functions(bench, NULL);
    if (functions == NULL || functions->count == 0)
        check_skip(bench->check, "the tool lists no function (list.completes says why)");
    function = &functions->items[index % functions->count];
    arguments = bench_arguments(bench, function, SAMPLE_LEAST);
    return bench_start_call(bench, function->name, arguments == NULL ? "{}" : arguments, timeout_ms,
                            result);
}

void bench_wait(struct bench *bench, const struct bench_result *result)
{
    while (!result->is_done && clock_monotonic_ms() < bench->wait_until_ms)
        loop_run_once(bench->loop, 20);
    if (!result->is_done)
        check_fail(bench->check, "it did not end, not even by the host's own deadline");
}

void bench_operate(struct bench *bench, size_t index, int64_t timeout_ms,
                   struct bench_result *result)
{
    (void)bench_start(bench, index, timeout_ms, result);
    bench_wait(bench, result);
}
