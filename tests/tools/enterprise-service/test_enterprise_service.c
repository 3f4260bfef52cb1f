/* The enterprise-service plugin, built and loaded, against a scripted service over loopback HTTP.
 */
#include "../../support/run.h"
#include "../../support/tool_bench.h"

#include "base/buffer.h"
#include "base/text.h"

static struct tool_bench bench;
static struct peer service;
static struct {
    int status;
    const char *type, *body;
    size_t body_len; /* 0: up to the NUL */
} next;
static int refusals;   /* so many times 401 before `next` */
static bool is_silent; /* never answers */
static char method[16], type_seen[80];
static struct http_exchange *held;
static int gone_count;

static char *origins[] = {service.url};
static char *credential_names[] = {(char[]){"enterprise"}};
static struct credential_config credentials[] = {
    {.name = (char[]){"enterprise"},
     .kind = CREDENTIAL_ACCESS_TOKEN,
     .identifier = (char[]){""},
     .scope = (char[]){"https://svc.example|call"},
     .origins = origins,
     .origin_count = 1,
     .attach_header = (char[]){"Authorization"},
     .attach_prefix = (char[]){"Bearer "},
     .attach_query = (char[]){""}},
};

static void on_gone(void *arg, const char *reason)
{
    (void)arg;
    (void)reason;
    held = NULL;
    gone_count++;
}

static void answer(struct peer *peer, struct http_exchange *exchange)
{
    const struct http_head *head = http_exchange_head(exchange);
    struct slice type = http_head_find(head, "content-type");

    (void)peer;
    snprintf(method, sizeof method, "%.*s", (int)head->method.len, head->method.data);
    snprintf(type_seen, sizeof type_seen, "%.*s", (int)type.len, type.len == 0 ? "" : type.data);
    if (is_silent) {
        held = exchange;
        http_exchange_set_owner(exchange, on_gone, NULL);
    } else if (refusals > 0) {
        refusals--;
        http_exchange_reply(exchange, 401, NULL, "", 0);
    } else {
        http_exchange_reply(exchange, next.status, next.type, next.body,
                            next.body_len > 0 ? next.body_len : strlen(next.body));
    }
}

static void say(int status, const char *type, const char *body)
{
    next.status = status;
    next.type = type;
    next.body = body;
    next.body_len = 0;
}

static void set_up(void)
{
    tool_bench_init(&bench, credentials, 1);
    bench.config.credentials = credential_names;
    bench.config.credential_count = 1;
    peer_open(&service, bench.loop);
    service.answer = answer;
    say(200, "text/plain", "fine");
    refusals = gone_count = 0;
    is_silent = false;
}

static void tear_down(void)
{
    tool_bench_stop(&bench);
    peer_close(&service);
    tool_bench_close(&bench);
}

/* Opens it for `path` with `more` members of configuration, which begin with a comma. */
static void open_service(const char *path, const char *more)
{
    char config[900];

    snprintf(config, sizeof config, "{\"url\":\"%s%s\",\"credential\":\"enterprise\"%s}",
             service.url, path, more);
    tool_bench_open(&bench, "enterprise-service", config);
    ck_assert_msg(tool_bench_wait_for_list(&bench), "%s", tool_bench_list_error(&bench));
}

static int32_t call(const char *arguments)
{
    return tool_bench_call(&bench, tool_port_functions(bench.port, NULL)->items[0].name, arguments);
}

/* ---- what is sent ---------------------------------------------------------------------------- */

START_TEST(the_default_is_the_guides_sample_service)
{
    open_service("/sample", "");
    ck_assert_uint_eq(tool_port_functions(bench.port, NULL)->count, 1);
    ck_assert_str_eq(tool_port_functions(bench.port, NULL)->items[0].name,
                     "enterprise_service_sample");
    ck_assert_int_eq(call("{}"), SESAME_OK);
    ck_assert_str_eq(bench.text, "fine");
    ck_assert(!bench.is_error);
    ck_assert_str_eq(method, "POST");
    ck_assert_str_eq(service.last_target, "/sample");
    ck_assert_str_eq(service.last_body, "");
    ck_assert_str_eq(type_seen, "");
    ck_assert_str_eq(service.last_authorization, "Bearer canary-token-1");
}
END_TEST

