/* The client-secret plugin, loaded as the host loads it, against the vendor SDK's captures. */
#include "plugin/catalogue.h"
#include "plugin/provider_port.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "config/idaas_config.h"
#include "config/problems.h"
#include "net/http_client.h"
#include "net/loop.h"

#include "../support/files.h"
#include "../support/peer.h"
#include "../support/run.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

static struct loop *loop;
static struct http_client *http;
static struct peer endpoint;
static struct plugin_catalogue *catalogue;
static struct provider_port *provider;
static const char *answer_body;
static int answer_status;
static int done_count;
static char token_seen[100];
static int64_t expires_in_s;
static struct error done_error;

static void answer(struct peer *peer, struct http_exchange *exchange)
{
    (void)peer;
    http_exchange_reply(exchange, answer_status, "application/json", answer_body,
                        strlen(answer_body));
}

static void set_up(void)
{
    const char *build = getenv("SESAME_TEST_BUILDDIR");
    char folder[600];
    struct error err = {0};

    snprintf(folder, sizeof folder, "%s/sesame-plugins", build == NULL ? "." : build);
    loop = loop_new(&err);
    loop_run_once(loop, 0);
    http = http_client_new(loop, NULL, &err);
    peer_open(&endpoint, loop);
    endpoint.answer = answer;
    answer_status = 200;
    answer_body =
        "{\"access_token\":\"canary-token\",\"token_type\":\"Bearer\",\"expires_in\":1200}";
    catalogue = plugin_catalogue_new(folder, NULL, &err);
    ck_assert_msg(catalogue != NULL, "%s", err.message);
    done_count = 0;
    error_clear(&done_error);
}

static void close_provider(void)
{
    provider_port_free(provider);
    provider = NULL;
    for (int i = 0; i < 3; i++)
        loop_run_once(loop, 0);
}

static void tear_down(void)
{
    close_provider();
    plugin_catalogue_free(catalogue);
    peer_close(&endpoint);
    http_client_free(http);
    for (int i = 0; i < 3; i++)
        loop_run_once(loop, 0);
    loop_free(loop);
}

/* The provider for an SDK file whose token endpoint is ours. */
static void open_provider(struct json_object *sdk_config)
{
    const struct plugin_manifest *manifest;
    struct provider_port_options options = {.home = {loop, http, NULL},
                                            .placement = PLACEMENT_INLINE};
    struct config_source source = *config_source_process();
    struct json_object *copy = NULL;
    struct problems problems;
    struct idaas_config *config;
    struct buffer json;
    struct error err = {0};
    char url[200];
    const char *text;

    ck_assert_int_eq(json_object_deep_copy(sdk_config, &copy, NULL), 0);
    snprintf(url, sizeof url, "%s/api/v2/iauths_system/oauth2/token", endpoint.url);
    json_object_object_add(copy, "tokenEndpoint", json_object_new_string(url));
    text = json_object_to_json_string(copy);
    source.allow_loopback_http = true;
    problems_init(&problems);
    config = idaas_config_parse("client-config.json", text, strlen(text), &source, &problems);
    ck_assert_msg(config != NULL, "%s", problems.count > 0 ? problems.items[0].what : "");
    buffer_init(&json, 65536);
    ck_assert(idaas_config_to_json(config, &json, &err));
    manifest = plugin_catalogue_find_provider(catalogue, authn_method_text(config->method), "");
    ck_assert_ptr_nonnull(manifest);
    options.library = plugin_library_open(catalogue, manifest, &err);
    ck_assert_msg(options.library != NULL, "%s", err.message);
    options.config_json = json.data;
    provider = provider_port_new(&options, &err);
    ck_assert_msg(provider != NULL, "%s", err.message);
    buffer_clear(&json);
    idaas_config_free(config);
    problems_clear(&problems);
    json_object_put(copy);
}

static void on_token(void *arg, const struct token_answer *token, const struct error *err,
                     int64_t retry_after_ms)
{
    (void)arg;
    (void)retry_after_ms;
    done_count++;
    if (token == NULL) {
        done_error = *err;
        return;
    }
    expires_in_s = token->expires_in_s;
    snprintf(token_seen, sizeof token_seen, "%s", secret_borrow(token->token, NULL));
}

static void fetch(const char *scope, const char *subject_text)
{
    struct credential_provider table = provider_port_table(provider);
    struct token_request request = {.scope = slice_of(scope),
                                    .deadline_ms = clock_monotonic_ms() + 5000};
    struct secret *subject = NULL;
    struct error err = {0};

    if (subject_text != NULL)
        subject = request.subject = secret_copy(subject_text, strlen(subject_text), &err);
    done_count = 0;
    ck_assert_ptr_nonnull(table.fetch(table.arg, &request, on_token, NULL, &err));
    ck_assert_int_eq(done_count, 0);
    PEER_RUN_UNTIL(loop, done_count == 1);
    secret_free(subject);
}

/* ---- captures -------------------------------------------------------------------------------- */

