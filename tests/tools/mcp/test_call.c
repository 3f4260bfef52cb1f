/* tools/call of the MCP client: what is sent, kinds of content, streams, what the server asks. */
#include "server.h"

#include "../../support/run.h"

#define PING "{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}"

static void call_echo(void)
{
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_OK);
}

/* ---- what is sent ---------------------------------------------------------------------------- */

START_TEST(a_call_names_function_arguments_and_progress_token)
{
    const struct mcp_seen *seen;
    char wanted[300];

    mcp_open_and_list("");
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{\"city\":\"\xe6\x9d\xad\xe5\xb7\x9e\"}"),
                     SESAME_OK);
    seen = mcp_seen(&server, "tools/call", -1);
    snprintf(
        wanted, sizeof wanted,
        "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"tools/call\",\"params\":{\"name\":\"echo\","
        "\"arguments\":{\"city\":\"\xe6\x9d\xad\xe5\xb7\x9e\"},\"_meta\":{\"progressToken\":%s}}}",
        seen->id, seen->id);
    ck_assert_str_eq(seen->body, wanted);
    ck_assert_str_eq(seen->accept, "application/json, text/event-stream");
    ck_assert_str_eq(seen->type, "application/json");
    ck_assert_str_eq(bench.text, "done");
    ck_assert(!bench.is_error);
}
END_TEST

START_TEST(each_request_has_an_id_of_its_own)
{
    mcp_open_and_list("");
    for (int i = 0; i < 3; i++)
        call_echo();
    for (size_t i = 0; i < server.seen_count; i++)
        for (size_t j = 0; j < i; j++)
            ck_assert(server.seen[i].id[0] == '\0' ||
                      strcmp(server.seen[i].id, server.seen[j].id) != 0);
}
END_TEST

/* ---- results --------------------------------------------------------------------------------- */

START_TEST(each_kind_of_content_becomes_text)
{
    static const struct {
        const char *result, *text;
        bool is_error;
    } rows[] = {
        {"{\"content\":[{\"type\":\"text\",\"text\":\"a\\u0022b\\n\\u676d\"}]}",
         "a\"b\n\xe6\x9d\xad", false},
        {"{\"content\":[{\"type\":\"text\",\"text\":\"one\"},{\"type\":\"text\",\"text\":\"two\"}]"
         "}",
         "one\ntwo", false},
        {"{\"content\":[{\"type\":\"text\",\"text\":\"no such city\"}],\"isError\":true}",
         "no such city", true},
        {"{\"content\":[],\"isError\":false}", "(the tool answered without any content)", false},
        {"{}", "(the tool answered without any content)", false},
        {"{\"content\":[{\"type\":\"image\",\"data\":\"AAAAAAAA\",\"mimeType\":\"image/png\"}]}",
         "[image, image/png, about 6 bytes, not shown]", false},
        {"{\"content\":[{\"type\":\"audio\",\"data\":\"AAAA\"}]}",
         "[audio, type unknown, about 3 bytes, not shown]", false},
        {"{\"content\":[{\"type\":\"resource_link\",\"uri\":\"file:///a\",\"name\":\"A\"}]}",
         "[resource link: A file:///a]", false},
        {"{\"content\":[{\"type\":\"resource\",\"resource\":{\"uri\":\"file:///a\",\"text\":\"in "
         "it\"}}]}",
         "in it", false},
        {"{\"content\":[{\"type\":\"resource\",\"resource\":{\"uri\":\"file:///"
         "a\",\"blob\":\"AA==\"}}"
         "]}",
         "[resource file:///a, binary, not shown]", false},
        {"{\"content\":[{\"type\":\"hologram\",\"text\":\"?\"}]}",
         "[unsupported content: hologram]", false},
        {"{\"content\":[7,{\"text\":\"no type\"},{\"type\":\"text\",\"text\":\"x\"}]}", "x", false},
        {"{\"structuredContent\":{\"t\":21.5}}", "{\"t\":21.5}", false},
        {"{\"content\":[{\"type\":\"text\",\"text\":\"{}\"}],\"structuredContent\":{\"t\":1}}",
         "{}", false},
        {"{\"content\":[{\"type\":\"text\",\"text\":\"a\\u001b[2Jb\\u202ec\\u0000d\\te\"}]}",
         "a[2Jbcd\te", false},
        {"{\"_meta\":{\"x\":1},\"unknown\":[1],\"content\":[{\"type\":\"text\",\"text\":\"m\","
         "\"annotations\":{\"audience\":[\"user\"]}}]}",
         "m", false},
    };

    mcp_open_and_list("");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char body[700];

        snprintf(body, sizeof body, RESULT("%s"), rows[i].result);
        mcp_script(&server, "tools/call", 200, "Application/JSON; charset=UTF-8", body);
        call_echo();
        ck_assert_msg(strcmp(bench.text, rows[i].text) == 0, "%s: %s", rows[i].result, bench.text);
        ck_assert_msg(bench.is_error == rows[i].is_error, "%s", rows[i].result);
    }
}
END_TEST

