/* The http-json plugin, built and loaded, against a scripted REST service over loopback HTTP. */
#include "../../support/run.h"
#include "../../support/tool_bench.h"

#include "base/text.h"

static struct tool_bench bench;
static struct peer service;
static struct {
    int status;
    const char *type, *body;
} next;
static char header_seen[200], method[16], type_seen[80];
static struct http_exchange *held;
static bool is_silent; /* never answers */
static int gone_count;

static char *origins[] = {service.url};
static char *credential_names[] = {(char[]){"rest"}};
static struct credential_config credentials[] = {
    {.name = (char[]){"rest"},
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

static void keep_header(const struct http_head *head, const char *name, char *out, size_t size)
{
    struct slice value = http_head_find(head, name);

    snprintf(out, size, "%.*s", (int)value.len, value.len == 0 ? "" : value.data);
}

static void answer(struct peer *peer, struct http_exchange *exchange)
{
    const struct http_head *head = http_exchange_head(exchange);

    (void)peer;
    snprintf(method, sizeof method, "%.*s", (int)head->method.len, head->method.data);
    keep_header(head, "color", header_seen, sizeof header_seen);
    keep_header(head, "content-type", type_seen, sizeof type_seen);
    if (is_silent) {
        held = exchange;
        http_exchange_set_owner(exchange, on_gone, NULL);
    } else {
        http_exchange_reply(exchange, next.status, next.type, next.body, strlen(next.body));
    }
}

static void say(int status, const char *type, const char *body)
{
    next.status = status;
    next.type = type;
    next.body = body;
}

static void set_up(void)
{
    tool_bench_init(&bench, credentials, 1);
    bench.config.credentials = credential_names;
    bench.config.credential_count = 1;
    peer_open(&service, bench.loop);
    service.answer = answer;
    say(200, "application/json", "{\"ok\":true}");
    gone_count = 0;
    is_silent = false;
}

static void tear_down(void)
{
    tool_bench_stop(&bench);
    peer_close(&service);
    tool_bench_close(&bench);
}

static const char *config_of(const char *path, const char *method_name, const char *operation)
{
    static char config[2000];

    snprintf(config, sizeof config,
             "{\"server\":\"%s/v1\",\"path\":\"%s\",\"method\":\"%s\",\"credential\":\"rest\","
             "\"operation\":{\"operationId\":\"op\"%s}}",
             service.url, path, method_name, operation);
    return config;
}

static void open_operation(const char *path, const char *method_name, const char *operation)
{
    tool_bench_open(&bench, "http-json", config_of(path, method_name, operation));
    ck_assert_msg(tool_bench_wait_for_list(&bench), "%s", tool_bench_list_error(&bench));
}

/* One parameter "color" of any type. */
static const char *color_in(const char *place, const char *more)
{
    static char operation[300];

    snprintf(operation, sizeof operation,
             ",\"parameters\":[{\"name\":\"color\",\"in\":\"%s\",\"schema\":{}%s}]", place, more);
    return operation;
}

/* ---- what is sent ---------------------------------------------------------------------------- */

/* The values of the specification's table of examples (OpenAPI 3.1.0, section 4.8.12.4). */
#define TEXT "{\"color\":\"blue\"}"
#define ARRAY "{\"color\":[\"blue\",\"black\",\"brown\"]}"
#define OBJECT "{\"color\":{\"R\":100,\"G\":200,\"B\":150}}"
#define TIGHT ",\"explode\":false"
#define LOOSE ",\"explode\":true"

START_TEST(parameters_are_written_as_the_specification_shows)
{
    static const struct {
        const char *place, *more, *arguments, *target, *header;
    } rows[] = {
        {"query", TIGHT, "{\"color\":\"\"}", "/v1/x?color=", ""},
        {"query", TIGHT, TEXT, "/v1/x?color=blue", ""},
        {"query", TIGHT, ARRAY, "/v1/x?color=blue,black,brown", ""},
        {"query", TIGHT, OBJECT, "/v1/x?color=R,100,G,200,B,150", ""},
        {"query", LOOSE, "{\"color\":\"\"}", "/v1/x?color=", ""},
        {"query", LOOSE, TEXT, "/v1/x?color=blue", ""},
        {"query", LOOSE, ARRAY, "/v1/x?color=blue&color=black&color=brown", ""},
        {"query", LOOSE, OBJECT, "/v1/x?R=100&G=200&B=150", ""},
        {"query", "", ARRAY, "/v1/x?color=blue&color=black&color=brown", ""},
        {"query", "", "{\"color\":[]}", "/v1/x", ""},
        {"query", "", "{}", "/v1/x", ""},
        {"path", TIGHT, TEXT, "/v1/x/blue", ""},
        {"path", TIGHT, ARRAY, "/v1/x/blue,black,brown", ""},
        {"path", TIGHT, OBJECT, "/v1/x/R,100,G,200,B,150", ""},
        {"path", LOOSE, ARRAY, "/v1/x/blue,black,brown", ""},
        {"path", LOOSE, OBJECT, "/v1/x/R=100,G=200,B=150", ""},
        {"path", "", OBJECT, "/v1/x/R,100,G,200,B,150", ""},
        {"header", TIGHT, TEXT, "/v1/x", "blue"},
        {"header", TIGHT, ARRAY, "/v1/x", "blue,black,brown"},
        {"header", TIGHT, OBJECT, "/v1/x", "R,100,G,200,B,150"},
        {"header", LOOSE, OBJECT, "/v1/x", "R=100,G=200,B=150"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        open_operation(strcmp(rows[i].place, "path") == 0 ? "/x/{color}" : "/x", "GET",
                       color_in(rows[i].place, rows[i].more));
        ck_assert_int_eq(tool_bench_call(&bench, "op", rows[i].arguments), SESAME_OK);
        ck_assert_str_eq(service.last_target, rows[i].target);
        ck_assert_str_eq(header_seen, rows[i].header);
        ck_assert_str_eq(type_seen, "");
        tool_bench_stop(&bench);
    }
}
END_TEST

START_TEST(whatever_stands_in_an_argument_stays_in_its_place)
{
    static const struct {
        const char *place, *value, *target;
    } rows[] = {
        {"path", "\"a/b?c#d e%2F\"", "/v1/x/a%2Fb%3Fc%23d%20e%252F"},
        {"path", "\"../admin\"", "/v1/x/..%2Fadmin"},
        {"path", "[\"a,b\",\"\\u676d\"]", "/v1/x/a%2Cb,%E6%9D%AD"},
        {"path", "12.50", "/v1/x/12.50"},
        {"path", "true", "/v1/x/true"},
        {"path", "\"-._~\"", "/v1/x/-._~"},
        {"path", "\"a\\u0000b\"", "/v1/x/a%00b"},
        {"query", "\"a&admin=1+2\"", "/v1/x?color=a%26admin%3D1%2B2"},
        {"query", "{\"a&b\":\"=\"}", "/v1/x?a%26b=%3D"},
        {"query", "[[1,2],{\"a\":\"b\"}]", "/v1/x?color=%5B1%2C2%5D&color=%7B%22a%22%3A%22b%22%7D"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char arguments[200];

        snprintf(arguments, sizeof arguments, "{\"color\":%s}", rows[i].value);
        open_operation(strcmp(rows[i].place, "path") == 0 ? "/x/{color}" : "/x", "GET",
                       color_in(rows[i].place, ""));
        ck_assert_int_eq(tool_bench_call(&bench, "op", arguments), SESAME_OK);
        ck_assert_str_eq(service.last_target, rows[i].target);
        tool_bench_stop(&bench);
    }
}
END_TEST

START_TEST(an_argument_cannot_choose_another_path_or_header)
{
    static const struct {
        const char *place, *value;
    } rows[] = {
        {"path", "\".\""},
        {"path", "\"..\""},
        {"path", "\"\""},
        {"path", "[]"},
        {"path", "{}"},
        {"path", "[\"\"]"},
        {"path", "[\"..\"]"},
        {"header", "\"a\\r\\nB: c\""},
        {"header", "\"a\\u0000\""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char arguments[200];

        snprintf(arguments, sizeof arguments, "{\"color\":%s}", rows[i].value);
        open_operation(strcmp(rows[i].place, "path") == 0 ? "/x/{color}/y" : "/x", "GET",
                       color_in(rows[i].place, ""));
        ck_assert_msg(tool_bench_call(&bench, "op", arguments) == SESAME_BAD_INPUT, "%s: %s",
                      rows[i].value, bench.text);
        ck_assert_int_eq(service.requests, 0);
        tool_bench_stop(&bench);
    }
}
END_TEST

START_TEST(a_body_goes_out_as_the_json_it_is)
{
    open_operation("/x", "POST",
                   ",\"parameters\":[{\"name\":\"dry\",\"in\":\"query\",\"schema\":{\"type\":"
                   "\"boolean\"}}],\"requestBody\":{\"required\":true,\"content\":{"
                   "\"application/json\":{\"schema\":{\"type\":\"object\",\"properties\":{\"n\":"
                   "{\"type\":\"number\"}},\"required\":[\"n\"]}}}}");
    ck_assert_int_eq(
        tool_bench_call(&bench, "op", "{\"dry\":true,\"body\":{\"n\":1.50,\"x\":\"\\u676d\"}}"),
        SESAME_OK);
    ck_assert_str_eq(method, "POST");
    ck_assert_str_eq(service.last_target, "/v1/x?dry=true");
    ck_assert_str_eq(type_seen, "application/json");
    ck_assert_str_eq(service.last_body, "{\"n\":1.50,\"x\":\"\\u676d\"}");
    ck_assert_str_eq(service.last_authorization, "Bearer canary-token-1");
}
END_TEST

/* ---- what the model is offered --------------------------------------------------------------- */

START_TEST(the_operation_becomes_the_functions_description_and_schema)
{
    const struct tool_function *function;

    open_operation("/x/{id}", "GET",
                   ",\"summary\":\"Short.\",\"description\":\"Lo\\\"ng.\",\"parameters\":["
                   "{\"name\":\"id\",\"in\":\"path\",\"description\":\"Which.\",\"schema\":{"
                   "\"type\":\"string\",\"maxLength\":9}},{\"name\":\"n\",\"in\":\"query\","
                   "\"description\":\"beside\",\"schema\":{\"description\":\"within\"}},"
                   "{\"name\":\"m\",\"in\":\"query\",\"required\":true,\"description\":\"all\","
                   "\"schema\":{}}]");
    function = &tool_port_functions(bench.port, NULL)->items[0];
    ck_assert_str_eq(function->name, "op");
    ck_assert_str_eq(function->description, "Lo\"ng.");
    ck_assert_str_eq(function->offer,
                     "\"description\":\"Lo\\\"ng.\",\"parameters\":{\"type\":\"object\","
                     "\"properties\":{\"id\":{\"description\":\"Which.\",\"type\":\"string\","
                     "\"maxLength\":9},\"n\":{\"description\":\"within\"},\"m\":{\"description\":"
                     "\"all\"}},\"required\":[\"id\",\"m\"],\"additionalProperties\":false}");
}
END_TEST

START_TEST(what_is_not_supported_is_refused_at_the_start)
{
    static const struct {
        const char *path, *operation, *word;
    } rows[] = {
        {"/x/{id}", "", "no parameter"},
        {"/x/{color", ",\"parameters\":[{\"name\":\"color\",\"in\":\"path\",\"schema\":{}}]",
         "no parameter"},
        {"/x/{color}", ",\"parameters\":[{\"name\":\"color\",\"in\":\"query\",\"schema\":{}}]",
         "no parameter"},
        {"/x", ",\"parameters\":[{\"name\":\"c\",\"in\":\"cookie\",\"schema\":{}}]", "in"},
        {"/x", ",\"parameters\":[{\"$ref\":\"#/components/parameters/c\"}]", "name"},
        {"/x",
         ",\"parameters\":[{\"name\":\"c\",\"in\":\"query\",\"style\":\"deepObject\",\"schema\":"
         "{}}]",
         "style"},
        {"/x/{c}",
         ",\"parameters\":[{\"name\":\"c\",\"in\":\"path\",\"style\":\"matrix\",\"schema\":{}}]",
         "style"},
        {"/x",
         ",\"parameters\":[{\"name\":\"c\",\"in\":\"query\",\"allowReserved\":true,\"schema\":"
         "{}}]",
         "allowReserved"},
        {"/x", ",\"requestBody\":{\"content\":{\"text/plain\":{\"schema\":{}}}}",
         "application/json"},
        {"/x?a=1", "", "path"},
        {"x", "", "path"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error err = {0};

        if (tool_bench_try_open(&bench, "http-json",
                                config_of(rows[i].path, "GET", rows[i].operation), &err))
            ck_abort_msg("%s%s", rows[i].path, rows[i].operation);
        ck_assert_msg(strstr(err.message, rows[i].word) != NULL, "%s: %s", rows[i].operation,
                      err.message);
        tool_bench_stop(&bench);
    }
}
END_TEST

START_TEST(two_parameters_of_one_name_or_a_reference_give_no_function)
{
    static const char *const operations[] = {
        ",\"parameters\":[{\"name\":\"c\",\"in\":\"query\",\"schema\":{}},"
        "{\"name\":\"c\",\"in\":\"header\",\"schema\":{}}]",
        ",\"parameters\":[{\"name\":\"body\",\"in\":\"query\",\"schema\":{}}],\"requestBody\":"
        "{\"content\":{\"application/json\":{\"schema\":{}}}}",
        ",\"parameters\":[{\"name\":\"c\",\"in\":\"query\",\"schema\":{\"$ref\":"
        "\"#/components/schemas/c\"}}]",
    };

    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        tool_bench_open(&bench, "http-json", config_of("/x", "GET", operations[i]));
        ck_assert_msg(!tool_bench_wait_for_list(&bench) ||
                          tool_port_functions(bench.port, NULL)->count == 0,
                      "%s", operations[i]);
        tool_bench_stop(&bench);
    }
    bench.misbehaviour[0] = '\0'; /* a list that is no JSON is counted */
}
END_TEST

/* ---- what comes back ------------------------------------------------------------------------- */

START_TEST(each_answer_has_its_words)
{
    static const struct {
        int http;
        const char *type, *body;
        bool is_error;
        const char *text;
    } rows[] = {
        {200, "application/json", "{\"a\": 1}", false, "{\"a\": 1}"},
        {201, "application/problem+json", "[]", false, "[]"},
        {204, NULL, "", false, "done: HTTP 204, without a body"},
        {200, "image/png", "\x89PNG", false, "done: HTTP 200, with a body of image/png"},
        {302, "text/html", "moved", true, "the service refused the call: HTTP 302, moved"},
        {403, NULL, "", true, "the service refused the call: HTTP 403, without a body"},
        {404, "application/json", "{\"error\":\"none\"}", true,
         "the service refused the call: HTTP 404, {\"error\":\"none\"}"},
        {503, "text/plain", "later", true, "the service refused the call: HTTP 503, later"},
        {500, "image/png", "\x89PNG", true,
         "the service refused the call: HTTP 500, with a body of image/png"},
    };

    open_operation("/x", "GET", "");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        say(rows[i].http, rows[i].type, rows[i].body);
        ck_assert_int_eq(tool_bench_call(&bench, "op", "{}"), SESAME_OK);
        ck_assert_str_eq(bench.text, rows[i].text);
        ck_assert_int_eq(bench.is_error, rows[i].is_error);
    }
}
END_TEST

START_TEST(an_answer_beyond_its_limit_is_an_error)
{
    char config[300];

    snprintf(config, sizeof config,
             "{\"server\":\"%s\",\"path\":\"/\",\"operation\":{\"operationId\":\"op\"},"
             "\"answer_max_bytes\":10}",
             service.url);
    tool_bench_open(&bench, "http-json", config);
    ck_assert(tool_bench_wait_for_list(&bench));
    say(200, "text/plain", "0123456789");
    ck_assert_int_eq(tool_bench_call(&bench, "op", "{}"), SESAME_OK);
    ck_assert_str_eq(service.last_authorization, ""); /* it names no credential */
    say(200, "text/plain", "0123456789a");
    ck_assert_int_eq(tool_bench_call(&bench, "op", "{}"), SESAME_LIMIT);
}
END_TEST

START_TEST(a_call_that_ends_early_ends_at_both_sides)
{
    open_operation("/x", "GET", "");
    is_silent = true;
    tool_bench_start(&bench, "op", "{}", 100);
    PEER_RUN_UNTIL(bench.loop, bench.done_count == 1);
    ck_assert_int_eq(bench.status, SESAME_TIMED_OUT);
    PEER_RUN_UNTIL(bench.loop, gone_count == 1);
    tool_bench_start(&bench, "op", "{}", 10000);
    PEER_RUN_UNTIL(bench.loop, held != NULL);
    tool_run_cancel(bench.run);
    PEER_RUN_UNTIL(bench.loop, gone_count == 2);
    ck_assert_int_eq(bench.done_count, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        parameters_are_written_as_the_specification_shows,
        whatever_stands_in_an_argument_stays_in_its_place,
        an_argument_cannot_choose_another_path_or_header,
        a_body_goes_out_as_the_json_it_is,
        the_operation_becomes_the_functions_description_and_schema,
        what_is_not_supported_is_refused_at_the_start,
        two_parameters_of_one_name_or_a_reference_give_no_function,
        each_answer_has_its_words,
        an_answer_beyond_its_limit_is_an_error,
        a_call_that_ends_early_ends_at_both_sides,
        NULL,
    };

    return tool_bench_run("http_json", tests, set_up, tear_down);
}
