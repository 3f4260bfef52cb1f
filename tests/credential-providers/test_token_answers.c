/* What every provider makes of a token endpoint's answers, seen through client-secret. */
#include "bench.h"
#include "captures.h"

#include "base/clock.h"
#include "base/json.h"

#include "../support/files.h"

#include <json-c/json.h>
#include <string.h>
#include <time.h>

static void set_up(void)
{
    struct json_object *captures = captures_load();

    bench_set_up();
    bench_open(capture_config(captures_find(captures, "CLIENT_SECRET_POST/plain")));
    json_object_put(captures);
}

/* What we make of each recorded answer. The vendor's SDK takes some of them for tokens that are
 * none (idaas.md 2.7); its error codes are ours. */
static const struct {
    const char *id;
    enum error_code code;
    const char *name; /* of the error */
    int64_t expires_in_s, expires_at_s;
} rows[] = {
    {"200-full", ERROR_NONE, "", 3600, 1795489693},
    {"200-no-expires_at", ERROR_NONE, "", 3600, -1},
    {"200-no-expires_in", ERROR_NONE, "", -1, 1795489693},
    /* The broker sorts out which of the two to believe. */
    {"200-already-expired", ERROR_NONE, "", 3600, 1795485993},
    {"200-ms-expires_at", ERROR_NONE, "", 3600, 1795489693000},
    {"200-string-numbers", ERROR_NONE, "", 3600, 1795489693},
    {"200-token_type-mac", ERROR_UPSTREAM, "invalid_token_type", 0, 0},
    {"200-no-access_token", ERROR_UPSTREAM, "invalid_answer", 0, 0},
    {"200-error-object", ERROR_DENIED, "invalid_scope", 0, 0},
    {"200-not-json", ERROR_UPSTREAM, "invalid_answer", 0, 0},
    {"200-empty", ERROR_UPSTREAM, "invalid_answer", 0, 0},
    {"200-null", ERROR_UPSTREAM, "invalid_answer", 0, 0},
    {"204", ERROR_UPSTREAM, "invalid_answer", 0, 0},
    {"302-redirect", ERROR_DENIED, "", 0, 0},
    {"400-oauth", ERROR_DENIED, "invalid_scope", 0, 0},
    {"400-authorization_pending", ERROR_DENIED, "authorization_pending", 0, 0},
    {"400-slow_down", ERROR_DENIED, "slow_down", 0, 0},
    {"400-empty", ERROR_DENIED, "", 0, 0},
    {"400-array", ERROR_DENIED, "", 0, 0},
    {"401-invalid_client", ERROR_DENIED, "invalid_client", 0, 0},
    {"403-pop", ERROR_DENIED, "Forbidden", 0, 0},
    {"404-html", ERROR_DENIED, "", 0, 0},
    {"429-json", ERROR_RATE_LIMIT, "Throttling.User", 0, 0},
    {"500-json", ERROR_UPSTREAM, "server_error", 0, 0},
    {"502-empty", ERROR_UPSTREAM, "", 0, 0},
    {"503-html", ERROR_UPSTREAM, "", 0, 0},
};

static size_t row_of(const char *id)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].id, id) == 0)
            return i;
    ck_abort_msg("no row for %s", id);
    return 0;
}

/* Where the SDK read a code or a request id out of an answer, we do too. */
static void compare_with_sdk(struct json_object *recorded)
{
    struct json_object *chain = json_get_array(recorded, "sdk_error_chain");

    for (size_t i = 0; chain != NULL && i < json_object_array_length(chain); i++) {
        struct json_object *link = json_object_array_get_idx(chain, i);
        const char *code = member_text(link, "code");
        const char *request_id = member_text(link, "request_id");

        /* Its code for a redirect is the status itself. */
        if (code != NULL && strcmp(code, "302") != 0)
            ck_assert_str_eq(bench.err.name, code);
        if (request_id != NULL)
            ck_assert_ptr_nonnull(strstr(bench.err.message, request_id));
    }
}

