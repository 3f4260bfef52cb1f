/* Streams that end before the answer: the MCP client goes on with them, or says why not. */
#include "server.h"

#include "../../support/run.h"

#include "base/buffer.h"

/* A stream of `body`, cut off behind it. */
static void script_cut(const char *to, const char *body, enum mcp_end end)
{
    mcp_script(&server, to, 200, SSE_TYPE, body)->end = end;
}

static void expect_failure(const char *words)
{
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_UNAVAILABLE);
    ck_assert_msg(strstr(bench.text, words) != NULL, "%s", bench.text);
    ck_assert_uint_eq(mcp_count(&server, "tools/call"), 1);
}

#define ANSWER_OF(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" TEXT_CONTENT("resumed") "}"

/* The call is the third request with an id: initialize, tools/list, tools/call. */
#define CALL_ID "3"

START_TEST(a_closed_stream_is_gone_on_with_from_its_last_event)
{
    const struct mcp_seen *get;

    server.session = "s1";
    mcp_open_and_list("");
    script_cut("tools/call", "id: e-1\nretry: 30\ndata:\n\n", MCP_END);
    script_cut("GET", "id: e-2\n" EVENT(ANSWER_OF(CALL_ID)), MCP_HOLD);
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_OK);
    ck_assert_str_eq(bench.text, "resumed");
    get = mcp_seen(&server, "GET", -1);
    ck_assert_str_eq(get->last_event_id, "e-1");
    ck_assert_str_eq(get->accept, "text/event-stream");
    ck_assert_str_eq(get->type, "");
    ck_assert_str_eq(get->session, "s1");
    ck_assert_str_eq(get->version, "2025-11-25");
    ck_assert_str_eq(get->body, "");
    ck_assert_int_ge(get->at_ms - mcp_seen(&server, "tools/call", -1)->at_ms, 30);
    /* The request itself is never sent again: the server is at work on it. */
    ck_assert_uint_eq(mcp_count(&server, "tools/call"), 1);
    PEER_RUN_UNTIL(bench.loop, server.gone_count == 1);
}
END_TEST

START_TEST(a_broken_connection_is_the_same_as_a_closed_stream)
{
    mcp_open_and_list("");
    script_cut("tools/call", "id: e-1\nretry: 1\ndata:\n\n: more\n\n", MCP_BREAK);
    script_cut("GET", EVENT(ANSWER_OF(CALL_ID)), MCP_END);
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_OK);
    ck_assert_str_eq(bench.text, "resumed");
}
END_TEST

START_TEST(an_event_cut_in_its_middle_does_not_spoil_the_next_stream)
{
    mcp_open_and_list("");
    script_cut("tools/call",
               "id: e-1\nretry: 1\ndata:\n\nid: e-2\ndata: {\"jsonrpc\":\"2.0\",\"id\"", MCP_END);
    script_cut("GET", "\xef\xbb\xbf" EVENT(ANSWER_OF(CALL_ID)), MCP_END);
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_OK);
    ck_assert_str_eq(bench.text, "resumed");
    ck_assert_str_eq(mcp_seen(&server, "GET", -1)->last_event_id, "e-1");
}
END_TEST

START_TEST(a_stream_may_be_closed_as_often_as_it_brings_something_new)
{
    static char events[30][60];
    char last[20];

    mcp_open_and_list("");
    script_cut("tools/call", "id: 0\nretry: 1\ndata:\n\n", MCP_END);
    for (int i = 0; i < 30; i++) {
        snprintf(events[i], sizeof events[i], "id: %d\ndata:\n\n", i + 1);
        script_cut("GET", events[i], MCP_END);
    }
    script_cut("GET", EVENT(ANSWER_OF(CALL_ID)), MCP_END);
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_OK);
    ck_assert_uint_eq(mcp_count(&server, "GET"), 31);
    for (int i = 0; i < 31; i++) {
        snprintf(last, sizeof last, "%d", i);
        ck_assert_str_eq(mcp_seen(&server, "GET", i)->last_event_id, last);
    }
}
END_TEST

