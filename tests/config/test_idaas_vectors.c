/* The IDaaS SDK file against what the vendor's SDK makes of each case, with our departures named.
 */
#include "config/idaas_config.h"

#include "base/error.h"
#include "base/text.h"
#include "config/endpoint.h"
#include "config/problems.h"

#include "../support/files.h"
#include "../support/run.h"

#include <string.h>
#include <sys/stat.h>

/* Where ours differs from the vendor's verdict or gives a code where the vendor gives none. */
static const struct departure {
    const char *id;
    const char *code; /* NULL: accepted */
    const char *why;
} departures[] = {
    {"missing-authnConfiguration", "AuthnConfigurationNotFound",
     "the vendor means this code and crashes before it"},
    {"empty-idaasInstanceId", "IDaaSInstanceIdNotFound", "an empty text is a missing one"},
    {"empty-clientId", "ClientIdNotFound", "an empty text is a missing one"},
    {"empty-issuer", "IssuerEndpointNotFound", "an empty text is a missing one"},
    {"empty-tokenEndpoint", "TokenEndpointNotFound", "an empty text is a missing one"},
    {"empty-scope", "InvalidScope", "the vendor gives no code"},
    {"null-scope", "InvalidScope", "the vendor gives no code"},
    {"authnMethod-lowercase", NULL, "enum values are taken in any case"},
    {"identityType-unknown", "ConfigError", "silence would turn a typo into another identity"},
    {"secret-env-unset", "ClientSecretNotFound", "the vendor gives no code"},
    {"secret-env-empty", "ClientSecretNotFound", "the vendor gives no code"},
    {"secret-env-blank", "ClientSecretNotFound", "the vendor would send the blanks"},
    {"private-key-env-unset", "PrivateKeyNotFound", "the vendor gives no code"},
    {"pkcs7-lowercase-environment", NULL, "enum values are taken in any case"},
    {"oidc-computer", NULL, "the vendor's Java SDK takes it, and we stand in for that"},
    {"plugin-no-name", "PluginNameNotFound", "the vendor has the code and never gives it"},
    {"plugin-unknown", NULL, "drop-in plugins: their manifests say which names there are"},
    {"connectTimeout='5000'", "ConnectTimeoutNotValid", "the vendor gives no code of its own"},
    {"connectTimeout=2500.5", "ConnectTimeoutNotValid", "milliseconds are whole numbers"},
    {"connectTimeout=None", "ConnectTimeoutNotValid", "the vendor gives no code of its own"},
    {"not-json", "ConfigError", "the vendor gives no code of its own"},
    {"empty-file", "ConfigError", "the vendor gives no code of its own"},
    {"json-array", "ConfigError", "the vendor gives no code of its own"},
    {"json-null", "ConfigError", "not an object; the vendor stumbles over the first member"},
    {"utf8-bom", "ConfigError", "the vendor gives no code of its own"},
    {"duplicate-keys-last-wins", "ConfigError", "which one counts must not be a matter of luck"},
    {"comment", "ConfigError", "the vendor gives no code of its own"},
};

static struct json_object *vectors, *scopes;
static struct json_object *environment; /* of the case; may be NULL */

static void setup(void)
{
    vectors = load_vectors("idaas-config-cases.json");
    scopes = load_vectors("idaas-scope-endpoint.json");
}

static void teardown(void)
{
    json_object_put(vectors);
    json_object_put(scopes);
}

static const char *get_env(void *arg, const char *name)
{
    struct json_object *value;

    (void)arg;
    if (environment != NULL && json_object_object_get_ex(environment, name, &value))
        return json_object_get_string(value);
    return strcmp(name, "SEC") == 0 ? "s3cret" : NULL;
}

static const struct config_source source = {.get_env = get_env};

static const struct departure *find_departure(const char *id)
{
    for (size_t i = 0; i < sizeof departures / sizeof departures[0]; i++)
        if (strcmp(departures[i].id, id) == 0)
            return &departures[i];
    return NULL;
}

