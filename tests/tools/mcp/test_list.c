/* tools/list of the MCP client: pages, limits, tools that cannot be offered, changes. */
#include "server.h"

#include "../../support/run.h"

#include "base/buffer.h"
#include "base/json.h"

#include <json-c/json.h>

#define TOOL(name) "{\"name\":\"" name "\",\"inputSchema\":{\"type\":\"object\"}}"

static void page(const char *tools, const char *more)
{
    static char bodies[64][2000];
    static size_t count;
    char *body = bodies[count++ % 64];

    snprintf(body, sizeof bodies[0], RESULT("{\"tools\":[%s]%s}"), tools, more);
    mcp_script(&server, "tools/list", 200, JSON_TYPE, body);
}

/* The names that are offered, each followed by a blank. */
static const char *names(void)
{
    static char text[4000];
    const struct tool_functions *functions = tool_port_functions(bench.port, NULL);
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < functions->count && used < sizeof text; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s ", functions->items[i].name);
    return text;
}

/* ---- pages ----------------------------------------------------------------------------------- */

START_TEST(pages_are_asked_for_until_there_is_no_cursor)
{
    static const char *const asked[] = {"\"params\":{}}", "\"params\":{\"cursor\":\"p\\u0000 2\"}}",
                                        "\"params\":{\"cursor\":\"\"}}"};

    page(TOOL("a"), ",\"nextCursor\":\"p\\u0000 2\"");
    page(TOOL("b"), ",\"nextCursor\":\"\"");
    page(TOOL("c") "," TOOL("d"), ",\"nextCursor\":null");
    mcp_open_and_list("");
    ck_assert_str_eq(names(), "a b c d ");
    ck_assert_uint_eq(mcp_count(&server, "tools/list"), 3);
    for (int i = 0; i < 3; i++)
        ck_assert_msg(strstr(mcp_seen(&server, "tools/list", i)->body, asked[i]) != NULL, "%s",
                      mcp_seen(&server, "tools/list", i)->body);
}
END_TEST

START_TEST(a_page_that_is_named_twice_is_not_asked_for_again)
{
    page(TOOL("a"), ",\"nextCursor\":\"x\"");
    page(TOOL("b"), ",\"nextCursor\":\"y\"");
    page(TOOL("c"), ",\"nextCursor\":\"x\"");
    mcp_open_and_list("");
    ck_assert_str_eq(names(), "a b c ");
    ck_assert_uint_eq(mcp_count(&server, "tools/list"), 3);
    TOOL_BENCH_LOG_HAS(&bench, "goes in circles");
}
END_TEST

START_TEST(a_list_without_end_is_cut_off)
{
    char more[60], tool[60];

    for (int i = 0; i < 60; i++) {
        snprintf(more, sizeof more, ",\"nextCursor\":\"%d\"", i);
        snprintf(tool, sizeof tool, TOOL("t%d"), i);
        page(tool, more);
    }
    mcp_open_and_list("");
    ck_assert_uint_eq(tool_port_functions(bench.port, NULL)->count, 51);
    ck_assert_uint_eq(mcp_count(&server, "tools/list"), 51);
    TOOL_BENCH_LOG_HAS(&bench, "more pages");
}
END_TEST

START_TEST(more_tools_than_the_host_keeps_are_left_out_by_name)
{
    struct buffer body;
    struct error err = {0};

    buffer_init(&body, 1 << 20);
    ck_assert(
        buffer_add_text(&body, "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{\"tools\":[", &err));
    for (int i = 0; i < 300; i++)
        ck_assert(buffer_printf(&body, &err, "%s" TOOL("t%d"), i == 0 ? "" : ",", i));
    ck_assert(buffer_add_text(&body, "],\"nextCursor\":\"more\"}}", &err));
    mcp_script(&server, "tools/list", 200, JSON_TYPE, body.data);
    mcp_open_and_list("");
    ck_assert_uint_eq(tool_port_functions(bench.port, NULL)->count, 256);
    ck_assert_uint_eq(mcp_count(&server, "tools/list"), 1);
    buffer_clear(&body);
    TOOL_BENCH_LOG_HAS(&bench, "t256");
}
END_TEST

