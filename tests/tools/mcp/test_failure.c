/* What goes wrong in the MCP client's calls: time, cancelling, HTTP errors, credentials, nonsense.
 */
#include "server.h"

#include "../../support/run.h"

/* ---- time and cancelling --------------------------------------------------------------------- */

static void expect_cancelled(const char *reason)
{
    char wanted[200];

    PEER_RUN_UNTIL(bench.loop, mcp_count(&server, "notifications/cancelled") == 1);
    snprintf(
        wanted, sizeof wanted,
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":"
        "%s,\"reason\":\"%s\"}}",
        mcp_seen(&server, "tools/call", -1)->id, reason);
    ck_assert_str_eq(mcp_seen(&server, "notifications/cancelled", -1)->body, wanted);
    ck_assert_str_eq(mcp_seen(&server, "notifications/cancelled", -1)->session, "s1");
}

static void begin_silent_call(const char *more, int64_t timeout_ms)
{
    server.session = "s1";
    mcp_open_and_list(more);
    mcp_script(&server, "tools/call", 0, NULL, NULL)->end = MCP_SILENT;
    tool_bench_start(&bench, "echo", "{}", timeout_ms);
    PEER_RUN_UNTIL(bench.loop, mcp_held(&server, "tools/call") != NULL);
}

START_TEST(a_cancelled_call_is_cancelled_at_the_server_too)
{
    begin_silent_call("", 10000);
    tool_run_cancel(bench.run);
    expect_cancelled("the turn was cancelled");
    /* Told first, then the connection goes. */
    PEER_RUN_UNTIL(bench.loop, server.gone_count == 1);
    ck_assert_int_eq(bench.done_count, 0);
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_OK);
}
END_TEST

START_TEST(a_call_past_its_deadline_is_cancelled_at_the_server)
{
    begin_silent_call("", 100);
    PEER_RUN_UNTIL(bench.loop, bench.done_count == 1);
    ck_assert_int_eq(bench.status, SESAME_TIMED_OUT);
    expect_cancelled("timed out");
}
END_TEST

START_TEST(a_request_past_the_configured_time_is_cancelled_at_the_server)
{
    begin_silent_call(",\"timeout_s\":1", 10000);
    PEER_RUN_UNTIL(bench.loop, bench.done_count == 1);
    ck_assert_int_eq(bench.status, SESAME_TIMED_OUT);
    expect_cancelled("timed out");
}
END_TEST

START_TEST(a_stream_that_only_chats_runs_into_the_deadline_all_the_same)
{
    server.session = "s1";
    mcp_open_and_list("");
    mcp_script(&server, "tools/call", 200, SSE_TYPE, ": alive\n\n")->end = MCP_HOLD;
    tool_bench_start(&bench, "echo", "{}", 200);
    while (bench.done_count == 0) {
        if (mcp_held(&server, "tools/call") != NULL)
            mcp_write(mcp_held(&server, "tools/call"), ": alive\n\n", MCP_HOLD);
        loop_run_once(bench.loop, 10);
    }
    ck_assert_int_eq(bench.status, SESAME_TIMED_OUT);
    expect_cancelled("timed out");
}
END_TEST

START_TEST(an_answer_to_a_cancelled_call_is_ignored)
{
    struct mcp_held *held;
    char late[200];

    server.session = "s1";
    mcp_open_and_list("");
    mcp_script(&server, "tools/call", 200, SSE_TYPE, "data:\n\n")->end = MCP_HOLD;
    tool_bench_start(&bench, "echo", "{}", 10000);
    PEER_RUN_UNTIL(bench.loop, mcp_held(&server, "tools/call") != NULL);
    held = mcp_held(&server, "tools/call");
    tool_run_cancel(bench.run);
    PEER_RUN_UNTIL(bench.loop, held->exchange == NULL);
    /* It comes on the stream of the next call. */
    snprintf(late, sizeof late,
             EVENT("{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":" TEXT_CONTENT("late") "}"),
             held->id);
    mcp_script(&server, "tools/call", 200, SSE_TYPE, late)->end = MCP_HOLD;
    tool_bench_start(&bench, "echo", "{}", 10000);
    PEER_RUN_UNTIL(bench.loop, mcp_held(&server, "tools/call") != NULL);
    mcp_write(mcp_held(&server, "tools/call"), EVENT(TEXT_RESULT("right")), MCP_END);
    PEER_RUN_UNTIL(bench.loop, bench.done_count == 1);
    ck_assert_str_eq(bench.text, "right");
}
END_TEST

