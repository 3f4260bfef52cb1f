/* Allocation failure in everything that reads what others wrote: it fails closed. */
#include "agent/arguments.h"
#include "agent/history.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/json_schema.h"
#include "config/host_config.h"
#include "config/idaas_config.h"
#include "config/problems.h"
#include "jwt/access_token.h"
#include "jwt/jwks.h"
#include "model/chat_stream.h"
#include "net/http_parser.h"
#include "net/sse.h"
#include "server/chat_input.h"

#include "../support/files.h"
#include "../support/run.h"
#include "torture.h"

#include <string.h>

/* ---- HTTP ------------------------------------------------------------------------------------ */

static const char good_request[] =
    "POST /openai/v1/chat/completions?a=b HTTP/1.1\r\nHost: agent.example\r\nAuthorization: "
    "Bearer " TORTURE_CANARY
    "\r\nTransfer-Encoding: chunked\r\nX-1: a\r\nX-2: b\r\nX-3: c\r\nX-4: d\r\n\r\n"
    "5\r\nhello\r\n0\r\n\r\n";
static const char bad_request[] =
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    "0\r\n\r\n";

static void count_body(void *arg, const char *bytes, size_t len)
{
    (void)bytes;
    *(size_t *)arg += len;
}

/* In pieces, as a network gives it. */
static enum http_parser_state feed(struct http_parser *parser, const char *text, size_t len,
                                   size_t *body)
{
    enum http_parser_state state = HTTP_PARSER_HEAD;

    for (size_t at = 0; at < len && (state == HTTP_PARSER_HEAD || state == HTTP_PARSER_BODY);) {
        size_t piece = len - at < 50 ? len - at : 50, used = 0;

        state = http_parser_feed(parser, text + at, piece, &used, count_body, body);
        at += used;
    }
    return state;
}

static bool parse_request(struct error *err)
{
    static const struct http_parser_limits limits = {8192, 100, 1 << 20};
    struct http_parser *good = http_parser_new(&limits), *bad = http_parser_new(&limits);
    size_t body = 0, bad_body = 0;
    bool ok = good != NULL && bad != NULL;

    if (ok) {
        torture_expect(feed(bad, bad_request, sizeof bad_request - 1, &bad_body) ==
                               HTTP_PARSER_ERROR &&
                           bad_body == 0,
                       "a request with two lengths is refused");
        ok = feed(good, good_request, sizeof good_request - 1, &body) == HTTP_PARSER_DONE;
        torture_expect(!ok ||
                           (body == 5 && http_parser_head(good)->field_count == 7 &&
                            slice_equal_text(http_head_find(http_parser_head(good), "x-4"), "d")),
                       "the request is whole");
    }
    http_parser_free(good);
    http_parser_free(bad);
    return ok || error_set(err, ERROR_NO_MEMORY, "no memory for the request");
}

START_TEST(a_request_is_read_whole_or_not_at_all)
{
    torture("http request", parse_request);
}
END_TEST

static bool keep_event(void *arg, const struct sse_event *event)
{
    static const char expected[] = "one line\nand a second one that is longer than the first";

    torture_expect(event->data_len == sizeof expected - 1 &&
                       memcmp(event->data, expected, sizeof expected - 1) == 0,
                   "the event is whole");
    *(int *)arg += 1;
    return true;
}

static bool read_events(struct error *err)
{
    static const char stream[] =
        "id: 1\nevent: message\ndata: one line\ndata: and a second one that is longer than the "
        "first\n\n";
    struct sse_reader *reader = sse_reader_new(4096, err);
    int events = 0;
    bool ok = reader != NULL;

    for (size_t at = 0; ok && at < sizeof stream - 1; at++)
        ok = sse_reader_feed(reader, stream + at, 1, keep_event, &events, err);
    torture_expect(!ok || events == 1, "the event comes once");
    sse_reader_free(reader);
    return ok;
}

START_TEST(an_event_is_read_whole_or_not_at_all)
{
    torture("server-sent events", read_events);
}
END_TEST

/* ---- tokens ---------------------------------------------------------------------------------- */

static struct json_object *vectors;
static const char *good_token;
static const char *const bad_ids[] = {"signature-bit-flipped", "crit-unknown", "duplicate-scope",
                                      "iat-future-beyond-leeway", "typ-logout+jwt"};
#define bad_count (sizeof bad_ids / sizeof bad_ids[0])
static const char *bad_tokens[bad_count];

static const char *token_of(const char *id)
{
    struct json_object *list = json_get_array(vectors, "vectors");

    for (size_t i = 0; i < json_object_array_length(list); i++)
        if (strcmp(member_text(json_object_array_get_idx(list, i), "id"), id) == 0)
            return member_text(json_object_array_get_idx(list, i), "token");
    return NULL;
}