/* The vendor's innermost code, or NULL when it gives none. */
static const char *vendor_code(struct json_object *test_case)
{
    struct json_object *chain, *code;
    const char *found = NULL;

    if (!json_object_object_get_ex(test_case, "sdk_error_chain", &chain))
        return NULL;
    for (size_t i = 0; i < json_object_array_length(chain); i++)
        if (json_object_object_get_ex(json_object_array_get_idx(chain, i), "code", &code) &&
            code != NULL)
            found = json_object_get_string(code);
    return found;
}

/* What the vendor's SDK sent with this file, where that is a matter of the file. */
static void compare_with_sent(const char *id, const struct idaas_config *config,
                              struct json_object *sent)
{
    int compared = 0;

    for (size_t i = 0; i < json_object_array_length(sent); i++) {
        struct json_object *pair = json_object_array_get_idx(sent, i);
        const char *name = json_object_get_string(json_object_array_get_idx(pair, 0));
        const char *value = json_object_get_string(json_object_array_get_idx(pair, 1));

        if (strcmp(name, "client_id") != 0 && strcmp(name, "scope") != 0)
            continue;
        ck_assert_msg(strcmp(value, name[0] == 'c' ? config->client_id : config->scope) == 0,
                      "%s: %s", id, name);
        compared++;
    }
    ck_assert_int_eq(compared, 2);
}

static void check_case(struct json_object *test_case)
{
    const char *id = member_text(test_case, "id"), *text = member_text(test_case, "config_text");
    const struct departure *departure = find_departure(id);
    const char *code = vendor_code(test_case);
    bool is_ok = strcmp(member_text(test_case, "result"), "ok") == 0;
    struct problems problems = {0};
    struct idaas_config *config;
    struct json_object *object;

    if (json_object_object_get_ex(test_case, "path_argument", &object))
        return; /* a case about finding the file */
    environment = NULL;
    json_object_object_get_ex(test_case, "environment", &environment);
    if (text == NULL)
        text = member_text(test_case, "config");
    config = idaas_config_parse("client-config.json", text, strlen(text), &source, &problems);
    if (departure != NULL) {
        is_ok = departure->code == NULL;
        code = departure->code;
    }
    ck_assert_msg((config != NULL) == is_ok, "%s: %s, %s", id,
                  config != NULL ? "accepted" : "refused", departure == NULL ? "" : departure->why);
    ck_assert_msg(is_ok ? problems.error_count == 0 : problems.error_count > 0, "%s", id);
    if (!is_ok && code != NULL)
        ck_assert_msg(problems_find(&problems, code) != NULL, "%s: %s instead of %s", id,
                      problems.items[0].code, code);
    if (config != NULL && json_object_object_get_ex(test_case, "form_sent", &object))
        compare_with_sent(id, config, object);
    idaas_config_free(config);
    problems_clear(&problems);
}

START_TEST(every_case_has_its_verdict_and_code)
{
    struct json_object *list;

    json_object_object_get_ex(vectors, "cases", &list);
    ck_assert_uint_eq(json_object_array_length(list), 87);
    for (size_t i = 0; i < json_object_array_length(list); i++)
        check_case(json_object_array_get_idx(list, i));
}
END_TEST

START_TEST(what_is_odd_but_harmless_is_a_warning)
{
    static const char *const ids[] = {"unsafeIgnoreSslCert-true", "unsafeIgnoreSSLCert-true",
                                      "unknown-keys-ignored", "openapiEndpoint-spelling"};
    struct json_object *list;

    json_object_object_get_ex(vectors, "cases", &list);
    environment = NULL;
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *test_case = json_object_array_get_idx(list, i);
        const char *text = member_text(test_case, "config");
        struct problems problems = {0};

        for (size_t j = 0; j < sizeof ids / sizeof ids[0]; j++) {
            if (strcmp(member_text(test_case, "id"), ids[j]) != 0)
                continue;
            idaas_config_free(idaas_config_parse("f", text, strlen(text), &source, &problems));
            ck_assert_uint_eq(problems.error_count, 0);
            ck_assert_uint_ge(problems.count, 1);
        }
        problems_clear(&problems);
    }
}
END_TEST

/* A file of the usual kind with `authn` more in its authnConfiguration and `top` at its end. */
static struct idaas_config *parse_with(const char *authn, const char *top,
                                       struct problems *problems)
{
    char text[1000];

