/* The gate: status and challenge of each refusal, keys that come late, tokens that are remembered.
 */
#include "server/gate.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "jwt/jwks.h"
#include "jwt/jws.h"
#include "jwt/key.h"
#include "net/loop.h"

#include "../support/peer.h"
#include "../support/run.h"

#include <string.h>

static struct loop *loop;
static struct gate *gate;
static struct signing_key *key;
static int verdicts, wishes, last_status;
static char last_reason[60], last_challenge[200], last_sub[60];

static void want_keys(void *arg)
{
    (void)arg;
    wishes++;
}

static void on_verdict(void *arg, const struct gate_verdict *verdict)
{
    (void)arg;
    verdicts++;
    last_status = verdict->status;
    snprintf(last_reason, sizeof last_reason, "%s", verdict->reason);
    snprintf(last_challenge, sizeof last_challenge, "%s",
             verdict->challenge == NULL ? "" : verdict->challenge);
    snprintf(last_sub, sizeof last_sub, "%s", verdict->status == 200 ? verdict->claims->sub : "");
}

static struct jwks *make_keys(const char *kid)
{
    struct buffer text;
    struct error err = {0};
    struct jwks *jwks;

    buffer_init(&text, 8192);
    ck_assert(buffer_add_text(&text, "{\"keys\":[", &err) &&
              signing_key_add_jwk(key, kid, &text, &err) && buffer_add_text(&text, "]}", &err));
    jwks = jwks_parse(text.data, text.len, &err);
    ck_assert_msg(jwks != NULL, "%s", err.message);
    buffer_clear(&text);
    return jwks;
}

static struct secret *make_header(const char *kid, const char *scope, int64_t lifetime_s)
{
    char header[200], claims[400];
    struct error err = {0};
    struct secret *token, *value;

    snprintf(header, sizeof header, "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}", kid);
    snprintf(claims, sizeof claims,
             "{\"iss\":\"https://i.example\",\"aud\":\"agent\",\"sub\":\"u1\",\"client_id\":\"c\","
             "\"scope\":\"%s\",\"exp\":%lld}",
             scope, (long long)(clock_wall_s() + lifetime_s));
    token = jws_sign(key, slice_of(header), slice_of(claims), &err);
    ck_assert_msg(token != NULL, "%s", err.message);
    value = secret_join("Bearer ", token, "", &err);
    secret_free(token);
    return value;
}

static void give_keys(const char *kid)
{
    struct jwks *jwks = make_keys(kid);

    gate_set_keys(gate, jwks);
    jwks_free(jwks);
}

static void set_up(void)
{
    struct gate_options options = {.policy = {.issuer = "https://i.example",
                                              .audience = "agent",
                                              .scope = "use",
                                              .leeway_s = 60},
                                   .want_keys = want_keys};
    struct error err = {0};

    loop = loop_new(&err);
    key = signing_key_generate("P-256", &err);
    gate = gate_new(loop, &options, &err);
    ck_assert_msg(gate != NULL && key != NULL, "%s", err.message);
    verdicts = wishes = 0;
}

static void tear_down(void)
{
    gate_free(gate);
    signing_key_free(key);
    loop_free(loop);
}

static struct gate_wait *check(struct secret *header)
{
    return gate_check(gate, header, header == NULL ? 0 : 1, on_verdict, NULL);
}

START_TEST(a_good_token_comes_in_and_again_from_memory)
{
    struct secret *header = make_header("k", "use other", 600);

    give_keys("k");
    for (int i = 1; i <= 3; i++) {
        ck_assert_ptr_null(check(header));
        ck_assert_int_eq(verdicts, i);
        ck_assert_int_eq(last_status, 200);
        ck_assert_str_eq(last_sub, "u1");
    }
    secret_free(header);
}
END_TEST

static char forged_text[1000];
static struct secret *first, *forged;

/* The request ends within its verdict, and the next one's token takes the place of the first. */
static void end_and_begin_the_next(void *arg, const struct gate_verdict *verdict)
{
    struct error err = {0};

    on_verdict(arg, verdict);
    secret_free(first);
    forged = secret_copy(forged_text, strlen(forged_text), &err);
    ck_assert_ptr_eq(forged, first);
}

START_TEST(a_token_is_remembered_by_its_own_bytes_although_its_request_ends_in_the_verdict)
{
    size_t len;

    give_keys("k");
    first = make_header("k", "use", 600);
    snprintf(forged_text, sizeof forged_text, "%s", secret_borrow(first, &len));
    forged_text[len - 10] = forged_text[len - 10] == 'A' ? 'B' : 'A';
    ck_assert_ptr_null(gate_check(gate, first, 1, end_and_begin_the_next, NULL));
    ck_assert_int_eq(last_status, 200);
    check(forged);
    ck_assert_int_eq(last_status, 401);
    secret_free(forged);
}
END_TEST