static bool check_tokens(struct error *err)
{
    struct json_object *base = json_get_object(vectors, "default_policy");
    struct access_token_policy policy = {.leeway_s = 60};
    struct access_token_claims claims = {0};
    const char *keys = member_text(vectors, "keys_as_text"), *reason = "";
    struct jwks *jwks = jwks_parse(keys, strlen(keys), err);
    enum access_verdict verdict;

    if (jwks == NULL)
        return false;
    policy.issuer = json_get_string(base, "issuer", NULL);
    policy.audience = json_get_string(base, "audience", NULL);
    policy.scope = json_get_string(base, "required_scope", NULL);
    for (size_t i = 0; i < bad_count; i++) {
        torture_expect(access_token_check(&policy, jwks, slice_of(bad_tokens[i]), 1800000000,
                                          &claims, &reason) != ACCESS_GRANTED,
                       bad_ids[i]);
        access_token_claims_clear(&claims);
    }
    memset(&claims, 0, sizeof claims);
    verdict = access_token_check(&policy, jwks, slice_of(good_token), 1800000000, &claims, &reason);
    torture_expect(verdict != ACCESS_GRANTED ||
                       (claims.sub != NULL && strcmp(claims.sub, "user_test0001") == 0),
                   "who was let in is known");
    access_token_claims_clear(&claims);
    jwks_free(jwks);
    return verdict == ACCESS_GRANTED ||
           error_set(err, ERROR_DENIED, "the token was refused: %s", reason);
}

static void set_up_token(const char *id)
{
    vectors = load_vectors("jwt-inbound.json");
    json_object_object_add(
        vectors, "keys_as_text",
        json_object_new_string(json_object_to_json_string(json_get_object(vectors, "jwks"))));
    good_token = token_of(id);
    ck_assert_ptr_nonnull(good_token);
    for (size_t i = 0; i < bad_count; i++)
        ck_assert_msg((bad_tokens[i] = token_of(bad_ids[i])) != NULL, "no vector %s", bad_ids[i]);
}

START_TEST(a_forged_token_is_never_let_in)
{
    static const char *const ids[] = {"valid-ES256", "escaped-member-and-value"};

    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        set_up_token(ids[i]);
        torture(ids[i], check_tokens);
        json_object_put(vectors);
    }
}
END_TEST

/* ---- configuration --------------------------------------------------------------------------- */

static const char *get_env(void *arg, const char *name)
{
    (void)arg;
    if (strcmp(name, "ENTERPRISE_SERVICE_SCOPE") == 0)
        return "\"https://svc.example|read\"";
    if (strstr(name, "URL") != NULL || strstr(name, "ENDPOINT") != NULL)
        return "https://svc.example/call";
    return strcmp(name, "ACCESS_IDENTITY") == 0 ? "Machine" : "value";
}

static bool load_configuration(struct error *err)
{
    static const struct config_source source = {.get_env = get_env};
    struct problems problems;
    struct host_config *config;
    bool ok;

    problems_init(&problems);
    config = host_config_parse("sesame.json", host_config_built_in(),
                               strlen(host_config_built_in()), &source, &problems);
    ok = config != NULL;
    torture_expect(!ok ||
                       (config->tool_count == 2 && config->credential_count == 3 &&
                        strcmp(config->inbound.audience, "value") == 0 &&
                        strcmp(config->credentials[2].scope, "https://svc.example|read") == 0 &&
                        strstr(config->tools[0].config_json, "https://svc.example/call") != NULL),
                   "the configuration is whole");
    if (!ok && problems.count > 0)
        error_set(err, ERROR_BAD_INPUT, "%s%s", problems.items[0].path, problems.items[0].what);
    else if (!ok && problems.is_cut)
        error_set(err, ERROR_NO_MEMORY, "no memory for the problems");
    host_config_free(config);
    problems_clear(&problems);
    return ok;
}

START_TEST(a_configuration_is_read_whole_or_not_at_all)
{
    torture("host configuration", load_configuration);
}
END_TEST

/* ---- the model's answer, the client's request ------------------------------------------------ */

static void take_text(void *arg, const char *text, size_t len)
{
    (void)text;
    *(size_t *)arg += len;
}

static bool assemble(struct error *err)
{
    static const char *const lines[] = {
        "{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"hello\"}}]}",
        "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"call_a\",\"function\":"
        "{\"name\":\"maps_weather\",\"arguments\":\"{\\\"city\\\":\"}}]}}]}",
        "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"\",\"function\":"
        "{\"arguments\":\"\\\"Hangzhou\\\"}\"}},{\"index\":1,\"function\":{\"name\":\"g\","
        "\"arguments\":{\"x\":[1]}}},{\"index\":2,\"function\":{\"name\":\"h\",\"arguments\":"
        "\"{\\\"a\\\":1}{\\\"b\\\":2}{}\"}}]}}]}",
        "{\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}", "[DONE]"};
    struct chat_stream_events events = {take_text, take_text};
    struct chat_stream stream;
    size_t text = 0;
    bool ok = true;

    chat_stream_init(&stream);
    for (size_t i = 0; ok && i < sizeof lines / sizeof lines[0]; i++)
        ok = chat_stream_event(&stream, lines[i], strlen(lines[i]), &events, &text, err);
    ok = ok && chat_stream_end(&stream, err);
    torture_expect(
        !ok || (text == 5 && stream.tool_calls.count == 5 &&
                strcmp(stream.tool_calls.items[0].arguments.data, "{\"city\":\"Hangzhou\"}") == 0 &&
                strcmp(stream.tool_calls.items[4].arguments.data, "{}") == 0),
        "the calls are whole");
    chat_stream_clear(&stream);
    return ok;
}

