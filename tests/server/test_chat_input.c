/* Chat requests: which are taken, in which form they go on, and what is said of the others. */
#include "server/chat_input.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"

#include "../support/run.h"

#include <json-c/json.h>
#include <string.h>

#define TWO_CALLS                                                                                \
    "[{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},{" \
    "\"id\":"                                                                                    \
    "\"b\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]"
#define OLD_CALL "{\"role\":\"assistant\",\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"}}"
#define USER "{\"role\":\"user\",\"content\":\"q\"}"

static const struct good {
    const char *body, *messages;
} good[] = {
    {"{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
     "[{\"role\":\"user\",\"content\":\"hi\"}]"},
    {"{\"messages\":[{\"role\":\"developer\",\"content\":\"be "
     "kind\"},{\"role\":\"user\",\"content\":"
     "[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]}]}",
     "[{\"role\":\"system\",\"content\":\"be kind\"},{\"role\":\"user\",\"content\":\"ab\"}]"},
    {"{\"messages\":[{\"role\":\"user\",\"content\":\"q\",\"name\":\"x\"},{\"role\":\"assistant\","
     "\"content\":null,\"reasoning_content\":\"r\"},{\"role\":\"user\",\"content\":\"q2\"}],"
     "\"temperature\":1,\"tools\":[1],\"unknown\":{}}",
     "[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"\"},{\"role\":"
     "\"user\",\"content\":\"q2\"}]"},
    {"{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":"
     "\"\","
     "\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","
     "\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"r\"}]}",
     "[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"\",\"tool_"
     "calls\":"
     "[{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{"
     "\"role\":\"tool\",\"content\":\"r\",\"tool_call_id\":\"a\"}]"},
    {"{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":"
     "null,"
     "\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"}},{\"role\":\"function\",\"name\":"
     "\"f\","
     "\"content\":\"r\"}]}",
     "[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"\",\"tool_"
     "calls\":[{"
     "\"id\":\"call_function_1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
     "\"{}\"}}]},{\"role\":\"tool\",\"content\":\"r\",\"tool_call_id\":\"call_function_1\"}]"},
    {"{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"tool_"
     "calls\":" TWO_CALLS ",\"function_call\":null},{\"role\":\"tool\",\"tool_call_id\":\"b\","
     "\"content\":\"2\"},{\"role\":"
     "\"tool\",\"tool_call_id\":\"a\",\"content\":\"1\"}]}",
     "[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"\",\"tool_"
     "calls\":" TWO_CALLS
     "},{\"role\":\"tool\",\"content\":\"2\",\"tool_call_id\":\"b\"},{\"role\":\"tool\","
     "\"content\":\"1\",\"tool_call_id\":\"a\"}]"},
};

START_TEST(requests_go_on_in_the_models_form)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct chat_input input;
        const char *param;
        struct error err = {0};

        ck_assert_msg(
            chat_input_read(good[i].body, strlen(good[i].body), 32, false, &input, &param, &err),
            "%s: %s", good[i].body, err.message);
        ck_assert_str_eq(json_object_to_json_string_ext(input.messages, JSON_C_TO_STRING_PLAIN),
                         good[i].messages);
        chat_input_clear(&input);
    }
}
END_TEST

