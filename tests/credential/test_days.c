/* Days of the broker on a clock of the test's own: outages, rotations, and what the vendor does. */
#include "credential/broker.h"
#include "credential/credential_client.h"

#include "base/error.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "config/host_config.h"
#include "net/http_client.h"
#include "net/loop.h"

#include "../support/files.h"
#include "../support/peer.h"
#include "../support/provider.h"
#include "../support/run.h"

#define CREDENTIAL_COUNT 3
#define MARGIN_MS 10000
#define WALL_START_S 1800000000

static struct loop *loop;
static struct http_client *http;
static struct broker *broker;
static struct credential_client *worker;
static struct scripted_provider provider;
static char names[CREDENTIAL_COUNT][16], scopes[CREDENTIAL_COUNT][40];
static struct credential_config configs[CREDENTIAL_COUNT];

/* ---- time and the issuer --------------------------------------------------------------------- */

static int64_t clock_ms; /* of everything */
static int64_t lifetime_s;
static int64_t told_expires_at_s; /* besides, when it is not -1 */
static int64_t kept_s;            /* as the broker reports it, until the margin */
static bool is_down;
static enum error_code refusal; /* while it is down */

static int64_t now_ms(void *arg)
{
    (void)arg;
    return clock_ms;
}

static int64_t wall_s(void *arg)
{
    (void)arg;
    return WALL_START_S + clock_ms / 1000;
}

/* What the issuer saw of each credential. */
static struct seen {
    int64_t given_at_ms;   /* the last token; -1: none */
    int64_t expires_at_ms; /* of that one */
    int64_t asked_at_ms;   /* the last attempt */
    int64_t pause_ms;      /* between the last two */
    int given, attempts;
    int64_t shortest_ms; /* between two tokens of which the first still lived */
} seen[CREDENTIAL_COUNT];

static void answer(struct scripted_provider *scripted, struct scripted_fetch *fetch)
{
    struct seen *one = &seen[fetch->scope[strlen(fetch->scope) - 1] - '0'];
    char token[60];

    (void)scripted;
    one->attempts++;
    one->pause_ms = clock_ms - one->asked_at_ms;
    one->asked_at_ms = clock_ms;
    if (is_down) {
        provider_refuse(fetch, refusal, refusal == ERROR_DENIED ? "invalid_client" : "");
        return;
    }
    if (one->given > 0 && clock_ms < one->expires_at_ms - MARGIN_MS &&
        clock_ms - one->given_at_ms < one->shortest_ms)
        one->shortest_ms = clock_ms - one->given_at_ms;
    one->given++;
    one->given_at_ms = clock_ms;
    one->expires_at_ms = clock_ms + lifetime_s * 1000;
    /* A token says when it ends. */
    snprintf(token, sizeof token, "canary until %lld", (long long)one->expires_at_ms);
    provider_give_until(fetch, token, strlen(token), lifetime_s, told_expires_at_s);
}

static void on_event(void *arg, const struct credential_event *event)
{
    (void)arg;
    kept_s = event->expires_in_s;
}

/* ---- set-up ---------------------------------------------------------------------------------- */

static void set_up(void)
{
    struct broker_options options = {.credentials = configs,
                                     .credential_count = CREDENTIAL_COUNT,
                                     .provider = provider_table(&provider),
                                     .developer_api_endpoint = "",
                                     .instance_id = "",
                                     .vault_scope = "",
                                     .now_ms = now_ms,
                                     .wall_s = wall_s,
                                     .on_event = on_event};
    struct error err = {0};

    clock_ms = 1000000;
    is_down = false;
    told_expires_at_s = -1;
    refusal = ERROR_UPSTREAM;
    for (int i = 0; i < CREDENTIAL_COUNT; i++) {
        snprintf(names[i], sizeof names[i], "c%d", i);
        snprintf(scopes[i], sizeof scopes[i], "svc|%d", i);
        configs[i] = (struct credential_config){
            .name = names[i], .kind = CREDENTIAL_ACCESS_TOKEN, .scope = scopes[i]};
        seen[i] = (struct seen){.shortest_ms = INT64_MAX};
    }
    loop = loop_new(&err);
    http = http_client_new(loop, NULL, &err);
    provider = (struct scripted_provider){.loop = loop, .answer = answer};
    broker = broker_new(loop, http, &options, &err);
    ck_assert_msg(broker != NULL, "%s", err.message);
    worker = credential_client_new(broker, loop, &err);
    ck_assert_msg(worker != NULL, "%s", err.message);
}

