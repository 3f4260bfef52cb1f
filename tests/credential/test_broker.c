/* Broker, vault, worker clients and authorised calls together, over real sockets on one loop. */
#include "credential/authorized_call.h"
#include "credential/broker.h"
#include "credential/credential_client.h"
#include "credential/vault.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "config/host_config.h"
#include "net/http_client.h"
#include "net/loop.h"

#include "../support/peer.h"
#include "../support/run.h"

#include <stdlib.h>
#include <string.h>

#define KEY_ANSWER                                                                  \
    "{\"credentialType\":\"api_key\",\"status\":\"enabled\",\"credentialContent\":" \
    "{\"apiKeyContent\":{\"apiKey\":\"canary-key-1\"}}}"

static struct loop *loop;
static struct http_client *http;
static struct broker *broker;
static struct credential_client *worker;
static struct peer vault, service;
static int64_t clock_offset_ms;

/* ---- a provider that the test answers by hand ------------------------------------------------ */

struct fetch {
    token_done_fn *done;
    void *done_arg;
    char scope[200];
};
static struct fetch fetches[16];
static int fetch_count, cancel_count;
static const char *auto_token; /* answered at once, from the loop, when set */
static int64_t auto_lifetime_s;

static void answer_fetch(int index, const char *token, int64_t lifetime_s)
{
    struct error err = {0};
    struct token_answer answer = {secret_copy(token, strlen(token), &err), lifetime_s, -1, NULL};

    fetches[index].done(fetches[index].done_arg, &answer, NULL, -1);
    secret_free(answer.token);
}

static void refuse_fetch(int index, enum error_code code)
{
    struct error err = {0};

    error_set_named(&err, code, "invalid_client", "IDaaS refused the agent's credential");
    fetches[index].done(fetches[index].done_arg, NULL, &err, -1);
}

static void answer_soon(void *arg)
{
    struct fetch *fetch = arg;

    if (fetch->done != NULL)
        answer_fetch((int)(fetch - fetches), auto_token, auto_lifetime_s);
}

static struct token_fetch *fetch_token(void *arg, const struct token_request *request,
                                       token_done_fn *done, void *done_arg, struct error *err)
{
    struct fetch *fetch = &fetches[fetch_count % 16];

    (void)arg;
    (void)err;
    fetch_count++;
    fetch->done = done;
    fetch->done_arg = done_arg;
    snprintf(fetch->scope, sizeof fetch->scope, "%.*s", (int)request->scope.len,
             request->scope.data);
    if (auto_token != NULL)
        loop_post(loop, answer_soon, fetch);
    return (struct token_fetch *)fetch;
}

static void cancel_token(void *arg, struct token_fetch *fetch)
{
    (void)arg;
    ((struct fetch *)fetch)->done = NULL;
    cancel_count++;
}

static int64_t now_ms(void *arg)
{
    (void)arg;
    return clock_monotonic_ms() + clock_offset_ms;
}

/* ---- set-up ---------------------------------------------------------------------------------- */

static char *service_origins[] = {service.url};
static struct credential_config configs[] = {
    {.name = (char[]){"enterprise"},
     .kind = CREDENTIAL_ACCESS_TOKEN,
     .identifier = (char[]){""},
     .scope = (char[]){"https://svc.example|b https://svc.example|a https://svc.example|b"},
     .origins = service_origins,
     .origin_count = 1,
     .attach_header = (char[]){"Authorization"},
     .attach_prefix = (char[]){"Bearer "},
     .attach_query = (char[]){""}},
    {.name = (char[]){"llm"},
     .kind = CREDENTIAL_API_KEY,
     .identifier = (char[]){"key one"},
     .scope = (char[]){""},
     .origins = service_origins,
     .origin_count = 1,
     .attach_header = (char[]){"Authorization"},
     .attach_prefix = (char[]){"Bearer "},
     .attach_query = (char[]){""},
     .cache_s = 300},
    {.name = (char[]){"amap"},
     .kind = CREDENTIAL_API_KEY,
     .identifier = (char[]){"key two"},
     .scope = (char[]){""},
     .origins = service_origins,
     .origin_count = 1,
     .attach_header = (char[]){"Authorization"},
     .attach_prefix = (char[]){"Bearer "},
     .attach_query = (char[]){"key"},
     .cache_s = 300},
};