START_TEST(tool_calls_are_put_together_whole_or_not_at_all)
{
    torture("chat stream", assemble);
}
END_TEST

static bool read_error(struct error *err)
{
    static const char body[] =
        "id:1\nevent:error\n:HTTP_STATUS/400\ndata:{\"code\":\"InvalidParameter\",\"message\":"
        "\"Range of input length should be [1, 6000]\",\"request_id\":\"r\"}\n\n";
    struct error said = {0};

    chat_error_read(400, body, sizeof body - 1, &said);
    torture_expect(said.code == ERROR_BAD_INPUT, "the status decides without memory too");
    return strcmp(said.name, CHAT_ERROR_TOO_LONG) == 0 ||
           error_set(err, ERROR_NO_MEMORY, "%s", said.message);
}

START_TEST(an_error_of_the_model_is_an_error_without_memory_too)
{
    torture("chat error", read_error);
}
END_TEST

static const char request_body[] =
    "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"messages\":["
    "{\"role\":\"developer\",\"content\":\"be kind to everybody who asks you something\"},"
    "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\","
    "\"text\":\"b\"}]},"
    "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\","
    "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
    "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"result\"},"
    "{\"role\":\"assistant\",\"function_call\":{\"name\":\"g\",\"arguments\":\"{}\"}},"
    "{\"role\":\"function\",\"name\":\"g\",\"content\":\"older\"},"
    "{\"role\":\"user\",\"content\":\"and now?\"}]}";

static bool read_input(struct error *err)
{
    struct chat_input input = {0};
    CLEANUP(buffer_clear) struct buffer out;
    const char *param = NULL;
    bool ok =
        chat_input_read(request_body, sizeof request_body - 1, 32, false, &input, &param, err);

    buffer_init(&out, 1 << 20);
    ok = ok && json_add_value(&out, input.messages, err);
    torture_expect(
        !ok || strcmp(out.data,
                      "[{\"role\":\"system\",\"content\":\"be kind to everybody who asks you "
                      "something\"},{\"role\":\"user\",\"content\":\"ab\"},{\"role\":\"assistant\","
                      "\"content\":\"\",\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\","
                      "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\","
                      "\"content\":\"result\",\"tool_call_id\":\"c1\"},{\"role\":\"assistant\","
                      "\"content\":\"\",\"tool_calls\":[{\"id\":\"call_function_4\",\"type\":"
                      "\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]},{"
                      "\"role\":\"tool\",\"content\":\"older\",\"tool_call_id\":"
                      "\"call_function_4\"},{\"role\":\"user\","
                      "\"content\":\"and now?\"}]") == 0,
        "the messages are whole");
    chat_input_clear(&input);
    return ok;
}

START_TEST(a_chat_request_is_read_whole_or_not_at_all)
{
    torture("chat request", read_input);
}
END_TEST

static struct json_schema *schema;

static bool read_arguments(struct error *err)
{
    static const char text[] = "```json\n\"{\\\"n\\\":\\\"5\\\",\\\"t\\\":7}\"\n```";
    struct json_object *value = arguments_read(text, sizeof text - 1, schema, err);
    int64_t n = 0;
    bool ok = value != NULL;

    torture_expect(!ok || (json_get_int64(value, "n", &n) && n == 5 &&
                           json_get_string(value, "t", NULL) != NULL),
                   "the arguments are what the schema wants");
    json_object_put(value);
    return ok;
}

START_TEST(arguments_are_repaired_or_refused)
{
    CLEANUP(json_cleanup)
    struct json_object *json = json_tokener_parse(
        "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"},\"t\":{\"type\":"
        "\"string\"}},"
        "\"required\":[\"n\",\"t\"]}");
    struct error err = {0};

    schema = json_schema_new(json, &err);
    ck_assert_ptr_nonnull(schema);
    torture("tool arguments", read_arguments);
    json_schema_free(schema);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_request_is_read_whole_or_not_at_all,
        an_event_is_read_whole_or_not_at_all,
        a_forged_token_is_never_let_in,
        a_configuration_is_read_whole_or_not_at_all,
        tool_calls_are_put_together_whole_or_not_at_all,
        an_error_of_the_model_is_an_error_without_memory_too,
        a_chat_request_is_read_whole_or_not_at_all,
        arguments_are_repaired_or_refused,
        NULL,
    };

    return run_tests("torture_core", tests, NULL, NULL);
}