START_TEST(arguments_fill_the_places_of_url_and_body)
{
    static const struct {
        const char *path, *more, *arguments, *target, *body;
    } rows[] = {
        {"/o/{{n}}?q={{q}}", ",\"method\":\"GET\"", "{\"n\":\"a b/../c\",\"q\":\"x&y=z\"}",
         "/o/a%20b%2F..%2Fc?q=x%26y%3Dz", ""},
        {"/o/{{n}}", ",\"method\":\"DELETE\"", "{\"n\":12}", "/o/12", ""},
        {"/o/{{n}}", "", "{\"n\":\"\\u676d\\u5dde\"}", "/o/%E6%9D%AD%E5%B7%9E", ""},
        {"/o/{{n}}x", "", "{\"n\":\"a\\u0000b\"}", "/o/a%00bx", ""},
        {"/o/{{n}}", "", "{}", "/o/", ""},
        {"/", ",\"body\":\"{\\\"a\\\":{{a}},\\\"b\\\":{{b}}}\"", "{\"a\":\"x\\\"y\",\"b\":[1]}",
         "/", "{\"a\":\"x\\\"y\",\"b\":[1]}"},
        {"/", ",\"body\":\"{\\\"a\\\":{{a}}}\"", "{}", "/", "{\"a\":null}"},
        {"/", ",\"body\":\"{{*}}\"", "{\"a\":1,\"b\":\"c\"}", "/", "{\"a\":1,\"b\":\"c\"}"},
        {"/",
         ",\"method\":\"PUT\",\"body\":\"a={{a}}&b=1\","
         "\"content_type\":\"application/x-www-form-urlencoded\"",
         "{\"a\":\"1 & 2\"}", "/", "a=1%20%26%202&b=1"},
        {"/", ",\"body\":\"{{a}}\"", "{\"a\":\"{{b}}\",\"b\":\"inner\"}", "/", "\"{{b}}\""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        open_service(rows[i].path, rows[i].more);
        ck_assert_int_eq(call(rows[i].arguments), SESAME_OK);
        ck_assert_str_eq(service.last_target, rows[i].target);
        ck_assert_str_eq(service.last_body, rows[i].body);
        tool_bench_stop(&bench);
    }
}
END_TEST

START_TEST(an_argument_cannot_climb_out_of_its_path)
{
    static const char *const values[] = {"..", ".", "%2e%2e"};

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char arguments[60];
        int before = service.requests;

        snprintf(arguments, sizeof arguments, "{\"n\":\"%s\"}", values[i]);
        open_service("/api/orders/{{n}}/items", "");
        if (i < 2) {
            ck_assert_int_eq(call(arguments), SESAME_BAD_INPUT);
            ck_assert_int_eq(service.requests, before);
            ck_assert_msg(strstr(bench.text, "\"..\"") != NULL, "%s", bench.text);
        } else {
            ck_assert_int_eq(call(arguments), SESAME_OK);
            ck_assert_str_eq(service.last_target, "/api/orders/%252e%252e/items");
        }
        tool_bench_stop(&bench);
    }
}
END_TEST

START_TEST(a_url_whose_origin_is_a_place_is_refused)
{
    static const char *const urls[] = {"https://{{host}}/x", "{{url}}", "ftp://a/b", "/relative"};

    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct error err = {0};
        char config[200];

        snprintf(config, sizeof config, "{\"url\":\"%s\"}", urls[i]);
        ck_assert_msg(!tool_bench_try_open(&bench, "enterprise-service", config, &err), "%s",
                      urls[i]);
        ck_assert_msg(strstr(err.message, "tools.peer.config/url") != NULL, "%s", err.message);
        tool_bench_stop(&bench);
    }
}
END_TEST

