/* Sessions of the MCP client: initialise, revisions, session ids, loss and farewell. */
#include "server.h"

#include "../../support/run.h"

#include "base/json.h"

#include <json-c/json.h>

/* ---- initialise ------------------------------------------------------------------------------ */

START_TEST(initialize_says_who_we_are_field_by_field)
{
    static const char wanted[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
        "\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"sesame\",\"version\":"
        "\"" PACKAGE_VERSION "\"}}}";
    const struct mcp_seen *seen;

    mcp_open_and_list("");
    seen = mcp_seen(&server, "initialize", -1);
    ck_assert_str_eq(seen->body, wanted);
    ck_assert_str_eq(seen->http_method, "POST");
    ck_assert_str_eq(seen->target, "/mcp");
    ck_assert_str_eq(seen->accept, "application/json, text/event-stream");
    ck_assert_str_eq(seen->type, "application/json");
    ck_assert_str_eq(seen->version, "");
    ck_assert_str_eq(seen->session, "");
    /* A server that checks Origin against DNS rebinding must not take us for a browser. */
    ck_assert_str_eq(seen->origin, "");
    ck_assert_str_eq(mcp_seen(&server, "notifications/initialized", -1)->body,
                     "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
    ck_assert_str_eq(server.seen[2].what, "tools/list");
}
END_TEST

START_TEST(the_header_of_the_revision_is_sent_from_the_revision_on_that_has_it)
{
    static const struct {
        const char *version, *header;
    } rows[] = {{"2025-03-26", ""}, {"2025-06-18", "2025-06-18"}, {"2025-11-25", "2025-11-25"}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        server.version = rows[i].version;
        server.session = "s1";
        mcp_open_and_list("");
        ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_OK);
        tool_bench_stop(&bench);
        ck_assert_str_eq(mcp_seen(&server, "initialize", -1)->version, "");
        ck_assert_str_eq(mcp_seen(&server, "notifications/initialized", -1)->version,
                         rows[i].header);
        ck_assert_str_eq(mcp_seen(&server, "tools/call", -1)->version, rows[i].header);
        ck_assert_str_eq(mcp_seen(&server, "DELETE", -1)->version, rows[i].header);
    }
}
END_TEST

START_TEST(an_unknown_revision_is_refused_by_name)
{
    static const struct {
        const char *version, *named;
    } rows[] = {{"2024-11-05", "\"2024-11-05\""}, {"2026-07-28", "\"2026-07-28\""}, {"", "\"\""}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        server.version = rows[i].version;
        mcp_open("");
        ck_assert(!tool_bench_wait_for_list(&bench));
        ck_assert_ptr_nonnull(strstr(tool_bench_list_error(&bench), rows[i].named));
        ck_assert_ptr_nonnull(strstr(tool_bench_list_error(&bench), "2025-03-26"));
        tool_bench_stop(&bench);
    }
    ck_assert_uint_eq(mcp_count(&server, "notifications/initialized"), 0);
}
END_TEST

static void refuse_revision(int status)
{
    mcp_script(
        &server, "initialize", status, JSON_TYPE,
        "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"error\":{\"code\":-32602,\"message\":\"Unsupported "
        "protocol version\",\"data\":{\"supported\":[\"2024-11-05\",\"2025-06-18\"],"
        "\"requested\":\"2025-11-25\"}}}");
}

START_TEST(a_server_that_names_its_revisions_is_asked_for_one_of_them)
{
    static const int statuses[] = {200, 400};

    for (size_t i = 0; i < 2; i++) {
        refuse_revision(statuses[i]);
        server.version = "2025-06-18";
        mcp_open_and_list("");
        ck_assert_ptr_nonnull(strstr(mcp_seen(&server, "initialize", -1)->body,
                                     "\"protocolVersion\":\"2025-06-18\""));
        ck_assert_str_eq(mcp_seen(&server, "tools/list", -1)->version, "2025-06-18");
        tool_bench_stop(&bench);
    }
    ck_assert_uint_eq(mcp_count(&server, "initialize"), 4);
}
END_TEST

START_TEST(a_server_that_refuses_its_own_revision_is_given_up)
{
    for (int i = 0; i < 5; i++)
        refuse_revision(200);
    mcp_open("");
    ck_assert(!tool_bench_wait_for_list(&bench));
    ck_assert_ptr_nonnull(
        strstr(tool_bench_list_error(&bench), "Unsupported protocol version (code -32602)"));
    ck_assert_uint_eq(mcp_count(&server, "initialize"), 2);
}
END_TEST

START_TEST(initialize_may_be_answered_as_a_stream)
{
    struct mcp_reply *reply =
        mcp_script(&server, "initialize", 200, SSE_TYPE,
                   "id: 1\nretry: 5\ndata: \n\n: comment\n\nid: 2\nevent: message\ndata: " RESULT(
                       "{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{}}") "\n\n");

    reply->header = "mcp-session-id";
    reply->value = "from-a-stream";
    mcp_open_and_list("");
    ck_assert_str_eq(mcp_seen(&server, "tools/list", -1)->session, "from-a-stream");
}
END_TEST

START_TEST(initialized_is_accepted_with_any_success)
{
    static const struct {
        int status;
        const char *type, *body;
        enum mcp_end end;
    } rows[] = {
        {202, NULL, NULL, MCP_END},
        {200, NULL, NULL, MCP_END},
        {204, NULL, NULL, MCP_END},
        {200, JSON_TYPE, "{\"jsonrpc\":\"2.0\",\"result\":{}}", MCP_END},
        {200, JSON_TYPE, "<not json>", MCP_END},
        {200, "text/html", "<p>ok</p>", MCP_END},
        {200, SSE_TYPE, "data:\n\n", MCP_END},
        {200, SSE_TYPE, ": open\n\n", MCP_HOLD},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mcp_script(&server, "notifications/initialized", rows[i].status, rows[i].type, rows[i].body)
            ->end = rows[i].end;
        mcp_open_and_list("");
        tool_bench_stop(&bench);
    }
}
END_TEST

START_TEST(a_refused_initialize_says_what_to_look_at)
{
    static const struct {
        int status;
        const char *type, *body, *said;
    } rows[] = {
        {404, "text/html", "<h1>Not Found</h1>", "Streamable HTTP"},
        {405, NULL, NULL, "Streamable HTTP"},
        {400, "text/plain", "missing sessionId", "Streamable HTTP"},
        {400, JSON_TYPE, RPC_ERROR(-32020, "Missing MCP-Protocol-Version header"),
         "Missing MCP-Protocol-Version header"},
        {401, NULL, NULL, "credential"},
        {403, NULL, NULL, "credential"},
        {302, NULL, NULL, "HTTP 302"},
        {500, "text/html", "<html>", "HTTP 500"},
        {200, JSON_TYPE, RPC_ERROR(-32603, "out of order"), "out of order (code -32603)"},
        {202, NULL, NULL, "HTTP 202"},
        {200, "text/html", "<html>sign in</html>", "text/html"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mcp_script(&server, "initialize", rows[i].status, rows[i].type, rows[i].body);
        mcp_open("");
        ck_assert(!tool_bench_wait_for_list(&bench));
        ck_assert_msg(strstr(tool_bench_list_error(&bench), rows[i].said) != NULL, "%d: %s",
                      rows[i].status, tool_bench_list_error(&bench));
        ck_assert_ptr_null(strchr(tool_bench_list_error(&bench), '<'));
        tool_bench_stop(&bench);
    }
    ck_assert_uint_eq(mcp_count(&server, "initialize"), sizeof rows / sizeof rows[0]);
    ck_assert_uint_eq(mcp_count(&server, "notifications/initialized"), 0);
}
END_TEST

/* ---- session ids ----------------------------------------------------------------------------- */

START_TEST(the_session_id_is_sent_everywhere_but_on_initialize)
{
    server.session = "!session~1";
    server.announces_changes = true;
    mcp_script(&server, "tools/call", 200, SSE_TYPE,
               EVENT("{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}")
                   EVENT(TEXT_RESULT("done")));
    mcp_open_and_list(",\"listen\":true");
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_OK);
    PEER_RUN_UNTIL(bench.loop, mcp_count(&server, "response") == 1);
    PEER_RUN_UNTIL(bench.loop, mcp_count(&server, "GET") == 1);
    tool_bench_stop(&bench);
    ck_assert_uint_eq(mcp_count(&server, "DELETE"), 1);
    ck_assert_str_eq(server.seen[0].session, "");
    for (size_t i = 1; i < server.seen_count; i++)
        ck_assert_msg(strcmp(server.seen[i].session, "!session~1") == 0, "%s", server.seen[i].what);
}
END_TEST

START_TEST(a_session_id_with_other_characters_is_refused)
{
    static char long_id[600];
    static const char *const ids[] = {"two words", "caf\xc3\xa9", "tab\there", long_id};

    memset(long_id, 'a', sizeof long_id - 1);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        server.session = ids[i];
        mcp_open("");
        ck_assert(!tool_bench_wait_for_list(&bench));
        ck_assert_ptr_nonnull(strstr(tool_bench_list_error(&bench), "Mcp-Session-Id"));
        ck_assert_ptr_null(strstr(tool_bench_list_error(&bench), ids[i]));
        tool_bench_stop(&bench);
    }
    ck_assert_uint_eq(mcp_count(&server, "notifications/initialized"), 0);
}
END_TEST

