/* First-party plugins and the convenience header, in the scripted host. */
#include "../support/run.h"

#include <sesame/plugin_test.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct sesame_test_host *host;

static void open_host(void)
{
    host = sesame_test_host_new(3);
}

static void close_host(void)
{
    for (size_t i = 0; i < sesame_test_fault_count(host); i++)
        ck_abort_msg("a fault: %s", sesame_test_fault(host, i).kind);
    sesame_test_host_free(host);
}

static struct sesame_test_instance *make(const char *library,
                                         const struct sesame_test_options *options)
{
    const char *build = getenv("SESAME_TEST_BUILDDIR");
    struct sesame_test_instance *instance;
    char path[600];

    snprintf(path, sizeof path, "%s/%s", build == NULL ? "." : build, library);
    instance = sesame_test_create(host, sesame_test_load(host, path), options);
    ck_assert_msg(instance != NULL, "%s", sesame_test_error(host));
    return instance;
}

START_TEST(the_simple_tool_answers)
{
    struct sesame_test_instance *tool = make("abi-simple.so", NULL);
    struct sesame_test_call *call = sesame_test_call(tool, "echo", "{\"a\":\"\\\"\"}", NULL);

    ck_assert_int_eq(sesame_test_wait(call), SESAME_OK);
    ck_assert_str_eq(sesame_test_text(call), "{\"a\":\"\\\"\"}\n\t");
    ck_assert_str_eq(sesame_test_progress(call, 0), "echoing");
    call = sesame_test_call(tool, "refuse", "{}", NULL);
    ck_assert_int_eq(sesame_test_wait(call), SESAME_DENIED);
    ck_assert_str_eq(sesame_test_text(call), "refused");
}
END_TEST

START_TEST(http_json_asks_its_service_with_its_credential)
{
    static const char *const names[] = {"billing", NULL}, *const origins[] = {
                                                              "https://billing.example", NULL};
    const struct sesame_test_credential credential = {
        .name = "billing", .secret = "key-of-billing", .origins = origins, .header = "X-Key"};
    const struct sesame_test_options options = {
        .credentials = names,
        .config =
            "{\"server\":\"https://billing.example/v2\",\"path\":\"/customers/{c}/invoices\","
            "\"credential\":\"billing\",\"operation\":{\"operationId\":\"list\",\"summary\":"
            "\"Lists.\",\"parameters\":[{\"name\":\"c\",\"in\":\"path\",\"required\":true,"
            "\"schema\":{\"type\":\"string\"}}]}}"};
    struct sesame_test_instance *tool;
    struct sesame_test_call *call;

    sesame_test_add_credential(host, &credential);
    tool = make(".libs/http-json.so", &options);
    sesame_test_answer_json(host, "https://billing.example/v2/customers/a%2Fb/invoices", 200,
                            "[\"first\"]");
    call = sesame_test_call(tool, "list", "{\"c\":\"a/b\"}", NULL);
    ck_assert_int_eq(sesame_test_wait(call), SESAME_OK);
    ck_assert_str_eq(sesame_test_text(call), "[\"first\"]");
    ck_assert_str_eq(sesame_test_request_header(sesame_test_request(host, 0), "X-Key"),
                     "key-of-billing");
    ck_assert_int_eq(sesame_test_is_error(call), 0);
    sesame_test_answer_json(host, NULL, 422, "no such customer");
    call = sesame_test_call(tool, "list", "{\"c\":\"x\"}", NULL);
    ck_assert_int_eq(sesame_test_wait(call), SESAME_OK);
    ck_assert_int_eq(sesame_test_is_error(call), 1);
}
END_TEST

START_TEST(client_secret_fetches_tokens_and_leaves_nothing_behind)
{
    const struct sesame_test_options options = {
        .config =
            "{\"clientId\":\"agent\",\"tokenEndpoint\":\"https://idaas.example/token\","
            "\"authnConfiguration\":{\"authnMethod\":\"CLIENT_SECRET_POST\","
            "\"clientSecretEnvVarName\":\"KIT_CLIENT_SECRET\"}}"};
    struct sesame_test_instance *provider;
    struct sesame_test_call *call;

    ck_assert_int_eq(setenv("KIT_CLIENT_SECRET", "a very secret word", 1), 0);
    provider = make(".libs/client-secret.so", &options);
    sesame_test_answer_json(
        host, "https://idaas.example/token", 200,
        "{\"access_token\":\"token-one\",\"token_type\":\"Bearer\",\"expires_in\":1200}");
    call = sesame_test_fetch(provider, "https://svc.example|read", NULL);
    ck_assert_int_eq(sesame_test_wait(call), SESAME_OK);
    ck_assert_str_eq(sesame_test_text(call), "token-one");
    ck_assert_int_eq(sesame_test_token(call).expires_in_s, 1200);
    ck_assert_ptr_nonnull(
        strstr(sesame_test_request(host, 0)->body, "client_secret=a+very+secret+word"));
    sesame_test_answer_json(host, NULL, 401, "{\"error\":\"invalid_client\"}");
    call = sesame_test_fetch(provider, "https://svc.example|read", NULL);
    ck_assert_int_eq(sesame_test_wait(call), SESAME_DENIED);
}
END_TEST

START_TEST(mcp_reads_events_that_come_in_pieces)
{
    static const char *const headers[] = {"Content-Type: text/event-stream", NULL};
    static const char *const pieces[] = {
        "event: message\nda", "ta: {\"jsonrpc\":\"2.0\",\"id\":3,\"result\":",
        "{\"content\":[{\"type\":\"text\",\"text\":\"5\"}]}}\n", "\n", NULL};
    const struct sesame_test_options options = {.config = "{\"url\":\"https://mcp.example/mcp\"}"};
    const struct sesame_test_answer accepted = {.http_status = 202}, stream = {.http_status = 200,
                                                                               .headers = headers,
                                                                               .pieces = pieces,
                                                                               .piece_delay_ms = 5};
    struct sesame_test_instance *tool = make(".libs/mcp.so", &options);
    struct sesame_test_call *call;

    sesame_test_answer_json(host, NULL, 200,
                            "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":"
                            "\"2025-06-18\",\"capabilities\":{\"tools\":{}},\"serverInfo\":{"
                            "\"name\":\"x\",\"version\":\"1\"}}}");
    sesame_test_answer(host, &accepted);
    sesame_test_answer_json(host, NULL, 200,
                            "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"tools\":[{\"name\":"
                            "\"add\",\"inputSchema\":{\"type\":\"object\"}}]}}");
    sesame_test_answer(host, &stream);
    call = sesame_test_call(tool, "add", "{}", NULL);
    ck_assert_int_eq(sesame_test_wait(call), SESAME_OK);
    ck_assert_str_eq(sesame_test_text(call), "5");
    ck_assert_uint_eq(sesame_test_request_count(host), 4);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_simple_tool_answers,
                                  http_json_asks_its_service_with_its_credential,
                                  client_secret_fetches_tokens_and_leaves_nothing_behind,
                                  mcp_reads_events_that_come_in_pieces, NULL};

    return run_tests("plugin_test_real", tests, open_host, close_host);
}