START_TEST(initialize_is_never_cancelled_at_the_server)
{
    mcp_script(&server, "initialize", 0, NULL, NULL)->end = MCP_SILENT;
    mcp_open(",\"timeout_s\":1");
    tool_bench_start(&bench, "echo", "{}", 100);
    PEER_RUN_UNTIL(bench.loop, bench.done_count == 1);
    ck_assert_int_eq(bench.status, SESAME_TIMED_OUT);
    ck_assert(!tool_bench_wait_for_list(&bench));
    ck_assert_ptr_nonnull(strstr(tool_bench_list_error(&bench), "in time"));
    ck_assert_uint_eq(mcp_count(&server, "notifications/cancelled"), 0);
}
END_TEST

START_TEST(a_call_made_while_the_session_begins_waits_for_it)
{
    mcp_script(&server, "initialize", 0, NULL, NULL)->end = MCP_SILENT;
    mcp_open("");
    PEER_RUN_UNTIL(bench.loop, mcp_held(&server, "initialize") != NULL);
    tool_bench_start(&bench, "echo", "{}", 10000);
    for (int i = 0; i < 10; i++)
        loop_run_once(bench.loop, 1);
    ck_assert_uint_eq(mcp_count(&server, "tools/call"), 0);
    mcp_answer(mcp_held(&server, "initialize"), 200, JSON_TYPE,
               RESULT("{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{}}"));
    PEER_RUN_UNTIL(bench.loop, bench.done_count == 1);
    ck_assert_int_eq(bench.status, SESAME_OK);
    ck_assert_uint_eq(mcp_count(&server, "initialize"), 1);
}
END_TEST

START_TEST(a_call_cancelled_before_the_session_is_there_is_never_sent)
{
    mcp_script(&server, "initialize", 0, NULL, NULL)->end = MCP_SILENT;
    mcp_open("");
    PEER_RUN_UNTIL(bench.loop, mcp_held(&server, "initialize") != NULL);
    tool_bench_start(&bench, "echo", "{}", 10000);
    tool_run_cancel(bench.run);
    mcp_answer(mcp_held(&server, "initialize"), 200, JSON_TYPE,
               RESULT("{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{}}"));
    ck_assert(tool_bench_wait_for_list(&bench));
    ck_assert_uint_eq(mcp_count(&server, "tools/call"), 0);
    ck_assert_uint_eq(mcp_count(&server, "notifications/cancelled"), 0);
}
END_TEST

/* ---- HTTP errors and nonsense ---------------------------------------------------------------- */