START_TEST(only_the_answer_to_initialize_names_the_session)
{
    struct mcp_reply *reply =
        mcp_script(&server, "tools/list", 200, JSON_TYPE, RESULT("{\"tools\":[]}"));

    reply->header = "Mcp-Session-Id";
    reply->value = "late";
    mcp_open_and_list("");
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_OK);
    ck_assert_str_eq(mcp_seen(&server, "tools/call", -1)->session, "");
}
END_TEST

/* ---- loss ------------------------------------------------------------------------------------ */

#define SESSION_GONE 404, JSON_TYPE, RPC_ERROR(-32001, "Session not found")

START_TEST(a_lost_session_is_begun_anew_and_the_call_repeated_once)
{
    server.session = "s1";
    mcp_open_and_list("");
    server.session = "s2";
    mcp_script(&server, "tools/call", SESSION_GONE);
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{\"a\":1}"), SESAME_OK);
    ck_assert_str_eq(bench.text, "done");
    ck_assert_uint_eq(mcp_count(&server, "tools/call"), 2);
    ck_assert_uint_eq(mcp_count(&server, "initialize"), 2);
    ck_assert_str_eq(mcp_seen(&server, "initialize", -1)->session, "");
    ck_assert_str_eq(mcp_seen(&server, "tools/call", 0)->session, "s1");
    ck_assert_str_eq(mcp_seen(&server, "tools/call", 1)->session, "s2");
    /* A new id: the server may remember the old one. */
    ck_assert_str_ne(mcp_seen(&server, "tools/call", 0)->id,
                     mcp_seen(&server, "tools/call", 1)->id);
    /* What was listed belonged to the old session. */
    tool_bench_prepare(&bench);
    ck_assert_uint_eq(mcp_count(&server, "tools/list"), 2);
}
END_TEST

