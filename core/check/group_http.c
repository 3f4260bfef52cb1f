/* Checks of what a plugin makes of a service that answers badly, or not at all. */
#include "check/check.h"

#include "base/cleanup.h"
#include "check/bench.h"
#include "check/peer.h"

#include <sesame/plugin.h>
#include <stdlib.h>
#include <string.h>

#define OPERATION_MS 2000
#define SILENCE_MS 400
#define HUGE_BYTES ((size_t)6 * 1024 * 1024)
#define DEEP_COUNT 20000

/* What may come of it. */
enum expectation {
    MUST_FAIL,   /* nobody can make a success of this */
    MAY_SUCCEED, /* a tool can pass on what it got; a provider got no token and must fail */
};

static struct bench *open_ready(struct check *check)
{
    struct bench *bench = bench_open(check);

    if (bench_is_tool(bench) && bench_functions(bench, NULL) == NULL)
        check_skip(check, "the functions could not be listed (list.completes says why)");
    return bench;
}

static void judge(struct check *check, struct bench *bench, const struct bench_result *result,
                  enum expectation expectation)
{
    if (bench_result_is_good(result) && (expectation == MUST_FAIL || !bench_is_tool(bench)))
        check_fail(check, "the operation succeeds: %.200s",
                   bench_is_tool(bench) ? result->text : "with a token");
    if (result->len == 0 && result->status != SESAME_OK)
        check_fail(check, "the operation fails without a message");
    if (strstr(bench_misbehaviour(bench), "never_completed") != NULL)
        check_fail(check, "the operation did not end by itself");
    bench_expect_no(bench, NULL);
}

/* One operation while the service answers so; then one more, when it is well again. */
static void meet(struct check *check, const struct peer_answer *answer, int64_t timeout_ms,
                 enum expectation expectation)
{
    struct bench *bench = open_ready(check);
    struct peer *peer = bench_peer(bench);
    size_t requests = peer_request_count(peer);
    struct bench_result result;

    peer_set(peer, answer);
    bench_operate(bench, 0, timeout_ms, &result);
    if (peer_request_count(peer) == requests)
        check_skip(check, "the operation makes no HTTP request");
    judge(check, bench, &result, expectation);
    bench_result_clear(&result);
    peer_set(peer, NULL);
    bench_operate(bench, 0, OPERATION_MS, &result);
    bench_expect_no(bench, NULL);
    bench_result_clear(&result);
    bench_destroy(bench);
}

static void meet_manner(struct check *check, enum peer_manner manner, int64_t timeout_ms)
{
    const struct peer_answer answer = {.manner = manner};

    meet(check, &answer, timeout_ms, MUST_FAIL);
}

static void meet_status(struct check *check, int status, const char *headers)
{
    static const char body[] = "{\"error\":\"scripted\",\"error_description\":\"as told\"}";
    const struct peer_answer answer = {.status = status,
                                       .type = "application/json",
                                       .headers = headers,
                                       .body = body,
                                       .body_len = sizeof body - 1};

    meet(check, &answer, OPERATION_MS, MUST_FAIL);
}

static void meet_body(struct check *check, const char *type, const char *body, size_t len)
{
    const struct peer_answer answer = {.status = 200, .type = type, .body = body, .body_len = len};

    meet(check, &answer, OPERATION_MS, MAY_SUCCEED);
}

static void refused(struct check *check)
{
    struct bench *bench = open_ready(check);
    struct peer *peer = bench_peer(bench);
    struct bench_result result;
    size_t requests = peer_request_count(peer);

    /* Once well, to see whether it calls anybody. */
    bench_operate(bench, 0, OPERATION_MS, &result);
    if (peer_request_count(peer) == requests)
        check_skip(check, "the operation makes no HTTP request");
    bench_result_clear(&result);
    peer_refuse(peer);
    bench_operate(bench, 0, OPERATION_MS, &result);
    judge(check, bench, &result, MUST_FAIL);
}

static void reset(struct check *check)
{
    meet_manner(check, PEER_RESETS, OPERATION_MS);
}

static void silent(struct check *check)
{
    meet_manner(check, PEER_IS_SILENT, SILENCE_MS);
}

static void stops_in_body(struct check *check)
{
    meet_manner(check, PEER_STOPS_IN_BODY, SILENCE_MS);
}

static void cut_head(struct check *check)
{
    meet_manner(check, PEER_CUTS_HEAD, OPERATION_MS);
}