/* The value of a field of a form, decoded; false when it is not there. */
static bool form_field(const char *form, const char *name, struct buffer *out)
{
    struct slice rest = slice_of(form);
    struct error err = {0};

    buffer_truncate(out, 0);
    while (rest.data != NULL) {
        struct slice value = slice_cut(&rest, '&');
        struct slice key = slice_cut(&value, '=');

        if (slice_equal_text(key, name))
            return percent_decode(value.data, value.len, true, out, &err);
    }
    return false;
}

static const char *captured_field(struct json_object *fields, const char *name)
{
    for (size_t i = 0; i < json_object_array_length(fields); i++) {
        struct json_object *pair = json_object_array_get_idx(fields, i);

        if (strcmp(json_object_get_string(json_object_array_get_idx(pair, 0)), name) == 0)
            return json_object_get_string(json_object_array_get_idx(pair, 1));
    }
    return NULL;
}

static size_t count_fields(const char *form)
{
    size_t count = 1;

    for (const char *c = form; *c != '\0'; c++)
        count += *c == '&';
    return count;
}

/* Header and claims of a JWS part as an object; the caller puts it. */
static struct json_object *decode_part(const char *token, int part)
{
    struct slice rest = slice_of(token), piece = {NULL, 0};
    struct buffer text;
    struct json_object *object;
    struct error err = {0};

    for (int i = 0; i <= part; i++)
        piece = slice_cut(&rest, '.');
    buffer_init(&text, 8192);
    ck_assert(base64url_decode(piece.data, piece.len, &text, &err));
    object = json_parse(text.data, text.len, 8, &err);
    ck_assert_msg(object != NULL, "%s", err.message);
    buffer_clear(&text);
    return object;
}

/* Header and claims equal, but for the times and the random id; the audience is our endpoint. */
static void compare_assertion(const char *id, const char *token, const char *wanted)
{
    static const char *const same[] = {"sub", "iss"};
    struct json_object *header = decode_part(token, 0), *wanted_header = decode_part(wanted, 0);
    struct json_object *claims = decode_part(token, 1), *wanted_claims = decode_part(wanted, 1);
    int64_t iat = 0, exp = 0;

    ck_assert_msg(json_object_equal(header, wanted_header), "%s: the header differs", id);
    ck_assert_int_eq(json_object_object_length(claims), json_object_object_length(wanted_claims));
    for (size_t i = 0; i < 2; i++)
        ck_assert_str_eq(member_text(claims, same[i]), member_text(wanted_claims, same[i]));
    ck_assert_ptr_nonnull(strstr(member_text(claims, "aud"), "/api/v2/iauths_system/oauth2/token"));
    ck_assert_uint_eq(strlen(member_text(claims, "jti")), 36);
    ck_assert(json_get_int64(claims, "iat", &iat) && json_get_int64(claims, "exp", &exp));
    ck_assert_int_eq(exp - iat, 600);
    json_object_put(header);
    json_object_put(wanted_header);
    json_object_put(claims);
    json_object_put(wanted_claims);
}

static void compare_form(const char *id, struct json_object *fields)
{
    struct buffer value;

    buffer_init(&value, 8192);
    ck_assert_msg(count_fields(endpoint.last_body) == json_object_array_length(fields), "%s: %s",
                  id, endpoint.last_body);
    for (size_t i = 0; i < json_object_array_length(fields); i++) {
        struct json_object *pair = json_object_array_get_idx(fields, i);
        const char *name = json_object_get_string(json_object_array_get_idx(pair, 0));
        const char *wanted = json_object_get_string(json_object_array_get_idx(pair, 1));

        ck_assert_msg(form_field(endpoint.last_body, name, &value), "%s: no field %s", id, name);
        if (strcmp(name, "client_assertion") == 0)
            compare_assertion(id, value.data, wanted);
        else
            ck_assert_msg(strcmp(value.data == NULL ? "" : value.data, wanted) == 0,
                          "%s: %s is %s, expected %s", id, name, value.data, wanted);
    }
    buffer_clear(&value);
}

static const char *captured_authorization(struct json_object *request)
{
    struct json_object *headers = json_get_array(request, "headers");

    return captured_field(headers, "Authorization");
}

static void replay(struct json_object *capture)
{
    const char *id = member_text(capture, "id");
    struct json_object *requests = json_get_array(capture, "requests");
    struct json_object *request =
        json_object_array_get_idx(requests, json_object_array_length(requests) - 1);
    struct json_object *fields = json_get_array(request, "form_fields_in_order");
    const char *authorization = captured_authorization(request);

    json_object_object_foreach(json_get_object(capture, "environment"), name, value)
    {
        setenv(name, json_object_get_string(value), 1);
    }
    open_provider(json_get_object(capture, "sdk_config"));
    fetch(captured_field(fields, "scope"), captured_field(fields, "subject_token"));
    ck_assert_msg(done_error.code == ERROR_NONE, "%s: %s", id, done_error.message);
    ck_assert_str_eq(endpoint.last_target, "/api/v2/iauths_system/oauth2/token");
    compare_form(id, fields);
    ck_assert_msg(strcmp(endpoint.last_authorization, authorization == NULL ? "" : authorization) ==
                      0,
                  "%s: %s", id, endpoint.last_authorization);
    ck_assert_str_eq(token_seen, "canary-token");
    ck_assert_int_eq(expires_in_s, 1200);
    close_provider();
}