START_TEST(each_bad_answer_has_its_status_and_its_words)
{
    static const struct {
        int http;
        const char *type, *body;
        int32_t status;
        const char *said;
    } rows[] = {
        {401, NULL, NULL, SESAME_DENIED, "\"credential\" names none"},
        {403, JSON_TYPE, "{\"error\":\"insufficient_scope\"}", SESAME_DENIED, "HTTP 403"},
        {404, "text/html", "<h1>Not Found</h1>", SESAME_UNAVAILABLE, "HTTP 404"},
        {406, JSON_TYPE,
         "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32000,\"message\":\"Not "
         "Acceptable\"},\"id\":null}",
         SESAME_INTERNAL, "Not Acceptable (code -32000)"},
        {400, JSON_TYPE, "[", SESAME_INTERNAL, "HTTP 400"},
        {429, NULL, NULL, SESAME_RATE_LIMITED, "HTTP 429"},
        {500, "text/html", "<html><body>stack trace</body></html>", SESAME_UNAVAILABLE, "HTTP 500"},
        {503, SSE_TYPE, EVENT(TEXT_RESULT("no")), SESAME_UNAVAILABLE, "HTTP 503"},
        {307, NULL, NULL, SESAME_INTERNAL, "redirects are not followed"},
        {202, NULL, NULL, SESAME_UNAVAILABLE, "HTTP 202 with no Content-Type"},
        {204, NULL, NULL, SESAME_UNAVAILABLE, "HTTP 204"},
        {200, "text/html; charset=utf-8", "<html>", SESAME_UNAVAILABLE, "text/html"},
        {200, "application/json-seq", TEXT_RESULT("no"), SESAME_UNAVAILABLE, "json-seq"},
        {200, NULL, TEXT_RESULT("no"), SESAME_UNAVAILABLE, "no Content-Type"},
        {200, JSON_TYPE, "", SESAME_UNAVAILABLE, "no JSON-RPC answer"},
        {200, JSON_TYPE, "null", SESAME_UNAVAILABLE, "no JSON-RPC answer"},
        {200, JSON_TYPE, "{}", SESAME_UNAVAILABLE, "no JSON-RPC answer"},
        {200, JSON_TYPE, "{\"jsonrpc\":\"2.0\",\"id\":$ID}", SESAME_UNAVAILABLE,
         "no JSON-RPC answer"},
        {200, JSON_TYPE, TEXT_RESULT("cut") "}", SESAME_UNAVAILABLE, "no JSON-RPC answer"},
        {200, JSON_TYPE, TEXT_RESULT("\xff\xfe"), SESAME_UNAVAILABLE, "no JSON-RPC answer"},
        {200, JSON_TYPE, TEXT_RESULT("\\ud800"), SESAME_UNAVAILABLE, "no JSON-RPC answer"},
        {200, JSON_TYPE, "{\"id\":$ID,\"id\":$ID,\"result\":{}}", SESAME_UNAVAILABLE,
         "no JSON-RPC answer"},
        {200, JSON_TYPE, "{\"jsonrpc\":\"2.0\",\"id\":\"$ID\",\"result\":{}}", SESAME_UNAVAILABLE,
         "no JSON-RPC answer"},
        {200, JSON_TYPE, "{\"jsonrpc\":\"2.0\",\"id\":999,\"result\":{}}", SESAME_UNAVAILABLE,
         "no JSON-RPC answer"},
        {200, JSON_TYPE, "{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":{}}", SESAME_UNAVAILABLE,
         "no JSON-RPC answer"},
    };

    mcp_open_and_list("");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mcp_script(&server, "tools/call", rows[i].http, rows[i].type, rows[i].body);
        (void)tool_bench_call(&bench, "echo", "{}");
        ck_assert_msg(bench.status == rows[i].status && strstr(bench.text, rows[i].said) != NULL,
                      "%d %s: %d %s", rows[i].http, rows[i].body, bench.status, bench.text);
        /* Neither their markup nor their insides. */
        ck_assert_ptr_null(strchr(bench.text, '<'));
    }
    ck_assert_uint_eq(mcp_count(&server, "tools/call"), sizeof rows / sizeof rows[0]);
    ck_assert_uint_eq(mcp_count(&server, "initialize"), 1);
}
END_TEST

START_TEST(nesting_beyond_64_is_refused)
{
    char deep[201], body[400];

    memset(deep, '[', 100);
    memset(deep + 100, ']', 100);
    deep[200] = '\0';
    snprintf(body, sizeof body, RESULT("{\"structuredContent\":%s}"), deep);
    mcp_open_and_list("");
    mcp_script(&server, "tools/call", 200, JSON_TYPE, body);
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(bench.text, "no JSON-RPC answer"));
}
END_TEST

