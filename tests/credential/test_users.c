/* Credentials that stand for the signed-in user: each gets his own, and nobody another's. */
#include "credential/authorized_call.h"
#include "credential/broker.h"
#include "credential/credential_client.h"
#include "credential/subject.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "config/host_config.h"
#include "net/http_client.h"
#include "net/loop.h"

#include "../support/peer.h"
#include "../support/provider.h"
#include "../support/run.h"

#define USER_COUNT 1000
#define CACHED_USERS 50

static struct loop *loop;
static struct http_client *http;
static struct broker *broker;
static struct credential_client *worker;
static struct scripted_provider provider;
static struct peer vault, service;
static int64_t clock_offset_ms;
static int64_t token_lifetime_s;

static int64_t now_ms(void *arg)
{
    (void)arg;
    return clock_monotonic_ms() + clock_offset_ms;
}

static int64_t wall_s(void *arg)
{
    (void)arg;
    return 1800000000 + clock_offset_ms / 1000;
}

/* ---- the world ------------------------------------------------------------------------------- */

/* A token says whose it is and what for: "AT_s of canary-user-7 for svc|read". */
static void give(struct scripted_provider *scripted, struct scripted_fetch *fetch)
{
    char token[600];

    (void)scripted;
    snprintf(token, sizeof token, "of %.200s for %.200s", fetch->subject, fetch->scope);
    provider_give(fetch, token, strlen(token), token_lifetime_s);
}

static void leave_open(struct scripted_provider *scripted, struct scripted_fetch *fetch)
{
    (void)scripted;
    (void)fetch;
}

/* A key says with whose token it was had. */
static void answer_vault(struct peer *peer, struct http_exchange *exchange)
{
    char body[900];

    snprintf(body, sizeof body,
             "{\"credentialContent\":{\"apiKeyContent\":{\"apiKey\":\"key with %s\"}}}",
             peer->last_authorization);
    http_exchange_reply(exchange, 200, "application/json", body, strlen(body));
}

static char event_sub[60], event_actors[60], event_outcome[20];
static int events;

static void on_event(void *arg, const struct credential_event *event)
{
    (void)arg;
    events++;
    snprintf(event_sub, sizeof event_sub, "%s", event->subject == NULL ? "" : event->subject->sub);
    snprintf(event_actors, sizeof event_actors, "%s",
             event->subject == NULL ? "" : event->subject->actors);
    snprintf(event_outcome, sizeof event_outcome, "%s", event->outcome);
}

static char *origins[] = {service.url};

#define CONFIG(credential_name, its_kind, its_scope, its_identifier, its_identity)        \
    {                                                                                     \
        .name = (char[]){credential_name}, .kind = its_kind,                              \
        .identifier = (char[]){its_identifier}, .scope = (char[]){its_scope},             \
        .identity = its_identity, .origins = origins, .origin_count = 1,                  \
        .attach_header = (char[]){"Authorization"}, .attach_prefix = (char[]){"Bearer "}, \
        .attach_query = (char[]){""}, .cache_s = 300                                      \
    }

static struct credential_config configs[] = {
    CONFIG("enterprise", CREDENTIAL_ACCESS_TOKEN, "svc|read", "", IDENTITY_USER),
    CONFIG("amap", CREDENTIAL_API_KEY, "", "amap-key", IDENTITY_USER),
    CONFIG("agents-own", CREDENTIAL_ACCESS_TOKEN, "svc|read", "", IDENTITY_MACHINE),
    CONFIG("llm", CREDENTIAL_API_KEY, "", "llm-key", IDENTITY_MACHINE),
};

static void set_up(void)
{
    struct broker_options options = {.credentials = configs,
                                     .credential_count = 4,
                                     .provider = provider_table(&provider),
                                     .instance_id = "idaas_1",
                                     .vault_scope = "pam|.all",
                                     .user_vault_scope = "pam|of-a-user",
                                     .user_max_count = CACHED_USERS,
                                     .now_ms = now_ms,
                                     .wall_s = wall_s,
                                     .on_event = on_event};
    struct error err = {0};

    ck_assert_msg(secret_arena_open((size_t)8 << 20, true, NULL, &err), "%s", err.message);
    clock_offset_ms = 0;
    token_lifetime_s = 1200;
    events = 0;
    loop = loop_new(&err);
    http = http_client_new(loop, NULL, &err);
    peer_open(&vault, loop);
    peer_open(&service, loop);
    vault.answer = answer_vault;
    options.developer_api_endpoint = vault.url;
    provider = (struct scripted_provider){.loop = loop, .answer = give};
    broker = broker_new(loop, http, &options, &err);
    ck_assert_msg(broker != NULL, "%s", err.message);
    worker = credential_client_new(broker, loop, &err);
    ck_assert_msg(worker != NULL, "%s", err.message);
    loop_run_once(loop, 0);
}