START_TEST(going_on_in_vain_has_an_end)
{
    mcp_open_and_list("");
    script_cut("tools/call", "id: 0\nretry: 0\ndata:\n\n", MCP_END);
    for (int i = 0; i < 100; i++)
        script_cut("GET", "id: 0\ndata:\n\n", MCP_END);
    expect_failure("many times in a row");
    ck_assert_uint_eq(mcp_count(&server, "GET"), 20);
    /* The server may still be at work on it. */
    PEER_RUN_UNTIL(bench.loop, mcp_count(&server, "notifications/cancelled") == 1);
}
END_TEST

START_TEST(a_server_that_is_busy_for_a_moment_is_asked_again)
{
    mcp_open_and_list("");
    script_cut("tools/call", "id: 0\nretry: 1\ndata:\n\n", MCP_END);
    mcp_script(&server, "GET", 503, "text/html", "<html>busy</html>");
    mcp_script(&server, "GET", 429, NULL, NULL);
    script_cut("GET", EVENT(ANSWER_OF(CALL_ID)), MCP_END);
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_OK);
    ck_assert_uint_eq(mcp_count(&server, "GET"), 3);
}
END_TEST

START_TEST(a_refused_get_ends_the_call_and_never_repeats_it)
{
    static const int statuses[] = {405, 404, 400};

    server.session = "s1";
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        char words[20];

        mcp_open_and_list("");
        script_cut("tools/call", "id: 0\nretry: 1\ndata:\n\n", MCP_END);
        mcp_script(&server, "GET", statuses[i], JSON_TYPE, RPC_ERROR(-32001, "Session not found"));
        ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_UNAVAILABLE);
        snprintf(words, sizeof words, "HTTP %d", statuses[i]);
        ck_assert_msg(strstr(bench.text, words) != NULL &&
                          strstr(bench.text, "cannot be gone on with") != NULL,
                      "%s", bench.text);
        ck_assert_uint_eq(mcp_count(&server, "tools/call"), i + 1);
        ck_assert_uint_eq(mcp_count(&server, "initialize"), i + 1);
        tool_bench_stop(&bench);
    }
}
END_TEST

START_TEST(a_stream_without_an_id_cannot_be_gone_on_with)
{
    static const char *const bodies[] = {"",
                                         ": nothing\n\n",
                                         "data:\n\n",
                                         "id: 1\n",
                                         "id: 1\ndata:\n\nid:\ndata:\n\n",
                                         EVENT("{\"jsonrpc\":\"2.0\",\"id\":999,\"result\":{}}")};

    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        mcp_open_and_list("");
        script_cut("tools/call", bodies[i], i % 2 == 0 ? MCP_END : MCP_BREAK);
        ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_UNAVAILABLE);
        if (i % 2 == 0)
            ck_assert_msg(strstr(bench.text, "no event id") != NULL, "%zu: %s", i, bench.text);
        PEER_RUN_UNTIL(bench.loop, mcp_count(&server, "notifications/cancelled") == i + 1);
        tool_bench_stop(&bench);
    }
    ck_assert_uint_eq(mcp_count(&server, "GET"), 0);
}
END_TEST

START_TEST(a_pause_beyond_the_deadline_is_not_waited_for)
{
    int64_t began_ms = clock_monotonic_ms();

    mcp_open_and_list("");
    script_cut("tools/call", "id: 0\nretry: 99999999999\ndata:\n\n", MCP_END);
    expect_failure("no time left");
    ck_assert_int_lt(clock_monotonic_ms() - began_ms, 10000);
    ck_assert_uint_eq(mcp_count(&server, "GET"), 0);
}
END_TEST