START_TEST(every_recorded_answer_is_classed)
{
    struct json_object *vectors = load_vectors("idaas-token-responses.json");
    struct json_object *cases = json_get_array(vectors, "cases");

    ck_assert_uint_eq(json_object_array_length(cases), sizeof rows / sizeof rows[0]);
    for (size_t i = 0; i < json_object_array_length(cases); i++) {
        struct json_object *recorded = json_object_array_get_idx(cases, i);
        struct json_object *response = json_get_object(recorded, "response"), *status;
        size_t row = row_of(member_text(recorded, "id"));

        ck_assert(json_object_object_get_ex(response, "status", &status));
        bench.status = json_object_get_int(status);
        bench.body = member_text(response, "body");
        bench.seen_count = 0;
        bench_fetch("https://svc.example|read", NULL);
        ck_assert_msg(
            bench.err.code == rows[row].code && strcmp(bench.err.name, rows[row].name) == 0,
            "%s: %d %s %s", rows[row].id, bench.err.code, bench.err.name, bench.err.message);
        if (rows[row].code == ERROR_NONE) {
            ck_assert_str_eq(bench.token, "A");
            ck_assert_int_eq(bench.expires_in_s, rows[row].expires_in_s);
            ck_assert_int_eq(bench.expires_at_s, rows[row].expires_at_s);
        } else {
            compare_with_sdk(recorded);
        }
    }
    json_object_put(vectors);
}
END_TEST

START_TEST(answers_are_read_strictly)
{
    static const char *const bodies[] = {
        "{\"access_token\":\"a\",\"token_type\":7}",
        "{\"access_token\":7,\"token_type\":\"Bearer\"}",
        "{\"access_token\":\"a\",\"access_token\":\"b\"}",
        "{\"access_token\":\"a\",\"token_type\":\"Bearer\",}",
        "{\"access_token\":\"a\"} x",
        "[{\"access_token\":\"a\"}]",
    };

    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        bench.body = bodies[i];
        bench.seen_count = 0;
        bench_fetch("a|b", NULL);
        ck_assert_msg(bench.err.code == ERROR_UPSTREAM, "%s: %d", bodies[i], bench.err.code);
    }
}
END_TEST

/* RFC 8693 section 2.2.1. */
START_TEST(an_exchange_gives_an_access_token_or_nothing)
{
    static const struct {
        const char *issued;
        const char *subject;
        enum error_code code;
    } cases[] = {
        {"urn:ietf:params:oauth:token-type:access_token", "at-u", ERROR_NONE},
        {"urn:ietf:params:oauth:token-type:jwt", "at-u", ERROR_NONE},
        {"urn:ietf:params:oauth:token-type:id_token", "at-u", ERROR_UPSTREAM},
        {"urn:ietf:params:oauth:token-type:refresh_token", "at-u", ERROR_UPSTREAM},
        {"urn:ietf:params:oauth:token-type:id_token", NULL, ERROR_NONE},
    };
    char body[300];

    bench.body = body;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(body, sizeof body,
                 "{\"access_token\":\"A\",\"token_type\":\"Bearer\",\"expires_in\":60,"
                 "\"issued_token_type\":\"%s\"}",
                 cases[i].issued);
        bench_fetch("a|b", cases[i].subject);
        ck_assert_msg(bench.err.code == cases[i].code, "%s: %d %s", cases[i].issued, bench.err.code,
                      bench.err.message);
    }
}
END_TEST

