/* The vault and the enterprise service open to the right token only, and say why otherwise. */
#include "tests/local-cloud/world.h"

#include "jwt/jwks.h"
#include "local-cloud/issuer_keys.h"
#include "local-cloud/journal.h"

#define OBTAIN "/v2/idaas_local0stand0in0001/credentials/_/actions/obtain?credentialIdentifier="

static void obtain(const char *audience, const char *scope, const char *identifier)
{
    char *token = bearer("app_x", audience, scope);
    char *target = must_format(OBTAIN "%s", identifier);

    send_to(SERVICE_DEVELOPER_API, "GET", target, token, NULL, "");
    free(target);
    free(token);
}

static void call_enterprise(const char *audience, const char *scope)
{
    char *token = bearer("app_x", audience, scope);

    send_to(SERVICE_ENTERPRISE, "POST", "/", token, NULL, "");
    free(token);
}

START_TEST(every_captured_developerapi_request_is_understood)
{
    struct json_object *file = vectors("idaas-developerapi-requests.json");
    struct json_object *cases = get(file, "cases");
    char *token = bearer("app_x", REALM_PAM_AUDIENCE, "credential:obtain");

    replace_text(&cloud->realm.instance_id, "idaas_test0instance0001");
    for (size_t i = 0; i < json_object_array_length(cases); i++) {
        struct json_object *one = json_object_array_get_idx(cases, i);
        struct json_object *request = json_object_array_get_idx(get(one, "requests"), 0);
        bool has_token = captured_header(request, "authorization") != NULL;

        send_to(SERVICE_DEVELOPER_API, json_object_get_string(get(request, "method")),
                json_object_get_string(get(request, "target")), has_token ? token : NULL,
                captured_header(request, "content-type"),
                json_object_get_string(get(request, "body")));
        /* Found, or said to be unknown by name; never refused for its form. */
        ck_assert_msg(reply.status == 200 || (reply.status == 404 &&
                                              strstr(reply.body.data, "ResourceNotFound") != NULL),
                      "%s: %d %s", json_object_get_string(get(one, "id")), reply.status,
                      reply.body.data);
    }
    free(token);
    json_object_put(file);
}
END_TEST

START_TEST(an_api_key_is_given_for_the_scope_that_obtains_it)
{
    struct json_object *value;

    obtain(REALM_PAM_AUDIENCE, "credential:obtain", "llm_api_key");

    ck_assert_int_eq(reply.status, 200);
    value = reply_value();
    ck_assert_str_eq(
        json_get_string(get(get(value, "credentialContent"), "apiKeyContent"), "apiKey", NULL),
        cloud->realm.keys[0].key);
    json_object_put(value);
}
END_TEST

START_TEST(a_token_without_the_scope_gets_no_key)
{
    obtain(REALM_PAM_AUDIENCE, "other", "llm_api_key");
    ck_assert_int_eq(reply.status, 403);
}
END_TEST

START_TEST(a_token_for_another_audience_gets_no_key)
{
    obtain("https://enterprise.example.com", "credential:obtain", "llm_api_key");
    ck_assert_int_eq(reply.status, 401);
}
END_TEST

START_TEST(an_unknown_identifier_is_refused_in_the_shape_that_is_switched_on)
{
    obtain(REALM_PAM_AUDIENCE, "credential:obtain", "nothing");
    ck_assert_int_eq(reply.status, 404);
    assert_member("Code", "ResourceNotFound.Credential");

    cloud->switches.vault.error_shape = ERROR_SHAPE_OAUTH;
    obtain(REALM_PAM_AUDIENCE, "credential:obtain", "nothing");
    assert_member("error", "not_found");
}
END_TEST

START_TEST(an_expired_token_opens_nothing)
{
    char *token = bearer("app_x", REALM_PAM_AUDIENCE, "credential:obtain");

    now_s += 3600;
    send_to(SERVICE_DEVELOPER_API, "GET", OBTAIN "llm_api_key", token, NULL, "");
    ck_assert_int_eq(reply.status, 401);
    free(token);
}
END_TEST

