/* Streams with the habits of every known server give the same calls and texts. */
#include "model/chat_stream.h"

#include "base/error.h"

#include "../support/run.h"

#include <stdio.h>
#include <stdlib.h>
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
    /* vLLM sent both for a time: the same text twice. */
    feed("{\"choices\":[{\"delta\":{\"reasoning\":\"!\",\"reasoning_content\":\"!\"}}]}");
    feed("{\"choices\":[{\"delta\":{\"reasoning_content\":null,\"reasoning\":\"?\"}}]}");
    feed("{\"choices\":[{\"delta\":{\"content\":\"It is\"}}]}");
    feed("{\"choices\":[{\"delta\":{\"content\":\" sunny\"},\"finish_reason\":\"stop\"}]}");
    end();
    ck_assert_str_eq(texts, "r:hm|r:so|r:!|r:?|t:It is|t: sunny|");
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

START_TEST(glued_arguments_without_an_id_become_calls_of_their_own)
{
    feed_calls(
        "[{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":\\\"}{\\\\\\\"\\\"}"
        "\"}},"
        "{\"index\":1,\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]");
    feed_calls("[{\"index\":0,\"function\":{\"arguments\":\" {\\\"x\\\":{}}{}\"}}]");
    feed("[DONE]");
    end();
    ck_assert_uint_eq(stream.tool_calls.count, 4);
    expect_call(0, NULL, "f", "{\"x\":\"}{\\\"\"}");
    expect_call(1, NULL, "f", " {\"x\":{}}");
    expect_call(2, NULL, "f", "{}");
    expect_call(3, NULL, "g", "{}");
    ck_assert_str_ne(stream.tool_calls.items[0].id, stream.tool_calls.items[1].id);
}
END_TEST

START_TEST(what_only_looks_glued_is_left_to_the_model)
{
    static const char *const calls[] = {
        "[{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}{}\"}}]",
        "[{\"function\":{\"name\":\"f\",\"arguments\":\"{}{\\\"x\\\":\"}}]",
        "[{\"function\":{\"name\":\"f\",\"arguments\":\"{}{\\\"x\\\":01}\"}}]",
        "[{\"function\":{\"name\":\"f\",\"arguments\":\"{},{}\"}}]",
        "[{\"function\":{\"name\":\"f\",\"arguments\":\"[]{}\"}}]",
        "[{\"function\":{\"name\":\"f\",\"arguments\":\"{}}\"}}]"};

    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        feed_calls(calls[i]);
        feed("[DONE]");
        end();
        ck_assert_msg(stream.tool_calls.count == 1, "%s", calls[i]);
        chat_stream_clear(&stream);
        chat_stream_init(&stream);
    }
}
END_TEST

START_TEST(glued_calls_never_exceed_the_bound)
{
    struct error err = {0};
    struct tool_call_piece piece = {.index = 0, .name = slice_of("f"), .arguments = slice_of("{}")};

    for (int i = 0; i <= TOOL_CALL_MAX_COUNT; i++)
        ck_assert(tool_calls_add(&stream.tool_calls, &piece, &err));
    ck_assert(tool_calls_finish(&stream.tool_calls, &err));
    ck_assert_uint_eq(stream.tool_calls.count, 1);
    buffer_truncate(&stream.tool_calls.items[0].arguments, 2 * TOOL_CALL_MAX_COUNT);
    free(stream.tool_calls.items[0].id);
    stream.tool_calls.items[0].id = NULL;
    ck_assert(tool_calls_finish(&stream.tool_calls, &err));
    ck_assert_uint_eq(stream.tool_calls.count, TOOL_CALL_MAX_COUNT);
}
END_TEST

START_TEST(null_and_empty_members_change_nothing)
{
    feed_calls(
        "[{\"index\":0,\"id\":null,\"function\":{\"name\":null,\"arguments\":null}},"
        "{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]");
    feed_calls("[{\"index\":0,\"id\":\"\",\"type\":null,\"function\":null},{\"index\":0}]");
    feed_calls("[{\"index\":0,\"id\":null,\"function\":{\"name\":\"\",\"arguments\":\"}\"}}]");
    feed_calls("null");
    feed("{\"choices\":[{\"index\":0,\"delta\":null,\"finish_reason\":\"\"}],\"error\":null}");
    feed("{\"choices\":null,\"usage\":null,\"timings\":{\"n\":1}}");
    ck_assert_int_eq(stream.finish, FINISH_NONE);
    feed("[DONE]");
    end();
    ck_assert_uint_eq(stream.tool_calls.count, 1);
    expect_call(0, "a", "f", "{}");
}
END_TEST