static void answer_vault(struct peer *peer, struct http_exchange *exchange)
{
    (void)peer;
    http_exchange_reply(exchange, 200, "application/json", KEY_ANSWER, strlen(KEY_ANSWER));
}

static void set_up(void)
{
    struct broker_options options = {.credentials = configs,
                                     .credential_count = 3,
                                     .provider = {fetch_token, cancel_token, NULL},
                                     .instance_id = "idaas_1",
                                     .vault_scope = "urn:cloud:idaas:pam|.all",
                                     .now_ms = now_ms};
    struct error err = {0};

    loop = loop_new(&err);
    http = http_client_new(loop, NULL, &err);
    peer_open(&vault, loop);
    peer_open(&service, loop);
    vault.answer = answer_vault;
    options.developer_api_endpoint = vault.url;
    broker = broker_new(loop, http, &options, &err);
    ck_assert_msg(broker != NULL, "%s", err.message);
    worker = credential_client_new(broker, loop, &err);
    ck_assert_msg(worker != NULL, "%s", err.message);
    fetch_count = cancel_count = 0;
    clock_offset_ms = 0;
    auto_token = NULL;
    auto_lifetime_s = 1200;
}

static void tear_down(void)
{
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
    secret_arena_close();
}

/* ---- who waits ------------------------------------------------------------------------------- */

static int ready_count, failed_count;
static char ready_value[100];
static char failure_name[ERROR_NAME_SIZE];

static void on_ready(void *arg, const struct credential *credential, const struct error *err)
{
    (void)arg;
    if (credential != NULL) {
        ready_count++;
        snprintf(ready_value, sizeof ready_value, "%s", secret_borrow(credential->secret, NULL));
    } else {
        failed_count++;
        snprintf(failure_name, sizeof failure_name, "%s", err->name);
    }
}

static void ask(const char *name)
{
    credential_get(worker, credential_find(worker, slice_of(name)), NULL, 0, on_ready, NULL);
}

static void begin_counting(void)
{
    ready_count = failed_count = 0;
}

START_TEST(a_thousand_cold_waiters_cause_one_fetch)
{
    begin_counting();
    for (int i = 0; i < 1000; i++)
        ask("enterprise");
    PEER_RUN_UNTIL(loop, fetch_count == 1);
    answer_fetch(0, "canary-token-1", 1200);
    PEER_RUN_UNTIL(loop, ready_count == 1000);
    ck_assert_int_eq(fetch_count, 1);
    ck_assert_str_eq(ready_value, "canary-token-1");
}
END_TEST

START_TEST(a_scope_is_asked_for_sorted_and_without_repeats)
{
    begin_counting();
    ask("enterprise");
    PEER_RUN_UNTIL(loop, fetch_count == 1);
    ck_assert_str_eq(fetches[0].scope, "https://svc.example|a https://svc.example|b");
}
END_TEST

START_TEST(a_kept_token_answers_inside_the_call)
{
    auto_token = "canary-token-1";
    begin_counting();
    ask("enterprise");
    PEER_RUN_UNTIL(loop, ready_count == 1);
    ask("enterprise");
    ck_assert_int_eq(ready_count, 2);
    ck_assert_int_eq(fetch_count, 1);
}
END_TEST

START_TEST(half_of_the_lifetime_later_a_token_is_refreshed_and_the_old_one_serves_meanwhile)
{
    auto_token = "canary-token-1";
    begin_counting();
    ask("enterprise");
    PEER_RUN_UNTIL(loop, ready_count == 1);
    auto_token = NULL;
    clock_offset_ms += 590 * 1000;
    broker_run_due(broker);
    ck_assert_int_eq(fetch_count, 1);
    clock_offset_ms += 140 * 1000;
    broker_run_due(broker);
    ck_assert_int_eq(fetch_count, 2);
    ask("enterprise");
    ck_assert_int_eq(ready_count, 2);
    ck_assert_str_eq(ready_value, "canary-token-1");
    answer_fetch(1, "canary-token-2", 1200);
    loop_run_once(loop, 0);
    ask("enterprise");
    ck_assert_str_eq(ready_value, "canary-token-2");
}
END_TEST

