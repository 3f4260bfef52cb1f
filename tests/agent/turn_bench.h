/* A turn with a scripted model and one scripted tool in place of the real ones. A test program
 * includes it once. */
#ifndef SESAME_TESTS_AGENT_TURN_BENCH_H
#define SESAME_TESTS_AGENT_TURN_BENCH_H

#include "agent/turn.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/json_schema.h"
#include "config/host_config.h"
#include "net/loop.h"
#include "plugin/tool_port.h"

#include "../support/peer.h"
#include "../support/run.h"

#include <json-c/json.h>
#include <sesame/plugin.h>
#include <stdlib.h>
#include <string.h>

/* ---- the model: plays `script`, one entry a call; the last one again and again ----------------
 */

struct say {
    const char *text;
    const char *name, *arguments; /* of a tool call, or NULL */
    int calls;                    /* how often the call stands in the answer */
    enum finish_reason finish;
    const char *error;
    const char *error_name; /* NULL: none */
    bool is_silent;         /* never answers */
    bool repeats_text;      /* for ever */
    bool fails_of_time;     /* as soon as its deadline has come, and before any timer is heard */
};

struct chat_call {
    struct chat_events events;
    void *arg;
    const struct say *say;
    int64_t deadline_ms;
};

static const struct say *script;
static size_t script_len, chat_count;
static char last_messages[20000];
static bool last_forbids_tools;
static int chats_cancelled;
static struct loop *loop;

static void answer(void *arg)
{
    struct chat_call *call = arg;
    const struct say *say = call->say;
    struct chat_stream stream;
    struct error err = {0};
    struct chat_result result = {.stream = &stream, .http_status = 200, .retry_after_ms = -1};

    if (call->say == NULL) {
        free(call);
        return;
    }
    if (say->repeats_text)
        call->events.on_text(call->arg, say->text, strlen(say->text));
    if (say->is_silent || say->repeats_text) {
        loop_post(loop, answer, call);
        return;
    }
    chat_stream_init(&stream);
    stream.finish = say->finish;
    stream.usage.total_tokens = 10;
    if (say->text != NULL)
        call->events.on_text(call->arg, say->text, strlen(say->text));
    for (int i = 0; i < say->calls; i++) {
        struct tool_call_piece piece = {
            .index = i, .name = slice_of(say->name), .arguments = slice_of(say->arguments)};

        ck_assert(tool_calls_add(&stream.tool_calls, &piece, &err));
    }
    ck_assert(tool_calls_finish(&stream.tool_calls, &err));
    if (say->fails_of_time) {
        while (clock_monotonic_ms() < call->deadline_ms)
            continue;
        error_set(&err, ERROR_TIMED_OUT, "the model took too long");
        result.err = &err;
    }
    if (say->error != NULL) {
        error_set_named(&err, ERROR_UPSTREAM, say->error_name == NULL ? "" : say->error_name, "%s",
                        say->error);
        result.err = &err;
    }
    call->events.on_done(call->arg, &result);
    chat_stream_clear(&stream);
    free(call);
}

struct chat_call *chat_call_start(const struct chat_home *home, const struct chat_request *request,
                                  const struct chat_events *events, void *arg, struct error *err)
{
    struct chat_call *call = calloc(1, sizeof *call);

    (void)err;
    call->events = *events;
    call->arg = arg;
    call->deadline_ms = request->deadline_ms;
    call->say = &script[chat_count < script_len ? chat_count : script_len - 1];
    chat_count++;
    last_forbids_tools = request->forbids_tools;
    snprintf(last_messages, sizeof last_messages, "%.*s", (int)request->messages.len,
             request->messages.data);
    loop_post(home->loop, answer, call);
    return call;
}

void chat_call_cancel(struct chat_call *call)
{
    if (call == NULL)
        return;
    chats_cancelled++;
    call->say = NULL;
}

/* ---- one tool with one function ----------------------------------------------------------------
 */

struct tool_port {
    int unused;
};
struct tool_run {
    struct tool_run_events events;
    void *arg;
};

static struct tool_config tool_config = {.name = (char[]){"t"}};
static struct tool_function function;
static struct tool_functions functions = {1, 1, &function};
static int runs, runs_cancelled;
static bool holds_runs;
static struct tool_run *held_runs[16];

struct tool_functions *tool_functions_ref(struct tool_functions *list)
{
    return list;
}
void tool_functions_free(struct tool_functions *list)
{
    (void)list;
}
const struct tool_config *tool_port_config(const struct tool_port *port)
{
    (void)port;
    return &tool_config;
}
static bool is_apart;
bool tool_port_is_apart(const struct tool_port *tool)
{
    (void)tool;
    return is_apart;
}
struct tool_functions *tool_port_functions(const struct tool_port *port, const char **out_error)
{
    (void)port;
    (void)out_error;
    return &functions;
}
struct tool_wait *tool_port_prepare(struct tool_port *port, struct subject *subject,
                                    int64_t deadline_ms, void (*on_ready)(void *arg), void *arg)
{
    (void)port;
    (void)subject;
    (void)deadline_ms;
    (void)on_ready;
    (void)arg;
    return NULL;
}
void tool_wait_cancel(struct tool_wait *wait)
{
    (void)wait;
}

static const char *tool_says = "result";

