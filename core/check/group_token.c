/* Checks of a credential provider's tokens: what it makes of each kind of answer. */
#include "check/check.h"

#include "base/clock.h"
#include "check/bench.h"
#include "check/peer.h"
#include "check/probe.h"

#include <sesame/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FETCH_MS 2500
#define REPEAT_COUNT 30
#define PARALLEL_COUNT 6
#define HANDLE_SLACK 8
#define LIFETIME_MAX_S ((int64_t)10 * 366 * 24 * 3600)
#define SUBJECT "canary-subject-token-of-a-user"

static void fetch(struct bench *bench, const char *subject, struct bench_result *result)
{
    (void)bench_start_fetch(bench, bench_scope(bench), subject, FETCH_MS, result);
    bench_wait(bench, result);
}

static struct bench *open_giving(struct check *check)
{
    struct bench *bench = bench_open(check);
    struct bench_result result;

    fetch(bench, NULL, &result);
    if (!result.has_token)
        check_skip(check, "no token is given (token.given says why)");
    bench_result_clear(&result);
    return bench;
}

static void gives(struct check *check)
{
    struct bench *bench = bench_open(check);
    struct bench_result result;

    fetch(bench, NULL, &result);
    if (!result.has_token)
        check_fail(check,
                   "%.400s (does it need more of the server? then give an example with --example "
                   "FILE)",
                   result.text);
    bench_expect_no(bench, NULL);
}

static void is_no_empty_token(struct check *check)
{
    struct bench *bench = open_giving(check);
    struct bench_result result;

    fetch(bench, NULL, &result);
    if (result.len == 0)
        check_fail(check, "the token is empty");
    if (strpbrk(result.text, " \t\r\n") != NULL || strlen(result.text) != result.len)
        check_fail(check, "the token has a blank, a line break or a NUL");
}

static void says_when_it_expires(struct check *check)
{
    struct bench *bench = open_giving(check);
    struct bench_result result;

    fetch(bench, NULL, &result);
    if (result.expires_in_s < 0 && result.expires_at_s < 0)
        check_fail(check, "neither \"expires_in_s\" nor \"expires_at_s\" is given");
}

static void expires_sanely(struct check *check)
{
    struct bench *bench = open_giving(check);
    int64_t now_s = clock_wall_s();
    struct bench_result result;

    fetch(bench, NULL, &result);
    if (result.expires_in_s > LIFETIME_MAX_S)
        check_fail(check, "\"expires_in_s\" is %lld", (long long)result.expires_in_s);
    if (result.expires_at_s >= 0 &&
        (result.expires_at_s < now_s || result.expires_at_s > now_s + LIFETIME_MAX_S))
        check_fail(check, "\"expires_at_s\" is %lld, now is %lld", (long long)result.expires_at_s,
                   (long long)now_s);
}

static void is_given_each_time(struct check *check)
{
    struct bench *bench = open_giving(check);

    for (int i = 0; i < 5; i++) {
        struct bench_result result;

        fetch(bench, NULL, &result);
        if (!result.has_token)
            check_fail(check, "fetch %d of the same token fails: %.300s", i + 2, result.text);
        bench_result_clear(&result);
    }
}

static void completes_once(struct check *check)
{
    static const char *const kinds[] = {"completed_twice", "completed_late", "unknown_handle",
                                        NULL};
    struct bench *bench = bench_open(check);
    struct bench_result result;

    fetch(bench, NULL, &result);
    bench_run(bench, 200);
    bench_expect_no(bench, kinds);
}

static void completes(struct check *check)
{
    static const char *const kinds[] = {"never_completed", NULL};
    struct bench *bench = bench_open(check);
    struct bench_result result;

    (void)bench_start_fetch(bench, bench_scope(bench), NULL, 1000, &result);
    bench_wait(bench, &result);
    bench_expect_no(bench, kinds);
}

/* ---- answers without a token ----------------------------------------------------------------- */

