/* The model follows its protocol and its rules; the map service speaks MCP. */
#include "tests/local-cloud/world.h"

#define CHAT PATH_MODEL "/chat/completions"
#define TOOLS                                                                                  \
    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"maps_weather\"}},{\"type\":"   \
    "\"function\",\"function\":{\"name\":\"maps_geo\"}},{\"type\":\"function\",\"function\":{" \
    "\"name\":\"maps_direction_transit_integrated\"}},{\"type\":\"function\",\"function\":{"   \
    "\"name\":\"enterprise_service_sample\"}}]"

static char *model_key, *map_key;

static void setup(void)
{
    world_open();
    model_key = must_format("Bearer %s", cloud->realm.keys[0].key);
    map_key = must_format("Bearer %s", cloud->realm.keys[1].key);
}

static void teardown(void)
{
    free(model_key);
    free(map_key);
    world_close();
}

static void chat(const char *body)
{
    send_to(SERVICE_MODEL, "POST", CHAT, model_key, "application/json", body);
}

static void ask(const char *question, const char *more)
{
    char *body = must_format(
        "{\"model\":\"qwen-plus\",\"messages\":[{\"role\":\"user\","
        "\"content\":\"%s\"}]," TOOLS "%s}",
        question, more);

    chat(body);
    free(body);
}

/* The calls in a reply that is not streamed, as "name(arguments) ..."; the caller frees it. */
static char *calls_made(void)
{
    struct json_object *value = reply_value();
    struct json_object *calls =
        get(get(json_object_array_get_idx(get(value, "choices"), 0), "message"), "tool_calls");
    char *text = must_copy("");

    for (size_t i = 0; calls != NULL && i < json_object_array_length(calls); i++) {
        struct json_object *function = get(json_object_array_get_idx(calls, i), "function");
        char *longer = must_format("%s%s(%s) ", text, json_get_string(function, "name", NULL),
                                   json_get_string(function, "arguments", NULL));

        free(text);
        text = longer;
    }
    json_object_put(value);
    return text;
}

static const struct {
    const char *question, *more, *calls;
} questions[] = {
    {"What is the weather in Hangzhou right now?", "", "maps_weather({\"city\":\"杭州\"}) "},
    {"杭州现在天气怎么样", "", "maps_weather({\"city\":\"杭州\"}) "},
    {"Call my enterprise service", "", "enterprise_service_sample({}) "},
    {"Weather in Hangzhou and Beijing, and call my enterprise service",
     ",\"parallel_tool_calls\":true",
     "maps_weather({\"city\":\"杭州\"}) maps_weather({\"city\":\"北京\"}) "
     "enterprise_service_sample({}) "},
    {"Weather in Hangzhou and Beijing", "", "maps_weather({\"city\":\"杭州\"}) "},
    {"How do I get from Hangzhou East station to West Lake by metro?",
     ",\"parallel_tool_calls\":true",
     "maps_geo({\"address\":\"Hangzhou East station\",\"city\":\"杭州\"}) "
     "maps_geo({\"address\":\"West Lake\",\"city\":\"杭州\"}) "},
    {"Weather in Hangzhou", ",\"tool_choice\":\"none\"", ""},
    {"Tell me a joke", "", ""},
};

START_TEST(a_question_chooses_its_tools)
{
    char *calls;

    ask(questions[_i].question, questions[_i].more);
    ck_assert_msg(reply.status == 200, "%s", reply.body.data);
    calls = calls_made();
    ck_assert_str_eq(calls, questions[_i].calls);
    free(calls);
}
END_TEST

START_TEST(an_answer_is_worded_from_the_tools_result)
{
    chat(
        "{\"model\":\"qwen-plus\",\"messages\":[{\"role\":\"user\",\"content\":\"weather in "
        "Hangzhou\"},{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"c1\","
        "\"type\":\"function\",\"function\":{\"name\":\"maps_weather\",\"arguments\":"
        "\"{\\\"city\\\":\\\"杭州\\\"}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c1\","
        "\"content\":\"{\\\"forecasts\\\":[{\\\"daytemp\\\":\\\"41\\\"}]}\"}]," TOOLS "}");

    ck_assert_int_eq(reply.status, 200);
    ck_assert_ptr_nonnull(strstr(reply.body.data, "41 °C"));
}
END_TEST