static void tear_down(void)
{
    credential_client_free(worker);
    for (int i = 0; i < 3; i++)
        loop_run_once(loop, 0);
    broker_free(broker);
    http_client_free(http);
    for (int i = 0; i < 3; i++)
        loop_run_once(loop, 0);
    loop_free(loop);
    secret_arena_close();
}

static int served, failed, open_waits;

static void on_ready(void *arg, const struct credential *credential, const struct error *err)
{
    const char *text;
    int64_t ends_at_ms;

    (void)arg;
    (void)err;
    open_waits--;
    if (credential == NULL) {
        failed++;
        return;
    }
    served++;
    text = secret_borrow(credential->secret, NULL) + strlen("canary until ");
    ck_assert(parse_int64(text, strlen(text), &ends_at_ms));
    ck_assert_msg(clock_ms <= ends_at_ms - MARGIN_MS, "served %lld ms before its end",
                  (long long)(ends_at_ms - clock_ms));
}

static void on_kept(void *arg, const struct credential *credential, const struct error *err)
{
    (void)arg;
    (void)err;
    open_waits--;
    ck_assert_ptr_nonnull(credential); /* even what cannot be kept serves who waited for it */
}

static void settle(void)
{
    for (int i = 0; i < 200 && (open_waits > 0 || provider.open > 0 || i < 1); i++)
        loop_run_once(loop, 0);
    ck_assert_int_eq(open_waits, 0);
}

static void request(int index)
{
    open_waits++;
    (void)credential_get(worker, &configs[index], NULL, 0, on_ready, NULL);
}

/* So much later everybody asks. */
static void pass(int64_t seconds)
{
    clock_ms += seconds * 1000;
    broker_run_due(broker);
    for (int i = 0; i < CREDENTIAL_COUNT; i++)
        request(i);
    settle();
}

static void begin(int64_t its_lifetime_s)
{
    served = failed = open_waits = 0;
    lifetime_s = its_lifetime_s;
    broker_start(broker);
    settle();
}

static void forget_attempts(void)
{
    for (int i = 0; i < CREDENTIAL_COUNT; i++)
        seen[i].attempts = 0;
}

/* The same on every run. */
static uint32_t random_state = 20261125;

static int random_number(int below)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (int)((random_state >> 8) % (uint32_t)below);
}

/* ---- the vendor's cache, and ours ------------------------------------------------------------ */

/* Its refresh fails as the outage begins after the first token: what it has, it serves. */
START_TEST(where_the_vendor_serves_expired_tokens_ours_are_not_sent)
{
    struct json_object *vectors = load_vectors("idaas-cache.json");
    struct json_object *rows = json_get_array(vectors, "rows");
    size_t row_count = json_object_array_length(rows), late = 0;

    ck_assert_uint_eq(row_count, 36);
    for (size_t i = 0; i < row_count; i++) {
        struct json_object *row = json_object_array_get_idx(rows, i);
        int64_t row_lifetime_s = json_object_get_int64(json_object_object_get(row, "expires_in"));
        int64_t until_s =
            (int64_t)json_object_get_double(json_object_object_get(row, "second_fetch_at"));
        double after =
            json_object_get_double(json_object_object_get(row, "seconds_served_after_expiry"));

        late += after > 0;
        tear_down();
        set_up();
        begin(row_lifetime_s);
        is_down = true;
        for (int64_t s = 10; s <= until_s; s += 10) {
            int before = served;

            pass(10); /* on_ready looks at each token that is sent */
            ck_assert_msg((served > before) == (s <= row_lifetime_s - 10), "%lld s of %lld",
                          (long long)s, (long long)row_lifetime_s);
        }
    }
    ck_assert_uint_gt(late, 0); /* the vendor's do */
    json_object_put(vectors);
}
END_TEST

/* ---- days ------------------------------------------------------------------------------------ */

