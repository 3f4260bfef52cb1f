/* Chat requests: which are taken, in which form they go on, and what is said of the others. */
#include "server/chat_input.h"

#include "base/error.h"

#include "../support/run.h"

#include <json-c/json.h>
#include <string.h>

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
        a_missing_stream_is_what_the_host_says,
        NULL,
    };

    return run_tests("chat_input", tests, NULL, NULL);
}
