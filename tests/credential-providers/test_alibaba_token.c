/* GenerateOauthToken of alibaba-cloud against the captures of the vendor's client: what is sent,
 * and what is made of each answer. */
#include "alibaba_bench.h"

#include "base/json.h"

#include "../support/files.h"
#include "../support/run.h"

#include <string.h>

#define STS_ID "STS.FAKEFAKEFAKEFAKEFAKEFAKE1"
#define STS_SECRET "FakeStsSecretForTestVectorsOnly0002"
#define STS_TOKEN "CAISFAKE+token/for==tests~only.not-real_0123456789"
#define AK_ID "LTAI5tFAKEFAKEFAKEFAKE01"
#define AK_SECRET "FakeSecretKeyForTestVectorsOnly0001"

static struct json_object *response;

static void use_sts(void)
{
    setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", STS_ID, 1);
    setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", STS_SECRET, 1);
    setenv("ALIBABA_CLOUD_SECURITY_TOKEN", STS_TOKEN, 1);
}

static void use_long_lived(void)
{
    setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", AK_ID, 1);
    setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", AK_SECRET, 1);
    unsetenv("ALIBABA_CLOUD_SECURITY_TOKEN");
}

static void set_up(void)
{
    setenv("HOME", "/nonexistent", 1);
    setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true", 1);
    alibaba_set_up();
}

/* The captured answer, headers too. */
static void answer_captured(size_t index, const struct alibaba_request *request,
                            struct http_exchange *exchange)
{
    struct json_object *headers = json_get_object(response, "headers");
    int64_t status = 0;

    (void)index;
    (void)request;
    json_get_int64(response, "status", &status);
    json_object_object_foreach(headers, name, value)
    {
        if (strcasecmp(name, "content-type") != 0)
            http_exchange_add_header(exchange, name, json_object_get_string(value));
    }
    alibaba_reply(exchange, (int)status, member_text(headers, "Content-Type"),
                  member_text(response, "body"));
}

/* ---- what is sent ---------------------------------------------------------------------------- */

static void remove_between(char *text, const char *begin, const char *end)
{
    char *from = strstr(text, begin), *to = from == NULL ? NULL : strstr(from, end);

    if (to != NULL)
        memmove(from, to + strlen(end), strlen(to + strlen(end)) + 1);
}

/* The captured canonical request but for the telemetry header, which we leave out, and with our
 * nonce. */
static void expect_canonical(struct json_object *capture, char *out, size_t size)
{
    char *nonce;

    snprintf(out, size, "%s", member_text(capture, "canonical_request"));
    remove_between(out, "x-acs-credentials-provider:", "\n");
    remove_between(out, "x-acs-credentials-provider;", "");
    remove_between(out, "x-acs-credentials-provider", ";");
    nonce = strstr(out, "nonce-00");
    if (nonce != NULL) {
        char rest[8192];

        snprintf(rest, sizeof rest, "%s", nonce + 10);
        snprintf(nonce, size - (size_t)(nonce - out), ALIBABA_NONCE "%s", rest);
    }
}

static void check_sent(struct json_object *capture, bool is_sts)
{
    const struct alibaba_request *request = &alibaba.seen[0];
    struct json_object *captured = json_get_object(capture, "request");
    char wanted[8192], canonical[8192];

    ck_assert_str_eq(request->method, "POST");
    ck_assert_str_eq(request->target, member_text(captured, "target"));
    ck_assert_str_eq(request->body, "");
    ck_assert_ptr_null(alibaba_header(request, "content-type"));
    ck_assert_str_eq(alibaba_header(request, "accept"), "application/json");
    expect_canonical(capture, wanted, sizeof wanted);
    alibaba_canonical(request, canonical, sizeof canonical);
    ck_assert_str_eq(canonical, wanted);
    ck_assert(
        alibaba_signed_with(request, is_sts ? STS_ID : AK_ID, is_sts ? STS_SECRET : AK_SECRET));
}

/* ---- what is made of it ---------------------------------------------------------------------- */

