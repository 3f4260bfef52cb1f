/* The vault client against captures of the vendor's request core, and every kind of answer. */
#include "credential/vault.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "net/http_client.h"
#include "net/loop.h"

#include "../support/files.h"
#include "../support/peer.h"
#include "../support/run.h"

#include <json-c/json.h>
#include <string.h>

#define WALL_S 1764000000 /* Mon, 24 Nov 2025 16:00:00 GMT */

static struct loop *loop;
static struct http_client *http;
static struct peer vault;
static struct json_object *vectors;

/* ---- what went out, and what comes back ------------------------------------------------------ */

static char seen_method[16];
static struct json_object *seen_headers; /* object: lower-case name to value */
static int answer_status;
static const char *answer_body, *answer_retry_after;

static void note_header(const char *name, size_t name_len, const char *value, size_t value_len)
{
    char lower[64];

    ck_assert_uint_lt(name_len, sizeof lower);
    for (size_t i = 0; i < name_len; i++)
        lower[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
    lower[name_len] = '\0';
    ck_assert_msg(!json_object_object_get_ex(seen_headers, lower, NULL), "%s twice", lower);
    json_object_object_add(seen_headers, lower, json_object_new_string_len(value, (int)value_len));
}

static void answer(struct peer *peer, struct http_exchange *exchange)
{
    const struct http_head *head = http_exchange_head(exchange);

    snprintf(seen_method, sizeof seen_method, "%.*s", (int)head->method.len, head->method.data);
    json_object_put(seen_headers);
    seen_headers = json_object_new_object();
    for (size_t i = 0; i < head->field_count; i++)
        note_header(head->fields[i].name.data, head->fields[i].name.len, head->fields[i].value.data,
                    head->fields[i].value.len);
    /* The server takes credential headers out of the head. */
    if (peer->last_authorization[0] != '\0')
        note_header("authorization", 13, peer->last_authorization,
                    strlen(peer->last_authorization));
    if (answer_retry_after != NULL)
        http_exchange_add_header(exchange, "Retry-After", answer_retry_after);
    http_exchange_reply(exchange, answer_status, "application/json", answer_body,
                        strlen(answer_body));
}

static void set_up(void)
{
    struct error err = {0};

    loop = loop_new(&err);
    http = http_client_new(loop, NULL, &err);
    ck_assert_ptr_nonnull(http);
    peer_open(&vault, loop);
    vault.answer = answer;
    answer_status = 200;
    answer_body = "{}";
    answer_retry_after = NULL;
    vectors = load_vectors("idaas-developerapi-requests.json");
}

static void tear_down(void)
{
    json_object_put(vectors);
    peer_close(&vault);
    http_client_free(http);
    for (int i = 0; i < 3; i++)
        loop_run_once(loop, 0);
    loop_free(loop);
}

static int done_count, done_status;
static char done_key[100];
static struct error done_error;
static int64_t done_retry_after_ms, done_expires_at_s;

static void on_done(void *arg, const struct vault_answer *answer, int http_status,
                    const struct error *err, int64_t retry_after_ms)
{
    (void)arg;
    done_count++;
    done_status = http_status;
    done_retry_after_ms = retry_after_ms;
    done_error = err == NULL ? (struct error){0} : *err;
    ck_assert((answer == NULL) == (err != NULL));
    done_expires_at_s = answer == NULL ? 0 : answer->expires_at_s;
    snprintf(done_key, sizeof done_key, "%s",
             answer == NULL ? "" : secret_borrow(answer->value, NULL));
}

/* Asks with the captures' token and waits for the end. */
static void ask(enum vault_question question, const char *identifier, const char *scope,
                const char *request_json, const char *user)
{
    struct error err = {0};
    struct secret *token = secret_copy("at-test-access-token", 20, &err);
    struct vault_request request = {.endpoint = vault.url,
                                    .instance_id = "idaas_test0instance0001",
                                    .question = question,
                                    .identifier = identifier,
                                    .scope = scope,
                                    .request_json = request_json,
                                    .user = user,
                                    .access_token = token,
                                    .timeout_ms = 5000,
                                    .wall_s = WALL_S};

    done_count = 0;
    ck_assert_msg(vault_ask(http, &request, on_done, NULL, &err) != NULL, "%s", err.message);
    secret_free(token);
    PEER_RUN_UNTIL(loop, done_count == 1);
}

static void obtain(const char *identifier)
{
    ask(VAULT_API_KEY, identifier, NULL, NULL, NULL);
}

/* ---- captures -------------------------------------------------------------------------------- */

/* What the vector file calls not binding, and what the request core leaves behind of a signature
 * that the API does not use. */
static bool is_binding(const char *name)
{
    return strncmp(name, "x-acs-signature-", 16) != 0 && strcmp(name, "connection") != 0 &&
           strcmp(name, "transfer-encoding") != 0;
}

static bool differs_in_value(const char *name)
{
    return strcmp(name, "host") == 0 || strcmp(name, "date") == 0 ||
           strcmp(name, "user-agent") == 0;
}

static void compare_headers(const char *id, struct json_object *captured)
{
    struct json_object *wanted = json_object_new_object();

    for (size_t i = 0; i < json_object_array_length(captured); i++) {
        struct json_object *pair = json_object_array_get_idx(captured, i);
        char name[64];

        snprintf(name, sizeof name, "%s",
                 json_object_get_string(json_object_array_get_idx(pair, 0)));
        for (char *c = name; *c != '\0'; c++)
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
        if (is_binding(name))
            json_object_object_add(wanted, name,
                                   json_object_get(json_object_array_get_idx(pair, 1)));
    }
    json_object_object_foreach(wanted, name, value)
    {
        const char *seen = member_text(seen_headers, name);

        ck_assert_msg(seen != NULL, "%s: no header %s", id, name);
        ck_assert_msg(differs_in_value(name) || strcmp(seen, json_object_get_string(value)) == 0,
                      "%s: %s: %s", id, name, seen);
    }
    ck_assert_msg(json_object_object_length(seen_headers) == json_object_object_length(wanted),
                  "%s: more than was captured: %s", id, json_object_get_string(seen_headers));
    json_object_put(wanted);
}

/* Members in any order. */
static void compare_bodies(const char *id, const char *wanted)
{
    struct json_object *a, *b;

    ck_assert_ptr_nonnull(wanted);
    if (wanted[0] == '\0') {
        ck_assert_str_eq(vault.last_body, "");
        return;
    }
    a = json_tokener_parse(vault.last_body);
    b = json_tokener_parse(wanted);
    ck_assert_msg(json_object_equal(a, b), "%s: %s", id, vault.last_body);
    json_object_put(a);
    json_object_put(b);
}

static void compare_request(const char *id, struct json_object *capture)
{
    struct json_object *request = json_object_array_get_idx(json_get_array(capture, "requests"), 0);

    ck_assert_str_eq(seen_method, member_text(request, "method"));
    ck_assert_str_eq(vault.last_target, member_text(request, "target"));
    compare_bodies(id, member_text(request, "body"));
    compare_headers(id, json_get_array(request, "headers"));
    /* IMF-fixdate, RFC 9110 section 5.6.7. */
    ck_assert_str_eq(member_text(seen_headers, "date"), "Mon, 24 Nov 2025 16:00:00 GMT");
    ck_assert_int_eq(strncmp(member_text(seen_headers, "user-agent"), "sesame/", 7), 0);
}

/* The identifier that was asked for, from the captured query. */
static void captured_identifier(struct json_object *capture, struct buffer *out)
{
    struct json_object *request = json_object_array_get_idx(json_get_array(capture, "requests"), 0);
    const char *query = strchr(member_text(request, "target"), '=');
    struct error err = {0};

    ck_assert_ptr_nonnull(query);
    ck_assert(percent_decode(query + 1, strlen(query + 1), false, out, &err));
}

START_TEST(requests_equal_the_vendors_captures_and_their_answers_are_read)
{
    struct json_object *cases = json_get_array(vectors, "cases");
    int replayed = 0, given = 0;

    for (size_t i = 0; i < json_object_array_length(cases); i++) {
        struct json_object *capture = json_object_array_get_idx(cases, i);
        struct json_object *response = json_get_object(capture, "response");
        const char *id = member_text(capture, "id");
        struct buffer identifier;

        if (strcmp(member_text(capture, "action"), "ObtainCredential") != 0)
            continue;
        ck_assert_ptr_nonnull(response);
        answer_status = json_object_get_int(json_object_object_get(response, "status"));
        answer_body = member_text(response, "body");
        buffer_init(&identifier, 200);
        captured_identifier(capture, &identifier);
        obtain(identifier.data);
        buffer_clear(&identifier);
        compare_request(id, capture);
        ck_assert_int_eq(done_status, answer_status);
        replayed++;
        if (strcmp(member_text(capture, "sdk_result"), "ok") == 0) {
            ck_assert_msg(strcmp(done_key, "sk-test") == 0, "%s: %s", id, done_error.message);
            given++;
        } else {
            ck_assert_msg(done_error.code != ERROR_NONE, "%s", id);
        }
    }
    ck_assert_int_eq(replayed, 5);
    ck_assert_int_eq(given, 2);
}
END_TEST

static struct json_object *find_capture(const char *id)
{
    struct json_object *cases = json_get_array(vectors, "cases");

    for (size_t i = 0; i < json_object_array_length(cases); i++)
        if (strcmp(member_text(json_object_array_get_idx(cases, i), "id"), id) == 0)
            return json_object_array_get_idx(cases, i);
    ck_abort_msg("no capture %s", id);
    return NULL;
}

START_TEST(requests_for_tokens_equal_the_vendors_captures)
{
    static const struct {
        const char *id;
        enum vault_question question;
        const char *identifier, *scope, *request, *user;
    } rows[] = {
        {"FetchOAuthAuthenticationToken", VAULT_OAUTH_TOKEN, "prov1", "s1 s2", "{}", ""},
        {"FetchOAuthAuthenticationToken/V2", VAULT_OAUTH_TOKEN, "prov1", "s1",
         "{\"customParameters\":{\"prompt\":\"consent\"},\"forceAuthentication\":true}", ""},
        {"GenerateJwtAuthenticationToken", VAULT_JWT, "jwtprov", "",
         "{\"audiences\":[\"aud1\"],\"issuer\":\"https://iss.example.com\",\"customClaims\":"
         "{\"k\":\"v\"},\"expiration\":900,\"includeDerivedShortToken\":true}",
         "sub1"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ask(rows[i].question, rows[i].identifier, rows[i].scope, rows[i].request, rows[i].user);
        /* curl counts the body, the vendor's core sends chunks: not binding. */
        json_object_object_del(seen_headers, "content-length");
        compare_request(rows[i].id, find_capture(rows[i].id));
    }
}
END_TEST

/* ---- answers --------------------------------------------------------------------------------- */

static void assert_refused(int status, const char *body, enum error_code code, const char *name)
{
    answer_status = status;
    answer_body = body;
    obtain("the-identifier");
    ck_assert_msg(done_error.code == code && strcmp(done_error.name, name) == 0, "%d %s: %d %s %s",
                  status, body, done_error.code, done_error.name, done_error.message);
    ck_assert_msg(strstr(done_error.message, "the-identifier") != NULL, "%s", done_error.message);
    ck_assert_msg(strstr(done_error.message, "canary") == NULL, "%s", done_error.message);
}

START_TEST(captured_refusals_are_classed_by_status_and_explained_by_either_shape)
{
    static const struct {
        const char *id;
        enum error_code code;
        const char *name;
        const char *told[3]; /* stands in the message */
    } rows[] = {
        {"error/oauth-style-403",
         ERROR_DENIED,
         "insufficient_scope",
         {"HTTP 403", "no scope", "request id RID"}},
        {"error/pop-style-404",
         ERROR_NOT_FOUND,
         "ApiKeyNotFound",
         {"ResourceNotFound.Credential", "nope", "request id RID"}},
        {"error/html-502", ERROR_UPSTREAM, "", {"HTTP 502", "", ""}},
    };
    struct json_object *cases = json_get_array(vectors, "cases");
    size_t seen = 0;

    for (size_t i = 0; i < json_object_array_length(cases); i++) {
        struct json_object *capture = json_object_array_get_idx(cases, i);
        struct json_object *response = json_get_object(capture, "response");

        if (strncmp(member_text(capture, "id"), "error/", 6) != 0)
            continue;
        for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
            if (strcmp(member_text(capture, "id"), rows[row].id) != 0)
                continue;
            assert_refused(json_object_get_int(json_object_object_get(response, "status")),
                           member_text(response, "body"), rows[row].code, rows[row].name);
            for (size_t t = 0; t < 3; t++)
                ck_assert_msg(strstr(done_error.message, rows[row].told[t]) != NULL, "%s: %s",
                              rows[row].id, done_error.message);
            seen++;
        }
    }
    ck_assert_uint_eq(seen, sizeof rows / sizeof rows[0]);
}
END_TEST

START_TEST(other_refusals_are_classed_by_status)
{
    static const struct {
        int status;
        const char *body;
        enum error_code code;
        const char *name;
    } rows[] = {
        {400, "{\"Code\":\"InvalidParameter\"}", ERROR_DENIED, "InvalidParameter"},
        {401, "{\"error\":\"invalid_token\"}", ERROR_DENIED, "invalid_token"},
        {404, "", ERROR_NOT_FOUND, "ApiKeyNotFound"},
        {408, "", ERROR_UPSTREAM, ""},
        {429, "{\"Code\":\"Throttling\"}", ERROR_RATE_LIMIT, "Throttling"},
        {500, "{\"Code\":\"InternalError\"}", ERROR_UPSTREAM, "InternalError"},
        {503, "{\"error\":7}", ERROR_UPSTREAM, ""},
        /* A redirect is never followed. */
        {302, "", ERROR_UPSTREAM, ""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_refused(rows[i].status, rows[i].body, rows[i].code, rows[i].name);
}
END_TEST

#define KEY(text) "\"credentialContent\":{\"apiKeyContent\":{\"apiKey\":" text "}}}"

START_TEST(an_answer_without_a_usable_key_says_what_is_wrong)
{
    static const struct {
        const char *body;
        enum error_code code;
        const char *name;
    } rows[] = {
        {"", ERROR_UPSTREAM, ""},
        {"null", ERROR_NOT_FOUND, "ApiKeyNotFound"},
        {"{", ERROR_UPSTREAM, ""},
        {"{}", ERROR_NOT_FOUND, "ApiKeyNotFound"},
        {"{\"credentialType\":\"oauth_client\",\"credentialContent\":{\"oauthClientContent\":"
         "{\"clientId\":\"a\",\"clientSecret\":\"canary-secret\"}}}",
         ERROR_NOT_FOUND, "ApiKeyNotFound"},
        {"{\"status\":\"disabled\"," KEY("\"canary-key\""), ERROR_DENIED, "ApiKeyDisabled"},
        {"{" KEY("null"), ERROR_NOT_FOUND, "ApiKeyNotFound"},
        {"{" KEY("7"), ERROR_NOT_FOUND, "ApiKeyNotFound"},
        {"{" KEY("\"\""), ERROR_NOT_FOUND, "ApiKeyNotFound"},
        {"{" KEY("\"canary\\r\\nx: y\""), ERROR_DENIED, "ApiKeyNotValid"},
        {"{" KEY("\"canary\\u0000\""), ERROR_DENIED, "ApiKeyNotValid"},
        {"{\"a\":1,\"a\":2," KEY("\"canary-key\""), ERROR_UPSTREAM, ""},
        {"{" KEY("\"canary-key\"") " ", ERROR_NONE, ""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].code != ERROR_NONE) {
            assert_refused(200, rows[i].body, rows[i].code, rows[i].name);
            continue;
        }
        answer_status = 200;
        answer_body = rows[i].body;
        obtain("the-identifier");
        ck_assert_str_eq(done_key, "canary-key");
    }
}
END_TEST

START_TEST(tokens_are_read_with_their_end)
{
    static const struct {
        enum vault_question question;
        const char *request, *body, *value;
        int64_t expires_at_s;
    } rows[] = {
        {VAULT_OAUTH_TOKEN, "{}",
         "{\"oauthAccessTokenContent\":{\"accessTokenValue\":\"at\",\"tokenType\":\"Bearer\"},"
         "\"expirationTime\":1764000900500}",
         "at", 1764000900},
        {VAULT_OAUTH_TOKEN, "{}", "{\"oauthAccessTokenContent\":{\"accessTokenValue\":\"at\"}}",
         "at", -1},
        {VAULT_JWT, "{}",
         "{\"jwtContent\":{\"jwtValue\":\"a.b.c\",\"derivedShortToken\":\"sk-1\"}}", "a.b.c", -1},
        {VAULT_JWT, "{\"includeDerivedShortToken\":true}",
         "{\"jwtContent\":{\"jwtValue\":\"a.b.c\",\"derivedShortToken\":\"sk-1\"}}", "sk-1", -1},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        answer_body = rows[i].body;
        ask(rows[i].question, "p", "", rows[i].request, "u");
        ck_assert_msg(strcmp(done_key, rows[i].value) == 0, "%s: %s", rows[i].body,
                      done_error.message);
        ck_assert_int_eq(done_expires_at_s, rows[i].expires_at_s);
    }
}
END_TEST

START_TEST(a_user_who_must_consent_first_gets_the_link)
{
    char link[VAULT_LINK_SIZE];

    answer_body =
        "{\"oauthAuthorizationSession\":{\"authorizationUrl\":"
        "\"https://login.example/authorize?state=x\",\"sessionUri\":\"urn:s:1\","
        "\"sessionStatus\":\"pending\"}}";
    ask(VAULT_OAUTH_TOKEN, "p", "", "{}", "u");
    ck_assert_int_eq(done_error.code, ERROR_DENIED);
    ck_assert_str_eq(done_error.name, "ConsentRequired");
    ck_assert(vault_consent_link(&done_error, link));
    ck_assert_str_eq(link, "https://login.example/authorize?state=x");
}
END_TEST

START_TEST(what_the_vault_says_about_trying_again_is_handed_on)
{
    answer_status = 429;
    obtain("x");
    ck_assert_int_eq(done_retry_after_ms, -1);
    answer_retry_after = "7";
    obtain("x");
    ck_assert_int_eq(done_retry_after_ms, 7000);
    answer_retry_after = "Mon, 24 Nov 2025 16:01:00 GMT";
    obtain("x");
    ck_assert_int_eq(done_retry_after_ms, 60000);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        requests_equal_the_vendors_captures_and_their_answers_are_read,
        captured_refusals_are_classed_by_status_and_explained_by_either_shape,
        other_refusals_are_classed_by_status,
        an_answer_without_a_usable_key_says_what_is_wrong,
        what_the_vault_says_about_trying_again_is_handed_on,
        requests_for_tokens_equal_the_vendors_captures,
        tokens_are_read_with_their_end,
        a_user_who_must_consent_first_gets_the_link,
        NULL,
    };

    return run_tests("vault", tests, set_up, tear_down);
}
