/* The federated-pkcs7 plugin: the vendor SDK's captures of three requests, the document's life. */
#include "bench.h"
#include "captures.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "net/http_parser.h"

#include "../support/files.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define SESSION_PATH "/latest/api/token"
#define DOCUMENT_PATH "/latest/dynamic/instance-identity/pkcs7"
/* What the metadata service said in the captures. */
#define SESSION "meta-token-abc"
#define DOCUMENT "MIIB-pkcs7-document-from-metadata"

static struct json_object *captures;
static int session_status, document_status;
static const char *document;

static void answer_metadata(struct http_exchange *exchange)
{
    struct slice path = http_exchange_head(exchange)->path;

    if (slice_equal_text(path, SESSION_PATH))
        http_exchange_reply(exchange, session_status, "text/plain", SESSION, strlen(SESSION));
    else if (slice_equal_text(path, DOCUMENT_PATH))
        http_exchange_reply(exchange, document_status, "text/plain", document, strlen(document));
    else
        http_exchange_reply(exchange, 404, "text/plain", "", 0);
}

static void set_up(void)
{
    bench_set_up();
    captures = captures_load();
    bench.answer = answer_metadata;
    session_status = document_status = 200;
    document = DOCUMENT;
    setenv("SESAME_ECS_METADATA_ENDPOINT", bench.endpoint.url, 1);
}

static void tear_down(void)
{
    bench_tear_down();
    json_object_put(captures);
}

/* ---- captures -------------------------------------------------------------------------------- */

/* The `audience` in a target's query: JSON, of which the meaning counts, not the spelling. */
static struct json_object *audience_of(const char *target)
{
    struct buffer text;
    struct json_object *audience;
    struct error err = {0};
    const char *value = strstr(target, "?audience=") + strlen("?audience=");

    buffer_init(&text, 2048);
    ck_assert(percent_decode(value, strlen(value), false, &text, &err));
    audience = json_parse(text.data, text.len, 4, &err);
    ck_assert_msg(audience != NULL, "%s", err.message);
    buffer_clear(&text);
    return audience;
}

/* The value of a header in the captured form. */
static const char *captured_header(struct json_object *request, const char *name)
{
    struct json_object *headers = json_get_array(request, "headers");

    for (size_t i = 0; i < json_object_array_length(headers); i++) {
        struct json_object *pair = json_object_array_get_idx(headers, i);

        if (strcasecmp(json_object_get_string(json_object_array_get_idx(pair, 0)), name) == 0)
            return json_object_get_string(json_object_array_get_idx(pair, 1));
    }
    return NULL;
}

static void compare_session_request(struct json_object *wanted)
{
    static const char name[] = "x-aliyun-ecs-metadata-token-ttl-seconds";

    ck_assert_str_eq(bench.seen[0].method, member_text(wanted, "method"));
    ck_assert_str_eq(bench.seen[0].target, member_text(wanted, "target"));
    ck_assert_str_eq(bench.seen[0].body, "");
    ck_assert_str_eq(bench_header(&bench.seen[0], name), captured_header(wanted, name));
}

static void compare_document_request(struct json_object *wanted)
{
    static const char name[] = "x-aliyun-ecs-metadata-token";
    const struct bench_request *request = &bench.seen[1];
    const char *target = member_text(wanted, "target");
    size_t path_len = strcspn(target, "?");
    struct json_object *ours, *theirs = audience_of(target);
    int64_t signing_time_s = 0;

    ck_assert_str_eq(request->method, member_text(wanted, "method"));
    ck_assert_int_eq(strncmp(request->target, target, path_len + strlen("?audience=")), 0);
    ours = audience_of(request->target);
    ck_assert_int_eq(json_object_object_length(ours), json_object_object_length(theirs));
    ck_assert_str_eq(member_text(ours, "aud"), member_text(theirs, "aud"));
    ck_assert(json_get_int64(ours, "signingTime", &signing_time_s));
    ck_assert_int_le(llabs(signing_time_s - clock_wall_s()), 5);
    ck_assert_str_eq(bench_header(request, name), captured_header(wanted, name));
    json_object_put(ours);
    json_object_put(theirs);
}

START_TEST(requests_equal_the_vendors_captures)
{
    static const char *const ids[] = {"PKCS7/ALIBABA_CLOUD_ECS", "PKCS7/exchange"};

    for (size_t i = 0; i < 2; i++) {
        struct json_object *capture = captures_find(captures, ids[i]);
        struct json_object *requests = json_get_array(capture, "requests");

        capture_replay(capture, NULL); /* the token request, and that there are three */
        compare_session_request(json_object_array_get_idx(requests, 0));
        compare_document_request(json_object_array_get_idx(requests, 1));
    }
}
END_TEST