START_TEST(an_object_as_arguments_replaces_what_came_before)
{
    feed_calls("[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]");
    feed_calls("[{\"index\":0,\"function\":{\"arguments\":{\"x\":\"y/z\"}}}]");
    feed("[DONE]");
    end();
    expect_call(0, "a", "f", "{\"x\":\"y/z\"}");
}
END_TEST

START_TEST(text_between_the_calls_is_the_answers_text)
{
    feed("{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"I look\"}}]}");
    feed_calls("[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]");
    feed(
        "{\"choices\":[{\"delta\":{\"content\":\" it "
        "up\",\"tool_calls\":[{\"index\":0,\"function\":"
        "{\"arguments\":\"{}\"}}]}}]}");
    feed("[DONE]");
    end();
    ck_assert_str_eq(texts, "t:I look|t: it up|");
    expect_call(0, "a", "f", "{}");
}
END_TEST

START_TEST(arguments_beyond_the_bound_are_refused)
{
    static char half[TOOL_CALL_ARGUMENTS_MAX_BYTES / 2];
    struct tool_call_piece piece = {
        .index = 0, .name = slice_of("f"), .arguments = {half, sizeof half}};
    struct error err = {0};

    memset(half, ' ', sizeof half);
    ck_assert(tool_calls_add(&stream.tool_calls, &piece, &err));
    ck_assert(tool_calls_add(&stream.tool_calls, &piece, &err));
    ck_assert(!tool_calls_add(&stream.tool_calls, &piece, &err));
    ck_assert_int_eq(err.code, ERROR_LIMIT);
}
END_TEST

START_TEST(every_finish_reason_is_known)
{
    static const struct {
        const char *word;
        enum finish_reason expected;
    } cases[] = {{"stop", FINISH_STOP},
                 {"length", FINISH_LENGTH},
                 {"tool_calls", FINISH_TOOL_CALLS},
                 {"function_call", FINISH_TOOL_CALLS},
                 {"content_filter", FINISH_CONTENT_FILTER},
                 {"eos_token", FINISH_STOP}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char data[100];

        snprintf(data, sizeof data, "{\"choices\":[{\"delta\":{},\"finish_reason\":\"%s\"}]}",
                 cases[i].word);
        feed(data);
        ck_assert_int_eq(stream.finish, cases[i].expected);
    }
    /* Without [DONE], but after a reason: complete. */
    end();
}
END_TEST

START_TEST(a_whole_message_in_the_stream_is_an_answer)
{
    feed(
        "{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"hello\",\"tool_calls\":[{"
        "\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
        "\"finish_reason\":\"stop\"}]}");
    end();
    ck_assert_str_eq(texts, "t:hello|");
    expect_call(0, "a", "f", "{}");
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
        /* vLLM: at top level. */
        {400,
         "{\"object\":\"error\",\"message\":\"no "
         "parser\",\"type\":\"BadRequestError\",\"param\":null,"
         "\"code\":400}",
         ERROR_BAD_INPUT, "the model answered 400: no parser"},
        /* Model Studio's own framing, whatever the content type says. */
        {400,
         "id:1\nevent:error\n:HTTP_STATUS/400\ndata:{\"code\":\"InvalidParameter\",\"message\":"
         "\"<400> wrong\",\"request_id\":\"r-3\"}\n\n",
         ERROR_BAD_INPUT, "the model answered 400: <400> wrong (request id r-3)"},
        {500, "event: error\r\ndata: {\"error\":\"text\"}\r\n\r\ndata: [DONE]\r\n\r\n",
         ERROR_UPSTREAM, "the model answered 500: text"},
        {500, ": comment\ndata: {\"message\":\ndata: \"two lines\"}", ERROR_UPSTREAM,
         "the model answered 500: two lines"},
        {502, "event: error\n\n", ERROR_UPSTREAM, "the model answered 502"},
        {200, "{\"error\":{\"message\":\"m\",\"type\":\"invalid_request_error\"}}", ERROR_BAD_INPUT,
         "the model reported: m"},
        {200, "{\"code\":\"Throttling.RateQuota\",\"message\":\"slow\"}", ERROR_RATE_LIMIT,
         "the model reported: slow"},
        {403, "{\"error\":{\"message\":\"quota\",\"code\":\"access_denied\"}}", ERROR_DENIED,
         "the model answered 403: quota"},
        {504, "", ERROR_TIMED_OUT, "the model answered 504"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err = {0};

        chat_error_read(cases[i].status, cases[i].body, strlen(cases[i].body), &err);
        ck_assert_str_eq(err.message, cases[i].expected);
        ck_assert_int_eq(err.code, cases[i].code);
    }
}
END_TEST