START_TEST(a_token_is_not_handed_out_within_ten_seconds_of_its_expiry)
{
    auto_token = "canary-token-1";
    begin_counting();
    ask("enterprise");
    PEER_RUN_UNTIL(loop, ready_count == 1);
    auto_token = NULL;
    clock_offset_ms += 1191 * 1000;
    ask("enterprise");
    ck_assert_int_eq(ready_count, 1);
    PEER_RUN_UNTIL(loop, fetch_count == 2);
    ck_assert_int_eq(failed_count, 0);
}
END_TEST

START_TEST(while_refresh_fails_the_old_token_serves_and_the_pauses_grow)
{
    auto_token = "canary-token-1";
    begin_counting();
    ask("enterprise");
    PEER_RUN_UNTIL(loop, ready_count == 1);
    auto_token = NULL;
    clock_offset_ms += 730 * 1000;
    broker_run_due(broker);
    for (int i = 1; i < 4; i++) {
        ck_assert_int_eq(fetch_count, i + 1);
        refuse_fetch(i, ERROR_UPSTREAM);
        broker_run_due(broker);
        ck_assert_int_eq(fetch_count, i + 1);
        clock_offset_ms += 900 << (i - 1);
        broker_run_due(broker);
        ck_assert_int_eq(fetch_count, i + 1);
        clock_offset_ms += 350 << (i - 1); /* up to a quarter later, by chance */
        broker_run_due(broker);
    }
    ask("enterprise");
    ck_assert_str_eq(ready_value, "canary-token-1");
}
END_TEST

START_TEST(a_refusal_is_remembered_so_that_a_wrong_secret_is_no_storm)
{
    begin_counting();
    ask("enterprise");
    PEER_RUN_UNTIL(loop, fetch_count == 1);
    refuse_fetch(0, ERROR_DENIED);
    PEER_RUN_UNTIL(loop, failed_count == 1);
    ck_assert_str_eq(failure_name, "invalid_client");
    for (int i = 0; i < 50; i++)
        ask("enterprise");
    PEER_RUN_UNTIL(loop, failed_count == 51);
    ck_assert_int_eq(fetch_count, 1);
}
END_TEST

START_TEST(what_was_refused_is_asked_for_again_when_the_agents_proof_is_new)
{
    begin_counting();
    ask("enterprise");
    PEER_RUN_UNTIL(loop, fetch_count == 1);
    refuse_fetch(0, ERROR_DENIED);
    PEER_RUN_UNTIL(loop, failed_count == 1);
    broker_retry_failed(broker);
    ck_assert_int_eq(fetch_count, 2);
    broker_retry_failed(broker); /* under way already */
    ck_assert_int_eq(fetch_count, 2);
}
END_TEST

START_TEST(a_fetch_that_never_ends_is_given_up)
{
    begin_counting();
    ask("enterprise");
    PEER_RUN_UNTIL(loop, fetch_count == 1);
    clock_offset_ms += 20001;
    broker_run_due(broker);
    PEER_RUN_UNTIL(loop, failed_count == 1);
    ck_assert_str_eq(failure_name, "ReadTimeOut");
    ck_assert_int_eq(cancel_count, 1);
}
END_TEST

START_TEST(two_api_keys_share_one_vault_token)
{
    auto_token = "canary-at-p";
    begin_counting();
    ask("llm");
    ask("amap");
    PEER_RUN_UNTIL(loop, ready_count == 2);
    ck_assert_int_eq(fetch_count, 1);
    ck_assert_int_eq(vault.requests, 2);
    ck_assert_str_eq(vault.last_authorization, "Bearer canary-at-p");
    ck_assert_ptr_nonnull(strstr(vault.last_target,
                                 "/v2/idaas_1/credentials/_/actions/obtain?"
                                 "credentialIdentifier=key%20"));
    ck_assert_str_eq(ready_value, "canary-key-1");
}
END_TEST