START_TEST(refusals_carry_status_and_challenge)
{
    struct error err = {0};
    struct secret *poor = make_header("k", "other", 600), *old = make_header("k", "use", -600);
    struct secret *basic = secret_copy("Basic abc", 9, &err);

    give_keys("k");
    check(NULL);
    ck_assert_int_eq(last_status, 401);
    ck_assert_str_eq(last_challenge, "Bearer");
    check(basic);
    ck_assert_str_eq(last_reason, "bad_header");
    check(old);
    ck_assert_int_eq(last_status, 401);
    ck_assert_str_eq(last_challenge, "Bearer error=\"invalid_token\"");
    check(poor);
    ck_assert_int_eq(last_status, 403);
    ck_assert_str_eq(last_challenge, "Bearer error=\"insufficient_scope\", scope=\"use\"");
    ck_assert_int_eq(wishes, 0);
    secret_free(poor);
    secret_free(old);
    secret_free(basic);
}
END_TEST

/* RFC 6750 section 2.1, RFC 9110 section 11.1: the scheme without case, and no other. */
START_TEST(the_scheme_is_bearer_in_any_case)
{
    static const char *const good[] = {"Bearer ", "bearer ", "BEARER ", "bEaReR  "};
    static const char *const bad[] = {"",         "Basic ",    "Bearer",   "Bearer,",
                                      "BearerX ", "Bearer a ", "xBearer ", "DPoP "};
    struct secret *header = make_header("k", "use", 600);
    const char *token = secret_borrow(header, NULL) + strlen("Bearer ");
    char text[1000];
    struct error err = {0};

    give_keys("k");
    for (size_t i = 0; i < 4 + sizeof bad / sizeof bad[0]; i++) {
        struct secret *value;

        snprintf(text, sizeof text, "%s%s", i < 4 ? good[i] : bad[i - 4], token);
        value = secret_copy(text, strlen(text), &err);
        ck_assert_ptr_null(check(value));
        ck_assert_msg(last_status == (i < 4 ? 200 : 401), "%.9s: %d", text, last_status);
        if (i >= 4)
            ck_assert_str_eq(last_challenge, "Bearer");
        secret_free(value);
    }
    /* Two headers, even of the same token, are none. */
    ck_assert_ptr_null(gate_check(gate, header, 2, on_verdict, NULL));
    ck_assert_str_eq(last_reason, "bad_header");
    secret_free(header);
}
END_TEST

/* So many wait for keys that the next one need not: what he is told is what all are told in the
 * end. */
START_TEST(without_any_keys_the_service_is_unavailable_and_the_token_not_wrong)
{
    struct secret *header = make_header("k", "use", 600);
    struct gate_wait *waits[256];

    for (size_t i = 0; i < 256; i++) {
        waits[i] = check(header);
        ck_assert_ptr_nonnull(waits[i]);
    }
    ck_assert_int_eq(verdicts, 0);
    ck_assert_ptr_null(check(header));
    ck_assert_int_eq(last_status, 503);
    ck_assert_str_eq(last_reason, "no_keys");
    ck_assert_str_eq(last_challenge, "");
    for (size_t i = 0; i < 256; i++)
        gate_wait_cancel(waits[i]);
    ck_assert_int_eq(verdicts, 1);
    secret_free(header);
}
END_TEST

START_TEST(a_token_waits_for_keys_that_come_late)
{
    struct secret *header = make_header("new", "use", 600);

    ck_assert_ptr_nonnull(check(header));
    ck_assert_int_eq(verdicts, 0);
    ck_assert_int_eq(wishes, 1);
    give_keys("new");
    ck_assert_int_eq(verdicts, 1);
    ck_assert_int_eq(last_status, 200);
    secret_free(header);
}
END_TEST

START_TEST(an_unknown_kid_is_refused_when_no_newer_keys_come)
{
    struct secret *header = make_header("foreign", "use", 600);
    struct jwks *jwks = make_keys("k");

    gate_set_keys(gate, jwks);
    ck_assert_ptr_nonnull(check(header));
    ck_assert_int_eq(wishes, 1);
    gate_set_keys(gate, jwks);
    ck_assert_int_eq(last_status, 401);
    jwks_free(jwks);
    secret_free(header);
}
END_TEST

START_TEST(what_was_remembered_goes_with_the_keys)
{
    struct secret *header = make_header("k", "use", 600);

    give_keys("k");
    check(header);
    give_keys("other");
    ck_assert_ptr_nonnull(check(header));
    ck_assert_int_eq(verdicts, 1);
    secret_free(header);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_good_token_comes_in_and_again_from_memory,
        a_token_is_remembered_by_its_own_bytes_although_its_request_ends_in_the_verdict,
        refusals_carry_status_and_challenge,
        the_scheme_is_bearer_in_any_case,
        without_any_keys_the_service_is_unavailable_and_the_token_not_wrong,
        a_token_waits_for_keys_that_come_late,
        an_unknown_kid_is_refused_when_no_newer_keys_come,
        what_was_remembered_goes_with_the_keys,
        NULL,
    };

    return run_tests("gate", tests, set_up, tear_down);
}