START_TEST(a_server_that_wants_a_pause_is_quoted)
{
    struct mcp_reply *reply;

    mcp_open_and_list("");
    reply = mcp_script(&server, "tools/call", 429, JSON_TYPE, RPC_ERROR(-32000, "slow down"));
    reply->header = "Retry-After";
    reply->value = "7";
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_RATE_LIMITED);
    ck_assert_msg(strstr(bench.text, "wait 7 s") != NULL && strstr(bench.text, "slow down") != NULL,
                  "%s", bench.text);
}
END_TEST

START_TEST(a_server_that_is_gone_is_named_without_its_query)
{
    mcp_open_and_list("");
    mcp_server_close(&server);
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(bench.text, "127.0.0.1"));
    mcp_server_open(&server, bench.loop);
}
END_TEST

/* ---- credentials ----------------------------------------------------------------------------- */

START_TEST(the_credential_goes_with_every_request)
{
    server.session = "s1";
    server.announces_changes = true;
    mcp_script(&server, "tools/call", 200, SSE_TYPE,
               "id: 1\nretry: 1\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n\n");
    mcp_script(&server, "GET", 405, NULL, NULL);
    mcp_script(&server, "GET", 200, SSE_TYPE,
               EVENT("{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":" TEXT_CONTENT("done") "}"));
    mcp_open_and_list(",\"credential\":\"header\",\"listen\":true");
    PEER_RUN_UNTIL(bench.loop, mcp_count(&server, "GET") == 1);
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_OK);
    PEER_RUN_UNTIL(bench.loop, mcp_count(&server, "response") == 1);
    tool_bench_stop(&bench);
    ck_assert_uint_eq(mcp_count(&server, "DELETE"), 1);
    for (size_t i = 0; i < server.seen_count; i++) {
        ck_assert_msg(strcmp(server.seen[i].authorization, "Bearer canary-token-1") == 0, "%s",
                      server.seen[i].what);
        ck_assert_str_eq(server.seen[i].target, "/mcp");
        ck_assert_ptr_null(strstr(server.seen[i].body, "canary"));
    }
}
END_TEST

START_TEST(the_credential_may_go_into_the_query)
{
    mcp_open_and_list(",\"credential\":\"query\"");
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_OK);
    for (size_t i = 0; i < server.seen_count; i++) {
        ck_assert_str_eq(server.seen[i].target, "/mcp?key=canary-token-1");
        ck_assert_str_eq(server.seen[i].authorization, "");
    }
    mcp_script(&server, "tools/call", 500, NULL, NULL);
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_UNAVAILABLE);
    mcp_server_close(&server);
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(bench.text, "/mcp"));
    mcp_server_open(&server, bench.loop);
}
END_TEST

START_TEST(a_refused_credential_is_renewed_once)
{
    mcp_open_and_list(",\"credential\":\"header\"");
    mcp_script(&server, "tools/call", 401, NULL, NULL);
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_OK);
    ck_assert_str_eq(mcp_seen(&server, "tools/call", 0)->authorization, "Bearer canary-token-1");
    ck_assert_str_eq(mcp_seen(&server, "tools/call", 1)->authorization, "Bearer canary-token-2");
    ck_assert_str_eq(mcp_seen(&server, "tools/call", 0)->id,
                     mcp_seen(&server, "tools/call", 1)->id);
    ck_assert_uint_eq(mcp_count(&server, "initialize"), 1);
}
END_TEST

START_TEST(a_credential_refused_again_is_not_chased)
{
    mcp_open_and_list(",\"credential\":\"header\"");
    for (int i = 0; i < 5; i++)
        mcp_script(&server, "tools/call", 401, JSON_TYPE,
                   RPC_ERROR(-32001, "the key canary-token-2 is not valid"));
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_DENIED);
    ck_assert_ptr_nonnull(strstr(bench.text, "refuses this tool's credential"));
    ck_assert_uint_eq(mcp_count(&server, "tools/call"), 2);
}
END_TEST

