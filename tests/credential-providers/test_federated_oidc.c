/* The federated-oidc plugin: the vendor SDK's captures, a file that rotates, is gone, is wrong. */
#include "bench.h"
#include "captures.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"

#include "../support/files.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct json_object *captures;
static char path[] = "/tmp/sesame-oidc-XXXXXX";

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void set_up(void)
{
    bench_set_up();
    captures = captures_load();
    ck_assert_int_ge(mkstemp(path), 0);
}

static void tear_down(void)
{
    bench_tear_down();
    json_object_put(captures);
    unlink(path);
}

/* A case whose file is ours, with the text it has there. */
static struct json_object *take_case(const char *id, struct json_object **out_capture)
{
    struct json_object *copy = NULL, *files, *authn;
    char full[80];

    snprintf(full, sizeof full, "OIDC/%s", id);
    ck_assert_int_eq(json_object_deep_copy(captures_find(captures, full), &copy, NULL), 0);
    *out_capture = copy;
    files = json_get_object(copy, "files");
    if (files != NULL)
        write_file(member_text(files, "sa-token"));
    authn = json_get_object(json_get_object(copy, "sdk_config"), "authnConfiguration");
    if (member_text(authn, "oidcTokenFilePath") != NULL)
        json_object_object_add(authn, "oidcTokenFilePath", json_object_new_string(path));
    if (json_object_object_length(json_get_object(copy, "environment")) > 0)
        json_object_object_add(json_get_object(copy, "environment"), "MY_TOKEN_FILE",
                               json_object_new_string(path));
    return capture_config(copy);
}

static void open_case(const char *id)
{
    struct json_object *capture;

    bench_open(take_case(id, &capture));
    json_object_put(capture);
}

static void expect_refused(struct json_object *config, const char *name, const char *expected)
{
    struct error err = {0};

    ck_assert(!bench_try(config, &err));
    ck_assert_str_eq(err.name, name);
    ck_assert_msg(strstr(err.message, expected) != NULL, "%s, expected: %s", err.message, expected);
}

/* ---- captures -------------------------------------------------------------------------------- */

START_TEST(requests_equal_the_vendors_captures)
{
    static const char *const ids[] = {"file", "env-path", "exchange"};

    for (size_t i = 0; i < 3; i++) {
        struct json_object *capture;

        take_case(ids[i], &capture);
        capture_replay(capture, NULL);
        json_object_put(capture);
    }
}
END_TEST

/* The SDK sends the line break behind the token too (idaas.md 2.5: trim). */
START_TEST(a_line_break_behind_the_token_is_cut)
{
    struct json_object *capture, *plain;

    take_case("file", &plain);
    take_case("file-trailing-newline", &capture);
    json_object_object_add(capture, "requests", json_object_get(json_get_array(plain, "requests")));
    capture_replay(capture, NULL);
    json_object_put(capture);
    json_object_put(plain);
}
END_TEST

START_TEST(what_the_vendors_sdk_refuses_is_refused_with_what_to_do)
{
    struct json_object *capture, *config = take_case("missing-file", &capture);

    unlink(path);
    expect_refused(config, "OidcTokenNotFound", path);
    expect_refused(config, "OidcTokenNotFound", "there is no such file");
    json_object_put(capture);
    config = take_case("ALIBABA_CLOUD_ACK", &capture);
    expect_refused(config, "UnsupportedClientDeployEnvironment", "KUBERNETES or COMPUTER");
    json_object_put(capture);
}
END_TEST

/* ---- the file -------------------------------------------------------------------------------- */

static void expect_assertion(const char *expected)
{
    struct buffer value;

    bench.seen_count = 0;
    bench_fetch("https://svc.example|read", NULL);
    ck_assert_msg(bench.err.code == ERROR_NONE, "%s", bench.err.message);
    buffer_init(&value, 8192);
    ck_assert(form_field(bench_last()->body, "client_assertion", &value));
    ck_assert_str_eq(value.data, expected);
    buffer_clear(&value);
}

START_TEST(a_file_that_rotates_is_read_anew)
{
    open_case("file");
    write_file("first.to.ken");
    expect_assertion("first.to.ken");
    /* As the kubelet does it: a new file takes the name of the old one. */
    unlink(path);
    write_file("second.to.ken\n");
    expect_assertion("second.to.ken");
}
END_TEST

