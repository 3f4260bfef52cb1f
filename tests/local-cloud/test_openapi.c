/* GenerateOauthToken and the metadata service answer and refuse as the captures say. */
#include "tests/local-cloud/world.h"

#include "local-cloud/metadata.h"
#include "local-cloud/ram.h"

#include <time.h>

enum { FIELD_MAX_COUNT = 24 };

static struct json_object *file;
static struct http_field fields[FIELD_MAX_COUNT];
static struct request request;

static struct json_object *named(const char *name)
{
    for (size_t i = 0;; i++) {
        struct json_object *one = json_object_array_get_idx(get(file, "cases"), i);

        if (strcmp(json_get_string(one, "name", NULL), name) == 0)
            return one;
    }
}

static void setup(void)
{
    world_open();
    file = vectors("alibaba-generate-oauth-token.json");
}

static void teardown(void)
{
    json_object_put(file);
    world_close();
}

static const char *header_of(struct json_object *sent, const char *name)
{
    const char *value = captured_header(sent, name);

    ck_assert_msg(value != NULL, "%s", name);
    return value;
}

/* Reads a captured request; the realm, the account and the clock become those of the capture. */
static void read_request(struct json_object *one)
{
    struct json_object *sent = get(one, "request"), *headers = get(sent, "headers");
    struct json_object *parameters = get(one, "parameters");
    struct slice rest = slice_of(json_get_string(sent, "target", NULL));
    struct ram_key *key = ram_user_key(cloud->ram);
    struct tm date = {0};
    bool is_session;

    request = (struct request){.method = slice_of(json_get_string(sent, "method", NULL)),
                               .fields = fields};
    request.path = slice_cut(&rest, '?');
    request.query = rest;
    for (size_t i = 0; i < json_object_array_length(headers); i++) {
        struct json_object *pair = json_object_array_get_idx(headers, i);
        const char *name = json_object_get_string(json_object_array_get_idx(pair, 0));
        const char *value = json_object_get_string(json_object_array_get_idx(pair, 1));

        if (strcmp(name, "Authorization") == 0) {
            request.authorization = slice_of(value);
            request.authorization_count = 1;
            continue;
        }
        fields[request.field_count++] = (struct http_field){slice_of(name), slice_of(value)};
    }
    ck_assert_ptr_nonnull(strptime(header_of(sent, "x-acs-date"), "%Y-%m-%dT%H:%M:%SZ", &date));
    request.now_s = timegm(&date);
    replace_text(&cloud->realm.instance_id, json_get_string(parameters, "InstanceId", NULL));
    replace_text(&cloud->realm.agent.id, json_get_string(parameters, "ApplicationId", NULL));
    realm_client_grant(&cloud->realm.agent, json_get_string(parameters, "Audience", NULL),
                       "read:file write:file");
    /* The keys with which the vectors of the signature were made. */
    is_session = captured_header(sent, "x-acs-security-token") != NULL;
    replace_text(&key->id,
                 is_session ? "STS.FAKEFAKEFAKEFAKEFAKEFAKE1" : "LTAI5tFAKEFAKEFAKEFAKE01");
    replace_text(&key->secret, is_session ? "FakeStsSecretForTestVectorsOnly0002"
                                          : "FakeSecretKeyForTestVectorsOnly0001");
    if (is_session)
        key->token = must_copy(captured_header(sent, "x-acs-security-token"));
}

static void send_request(void)
{
    reply_clear(&reply);
    cloud_handle(cloud, SERVICE_OPENAPI, &request, &reply);
}

static void assert_same_members(struct json_object *found, struct json_object *expected)
{
    json_object_object_foreach(expected, name, value)
    {
        struct json_object *ours = get(found, name);

        /* What only the vendor could fill. */
        if (strcmp(name, "EncodedDiagnosticMessage") == 0)
            continue;
        ck_assert_msg(ours != NULL, "%s is missing", name);
        ck_assert_msg(json_object_get_type(ours) == json_object_get_type(value), "%s", name);
        if (json_object_is_type(value, json_type_object))
            assert_same_members(ours, value);
    }
    json_object_object_foreach(found, our_name, our_value)
    {
        (void)our_value;
        ck_assert_msg(get(expected, our_name) != NULL, "%s is too many", our_name);
    }
}