START_TEST(a_list_may_come_as_a_stream)
{
    mcp_script(&server, "tools/list", 200, SSE_TYPE,
               "id: 1\ndata:\n\n" EVENT(NOTICE("notifications/message", "{\"level\":\"info\"}"))
                   EVENT(RESULT("{\"tools\":[" TOOL("streamed") "]}")));
    mcp_open_and_list("");
    ck_assert_str_eq(names(), "streamed ");
}
END_TEST

/* ---- tools ----------------------------------------------------------------------------------- */

START_TEST(a_schema_reaches_the_host_as_it_is)
{
    static const char schema[] =
        "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\","
        "\"$defs\":{\"a\":{\"$anchor\":\"here\",\"type\":\"string\"}},\"properties\":{\"x\":{\"$"
        "ref\":"
        "\"#/$defs/a\"},\"y\":{\"anyOf\":[{\"type\":\"number\"},{\"type\":\"null\"}]}},"
        "\"additionalProperties\":false,\"if\":{\"required\":[\"x\"]},\"then\":{\"required\":"
        "[\"y\"]},\"x-ours\":[1,2.5,\"\\u676d\"]}";
    char tool[800];
    struct json_object *wanted;
    struct error err = {0};

    snprintf(tool, sizeof tool, "{\"name\":\"s\",\"inputSchema\":%s}", schema);
    page(tool, "");
    mcp_open_and_list("");
    wanted = json_parse(schema, strlen(schema), 64, &err);
    ck_assert(
        json_object_equal(wanted, tool_port_functions(bench.port, NULL)->items[0].parameters));
    json_object_put(wanted);
}
END_TEST