START_TEST(a_server_that_gives_the_credential_back_does_not_spread_it)
{
    static const char *const bodies[] = {
        TEXT_RESULT("your key is canary-token-1, thank you"),
        RESULT("{\"structuredContent\":{\"authorization\":\"Bearer canary-token-1\"}}"),
        RESULT("{\"content\":[{\"type\":\"hologram canary-token-1\"}]}"),
        RPC_ERROR(-32603, "bad key canary-token-1"),
    };
    struct mcp_held *held;
    const struct tool_functions *functions;

    mcp_script(&server, "tools/list", 200, JSON_TYPE,
               RESULT("{\"tools\":[{\"name\":\"echo\",\"description\":\"for canary-token-1\"}]}"));
    mcp_open_and_list(",\"credential\":\"header\"");
    functions = tool_port_functions(bench.port, NULL);
    ck_assert_ptr_null(strstr(functions->items[0].description, "canary"));
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        mcp_script(&server, "tools/call", 200, JSON_TYPE, bodies[i]);
        (void)tool_bench_call(&bench, "echo", "{}"); /* looks for it itself */
    }
    mcp_script(&server, "tools/call", 200, SSE_TYPE, "data:\n\n")->end = MCP_HOLD;
    tool_bench_start(&bench, "echo", "{}", 10000);
    PEER_RUN_UNTIL(bench.loop, (held = mcp_held(&server, "tools/call")) != NULL);
    mcp_write(held,
              EVENT(NOTICE("notifications/progress",
                           "{\"progressToken\":$ID,\"progress\":1,"
                           "\"message\":\"canary-token-1\"}")) EVENT(TEXT_RESULT("done")),
              MCP_END);
    PEER_RUN_UNTIL(bench.loop, bench.done_count == 1);
    ck_assert_int_eq(bench.progress_count, 1);
}
END_TEST

START_TEST(a_credential_for_another_origin_is_not_sent)
{
    char config[200];

    snprintf(config, sizeof config, "{\"url\":\"%s/mcp\",\"credential\":\"header\"}",
             server.peer.url);
    /* The origin that the credential is for; the server stays where it is. */
    snprintf(server.peer.url, sizeof server.peer.url, "http://127.0.0.1:1");
    tool_bench_open(&bench, "mcp", config);
    ck_assert(!tool_bench_wait_for_list(&bench));
    ck_assert_uint_eq(server.seen_count, 0);
    TOOL_BENCH_LOG_HAS(&bench, "may not be sent to");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_cancelled_call_is_cancelled_at_the_server_too,
        a_call_past_its_deadline_is_cancelled_at_the_server,
        a_request_past_the_configured_time_is_cancelled_at_the_server,
        a_stream_that_only_chats_runs_into_the_deadline_all_the_same,
        an_answer_to_a_cancelled_call_is_ignored,
        initialize_is_never_cancelled_at_the_server,
        a_call_made_while_the_session_begins_waits_for_it,
        a_call_cancelled_before_the_session_is_there_is_never_sent,
        each_bad_answer_has_its_status_and_its_words,
        nesting_beyond_64_is_refused,
        a_server_that_wants_a_pause_is_quoted,
        a_server_that_is_gone_is_named_without_its_query,
        the_credential_goes_with_every_request,
        the_credential_may_go_into_the_query,
        a_refused_credential_is_renewed_once,
        a_credential_refused_again_is_not_chased,
        a_server_that_gives_the_credential_back_does_not_spread_it,
        a_credential_for_another_origin_is_not_sent,
        NULL,
    };

    return tool_bench_run("mcp_failure", tests, mcp_set_up, mcp_tear_down);
}