/* The reply has the status, members and content type of the captured one. Both values are the
 * caller's. */
static void compare(struct json_object *one, struct json_object **out_found,
                    struct json_object **out_expected)
{
    struct json_object *expected = get(one, "response");

    ck_assert_msg(reply.status == json_object_get_int(get(expected, "status")), "%d %s",
                  reply.status, reply.body.data);
    ck_assert_ptr_nonnull(strstr(reply.content_type, "application/json"));
    *out_found = reply_value();
    *out_expected = json_tokener_parse(json_get_string(expected, "body", NULL));
    assert_same_members(*out_found, *out_expected);
}

static const char *const good[] = {"ok_sts", "ok_ak", "env_default_chain"};

START_TEST(a_captured_request_is_answered_as_the_captured_answer)
{
    struct json_object *one = named(good[_i]), *found, *expected, *claims;
    struct error err = {0};
    const char *token;

    read_request(one);
    send_request();
    compare(one, &found, &expected);
    token = json_get_string(get(found, "TokenResponse"), "AccessToken", NULL);
    ck_assert(issued_token_open(cloud, slice_of(token), request.now_s, &claims, &err));
    ck_assert_str_eq(json_get_string(claims, "scope", NULL),
                     _i == 0 ? "read:file write:file" : "read:file");
    json_object_put(claims);
    json_object_put(found);
    json_object_put(expected);
}
END_TEST

/* How a good request is made to fail. */
static void spoil(const char *name)
{
    struct ram_key *key = ram_user_key(cloud->ram);

    if (strcmp(name, "err_signature") == 0) {
        replace_text(&key->secret, "another");
    } else if (strcmp(name, "err_access_key") == 0) {
        replace_text(&key->id, "another");
    } else if (strcmp(name, "err_security_token_expired") == 0) {
        key->expires_at_s = request.now_s;
    } else if (strcmp(name, "err_security_token_mismatch") == 0) {
        free(key->token);
        key->token = NULL;
    } else if (strcmp(name, "err_no_permission") == 0) {
        key->role = ram_find_role(cloud->ram, RAM_ROLE_NO_PERMISSION);
        key->session_name = must_copy("session");
    } else if (strcmp(name, "err_nonce") == 0) {
        send_request();
        ck_assert_int_eq(reply.status, 200);
    } else {
        ck_assert_str_eq(name, "err_timestamp");
        request.now_s += 3600;
    }
}

static const char *const bad[] = {"err_signature",
                                  "err_access_key",
                                  "err_security_token_expired",
                                  "err_security_token_mismatch",
                                  "err_no_permission",
                                  "err_nonce",
                                  "err_timestamp"};

START_TEST(a_refusal_is_the_captured_one)
{
    struct json_object *one = named(bad[_i]), *found, *expected;
    const char *message;

    read_request(named("ok_sts"));
    spoil(bad[_i]);
    send_request();
    compare(one, &found, &expected);
    ck_assert_str_eq(json_get_string(found, "Code", NULL), json_get_string(expected, "Code", NULL));
    message = json_get_string(expected, "Message", NULL);
    /* The digest in the string to sign is a dummy in the capture. */
    ck_assert_int_eq(
        strncmp(json_get_string(found, "Message", NULL), message, strcspn(message, "\n")), 0);
    json_object_put(found);
    json_object_put(expected);
}
END_TEST

/* ---- metadata --------------------------------------------------------------------------------*/

static void ask_machine(const char *method, const char *path, const char *name, const char *value)
{
    fields[0] = (struct http_field){slice_of(name), slice_of(value)};
    request = (struct request){.method = slice_of(method),
                               .path = slice_of(path),
                               .fields = fields,
                               .field_count = 1,
                               .now_s = now_s,
                               .now_ms = now_s * 1000};
    reply_clear(&reply);
    cloud_handle(cloud, SERVICE_METADATA, &request, &reply);
}

/* The last answer of a captured case; borrowed from `*out_file`, which is the caller's. */
static struct json_object *chain_answer(const char *name, struct json_object **out_file)
{
    struct json_object *cases = get(*out_file = vectors("alibaba-credential-chain.json"), "cases");

