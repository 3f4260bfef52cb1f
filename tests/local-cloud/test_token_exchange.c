/* Token exchange: who may act for whom, and the chain of actors in the token that comes out. */
#include "tests/local-cloud/captured.h"

#include "base/buffer.h"

#define FORM "application/x-www-form-urlencoded"
#define GRANT "urn:ietf:params:oauth:grant-type:token-exchange"
#define TYPE "urn:ietf:params:oauth:token-type:access_token"
#define SECOND_AUDIENCE "https://second.example.com"

static struct json_object *claims;

static void setup(void)
{
    struct realm_client *second;

    world_open();
    claims = NULL;
    replace_text(&cloud->realm.agent.id, "app_1");
    replace_text(&cloud->realm.agent.secret, "secret-1");
    realm_client_grant(&cloud->realm.agent, SECOND_AUDIENCE, "second.access");
    second = realm_client_put(&cloud->realm, "app_2");
    second->may_exchange = true;
    replace_text(&second->secret, "secret-2");
    replace_text(&second->audience, SECOND_AUDIENCE);
    realm_client_grant(second, cloud->realm.enterprise_audience, "enterprise.access");
    realm_client_grant(second, SECOND_AUDIENCE, "second.access");
}

static void teardown(void)
{
    json_object_put(claims);
    world_close();
}

static char *make(struct token_claims spec)
{
    struct error err = {0};
    char *token;

    spec.client_id = spec.client_id == NULL ? "app_page" : spec.client_id;
    spec.scope = "agent.access";
    spec.audience = spec.audience == NULL ? cloud->realm.agent.audience : spec.audience;
    token = issued_token_make(cloud, &spec, now_s, NULL, &err);
    ck_assert_msg(token != NULL, "%s", err.message);
    return token;
}

/* An exchange by client `id`; `more` is added to the form, may be "". */
static void trade(const char *id, const char *secret, const char *subject, const char *scope,
                  const char *more)
{
    const char *const fields[] = {"client_id",          id,    "client_secret", secret,
                                  "grant_type",         GRANT, "subject_token", subject,
                                  "subject_token_type", TYPE,  "scope",         scope};
    struct error err = {0};
    struct buffer body;

    buffer_init(&body, 64 * 1024);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i += 2)
        ck_assert(form_add(&body, fields[i], fields[i + 1], strlen(fields[i + 1]), &err));
    ck_assert(buffer_add_text(&body, more, &err));
    send_to(SERVICE_ISSUER, "POST", PATH_TOKEN, NULL, FORM, body.data);
    buffer_clear(&body);
}

/* The token of the reply, checked and opened into `claims`. The caller frees the text. */
static char *open_reply(void)
{
    struct json_object *value = reply_value();
    struct error err = {0};
    char *token;

    ck_assert_msg(reply.status == 200, "%s", reply.body.data);
    token = must_copy(json_get_string(value, "access_token", NULL));
    json_object_put(value);
    json_object_put(claims);
    ck_assert(issued_token_open(cloud, slice_of(token), now_s, &claims, &err));
    return token;
}

static void assert_actors(const char *expected)
{
    struct json_object *act = json_get_object(claims, "act");

    ck_assert_str_eq(act == NULL ? "none"
                                 : json_object_to_json_string_ext(act, JSON_C_TO_STRING_PLAIN),
                     expected);
}

START_TEST(the_token_is_the_users_and_says_who_acts)
{
    char *subject = make((struct token_claims){.sub = "user_1", .name = "Alice"});
    char *token;

    trade("app_1", "secret-1", subject, SECOND_AUDIENCE "|second.access", "");
    assert_member("issued_token_type", TYPE);
    token = open_reply();
    ck_assert_str_eq(json_get_string(claims, "sub", NULL), "user_1");
    ck_assert_str_eq(json_get_string(claims, "name", NULL), "Alice");
    ck_assert_str_eq(json_get_string(claims, "client_id", NULL), "app_1");
    ck_assert(issued_token_is_for(claims, SECOND_AUDIENCE));
    assert_actors("{\"sub\":\"app_1\"}");
    free(token);
    free(subject);
}
END_TEST