START_TEST(members_may_come_in_any_order)
{
    mcp_open_and_list("");
    mcp_script(&server, "tools/call", 200, JSON_TYPE,
               "\n{\"result\":" TEXT_CONTENT("early") ",\"id\":$ID,\"jsonrpc\":\"2.0\"}\n");
    call_echo();
    ck_assert_str_eq(bench.text, "early");
}
END_TEST

START_TEST(an_error_of_the_protocol_is_told_with_its_code)
{
    static const struct {
        const char *body;
        int32_t status;
        const char *said;
    } rows[] = {
        {RPC_ERROR(-32602, "Unknown tool: echo"), SESAME_BAD_INPUT,
         "Unknown tool: echo (code -32602)"},
        {RPC_ERROR(-32603, "out of order"), SESAME_UNAVAILABLE, "out of order (code -32603)"},
        {"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"Parse "
         "error\"}}",
         SESAME_UNAVAILABLE, "Parse error (code -32700)"},
        {"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\"no id\"}}",
         SESAME_UNAVAILABLE, "no id (code -32600)"},
        {"{\"jsonrpc\":\"2.0\",\"id\":$ID,\"error\":{}}", SESAME_UNAVAILABLE, "no message"},
        {"{\"jsonrpc\":\"2.0\",\"id\":$ID,\"error\":\"text\"}", SESAME_UNAVAILABLE, "no message"},
        {RPC_ERROR(-1, "a\\u001b[31m\\u202eb"), SESAME_UNAVAILABLE, "a[31mb"},
        {RESULT("[]"), SESAME_UNAVAILABLE, "no object \"result\""},
        {RESULT("\"text\""), SESAME_UNAVAILABLE, "no object \"result\""},
    };

    mcp_open_and_list("");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mcp_script(&server, "tools/call", 200, JSON_TYPE, rows[i].body);
        ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), rows[i].status);
        ck_assert_msg(strstr(bench.text, rows[i].said) != NULL, "%s", bench.text);
    }
    ck_assert_uint_eq(mcp_count(&server, "tools/call"), sizeof rows / sizeof rows[0]);
}
END_TEST

/* ---- streams --------------------------------------------------------------------------------- */

START_TEST(a_result_may_come_behind_other_messages)
{
    mcp_open_and_list("");
    mcp_script(&server, "tools/call", 200, "text/event-stream;charset=utf-8",
               ": hello\n\nid: 1\nretry: 10\ndata:\n\n" EVENT(
                   NOTICE("notifications/message", "{\"level\":\"info\",\"data\":\"x\"}"))
                   EVENT(NOTICE("notifications/unheard/of", "[]")) EVENT("{\"jsonrpc\":\"2.0\","
                                                                        "\"id\":999,\"result\":{}}")
                       EVENT("not json") "event: other\ndata: {}\n\n"
                                         "data: {\"jsonrpc\":\"2.0\",\ndata: \"id\":$ID,\ndata: "
                                         "\"result\":" TEXT_CONTENT("late") "}\n\n");
    call_echo();
    ck_assert_str_eq(bench.text, "late");
    ck_assert_uint_eq(mcp_count(&server, "GET"), 0);
    ck_assert_uint_eq(mcp_count(&server, "response"), 0);
}
END_TEST

START_TEST(the_answer_ends_a_stream_that_the_server_keeps_open)
{
    mcp_open_and_list("");
    mcp_script(&server, "tools/call", 200, SSE_TYPE,
               EVENT(TEXT_RESULT("first")) EVENT(TEXT_RESULT("second")))
        ->end = MCP_HOLD;
    call_echo();
    ck_assert_str_eq(bench.text, "first");
    PEER_RUN_UNTIL(bench.loop, server.gone_count == 1);
    ck_assert_uint_eq(mcp_count(&server, "notifications/cancelled"), 0);
}
END_TEST

START_TEST(a_stream_that_ends_leaves_its_connection_to_the_next_call)
{
    mcp_open_and_list("");
    for (int i = 0; i < 5; i++) {
        mcp_script(&server, "tools/call", 200, SSE_TYPE, "id: 1\n" EVENT(TEXT_RESULT("done")));
        call_echo();
        /* As between two steps of a turn: the end of the stream comes right behind the result. */
        for (int turn = 0; turn < 5; turn++)
            loop_run_once(bench.loop, 1);
    }
    ck_assert_int_eq(server.peer.connections, 1);
}
END_TEST