START_TEST(the_strict_service_names_client_and_scope)
{
    call_enterprise("https://enterprise.example.com", "enterprise.access");
    ck_assert_int_eq(reply.status, 200);
    assert_member("client_id", "app_x");
    assert_member("scope", "enterprise.access");
}
END_TEST

START_TEST(the_strict_service_refuses_a_users_token_for_the_agent)
{
    call_enterprise("https://agentserver.example.com", "agent.access");
    ck_assert_int_eq(reply.status, 401);
}
END_TEST

START_TEST(the_strict_service_answers_403_without_the_scope)
{
    call_enterprise("https://enterprise.example.com", "other");
    ck_assert_int_eq(reply.status, 403);
}
END_TEST

START_TEST(the_trigger_takes_any_token_of_the_issuer)
{
    cloud->switches.enterprise.mode = ENTERPRISE_FC;
    call_enterprise("https://agentserver.example.com", "agent.access");
    ck_assert_int_eq(reply.status, 200);
}
END_TEST

START_TEST(the_trigger_refuses_keys_that_were_not_pasted)
{
    struct error err = {0};

    cloud->switches.enterprise.mode = ENTERPRISE_FC;
    ck_assert(issuer_keys_rotate(cloud->keys, true, &err));
    call_enterprise("https://enterprise.example.com", "enterprise.access");
    ck_assert_int_eq(reply.status, 403);
}
END_TEST

START_TEST(a_rotation_without_overlap_makes_old_tokens_worthless)
{
    char *token = bearer("app_x", "https://enterprise.example.com", "enterprise.access");
    struct error err = {0};

    ck_assert(issuer_keys_rotate(cloud->keys, false, &err));
    send_to(SERVICE_ENTERPRISE, "POST", "/", token, NULL, "");
    ck_assert_int_eq(reply.status, 401);
    free(token);
}
END_TEST

START_TEST(the_journal_finds_a_secret_inside_basic_credentials)
{
    const struct http_field none[1] = {{{NULL, 0}, {NULL, 0}}};
    struct request request = {.method = slice_of("POST"),
                              .path = slice_of("/"),
                              .fields = none,
                              .authorization = slice_of("Basic aWQ6cmVjb2duaXNhYmxl"),
                              .authorization_count = 1};
    struct json_object *found;

    journal_begin(cloud->journal, "token", &request);
    found = journal_find(cloud->journal, slice_of("recognisable"));
    ck_assert_uint_eq(json_object_array_length(found), 1);
    json_object_put(found);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resources");
    TCase *all = tcase_create("all");

    tcase_set_timeout(all, 60); /* machines under load */
    tcase_add_checked_fixture(all, world_open, world_close);
    tcase_add_test(all, every_captured_developerapi_request_is_understood);
    tcase_add_test(all, an_api_key_is_given_for_the_scope_that_obtains_it);
    tcase_add_test(all, a_token_without_the_scope_gets_no_key);
    tcase_add_test(all, a_token_for_another_audience_gets_no_key);
    tcase_add_test(all, an_unknown_identifier_is_refused_in_the_shape_that_is_switched_on);
    tcase_add_test(all, an_expired_token_opens_nothing);
    tcase_add_test(all, the_strict_service_names_client_and_scope);
    tcase_add_test(all, the_strict_service_refuses_a_users_token_for_the_agent);
    tcase_add_test(all, the_strict_service_answers_403_without_the_scope);
    tcase_add_test(all, the_trigger_takes_any_token_of_the_issuer);
    tcase_add_test(all, the_trigger_refuses_keys_that_were_not_pasted);
    tcase_add_test(all, a_rotation_without_overlap_makes_old_tokens_worthless);
    tcase_add_test(all, the_journal_finds_a_secret_inside_basic_credentials);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