static void tear_down(void)
{
    struct secret_usage usage;

    credential_client_free(worker);
    for (int i = 0; i < 3; i++)
        loop_run_once(loop, 0);
    broker_free(broker);
    http_client_free(http);
    peer_close(&vault);
    peer_close(&service);
    for (int i = 0; i < 3; i++)
        loop_run_once(loop, 0);
    loop_free(loop);
    secret_arena_usage(&usage);
    ck_assert_uint_eq(usage.count, 0);
    secret_arena_close();
}

/* ---- users ----------------------------------------------------------------------------------- */

static struct subject *user(int number, int64_t expires_in_s)
{
    struct error err = {0};
    char token[60], sub[20];
    struct subject *subject;

    snprintf(token, sizeof token, "canary-user-%d", number);
    snprintf(sub, sizeof sub, "u%d", number);
    subject = subject_new(slice_of(token), sub, "app_page", "[\"app_agent\",\"app_before\"]",
                          wall_s(NULL) + expires_in_s, &err);
    ck_assert_msg(subject != NULL, "%s", err.message);
    return subject;
}

struct asked {
    int user;
    int ready, failed;
    char value[300];
    char failure[ERROR_NAME_SIZE];
    uint64_t generation;
    const char *wanted; /* part of the value that names what it is for */
};

static int ended;

static void on_ready(void *arg, const struct credential *credential, const struct error *err)
{
    struct asked *asked = arg;
    char whose[40];

    ended++;
    if (credential == NULL) {
        asked->failed++;
        snprintf(asked->failure, sizeof asked->failure, "%s", err->name);
        return;
    }
    asked->ready++;
    asked->generation = credential->generation;
    snprintf(asked->value, sizeof asked->value, "%s", secret_borrow(credential->secret, NULL));
    snprintf(whose, sizeof whose, "of canary-user-%d for", asked->user);
    ck_assert_msg(strstr(asked->value, whose) != NULL, "user %d got: %s", asked->user,
                  asked->value);
}

/* Asks as a user who signs in for this and is gone at once: only the broker keeps his token. */
static void ask_for(const char *credential, struct asked *asked, int number, int64_t expires_in_s)
{
    struct subject *subject = user(number, expires_in_s);

    asked->user = number;
    (void)credential_get(worker, credential_find(worker, slice_of(credential)), subject, 0,
                         on_ready, asked);
    subject_free(subject);
}

static struct asked *ask_one(const char *credential, int number, int64_t expires_in_s)
{
    static struct asked asked;

    memset(&asked, 0, sizeof asked);
    ask_for(credential, &asked, number, expires_in_s);
    PEER_RUN_UNTIL(loop, asked.ready + asked.failed == 1);
    return &asked;
}

START_TEST(a_thousand_users_at_once_each_get_their_own)
{
    static struct asked tokens[USER_COUNT], keys[USER_COUNT];

    memset(tokens, 0, sizeof tokens);
    memset(keys, 0, sizeof keys);
    ended = 0;
    for (int i = 0; i < USER_COUNT; i++) {
        ask_for("enterprise", &tokens[i], i, 3600);
        ask_for("amap", &keys[i], i, 3600);
    }
    PEER_RUN_UNTIL(loop, ended == 2 * USER_COUNT);
    for (int i = 0; i < USER_COUNT; i++) {
        ck_assert_int_eq(tokens[i].ready, 1);
        ck_assert_int_eq(keys[i].ready, 1);
        ck_assert_ptr_nonnull(strstr(tokens[i].value, "for svc|read"));
        ck_assert_ptr_nonnull(strstr(keys[i].value, "key with Bearer of"));
        ck_assert_ptr_nonnull(strstr(keys[i].value, "for pam|of-a-user"));
    }
    /* One exchange for each token, and never a connection for each user. */
    ck_assert_int_eq(provider.fetches, 2 * USER_COUNT);
    ck_assert_int_eq(vault.requests, USER_COUNT);
    ck_assert_int_le(provider.most_open, 64);
}
END_TEST

START_TEST(a_users_turns_share_one_fetch_and_then_its_result)
{
    static struct asked asked[100];

    memset(asked, 0, sizeof asked);
    ended = 0;
    for (int i = 0; i < 100; i++)
        ask_for("enterprise", &asked[i], 7, 3600);
    PEER_RUN_UNTIL(loop, ended == 100);
    ck_assert_int_eq(provider.fetches, 1);
    ask_one("enterprise", 7, 3600);
    ck_assert_int_eq(provider.fetches, 1);
}
END_TEST