    environment = NULL;
    problems_init(problems);
    snprintf(text, sizeof text,
             "{\"idaasInstanceId\":\"idaas_x\",\"clientId\":\"app_x\",\"issuer\":\"https://h/i\","
             "\"tokenEndpoint\":\"https://h/i/token\",\"authnConfiguration\":{"
             "\"clientSecretEnvVarName\":\"SEC\"%s}%s}",
             authn, top);
    return idaas_config_parse("f", text, strlen(text), &source, problems);
}

#define BASIC ",\"authnMethod\":\"CLIENT_SECRET_BASIC\""

START_TEST(the_other_name_of_identity_type_counts)
{
    struct problems problems;

    ck_assert_ptr_null(parse_with(BASIC ",\"authenticationSubject\":\"HUMAN\"", "", &problems));
    ck_assert_ptr_nonnull(problems_find(&problems, "DeviceAuthorizationEndpointNotFound"));
    problems_clear(&problems);
    ck_assert_ptr_null(
        parse_with(BASIC ",\"authenticationSubject\":\"CLIENT\",\"identityType\":\"HUMAN\"",
                   ",\"deviceAuthorizationEndpoint\":\"https://h/d\"", &problems));
    ck_assert_str_eq(problems.items[0].what, "contradicts identityType");
    problems_clear(&problems);
}
END_TEST

START_TEST(an_unknown_value_is_shown_with_those_that_are_known)
{
    static const struct {
        const char *authn, *found, *expected;
    } rows[] = {
        {",\"authnMethod\":\"CLIENT_SECRET\"", "CLIENT_SECRET", "CLIENT_SECRET_BASIC"},
        {BASIC ",\"identityType\":\"AGENT\"", "AGENT", "HUMAN"},
        {",\"authnMethod\":\"PKCS7\",\"applicationFederatedCredentialName\":\"n\","
         "\"clientDeployEnvironment\":\"ECS\"",
         "ECS", "ALIBABA_CLOUD_ECS"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct problems problems;

        ck_assert_ptr_null(parse_with(rows[i].authn, "", &problems));
        ck_assert_uint_eq(problems.error_count, 1);
        ck_assert_ptr_nonnull(strstr(problems.items[0].found, rows[i].found));
        ck_assert_ptr_nonnull(strstr(problems.items[0].expected, rows[i].expected));
        problems_clear(&problems);
    }
}
END_TEST

START_TEST(timeouts_are_those_of_the_file_or_the_vendors)
{
    static const struct {
        const char *http;
        int64_t connect_ms, read_ms;
    } rows[] = {
        {"", 5000, 10000},
        {",\"httpConfiguration\":null", 5000, 10000},
        {",\"httpConfiguration\":{\"connectTimeout\":2000}", 2000, 10000},
        {",\"httpConfiguration\":{\"connectTimeout\":3000,\"readTimeout\":60000}", 3000, 60000},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct problems problems;
        struct idaas_config *config = parse_with(BASIC, rows[i].http, &problems);

        ck_assert_ptr_nonnull(config);
        ck_assert_int_eq(config->connect_timeout_ms, rows[i].connect_ms);
        ck_assert_int_eq(config->read_timeout_ms, rows[i].read_ms);
        idaas_config_free(config);
        problems_clear(&problems);
    }
}
END_TEST

START_TEST(every_scope_has_its_verdict_and_code)
{
    struct json_object *list;

    json_object_object_get_ex(scopes, "scope", &list);
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *row = json_object_array_get_idx(list, i);
        const char *input = member_text(row, "input"), *code = member_text(row, "code");
        struct error err = {0};
        bool ok = scope_check(input, NULL, &err);

        ck_assert_msg(ok == (strcmp(member_text(row, "validate"), "ok") == 0), "'%s': %s", input,
                      err.message);
        if (code != NULL)
            ck_assert_msg(strcmp(err.name, code) == 0, "'%s': %s", input, err.name);
    }
}
END_TEST

