/* The oauth2 plugin finds its server: the metadata of RFC 8414 and OpenID Connect Discovery. */
#include "bench.h"

#include "base/clock.h"
#include "base/text.h"

#include "../support/run.h"

#include <stdlib.h>
#include <string.h>

#define OAUTH_PATH "/.well-known/oauth-authorization-server/tenant"
#define OPENID_PATH "/tenant/.well-known/openid-configuration"

static const char *metadata_path; /* where it is; NULL: nowhere */
static char metadata[2000];
static int asked;

static void answer(struct http_exchange *exchange)
{
    struct slice path = http_exchange_head(exchange)->path;

    asked++;
    if (metadata_path != NULL && slice_equal_text(path, metadata_path))
        http_exchange_reply(exchange, 200, "application/json", metadata, strlen(metadata));
    else
        http_exchange_reply(exchange, 404, "text/html", "<html>", 6);
}

/* Metadata of the bench's endpoint, in which `format` may name other addresses. */
static void say(const char *issuer, const char *token_endpoint, const char *more)
{
    snprintf(metadata, sizeof metadata, "{\"issuer\":\"%s\",\"token_endpoint\":\"%s\"%s}", issuer,
             token_endpoint, more);
}

static char issuer[200], token_endpoint[200];

static void set_up(void)
{
    bench_set_up();
    bench.answer = answer;
    snprintf(issuer, sizeof issuer, "%s/tenant", bench.endpoint.url);
    snprintf(token_endpoint, sizeof token_endpoint, "%s" BENCH_TOKEN_PATH, bench.endpoint.url);
    metadata_path = OAUTH_PATH;
    asked = 0;
    say(issuer, token_endpoint, "");
}

static void open_plugin(const char *more)
{
    char config[1000];
    struct error err = {0};

    setenv("OAUTH_SECRET", "secret", 1);
    snprintf(config, sizeof config,
             "{\"issuer\":\"%s\",\"client_id\":\"c\",\"authentication\":{\"method\":"
             "\"client_secret_basic\",\"client_secret_env\":\"OAUTH_SECRET\"}%s}",
             issuer, more);
    ck_assert_msg(bench_try_plugin("oauth2", config, &err), "%s", err.message);
}

static void expect_token(void)
{
    ck_assert_msg(bench.err.code == ERROR_NONE, "%s", bench.err.message);
    ck_assert_str_eq(bench.token, "canary-token");
}

static void expect_failure(const char *text)
{
    bench_fetch("read", NULL);
    ck_assert_int_eq(bench.err.code, ERROR_UPSTREAM);
    ck_assert_msg(strstr(bench.err.message, text) != NULL, "%s", bench.err.message);
}

START_TEST(the_well_known_part_stands_before_the_path)
{
    open_plugin("");
    bench_fetch("read", NULL);
    expect_token();
    ck_assert_str_eq(bench.seen[0].target, OAUTH_PATH);
    ck_assert_str_eq(bench.seen[0].method, "GET");
    ck_assert_str_eq(bench_header(&bench.seen[0], "accept"), "application/json");
    ck_assert_str_eq(bench.seen[0].authorization, "");
}
END_TEST

START_TEST(or_behind_it_as_in_openid_connect)
{
    metadata_path = OPENID_PATH;
    open_plugin("");
    bench_fetch("read", NULL);
    expect_token();
    ck_assert_int_eq(asked, 2);
}
END_TEST

START_TEST(or_where_the_configuration_says)
{
    char more[300];

    metadata_path = "/elsewhere";
    snprintf(more, sizeof more, ",\"metadata_url\":\"%s/elsewhere\"", bench.endpoint.url);
    open_plugin(more);
    bench_fetch("read", NULL);
    expect_token();
    ck_assert_int_eq(asked, 1);
}
END_TEST

START_TEST(it_is_read_once_for_all_who_wait_and_kept)
{
    open_plugin("");
    bench_fetch_many("read", NULL, 5);
    expect_token();
    bench_fetch("read", NULL);
    expect_token();
    ck_assert_int_eq(asked, 1);
    ck_assert_uint_eq(bench.seen_count, 7);
}
END_TEST