START_TEST(the_agents_own_token_is_another_one_although_the_scope_is_the_same)
{
    static struct asked asked;

    ask_one("enterprise", 7, 3600);
    memset(&asked, 0, sizeof asked);
    provider.answer = leave_open;
    (void)credential_get(worker, &configs[2], NULL, 0, on_ready, &asked);
    PEER_RUN_UNTIL(loop, provider.fetches == 2 && provider.waiting != NULL);
    ck_assert_str_eq(provider.waiting->subject, "");
    ck_assert_int_eq(asked.ready, 0);
}
END_TEST

START_TEST(without_a_user_there_is_no_credential_of_a_user)
{
    static struct asked asked;

    memset(&asked, 0, sizeof asked);
    ck_assert_ptr_null(credential_get(worker, &configs[0], NULL, 0, on_ready, &asked));
    ck_assert_str_eq(asked.failure, "UserNeeded");
    ck_assert_int_eq(provider.fetches, 0);
}
END_TEST

START_TEST(a_users_token_never_serves_beyond_the_one_he_signed_in_with)
{
    struct secret_usage usage;

    ask_one("enterprise", 7, 100); /* AT_u lives 100 s, the token it buys 1200 s */
    clock_offset_ms += 85 * 1000;
    ask_one("enterprise", 7, 15);
    ck_assert_int_eq(provider.fetches, 1);
    clock_offset_ms += 10 * 1000; /* inside the margin */
    ask_one("enterprise", 7, 5);
    ck_assert_int_eq(provider.fetches, 2);
    clock_offset_ms += 20 * 1000;
    broker_run_due(broker);
    /* Nothing is kept of him now. */
    for (int i = 0; i < 3; i++)
        loop_run_once(loop, 0);
    secret_arena_usage(&usage);
    ck_assert_uint_eq(usage.count, 0);
}
END_TEST

START_TEST(a_token_that_is_over_still_serves_its_turn_but_nothing_is_kept)
{
    /* The gate lets clocks differ by a minute. */
    ask_one("enterprise", 7, -5);
    ask_one("amap", 7, -5);
    ask_one("enterprise", 7, -5);
    ck_assert_int_eq(provider.fetches, 3);
}
END_TEST

START_TEST(nothing_is_fetched_for_a_user_in_the_background)
{
    ask_one("enterprise", 7, 36000);
    ask_one("amap", 7, 36000);
    for (int minute = 0; minute < 120; minute++) {
        clock_offset_ms += 60 * 1000;
        broker_run_due(broker);
        loop_run_once(loop, 0);
    }
    ck_assert_int_eq(provider.fetches, 2);
    ck_assert_int_eq(vault.requests, 1);
}
END_TEST

START_TEST(his_token_is_wiped_when_turn_and_fetch_are_over)
{
    struct secret_usage usage;

    provider.answer = leave_open;
    static struct asked asked;
    memset(&asked, 0, sizeof asked);
    ask_for("enterprise", &asked, 7, 3600);
    PEER_RUN_UNTIL(loop, provider.waiting != NULL);
    secret_arena_usage(&usage);
    ck_assert_uint_ge(usage.count, 1);
    provider_refuse(provider.waiting, ERROR_UPSTREAM, "server_error");
    PEER_RUN_UNTIL(loop, asked.failed == 1);
    secret_arena_usage(&usage);
    ck_assert_uint_eq(usage.count, 0);
}
END_TEST

START_TEST(the_least_recently_used_users_are_forgotten)
{
    struct secret_usage usage;

    for (int i = 0; i < CACHED_USERS; i++)
        ask_one("enterprise", i, 3600);
    ask_one("enterprise", 0, 3600);
    ck_assert_int_eq(provider.fetches, CACHED_USERS);
    ask_one("enterprise", CACHED_USERS, 3600); /* user 1 has to go */
    ask_one("enterprise", 0, 3600);
    ck_assert_int_eq(provider.fetches, CACHED_USERS + 1);
    ask_one("enterprise", 1, 3600);
    ck_assert_int_eq(provider.fetches, CACHED_USERS + 2);
    secret_arena_usage(&usage);
    ck_assert_uint_eq(usage.count, CACHED_USERS);
}
END_TEST

static void refuse_user_7(struct scripted_provider *scripted, struct scripted_fetch *fetch)
{
    if (strcmp(fetch->subject, "canary-user-7") == 0)
        provider_refuse(fetch, ERROR_DENIED, "invalid_grant");
    else
        give(scripted, fetch);
}

