/* The client-secret plugin against the vendor SDK's captures. */
#include "bench.h"
#include "captures.h"

#include "base/json.h"

#include "../support/files.h"
#include "../support/run.h"

#include <stdlib.h>

static void replay(struct json_object *capture)
{
    struct assertion_proof proof = {
        .secret = member_text(json_get_object(capture, "environment"), "IDAAS_CLIENT_SECRET")};

    capture_replay(capture, &proof);
}

/* Basic, form field and assertion; plain, odd characters, several scopes, and the exchange of a
 * user's token by each of the three. */
START_TEST(requests_equal_the_vendors_captures)
{
    struct json_object *captures = captures_load();

    ck_assert_int_eq(captures_each(captures, "CLIENT_SECRET_", replay), 15);
    json_object_put(captures);
}
END_TEST

START_TEST(an_unset_variable_is_refused_by_name)
{
    struct json_object *captures = captures_load();
    struct json_object *config =
        capture_config(captures_find(captures, "CLIENT_SECRET_POST/plain"));
    struct error err = {0};

    unsetenv("IDAAS_CLIENT_SECRET");
    ck_assert(!bench_try(config, &err));
    ck_assert_str_eq(err.name, "ClientSecretNotFound");
    ck_assert_ptr_nonnull(strstr(err.message, "IDAAS_CLIENT_SECRET"));
    json_object_put(captures);
}
END_TEST

START_TEST(the_secrets_variable_is_gone_from_the_environment)
{
    struct json_object *captures = captures_load();

    bench_open(capture_config(captures_find(captures, "CLIENT_SECRET_POST/plain")));
    ck_assert_ptr_null(getenv("IDAAS_CLIENT_SECRET"));
    json_object_put(captures);
}
END_TEST

/* Secrets pasted into files of variables end in a line break as often as not. */
START_TEST(a_line_break_behind_the_secret_is_cut)
{
    struct json_object *captures = captures_load();
    struct json_object *config =
        capture_config(captures_find(captures, "CLIENT_SECRET_POST/plain"));

    setenv("IDAAS_CLIENT_SECRET", "canary-secret\r\n", 1);
    bench_open(config);
    bench_fetch("a|b", NULL);
    ck_assert_msg(strstr(bench_last()->body, "client_secret=canary-secret&") != NULL ||
                      strcmp(strstr(bench_last()->body, "client_secret="),
                             "client_secret=canary-secret") == 0,
                  "%s", bench_last()->body);
    json_object_put(captures);
}
END_TEST

START_TEST(a_request_takes_no_longer_than_the_file_allows)
{
    struct error err = {0};
    char config[600];

    snprintf(config, sizeof config,
             "{\"clientId\":\"app_x\",\"tokenEndpoint\":\"%s" BENCH_TOKEN_PATH
             "\",\"authnConfiguration\":{\"authnMethod\":\"CLIENT_SECRET_POST\","
             "\"clientSecretEnvVarName\":\"IDAAS_CLIENT_SECRET\"},\"httpConfiguration\":{"
             "\"connectTimeout\":20,\"readTimeout\":30}}",
             bench.endpoint.url);
    setenv("IDAAS_CLIENT_SECRET", "canary-secret", 1);
    bench.status = 0;
    ck_assert_msg(bench_try_plugin("client-secret", config, &err), "%s", err.message);
    bench_fetch("a|b", NULL);
    ck_assert_int_eq(bench.err.code, ERROR_TIMED_OUT);
    ck_assert_msg(strstr(bench.err.message, "IDaaS did not answer in time (50 ms)") != NULL, "%s",
                  bench.err.message);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        requests_equal_the_vendors_captures,
        an_unset_variable_is_refused_by_name,
        the_secrets_variable_is_gone_from_the_environment,
        a_line_break_behind_the_secret_is_cut,
        a_request_takes_no_longer_than_the_file_allows,
        NULL,
    };

    return bench_run("client_secret", tests, bench_set_up, bench_tear_down);
}