START_TEST(a_session_lost_again_is_not_chased)
{
    server.session = "s1";
    mcp_open_and_list("");
    for (int i = 0; i < 10; i++)
        mcp_script(&server, "tools/call", SESSION_GONE);
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_UNAVAILABLE);
    ck_assert_uint_eq(mcp_count(&server, "tools/call"), 2);
    ck_assert_uint_eq(mcp_count(&server, "initialize"), 2);
}
END_TEST

START_TEST(a_400_about_the_session_means_the_same)
{
    server.session = "s1";
    mcp_open_and_list("");
    mcp_script(
        &server, "tools/call", 400, JSON_TYPE,
        "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32000,\"message\":\"Bad Request: No valid "
        "session ID provided\"}}");
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_OK);
    ck_assert_uint_eq(mcp_count(&server, "initialize"), 2);
}
END_TEST

START_TEST(without_a_session_a_404_is_no_loss)
{
    mcp_open_and_list("");
    mcp_script(&server, "tools/call", SESSION_GONE);
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_UNAVAILABLE);
    ck_assert_uint_eq(mcp_count(&server, "tools/call"), 1);
    ck_assert_uint_eq(mcp_count(&server, "initialize"), 1);
}
END_TEST

static int both_done;

static void note_done(void *arg, const struct tool_run_result *result)
{
    (void)arg;
    ck_assert_int_eq(result->status, SESAME_OK);
    both_done++;
}