START_TEST(a_day_of_short_tokens_and_random_outages)
{
    int64_t down_until_ms = 0, up_since_ms = 0, next_outage_ms;

    begin(300);
    next_outage_ms = clock_ms + 600000;
    for (int s = 0; s < 24 * 3600; s += 3) {
        int failed_before = failed;
        bool was_down = is_down;

        if (!is_down && clock_ms >= next_outage_ms) {
            is_down = true;
            down_until_ms = clock_ms + 1000 * (1 + random_number(1200));
            forget_attempts();
        } else if (is_down && clock_ms >= down_until_ms) {
            is_down = false;
            up_since_ms = clock_ms;
            next_outage_ms = clock_ms + 1000 * (60 + random_number(3600));
        }
        if (was_down && !is_down)
            forget_attempts();
        pass(3);
        /* Somebody goes without only while the issuer is down, or in the pause after it was. */
        ck_assert_msg(failed == failed_before || is_down || clock_ms - up_since_ms <= 63000,
                      "second %d", s);
        /* No storm when it is back: one attempt in the first half of a lifetime. */
        if (!is_down && up_since_ms > 0 && clock_ms - up_since_ms < 150000)
            for (int i = 0; i < CREDENTIAL_COUNT; i++)
                ck_assert_int_le(seen[i].attempts, 1);
        /* While it is down the pauses grow to a minute. */
        if (is_down && seen[0].attempts > 8)
            ck_assert_int_ge(seen[0].pause_ms, 32000);
    }
    for (int i = 0; i < CREDENTIAL_COUNT; i++) {
        ck_assert_int_gt(seen[i].given, 200);
        /* One refresh in half a lifetime. */
        ck_assert_int_ge(seen[i].shortest_ms, 150000);
    }
    ck_assert_int_gt(served, CREDENTIAL_COUNT * 24 * 3600 / 3 / 2);
}
END_TEST

START_TEST(an_issuer_that_is_down_for_a_quarter_of_an_hour_costs_nobody)
{
    begin(3600);
    for (int s = 0; s < 4 * 3600; s += 5) {
        /* As a refresh is due, at the worst time. */
        is_down = s >= 1800 && s < 1800 + 15 * 60;
        pass(5);
    }
    ck_assert_int_eq(failed, 0);
    ck_assert_int_eq(served, CREDENTIAL_COUNT * 4 * 3600 / 5);
}
END_TEST

/* The old secret is refused before the new one is in place; nobody notices. */
START_TEST(a_rotation_of_the_client_secret_under_load_fails_no_turn)
{
    begin(300);
    refusal = ERROR_DENIED;
    for (int s = 0; s < 3600; s += 2) {
        is_down = s % 600 >= 150 && s % 600 < 210;
        pass(2);
    }
    ck_assert_int_eq(failed, 0);
    for (int i = 0; i < CREDENTIAL_COUNT; i++)
        ck_assert_int_lt(seen[i].attempts, 80);
}
END_TEST

START_TEST(a_thousand_who_wait_through_an_outage_cause_one_fetch_after_it)
{
    begin(300);
    is_down = true;
    for (int s = 0; s < 400; s += 2)
        pass(2);
    ck_assert_int_gt(failed, 0);
    is_down = false;
    clock_ms += 61000;
    seen[0].attempts = 0;
    failed = 0;
    for (int i = 0; i < 1000; i++)
        request(0);
    settle();
    ck_assert_int_eq(failed, 0);
    ck_assert_int_eq(seen[0].attempts, 1);
}
END_TEST

/* idaas.md 2.7. Where both are there and far apart a clock is wrong, and `expires_in` needs none.
 */
START_TEST(a_lifetime_is_what_an_answer_says_that_makes_sense)
{
    static const struct {
        int64_t in_s, at_s, lifetime_s; /* `at_s` from now; -1: missing; lifetime 0: not kept */
    } rows[] = {
        {1200, -1, 1200},
        {-1, 600, 600},
        {1200, 1200, 1200},
        {1200, 1500, 1500},
        {1200, 1501, 1200},
        {1200, 900, 900},
        {1200, 899, 1200},
        {100, -100, 100},
        {-1, -100, 0},
        {-1, WALL_START_S * (int64_t)999, 0}, /* milliseconds */
        {315360000, -1, 315360000},
        {315360001, -1, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tear_down();
        set_up();
        lifetime_s = rows[i].in_s;
        told_expires_at_s = rows[i].at_s == -1 ? -1 : wall_s(NULL) + rows[i].at_s;
        open_waits = 1;
        (void)credential_get(worker, &configs[0], NULL, 0, on_kept, NULL);
        settle();
        ck_assert_msg(kept_s == (rows[i].lifetime_s == 0 ? -1 : rows[i].lifetime_s - 10),
                      "row %zu: %lld s", i, (long long)kept_s);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        where_the_vendor_serves_expired_tokens_ours_are_not_sent,
        a_day_of_short_tokens_and_random_outages,
        an_issuer_that_is_down_for_a_quarter_of_an_hour_costs_nobody,
        a_rotation_of_the_client_secret_under_load_fails_no_turn,
        a_thousand_who_wait_through_an_outage_cause_one_fetch_after_it,
        a_lifetime_is_what_an_answer_says_that_makes_sense,
        NULL,
    };

    return run_tests("days", tests, set_up, tear_down);
}