/* ---- what comes back ------------------------------------------------------------------------- */

START_TEST(each_answer_has_its_status_and_its_words)
{
    static const struct {
        int http;
        const char *type, *body;
        int32_t status;
        bool is_error;
        const char *said;
    } rows[] = {
        {200, "application/json", "{\"a\":\"\xe6\x9d\xad\"}", SESAME_OK, false,
         "{\"a\":\"\xe6\x9d\xad\"}"},
        {200, "Application/JSON; charset=utf-8", "{}", SESAME_OK, false, "{}"},
        {201, "TEXT/HTML", "<p>", SESAME_OK, false, "<p>"},
        {204, NULL, "", SESAME_OK, false, "without any text"},
        {200, "text/plain", "", SESAME_OK, false, "without any text"},
        {200, NULL, "no type", SESAME_OK, false, "no type"},
        {200, "image/png", "\x89PNG", SESAME_OK, false, "4 bytes of image/png"},
        {200, "text/plain",
         "a\xff"
         "b",
         SESAME_OK, false,
         "a\xef\xbf\xbd"
         "b"},
        {400, "application/json", "{\"error\":\"no such order\"}", SESAME_OK, true,
         "EnterpriseServiceFailed: Enterprise service call failed (HTTP 400). It said: "
         "{\"error\":\"no such order\"}"},
        {404, NULL, "", SESAME_OK, true, "(HTTP 404)."},
        {302, "text/html", "<a>", SESAME_OK, true, "(HTTP 302)"},
        {500, "image/png", "\x89PNG", SESAME_OK, true, "(HTTP 500)."},
        {503, "text/plain", "later", SESAME_OK, true, "It said: later"},
        {403, "application/json", "{}", SESAME_DENIED, false, "JwtAuthenticationFailed"},
    };

    open_service("/", "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        say(rows[i].http, rows[i].type, rows[i].body);
        (void)call("{}");
        ck_assert_msg(bench.status == rows[i].status && bench.is_error == rows[i].is_error &&
                          strstr(bench.text, rows[i].said) != NULL,
                      "%d %s: %d %s", rows[i].http, rows[i].body, bench.status, bench.text);
    }
}
END_TEST

START_TEST(a_text_with_a_nul_is_whole)
{
    open_service("/", "");
    say(200, "text/plain", "a\0b");
    next.body_len = 3;
    ck_assert_int_eq(call("{}"), SESAME_OK);
    ck_assert_uint_eq(bench.text_len, 3);
    ck_assert_int_eq(memcmp(bench.text, "a\0b", 3), 0);
}
END_TEST

START_TEST(a_long_error_is_cut_at_a_whole_character)
{
    struct buffer body;
    struct error err = {0};

    buffer_init(&body, 10000);
    for (int i = 0; i < 1000; i++)
        ck_assert(buffer_add_text(&body, "\xe6\x9d\xad", &err));
    open_service("/", "");
    say(500, "text/plain", body.data);
    ck_assert_int_eq(call("{}"), SESAME_OK);
    ck_assert_uint_lt(bench.text_len, 1200);
    ck_assert_ptr_null(strstr(bench.text, "\xef\xbf\xbd"));
    ck_assert_uint_eq(bench.text_len, strlen("EnterpriseServiceFailed: Enterprise service call "
                                             "failed (HTTP 500). It said: ") +
                                          999);
    buffer_clear(&body);
}
END_TEST

START_TEST(an_answer_beyond_its_limit_is_an_error)
{
    open_service("/", ",\"result_max_bytes\":10");
    say(200, "text/plain", "0123456789");
    ck_assert_int_eq(call("{}"), SESAME_OK);
    say(200, "text/plain", "0123456789a");
    ck_assert_int_eq(call("{}"), SESAME_LIMIT);
}
END_TEST

/* ---- credentials ----------------------------------------------------------------------------- */

