/* Streams with the habits of every known server give the same calls and texts. */
#include "model/chat_stream.h"

#include "base/error.h"

#include "../support/run.h"

#include <stdio.h>
#include <string.h>

static struct chat_stream stream;
static char texts[1000];

static void setup(void)
{
    chat_stream_init(&stream);
    texts[0] = '\0';
}

static void teardown(void)
{
    chat_stream_clear(&stream);
}

static void note(const char *kind, const char *text, size_t len)
{
    size_t used = strlen(texts);

    snprintf(texts + used, sizeof texts - used, "%s:%.*s|", kind, (int)len, text);
}

static void on_reasoning(void *arg, const char *text, size_t len)
{
    (void)arg;
    note("r", text, len);
}

static void on_text(void *arg, const char *text, size_t len)
{
    (void)arg;
    note("t", text, len);
}

static const struct chat_stream_events events = {on_reasoning, on_text};

static void feed(const char *data)
{
    struct error err = {0};

    ck_assert_msg(chat_stream_event(&stream, data, strlen(data), &events, NULL, &err), "%s: %s",
                  data, err.message);
}

/* One event with these tool_calls. */
static void feed_calls(const char *calls)
{
    char data[2000];

    snprintf(data, sizeof data, "{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":%s}}]}",
             calls);
    feed(data);
}

static void end(void)
{
    struct error err = {0};

    ck_assert_msg(chat_stream_end(&stream, &err), "%s", err.message);
}

static void expect_call(size_t at, const char *id, const char *name, const char *arguments)
{
    ck_assert_uint_lt(at, stream.tool_calls.count);
    if (id != NULL)
        ck_assert_str_eq(stream.tool_calls.items[at].id, id);
    ck_assert_str_eq(stream.tool_calls.items[at].name, name);
    ck_assert_str_eq(stream.tool_calls.items[at].arguments.data, arguments);
}

START_TEST(a_stream_of_model_studio_is_read)
{
    feed(
        "{\"choices\":[{\"delta\":{\"content\":null,\"tool_calls\":[{\"index\":0,\"id\":\"call_a\","
        "\"type\":\"function\",\"function\":{\"name\":\"maps_weather\",\"arguments\":\"{"
        "\\\"city\\\":"
        "\"}}],\"role\":\"assistant\"},\"finish_reason\":null,\"index\":0,\"logprobs\":null}],"
        "\"object\":\"chat.completion.chunk\",\"usage\":null,\"created\":1770000000,"
        "\"system_fingerprint\":null,\"model\":\"qwen-plus\",\"id\":\"chatcmpl-x\"}");
    feed(
        "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":\" "
        "\\\"330100\\\"}\"},"
        "\"index\":0,\"id\":\"\",\"type\":\"function\"}]},\"index\":0}]}");
    feed("{\"choices\":[{\"finish_reason\":\"tool_calls\",\"delta\":{},\"index\":0}]}");
    feed(
        "{\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7,\"total_tokens\":"
        "12,"
        "\"completion_tokens_details\":{\"reasoning_tokens\":3}}}");
    feed("[DONE]");
    end();
    ck_assert_uint_eq(stream.tool_calls.count, 1);
    expect_call(0, "call_a", "maps_weather", "{\"city\": \"330100\"}");
    ck_assert(stream.has_usage && stream.usage.total_tokens == 12);
    ck_assert_int_eq(stream.usage.reasoning_tokens, 3);
}
END_TEST

START_TEST(reasoning_comes_before_the_answer_under_either_name)
{
    feed("{\"choices\":[{\"delta\":{\"content\":null,\"reasoning_content\":\"hm\"}}]}");
    feed("{\"choices\":[{\"delta\":{\"reasoning\":\"so\",\"content\":\"\"}}]}");
    feed("{\"choices\":[{\"delta\":{\"content\":\"It is\"}}]}");
    feed("{\"choices\":[{\"delta\":{\"content\":\" sunny\"},\"finish_reason\":\"stop\"}]}");
    end();
    ck_assert_str_eq(texts, "r:hm|r:so|t:It is|t: sunny|");
}
END_TEST