START_TEST(two_calls_that_lose_one_session_begin_one_new_one)
{
    static const struct tool_run_events events = {NULL, note_done};
    struct tool_run_request request = {.function = "echo",
                                       .arguments = "{}",
                                       .arguments_len = 2,
                                       .context = "{}",
                                       .deadline_ms = clock_monotonic_ms() + 10000};
    struct error err = {0};

    if (bench.placement == PLACEMENT_THREAD)
        return; /* there calls come one after the other */
    server.session = "s1";
    mcp_open_and_list("");
    server.session = "s2";
    both_done = 0;
    for (int i = 0; i < 2; i++) {
        mcp_script(&server, "tools/call", SESSION_GONE);
        ck_assert_ptr_nonnull(tool_port_call(bench.port, &request, &events, NULL, &err));
    }
    PEER_RUN_UNTIL(bench.loop, both_done == 2);
    ck_assert_uint_eq(mcp_count(&server, "initialize"), 2);
    ck_assert_uint_eq(mcp_count(&server, "tools/call"), 4);
}
END_TEST

START_TEST(a_list_whose_session_is_lost_begins_with_its_first_page)
{
    server.session = "s1";
    mcp_script(&server, "tools/list", 200, JSON_TYPE,
               RESULT("{\"tools\":[{\"name\":\"old\",\"inputSchema\":{}}],\"nextCursor\":\"2\"}"));
    mcp_script(&server, "tools/list", SESSION_GONE);
    mcp_open_and_list("");
    ck_assert_ptr_null(strstr(mcp_seen(&server, "tools/list", 2)->body, "cursor"));
    ck_assert_uint_eq(tool_port_functions(bench.port, NULL)->count, 1);
    ck_assert_str_eq(tool_port_functions(bench.port, NULL)->items[0].name, "echo");
}
END_TEST

/* ---- farewell -------------------------------------------------------------------------------- */

START_TEST(the_session_is_ended_when_the_host_stops)
{
    static const int statuses[] = {200, 404, 405, 500};
    int64_t began_ms;

    server.session = "s1";
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        mcp_script(&server, "DELETE", statuses[i], NULL, NULL);
        mcp_open_and_list("");
        began_ms = clock_monotonic_ms();
        tool_bench_stop(&bench);
        ck_assert_uint_eq(mcp_count(&server, "DELETE"), i + 1);
        /* The answer ends it, not the 2 s that a plugin has. */
        ck_assert_int_lt(clock_monotonic_ms() - began_ms, 1900);
    }
}
END_TEST

START_TEST(without_a_session_there_is_no_farewell)
{
    mcp_open_and_list("");
    tool_bench_stop(&bench);
    ck_assert_uint_eq(mcp_count(&server, "DELETE"), 0);
}
END_TEST

START_TEST(a_server_that_ignores_the_farewell_holds_nothing_up)
{
    int64_t began_ms;

    server.session = "s1";
    mcp_script(&server, "DELETE", 0, NULL, NULL)->end = MCP_SILENT;
    mcp_open_and_list("");
    began_ms = clock_monotonic_ms();
    tool_bench_stop(&bench);
    ck_assert_int_lt(clock_monotonic_ms() - began_ms, 3000);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        initialize_says_who_we_are_field_by_field,
        the_header_of_the_revision_is_sent_from_the_revision_on_that_has_it,
        an_unknown_revision_is_refused_by_name,
        a_server_that_names_its_revisions_is_asked_for_one_of_them,
        a_server_that_refuses_its_own_revision_is_given_up,
        initialize_may_be_answered_as_a_stream,
        initialized_is_accepted_with_any_success,
        a_refused_initialize_says_what_to_look_at,
        the_session_id_is_sent_everywhere_but_on_initialize,
        a_session_id_with_other_characters_is_refused,
        only_the_answer_to_initialize_names_the_session,
        a_lost_session_is_begun_anew_and_the_call_repeated_once,
        a_session_lost_again_is_not_chased,
        a_400_about_the_session_means_the_same,
        without_a_session_a_404_is_no_loss,
        two_calls_that_lose_one_session_begin_one_new_one,
        a_list_whose_session_is_lost_begins_with_its_first_page,
        the_session_is_ended_when_the_host_stops,
        without_a_session_there_is_no_farewell,
        a_server_that_ignores_the_farewell_holds_nothing_up,
        NULL,
    };

    return tool_bench_run("mcp_session", tests, mcp_set_up, mcp_tear_down);
}