/* The operation must call somebody, or there is no answer to speak of. */
static void meet(struct check *check, int status, const char *body, bool wants_token)
{
    const struct peer_answer answer = {
        .status = status, .type = "application/json", .body = body, .body_len = strlen(body)};
    struct bench *bench = bench_open(check);
    struct bench_result result;

    peer_set(bench_peer(bench), &answer);
    fetch(bench, NULL, &result);
    if (peer_request_count(bench_peer(bench)) == 0)
        check_skip(check, "the operation makes no HTTP request");
    if (result.has_token && !wants_token)
        check_fail(check, "it gives a token");
    if (!result.has_token && result.len == 0)
        check_fail(check, "it fails without a message");
    bench_expect_no(bench, NULL);
}

static void without_token(struct check *check)
{
    meet(check, 200, "{\"token_type\":\"Bearer\",\"expires_in\":1200}", false);
}

static void with_empty_token(struct check *check)
{
    meet(check, 200, "{\"access_token\":\"\",\"token_type\":\"Bearer\",\"expires_in\":1200}",
         false);
}

static void with_number(struct check *check)
{
    meet(check, 200, "{\"access_token\":7,\"token_type\":\"Bearer\",\"expires_in\":1200}", false);
}

static void with_null(struct check *check)
{
    meet(check, 200, "{\"access_token\":null,\"token_type\":\"Bearer\",\"expires_in\":1200}",
         false);
}

static void with_array(struct check *check)
{
    meet(check, 200, "[{\"access_token\":\"a\",\"token_type\":\"Bearer\"}]", false);
}

static void with_line_break(struct check *check)
{
    meet(check, 200,
         "{\"access_token\":\"a\\r\\nX-Injected: 1\",\"token_type\":\"Bearer\","
         "\"expires_in\":1200}",
         false);
}

/* Lifetimes that no server should name: what is given must not be believed. */
static void with_odd_lifetime(struct check *check)
{
    static const char *const lifetimes[] = {
        "-5", "0", "99999999999999999", "1e300", "\"x\"", "null", "[]", "0.5"};
    struct bench *bench = open_giving(check);

    for (size_t i = 0; i < sizeof lifetimes / sizeof lifetimes[0]; i++) {
        char body[200];
        struct peer_answer answer = {.status = 200, .type = "application/json", .body = body};
        struct bench_result result;

        (void)snprintf(body, sizeof body,
                       "{\"access_token\":\"token-with-odd-lifetime\",\"token_type\":\"Bearer\","
                       "\"expires_in\":%s}",
                       lifetimes[i]);
        answer.body_len = strlen(body);
        peer_set(bench_peer(bench), &answer);
        fetch(bench, NULL, &result);
        if (result.has_token && result.expires_in_s > LIFETIME_MAX_S)
            check_fail(check, "\"expires_in\": %s becomes %lld s", lifetimes[i],
                       (long long)result.expires_in_s);
        bench_result_clear(&result);
    }
    bench_expect_no(bench, NULL);
}

static void refused_client(struct check *check)
{
    meet(check, 401, "{\"error\":\"invalid_client\",\"error_description\":\"no such client\"}",
         false);
}

static void refused_grant(struct check *check)
{
    meet(check, 400, "{\"error\":\"invalid_grant\"}", false);
}

static void unavailable(struct check *check)
{
    meet(check, 503, "{\"error\":\"temporarily_unavailable\"}", false);
}

static void odd_error(struct check *check)
{
    meet(check, 400, "{\"error\":{\"code\":[1]},\"error_description\":7}", false);
}

/* ---- users, scopes, many --------------------------------------------------------------------- */

static void takes_a_user(struct check *check)
{
    struct bench *bench = bench_open(check);
    struct bench_result result;

    fetch(bench, SUBJECT, &result);
    if (!result.has_token && result.len == 0)
        check_fail(check, "it fails without a message");
    bench_expect_no(bench, NULL);
    bench_destroy(bench);
}