START_TEST(a_refusal_is_remembered_for_the_one_who_was_refused)
{
    provider.answer = refuse_user_7;
    ck_assert_str_eq(ask_one("enterprise", 7, 3600)->failure, "invalid_grant");
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(ask_one("enterprise", 7, 3600)->failed, 1);
    ck_assert_int_eq(provider.fetches, 1);
    ck_assert_int_eq(ask_one("enterprise", 8, 3600)->ready, 1);
    provider.answer = give;
    clock_offset_ms += 1100;
    ck_assert_int_eq(ask_one("enterprise", 7, 3600)->ready, 1);
}
END_TEST

START_TEST(a_refused_vault_token_ends_his_key_with_its_reason)
{
    provider.answer = refuse_user_7;
    ck_assert_str_eq(ask_one("amap", 7, 3600)->failure, "invalid_grant");
    ck_assert_int_eq(vault.requests, 0);
    ck_assert_int_eq(ask_one("amap", 8, 3600)->ready, 1);
}
END_TEST

START_TEST(the_audit_names_the_user_and_who_acts_for_him)
{
    ask_one("enterprise", 7, 3600);
    ck_assert_int_eq(events, 1);
    ck_assert_str_eq(event_sub, "u7");
    ck_assert_str_eq(event_actors, "[\"app_agent\",\"app_before\"]");
    ck_assert_str_eq(event_outcome, "ok");
    provider.answer = refuse_user_7;
    clock_offset_ms += 1200 * 1000;
    ask_one("enterprise", 7, 3600);
    ck_assert_str_eq(event_sub, "u7");
    ck_assert_str_eq(event_outcome, "refused");
}
END_TEST

/* ---- calls ----------------------------------------------------------------------------------- */

static int call_dones, call_status;
static struct error call_error;

static void on_done(void *arg, int status, struct secret *answer, const struct error *err)
{
    (void)arg;
    (void)answer;
    call_dones++;
    call_status = status;
    call_error = err == NULL ? (struct error){0} : *err;
}

static void call_as(int number)
{
    static const struct http_call_events call_events = {.on_done = on_done};
    struct http_request_options options = {.method = "POST", .url = service.url};
    struct subject *subject = number < 0 ? NULL : user(number, 3600);
    struct error err = {0};
    struct authorized_call *call;

    call_dones = 0;
    call = authorized_call_start(http, worker, slice_of("enterprise"), subject, &options,
                                 &call_events, NULL, &err);
    subject_free(subject);
    if (call != NULL)
        PEER_RUN_UNTIL(loop, call_dones == 1);
    else
        call_error = err;
}

START_TEST(a_call_carries_the_token_of_the_user_it_serves)
{
    call_as(7);
    ck_assert_str_eq(service.last_authorization, "Bearer of canary-user-7 for svc|read");
    call_as(8);
    ck_assert_str_eq(service.last_authorization, "Bearer of canary-user-8 for svc|read");
    call_as(-1);
    ck_assert_str_eq(call_error.name, "UserNeeded");
    ck_assert_int_eq(service.requests, 2);
}
END_TEST

static void refuse_first(struct peer *peer, struct http_exchange *exchange)
{
    if (peer->requests == 2)
        http_exchange_reply(exchange, 401, "text/plain", "old", 3);
    else
        http_exchange_reply(exchange, 200, "text/plain", "fine", 4);
}

START_TEST(a_refused_token_of_a_user_is_fetched_anew_and_others_keep_theirs)
{
    service.answer = refuse_first;
    call_as(8);
    call_as(7); /* refused once, and renewed */
    ck_assert_int_eq(call_status, 200);
    ck_assert_int_eq(service.requests, 3);
    ck_assert_int_eq(provider.fetches, 3);
    call_as(8);
    ck_assert_int_eq(provider.fetches, 3);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_thousand_users_at_once_each_get_their_own,
        a_users_turns_share_one_fetch_and_then_its_result,
        the_agents_own_token_is_another_one_although_the_scope_is_the_same,
        without_a_user_there_is_no_credential_of_a_user,
        a_users_token_never_serves_beyond_the_one_he_signed_in_with,
        a_token_that_is_over_still_serves_its_turn_but_nothing_is_kept,
        nothing_is_fetched_for_a_user_in_the_background,
        his_token_is_wiped_when_turn_and_fetch_are_over,
        the_least_recently_used_users_are_forgotten,
        a_refusal_is_remembered_for_the_one_who_was_refused,
        a_refused_vault_token_ends_his_key_with_its_reason,
        the_audit_names_the_user_and_who_acts_for_him,
        a_call_carries_the_token_of_the_user_it_serves,
        a_refused_token_of_a_user_is_fetched_anew_and_others_keep_theirs,
        NULL,
    };

    return run_tests("users", tests, set_up, tear_down);
}
