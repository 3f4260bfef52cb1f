/* What the vendor's clients signed is taken, by both signature versions; what was changed on the
 * way is not. */
#include "tests/local-cloud/world.h"

#include "local-cloud/params.h"
#include "local-cloud/pop.h"
#include "local-cloud/ram.h"
#include "local-cloud/replay_memory.h"

#include <time.h>

enum { FIELD_MAX_COUNT = 40 };

/* A captured request, its texts owned by the vector file. */
struct sent {
    struct http_field fields[FIELD_MAX_COUNT];
    struct request request;
};

static struct json_object *file;
static struct pop_gate gate;

static void setup(void)
{
    world_open();
    gate = (struct pop_gate){cloud->ram, cloud->nonces};
    file = NULL;
}

static void teardown(void)
{
    json_object_put(file);
    world_close();
}

static int64_t parse_time(const char *text)
{
    struct tm fields = {0};

    ck_assert_ptr_nonnull(strptime(text, "%Y-%m-%dT%H:%M:%SZ", &fields));
    return timegm(&fields);
}

static struct slice json_slice(struct json_object *text)
{
    if (text == NULL)
        return (struct slice){NULL, 0};
    return (struct slice){json_object_get_string(text), (size_t)json_object_get_string_len(text)};
}

static void add_header(struct sent *sent, const char *name, struct slice value)
{
    if (strcasecmp(name, "authorization") == 0) {
        sent->request.authorization = value;
        sent->request.authorization_count = 1;
        return;
    }
    ck_assert_uint_lt(sent->request.field_count, FIELD_MAX_COUNT);
    sent->fields[sent->request.field_count++] = (struct http_field){slice_of(name), value};
}

static void set_target(struct sent *sent, const char *target)
{
    struct slice rest = slice_of(target);

    sent->request.path = slice_cut(&rest, '?');
    sent->request.query = rest;
}

/* The account's user gets the key of the vector. */
static void set_key(const char *id, const char *secret, const char *token)
{
    struct ram_key *key = ram_user_key(cloud->ram);

    replace_text(&key->id, id);
    replace_text(&key->secret, secret);
    free(key->token);
    key->token = token == NULL ? NULL : must_copy(token);
}

static void read_signed_case(struct json_object *one, struct sent *sent, char **out_target)
{
    struct json_object *input = get(one, "input");
    struct json_object *headers = get(one, "request_headers");
    const char *url = json_get_string(one, "sdk_wire_url", NULL);

    *sent = (struct sent){.request = {.method = slice_of(json_get_string(input, "method", NULL))}};
    sent->request.fields = sent->fields;
    if (headers == NULL)
        headers = get(input, "headers");
    json_object_object_foreach(headers, name, value)
    {
        add_header(sent, name, json_slice(value));
    }
    if (sent->request.authorization_count == 0)
        add_header(sent, "Authorization", json_slice(get(one, "authorization")));
    sent->request.body = json_slice(get(one, "wire_body"));
    if (url != NULL) {
        *out_target = must_copy(strchr(strstr(url, "://") + 3, '/'));
    } else {
        /* A direct call of the signer has no URL; any encoding of its query would do. */
        const char *canonical = strchr(json_get_string(one, "canonical_request", NULL), '\n') + 1;
        const char *query = strchr(canonical, '\n') + 1;

        *out_target = must_format("/?%.*s", (int)strcspn(query, "\n"), query);
    }
    set_target(sent, *out_target);
    set_key(json_get_string(input, "access_key_id", NULL),
            json_get_string(input, "access_key_secret", NULL),
            json_get_string(input, "security_token", NULL));
    if (get(headers, "x-acs-security-token") != NULL)
        set_key(json_get_string(input, "access_key_id", NULL),
                json_get_string(input, "access_key_secret", NULL),
                json_get_string(headers, "x-acs-security-token", NULL));
    sent->request.now_s = parse_time(json_get_string(headers, "x-acs-date", NULL));
}

/* Left out: calls of the path style, which the gateway here does not serve; the anonymous call; and
 * two cases marked as quirks of the SDK. */
static bool is_played(struct json_object *one)
{
    static const char *const left_out[] = {"rpc_anonymous", "path_empty",
                                           "query_key_needs_encoding"};
    const char *name = json_get_string(one, "name", NULL);

    if (strncmp(name, "roa_", 4) == 0)
        return false;
    for (size_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++)
        if (strcmp(name, left_out[i]) == 0)
            return false;
    return true;
}