/* Also for a run that is held. */
static void finish_run(void *arg)
{
    struct tool_run *run = arg;
    struct tool_run_result result = {
        .status = SESAME_OK, .text = tool_says, .len = strlen(tool_says)};

    run->events.on_done(run->arg, &result);
    free(run);
}

struct tool_run *tool_port_call(struct tool_port *port, const struct tool_run_request *request,
                                const struct tool_run_events *events, void *arg, struct error *err)
{
    struct tool_run *run = calloc(1, sizeof *run);

    (void)port;
    (void)request;
    (void)err;
    run->events = *events;
    run->arg = arg;
    if (!holds_runs)
        loop_post(loop, finish_run, run);
    else
        held_runs[runs] = run;
    runs++;
    return run;
}

void tool_run_cancel(struct tool_run *run)
{
    runs_cancelled++;
    free(run);
}

/* ---- a turn ------------------------------------------------------------------------------------
 */

static struct limits_config limits;
static struct tool_port port;
static struct tool_port *ports[] = {&port};
static struct agent agent;
static int dones, started, finished;
static struct turn_result result;
static struct error result_error;
static char said[2000], outcomes[400];
static const char *history; /* what the client sends */

static void on_reasoning(void *arg, const char *text, size_t len)
{
    (void)arg;
    (void)text;
    (void)len;
}
static void on_text(void *arg, const char *text, size_t len)
{
    size_t used = strlen(said);

    (void)arg;
    snprintf(said + used, sizeof said - used, "%.*s", (int)len, text);
}
static void on_tool_started(void *arg, const char *id, const char *name, const char *arguments)
{
    (void)arg;
    (void)id;
    (void)name;
    (void)arguments;
    started++;
}
static void on_tool_finished(void *arg, const char *id, const char *name, const char *outcome,
                             const char *text, size_t len, int64_t duration_ms)
{
    size_t used = strlen(outcomes);

    (void)arg;
    (void)id;
    (void)name;
    (void)text;
    (void)len;
    (void)duration_ms;
    finished++;
    snprintf(outcomes + used, sizeof outcomes - used, "%s ", outcome);
}
static void on_done(void *arg, const struct turn_result *end)
{
    (void)arg;
    dones++;
    result = *end;
    if (end->err != NULL)
        result_error = *end->err;
}

static struct turn *start_turn(const struct say *lines, size_t count)
{
    static const struct turn_events events = {on_reasoning, on_text,          on_tool_started,
                                              NULL,         on_tool_finished, on_done};
    struct json_object *messages = json_tokener_parse(history);
    struct turn_request request = {messages, "req_1", "u1", NULL};
    struct error err = {0};
    struct turn *turn;

    script = lines;
    script_len = count;
    turn = turn_start(&agent, &request, &events, NULL, &err);
    ck_assert_msg(turn != NULL, "%s", err.message);
    ck_assert_int_eq(dones, 0);
    json_object_put(messages);
    return turn;
}

#define RUN(...)                                              \
    do {                                                      \
        static const struct say lines_[] = {__VA_ARGS__};     \
        start_turn(lines_, sizeof lines_ / sizeof lines_[0]); \
        PEER_RUN_UNTIL(loop, dones == 1);                     \
    } while (0)
#define NAMED_CALL(name_, arguments_)                                                       \
    {                                                                                       \
        .name = (name_), .arguments = (arguments_), .calls = 1, .finish = FINISH_TOOL_CALLS \
    }
#define CALL(arguments_)                                                                  \
    {                                                                                     \
        .name = "act", .arguments = (arguments_), .calls = 1, .finish = FINISH_TOOL_CALLS \
    }
#define TOO_LONG                                                                              \
    {                                                                                         \
        .error = "Range of input length should be [1, 10]", .error_name = CHAT_ERROR_TOO_LONG \
    }
#define TEXT(text_)                            \
    {                                          \
        .text = (text_), .finish = FINISH_STOP \
    }

static void set_up(void)
{
    struct error err = {0};

    loop = loop_new(&err);
    limits = (struct limits_config){.turn_s = 60,
                                    .turn_output_bytes = 1 << 20,
                                    .turn_rounds = 4,
                                    .turn_tool_calls = 32,
                                    .turn_parallel_tool_calls = 8,
                                    .tool_result_bytes = 1024};
    function.name = "act";
    function.description = "acts";
    function.parameters = json_tokener_parse(
        "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}},\"required\":[\"n\"]}");
    function.schema = json_schema_new(function.parameters, &err);
    function.offer = "\"description\":\"Echoes\",\"parameters\":{}";
    agent = (struct agent){.chat = {.loop = loop},
                           .system_prompt = "Be kind.",
                           .limits = &limits,
                           .ports = ports,
                           .port_count = 1};
    dones = started = finished = runs = runs_cancelled = chats_cancelled = 0;
    chat_count = 0;
    said[0] = outcomes[0] = '\0';
    holds_runs = false;
    is_apart = false;
    tool_says = "result";
    history = "[{\"role\":\"user\",\"content\":\"question\"}]";
}

static void tear_down(void)
{
    for (int i = 0; i < 3; i++)
        loop_run_once(loop, 0);
    loop_free(loop);
    json_schema_free(function.schema);
    json_object_put(function.parameters);
}

#endif