START_TEST(the_message_says_what_to_check)
{
    static const struct {
        int status;
        const char *body;
        const char *subject;
        const char *said;
    } cases[] = {
        {401, "{\"error\":\"invalid_client\"}", NULL,
         "IDaaS refused the agent's credential: check the client id and the client secret"},
        {400, "{\"error\":\"invalid_scope\"}", NULL,
         "IDaaS refused the scope: check the permission configuration of the target node (scope "
         "https://svc.example|read)"},
        {400, "{\"error\":\"unauthorized_client\"}", NULL, "IDaaS refused the scope"},
        {400, "{\"error\":\"invalid_grant\"}", "at-u", "log in again"},
        {302, "", NULL, "tokenEndpoint must be the final address"},
        {503, "", NULL, "IDaaS reported a temporary error"},
        {400, "{\"error\":\"x\",\"error_description\":\"the reason\",\"request_id\":\"r-1\"}", NULL,
         "the reason, request id r-1"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bench.status = cases[i].status;
        bench.body = cases[i].body;
        bench.seen_count = 0;
        bench_fetch("https://svc.example|read", cases[i].subject);
        ck_assert_msg(strstr(bench.err.message, cases[i].said) != NULL, "%s", bench.err.message);
    }
}
END_TEST

/* An assertion that looks expired to the server is refused as invalid_client, and nothing in the
 * answer says that it is about time. */
START_TEST(a_refusal_tells_how_far_the_clocks_are_apart)
{
    int64_t offsets_s[] = {600, -600, 5};
    char date[64];

    bench.status = 401;
    bench.body = "{\"error\":\"invalid_client\"}";
    bench.header_name = "Date";
    bench.header_value = date;
    for (size_t i = 0; i < 3; i++) {
        time_t server = (time_t)(clock_wall_s() + offsets_s[i]);
        const char *wanted = offsets_s[i] > 100    ? " s behind the server's: set it"
                             : offsets_s[i] < -100 ? " s ahead of the server's: set it"
                                                   : NULL;

        strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&server));
        bench_fetch("a|b", NULL);
        if (wanted != NULL)
            ck_assert_msg(strstr(bench.err.message, wanted) != NULL, "%s", bench.err.message);
        else
            ck_assert_msg(strstr(bench.err.message, "clock") == NULL, "%s", bench.err.message);
    }
}
END_TEST

START_TEST(the_server_may_ask_for_patience)
{
    bench.status = 429;
    bench.body = "{}";
    bench.header_name = "Retry-After";
    bench.header_value = "7";
    bench_fetch("a|b", NULL);
    ck_assert_int_eq(bench.err.code, ERROR_RATE_LIMIT);
    ck_assert_int_eq(bench.retry_after_ms, 7000);
    bench.header_value = "soon";
    bench_fetch("a|b", NULL);
    ck_assert_int_eq(bench.retry_after_ms, -1);
}
END_TEST

/* Some servers quote the request in their description. */
START_TEST(no_message_repeats_a_secret)
{
    static const char description[] =
        "{\"error\":\"invalid_request\",\"error_description\":"
        "\"not understood: %s and canary-user-token\"}";
    struct json_object *captures = captures_load();
    const char *secret = member_text(
        json_get_object(captures_find(captures, "CLIENT_SECRET_POST/plain"), "environment"),
        "IDAAS_CLIENT_SECRET");
    char body[400];

    ck_assert_ptr_nonnull(secret);
    snprintf(body, sizeof body, description, secret);
    bench.status = 400;
    bench.body = body;
    bench_fetch("a|b", "canary-user-token");
    ck_assert_ptr_nonnull(strstr(bench.err.message, "not understood: ***"));
    ck_assert_ptr_null(strstr(bench.err.message, secret));
    ck_assert_ptr_null(strstr(bench.err.message, "canary-user-token"));
    json_object_put(captures);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_recorded_answer_is_classed,
        answers_are_read_strictly,
        an_exchange_gives_an_access_token_or_nothing,
        the_message_says_what_to_check,
        a_refusal_tells_how_far_the_clocks_are_apart,
        the_server_may_ask_for_patience,
        no_message_repeats_a_secret,
        NULL,
    };

    return bench_run("token_answers", tests, set_up, bench_tear_down);
}