static const struct {
    const char *body;
    int status;
    const char *code;
} refusals[] = {
    {"{", 400, "invalid_parameter_error"},
    {"{\"model\":\"gpt\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", 404,
     "model_not_found"},
    {"{\"model\":\"qwen-plus\",\"messages\":[]}", 400, "invalid_parameter_error"},
    {"{\"model\":\"qwen-plus\",\"enable_thinking\":true,\"messages\":[{\"role\":\"user\","
     "\"content\":\"x\"}]}",
     400, "invalid_parameter_error"},
    {"{\"model\":\"qwen-plus\",\"stream\":true,\"enable_thinking\":true,\"thinking_budget\":100,"
     "\"max_completion_tokens\":100,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
     400, "invalid_parameter_error"},
    {"{\"model\":\"qwen-plus\",\"messages\":[{\"role\":\"assistant\",\"content\":null,"
     "\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\","
     "\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"x\"}]}",
     400, "invalid_parameter_error"},
    {"{\"model\":\"qwen-plus\",\"messages\":[{\"role\":\"assistant\",\"content\":\"\","
     "\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\","
     "\"arguments\":\"{}\"}}]},{\"role\":\"user\",\"content\":\"x\"}]}",
     400, "invalid_parameter_error"},
    {"{\"model\":\"quirk-429\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", 429,
     "Throttling.RateQuota"},
};

START_TEST(a_request_that_model_studio_refuses_is_refused)
{
    struct json_object *value;

    chat(refusals[_i].body);
    ck_assert_int_eq(reply.status, refusals[_i].status);
    value = reply_value();
    ck_assert_str_eq(json_get_string(get(value, "error"), "code", NULL), refusals[_i].code);
    ck_assert_ptr_nonnull(get(value, "request_id"));
    ck_assert_ptr_null(get(get(value, "error"), "request_id"));
    json_object_put(value);
}
END_TEST

START_TEST(a_missing_key_is_refused_before_anything_is_read)
{
    send_to(SERVICE_MODEL, "POST", CHAT, NULL, "application/json", "{");
    ck_assert_int_eq(reply.status, 401);
}
END_TEST

static void stream(const char *model)
{
    char *body = must_format(
        "{\"model\":\"%s\",\"stream\":true,\"messages\":[{\"role\":\"user\","
        "\"content\":\"weather in Hangzhou\"}]," TOOLS "}",
        model);

    chat(body);
    free(body);
    ck_assert_int_eq(reply.status, 200);
}

START_TEST(continuations_of_a_call_carry_an_empty_id)
{
    stream("qwen-plus");
    ck_assert_ptr_nonnull(strstr(reply.body.data, "\"id\":\"\",\"type\":\"function\""));
    ck_assert_ptr_nonnull(strstr(reply.body.data, "data: [DONE]\n\n"));
}
END_TEST

START_TEST(a_stream_can_come_byte_by_byte)
{
    stream("quirk-wire-bytewise+args-bytewise");
    ck_assert_uint_eq(reply.piece_count, reply.body.len);
}
END_TEST

START_TEST(a_stream_can_break_off)
{
    stream("quirk-cut");
    ck_assert_int_eq(reply.ending, REPLY_IS_CUT);
    ck_assert_ptr_null(strstr(reply.body.data, "[DONE]"));
}
END_TEST

START_TEST(exactly_as_many_deltas_as_ordered)
{
    size_t count = 0;

    cloud->switches.model.delta_count = 20;
    cloud->switches.model.delta_delay_ms = 50;
    chat(
        "{\"model\":\"qwen-plus\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":"
        "\"hello\"}]}");
    for (const char *at = reply.body.data; (at = strstr(at, "{\"delta\":{\"content\"")) != NULL;
         at++)
        count++;
    ck_assert_uint_eq(count, 20 + 1); /* and the one with the role */
    ck_assert_int_eq(reply.pieces[1].delay_ms, 50);
}
END_TEST

/* ---- MCP -------------------------------------------------------------------------------------*/