static void takes_odd_scopes(struct check *check)
{
    static const char *const scopes[] = {
        "",
        "|",
        "https://svc.example|",
        "|read",
        "https://svc.example|read write admin",
        "a b c d e f g h i j",
        "https://svc.example/%00?a=b&c=d#e|r\"ead\\",
        "\xe4\xb8\xad\xe6\x96\x87|\xf0\x9f\x98\x80",
    };
    struct bench *bench = bench_open(check);

    for (size_t i = 0; i < sizeof scopes / sizeof scopes[0]; i++) {
        struct bench_result result;

        (void)bench_start_fetch(bench, scopes[i], NULL, FETCH_MS, &result);
        bench_wait(bench, &result);
        bench_result_clear(&result);
    }
    bench_expect_no(bench, NULL);
}

static void takes_a_long_scope(struct check *check)
{
    struct bench *bench = bench_open(check);
    struct bench_result result;
    char scope[8000];

    memset(scope, 'x', sizeof scope - 1);
    scope[sizeof scope - 1] = '\0';
    scope[4000] = '|';
    (void)bench_start_fetch(bench, scope, NULL, FETCH_MS, &result);
    bench_wait(bench, &result);
    bench_expect_no(bench, NULL);
}

static void fetches_side_by_side(struct check *check)
{
    struct bench *bench = open_giving(check);
    struct bench_result results[PARALLEL_COUNT];

    for (size_t i = 0; i < PARALLEL_COUNT; i++)
        (void)bench_start_fetch(bench, bench_scope(bench), NULL, 2 * FETCH_MS, &results[i]);
    for (size_t i = 0; i < PARALLEL_COUNT; i++)
        bench_wait(bench, &results[i]);
    for (size_t i = 0; i < PARALLEL_COUNT; i++)
        if (!results[i].has_token)
            check_fail(check, "of %d fetches side by side one fails: %.300s", PARALLEL_COUNT,
                       results[i].text);
    bench_expect_no(bench, NULL);
}

static void releases_its_handles(struct check *check)
{
    struct bench *bench = open_giving(check);
    size_t before = 0, after;

    for (int i = 0; i < REPEAT_COUNT + 3; i++) {
        struct bench_result result;

        fetch(bench, i % 2 == 0 ? NULL : SUBJECT, &result);
        bench_result_clear(&result);
        if (i == 2)
            before = probe_handle_count();
    }
    after = probe_handle_count();
    if (after > before + HANDLE_SLACK)
        check_fail(check, "after %d fetches it holds %zu handles, before %zu", REPEAT_COUNT, after,
                   before);
}

static void copies_what_it_keeps(struct check *check)
{
    struct bench *bench = bench_open(check);
    struct bench_result result;

    for (int i = 0; i < 2; i++) {
        fetch(bench, SUBJECT, &result);
        bench_result_clear(&result);
    }
    bench_destroy(bench);
}

#define NO_TOKEN "Fail with SESAME_UNAVAILABLE and say what the answer lacked; no secret in it."