START_TEST(each_exchange_puts_its_actor_in_front_of_the_earlier_ones)
{
    char *subject = make((struct token_claims){.sub = "user_1"});
    char *first, *second;

    trade("app_1", "secret-1", subject, SECOND_AUDIENCE "|second.access", "");
    first = open_reply();
    trade("app_2", "secret-2", first, "https://enterprise.example.com|enterprise.access", "");
    second = open_reply();
    ck_assert_str_eq(json_get_string(claims, "sub", NULL), "user_1");
    assert_actors("{\"sub\":\"app_2\",\"act\":{\"sub\":\"app_1\"}}");
    free(second);
    free(first);
    free(subject);
}
END_TEST

START_TEST(a_chain_ends_at_its_longest)
{
    char *subject = make((struct token_claims){.sub = "user_1"});
    char *token;

    cloud->switches.issuer.actors_max = 2;
    trade("app_1", "secret-1", subject, SECOND_AUDIENCE "|second.access", "");
    token = open_reply();
    free(subject);
    trade("app_2", "secret-2", token, SECOND_AUDIENCE "|second.access", "");
    free(token);
    token = open_reply();
    trade("app_2", "secret-2", token, SECOND_AUDIENCE "|second.access", "");
    ck_assert_int_eq(reply.status, 400);
    assert_member("error", "invalid_grant");
    free(token);
}
END_TEST

START_TEST(without_the_switch_nothing_says_who_acts)
{
    char *subject = make((struct token_claims){.sub = "user_1"});
    char *token;

    cloud->switches.issuer.act = false;
    trade("app_1", "secret-1", subject, SECOND_AUDIENCE "|second.access", "");
    token = open_reply();
    assert_actors("none");
    free(token);
    free(subject);
}
END_TEST

START_TEST(an_actor_token_names_the_actor_if_it_is_the_clients_own)
{
    char *subject = make((struct token_claims){.sub = "user_1"});
    char *actor = make((struct token_claims){.sub = "worker_7", .client_id = "app_1"});
    char *foreign = make((struct token_claims){.sub = "worker_7", .client_id = "app_2"});
    char *more = must_format("&actor_token=%s&actor_token_type=" TYPE, actor);
    char *token;

    trade("app_1", "secret-1", subject, SECOND_AUDIENCE "|second.access", more);
    token = open_reply();
    assert_actors("{\"sub\":\"worker_7\"}");
    free(more);
    more = must_format("&actor_token=%s&actor_token_type=" TYPE, foreign);
    trade("app_1", "secret-1", subject, SECOND_AUDIENCE "|second.access", more);
    assert_member("error", "invalid_grant");
    free(more);
    more = must_format("&actor_token=%s", actor);
    trade("app_1", "secret-1", subject, SECOND_AUDIENCE "|second.access", more);
    assert_member("error", "invalid_request");
    free(more);
    free(token);
    free(foreign);
    free(actor);
    free(subject);
}
END_TEST

static const struct {
    struct token_claims subject;
    const char *acts_for;
    bool may_exchange;
    const char *scope;
    const char *error;
} policies[] = {
    {{.sub = "user_1"}, NULL, true, SECOND_AUDIENCE "|second.access", NULL},
    {{.sub = "user_1"}, NULL, false, SECOND_AUDIENCE "|second.access", "unauthorized_client"},
    {{.sub = "user_1"}, "user_1 user_2", true, SECOND_AUDIENCE "|second.access", NULL},
    {{.sub = "user_3"},
     "user_1 user_2",
     true,
     SECOND_AUDIENCE "|second.access",
     "unauthorized_client"},
    {{.sub = "user_1", .may_act = "app_1"}, NULL, true, SECOND_AUDIENCE "|second.access", NULL},
    {{.sub = "user_1", .may_act = "app_2"},
     NULL,
     true,
     SECOND_AUDIENCE "|second.access",
     "unauthorized_client"},
    {{.sub = "user_1", .audience = SECOND_AUDIENCE},
     NULL,
     true,
     SECOND_AUDIENCE "|second.access",
     "invalid_grant"},
    {{.sub = "user_1", .lifetime_s = -3600},
     NULL,
     true,
     SECOND_AUDIENCE "|second.access",
     "invalid_grant"},
    {{.sub = "user_1"}, NULL, true, "https://third.example.com|x", "unauthorized_client"},
    {{.sub = "user_1"}, NULL, true, SECOND_AUDIENCE "|second.admin", "invalid_scope"},
    {{.sub = "user_1"},
     NULL,
     true,
     SECOND_AUDIENCE "|a https://third.example.com|x",
     "invalid_scope"},
};