static void rpc(const char *key, const char *body)
{
    send_to(SERVICE_MCP, "POST", PATH_MCP, key, "application/json", body);
}

START_TEST(the_map_service_wants_its_own_key)
{
    rpc(model_key, "{}");
    ck_assert_int_eq(reply.status, 401);
}
END_TEST

START_TEST(initialize_gives_a_session_and_the_version_that_was_asked_for)
{
    cloud->switches.mcp.answer = MCP_ANSWER_JSON;
    rpc(map_key,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
        "\"protocolVersion\":\"2025-06-18\",\"capabilities\":{},\"clientInfo\":{}}}");
    ck_assert_int_eq(reply.status, 200);
    ck_assert_str_eq(reply.headers[0].name, "Mcp-Session-Id");
    ck_assert_ptr_nonnull(strstr(reply.body.data, "\"protocolVersion\":\"2025-06-18\""));
}
END_TEST

START_TEST(a_request_without_the_session_is_refused)
{
    rpc(map_key, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}");
    ck_assert_int_eq(reply.status, 400);
}
END_TEST

START_TEST(fifteen_tools_are_listed_in_pages)
{
    struct json_object *value;

    cloud->switches.mcp.answer = MCP_ANSWER_JSON;
    cloud->switches.mcp.session = false;
    cloud->switches.mcp.page_size = 10;
    rpc(map_key,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"cursor\":"
        "\"10\"}}");
    value = reply_value();
    ck_assert_uint_eq(json_object_array_length(get(get(value, "result"), "tools")), 5);
    ck_assert_ptr_null(get(get(value, "result"), "nextCursor"));
    json_object_put(value);
}
END_TEST

START_TEST(an_unknown_city_is_a_tool_error_in_plain_words)
{
    cloud->switches.mcp.answer = MCP_ANSWER_JSON;
    cloud->switches.mcp.session = false;
    rpc(map_key,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":"
        "\"maps_weather\",\"arguments\":{\"city\":\"Atlantis\"}}}");
    ck_assert_ptr_nonnull(strstr(reply.body.data, "Get weather failed: INVALID_PARAMS"));
    ck_assert_ptr_nonnull(strstr(reply.body.data, "\"isError\":true"));
}
END_TEST

START_TEST(a_call_that_is_closed_early_leaves_an_id_to_come_back_with)
{
    cloud->switches.mcp.session = false;
    cloud->switches.mcp.close_mid_call = true;
    rpc(map_key,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":"
        "\"maps_weather\",\"arguments\":{\"city\":\"330100\"}}}");
    ck_assert_int_eq(strncmp(reply.body.data, "id: ", 4), 0);
    ck_assert_ptr_nonnull(strstr(reply.body.data, "retry: 50\n"));
    ck_assert_ptr_null(strstr(reply.body.data, "forecasts"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("services");
    TCase *all = tcase_create("all");

    tcase_set_timeout(all, 60); /* machines under load */
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_loop_test(all, a_question_chooses_its_tools, 0,
                        sizeof questions / sizeof questions[0]);
    tcase_add_test(all, an_answer_is_worded_from_the_tools_result);
    tcase_add_loop_test(all, a_request_that_model_studio_refuses_is_refused, 0,
                        sizeof refusals / sizeof refusals[0]);
    tcase_add_test(all, a_missing_key_is_refused_before_anything_is_read);
    tcase_add_test(all, continuations_of_a_call_carry_an_empty_id);
    tcase_add_test(all, a_stream_can_come_byte_by_byte);
    tcase_add_test(all, a_stream_can_break_off);
    tcase_add_test(all, exactly_as_many_deltas_as_ordered);
    tcase_add_test(all, the_map_service_wants_its_own_key);
    tcase_add_test(all, initialize_gives_a_session_and_the_version_that_was_asked_for);
    tcase_add_test(all, a_request_without_the_session_is_refused);
    tcase_add_test(all, fifteen_tools_are_listed_in_pages);
    tcase_add_test(all, an_unknown_city_is_a_tool_error_in_plain_words);
    tcase_add_test(all, a_call_that_is_closed_early_leaves_an_id_to_come_back_with);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
