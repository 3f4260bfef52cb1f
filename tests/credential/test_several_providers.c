/* A broker with several providers: each is asked for its own tokens, in its own form of scope. */
#include "credential/broker.h"

#include "base/error.h"
#include "base/secret.h"
#include "config/host_config.h"
#include "net/http_client.h"
#include "net/loop.h"

#include "../support/provider.h"
#include "../support/run.h"

#include <stdlib.h>
#include <string.h>

static struct loop *loop;
static struct http_client *http;
static struct broker *broker;
static struct scripted_provider idaas, other;
static char audience[100], values[100]; /* of the last request to `other` */

/* As the scripted provider's, and notes how the scope was taken apart. */
static struct token_fetch *fetch_other(void *arg, const struct token_request *request,
                                       token_done_fn *done, void *done_arg, struct error *err)
{
    snprintf(audience, sizeof audience, "%.*s", (int)request->audience.len, request->audience.data);
    snprintf(values, sizeof values, "%.*s", (int)request->values.len, request->values.data);
    return provider_fetch(arg, request, done, done_arg, err);
}

static void give(struct scripted_provider *provider, struct scripted_fetch *fetch)
{
    (void)provider;
    provider_give(fetch, "canary-token", 12, 1200);
}

static void set_up(void)
{
    struct error err = {0};

    loop = loop_new(&err);
    http = http_client_new(loop, NULL, &err);
    ck_assert_msg(http != NULL, "%s", err.message);
    idaas = other = (struct scripted_provider){.loop = loop, .answer = give};
    broker = NULL;
}

static void tear_down(void)
{
    broker_free(broker);
    http_client_free(http);
    for (int i = 0; i < 3; i++)
        loop_run_once(loop, 0);
    loop_free(loop);
    secret_arena_close();
}

/* A broker for one credential of IDaaS and one of `provider`, each with its scope. */
static bool open_broker(const char *scope, size_t provider, const char *other_scope,
                        struct error *err)
{
    static struct credential_config configs[2];
    static struct credential_provider more[1];
    static char names[2][8], scopes[2][100];
    struct broker_options options = {.credentials = configs,
                                     .credential_count = 2,
                                     .provider = provider_table(&idaas),
                                     .more_providers = more,
                                     .developer_api_endpoint = "",
                                     .instance_id = "",
                                     .vault_scope = ""};

    more[0] = (struct credential_provider){fetch_other, provider_cancel, &other};
    for (size_t i = 0; i < 2; i++) {
        snprintf(names[i], sizeof names[i], "c%zu", i);
        snprintf(scopes[i], sizeof scopes[i], "%s", i == 0 ? scope : other_scope);
        configs[i] = (struct credential_config){.name = names[i],
                                                .kind = CREDENTIAL_ACCESS_TOKEN,
                                                .scope = scopes[i],
                                                .provider = i == 0 ? 0 : provider};
    }
    broker = broker_new(loop, http, &options, err);
    if (broker != NULL)
        broker_start(broker);
    return broker != NULL;
}

START_TEST(the_same_scope_of_two_providers_is_two_tokens)
{
    struct error err = {0};

    ck_assert(open_broker("https://svc.example|read", 1, "https://svc.example|read", &err));
    ck_assert_int_eq(idaas.fetches, 1);
    ck_assert_int_eq(other.fetches, 1);
    ck_assert_str_eq(audience, "https://svc.example");
    ck_assert_str_eq(values, "read");
}
END_TEST

START_TEST(the_same_scope_of_one_provider_is_one_token)
{
    struct error err = {0};

    ck_assert(open_broker("https://svc.example|read", 0, "https://svc.example|read", &err));
    ck_assert_int_eq(idaas.fetches, 1);
    ck_assert_int_eq(other.fetches, 0);
}
END_TEST

START_TEST(another_provider_takes_plain_scopes_sorted_and_without_repeats)
{
    struct error err = {0};

    ck_assert(open_broker("https://svc.example|read", 1, "write  read write", &err));
    ck_assert_str_eq(audience, "");
    ck_assert_str_eq(values, "read write");
}
END_TEST

START_TEST(another_provider_takes_an_audience_alone)
{
    struct error err = {0};

    ck_assert(open_broker("https://svc.example|read", 1, "https://svc.example|", &err));
    ck_assert_str_eq(audience, "https://svc.example");
    ck_assert_str_eq(values, "");
}
END_TEST

START_TEST(idaas_takes_neither)
{
    static const char *const scopes[] = {"read write", "https://svc.example|", ""};

    for (size_t i = 0; i < sizeof scopes / sizeof scopes[0]; i++) {
        struct error err = {0};

        ck_assert(!open_broker("https://svc.example|read", 0, scopes[i], &err));
        ck_assert_str_eq(err.name, "InvalidScope");
    }
}
END_TEST

START_TEST(a_mixture_of_plain_scopes_and_audiences_is_refused)
{
    static const char *const scopes[] = {"read https://svc.example|write", "a|b c|d", " ", "|x"};

    for (size_t i = 0; i < sizeof scopes / sizeof scopes[0]; i++) {
        struct error err = {0};

        ck_assert_msg(!open_broker("https://svc.example|read", 1, scopes[i], &err), "%s",
                      scopes[i]);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_same_scope_of_two_providers_is_two_tokens,
                                  the_same_scope_of_one_provider_is_one_token,
                                  another_provider_takes_plain_scopes_sorted_and_without_repeats,
                                  another_provider_takes_an_audience_alone,
                                  idaas_takes_neither,
                                  a_mixture_of_plain_scopes_and_audiences_is_refused,
                                  NULL};

    return run_tests("several_providers", tests, set_up, tear_down);
}