START_TEST(the_policy_decides)
{
    char *subject = make(policies[_i].subject);

    cloud->realm.agent.may_exchange = policies[_i].may_exchange;
    if (policies[_i].acts_for != NULL)
        replace_text(&cloud->realm.agent.acts_for, policies[_i].acts_for);
    trade("app_1", "secret-1", subject, policies[_i].scope, "");
    free(subject);
    if (policies[_i].error == NULL) {
        ck_assert_msg(reply.status == 200, "%s", reply.body.data);
        return;
    }
    ck_assert_int_eq(reply.status, 400);
    assert_member("error", policies[_i].error);
}
END_TEST

static const char *const wrong_types[] = {
    "&actor_token_type=" TYPE,
    "&requested_token_type=urn:ietf:params:oauth:token-type:id_token",
    "&audience=https://third.example.com",
};

START_TEST(what_the_service_does_not_offer_is_an_invalid_request)
{
    char *subject = make((struct token_claims){.sub = "user_1"});

    trade("app_1", "secret-1", subject, SECOND_AUDIENCE "|second.access", wrong_types[_i]);
    ck_assert_int_eq(reply.status, 400);
    assert_member("error", "invalid_request");
    free(subject);
}
END_TEST

START_TEST(the_captured_low_level_requests_are_granted)
{
    static const char *const ids[] = {"TOKEN_EXCHANGE/with-actor",
                                      "TOKEN_EXCHANGE/no-requested-type"};
    struct json_object *file = vectors("idaas-requests.json");

    replace_text(&cloud->realm.agent.id, "app_test0client0001");
    replace_text(&cloud->realm.agent.secret, "sec-Plain0123456789abcdefghijklmnopqrst");
    realm_client_grant(&cloud->realm.agent, "api://svc", "read");
    for (size_t i = 0; i < 2; i++) {
        struct json_object *request = captured_token_request(captured_case(file, ids[i]));
        char *subject = make((struct token_claims){.sub = "user_1"});
        char *actor =
            make((struct token_claims){.sub = "worker_7", .client_id = "app_test0client0001"});
        const char *replaced[] = {"subject_token", subject, "actor_token", actor, NULL};
        char *body = captured_form(request, replaced);

        send_captured(request, body);
        free(open_reply());
        assert_actors(i == 0 ? "{\"sub\":\"worker_7\"}" : "{\"sub\":\"app_test0client0001\"}");
        free(body);
        free(actor);
        free(subject);
    }
    json_object_put(file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("token_exchange");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, setup, teardown);
    tcase_set_timeout(all, 60);
    tcase_add_test(all, the_token_is_the_users_and_says_who_acts);
    tcase_add_test(all, each_exchange_puts_its_actor_in_front_of_the_earlier_ones);
    tcase_add_test(all, a_chain_ends_at_its_longest);
    tcase_add_test(all, without_the_switch_nothing_says_who_acts);
    tcase_add_test(all, an_actor_token_names_the_actor_if_it_is_the_clients_own);
    tcase_add_loop_test(all, the_policy_decides, 0, sizeof policies / sizeof policies[0]);
    tcase_add_loop_test(all, what_the_service_does_not_offer_is_an_invalid_request, 0,
                        sizeof wrong_types / sizeof wrong_types[0]);
    tcase_add_test(all, the_captured_low_level_requests_are_granted);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