START_TEST(a_refused_token_is_renewed_once)
{
    open_service("/", "");
    refusals = 1;
    ck_assert_int_eq(call("{}"), SESAME_OK);
    ck_assert_str_eq(service.last_authorization, "Bearer canary-token-2");
    ck_assert_int_eq(service.requests, 2);
}
END_TEST

START_TEST(a_token_refused_again_is_explained_and_not_chased)
{
    open_service("/", "");
    refusals = 5;
    ck_assert_int_eq(call("{}"), SESAME_DENIED);
    ck_assert_ptr_nonnull(strstr(bench.text, "JwtAuthenticationFailed"));
    ck_assert_ptr_nonnull(strstr(bench.text, "ENTERPRISE_SERVICE_SCOPE"));
    ck_assert_int_eq(service.requests, 2);
}
END_TEST

START_TEST(a_service_that_gives_the_token_back_does_not_spread_it)
{
    static const int statuses[] = {200, 400, 500};

    open_service("/", "");
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        say(statuses[i], "text/plain", "authorization: Bearer canary-token-1");
        (void)call("{}"); /* looks for it itself */
        ck_assert_ptr_nonnull(strstr(bench.text, "authorization: Bearer "));
    }
}
END_TEST

START_TEST(without_a_credential_none_is_sent)
{
    char config[200];

    snprintf(config, sizeof config, "{\"url\":\"%s/open\"}", service.url);
    tool_bench_open(&bench, "enterprise-service", config);
    ck_assert(tool_bench_wait_for_list(&bench));
    ck_assert_int_eq(call("{}"), SESAME_OK);
    ck_assert_str_eq(service.last_authorization, "");
}
END_TEST

/* ---- time ------------------------------------------------------------------------------------ */

START_TEST(a_call_past_its_deadline_ends_at_both_sides)
{
    open_service("/", "");
    is_silent = true;
    tool_bench_start(&bench, "enterprise_service_sample", "{}", 100);
    PEER_RUN_UNTIL(bench.loop, bench.done_count == 1);
    ck_assert_int_eq(bench.status, SESAME_TIMED_OUT);
    PEER_RUN_UNTIL(bench.loop, gone_count == 1);
}
END_TEST

START_TEST(a_cancelled_call_hangs_up)
{
    open_service("/", "");
    is_silent = true;
    tool_bench_start(&bench, "enterprise_service_sample", "{}", 10000);
    PEER_RUN_UNTIL(bench.loop, held != NULL);
    tool_run_cancel(bench.run);
    PEER_RUN_UNTIL(bench.loop, gone_count == 1);
    ck_assert_int_eq(bench.done_count, 0);
}
END_TEST

START_TEST(a_call_cancelled_just_before_the_end_is_no_misbehaviour)
{
    bench.placement = PLACEMENT_THREAD;
    open_service("/", "");
    is_silent = true;
    tool_bench_start(&bench, "enterprise_service_sample", "{}", 10000);
    PEER_RUN_UNTIL(bench.loop, held != NULL);
    tool_run_cancel(bench.run);
    tool_bench_stop(&bench);
    ck_assert_str_eq(bench.misbehaviour, "");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_default_is_the_guides_sample_service,
        arguments_fill_the_places_of_url_and_body,
        an_argument_cannot_climb_out_of_its_path,
        a_url_whose_origin_is_a_place_is_refused,
        each_answer_has_its_status_and_its_words,
        a_text_with_a_nul_is_whole,
        a_long_error_is_cut_at_a_whole_character,
        an_answer_beyond_its_limit_is_an_error,
        a_refused_token_is_renewed_once,
        a_token_refused_again_is_explained_and_not_chased,
        a_service_that_gives_the_token_back_does_not_spread_it,
        without_a_credential_none_is_sent,
        a_call_past_its_deadline_ends_at_both_sides,
        a_cancelled_call_hangs_up,
        a_call_cancelled_just_before_the_end_is_no_misbehaviour,
        NULL,
    };

    return tool_bench_run("enterprise_service", tests, set_up, tear_down);
}