START_TEST(an_index_that_is_always_0_opens_a_call_for_each_new_id)
{
    feed_calls("[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]");
    feed_calls(
        "[{\"index\":0,\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"{\\\"x\\\":\"}}]");
    feed_calls("[{\"index\":0,\"function\":{\"arguments\":\"1}\"}}]");
    feed("[DONE]");
    end();
    ck_assert_uint_eq(stream.tool_calls.count, 2);
    expect_call(0, "a", "f", "{}");
    expect_call(1, "b", "g", "{\"x\":1}");
}
END_TEST

START_TEST(a_missing_index_is_told_by_id_or_name)
{
    feed_calls(
        "[{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":\"}},"
        "{\"function\":{\"arguments\":\"2}\"}},"
        "{\"function\":{\"name\":\"g\",\"arguments\":{\"y\":[1]}}}]");
    feed("[DONE]");
    end();
    ck_assert_uint_eq(stream.tool_calls.count, 2);
    expect_call(0, "a", "f", "{\"x\":2}");
    expect_call(1, NULL, "g", "{\"y\":[1]}");
    ck_assert_ptr_eq(strstr(stream.tool_calls.items[1].id, "call_"), stream.tool_calls.items[1].id);
}
END_TEST

START_TEST(calls_that_are_interleaved_by_index_keep_apart)
{
    feed_calls(
        "[{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"g\"}},"
        "{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\"}}]");
    feed_calls(
        "[{\"index\":0,\"function\":{\"arguments\":\"{\\\"x\\\"\"}},"
        "{\"index\":1,\"function\":{\"arguments\":\"{\\\"y\\\"\"}}]");
    feed_calls(
        "[{\"index\":1,\"function\":{\"arguments\":\":1}\"}},"
        "{\"index\":0,\"function\":{\"arguments\":\":2}\"}},{\"index\":0,\"function\":{}}]");
    feed("[DONE]");
    end();
    expect_call(0, "b", "g", "{\"y\":1}");
    expect_call(1, "a", "f", "{\"x\":2}");
}
END_TEST

START_TEST(a_name_that_is_repeated_is_not_doubled)
{
    feed_calls("[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]");
    feed_calls("[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]");
    feed("[DONE]");
    end();
    ck_assert_uint_eq(stream.tool_calls.count, 1);
    expect_call(0, "a", "f", "{}");
}
END_TEST

START_TEST(arguments_split_at_every_byte_come_out_whole)
{
    static const char arguments[] = "{\"city\":\"Hangzhou\",\"days\":[1,2]}";
    char piece[200], quoted[3];

    feed_calls("[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]");
    for (size_t i = 0; i < sizeof arguments - 1; i++) {
        snprintf(quoted, sizeof quoted, "%s%c", arguments[i] == '"' ? "\\" : "", arguments[i]);
        snprintf(piece, sizeof piece,
                 "[{\"index\":0,\"id\":\"\",\"function\":{\"arguments\":\"%s\"}}]", quoted);
        feed_calls(piece);
    }
    feed("{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}");
    end();
    expect_call(0, "a", "f", arguments);
}
END_TEST

START_TEST(a_stream_that_is_cut_runs_nothing)
{
    struct error err = {0};

    feed_calls("[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]");
    ck_assert(!chat_stream_end(&stream, &err));
    ck_assert_str_eq(err.name, "StreamCut");
}
END_TEST

START_TEST(calls_that_hit_the_length_limit_are_not_run)
{
    feed_calls(
        "[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\"}}]");
    feed("{\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}");
    end();
    ck_assert_uint_eq(stream.tool_calls.count, 0);
    ck_assert_int_eq(stream.finish, FINISH_LENGTH);
}
END_TEST

START_TEST(hostile_numbers_and_sizes_are_refused)
{
    static const char *const bad[] = {
        "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":64,\"id\":\"a\"}]}}]}",
        "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":999999999,\"id\":\"a\"}]}}]}",
        "{\"choices\":[{}]", "not json", "{\"a\":1,\"a\":2}"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error err = {0};

        ck_assert_msg(!chat_stream_event(&stream, bad[i], strlen(bad[i]), &events, NULL, &err),
                      "%s", bad[i]);
    }
}
END_TEST

START_TEST(more_calls_than_allowed_are_refused)
{
    struct error err = {0};
    struct tool_call_piece piece = {.index = -1, .name = slice_of("f")};

    for (int i = 0; i < TOOL_CALL_MAX_COUNT; i++)
        ck_assert(tool_calls_add(&stream.tool_calls, &piece, &err));
    ck_assert(!tool_calls_add(&stream.tool_calls, &piece, &err));
    ck_assert_int_eq(err.code, ERROR_LIMIT);
}
END_TEST

START_TEST(every_shape_of_error_is_read)
{
    static const struct {
        int status;
        const char *body;
        enum error_code code;
        const char *expected;
    } cases[] = {
        {401,
         "{\"error\":{\"message\":\"Incorrect API "
         "key\",\"type\":\"invalid_request_error\",\"param\":"
         "null,\"code\":\"invalid_api_key\"},\"request_id\":\"r-1\"}",
         ERROR_DENIED, "the model answered 401: Incorrect API key (request id r-1)"},
        {400, "data: {\"error\":{\"message\":\"bad\"},\"id\":\"c-2\"}\n\n", ERROR_BAD_INPUT,
         "the model answered 400: bad (request id c-2)"},
        {429, "{\"code\":\"Throttling.RateQuota\",\"message\":\"slow\",\"request_id\":\"r\"}",
         ERROR_RATE_LIMIT, "the model answered 429: slow (request id r)"},
        {500, "{\"error\":{\"code\":500,\"message\":\"m\\nn\",\"type\":\"t\"}}", ERROR_UPSTREAM,
         "the model answered 500: m n"},
        {502, "<html>bad gateway</html>", ERROR_UPSTREAM, "the model answered 502"},
        {503, "", ERROR_UPSTREAM, "the model answered 503"},
        {500, "{\"error\":\"text\"}", ERROR_UPSTREAM, "the model answered 500: text"},
        {0, "{\"error\":{\"message\":\"mid-stream\"}}", ERROR_UPSTREAM,
         "the model reported: mid-stream"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err = {0};

        chat_error_read(cases[i].status, cases[i].body, strlen(cases[i].body), &err);
        ck_assert_str_eq(err.message, cases[i].expected);
        ck_assert_int_eq(err.code, cases[i].code);
    }
}
END_TEST

START_TEST(an_error_in_the_stream_ends_it)
{
    static const char data[] = "{\"error\":{\"message\":\"inspection failed\",\"code\":\"x\"}}";
    struct error err = {0};

    ck_assert(!chat_stream_event(&stream, data, sizeof data - 1, &events, NULL, &err));
    ck_assert_str_eq(err.name, "x");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_stream_of_model_studio_is_read,
                                  reasoning_comes_before_the_answer_under_either_name,
                                  an_index_that_is_always_0_opens_a_call_for_each_new_id,
                                  a_missing_index_is_told_by_id_or_name,
                                  calls_that_are_interleaved_by_index_keep_apart,
                                  a_name_that_is_repeated_is_not_doubled,
                                  arguments_split_at_every_byte_come_out_whole,
                                  a_stream_that_is_cut_runs_nothing,
                                  calls_that_hit_the_length_limit_are_not_run,
                                  hostile_numbers_and_sizes_are_refused,
                                  more_calls_than_allowed_are_refused,
                                  every_shape_of_error_is_read,
                                  an_error_in_the_stream_ends_it,
                                  NULL};

    return run_tests("chat_stream", tests, setup, teardown);
}