START_TEST(a_tool_that_cannot_be_offered_is_left_out_and_the_others_stay)
{
    static const struct {
        const char *tool, *warning;
    } rows[] = {
        {"{\"name\":\"b\",\"inputSchema\":{\"type\":\"objekt\"}}", "b"},
        {"{\"name\":\"b\",\"inputSchema\":{\"properties\":{\"x\":{\"$ref\":\"https://evil.example/"
         "s\"}}}}",
         "$ref"},
        {"{\"name\":\"b\",\"inputSchema\":\"none\"}", "inputSchema"},
        {"{\"name\":\"b\",\"inputSchema\":[]}", "inputSchema"},
        {"{\"name\":\"has space\",\"inputSchema\":{}}", "proper name"},
        {"{\"name\":\"\",\"inputSchema\":{}}", "proper name"},
        {"{\"name\":\"a\\u0000\",\"inputSchema\":{}}", "proper name"},
        {"{\"name\":\"\\u5929\\u6c14\",\"inputSchema\":{}}", "proper name"},
        {"{\"name\":7,\"inputSchema\":{}}", "no name"},
        {"{\"inputSchema\":{}}", "no name"},
        {"7", "no name"},
        {TOOL("first"), "twice"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char tools[600];

        snprintf(tools, sizeof tools, TOOL("first") ",%s," TOOL("last"), rows[i].tool);
        page(tools, "");
        mcp_open_and_list("");
        ck_assert_msg(strcmp(names(), "first last ") == 0, "%s: %s", rows[i].tool, names());
        tool_bench_stop(&bench);
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        TOOL_BENCH_LOG_HAS(&bench, rows[i].warning);
}
END_TEST

START_TEST(names_of_128_characters_and_all_legal_ones_are_kept)
{
    char tools[600], name[129];

    memset(name, 'n', 128);
    name[128] = '\0';
    snprintf(tools, sizeof tools,
             TOOL("%s") "," TOOL("%sn") "," TOOL("A.b_c-1") "," TOOL("a.b_c-1"), name, name);
    page(tools, "");
    mcp_open_and_list("");
    ck_assert_uint_eq(tool_port_functions(bench.port, NULL)->count, 3);
    ck_assert_str_eq(tool_port_functions(bench.port, NULL)->items[0].name, name);
}
END_TEST

START_TEST(a_tool_without_a_schema_takes_any_object)
{
    page("{\"name\":\"a\"}", "");
    mcp_open_and_list("");
    ck_assert_str_eq(names(), "a ");
    ck_assert_int_eq(tool_bench_call(&bench, "a", "{\"x\":1}"), SESAME_OK);
}
END_TEST

START_TEST(a_description_is_cleaned_and_cut)
{
    struct buffer body;
    struct error err = {0};
    const char *description;
    size_t cleaned_len = strlen("one[31mtwo \n");

    buffer_init(&body, 20000);
    ck_assert(buffer_add_text(
        &body,
        "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":{\"tools\":[{\"name\":\"a\",\"description\":"
        "\"one\\u001b[31m\\u202e\\udb40\\udc41\\u0000two \\n",
        &err));
    for (int i = 0; i < 2000; i++)
        ck_assert(buffer_add_text(&body, "\\u676d", &err));
    ck_assert(buffer_add_text(&body, "\"}]}}", &err));
    mcp_script(&server, "tools/list", 200, JSON_TYPE, body.data);
    mcp_open_and_list("");
    description = tool_port_functions(bench.port, NULL)->items[0].description;
    ck_assert_msg(strncmp(description, "one[31mtwo \n\xe6\x9d\xad", cleaned_len + 3) == 0, "%s",
                  description);
    /* Whole characters, 4 KiB at most. */
    ck_assert_uint_eq(strlen(description), cleaned_len + (4096 - cleaned_len) / 3 * 3);
    buffer_clear(&body);
}
END_TEST

START_TEST(only_the_tools_of_the_configuration_are_offered)
{
    page(TOOL("a") "," TOOL("b") "," TOOL("c"), "");
    mcp_open_and_list(",\"tools\":[\"c\",\"a\",\"nowhere\"]");
    ck_assert_str_eq(names(), "a c ");
}
END_TEST

/* ---- answers that are none ------------------------------------------------------------------- */

START_TEST(an_answer_without_tools_is_a_failure_and_not_an_empty_list)
{
    static const struct {
        int status;
        const char *body, *said;
    } rows[] = {
        {200, RESULT("{}"), "no array \"tools\""},
        {200, RESULT("{\"tools\":{}}"), "no array \"tools\""},
        {200, RESULT("7"), "no array \"tools\""},
        {200, RPC_ERROR(-32601, "Method not found"), "Method not found (code -32601)"},
        {500, "{}", "HTTP 500"},
        {200, "{\"jsonrpc\":\"2.0\",\"id\":999,\"result\":{\"tools\":[]}}", "no JSON-RPC answer"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mcp_script(&server, "tools/list", rows[i].status, JSON_TYPE, rows[i].body);
        mcp_open("");
        ck_assert(!tool_bench_wait_for_list(&bench));
        ck_assert_msg(strstr(tool_bench_list_error(&bench), rows[i].said) != NULL, "%s",
                      tool_bench_list_error(&bench));
        tool_bench_stop(&bench);
    }
}
END_TEST

START_TEST(an_empty_list_is_a_list)
{
    page("", "");
    mcp_open_and_list("");
    ck_assert_str_eq(names(), "");
}
END_TEST

/* ---- changes --------------------------------------------------------------------------------- */

#define CHANGED NOTICE("notifications/tools/list_changed", "{}")

START_TEST(a_change_told_on_a_calls_stream_is_listed_before_the_next_turn)
{
    mcp_script(&server, "tools/call", 200, SSE_TYPE, EVENT(CHANGED) EVENT(TEXT_RESULT("done")));
    mcp_open_and_list("");
    tool_bench_prepare(&bench);
    ck_assert_uint_eq(mcp_count(&server, "tools/list"), 1);
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_OK);
    /* Not in the middle of a turn. */
    ck_assert_uint_eq(mcp_count(&server, "tools/list"), 1);
    page(TOOL("fresh"), "");
    tool_bench_prepare(&bench);
    ck_assert_str_eq(names(), "fresh ");
    tool_bench_prepare(&bench);
    ck_assert_uint_eq(mcp_count(&server, "tools/list"), 2);
}
END_TEST

START_TEST(a_change_told_while_listing_is_listed_again)
{
    mcp_script(&server, "tools/list", 200, SSE_TYPE,
               EVENT(CHANGED) EVENT(RESULT("{\"tools\":[" TOOL("stale") "]}")));
    mcp_open_and_list("");
    page(TOOL("fresh"), "");
    tool_bench_prepare(&bench);
    ck_assert_str_eq(names(), "fresh ");
}
END_TEST

START_TEST(a_change_told_on_the_listening_stream_counts_too)
{
    server.announces_changes = true;
    mcp_script(&server, "GET", 200, SSE_TYPE, ": open\n\n")->end = MCP_HOLD;
    mcp_open_and_list(",\"listen\":true");
    PEER_RUN_UNTIL(bench.loop, mcp_held(&server, "GET") != NULL);
    ck_assert_str_eq(mcp_seen(&server, "GET", -1)->accept, SSE_TYPE);
    ck_assert_str_eq(mcp_seen(&server, "GET", -1)->last_event_id, "");
    mcp_write(mcp_held(&server, "GET"),
              EVENT(CHANGED) EVENT("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\"}"), MCP_HOLD);
    PEER_RUN_UNTIL(bench.loop, mcp_count(&server, "response") == 1);
    page(TOOL("fresh"), "");
    tool_bench_prepare(&bench);
    ck_assert_str_eq(names(), "fresh ");
    tool_bench_stop(&bench);
    PEER_RUN_UNTIL(bench.loop, server.gone_count == 1);
}
END_TEST

START_TEST(nobody_listens_unasked_or_where_no_changes_are_announced)
{
    server.announces_changes = true;
    mcp_open_and_list("");
    tool_bench_stop(&bench);
    server.announces_changes = false;
    mcp_open_and_list(",\"listen\":true");
    ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_OK);
    ck_assert_uint_eq(mcp_count(&server, "GET"), 0);
}
END_TEST

START_TEST(a_server_without_a_listening_stream_is_fine)
{
    static const int statuses[] = {405, 404, 400, 500};

    server.announces_changes = true;
    server.session = "s1";
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        mcp_script(&server, "GET", statuses[i], "text/plain", "no");
        mcp_open_and_list(",\"listen\":true");
        PEER_RUN_UNTIL(bench.loop, mcp_count(&server, "GET") == i + 1);
        ck_assert_int_eq(tool_bench_call(&bench, "echo", "{}"), SESAME_OK);
        tool_bench_stop(&bench);
    }
    ck_assert_uint_eq(mcp_count(&server, "initialize"), sizeof statuses / sizeof statuses[0]);
    ck_assert_uint_eq(mcp_count(&server, "GET"), sizeof statuses / sizeof statuses[0]);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        pages_are_asked_for_until_there_is_no_cursor,
        a_page_that_is_named_twice_is_not_asked_for_again,
        a_list_without_end_is_cut_off,
        more_tools_than_the_host_keeps_are_left_out_by_name,
        a_list_may_come_as_a_stream,
        a_schema_reaches_the_host_as_it_is,
        a_tool_that_cannot_be_offered_is_left_out_and_the_others_stay,
        names_of_128_characters_and_all_legal_ones_are_kept,
        a_tool_without_a_schema_takes_any_object,
        a_description_is_cleaned_and_cut,
        only_the_tools_of_the_configuration_are_offered,
        an_answer_without_tools_is_a_failure_and_not_an_empty_list,
        an_empty_list_is_a_list,
        a_change_told_on_a_calls_stream_is_listed_before_the_next_turn,
        a_change_told_while_listing_is_listed_again,
        a_change_told_on_the_listening_stream_counts_too,
        nobody_listens_unasked_or_where_no_changes_are_announced,
        a_server_without_a_listening_stream_is_fine,
        NULL,
    };

    return tool_bench_run("mcp_list", tests, mcp_set_up, mcp_tear_down);
}