START_TEST(it_is_read_anew_when_the_endpoint_is_gone_and_the_old_one_serves_meanwhile)
{
    open_plugin("");
    bench_fetch("read", NULL);
    expect_token();
    bench.status = 404;
    bench_fetch("read", NULL);
    ck_assert_int_eq(bench.err.code, ERROR_DENIED);

    /* The server can be asked again, and has no metadata any more. */
    bench.status = 200;
    metadata_path = NULL;
    bench_fetch("read", NULL);
    expect_token();
    ck_assert_int_eq(asked, 3);

    /* Not asked again with each token. */
    bench_fetch("read", NULL);
    expect_token();
    ck_assert_int_eq(asked, 3);
}
END_TEST

START_TEST(without_any_the_message_names_both_places)
{
    char text[400];

    metadata_path = NULL;
    open_plugin("");
    snprintf(text, sizeof text, "%s" OAUTH_PATH ": HTTP 404; %s" OPENID_PATH ": HTTP 404",
             bench.endpoint.url, bench.endpoint.url);
    expect_failure(text);
    ck_assert_str_eq(bench.err.name, "MetadataUnusable");
    metadata_path = OAUTH_PATH;
    bench_fetch("read", NULL);
    expect_token();
}
END_TEST

/* RFC 8414 section 3.3. */
START_TEST(metadata_of_another_issuer_is_refused)
{
    char text[500], other[210];

    snprintf(other, sizeof other, "%s/", issuer);
    say(other, token_endpoint, "");
    open_plugin("");
    snprintf(text, sizeof text, "it says that it is \"%s/\", and \"issuer\" is \"%s\"", issuer,
             issuer);
    expect_failure(text);
    say("https://evil.example", token_endpoint, "");
    expect_failure("https://evil.example");
    snprintf(metadata, sizeof metadata, "{\"token_endpoint\":\"%s\"}", token_endpoint);
    expect_failure("it says that it is \"\"");
}
END_TEST

START_TEST(a_token_endpoint_elsewhere_needs_the_operators_word)
{
    struct peer other;

    peer_open(&other, bench.loop);
    say(issuer, "https://tokens.example/token", "");
    open_plugin("");
    expect_failure("https://tokens.example/token is on another origin than the issuer");
    bench_close();

    say(issuer, other.url, "");
    {
        char more[200];

        snprintf(more, sizeof more, ",\"origins\":[\"https://x.example\",\"%s\"]", other.url);
        open_plugin(more);
    }
    bench_fetch("read", NULL);
    ck_assert_int_eq(other.requests, 1);
    bench_close();
    peer_close(&other);
}
END_TEST

START_TEST(broken_metadata_is_named)
{
    static const char *const cases[][2] = {
        {"<html>", "it is not strict JSON"},
        {"{\"issuer\":\"a\",\"issuer\":\"b\"}", "it is not strict JSON"},
        {"[]", "it says that it is \"\""},
    };

    open_plugin("");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(metadata, sizeof metadata, "%s", cases[i][0]);
        expect_failure(cases[i][1]);
    }
    snprintf(metadata, sizeof metadata, "{\"issuer\":\"%s\"}", issuer);
    expect_failure("it names no token_endpoint");
}
END_TEST

START_TEST(a_refused_client_hears_which_methods_the_server_lists)
{
    say(issuer, token_endpoint,
        ",\"token_endpoint_auth_methods_supported\":[\"private_key_jwt\",\"tls_client_auth\"]");
    open_plugin("");
    bench.status = 401;
    bench.body = "{\"error\":\"invalid_client\"}";
    bench_fetch("read", NULL);
    ck_assert_ptr_nonnull(strstr(bench.err.message,
                                 "it is client_secret_basic, and the server's metadata lists "
                                 "[\"private_key_jwt\",\"tls_client_auth\"]"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_well_known_part_stands_before_the_path,
        or_behind_it_as_in_openid_connect,
        or_where_the_configuration_says,
        it_is_read_once_for_all_who_wait_and_kept,
        it_is_read_anew_when_the_endpoint_is_gone_and_the_old_one_serves_meanwhile,
        without_any_the_message_names_both_places,
        metadata_of_another_issuer_is_refused,
        a_token_endpoint_elsewhere_needs_the_operators_word,
        broken_metadata_is_named,
        a_refused_client_hears_which_methods_the_server_lists,
        NULL,
    };

    return bench_run("oauth2_metadata", tests, set_up, bench_tear_down);
}
