/* sesame tool list|call: the tools as the model sees them, without a model. */
#include "agent/arguments.h"
#include "agent/tool_set.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/host.h"
#include "cli/session.h"
#include "cli/worker.h"
#include "net/loop.h"
#include "plugin/tool_port.h"
#include "server/routes.h"

#include <json-c/json.h>
#include <sesame/plugin.h>
#include <stdio.h>
#include <string.h>

#define LIST_TIMEOUT_MS 30000
#define CALL_TIMEOUT_MS 120000

static void on_listed(void *arg)
{
    --*(size_t *)arg;
}

/* Turns the loop until every tool has listed its functions or failed to. */
static bool collect(struct session *session, struct tool_set *set)
{
    const struct agent *agent = &worker_server(session->worker)->agent;
    int64_t deadline_ms = clock_monotonic_ms() + LIST_TIMEOUT_MS;
    size_t waiting = 0;
    struct error err = {0};

    for (size_t i = 0; i < agent->port_count; i++)
        if (tool_port_prepare(agent->ports[i], session->subject, deadline_ms, on_listed,
                              &waiting) != NULL)
            waiting++;
    while (waiting > 0)
        loop_run_once(host_loop(session->host), 100);
    for (size_t i = 0; i < agent->port_count; i++) {
        const char *reason;

        if (tool_port_functions(agent->ports[i], &reason) == NULL) {
            fprintf(stderr, "sesame: tools.%s does not list its functions: %s\n",
                    tool_port_config(agent->ports[i])->name, reason);
            session->status = EXIT_FAILED;
        }
    }
    if (tool_set_build(set, agent->ports, agent->port_count, &err))
        return true;
    fprintf(stderr, "sesame: %s\n", err.message);
    return false;
}

/* {"TOOL":{"pins":{"FUNCTION":"DIGEST"}}}, to be put under "tools". */
static bool print_pins(const struct tool_set *set)
{
    CLEANUP(json_cleanup) struct json_object *json = json_object_new_object();

    for (size_t i = 0; i < set->count; i++) {
        const struct tool_entry *entry = &set->entries[i];
        const char *tool = tool_port_config(entry->port)->name;
        struct json_object *members = json_get_object(json, tool);
        char digest[TOOL_FUNCTION_DIGEST_SIZE];

        if (members == NULL) {
            members = json_object_new_object();
            if (!json_set(json, tool, members) ||
                !json_set(members, "pins", json_object_new_object()))
                return false;
        }
        tool_function_digest(entry->function, digest);
        if (!json_set(json_get_object(members, "pins"), entry->function->name,
                      json_object_new_string(digest)))
            return false;
    }
    printf("%s\n", json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY));
    return true;
}

static void print_functions(const struct tool_set *set, bool as_json)
{
    if (as_json)
        printf("%s\n", set->json.data == NULL ? "[]" : set->json.data);
    for (size_t i = 0; !as_json && i < set->count; i++)
        printf("%-34s %-14s %.80s\n", set->entries[i].name,
               tool_port_config(set->entries[i].port)->name, set->entries[i].function->description);
}

static int list(struct session *session, const struct command_line *line)
{
    struct tool_set set;

    session->status = EXIT_DONE;
    if (!collect(session, &set))
        return EXIT_FAILED;
    if (!line->shows_pins)
        print_functions(&set, line->is_json);
    else if (!print_pins(&set))
        session->status = EXIT_FAILED;
    tool_set_clear(&set);
    return session->status;
}

static void on_progress(void *arg, const char *text, size_t len)
{
    (void)arg;
    fprintf(stderr, "... %.*s\n", (int)len, text);
}

static void on_done(void *arg, const struct tool_run_result *result)
{
    bool is_good = result->status == SESAME_OK && !result->is_error;

    fprintf(is_good ? stdout : stderr, "%.*s\n", (int)result->len, result->text);
    session_end(arg, is_good ? EXIT_DONE : EXIT_FAILED);
}

static int call(struct session *session, const char *name, const char *arguments)
{
    static const struct tool_run_events events = {on_progress, on_done};
    CLEANUP(json_cleanup) struct json_object *checked = NULL;
    struct tool_run_request request = {.context = "{\"request_id\":\"command-line\"}",
                                       .deadline_ms = clock_monotonic_ms() + CALL_TIMEOUT_MS,
                                       .subject = session->subject};
    const struct tool_entry *entry;
    struct tool_set set;
    struct error err = {0};
    char names[600];

    if (!collect(session, &set))
        return EXIT_FAILED;
    entry = tool_set_find(&set, name);
    if (entry == NULL) {
        tool_set_names(&set, names, sizeof names);
        error_set(&err, ERROR_NOT_FOUND, "there is no function %.64s; there are: %.300s", name,
                  names);
    } else {
        checked = arguments_read(arguments, strlen(arguments), entry->function->schema, &err);
    }
    if (checked != NULL) {
        request.function = entry->function->name;
        request.arguments = json_object_to_json_string_ext(checked, JSON_C_TO_STRING_NOSLASHESCAPE);
        request.arguments_len = strlen(request.arguments);
        if (tool_port_call(entry->port, &request, &events, session, &err) != NULL)
            session_run(session);
    }
    tool_set_clear(&set);
    if (err.code == ERROR_NONE)
        return session->status;
    fprintf(stderr, "sesame: %s\n", err.message);
    return EXIT_FAILED;
}

int tool_command(const struct command_line *line)
{
    bool is_list = line->word_count == 1 && strcmp(line->words[0], "list") == 0;
    bool is_call =
        line->word_count >= 2 && line->word_count <= 3 && strcmp(line->words[0], "call") == 0;
    struct command_line own = *line;
    struct session session;
    int status;

    own.just_tools = true;
    if (!is_list && !is_call) {
        fprintf(stderr,
                "usage: sesame tool list [--json|--pins] | sesame tool call FUNCTION [JSON]\n");
        return EXIT_WRONG_USE;
    }
    if (!session_open(&session, &own, false))
        status = session.status;
    else
        status =
            is_list ? list(&session, line)
                    : call(&session, line->words[1], line->word_count == 3 ? line->words[2] : "{}");
    session_close(&session);
    return status;
}
