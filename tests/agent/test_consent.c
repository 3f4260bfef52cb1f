/* A tool's call waits until the user has consented, and he is shown the link. */
#include "agent/consent.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "config/host_config.h"
#include "credential/broker.h"
#include "credential/credential_client.h"
#include "credential/subject.h"
#include "net/http_client.h"
#include "net/loop.h"

#include "../support/peer.h"
#include "../support/provider.h"
#include "../support/run.h"

#define LINK "https://login.example/authorize?state=x"
#define ASKS                                                       \
    "{\"oauthAuthorizationSession\":{\"authorizationUrl\":\"" LINK \
    "\",\"sessionStatus\":"                                        \
    "\"pending\"}}"
#define TOKEN "{\"oauthAccessTokenContent\":{\"accessTokenValue\":\"canary-crm\"}}"

static struct loop *loop;
static struct http_client *http;
static struct scripted_provider provider;
static struct peer vault;
static struct broker *broker;
static struct credential_client *worker;
static struct subject *user;
static int consents_given_at; /* the request from which on there is a token; 0: never */

static struct credential_config configs[] = {
    {.name = (char[]){"plain"},
     .kind = CREDENTIAL_ACCESS_TOKEN,
     .scope = (char[]){"svc|read"},
     .identity = IDENTITY_USER},
    {.name = (char[]){"crm"},
     .kind = CREDENTIAL_OAUTH_TOKEN,
     .identifier = (char[]){"crm-provider"},
     .scope = (char[]){"read"},
     .request_json = (char[]){"{}"},
     .identity = IDENTITY_USER,
     .cache_s = 300},
};
static char plain[] = "plain", crm[] = "crm";
static char *names[] = {plain, crm};
static struct tool_config tool = {.credentials = names, .credential_count = 2};

static void give(struct scripted_provider *scripted, struct scripted_fetch *fetch)
{
    (void)scripted;
    provider_give(fetch, "canary-at-p", 11, 1200);
}

static void answer(struct peer *peer, struct http_exchange *exchange)
{
    const char *body = consents_given_at > 0 && peer->requests >= consents_given_at ? TOKEN : ASKS;

    http_exchange_reply(exchange, 200, "application/json", body, strlen(body));
}

static void set_up(void)
{
    struct broker_options options = {.credentials = configs,
                                     .credential_count = 2,
                                     .provider = provider_table(&provider),
                                     .instance_id = "i",
                                     .vault_scope = "pam|.all",
                                     .user_vault_scope = "pam|.all"};
    struct error err = {0};

    loop = loop_new(&err);
    http = http_client_new(loop, NULL, &err);
    peer_open(&vault, loop);
    vault.answer = answer;
    options.developer_api_endpoint = vault.url;
    provider = (struct scripted_provider){.loop = loop, .answer = give};
    broker = broker_new(loop, http, &options, &err);
    ck_assert_msg(broker != NULL, "%s", err.message);
    worker = credential_client_new(broker, loop, &err);
    user = subject_new(slice_of("canary-user"), "u", "", "", clock_wall_s() + 3600, &err);
    ck_assert_ptr_nonnull(user);
    consents_given_at = 0;
}

static void tear_down(void)
{
    subject_free(user);
    credential_client_free(worker);
    for (int i = 0; i < 3; i++)
        loop_run_once(loop, 0);
    broker_free(broker);
    http_client_free(http);
    peer_close(&vault);
    for (int i = 0; i < 3; i++)
        loop_run_once(loop, 0);
    loop_free(loop);
}

static int links, dones;
static char link_seen[200];

static void on_link(void *arg, const char *link)
{
    (void)arg;
    links++;
    snprintf(link_seen, sizeof link_seen, "%s", link);
}

static void on_done(void *arg)
{
    (void)arg;
    dones++;
}

static struct consent *start(int64_t timeout_ms)
{
    struct consent_options options = {.loop = loop,
                                      .credentials = worker,
                                      .tool = &tool,
                                      .subject = user,
                                      .deadline_ms = clock_monotonic_ms() + timeout_ms,
                                      .poll_pause_ms = 20,
                                      .on_link = on_link,
                                      .on_done = on_done};
    struct error err = {0};
    struct consent *consent = consent_start(&options, &err);

    ck_assert_msg(consent != NULL, "%s", err.message);
    links = dones = 0;
    return consent;
}

START_TEST(only_a_users_token_of_another_server_may_need_consent)
{
    ck_assert(consent_may_be_needed(worker, &tool));
    tool.credential_count = 1;
    ck_assert(!consent_may_be_needed(worker, &tool));
}
END_TEST

START_TEST(who_has_consented_before_sees_no_link)
{
    consents_given_at = 1;
    start(5000);
    PEER_RUN_UNTIL(loop, dones == 1);
    ck_assert_int_eq(links, 0);
    ck_assert_ptr_nonnull(
        strstr(vault.last_body, "\"credentialProviderIdentifier\":\"crm-provider\""));
}
END_TEST

START_TEST(the_link_is_shown_once_and_it_goes_on_when_consent_is_given)
{
    consents_given_at = 2;
    start(30000);
    PEER_RUN_UNTIL(loop, links == 1);
    ck_assert_str_eq(link_seen, LINK);
    ck_assert_int_eq(dones, 0);
    PEER_RUN_UNTIL(loop, dones == 1);
    ck_assert_int_eq(links, 1);
    ck_assert_int_eq(vault.requests, 2);
}
END_TEST

START_TEST(it_goes_on_without_at_its_deadline)
{
    start(200);
    PEER_RUN_UNTIL(loop, dones == 1);
    ck_assert_int_eq(links, 1);
}
END_TEST

START_TEST(a_turn_that_ends_leaves_nothing_behind)
{
    struct consent *consent = start(30000);

    PEER_RUN_UNTIL(loop, links == 1);
    consent_cancel(consent);
    for (int i = 0; i < 20; i++)
        loop_run_once(loop, 5);
    ck_assert_int_eq(dones, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        only_a_users_token_of_another_server_may_need_consent,
        who_has_consented_before_sees_no_link,
        the_link_is_shown_once_and_it_goes_on_when_consent_is_given,
        it_goes_on_without_at_its_deadline,
        a_turn_that_ends_leaves_nothing_behind,
        NULL,
    };

    return run_tests("consent", tests, set_up, tear_down);
}