START_TEST(what_a_stream_tells_behind_the_result_is_heard)
{
    struct mcp_held *held;

    mcp_open_and_list("");
    mcp_script(&server, "tools/call", 200, SSE_TYPE, EVENT(TEXT_RESULT("done")))->end = MCP_HOLD;
    call_echo();
    held = mcp_held(&server, "tools/call");
    ck_assert_ptr_nonnull(held);
    mcp_write(held, EVENT(PING), MCP_END);
    PEER_RUN_UNTIL(bench.loop, mcp_count(&server, "response") == 1);
}
END_TEST

START_TEST(progress_is_shown_while_the_call_goes_on)
{
    struct mcp_held *held;
    char event[400];

    mcp_open_and_list("");
    mcp_script(&server, "tools/call", 200, SSE_TYPE, "data:\n\n")->end = MCP_HOLD;
    tool_bench_start(&bench, "echo", "{}", 10000);
    PEER_RUN_UNTIL(bench.loop, (held = mcp_held(&server, "tools/call")) != NULL);
    snprintf(event, sizeof event,
             EVENT(NOTICE("notifications/progress",
                          "{\"progressToken\":%s,\"progress\":1,\"total\":2.5,\"message\":"
                          "\"half\\u001b of \\u676d\"}")),
             held->id);
    mcp_write(held, event, MCP_HOLD);
    PEER_RUN_UNTIL(bench.loop, bench.progress_count == 1);
    ck_assert_str_eq(bench.progress, "1/2.5 half of \xe6\x9d\xad");
    ck_assert_int_eq(bench.done_count, 0);
    /* Tokens that are not ours, and things that are no numbers. */
    mcp_write(held,
              EVENT(NOTICE("notifications/progress", "{\"progressToken\":9999,\"progress\":1}"))
                  EVENT(NOTICE("notifications/progress", "{\"progressToken\":\"$ID\"}"))
                      EVENT(NOTICE("notifications/progress",
                                   "{\"progressToken\":$ID,\"progress\":\"7\",\"total\":{}}"))
                          EVENT(TEXT_RESULT("done")),
              MCP_END);
    PEER_RUN_UNTIL(bench.loop, bench.done_count == 1);
    ck_assert_str_eq(bench.text, "done");
    ck_assert_int_eq(bench.progress_count, 1);
}
END_TEST

/* ---- batches --------------------------------------------------------------------------------- */

#define BATCH                                                                 \
    "[" NOTICE("notifications/message", "{}") ",7," PING                      \
                                              ",{\"jsonrpc\":\"2.0\",\"id\":" \
                                              "999,\"result\":{}}," TEXT_RESULT("in it") "]"

START_TEST(a_batch_is_read_in_the_revision_that_has_them)
{
    server.version = "2025-03-26";
    mcp_open_and_list("");
    mcp_script(&server, "tools/call", 200, JSON_TYPE, BATCH);
    call_echo();
    ck_assert_str_eq(bench.text, "in it");
    PEER_RUN_UNTIL(bench.loop, mcp_count(&server, "response") == 1);
    mcp_script(&server, "tools/call", 200, SSE_TYPE, EVENT(BATCH));
    call_echo();
    ck_assert_str_eq(bench.text, "in it");
}
END_TEST

START_TEST(a_batch_is_no_answer_in_later_revisions)
{
    mcp_open_and_list("");
    mcp_script(&server, "tools/call", 200, JSON_TYPE, BATCH);
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(bench.text, "no JSON-RPC answer"));
    ck_assert_uint_eq(mcp_count(&server, "response"), 0);
}
END_TEST

/* ---- what the server asks -------------------------------------------------------------------- */