START_TEST(what_the_vendors_sdk_cannot_do_is_refused_with_the_reason)
{
    struct error err = {0};

    ck_assert(!bench_try(capture_config(captures_find(captures, "PKCS7/AWS_EC2")), &err));
    ck_assert_str_eq(err.name, "UnsupportedClientDeployEnvironment");
    ck_assert_msg(strstr(err.message, "Identity documents of AWS are not supported") != NULL, "%s",
                  err.message);
    error_clear(&err);
    ck_assert(!bench_try(capture_config(captures_find(captures, "PKCS7/CUSTOM")), &err));
    ck_assert_str_eq(err.name, "UnsupportedClientDeployEnvironment");
    ck_assert_msg(strstr(err.message, "ALIBABA_CLOUD_ECS with PKCS7") != NULL, "%s", err.message);
}
END_TEST

/* ---- the document ---------------------------------------------------------------------------- */

static void open_provider(void)
{
    bench_open(capture_config(captures_find(captures, "PKCS7/ALIBABA_CLOUD_ECS")));
}

/* A fetch that makes this many requests and sends this document with the last. */
static void expect_requests(size_t count, const char *sent)
{
    struct buffer value;

    bench.seen_count = 0;
    bench_fetch("https://svc.example|read", NULL);
    ck_assert_msg(bench.err.code == ERROR_NONE, "%s", bench.err.message);
    ck_assert_uint_eq(bench.seen_count, count);
    buffer_init(&value, 8192);
    ck_assert(form_field(bench_last()->body, "client_assertion", &value));
    ck_assert_str_eq(value.data, sent);
    buffer_clear(&value);
}

START_TEST(a_document_serves_for_half_an_hour)
{
    open_provider();
    expect_requests(3, DOCUMENT);
    document = "the-second";
    expect_requests(1, DOCUMENT);
    bench.clock_ahead_s = 1790;
    expect_requests(1, DOCUMENT);
    bench.clock_ahead_s = 1801;
    expect_requests(3, "the-second");
}
END_TEST

START_TEST(an_old_document_serves_for_an_hour_while_there_is_no_new_one)
{
    open_provider();
    expect_requests(3, DOCUMENT);
    document_status = 500;
    bench.clock_ahead_s = 1801;
    expect_requests(3, DOCUMENT);
    session_status = 503;
    bench.clock_ahead_s = 3590;
    expect_requests(2, DOCUMENT);
    bench.clock_ahead_s = 3601;
    bench.seen_count = 0;
    bench_fetch("https://svc.example|read", NULL);
    ck_assert_int_eq(bench.err.code, ERROR_UPSTREAM);
    ck_assert_uint_eq(bench.seen_count, 1);
}
END_TEST

START_TEST(a_metadata_service_that_refuses_is_named)
{
    static const struct {
        int session, document;
        const char *said;
    } cases[] = {
        {403, 200, "gave no session token (HTTP 403)"},
        {302, 200, "gave no session token (HTTP 302)"},
        {200, 404, "gave no identity document (HTTP 404)"},
        {200, 204, "gave no identity document (HTTP 204)"},
    };

    open_provider();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        session_status = cases[i].session;
        document_status = cases[i].document;
        document = cases[i].document == 204 ? "" : DOCUMENT;
        bench.seen_count = 0;
        bench_fetch("https://svc.example|read", NULL);
        ck_assert_str_eq(bench.err.name, "AttestedDocumentNotAvailable");
        ck_assert_msg(strstr(bench.err.message, cases[i].said) != NULL, "%s", bench.err.message);
        ck_assert_msg(strstr(bench.err.message, bench.endpoint.url) != NULL, "%s",
                      bench.err.message);
        ck_assert_msg(strstr(bench.err.message, "needs an ECS instance") != NULL, "%s",
                      bench.err.message);
        ck_assert_ptr_null(strstr(bench.err.message, SESSION));
    }
}
END_TEST

START_TEST(a_refusal_by_the_server_names_what_to_check)
{
    open_provider();
    bench.status = 401;
    bench.body = "{\"error\":\"invalid_client\"}";
    bench_fetch("a|b", NULL);
    ck_assert_msg(strstr(bench.err.message, "trusts this machine's account") != NULL, "%s",
                  bench.err.message);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        requests_equal_the_vendors_captures,
        what_the_vendors_sdk_cannot_do_is_refused_with_the_reason,
        a_document_serves_for_half_an_hour,
        an_old_document_serves_for_an_hour_while_there_is_no_new_one,
        a_metadata_service_that_refuses_is_named,
        a_refusal_by_the_server_names_what_to_check,
        NULL,
    };

    return bench_run("federated_pkcs7", tests, set_up, tear_down);
}