static const struct bad {
    const char *body, *code, *param;
} bad[] = {
    {"", "invalid_json", NULL},
    {"[]", "invalid_json", NULL},
    {"{\"messages\":[],\"messages\":[]}", "invalid_json", NULL},
    {"{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]} x", "invalid_json", NULL},
    {"{}", "invalid_value", "messages"},
    {"{\"messages\":{}}", "invalid_value", "messages"},
    {"{\"messages\":[]}", "invalid_value", "messages"},
    {"{\"messages\":[7]}", "invalid_value", "messages"},
    {"{\"messages\":[{\"role\":\"robot\",\"content\":\"\"}]}", "invalid_value", "messages"},
    {"{\"messages\":[{\"role\":\"user\",\"content\":7}]}", "invalid_value", "messages"},
    {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}", "invalid_value",
     "messages"},
    {"{\"messages\":[{\"role\":\"system\",\"content\":\"only\"}]}", "invalid_value", "messages"},
    {"{\"messages\":[{\"role\":\"tool\",\"content\":\"x\"}]}", "invalid_value", "messages"},
    {"{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"tool_calls\":["
     "{"
     "\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"user\","
     "\"content\":\"no answer\"}]}",
     "invalid_value", "messages"},
    {"{\"messages\":[" USER ",{\"role\":\"assistant\",\"tool_calls\":" TWO_CALLS
     "},{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"1\"}]}",
     "invalid_value", "messages"},
    {"{\"messages\":[" USER ",{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"no call\"}]}",
     "invalid_value", "messages"},
    {"{\"messages\":[{\"role\":\"tool\",\"tool_call_id\":\"a\",\"tool_calls\":" TWO_CALLS "}," USER
     "]}",
     "invalid_value", "messages"},
    {"{\"messages\":[" USER ",{\"role\":\"function\",\"name\":\"f\",\"content\":\"no call\"}]}",
     "invalid_value", "messages"},
    {"{\"messages\":[{\"role\":\"function\",\"name\":\"f\",\"content\":\"first\"}," USER "]}",
     "invalid_value", "messages"},
    {"{\"messages\":[" USER "," OLD_CALL "," USER "]}", "invalid_value", "messages"},
    {"{\"messages\":[" USER "," OLD_CALL "]}", "invalid_value", "messages"},
    {"{\"messages\":[" USER
     ",{\"role\":\"assistant\",\"function_call\":{\"name\":\"f\"}},{\"role\":"
     "\"function\",\"name\":\"f\",\"content\":\"r\"}]}",
     "invalid_value", "messages"},
    {"{\"stream\":\"yes\",\"messages\":[]}", "invalid_value", "stream"},
    {"{\"stream_options\":{\"include_usage\":1},\"messages\":[]}", "invalid_value",
     "stream_options"},
    {"{\"n\":2,\"messages\":[]}", "invalid_value", "n"},
};

START_TEST(bad_requests_are_refused_by_name)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct chat_input input;
        const char *param = NULL;
        struct error err = {0};

        ck_assert_msg(
            !chat_input_read(bad[i].body, strlen(bad[i].body), 32, false, &input, &param, &err),
            "%s", bad[i].body);
        ck_assert_msg(strcmp(err.name, bad[i].code) == 0, "%s: %s", bad[i].body, err.name);
        ck_assert_msg((param == NULL) == (bad[i].param == NULL) &&
                          (param == NULL || strcmp(param, bad[i].param) == 0),
                      "%s: %s", bad[i].body, param == NULL ? "(none)" : param);
        chat_input_clear(&input);
    }
}
END_TEST

/* A body of the allowed size may hold tens of thousands of calls; comparing each with each answer
 * would hold a worker up for seconds. */
START_TEST(more_calls_than_a_model_makes_are_refused)
{
    CLEANUP(buffer_clear) struct buffer body;
    struct chat_input input;
    const char *param;
    struct error err = {0}, refused = {0};

    buffer_init(&body, 1 << 20);
    ck_assert(buffer_add_text(
        &body, "{\"messages\":[" USER ",{\"role\":\"assistant\",\"tool_calls\":[", &err));
    for (int i = 0; i < 65; i++)
        ck_assert(buffer_printf(&body, &err,
                                "%s{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}",
                                i == 0 ? "" : ","));
    ck_assert(buffer_add_text(
        &body, "]},{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"r\"}]}", &err));
    ck_assert(!chat_input_read(body.data, body.len, 32, false, &input, &param, &refused));
    ck_assert_ptr_nonnull(strstr(refused.message, "messages[1].tool_calls: more than 64 calls"));
    chat_input_clear(&input);
}
END_TEST

START_TEST(a_missing_stream_is_what_the_host_says)
{
    const char *body = "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"stream\":null}";
    struct chat_input input;
    const char *param;
    struct error err = {0};

    ck_assert(chat_input_read(body, strlen(body), 32, true, &input, &param, &err));
    ck_assert(input.is_stream);
    chat_input_clear(&input);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        requests_go_on_in_the_models_form,
        bad_requests_are_refused_by_name,
        more_calls_than_a_model_makes_are_refused,
        a_missing_stream_is_what_the_host_says,
        NULL,
    };

    return run_tests("chat_input", tests, NULL, NULL);
}