START_TEST(a_file_that_is_gone_for_a_while_is_tried_again)
{
    open_case("file");
    unlink(path);
    bench_fetch("https://svc.example|read", NULL);
    ck_assert_int_eq(bench.err.code, ERROR_UPSTREAM);
    ck_assert_str_eq(bench.err.name, "OidcTokenNotFound");
    ck_assert_msg(strstr(bench.err.message, path) != NULL, "%s", bench.err.message);
    ck_assert_uint_eq(bench.seen_count, 0);
    write_file("third.to.ken");
    expect_assertion("third.to.ken");
}
END_TEST

START_TEST(what_is_no_token_is_not_sent)
{
    static const char *const texts[] = {"",        "\n",   "hello",   "one.two",
                                        "a.b.c.d", "a..c", "a.b.c d", "{\"token\":\"a.b.c\"}"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct json_object *capture, *config = take_case("file", &capture);

        write_file(texts[i]);
        expect_refused(config, "OidcTokenNotFound", path);
        json_object_put(capture);
    }
}
END_TEST

/* A token with this expiry and nothing else of interest. */
static void write_token_that_expires(int64_t expires_at_s)
{
    struct buffer text;
    struct error err = {0};
    char claims[60], token[200];
    int len = snprintf(claims, sizeof claims, "{\"exp\":%lld}", (long long)expires_at_s);

    buffer_init(&text, 200);
    ck_assert(base64url_encode((const unsigned char *)claims, (size_t)len, &text, &err));
    snprintf(token, sizeof token, "eyJhbGciOiJSUzI1NiJ9.%s.c2ln", text.data);
    write_file(token);
    buffer_clear(&text);
}

/* Nothing in an invalid_client says that the kubelet stopped to renew the token. */
START_TEST(a_refusal_says_that_the_token_is_expired)
{
    open_case("file");
    bench.status = 401;
    bench.body = "{\"error\":\"invalid_client\"}";
    write_token_that_expires(clock_wall_s() - 300);
    bench_fetch("a|b", NULL);
    ck_assert_msg(strstr(bench.err.message, ", which expired 30") != NULL, "%s", bench.err.message);
    write_token_that_expires(clock_wall_s() + 300);
    bench_fetch("a|b", NULL);
    ck_assert_msg(strstr(bench.err.message, "expired") == NULL, "%s", bench.err.message);
    ck_assert_msg(strstr(bench.err.message, "\"fed_oidc\"") != NULL, "%s", bench.err.message);
    ck_assert_msg(strstr(bench.err.message, path) != NULL, "%s", bench.err.message);
}
END_TEST

START_TEST(without_a_path_the_file_of_kubernetes_is_taken)
{
    struct json_object *capture, *config = take_case("env-path", &capture);
    const char *standard = "/var/run/secrets/kubernetes.io/serviceaccount/token";

    unsetenv("MY_TOKEN_FILE");
    if (access(standard, R_OK) != 0)
        expect_refused(config, "OidcTokenNotFound", standard);
    json_object_put(capture);
}
END_TEST

/* The vendor's Java SDK, which the sample agent is made with, takes it (idaas.md 1.1). */
START_TEST(a_computer_may_hold_a_token_file_too)
{
    struct json_object *capture, *config = take_case("file", &capture);

    json_object_object_add(json_get_object(config, "authnConfiguration"), "clientDeployEnvironment",
                           json_object_new_string("computer"));
    bench_open(config);
    json_object_put(capture);
    write_file("four.th.token");
    expect_assertion("four.th.token");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        requests_equal_the_vendors_captures,
        a_line_break_behind_the_token_is_cut,
        what_the_vendors_sdk_refuses_is_refused_with_what_to_do,
        a_file_that_rotates_is_read_anew,
        a_file_that_is_gone_for_a_while_is_tried_again,
        what_is_no_token_is_not_sent,
        a_refusal_says_that_the_token_is_expired,
        without_a_path_the_file_of_kubernetes_is_taken,
        a_computer_may_hold_a_token_file_too,
        NULL,
    };

    return bench_run("federated_oidc", tests, set_up, tear_down);
}