    for (size_t i = 0;; i++) {
        struct json_object *one = json_object_array_get_idx(cases, i);
        struct json_object *exchanges = get(one, "exchanges");

        if (strcmp(json_get_string(one, "name", NULL), name) == 0)
            return json_object_array_get_idx(exchanges, json_object_array_length(exchanges) - 1);
    }
}

static const struct {
    const char *name, *path;
} machine_answers[] = {
    {"imds_v2_discover_role", PATH_METADATA_ROLES RAM_ROLE_AGENT},
    {"uri_ok", PATH_CREDENTIALS_URI},
};

START_TEST(plain_http_is_refused_when_it_is_to_be)
{
    static const enum service_kind kinds[] = {SERVICE_OPENAPI, SERVICE_STS};

    cloud->switches.openapi.needs_ssl = true;
    for (size_t i = 0; i < 2; i++) {
        request = (struct request){.method = slice_of("POST"), .path = slice_of("/")};
        reply_clear(&reply);
        cloud_handle(cloud, kinds[i], &request, &reply);
        ck_assert_int_eq(reply.status, 404);
        assert_member("Code", "InvalidProtocol.NeedSsl");
        request.is_tls = true;
        reply_clear(&reply);
        cloud_handle(cloud, kinds[i], &request, &reply);
        ck_assert_ptr_null(strstr(reply.body.data, "NeedSsl"));
    }
}
END_TEST

START_TEST(credentials_come_with_the_captured_members)
{
    struct json_object *chain, *found, *expected;

    ask_machine("GET", machine_answers[_i].path, "accept", "*/*");
    compare(chain_answer(machine_answers[_i].name, &chain), &found, &expected);
    json_object_put(found);
    json_object_put(expected);
    json_object_put(chain);
}
END_TEST

START_TEST(a_metadata_token_is_good_for_its_time)
{
    static const char ttl[] = "x-aliyun-ecs-metadata-token-ttl-seconds";
    static const char header[] = "x-aliyun-ecs-metadata-token";
    char *token;

    cloud->switches.metadata.v1 = false;
    ask_machine("PUT", PATH_METADATA_TOKEN, ttl, "0");
    ck_assert_int_eq(reply.status, 400);
    ask_machine("PUT", PATH_METADATA_TOKEN, ttl, "21601");
    ck_assert_int_eq(reply.status, 400);
    ask_machine("PUT", PATH_METADATA_TOKEN, ttl, "60");
    ck_assert_int_eq(reply.status, 200);
    token = must_copy(reply.body.data);
    ask_machine("GET", PATH_METADATA_ROLES, header, token);
    ck_assert_int_eq(reply.status, 200);
    ck_assert_str_eq(reply.body.data, RAM_ROLE_AGENT "\n");
    ask_machine("GET", PATH_METADATA_ROLES, header, "made-up");
    ck_assert_int_eq(reply.status, 403);
    ask_machine("GET", PATH_METADATA_ROLES, "accept", "*/*");
    ck_assert_int_eq(reply.status, 403);
    now_s += 61;
    ask_machine("GET", PATH_METADATA_ROLES, header, token);
    ck_assert_int_eq(reply.status, 403);
    free(token);
}
END_TEST

START_TEST(a_machine_knows_its_own_role_only)
{
    ask_machine("GET", PATH_METADATA_ROLES RAM_ROLE_AGENT, "accept", "*/*");
    ck_assert_int_eq(reply.status, 200);
    assert_member("Code", "Success");
    ask_machine("GET", PATH_METADATA_ROLES RAM_ROLE_NO_PERMISSION, "accept", "*/*");
    ck_assert_int_eq(reply.status, 404);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("openapi");
    TCase *all = tcase_create("all");

    tcase_set_timeout(all, 60); /* machines under load */
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_loop_test(all, a_captured_request_is_answered_as_the_captured_answer, 0,
                        sizeof good / sizeof good[0]);
    tcase_add_loop_test(all, a_refusal_is_the_captured_one, 0, sizeof bad / sizeof bad[0]);
    tcase_add_loop_test(all, credentials_come_with_the_captured_members, 0,
                        sizeof machine_answers / sizeof machine_answers[0]);
    tcase_add_test(all, plain_http_is_refused_when_it_is_to_be);
    tcase_add_test(all, a_metadata_token_is_good_for_its_time);
    tcase_add_test(all, a_machine_knows_its_own_role_only);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