START_TEST(every_endpoint_has_one_normal_form)
{
    /* The vendor keeps blanks, capitals and unknown schemes; ours is strict (NULL: refused). */
    static const char *const rows[][2] = {
        {"https://h/p", "https://h/p"},
        {"http://h/p", "https://h/p"},
        {"h/p", "https://h/p"},
        {"h:8443/p", "https://h:8443/p"},
        {"HTTP://h/p", "https://h/p"},
        {"HTTPS://h", "https://h"},
        {"ftp://h/p", NULL},
        {"//h/p", NULL},
        {"", NULL},
        {" https://h", "https://h"},
        {"https://h/p/", "https://h/p"},
        {"https://u@h/p", NULL},
        {"https://h/p#f", NULL},
        {"eiam.cn-hangzhou.aliyuncs.com", "https://eiam.cn-hangzhou.aliyuncs.com"}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error err = {0};
        char *normal = endpoint_normalise(rows[i][0], false, &err);

        if (rows[i][1] == NULL)
            ck_assert_msg(normal == NULL, "%s: %s", rows[i][0], normal);
        else
            ck_assert_msg(normal != NULL && strcmp(normal, rows[i][1]) == 0, "%s: %s", rows[i][0],
                          normal == NULL ? err.message : normal);
        free(normal);
    }
}
END_TEST

static char home[64];
static const char *path_variable;

static const char *get_path_env(void *arg, const char *name)
{
    (void)arg;
    if (strcmp(name, "HOME") == 0)
        return home;
    return strcmp(name, "CLOUD_IDAAS_CONFIG_PATH") == 0 ? path_variable : NULL;
}

/* Makes an empty file below the home folder. */
static void make_file(const char *name)
{
    char path[200];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", home, name);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fclose(file);
}

static void expect_path(const char *argument, const char *variable, const char *name)
{
    static const struct config_source path_source = {.get_env = get_path_env};
    char expected[200];
    struct error err = {0};
    char *path;

    path_variable = variable;
    path = idaas_config_find(argument, &path_source, &err);
    if (name == NULL) {
        ck_assert_ptr_null(path);
        ck_assert_str_eq(err.name, "LoadConfigFileFailed");
        return;
    }
    snprintf(expected, sizeof expected, "%s/%s", home, name);
    ck_assert_msg(path != NULL && strcmp(path, expected) == 0, "%s instead of %s",
                  path == NULL ? err.message : path, expected);
    free(path);
}

START_TEST(a_file_is_found_where_the_vendor_looks)
{
    static const struct config_source path_source = {.get_env = get_path_env};
    struct problems problems = {0};
    struct error err = {0};
    char path[200];

    snprintf(home, sizeof home, "/tmp/sesame-home-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
    snprintf(path, sizeof path, "%s/.cloud_idaas", home);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    expect_path(NULL, NULL, NULL);
    make_file(".cloud_idaas/client_config.json");
    path_variable = NULL;
    ck_assert_ptr_null(idaas_config_find(NULL, &path_source, &err));
    ck_assert_msg(strstr(err.message, "client_config.json") != NULL, "%s", err.message);
    make_file(".cloud_idaas/client-config.json");
    make_file("good.json");
    expect_path(NULL, NULL, ".cloud_idaas/client-config.json");
    expect_path(NULL, "  ", ".cloud_idaas/client-config.json");
    expect_path(NULL, "~/.cloud_idaas/client-config.json", ".cloud_idaas/client-config.json");
    expect_path(NULL, "/nowhere/nope.json", NULL);
    snprintf(path, sizeof path, "%s/good.json", home);
    expect_path(path, "/nowhere/nope.json", "good.json");
    snprintf(path, sizeof path, "classpath:%s/good.json", home);
    expect_path(path, NULL, "good.json");
    ck_assert_ptr_null(idaas_config_load(home, &path_source, &problems)); /* a folder */
    ck_assert_ptr_nonnull(problems_find(&problems, "LoadConfigFileFailed"));
    problems_clear(&problems);
    snprintf(path, sizeof path, "rm -r %s", home);
    ck_assert_int_eq(system(path), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_case_has_its_verdict_and_code,
                                  what_is_odd_but_harmless_is_a_warning,
                                  the_other_name_of_identity_type_counts,
                                  an_unknown_value_is_shown_with_those_that_are_known,
                                  timeouts_are_those_of_the_file_or_the_vendors,
                                  every_scope_has_its_verdict_and_code,
                                  every_endpoint_has_one_normal_form,
                                  a_file_is_found_where_the_vendor_looks,
                                  NULL};

    return run_tests("idaas_vectors", tests, setup, teardown);
}