START_TEST(ping_is_answered_and_everything_else_refused)
{
    static const struct {
        const char *id, *method, *answer;
    } rows[] = {
        {"\"p-1\"", "ping", "\"result\":{}"},
        {"0", "ping", "\"result\":{}"},
        {"7", "sampling/createMessage", "\"error\":{\"code\":-32601,"},
        {"8", "roots/list", "\"error\":{\"code\":-32601,"},
        {"\"e\"", "elicitation/create", "\"error\":{\"code\":-32601,"},
        {"9", "tasks/list", "\"error\":{\"code\":-32601,"},
        {"10", "notifications/tools/list_changed", "\"error\":{\"code\":-32601,"},
    };

    mcp_open_and_list("");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char body[600], start[100];
        const struct mcp_seen *seen;

        snprintf(body, sizeof body,
                 EVENT("{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"%s\",\"params\":{}}")
                     EVENT(TEXT_RESULT("done")),
                 rows[i].id, rows[i].method);
        mcp_script(&server, "tools/call", 200, SSE_TYPE, body);
        call_echo();
        PEER_RUN_UNTIL(bench.loop, mcp_count(&server, "response") == i + 1);
        seen = mcp_seen(&server, "response", -1);
        snprintf(start, sizeof start, "{\"jsonrpc\":\"2.0\",\"id\":%s,%s", rows[i].id,
                 rows[i].answer);
        ck_assert_msg(strncmp(seen->body, start, strlen(start)) == 0, "%s", seen->body);
        ck_assert_str_eq(seen->version, "2025-11-25");
        ck_assert_str_eq(seen->accept, "application/json, text/event-stream");
    }
}
END_TEST

START_TEST(a_server_that_waits_for_the_answer_gets_it_before_its_own)
{
    struct mcp_held *held;

    mcp_open_and_list("");
    mcp_script(&server, "tools/call", 200, SSE_TYPE,
               EVENT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"elicitation/create\"}"))
        ->end = MCP_HOLD;
    tool_bench_start(&bench, "echo", "{}", 10000);
    PEER_RUN_UNTIL(bench.loop, mcp_count(&server, "response") == 1);
    held = mcp_held(&server, "tools/call");
    ck_assert_ptr_nonnull(held);
    mcp_write(held, EVENT(TEXT_RESULT("without asking")), MCP_END);
    PEER_RUN_UNTIL(bench.loop, bench.done_count == 1);
    ck_assert_str_eq(bench.text, "without asking");
}
END_TEST

START_TEST(requests_with_ids_that_are_none_get_no_answer)
{
    mcp_open_and_list("");
    mcp_script(&server, "tools/call", 200, SSE_TYPE,
               EVENT("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}")
                   EVENT("{\"jsonrpc\":\"2.0\",\"id\":{\"a\":1},\"method\":\"ping\"}")
                       EVENT("{\"jsonrpc\":\"2.0\",\"id\":[],\"method\":\"roots/list\"}")
                           EVENT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}")
                               EVENT(TEXT_RESULT("done")));
    call_echo();
    call_echo();
    ck_assert_uint_eq(mcp_count(&server, "response"), 0);
}
END_TEST

START_TEST(a_flood_of_requests_is_not_answered_with_a_flood)
{
    static char body[200 * 60 + 200];
    size_t used = 0;

    for (int i = 0; i < 200; i++)
        used += (size_t)snprintf(body + used, sizeof body - used,
                                 EVENT("{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"ping\"}"), i);
    snprintf(body + used, sizeof body - used, EVENT(TEXT_RESULT("done")));
    mcp_open_and_list("");
    mcp_script(&server, "tools/call", 200, SSE_TYPE, body);
    call_echo();
    for (int i = 0; i < 50; i++)
        loop_run_once(bench.loop, 1);
    ck_assert_uint_ge(mcp_count(&server, "response"), 1);
    ck_assert_uint_le(mcp_count(&server, "response"), 100);
    /* And goes on afterwards. */
    mcp_script(&server, "tools/call", 200, SSE_TYPE,
               EVENT("{\"jsonrpc\":\"2.0\",\"id\":\"last\",\"method\":\"ping\"}")
                   EVENT(TEXT_RESULT("done")));
    call_echo();
    PEER_RUN_UNTIL(bench.loop, strcmp(mcp_seen(&server, "response", -1)->id, "\"last\"") == 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_call_names_function_arguments_and_progress_token,
        each_request_has_an_id_of_its_own,
        each_kind_of_content_becomes_text,
        members_may_come_in_any_order,
        an_error_of_the_protocol_is_told_with_its_code,
        a_result_may_come_behind_other_messages,
        the_answer_ends_a_stream_that_the_server_keeps_open,
        a_stream_that_ends_leaves_its_connection_to_the_next_call,
        what_a_stream_tells_behind_the_result_is_heard,
        progress_is_shown_while_the_call_goes_on,
        a_batch_is_read_in_the_revision_that_has_them,
        a_batch_is_no_answer_in_later_revisions,
        ping_is_answered_and_everything_else_refused,
        a_server_that_waits_for_the_answer_gets_it_before_its_own,
        requests_with_ids_that_are_none_get_no_answer,
        a_flood_of_requests_is_not_answered_with_a_flood,
        NULL,
    };

    return tool_bench_run("mcp_call", tests, mcp_set_up, mcp_tear_down);
}