static void answer_401_once(struct peer *peer, struct http_exchange *exchange)
{
    if (peer->requests == 1)
        http_exchange_reply(exchange, 401, "application/json", "{\"Code\":\"x\"}", 12);
    else
        answer_vault(peer, exchange);
}

START_TEST(a_vault_that_refuses_its_token_gets_a_new_one_once)
{
    auto_token = "canary-at-p";
    vault.answer = answer_401_once;
    begin_counting();
    ask("llm");
    PEER_RUN_UNTIL(loop, ready_count == 1);
    ck_assert_int_eq(fetch_count, 2);
    ck_assert_int_eq(vault.requests, 2);
}
END_TEST

static void answer_not_a_key(struct peer *peer, struct http_exchange *exchange)
{
    static const char body[] = "{\"credentialType\":\"oauth_client\",\"credentialContent\":{}}";

    (void)peer;
    http_exchange_reply(exchange, 200, "application/json", body, sizeof body - 1);
}

START_TEST(a_credential_that_is_no_api_key_is_named_so)
{
    auto_token = "canary-at-p";
    vault.answer = answer_not_a_key;
    begin_counting();
    ask("llm");
    PEER_RUN_UNTIL(loop, failed_count == 1);
    ck_assert_str_eq(failure_name, "ApiKeyNotFound");
}
END_TEST

/* ---- authorised calls ------------------------------------------------------------------------ */

static int heads, dones, last_status;
static char body_seen[200];
static struct error last_error;

static void note_head(void *arg, int status, const struct http_answer_header *headers, size_t count)
{
    (void)arg;
    (void)status;
    (void)headers;
    (void)count;
    heads++;
}

static void note_data(void *arg, const char *bytes, size_t len)
{
    size_t used = strlen(body_seen);

    (void)arg;
    snprintf(body_seen + used, sizeof body_seen - used, "%.*s", (int)len, bytes);
}

static void note_done(void *arg, int status, struct secret *answer, const struct error *err)
{
    (void)arg;
    (void)answer;
    dones++;
    last_status = status;
    last_error = err == NULL ? (struct error){0} : *err;
}

static struct authorized_call *call_service(const char *credential, const char *path,
                                            struct error *err)
{
    static const struct http_call_events events = {note_head, note_data, note_done};
    char url[200];
    struct http_request_options options = {
        .method = "POST", .url = url, .body = slice_of("question")};

    snprintf(url, sizeof url, "%s%s", service.url, path);
    heads = dones = last_status = 0;
    body_seen[0] = '\0';
    return authorized_call_start(http, worker, slice_of(credential), NULL, &options, &events, NULL,
                                 err);
}

START_TEST(a_call_carries_its_credential)
{
    struct error err = {0};

    auto_token = "canary-token-1";
    ck_assert_ptr_nonnull(call_service("enterprise", "/do", &err));
    PEER_RUN_UNTIL(loop, dones == 1);
    ck_assert_int_eq(last_status, 200);
    ck_assert_str_eq(service.last_authorization, "Bearer canary-token-1");
    ck_assert_str_eq(service.last_body, "question");
}
END_TEST

static void answer_refusing_old(struct peer *peer, struct http_exchange *exchange)
{
    if (strcmp(peer->last_authorization, "Bearer canary-token-1") == 0)
        http_exchange_reply(exchange, 401, "text/plain", "old", 3);
    else
        http_exchange_reply(exchange, 200, "text/plain", "fine", 4);
}

START_TEST(a_refused_credential_is_renewed_once_and_the_caller_sees_one_answer)
{
    struct error err = {0};

    auto_token = "canary-token-1";
    service.answer = answer_refusing_old;
    ck_assert_ptr_nonnull(call_service("enterprise", "/do", &err));
    PEER_RUN_UNTIL(loop, service.requests == 1);
    auto_token = "canary-token-2";
    PEER_RUN_UNTIL(loop, dones == 1);
    ck_assert_int_eq(last_status, 200);
    ck_assert_str_eq(body_seen, "fine");
    ck_assert_int_eq(heads, 1);
    ck_assert_int_eq(service.requests, 2);
    ck_assert_int_eq(fetch_count, 2);
}
END_TEST