START_TEST(a_context_that_is_too_short_has_one_name)
{
    static const struct {
        int status;
        const char *body;
    } cases[] = {
        /* Model Studio, compatible mode and its own; then inside a stream. */
        {400,
         "{\"error\":{\"code\":\"invalid_parameter_error\",\"message\":\"<400> "
         "InternalError.Algo.InvalidParameter: Range of input length should be [1, 983616]\","
         "\"param\":null,\"type\":\"invalid_request_error\"},\"request_id\":\"r\"}"},
        {400,
         "{\"code\":\"InvalidParameter\",\"message\":\"Range of input length should be [1, "
         "6000]\"}"},
        {200,
         "{\"error\":{\"code\":\"invalid_parameter_error\",\"message\":\"Range of input length "
         "should be [1, 30720]\"}}"},
        /* OpenAI, vLLM, llama.cpp, LiteLLM, a gateway. */
        {400, "{\"error\":{\"message\":\"too long\",\"code\":\"context_length_exceeded\"}}"},
        {400,
         "{\"object\":\"error\",\"message\":\"This model's maximum context length is 6048 tokens. "
         "However, you requested 6616 tokens\",\"type\":\"BadRequestError\",\"code\":400}"},
        {400,
         "{\"error\":{\"code\":400,\"message\":\"request (9412 tokens) exceeds the available "
         "context "
         "size (8192 tokens), try increasing it\",\"type\":\"exceed_context_size_error\"}}"},
        {500, "{\"error\":{\"message\":\"litellm.ContextWindowExceededError: x\"}}"},
        {413, "<html>Request Entity Too Large</html>"},
    };
    static const struct {
        int status;
        const char *body;
    } others[] = {
        {400, "{\"error\":{\"message\":\"Range of max_tokens should be [1, 8192]\"}}"},
        {429,
         "{\"error\":{\"message\":\"Request too large for the maximum context length per "
         "minute\"}}"},
        {400, ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err = {0};

        chat_error_read(cases[i].status, cases[i].body, strlen(cases[i].body), &err);
        ck_assert_msg(strcmp(err.name, CHAT_ERROR_TOO_LONG) == 0, "%s: %s", cases[i].body,
                      err.name);
        ck_assert_int_eq(err.code, ERROR_BAD_INPUT);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct error err = {0};

        chat_error_read(others[i].status, others[i].body, strlen(others[i].body), &err);
        ck_assert_msg(strcmp(err.name, CHAT_ERROR_TOO_LONG) != 0, "%s", others[i].body);
    }
}
END_TEST

START_TEST(a_failure_without_an_error_member_ends_the_stream_too)
{
    static const char *const bad[] = {
        "{\"code\":\"DataInspectionFailed\",\"message\":\"m\",\"request_id\":\"r\"}",
        "{\"object\":\"error\",\"message\":\"m\",\"code\":400}", "{\"error\":\"m\"}"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error err = {0};

        ck_assert_msg(!chat_stream_event(&stream, bad[i], strlen(bad[i]), &events, NULL, &err),
                      "%s", bad[i]);
        ck_assert_ptr_nonnull(strstr(err.message, "the model reported: m"));
    }
    feed("{\"error\":false,\"choices\":[]}");
    feed("{\"choices\":[],\"message\":\"note\",\"code\":0}");
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
                                  glued_arguments_without_an_id_become_calls_of_their_own,
                                  what_only_looks_glued_is_left_to_the_model,
                                  glued_calls_never_exceed_the_bound,
                                  null_and_empty_members_change_nothing,
                                  an_object_as_arguments_replaces_what_came_before,
                                  text_between_the_calls_is_the_answers_text,
                                  arguments_beyond_the_bound_are_refused,
                                  every_finish_reason_is_known,
                                  a_whole_message_in_the_stream_is_an_answer,
                                  a_context_that_is_too_short_has_one_name,
                                  a_failure_without_an_error_member_ends_the_stream_too,
                                  a_stream_that_is_cut_runs_nothing,
                                  calls_that_hit_the_length_limit_are_not_run,
                                  hostile_numbers_and_sizes_are_refused,
                                  more_calls_than_allowed_are_refused,
                                  every_shape_of_error_is_read,
                                  an_error_in_the_stream_ends_it,
                                  NULL};

    return run_tests("chat_stream", tests, setup, teardown);
}