START_TEST(requests_equal_the_vendors_captures)
{
    struct json_object *vectors = load_vectors("idaas-requests.json");
    struct json_object *cases = json_get_array(vectors, "cases");
    int replayed = 0;

    for (size_t i = 0; i < json_object_array_length(cases); i++) {
        struct json_object *capture = json_object_array_get_idx(cases, i);

        if (strncmp(member_text(capture, "id"), "CLIENT_SECRET_", 14) != 0)
            continue;
        replay(capture);
        replayed++;
    }
    ck_assert_int_eq(replayed, 15);
    json_object_put(vectors);
}
END_TEST

/* ---- answers --------------------------------------------------------------------------------- */

START_TEST(answers_are_read_strictly)
{
    static const struct {
        int status;
        const char *body;
        enum error_code code;
        const char *name;
    } rows[] = {
        {400, "{\"error\":\"invalid_scope\",\"error_description\":\"no\",\"request_id\":\"r1\"}",
         ERROR_DENIED, "invalid_scope"},
        {401, "{\"error\":\"invalid_client\"}", ERROR_DENIED, "invalid_client"},
        {403, "{\"Code\":\"Forbidden\",\"Message\":\"m\",\"RequestId\":\"r\"}", ERROR_DENIED,
         "Forbidden"},
        {404, "<html>", ERROR_DENIED, ""},
        {429, "{}", ERROR_RATE_LIMIT, ""},
        {500, "{\"error\":\"server_error\"}", ERROR_UPSTREAM, "server_error"},
        {503, "", ERROR_UPSTREAM, ""},
        {302, "", ERROR_DENIED, ""},
        {200, "{\"error\":\"odd\"}", ERROR_DENIED, "odd"},
        {200, "{}", ERROR_UPSTREAM, "invalid_answer"},
        {200, "null", ERROR_UPSTREAM, "invalid_answer"},
        {200, "not json", ERROR_UPSTREAM, "invalid_answer"},
        {200, "{\"access_token\":\"a\",\"token_type\":\"MAC\"}", ERROR_UPSTREAM,
         "invalid_token_type"},
        {200, "{\"access_token\":\"a\",\"token_type\":7}", ERROR_UPSTREAM, "invalid_token_type"},
        {200, "{\"access_token\":7,\"token_type\":\"Bearer\"}", ERROR_UPSTREAM, "invalid_answer"},
        {200, "{\"access_token\":\"a\",\"access_token\":\"b\"}", ERROR_UPSTREAM, "invalid_answer"},
    };
    struct json_object *vectors = load_vectors("idaas-requests.json");
    struct json_object *first = json_object_array_get_idx(json_get_array(vectors, "cases"), 0);

    setenv("IDAAS_CLIENT_SECRET", "canary-secret", 1);
    open_provider(json_get_object(first, "sdk_config"));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        answer_status = rows[i].status;
        answer_body = rows[i].body;
        error_clear(&done_error);
        fetch("a|b", NULL);
        ck_assert_msg(done_error.code == rows[i].code && strcmp(done_error.name, rows[i].name) == 0,
                      "%d %s: %d %s %s", rows[i].status, rows[i].body, done_error.code,
                      done_error.name, done_error.message);
        ck_assert_ptr_null(strstr(done_error.message, "canary"));
    }
    json_object_put(vectors);
}
END_TEST

START_TEST(an_unset_variable_is_refused_by_name)
{
    struct provider_port_options options = {.home = {loop, http, NULL},
                                            .placement = PLACEMENT_INLINE};
    char config[400];
    struct error err = {0};

    snprintf(
        config, sizeof config,
        "{\"clientId\":\"c\",\"tokenEndpoint\":\"%s/t\",\"authnConfiguration\":{\"authnMethod\":"
        "\"CLIENT_SECRET_POST\",\"clientSecretEnvVarName\":\"SURELY_UNSET\"}}",
        endpoint.url);
    options.library = plugin_library_open(
        catalogue, plugin_catalogue_find_provider(catalogue, "CLIENT_SECRET_POST", ""), &err);
    options.config_json = config;
    ck_assert_ptr_null(provider_port_new(&options, &err));
    ck_assert_ptr_nonnull(strstr(err.message, "ClientSecretNotFound"));
}
END_TEST

START_TEST(the_secrets_variable_is_gone_from_the_environment)
{
    struct json_object *vectors = load_vectors("idaas-requests.json");
    struct json_object *first = json_object_array_get_idx(json_get_array(vectors, "cases"), 0);

    setenv("IDAAS_CLIENT_SECRET", "canary-secret", 1);
    open_provider(json_get_object(first, "sdk_config"));
    ck_assert_ptr_null(getenv("IDAAS_CLIENT_SECRET"));
    json_object_put(vectors);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        requests_equal_the_vendors_captures,
        answers_are_read_strictly,
        an_unset_variable_is_refused_by_name,
        the_secrets_variable_is_gone_from_the_environment,
        NULL,
    };

    return run_tests("client_secret", tests, set_up, tear_down);
}