static void cut_body(struct check *check)
{
    meet_manner(check, PEER_CUTS_BODY, OPERATION_MS);
}

static void no_http(struct check *check)
{
    meet_manner(check, PEER_GARBAGE, OPERATION_MS);
}

static void byte_wise(struct check *check)
{
    const struct peer_answer answer = {.manner = PEER_BYTE_WISE};
    struct bench *bench = open_ready(check);
    struct bench_result whole, pieces;
    size_t requests = peer_request_count(bench_peer(bench));

    bench_operate(bench, 0, OPERATION_MS, &whole);
    if (peer_request_count(bench_peer(bench)) == requests)
        check_skip(check, "the operation makes no HTTP request");
    peer_set(bench_peer(bench), &answer);
    bench_operate(bench, 0, 2 * OPERATION_MS, &pieces);
    if (bench_result_is_good(&whole) != bench_result_is_good(&pieces))
        check_fail(check, "an answer in many pieces comes to something else than in one: %.200s",
                   pieces.text);
    bench_expect_no(bench, NULL);
}

static void status_401(struct check *check)
{
    meet_status(check, 401, "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n");
}

static void status_403(struct check *check)
{
    meet_status(check, 403, NULL);
}

static void status_404(struct check *check)
{
    meet_status(check, 404, NULL);
}

static void status_429(struct check *check)
{
    meet_status(check, 429, "Retry-After: 1\r\n");
}

static void status_500(struct check *check)
{
    meet_status(check, 500, NULL);
}

static void status_503(struct check *check)
{
    meet_status(check, 503, "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n");
}

static void redirect(struct check *check)
{
    static const char body[] = "elsewhere";
    const struct peer_answer answer = {.status = 302,
                                       .type = "text/plain",
                                       .headers = "Location: https://evil.example/steal\r\n",
                                       .body = body,
                                       .body_len = sizeof body - 1};

    meet(check, &answer, OPERATION_MS, MAY_SUCCEED);
}

static void no_content(struct check *check)
{
    const struct peer_answer answer = {.status = 204, .body = ""};

    meet(check, &answer, OPERATION_MS, MAY_SUCCEED);
}

static void empty(struct check *check)
{
    meet_body(check, "application/json", "", 0);
}

static void not_json(struct check *check)
{
    static const char body[] = "{\"access_token\": oops, \xff\xfe";

    meet_body(check, "application/json", body, sizeof body - 1);
}

static void wrong_type(struct check *check)
{
    static const char body[] = "<!doctype html><title>Login</title><p>Please sign in";

    meet_body(check, "text/html; charset=utf-8", body, sizeof body - 1);
}

static void no_type(struct check *check)
{
    static const char body[] = "\x00\x01\x02 binary \xff\xfe\x00";

    meet_body(check, NULL, body, sizeof body - 1);
}

static void huge(struct check *check)
{
    CLEANUP(cleanup_free) char *body = malloc(HUGE_BYTES);

    if (body == NULL)
        check_skip(check, "no memory for a huge answer");
    memset(body, ' ', HUGE_BYTES);
    memcpy(body, "{\"a\":\"", 6);
    meet_body(check, "application/json", body, HUGE_BYTES);
}

static void deep(struct check *check)
{
    CLEANUP(cleanup_free) char *body = malloc(2 * DEEP_COUNT);

    if (body == NULL)
        check_skip(check, "no memory for a deep answer");
    memset(body, '[', DEEP_COUNT);
    memset(body + DEEP_COUNT, ']', DEEP_COUNT);
    meet_body(check, "application/json", body, 2 * DEEP_COUNT);
}

static void double_members(struct check *check)
{
    static const char body[] = "{\"a\":1,\"a\":2,\"error\":null,\"error\":\"x\"}";

    meet_body(check, "application/json", body, sizeof body - 1);
}

static void other_json(struct check *check)
{
    static const char *const bodies[] = {"null", "[]", "7", "\"text\"", "{}", "[{\"a\":[{}]}]"};
    struct bench *bench = open_ready(check);
    size_t requests = peer_request_count(bench_peer(bench));

    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        const struct peer_answer answer = {.status = 200,
                                           .type = "application/json",
                                           .body = bodies[i],
                                           .body_len = strlen(bodies[i])};
        struct bench_result result;

        peer_set(bench_peer(bench), &answer);
        bench_operate(bench, 0, OPERATION_MS, &result);
        if (peer_request_count(bench_peer(bench)) == requests)
            check_skip(check, "the operation makes no HTTP request");
        judge(check, bench, &result, MAY_SUCCEED);
        bench_result_clear(&result);
    }
}