static enum error_code expected_code(const char *name)
{
    static const struct {
        const char *name;
        enum error_code code;
    } others[] = {
        {"err_throttling", ERROR_RATE_LIMIT}, {"err_throttling_no_hint", ERROR_RATE_LIMIT},
        {"err_server", ERROR_UPSTREAM},       {"err_html", ERROR_UPSTREAM},
        {"err_empty", ERROR_UPSTREAM},        {"ok_without_token_response", ERROR_UPSTREAM}};

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(others[i].name, name) == 0)
            return others[i].code;
    return strncmp(name, "err_", 4) == 0 ? ERROR_DENIED : ERROR_NONE;
}

static void check_failure(struct json_object *capture, const char *name)
{
    struct json_object *result = json_get_object(capture, "sdk_result");
    const char *code = member_text(result, "code");
    const char *request_id = member_text(result, "request_id");
    int64_t retry_after_ms = -1;
    char status[16];

    if (strcmp(name, "ok_without_token_response") == 0)
        code = "invalid_answer";
    ck_assert_str_eq(alibaba.err.name, code == NULL ? "" : code);
    if (request_id != NULL)
        ck_assert_msg(strstr(alibaba.err.message, request_id) != NULL, "%s: %s", name,
                      alibaba.err.message);
    (void)json_get_int64(result, "retry_after", &retry_after_ms);
    ck_assert_int_eq(alibaba.retry_after_ms, retry_after_ms);
    ck_assert_ptr_null(strstr(alibaba.err.message, STS_TOKEN));
    ck_assert_ptr_null(strchr(alibaba.err.message, '\n'));
    if (strcmp(name, "err_html") != 0 && strcmp(name, "err_empty") != 0)
        return;
    /* The SDK loses the status here. */
    snprintf(status, sizeof status, "HTTP %s", strcmp(name, "err_html") == 0 ? "502" : "500");
    ck_assert_ptr_nonnull(strstr(alibaba.err.message, status));
}

static void replay(struct json_object *capture)
{
    const char *name = member_text(capture, "name");
    bool is_sts =
        strcmp(member_text(capture, "credential_type"), "access_key") != 0 &&
        strstr(member_text(json_get_object(capture, "request"), "headers"), STS_ID) != NULL;
    char endpoint[100], values[200] = "";
    struct json_object *list =
        json_get_array(json_get_object(capture, "parameters"), "ScopeValues");

    for (size_t i = 0; i < json_object_array_length(list); i++) {
        size_t len = strlen(values);

        snprintf(values + len, sizeof values - len, "%s%s", i == 0 ? "" : " ",
                 json_object_get_string(json_object_array_get_idx(list, i)));
    }
    if (is_sts)
        use_sts();
    else
        use_long_lived();
    response = json_get_object(capture, "response");
    snprintf(endpoint, sizeof endpoint, "http://%s", member_text(capture, "host"));
    alibaba_set_up();
    alibaba.endpoint = endpoint;
    alibaba.answer = answer_captured;
    alibaba_open("");
    alibaba_fetch_values(values, NULL);
    check_sent(capture, is_sts);
    ck_assert_msg(alibaba.err.code == expected_code(name), "%s: %d %s", name, alibaba.err.code,
                  alibaba.err.message);
    if (alibaba.err.code != ERROR_NONE) {
        check_failure(capture, name);
    } else {
        ck_assert_str_eq(alibaba.token, "eyJmYWtlIjoxfQ.fake-access-token.sig");
        ck_assert_int_eq(alibaba.expires_in_s, 1200);
        ck_assert_int_eq(alibaba.expires_at_s, 1772353200);
    }
    /* Two refusals are tried once more: the key may have been renewed, the nonce is a new one. */
    ck_assert_uint_eq(
        alibaba.seen_count,
        strcmp(name, "err_nonce") == 0 || strcmp(name, "err_security_token_expired") == 0 ? 2 : 1);
    alibaba_tear_down();
}