START_TEST(every_request_signed_by_version_3_is_taken)
{
    struct json_object *cases;
    size_t count = 0;

    file = vectors("alibaba-acs3.json");
    cases = get(file, "cases");
    for (size_t i = 0; i < json_object_array_length(cases); i++) {
        struct json_object *one = json_object_array_get_idx(cases, i);
        struct params none = {NULL, 0};
        struct sent sent;
        char *target;

        if (!is_played(one))
            continue;
        read_signed_case(one, &sent, &target);
        replay_memory_reset(cloud->nonces);
        ck_assert_msg(pop_authenticate(&gate, &sent.request, &none, &reply) != NULL, "%s: %s",
                      json_get_string(one, "name", NULL), reply.body.data);
        free(target);
        count++;
    }
    ck_assert_uint_eq(count, 25);
}
END_TEST

/* What is done to a good request, and the code of the refusal. */
static const struct {
    const char *header; /* whose value is replaced; NULL: none */
    const char *value;
    const char *target; /* NULL: as it was */
    const char *body;
    int64_t later_s;
    int status;
    const char *code;
} changes[] = {
    {NULL, NULL, "/?ApplicationId=app_other", NULL, 0, 400, "SignatureDoesNotMatch"},
    {"x-acs-action", "AssumeRole", NULL, NULL, 0, 400, "SignatureDoesNotMatch"},
    {"host", "elsewhere.aliyuncs.com", NULL, NULL, 0, 400, "SignatureDoesNotMatch"},
    {NULL, NULL, NULL, "a=b", 0, 400, "InvalidParameter.ContentSha256"},
    {NULL, NULL, NULL, NULL, 16 * 60, 400, "InvalidTimeStamp.Expired"},
    {NULL, NULL, NULL, NULL, -16 * 60, 400, "InvalidTimeStamp.Expired"},
    {"x-acs-date", "yesterday", NULL, NULL, 0, 400, "InvalidTimeStamp.Format"},
    {"x-acs-security-token", "other", NULL, NULL, 0, 400, "InvalidSecurityToken.Malformed"},
    {"x-acs-security-token", "", NULL, NULL, 0, 400, "MissingSecurityToken"},
    {"authorization", "ACS3-HMAC-SHA256 Credential=a", NULL, NULL, 0, 400, "IncompleteSignature"},
    {"authorization", "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=0", NULL, NULL, 0,
     400, "IncompleteSignature"},
    /* Everything but the host is signed. */
    {"authorization",
     "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=x-acs-accesskey-id;x-acs-action;"
     "x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;x-acs-security-token;"
     "x-acs-signature-nonce;x-acs-version,Signature=0",
     NULL, NULL, 0, 400, "IncompleteSignature"},
};

static void change(struct sent *sent, const char *header, const char *value)
{
    if (strcmp(header, "authorization") == 0)
        sent->request.authorization = slice_of(value);
    for (size_t i = 0; i < sent->request.field_count; i++)
        if (slice_equal_nocase(sent->fields[i].name, header))
            sent->fields[i].value = slice_of(value);
}

static struct json_object *sts_case(void)
{
    file = vectors("alibaba-acs3.json");
    for (size_t i = 0;; i++) {
        struct json_object *one = json_object_array_get_idx(get(file, "cases"), i);

        if (strcmp(json_get_string(one, "name", NULL), "rpc_generate_oauth_token_sts") == 0)
            return one;
    }
}

START_TEST(a_request_that_was_changed_on_the_way_is_refused)
{
    struct params none = {NULL, 0};
    struct sent sent;
    char *target;

    read_signed_case(sts_case(), &sent, &target);
    if (changes[_i].header != NULL)
        change(&sent, changes[_i].header, changes[_i].value);
    if (changes[_i].target != NULL)
        set_target(&sent, changes[_i].target);
    if (changes[_i].body != NULL)
        sent.request.body = slice_of(changes[_i].body);
    sent.request.now_s += changes[_i].later_s;
    ck_assert_ptr_null(pop_authenticate(&gate, &sent.request, &none, &reply));
    ck_assert_int_eq(reply.status, changes[_i].status);
    assert_member("Code", changes[_i].code);
    free(target);
}
END_TEST

START_TEST(a_wrong_secret_is_told_the_string_to_sign)
{
    struct json_object *one = sts_case();
    struct params none = {NULL, 0};
    struct json_object *value;
    struct sent sent;
    char *target;

    read_signed_case(one, &sent, &target);
    replace_text(&ram_user_key(cloud->ram)->secret, "another");
    ck_assert_ptr_null(pop_authenticate(&gate, &sent.request, &none, &reply));
    assert_member("Code", "SignatureDoesNotMatch");
    value = reply_value();
    ck_assert_ptr_nonnull(strstr(json_get_string(value, "Message", NULL),
                                 json_get_string(one, "string_to_sign", NULL)));
    json_object_put(value);
    free(target);
}
END_TEST