#define ENDS \
    "End the call with the status that fits, SESAME_UNAVAILABLE when trying again may help."
#define CODES                                                                                     \
    "Fail with the status that fits (sesame/plugin.h), or give a tool's result with `is_error`: " \
    "the model must not take it for a success."

static const struct check_case cases[] = {
    {"http.refused", "A service that refuses connections makes the operation fail.", ENDS,
     CHECK_ANY, CHECK_ALL, refused},
    {"http.reset", "A connection that is reset makes the operation fail.", ENDS, CHECK_ANY,
     CHECK_ALL, reset},
    {"http.silent", "A service that never answers makes the operation fail in time.",
     "Give each request the deadline of its call, or an idle time.", CHECK_ANY, CHECK_ALL, silent},
    {"http.stops", "A service that stops in the middle makes the operation fail in time.",
     "Give each request the deadline of its call, or an idle time.", CHECK_ANY, CHECK_ALL,
     stops_in_body},
    {"http.cut-head", "An answer that ends within its head makes the operation fail.", ENDS,
     CHECK_ANY, CHECK_ALL, cut_head},
    {"http.cut-body", "An answer that ends within its body makes the operation fail.",
     "A part of an answer is none: look at the status of `on_done`.", CHECK_ANY, CHECK_ALL,
     cut_body},
    {"http.no-http", "Something that is no HTTP makes the operation fail.", ENDS, CHECK_ANY,
     CHECK_ALL, no_http},
    {"http.pieces", "An answer in many small pieces is read like one in one piece.",
     "`on_data` brings any number of bytes: collect them until `on_done`.", CHECK_ANY, CHECK_ALL,
     byte_wise},
    {"http.401", "Status 401 makes the operation fail.", CODES, CHECK_ANY, CHECK_ALL, status_401},
    {"http.403", "Status 403 makes the operation fail.", CODES, CHECK_ANY, CHECK_ALL, status_403},
    {"http.404", "Status 404 makes the operation fail.", CODES, CHECK_ANY, CHECK_ALL, status_404},
    {"http.429", "Status 429 makes the operation fail.", CODES, CHECK_ANY, CHECK_ALL, status_429},
    {"http.500", "Status 500 makes the operation fail.", CODES, CHECK_ANY, CHECK_ALL, status_500},
    {"http.503", "Status 503, with a Retry-After in the past, makes the operation fail.", CODES,
     CHECK_ANY, CHECK_ALL, status_503},
    {"http.redirect", "A redirect ends the operation.",
     "The host follows none: a redirect arrives as a status and a Location.", CHECK_ANY, CHECK_ALL,
     redirect},
    {"http.no-content", "Status 204 ends the operation.", "There is no body, and no `on_data`.",
     CHECK_ANY, CHECK_ALL, no_content},
    {"http.empty", "An empty body ends the operation.", "`on_data` may never be called.", CHECK_ANY,
     CHECK_ALL, empty},
    {"http.not-json", "A body that is no JSON although it says so ends the operation.",
     "Check with `sesame.json/1` before anything is looked up in it.", CHECK_ANY, CHECK_ALL,
     not_json},
    {"http.wrong-type", "A page of HTML instead of JSON ends the operation.",
     "Login pages and proxies answer so. Look at the content type.", CHECK_ANY, CHECK_ALL,
     wrong_type},
    {"http.no-type", "Bytes without a type end the operation.",
     "What is no UTF-8 cannot be passed on as text.", CHECK_ANY, CHECK_ALL, no_type},
    {"http.huge", "A body of 6 MiB ends the operation.",
     "The host ends it with SESAME_LIMIT; fail, and free what was collected.", CHECK_ANY, CHECK_ALL,
     huge},
    {"http.deep", "JSON that is nested 20,000 deep ends the operation.",
     "A parser that calls itself needs a limit.", CHECK_ANY, CHECK_ALL, deep},
    {"http.double-members", "JSON with members twice ends the operation.",
     "`sesame.json/1` refuses it: two readers could see two things.", CHECK_ANY, CHECK_ALL,
     double_members},
    {"http.other-json", "JSON of other types than expected ends the operation.",
     "Look at the type of each value before it is used.", CHECK_ANY, CHECK_ALL, other_json},
};

const struct check_group check_group_http = {"http", "A service that answers badly", cases,
                                             sizeof cases / sizeof cases[0]};