START_TEST(every_captured_exchange_is_repeated)
{
    struct json_object *vectors = load_vectors("alibaba-generate-oauth-token.json");
    struct json_object *cases = json_get_array(vectors, "cases");

    alibaba_tear_down();
    for (size_t i = 0; i < json_object_array_length(cases); i++)
        replay(json_object_array_get_idx(cases, i));
    ck_assert_uint_eq(json_object_array_length(cases), 19);
    json_object_put(vectors);
    alibaba_set_up();
}
END_TEST

/* ---- on behalf of a user --------------------------------------------------------------------- */

static const char *plain_answer =
    "{\"TokenResponse\":{\"AccessToken\":\"canary-token\","
    "\"ExpiresIn\":1200}}";

static void answer_plain(size_t index, const struct alibaba_request *request,
                         struct http_exchange *exchange)
{
    (void)index;
    (void)request;
    alibaba_reply(exchange, 200, "application/json", plain_answer);
}

START_TEST(a_users_token_is_exchanged_as_in_the_vendors_vector)
{
    struct json_object *vectors = load_vectors("alibaba-acs3.json");
    struct json_object *cases = json_get_array(vectors, "cases");
    char wanted[8192], canonical[8192];

    use_sts();
    alibaba.answer = answer_plain;
    alibaba_open("");
    alibaba_fetch("eyJmYWtl.fake-subject.token_x");
    ck_assert_str_eq(alibaba.token, "canary-token");
    for (size_t i = 0; i < json_object_array_length(cases); i++) {
        struct json_object *vector = json_object_array_get_idx(cases, i);

        if (strcmp(member_text(vector, "name"), "rpc_token_exchange") != 0)
            continue;
        expect_canonical(vector, wanted, sizeof wanted);
        alibaba_canonical(&alibaba.seen[0], canonical, sizeof canonical);
        ck_assert_str_eq(canonical, wanted);
    }
    ck_assert_ptr_nonnull(strstr(alibaba.seen[0].target, "SubjectToken=eyJmYWtl.fake-subject"));
    ck_assert(alibaba_signed_with(&alibaba.seen[0], STS_ID, STS_SECRET));
    ck_assert_ptr_null(strstr(alibaba.log, "fake-subject"));
    json_object_put(vectors);
}
END_TEST

START_TEST(a_users_token_is_in_no_error)
{
    use_sts();
    alibaba_open("");
    alibaba_fetch("canary-users-token");
    ck_assert_int_eq(alibaba.err.code, ERROR_DENIED);
    ck_assert_ptr_null(strstr(alibaba.err.message, "canary"));
    ck_assert_ptr_null(strstr(alibaba.log, "canary"));
}
END_TEST

/* ---- refusals that say what to do ------------------------------------------------------------ */

static const char *refusal_body;
static char refusal_text[500];

static void answer_refusal(size_t index, const struct alibaba_request *request,
                           struct http_exchange *exchange)
{
    (void)index;
    (void)request;
    http_exchange_add_header(exchange, "Date", "Sun, 01 Mar 2026 08:40:00 GMT");
    alibaba_reply(exchange, 400, "application/json", refusal_body);
}

/* Quotes the hash it was sent, as a server does that computed the same canonical request. */
static void answer_wrong_secret(size_t index, const struct alibaba_request *request,
                                struct http_exchange *exchange)
{
    (void)index;
    snprintf(refusal_text, sizeof refusal_text,
             "{\"Code\":\"SignatureDoesNotMatch\",\"Message\":\"server string to sign is:"
             "ACS3-HMAC-SHA256\\n%s\"}",
             member_text(response, "canonical_request_sha256"));
    (void)request;
    alibaba_reply(exchange, 400, "application/json", refusal_text);
}

