/* The token endpoint takes what the vendor's SDK sends and refuses what the real service refuses.
 */
#include "tests/local-cloud/world.h"

#include "local-cloud/realm.h"
#include "local-cloud/token_scope.h"

#define FORM "application/x-www-form-urlencoded"
#define MCP_SCOPE "https%3A%2F%2Fmcpserver.example.com%7Cmcp.access"

static void become(const char *client_id, const char *secret)
{
    replace_text(&cloud->realm.agent.id, client_id);
    replace_text(&cloud->realm.agent.secret, secret);
}

static void post(const char *authorization, const char *body)
{
    send_to(SERVICE_ISSUER, "POST", PATH_TOKEN, authorization, FORM, body);
}

static void setup(void)
{
    world_open();
    become("app_1", "the-secret-of-app-1");
    realm_client_grant(&cloud->realm.agent, "https://mcpserver.example.com",
                       "mcp.access mcp.read mcp.write");
    realm_client_grant(&cloud->realm.agent, "api://svc", "write read");
}

static void replay(struct json_object *one)
{
    struct json_object *request = json_object_array_get_idx(get(one, "requests"), 0);

    become(json_object_get_string(get(get(one, "sdk_config"), "clientId")),
           json_object_get_string(get(get(one, "environment"), "IDAAS_CLIENT_SECRET")));
    post(captured_header(request, "authorization"), json_object_get_string(get(request, "body")));
}

START_TEST(an_assertion_is_taken_only_once)
{
    struct json_object *file = vectors("idaas-requests.json");
    struct json_object *cases = get(file, "cases");

    for (size_t i = 0; i < json_object_array_length(cases); i++) {
        struct json_object *one = json_object_array_get_idx(cases, i);

        if (strcmp(json_object_get_string(get(one, "id")), "CLIENT_SECRET_JWT/plain") != 0)
            continue;
        replay(one);
        post(NULL, json_object_get_string(
                       get(json_object_array_get_idx(get(one, "requests"), 0), "body")));
    }
    ck_assert_int_eq(reply.status, 401);
    assert_member("error", "invalid_client");
    json_object_put(file);
}
END_TEST

START_TEST(an_assertion_that_is_too_old_is_refused)
{
    struct json_object *file = vectors("idaas-requests.json");
    struct json_object *cases = get(file, "cases");

    now_s += 1200;
    for (size_t i = 0; i < json_object_array_length(cases); i++) {
        struct json_object *one = json_object_array_get_idx(cases, i);

        if (strcmp(json_object_get_string(get(one, "id")), "CLIENT_SECRET_JWT/plain") != 0)
            continue;
        become("app_test0client0001", "sec-Plain0123456789abcdefghijklmnopqrst");
        post(NULL, json_object_get_string(
                       get(json_object_array_get_idx(get(one, "requests"), 0), "body")));
    }
    ck_assert_int_eq(reply.status, 401);
    json_object_put(file);
}
END_TEST

START_TEST(a_wrong_secret_gives_invalid_client_and_a_request_id)
{
    post(NULL,
         "client_id=app_1&client_secret=wrong&grant_type=client_credentials&scope=" MCP_SCOPE);

    ck_assert_int_eq(reply.status, 401);
    assert_member("error", "invalid_client");
    ck_assert_ptr_nonnull(strstr(reply.body.data, "\"request_id\":\""));
}
END_TEST

START_TEST(two_ways_of_authentication_in_one_request_are_refused)
{
    post("Basic YXBwXzE6dGhlLXNlY3JldC1vZi1hcHAtMQ==",
         "client_id=app_1&client_secret=the-secret-of-app-1&grant_type=client_credentials&"
         "scope=" MCP_SCOPE);

    ck_assert_int_eq(reply.status, 400);
    assert_member("error", "invalid_request");
}
END_TEST

START_TEST(a_parameter_that_comes_twice_is_refused)
{
    post(NULL, "client_id=app_1&client_id=app_1&client_secret=x&grant_type=client_credentials");

    ck_assert_int_eq(reply.status, 400);
}
END_TEST

static const struct {
    const char *scope;
    const char *error;
} bad_scopes[] = {
    {"a", "invalid_scope"},
    {"a%7Cb%7Cc", "invalid_scope"},
    {"%22" MCP_SCOPE "%22", "unauthorized_client"},
    {MCP_SCOPE "+urn:cloud:idaas:pam%7C.all", "invalid_scope"},
    {"https%3A%2F%2Fmcpserver.example.com%7Cadmin", "invalid_scope"},
    {"https%3A%2F%2Felsewhere.example.com%7Cx", "unauthorized_client"},
};

START_TEST(a_scope_that_is_malformed_or_not_granted_is_refused)
{
    char *body = must_format(
        "client_id=app_1&client_secret=the-secret-of-app-1&grant_type="
        "client_credentials&scope=%s",
        bad_scopes[_i].scope);

    post(NULL, body);
    free(body);

    ck_assert_int_eq(reply.status, 400);
    assert_member("error", bad_scopes[_i].error);
}
END_TEST

START_TEST(all_means_everything_that_is_granted_and_the_claim_has_bare_values)
{
    struct token_scope scope = {NULL, NULL};
    struct error err = {0};

    ck_assert(token_scope_parse("https://mcpserver.example.com|.all", &scope, &err));
    ck_assert(token_scope_grant(&scope, &cloud->realm.agent, &err));
    ck_assert_str_eq(scope.values, "mcp.access mcp.read mcp.write");
    token_scope_clear(&scope);
}
END_TEST

START_TEST(a_subject_token_for_somebody_else_is_not_exchanged)
{
    char *token = bearer("user_1", "https://other.example.com", "x");
    char *body = must_format(
        "client_id=app_1&client_secret=the-secret-of-app-1&grant_type=urn:ietf:params:oauth:grant-"
        "type:token-exchange&subject_token=%s&subject_token_type=urn:ietf:params:oauth:token-type:"
        "access_token&scope=%s",
        token + strlen("Bearer "), MCP_SCOPE);

    post(NULL, body);

    ck_assert_int_eq(reply.status, 400);
    assert_member("error", "invalid_grant");
    free(body);
    free(token);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("token_endpoint");
    TCase *all = tcase_create("all");

    tcase_set_timeout(all, 60); /* machines under load */
    tcase_add_checked_fixture(all, setup, world_close);
    tcase_add_test(all, an_assertion_is_taken_only_once);
    tcase_add_test(all, an_assertion_that_is_too_old_is_refused);
    tcase_add_test(all, a_wrong_secret_gives_invalid_client_and_a_request_id);
    tcase_add_test(all, two_ways_of_authentication_in_one_request_are_refused);
    tcase_add_test(all, a_parameter_that_comes_twice_is_refused);
    tcase_add_loop_test(all, a_scope_that_is_malformed_or_not_granted_is_refused, 0,
                        sizeof bad_scopes / sizeof bad_scopes[0]);
    tcase_add_test(all, all_means_everything_that_is_granted_and_the_claim_has_bare_values);
    tcase_add_test(all, a_subject_token_for_somebody_else_is_not_exchanged);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