START_TEST(a_call_is_cancelled_while_its_stream_pauses)
{
    mcp_open_and_list("");
    script_cut("tools/call", "id: 0\nretry: 5000\ndata:\n\n", MCP_END);
    tool_bench_start(&bench, "echo", "{}", 10000);
    PEER_RUN_UNTIL(bench.loop, mcp_count(&server, "tools/call") == 1);
    for (int i = 0; i < 20; i++)
        loop_run_once(bench.loop, 1);
    tool_run_cancel(bench.run);
    PEER_RUN_UNTIL(bench.loop, mcp_count(&server, "notifications/cancelled") == 1);
    ck_assert_int_eq(bench.done_count, 0);
    ck_assert_uint_eq(mcp_count(&server, "GET"), 0);
}
END_TEST

START_TEST(initialize_and_lists_are_gone_on_with_too)
{
    script_cut("initialize", "id: i\nretry: 1\ndata:\n\n", MCP_END);
    script_cut("GET",
               EVENT("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":\"2025-11-25\","
                     "\"capabilities\":{}}}"),
               MCP_END);
    script_cut("tools/list", "id: l\nretry: 1\ndata:\n\n", MCP_END);
    script_cut("GET",
               EVENT("{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"tools\":[{\"name\":\"late\"}]}}"),
               MCP_END);
    mcp_open_and_list("");
    ck_assert_str_eq(tool_port_functions(bench.port, NULL)->items[0].name, "late");
    ck_assert_str_eq(mcp_seen(&server, "GET", 0)->last_event_id, "i");
    ck_assert_str_eq(mcp_seen(&server, "GET", 1)->last_event_id, "l");
}
END_TEST

/* ---- size ------------------------------------------------------------------------------------ */

/* A response whose text has `len` letters; the caller frees. */
static char *big_answer(const char *before, size_t len, const char *behind)
{
    struct buffer body;
    struct error err = {0};

    buffer_init(&body, 16 << 20);
    ck_assert(buffer_add_text(&body, before, &err));
    for (size_t i = 0; i < len; i += 64)
        ck_assert(buffer_add_text(
            &body, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", &err));
    ck_assert(buffer_add_text(&body, behind, &err));
    return body.data;
}

#define BIG_BEGIN \
    "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\""
#define BIG_END "\"}]}}"

START_TEST(large_answers_pass_and_larger_ones_are_refused_once)
{
    char *large = big_answer(BIG_BEGIN, 3 << 20, BIG_END);
    char *huge = big_answer(BIG_BEGIN, 5 << 20, BIG_END);
    char *huge_event = big_answer("id: 1\nretry: 1\ndata: " BIG_BEGIN, 5 << 20, BIG_END "\n\n");

    mcp_open_and_list("");
    mcp_script(&server, "tools/call", 200, JSON_TYPE, large);
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_OK);
    ck_assert_uint_eq(bench.text_len, 3 << 20);
    mcp_script(&server, "tools/call", 200, JSON_TYPE, huge);
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_LIMIT);
    mcp_script(&server, "tools/call", 200, SSE_TYPE, huge_event);
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_LIMIT);
    ck_assert_uint_eq(mcp_count(&server, "tools/call"), 3);
    ck_assert_uint_eq(mcp_count(&server, "GET"), 0);
    free(large);
    free(huge);
    free(huge_event);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_closed_stream_is_gone_on_with_from_its_last_event,
        a_broken_connection_is_the_same_as_a_closed_stream,
        an_event_cut_in_its_middle_does_not_spoil_the_next_stream,
        a_stream_may_be_closed_as_often_as_it_brings_something_new,
        going_on_in_vain_has_an_end,
        a_server_that_is_busy_for_a_moment_is_asked_again,
        a_refused_get_ends_the_call_and_never_repeats_it,
        a_stream_without_an_id_cannot_be_gone_on_with,
        a_pause_beyond_the_deadline_is_not_waited_for,
        a_call_is_cancelled_while_its_stream_pauses,
        initialize_and_lists_are_gone_on_with_too,
        large_answers_pass_and_larger_ones_are_refused_once,
        NULL,
    };

    return tool_bench_run("mcp_stream", tests, mcp_set_up, mcp_tear_down);
}