START_TEST(refusals_name_the_cause_and_the_fix)
{
    static const struct {
        const char *body, *text;
    } rows[] = {
        {"{\"Code\":\"NoPermission\"}",
         "allow eiam:GenerateOauthToken on "
         "acs:eiam:*:*:instance/idaas_fakefakefakefakefakefake01/application/app_fake"},
        {"{\"Code\":\"Forbidden.RAM\",\"Message\":\"x\"}", "allow eiam:GenerateOauthToken"},
        {"{\"Code\":\"InvalidTimeStamp.Expired\"}",
         "clock says 2026-03-01T08:00:00Z, the service's Sun, 01 Mar 2026 08:40:00 GMT"},
        {"{\"Code\":\"InvalidAccessKeyId.Inactive\"}", "does not exist or is disabled"},
        {"{\"Code\":\"MissingSecurityToken\"}", "or is missing"},
        {"{\"Code\":\"InvalidProduct.NotFound\"}", "openApiEndpoint is not the endpoint"},
    };

    use_sts();
    alibaba.answer = answer_refusal;
    alibaba_open("");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        refusal_body = rows[i].body;
        alibaba_fetch(NULL);
        ck_assert_msg(strstr(alibaba.err.message, rows[i].text) != NULL, "%s: %s", rows[i].body,
                      alibaba.err.message);
    }
}
END_TEST

START_TEST(a_quoted_hash_tells_a_wrong_secret_from_a_wrong_request)
{
    struct json_object *vectors = load_vectors("alibaba-acs3.json");
    struct json_object *cases = json_get_array(vectors, "cases");

    use_sts();
    alibaba.answer = answer_wrong_secret;
    alibaba_open("");
    for (size_t i = 0; i < json_object_array_length(cases); i++) {
        response = json_object_array_get_idx(cases, i);
        /* Signed for two values with the same header set as ours, and for another request. */
        if (strcmp(member_text(response, "name"), "minimal_token_sts") == 0) {
            alibaba_fetch_values("read:file write:file", NULL);
            ck_assert_msg(strstr(alibaba.err.message, "secret does not belong") != NULL, "%s",
                          alibaba.err.message);
        } else if (strcmp(member_text(response, "name"), "minimal_token_ak") == 0) {
            alibaba_fetch(NULL);
            ck_assert_msg(strstr(alibaba.err.message, "computed another signature") != NULL, "%s",
                          alibaba.err.message);
        }
    }
    ck_assert_uint_eq(alibaba.seen_count, 2);
    json_object_put(vectors);
}
END_TEST

START_TEST(an_empty_scope_and_an_odd_token_are_refused)
{
    use_sts();
    alibaba.answer = answer_plain;
    alibaba_open("");
    alibaba_fetch_values("", NULL);
    ck_assert_str_eq(alibaba.err.name, "InvalidScope");
    ck_assert_uint_eq(alibaba.seen_count, 0);
    plain_answer = "{\"TokenResponse\":{\"AccessToken\":\"a\",\"TokenType\":\"MAC\"}}";
    alibaba_fetch(NULL);
    ck_assert_str_eq(alibaba.err.name, "invalid_token_type");
    plain_answer = "{\"TokenResponse\":{\"AccessToken\":7}}";
    alibaba_fetch(NULL);
    ck_assert_str_eq(alibaba.err.name, "invalid_answer");
    plain_answer = "{\"TokenResponse\":{\"AccessToken\":\"a\",\"AccessToken\":\"b\"}}";
    alibaba_fetch(NULL);
    ck_assert_str_eq(alibaba.err.name, "invalid_answer");
}
END_TEST

START_TEST(the_keys_variables_are_gone_from_the_environment)
{
    use_sts();
    alibaba_open("");
    ck_assert_ptr_null(getenv("ALIBABA_CLOUD_ACCESS_KEY_ID"));
    ck_assert_ptr_null(getenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET"));
    ck_assert_ptr_null(getenv("ALIBABA_CLOUD_SECURITY_TOKEN"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_captured_exchange_is_repeated,
        a_users_token_is_exchanged_as_in_the_vendors_vector,
        a_users_token_is_in_no_error,
        refusals_name_the_cause_and_the_fix,
        a_quoted_hash_tells_a_wrong_secret_from_a_wrong_request,
        an_empty_scope_and_an_odd_token_are_refused,
        the_keys_variables_are_gone_from_the_environment,
        NULL,
    };

    return run_tests("alibaba_token", tests, set_up, alibaba_tear_down);
}
