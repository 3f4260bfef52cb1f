/* The key set cache against a server that rotates, fails and counts, with a clock of the test's
 * own. */
#include "jwt/jwks_cache.h"

#include "base/error.h"
#include "jwt/jwks.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/loop.h"

#include "../support/run.h"

#include <stdio.h>
#include <string.h>

#define KEY(kid)                                          \
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"" kid \
    "\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"

static struct loop *loop;
static struct http_listener *listener;
static struct http_service *service;
static struct http_client *client;
static struct jwks_cache *cache;
static int requests, changes, ends, status;
static const char *cache_control;
static int64_t now;
static struct jwks *latest;

static void on_request(void *arg, struct http_exchange *exchange)
{
    static const char body[] = "{\"keys\":[" KEY("k1") "]}";

    (void)arg;
    requests++;
    if (cache_control != NULL)
        http_exchange_add_header(exchange, "Cache-Control", cache_control);
    http_exchange_reply(exchange, status, "application/json", status == 200 ? body : "{}",
                        status == 200 ? sizeof body - 1 : 2);
}

static void on_accept(void *arg, int fd)
{
    (void)arg;
    http_service_adopt(service, fd);
}

static int64_t test_now(void *arg)
{
    (void)arg;
    return now;
}

static void on_change(void *arg, struct jwks *jwks)
{
    (void)arg;
    changes++;
    ends += jwks != NULL;
    latest = jwks;
}

static void on_failure(void *arg, const struct error *why, bool has_keys)
{
    (void)arg;
    (void)why;
    (void)has_keys;
    ends++;
}

static void setup(void)
{
    struct jwks_cache_options options = {
        .now_ms = test_now, .on_change = on_change, .on_failure = on_failure};
    struct http_server_limits limits;
    struct error err = {0};
    char url[100];

    now = 1000000;
    status = 200;
    cache_control = NULL;
    http_server_limits_default(&limits);
    loop = loop_new(&err);
    listener = http_listener_new(loop, "127.0.0.1:0", on_accept, NULL, &err);
    service = http_service_new(loop, &limits, on_request, NULL, &err);
    client = http_client_new(loop, NULL, &err);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/jwks", http_listener_port(listener));
    options.url = url;
    cache = jwks_cache_new(loop, client, &options, &err);
    ck_assert_msg(cache != NULL, "%s", err.message);
}

static void teardown(void)
{
    jwks_cache_free(cache);
    http_client_free(client);
    http_service_free(service);
    http_listener_free(listener);
    loop_free(loop);
}

/* Runs until the server saw `count` requests and the cache has taken the last answer. */
static void run_until(int count)
{
    for (int i = 0; i < 500 && ends < count; i++)
        loop_run_once(loop, 10);
    ck_assert_int_eq(requests, count);
    ck_assert_int_eq(ends, count);
}

static void advance(int64_t ms)
{
    now += ms;
    jwks_cache_run_due(cache);
}

START_TEST(a_set_is_kept_for_five_minutes_unless_the_server_says_more)
{
    run_until(1);
    ck_assert_ptr_nonnull(latest);
    ck_assert(jwks_has_usable_kid(latest, slice_of("k1")));
    advance(299 * 1000);
    ck_assert_int_eq(requests, 1);
    cache_control = "public, max-age=1800";
    advance(2 * 1000);
    run_until(2);
    advance(1799 * 1000);
    ck_assert_int_eq(requests, 2);
    advance(2 * 1000);
    run_until(3);
}
END_TEST

START_TEST(what_the_server_says_of_freshness_is_kept_within_bounds)
{
    static const struct {
        const char *cache_control;
        int64_t fresh_s;
    } rows[] = {
        {"max-age=0", 300},
        {"no-store", 300},
        {"max-age=x", 300},
        {"max-age=1200, must-revalidate", 1200},
        {"MAX-AGE = 1200", 300},
        {"max-age=86400", 3600},
        {"max-age=99999999999", 3600},
    };
    int expected = 1;

    run_until(expected);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cache_control = rows[i].cache_control;
        advance(3601 * 1000);
        run_until(++expected);
        advance(rows[i].fresh_s * 1000 - 1);
        ck_assert_msg(requests == expected, "%s", rows[i].cache_control);
        advance(1);
        run_until(++expected);
    }
}
END_TEST

START_TEST(unknown_kids_cause_one_fetch_in_thirty_seconds)
{
    run_until(1);
    /* Keys that rotate right after a fetch are not waited for. */
    for (int i = 0; i < 1000; i++)
        ck_assert(jwks_cache_want_kid(cache));
    run_until(2);
    now += 29999;
    for (int i = 0; i < 1000; i++)
        ck_assert(!jwks_cache_want_kid(cache));
    now += 1;
    for (int i = 0; i < 1000; i++)
        ck_assert(jwks_cache_want_kid(cache));
    run_until(3);
    ck_assert_int_eq(changes, 3);
}
END_TEST

START_TEST(old_keys_serve_while_the_issuer_is_down_and_for_a_day_at_most)
{
    run_until(1);
    status = 503;
    advance(301 * 1000);
    run_until(2);
    ck_assert_ptr_nonnull(jwks_cache_get(cache));
    ck_assert_ptr_nonnull(strstr(jwks_cache_last_error(cache), "503"));
    advance(23 * 3600 * 1000LL);
    run_until(3);
    ck_assert_ptr_nonnull(jwks_cache_get(cache));
    advance(3600 * 1000LL);
    ck_assert_ptr_null(jwks_cache_get(cache));
    ck_assert_ptr_null(latest);
    status = 200;
    run_until(4);
    ck_assert_ptr_nonnull(latest);
}
END_TEST

START_TEST(a_failing_issuer_is_asked_ever_more_rarely)
{
    int64_t waits[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    int expected = 2;

    run_until(1);
    status = 500;
    advance(301 * 1000);
    run_until(expected);
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        advance(waits[i] - 1);
        ck_assert_int_eq(requests, expected);
        advance(1);
        expected++;
        run_until(expected);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_set_is_kept_for_five_minutes_unless_the_server_says_more,
                                  what_the_server_says_of_freshness_is_kept_within_bounds,
                                  unknown_kids_cause_one_fetch_in_thirty_seconds,
                                  old_keys_serve_while_the_issuer_is_down_and_for_a_day_at_most,
                                  a_failing_issuer_is_asked_ever_more_rarely,
                                  NULL};

    return run_tests("jwks_cache", tests, setup, teardown);
}