static void answer_401(struct peer *peer, struct http_exchange *exchange)
{
    (void)peer;
    http_exchange_reply(exchange, 401, "text/plain", "no", 2);
}

START_TEST(a_service_that_always_refuses_is_asked_twice_and_no_fetch_storm_follows)
{
    struct error err = {0};

    auto_token = "canary-token-1";
    service.answer = answer_401;
    for (int i = 0; i < 5; i++) {
        ck_assert_ptr_nonnull(call_service("enterprise", "/do", &err));
        PEER_RUN_UNTIL(loop, dones == 1);
        ck_assert_int_eq(last_status, 401);
    }
    ck_assert_int_eq(service.requests, 10);
    ck_assert_int_eq(fetch_count, 2);
}
END_TEST

START_TEST(a_query_credential_goes_into_the_address_and_no_message)
{
    struct error err = {0};

    auto_token = "canary-at-p";
    ck_assert_ptr_nonnull(call_service("amap", "/mcp?a=1", &err));
    PEER_RUN_UNTIL(loop, dones == 1);
    ck_assert_str_eq(service.last_target, "/mcp?a=1&key=canary-key-1");
    ck_assert_str_eq(service.last_authorization, "");
}
END_TEST

START_TEST(another_origin_never_gets_the_credential)
{
    static const struct http_call_events events = {note_head, note_data, note_done};
    struct http_request_options options = {.method = "GET", .url = vault.url};
    struct error err = {0};

    ck_assert_ptr_null(authorized_call_start(http, worker, slice_of("enterprise"), NULL, &options,
                                             &events, NULL, &err));
    ck_assert_str_eq(err.name, "OriginNotAllowed");
    ck_assert_int_eq(vault.requests, 0);
}
END_TEST

START_TEST(a_failed_fetch_ends_the_call_with_its_reason)
{
    struct error err = {0};

    ck_assert_ptr_nonnull(call_service("enterprise", "/do", &err));
    PEER_RUN_UNTIL(loop, fetch_count == 1);
    refuse_fetch(0, ERROR_DENIED);
    PEER_RUN_UNTIL(loop, dones == 1);
    ck_assert_int_eq(last_status, 0);
    ck_assert_str_eq(last_error.name, "invalid_client");
    ck_assert_int_eq(service.requests, 0);
}
END_TEST

START_TEST(a_call_cancelled_while_it_waits_for_its_credential_is_silent)
{
    struct error err = {0};
    struct authorized_call *call = call_service("enterprise", "/do", &err);

    PEER_RUN_UNTIL(loop, fetch_count == 1);
    authorized_call_cancel(call);
    answer_fetch(0, "canary-token-1", 1200);
    for (int i = 0; i < 5; i++)
        loop_run_once(loop, 0);
    ck_assert_int_eq(dones, 0);
    ck_assert_int_eq(service.requests, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_thousand_cold_waiters_cause_one_fetch,
        a_scope_is_asked_for_sorted_and_without_repeats,
        a_kept_token_answers_inside_the_call,
        half_of_the_lifetime_later_a_token_is_refreshed_and_the_old_one_serves_meanwhile,
        a_token_is_not_handed_out_within_ten_seconds_of_its_expiry,
        while_refresh_fails_the_old_token_serves_and_the_pauses_grow,
        a_refusal_is_remembered_so_that_a_wrong_secret_is_no_storm,
        what_was_refused_is_asked_for_again_when_the_agents_proof_is_new,
        a_fetch_that_never_ends_is_given_up,
        two_api_keys_share_one_vault_token,
        a_vault_that_refuses_its_token_gets_a_new_one_once,
        a_credential_that_is_no_api_key_is_named_so,
        a_call_carries_its_credential,
        a_refused_credential_is_renewed_once_and_the_caller_sees_one_answer,
        a_service_that_always_refuses_is_asked_twice_and_no_fetch_storm_follows,
        a_query_credential_goes_into_the_address_and_no_message,
        another_origin_never_gets_the_credential,
        a_failed_fetch_ends_the_call_with_its_reason,
        a_call_cancelled_while_it_waits_for_its_credential_is_silent,
        NULL,
    };

    return run_tests("broker", tests, set_up, tear_down);
}
