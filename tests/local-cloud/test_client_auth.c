/* Every way to authenticate is verified: what the vendor's SDK sends is taken, what is a little
 * wrong is refused. */
#include "tests/local-cloud/captured.h"

#include "base/secret.h"
#include "jwt/key.h"

static struct json_object *file;

static void setup(void)
{
    world_open();
    file = vectors("idaas-requests.json");
    realm_client_grant(&cloud->realm.agent, "https://mcpserver.example.com",
                       "mcp.access mcp.read mcp.write");
    realm_client_grant(&cloud->realm.agent, "api://svc", "write read");
}

static void teardown(void)
{
    json_object_put(file);
    world_close();
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Plays a case to the realm it was captured for. Tokens and documents that the capture only has as
 * dummies, because nothing real could make them, are replaced by the stand-in's own. */
static void play(struct json_object *one, const char *const *more)
{
    struct json_object *request = captured_token_request(one);
    const char *id = json_object_get_string(get(one, "id"));
    const struct cluster_token spec = {.lifetime_s = 600};
    char *assertion = NULL, *subject, *body;
    const char *replaced[12] = {"subject_token", NULL};
    size_t count = 2;

    become_captured(one);
    subject = bearer("user_1", cloud->realm.agent.audience, "agent.access");
    replaced[1] = subject + strlen("Bearer ");
    if (has_prefix(id, "OIDC/"))
        assertion = cluster_token(&spec);
    else if (has_prefix(id, "PKCS7/"))
        assertion = attested(cloud->realm.instance_id, now_s);
    if (assertion != NULL) {
        replaced[count++] = "client_assertion";
        replaced[count++] = assertion;
    }
    for (; more != NULL && *more != NULL; more += 2) {
        replaced[count++] = more[0];
        replaced[count++] = more[1];
    }
    body = captured_form(request, replaced);
    send_captured(request, body);
    free(body);
    free(assertion);
    free(subject);
}

/* By way of a JWK, because it takes all the forms in which the SDK was given keys. */
static void register_case_key(struct json_object *one)
{
    const char *pem = json_get_string(get(one, "environment"), "ENV_PRIVATE_KEY", NULL);
    struct signing_key *key;
    struct secret *text;
    struct error err = {0};
    struct buffer jwk;

    if (pem == NULL)
        return;
    buffer_init(&jwk, 4096);
    text = secret_copy(pem, strlen(pem), &err);
    key = signing_key_from_pem(text, NULL, &err);
    ck_assert_msg(key != NULL && signing_key_add_jwk(key, "any", &jwk, &err), "%s", err.message);
    client_keys_forget(cloud->realm.agent.keys);
    ck_assert(client_keys_add_jwk(cloud->realm.agent.keys, slice_of(jwk.data), &err));
    buffer_clear(&jwk);
    signing_key_free(key);
    secret_free(text);
}

/* RSA 1024 is what the SDK takes and no service should. */
static bool is_played(const char *id, struct json_object *one)
{
    static const char *const methods[] = {"CLIENT_SECRET_", "PRIVATE_KEY_JWT/", "PKCS7/", "OIDC/",
                                          "PCA/"};

    if (strcmp(id, "PRIVATE_KEY_JWT/rsa1024.pkcs8") == 0 ||
        json_object_array_length(get(one, "requests")) == 0)
        return false;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (has_prefix(id, methods[i]))
            return true;
    return false;
}

START_TEST(every_captured_request_is_granted)
{
    struct json_object *cases = get(file, "cases");
    size_t count = 0;

    cloud_identity(cloud);
    trust_captured_root(file);
    for (size_t i = 0; i < json_object_array_length(cases); i++) {
        struct json_object *one = json_object_array_get_idx(cases, i);
        const char *id = json_object_get_string(get(one, "id"));

        if (!is_played(id, one))
            continue;
        register_case_key(one);
        play(one, NULL);
        ck_assert_msg(reply.status == 200, "%s: %d %s", id, reply.status, reply.body.data);
        assert_member("token_type", "Bearer");
        count++;
    }
    ck_assert_uint_eq(count, 33);
}
END_TEST

static void assert_refused(const char *why)
{
    ck_assert_msg(reply.status == 401, "%d %s", reply.status, reply.body.data);
    assert_member("error", "invalid_client");
    ck_assert_msg(strstr(reply.body.data, why) != NULL, "%s", reply.body.data);
}

START_TEST(a_key_that_is_not_registered_does_not_sign_for_the_client)
{
    play(captured_case(file, "PRIVATE_KEY_JWT/ec-P-256.pkcs8"), NULL);
    assert_refused("wrong signature");
}
END_TEST

START_TEST(a_short_key_cannot_be_registered)
{
    struct json_object *keys = get(file, "private_keys_pem");

    ck_assert(!register_private(json_get_string(keys, "rsa1024.pkcs8", NULL)));
    ck_assert(!register_private(json_get_string(keys, "ec-k1.pkcs8", NULL)));
    ck_assert(register_private(json_get_string(keys, "ed25519.pkcs8", NULL)));
}
END_TEST

START_TEST(an_assertion_with_a_key_is_taken_only_once)
{
    struct json_object *one = captured_case(file, "PRIVATE_KEY_JWT/rsa2048.pkcs8");

    register_case_key(one);
    play(one, NULL);
    ck_assert_int_eq(reply.status, 200);
    play(one, NULL);
    assert_refused("was used before");
}
END_TEST

START_TEST(an_assertion_for_another_endpoint_is_refused)
{
    struct json_object *one = captured_case(file, "PRIVATE_KEY_JWT/rsa2048.pkcs8");

    register_case_key(one);
    realm_set_origin(&cloud->realm, "https://elsewhere.example.com", "http://127.0.0.1:1");
    play(one, NULL);
    assert_refused("not this token endpoint");
}
END_TEST

START_TEST(an_expired_assertion_with_a_key_is_refused)
{
    struct json_object *one = captured_case(file, "PRIVATE_KEY_JWT/rsa2048.pkcs8");

    register_case_key(one);
    now_s += 3600;
    play(one, NULL);
    assert_refused("expired");
}
END_TEST

static const struct {
    struct cluster_token spec;
    const char *why;
} wrong_tokens[] = {
    {{.issuer = "https://other.example.com", .lifetime_s = 600}, "issuer"},
    {{.audience = "sts.aliyuncs.com", .lifetime_s = 600}, "audience"},
    {{.subject = "system:serviceaccount:default:other", .lifetime_s = 600}, "subject"},
    {{.lifetime_s = -600}, "expired"},
};

START_TEST(a_service_account_token_of_somebody_else_or_another_time_is_refused)
{
    char *token = cluster_token(&wrong_tokens[_i].spec);
    const char *more[] = {"client_assertion", token, NULL};

    play(captured_case(file, "OIDC/file"), more);
    assert_refused(wrong_tokens[_i].why);
    free(token);
}
END_TEST

START_TEST(a_service_account_token_that_the_cluster_did_not_sign_is_refused)
{
    const char *more[] = {"client_assertion", NULL, NULL};
    char *other;

    cloud_identity(cloud);
    other = bearer("system:serviceaccount:default:sesame", CLUSTER_AUDIENCE, "x");
    more[1] = other + strlen("Bearer ");
    play(captured_case(file, "OIDC/file"), more);
    assert_refused("no key for the token");
    free(other);
}
END_TEST

static const struct {
    const char *instance;
    int64_t age_s;
    const char *why;
} wrong_documents[] = {
    {"idaas_another", 0, "not made for this instance"},
    {"idaas_test0instance0001", 3 * 3600, "too old"},
    {"idaas_test0instance0001", -600, "no usable signingTime"},
};

START_TEST(a_document_for_another_instance_or_time_is_refused)
{
    char *document = attested(wrong_documents[_i].instance, now_s - wrong_documents[_i].age_s);
    const char *more[] = {"client_assertion", document, NULL};

    play(captured_case(file, "PKCS7/ALIBABA_CLOUD_ECS"), more);
    assert_refused(wrong_documents[_i].why);
    free(document);
}
END_TEST

START_TEST(a_document_that_another_platform_signed_is_refused)
{
    struct error err = {0};
    struct agent_identity *other = agent_identity_new(&err);
    char *document = agent_identity_document(
        other, "{\"aud\":\"idaas_test0instance0001\",\"signingTime\":1795486100}");
    const char *more[] = {"client_assertion", document, NULL};

    cloud_identity(cloud);
    play(captured_case(file, "PKCS7/ALIBABA_CLOUD_ECS"), more);
    assert_refused("not signed by the platform");
    free(document);
    agent_identity_free(other);
}
END_TEST

START_TEST(a_document_that_is_none_is_refused)
{
    struct json_object *request;

    cloud_identity(cloud);
    become_captured(captured_case(file, "PKCS7/ALIBABA_CLOUD_ECS"));
    request = captured_token_request(captured_case(file, "PKCS7/ALIBABA_CLOUD_ECS"));
    send_captured(request, json_object_get_string(get(request, "body")));
    assert_refused("no PKCS#7 message");
}
END_TEST

START_TEST(a_certificate_of_another_authority_is_refused)
{
    /* Trusted is the stand-in's own company root, not the captured one. */
    cloud_identity(cloud);
    play(captured_case(file, "PCA/rsa2048"), NULL);
    assert_refused("chain is not trusted");
}
END_TEST

START_TEST(a_certificate_out_of_its_time_is_refused)
{
    trust_captured_root(file);
    now_s += 20LL * 365 * 86400;
    play(captured_case(file, "PCA/rsa2048"), NULL);
    assert_refused("expired");
}
END_TEST

START_TEST(an_assertion_by_another_key_than_the_certificates_is_refused)
{
    struct json_object *other =
        captured_token_request(captured_case(file, "PRIVATE_KEY_JWT/rsa3072.pkcs8"));
    struct json_object *fields = get(other, "form_fields_in_order");
    const char *more[] = {"client_assertion", NULL, NULL};

    for (size_t i = 0; i < json_object_array_length(fields); i++) {
        struct json_object *pair = json_object_array_get_idx(fields, i);

        if (strcmp(json_object_get_string(json_object_array_get_idx(pair, 0)),
                   "client_assertion") == 0)
            more[1] = json_object_get_string(json_object_array_get_idx(pair, 1));
    }
    trust_captured_root(file);
    play(captured_case(file, "PCA/rsa2048"), more);
    assert_refused("wrong signature");
}
END_TEST

START_TEST(a_federated_credential_must_be_named_and_known)
{
    const char *unnamed[] = {"application_federated_credential_name", NULL, NULL};
    const char *unknown[] = {"application_federated_credential_name", "fed_other", NULL};
    struct json_object *one = captured_case(file, "OIDC/file"), *request;
    char *body;

    cloud_identity(cloud);
    become_captured(one);
    request = captured_token_request(one);
    body = captured_form(request, (const char *const[]){unnamed[0], "", NULL});
    send_captured(request, body);
    free(body);
    ck_assert_int_eq(reply.status, 400);
    assert_member("error", "invalid_request");
    play(one, unknown);
    assert_refused("unknown client or federated credential");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client_auth");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, setup, teardown);
    tcase_set_timeout(all, 60); /* RSA keys under a sanitizer take their time */
    tcase_add_test(all, every_captured_request_is_granted);
    tcase_add_test(all, a_key_that_is_not_registered_does_not_sign_for_the_client);
    tcase_add_test(all, a_short_key_cannot_be_registered);
    tcase_add_test(all, an_assertion_with_a_key_is_taken_only_once);
    tcase_add_test(all, an_assertion_for_another_endpoint_is_refused);
    tcase_add_test(all, an_expired_assertion_with_a_key_is_refused);
    tcase_add_loop_test(all, a_service_account_token_of_somebody_else_or_another_time_is_refused, 0,
                        sizeof wrong_tokens / sizeof wrong_tokens[0]);
    tcase_add_test(all, a_service_account_token_that_the_cluster_did_not_sign_is_refused);
    tcase_add_loop_test(all, a_document_for_another_instance_or_time_is_refused, 0,
                        sizeof wrong_documents / sizeof wrong_documents[0]);
    tcase_add_test(all, a_document_that_another_platform_signed_is_refused);
    tcase_add_test(all, a_document_that_is_none_is_refused);
    tcase_add_test(all, a_certificate_of_another_authority_is_refused);
    tcase_add_test(all, a_certificate_out_of_its_time_is_refused);
    tcase_add_test(all, an_assertion_by_another_key_than_the_certificates_is_refused);
    tcase_add_test(all, a_federated_credential_must_be_named_and_known);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