START_TEST(a_nonce_is_good_once_and_a_key_only_while_it_is_active)
{
    struct params none = {NULL, 0};
    struct sent sent;
    char *target;

    read_signed_case(sts_case(), &sent, &target);
    ck_assert_ptr_nonnull(pop_authenticate(&gate, &sent.request, &none, &reply));
    ck_assert_ptr_null(pop_authenticate(&gate, &sent.request, &none, &reply));
    assert_member("Code", "SignatureNonceUsed");
    ram_user_key(cloud->ram)->is_active = false;
    ck_assert_ptr_null(pop_authenticate(&gate, &sent.request, &none, &reply));
    assert_member("Code", "InvalidAccessKeyId.Inactive");
    replace_text(&ram_user_key(cloud->ram)->id, "LTAI-other");
    ck_assert_ptr_null(pop_authenticate(&gate, &sent.request, &none, &reply));
    assert_member("Code", "InvalidAccessKeyId.NotFound");
    ck_assert_int_eq(reply.status, 404);
    free(target);
}
END_TEST

/* ---- version 1 -------------------------------------------------------------------------------*/

static struct json_object *chain_case(const char *name)
{
    file = vectors("alibaba-credential-chain.json");
    for (size_t i = 0;; i++) {
        struct json_object *one = json_object_array_get_idx(get(file, "cases"), i);

        if (strcmp(json_get_string(one, "name", NULL), name) == 0)
            return one;
    }
}

/* Sends the first exchange of a case; the caller frees `*out_params`'s contents. */
static const struct ram_key *play_version_1(struct json_object *one, struct params *out_params)
{
    struct json_object *exchange = json_object_array_get_idx(get(one, "exchanges"), 0);
    struct params form = {NULL, 0};
    struct error err = {0};
    struct sent sent = {.request = {.method = slice_of(json_get_string(exchange, "method", NULL))}};

    set_target(&sent, json_get_string(exchange, "target", NULL));
    ck_assert(params_parse(sent.request.query, out_params, &err));
    ck_assert(params_parse(slice_of(json_get_string(exchange, "body", NULL)), &form, &err));
    ck_assert(params_join(out_params, &form, &err));
    sent.request.now_s = parse_time(params_get(out_params, "Timestamp"));
    return pop_authenticate(&gate, &sent.request, out_params, &reply);
}

static const struct {
    const char *name, *id, *token;
} signed_by_version_1[] = {
    {"assume_role_ak", "LTAIFAKEBASE", NULL},
    {"assume_role_sts", "STS.FAKEBASE", "FakeBaseToken+/="},
    {"assume_role_policy", "LTAIFAKEBASE", NULL},
};

START_TEST(a_request_signed_by_version_1_is_taken)
{
    struct params params = {NULL, 0};

    set_key(signed_by_version_1[_i].id, "FakeBaseSecret", signed_by_version_1[_i].token);
    ck_assert_msg(play_version_1(chain_case(signed_by_version_1[_i].name), &params) != NULL, "%s",
                  reply.body.data);
    params_clear(&params);
}
END_TEST

START_TEST(a_wrong_secret_is_told_the_string_to_sign_by_version_1_too)
{
    struct json_object *one = chain_case("assume_role_ak"), *value;
    struct params params = {NULL, 0};

    set_key("LTAIFAKEBASE", "wrong", NULL);
    ck_assert_ptr_null(play_version_1(one, &params));
    assert_member("Code", "SignatureDoesNotMatch");
    value = reply_value();
    ck_assert_ptr_nonnull(strstr(json_get_string(value, "Message", NULL),
                                 json_get_string(one, "string_to_sign", NULL)));
    json_object_put(value);
    params_clear(&params);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("signatures");
    TCase *all = tcase_create("all");

    tcase_set_timeout(all, 60); /* machines under load */
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, every_request_signed_by_version_3_is_taken);
    tcase_add_loop_test(all, a_request_that_was_changed_on_the_way_is_refused, 0,
                        sizeof changes / sizeof changes[0]);
    tcase_add_test(all, a_wrong_secret_is_told_the_string_to_sign);
    tcase_add_test(all, a_nonce_is_good_once_and_a_key_only_while_it_is_active);
    tcase_add_loop_test(all, a_request_signed_by_version_1_is_taken, 0,
                        sizeof signed_by_version_1 / sizeof signed_by_version_1[0]);
    tcase_add_test(all, a_wrong_secret_is_told_the_string_to_sign_by_version_1_too);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