static const struct check_case cases[] = {
    {"token.given", "A token is given when the server gives one.",
     "Complete `fetch` with SESAME_OK and the token's handle. A provider that needs more of its "
     "server than an OAuth 2.0 answer gets it by `--example FILE`.",
     CHECK_PROVIDER, CHECK_HERE, gives},
    {"token.completes", "Each fetch ends by itself.",
     "The host answers in the provider's place after the deadline and a grace time.",
     CHECK_PROVIDER, CHECK_HERE, completes},
    {"token.once", "Each fetch is completed once.",
     "After `complete` the handle is dead, and the token belongs to the host.", CHECK_PROVIDER,
     CHECK_HERE, completes_once},
    {"token.form", "The token is not empty and has no blanks, line breaks or NUL.",
     "It goes into a header.", CHECK_PROVIDER, CHECK_HERE, is_no_empty_token},
    {"token.expiry", "It is said when the token expires.",
     "Without a time the host refreshes far too often, or too late. Give `expires_in_s` or "
     "`expires_at_s`.",
     CHECK_PROVIDER, CHECK_HERE, says_when_it_expires},
    {"token.expiry-sane", "The time lies ahead, and at most ten years.",
     "`expires_in_s` are seconds from now, `expires_at_s` seconds since 1970, not milliseconds.",
     CHECK_PROVIDER, CHECK_HERE, expires_sanely},
    {"token.again", "The same token can be fetched again and again.",
     "The host caches; the provider keeps nothing that the next fetch stumbles over.",
     CHECK_PROVIDER, CHECK_HERE, is_given_each_time},
    {"token.missing", "An answer without a token gives none.", NO_TOKEN, CHECK_PROVIDER, CHECK_HERE,
     without_token},
    {"token.empty", "An answer with an empty token gives none.", NO_TOKEN, CHECK_PROVIDER,
     CHECK_HERE, with_empty_token},
    {"token.number", "An answer whose token is a number gives none.", NO_TOKEN, CHECK_PROVIDER,
     CHECK_HERE, with_number},
    {"token.null", "An answer whose token is null gives none.", NO_TOKEN, CHECK_PROVIDER,
     CHECK_HERE, with_null},
    {"token.array", "An answer that is an array gives none.", NO_TOKEN, CHECK_PROVIDER, CHECK_HERE,
     with_array},
    {"token.line-break", "An answer whose token holds a line break gives none.",
     "It would end the header it goes into, and begin another.", CHECK_PROVIDER, CHECK_HERE,
     with_line_break},
    {"token.odd-lifetime", "Lifetimes that are negative, endless or no numbers are not believed.",
     "Leave out what is no sane number; the host then takes a short one.", CHECK_PROVIDER,
     CHECK_HERE, with_odd_lifetime},
    {"token.invalid-client", "A refusal of the client gives no token but a message.",
     "Complete with SESAME_DENIED and the server's `code`: the host remembers it and does not ask "
     "again at once.",
     CHECK_PROVIDER, CHECK_HERE, refused_client},
    {"token.invalid-grant", "A refusal of the grant gives no token but a message.",
     "As token.invalid-client.", CHECK_PROVIDER, CHECK_HERE, refused_grant},
    {"token.unavailable", "A server that is out of order gives no token but a message.",
     "Complete with SESAME_UNAVAILABLE.", CHECK_PROVIDER, CHECK_HERE, unavailable},
    {"token.odd-error", "An error whose members have other types than they should is no crash.",
     "Look at the type of each value before it is used.", CHECK_PROVIDER, CHECK_HERE, odd_error},
    {"token.user", "A user's token is taken as the subject, or refused with a message.",
     "A provider that acts only as the agent says so: SESAME_BAD_INPUT.", CHECK_PROVIDER,
     CHECK_HERE, takes_a_user},
    {"token.odd-scopes", "Unusual scopes end the fetch and not the provider.",
     "Encode what goes into a form or a URL; the host does it for form fields.", CHECK_PROVIDER,
     CHECK_HERE, takes_odd_scopes},
    {"token.long-scope", "A scope of 8,000 bytes ends the fetch and not the provider.",
     "No buffer of a fixed size without a look at the length.", CHECK_PROVIDER, CHECK_HERE,
     takes_a_long_scope},
    {"token.parallel", "Six fetches at once all give a token.",
     "State of a fetch hangs off its handle, not off the instance.", CHECK_PROVIDER, CHECK_HERE,
     fetches_side_by_side},
    {"token.releases", "Thirty fetches leave no handles behind.",
     "Free each secret and key that a fetch made; the token itself becomes the host's.",
     CHECK_PROVIDER, CHECK_HERE, releases_its_handles},
    {"token.borrowed",
     "What a fetch brings is not used after `fetch` returned, nor beyond its length.",
     "Copy what you keep. Texts have no NUL at their end.", CHECK_PROVIDER, CHECK_HERE,
     copies_what_it_keeps},
};

const struct check_group check_group_token = {"token", "A credential provider's tokens", cases,
                                              sizeof cases / sizeof cases[0]};
