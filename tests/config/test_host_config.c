/* The host file: the built-in default from the guide's variables, and all faults in one run. */
#include "config/host_config.h"

#include "base/buffer.h"
#include "base/error.h"
#include "config/problems.h"

#include "../support/run.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *const guide[][2] = {
    {"JWKS_ENDPOINT", "https://x.aliyunidaas.com/api/v2/iauths_system/oauth2/jwks"},
    {"AGENT_AUDIENCE", "https://agent.example"},
    {"AGENT_SCOPE", "agent.access"},
    {"ACCESS_IDENTITY", "Machine"},
    {"LLM_API_KEY_IDENTIFIER", "llm_api_key"},
    {"EXTERNAL_SERVER_API_KEY_IDENTIFIER", "amap_api_key"},
    {"EXTERNAL_SERVER_URL", "https://dashscope.example/api/v1/mcps/amap-maps/mcp"},
    {"ENTERPRISE_SERVICE_SCOPE", "\"https://svc.example|read\""},
    {"ENTERPRISE_SERVICE_URL", "https://svc.example/call"},
};

/* One variable may be left out or changed. */
static const char *changed_name, *changed_value;

static const char *get_env(void *arg, const char *name)
{
    (void)arg;
    if (changed_name != NULL && strcmp(name, changed_name) == 0)
        return changed_value;
    for (size_t i = 0; i < sizeof guide / sizeof guide[0]; i++)
        if (strcmp(guide[i][0], name) == 0)
            return guide[i][1];
    return NULL;
}

static const struct config_source source = {.get_env = get_env};
static struct problems problems;
static struct buffer shown;

static void setup(void)
{
    changed_name = changed_value = NULL;
    problems_init(&problems);
    buffer_init(&shown, 1 << 16);
}

static void teardown(void)
{
    problems_clear(&problems);
    buffer_clear(&shown);
}

static const char *show_problems(void)
{
    struct error err = {0};

    for (size_t i = 0; i < problems.count; i++) {
        ck_assert(problem_format(&problems.items[i], &shown, &err));
        ck_assert(buffer_add_char(&shown, '\n', &err));
    }
    return shown.data == NULL ? "" : shown.data;
}

START_TEST(the_guides_variables_alone_make_the_sample)
{
    struct host_config *config = host_config_load(NULL, &source, HOST_CONFIG_WHOLE, &problems);

    ck_assert_msg(config != NULL, "%s", show_problems());
    ck_assert_str_eq(config->listen, "0.0.0.0:9002");
    ck_assert_str_eq(config->model.name, "qwen-plus");
    ck_assert_str_eq(config->model.base_url, "https://dashscope.aliyuncs.com/compatible-mode/v1");
    ck_assert(config->is_java_sample && config->is_built_in);
    ck_assert_uint_eq(config->tool_count, 2);
    ck_assert_str_eq(host_config_credential(config, "enterprise")->scope,
                     "https://svc.example|read");
    ck_assert_str_eq(host_config_credential(config, "llm")->origins[0],
                     "https://dashscope.aliyuncs.com");
    ck_assert_str_eq(host_config_tool(config, "amap")->plugin, "mcp");
    ck_assert_int_eq(config->limits.open_turns, 512);
    host_config_free(config);
}
END_TEST

START_TEST(a_missing_variable_is_named)
{
    for (size_t i = 0; i < sizeof guide / sizeof guide[0]; i++) {
        changed_name = guide[i][0];
        changed_value = NULL;
        ck_assert_ptr_null(host_config_load(NULL, &source, HOST_CONFIG_WHOLE, &problems));
        ck_assert_msg(strstr(show_problems(), guide[i][0]) != NULL, "%s: %s", guide[i][0],
                      show_problems());
        teardown();
        problems_init(&problems);
    }
}
END_TEST

START_TEST(a_wrong_identity_is_refused_with_the_right_words)
{
    changed_name = "ACCESS_IDENTITY";
    changed_value = "User";
    ck_assert_ptr_null(host_config_load(NULL, &source, HOST_CONFIG_WHOLE, &problems));
    ck_assert_msg(strstr(show_problems(), "Machine") != NULL, "%s", show_problems());
}
END_TEST

START_TEST(the_identity_of_the_whole_is_that_of_each_credential_that_names_none)
{
    static const char text[] =
        "{\"credentials\":{\"llm\":{\"kind\":\"api-key\",\"identifier\":\"k\",\"identity\":"
        "\"machine\",\"origins\":[\"https://a.example\"]},\"mine\":{\"kind\":\"access-token\","
        "\"scope\":\"a|b\",\"origins\":[\"https://a.example\"]}},\"tools\":{}}";
    struct host_config *config;

    changed_name = "ACCESS_IDENTITY";
    changed_value = "Human";
    config = host_config_parse("sesame.json", text, sizeof text - 1, &source, &problems);
    ck_assert_msg(config != NULL, "%s", show_problems());
    ck_assert_int_eq(config->identity, ACCESS_HUMAN);
    ck_assert_int_eq(host_config_credential(config, "llm")->identity, IDENTITY_MACHINE);
    ck_assert_int_eq(host_config_credential(config, "mine")->identity, IDENTITY_USER);
    ck_assert(host_config_has_users(config));
    ck_assert_int_eq(config->limits.cached_users, 1000);
    host_config_free(config);
}
END_TEST

START_TEST(what_the_vault_makes_is_configured_by_its_own_names)
{
    static const char good[] =
        "{\"credentials\":{\"llm\":{\"kind\":\"api-key\",\"identifier\":\"k\",\"origins\":[]},"
        "\"crm\":{\"kind\":\"oauth-token\",\"identifier\":\"crm\",\"scope\":\"read write\","
        "\"request\":{\"customParameters\":{\"prompt\":\"consent\"}},\"origins\":[]},"
        "\"partner\":{\"kind\":\"jwt\",\"identifier\":\"p\",\"request\":{\"subject\":\"s\","
        "\"audiences\":[\"a\"]},\"origins\":[]}},\"tools\":{}}";
    static const char bad[] =
        "{\"credentials\":{\"llm\":{\"kind\":\"api-key\",\"identifier\":\"k\",\"request\":{},"
        "\"origins\":[]},\"partner\":{\"kind\":\"jwt\",\"request\":{\"audience\":\"a\"},"
        "\"scope\":\"x\",\"origins\":[]}},\"tools\":{}}";
    struct host_config *config =
        host_config_parse("sesame.json", good, sizeof good - 1, &source, &problems);

    ck_assert_msg(config != NULL, "%s", show_problems());
    ck_assert_int_eq(host_config_credential(config, "crm")->kind, CREDENTIAL_OAUTH_TOKEN);
    ck_assert_ptr_nonnull(
        strstr(host_config_credential(config, "crm")->request_json, "\"prompt\":\"consent\""));
    ck_assert_int_eq(host_config_credential(config, "partner")->kind, CREDENTIAL_JWT);
    host_config_free(config);
    ck_assert_ptr_null(host_config_parse("sesame.json", bad, sizeof bad - 1, &source, &problems));
    for (size_t i = 0; i < 6; i++) {
        static const char *const told[] = {"$.credentials.llm.request",
                                           "$.credentials.partner.identifier",
                                           "$.credentials.partner.scope",
                                           "$.credentials.partner.request.audience",
                                           "$.credentials.partner.request.audiences",
                                           "$.credentials.partner.request.subject"};

        ck_assert_msg(strstr(show_problems(), told[i]) != NULL, "%s: %s", told[i], show_problems());
    }
}
END_TEST

START_TEST(plain_http_goes_to_loopback_only)
{
    changed_name = "ENTERPRISE_SERVICE_URL";
    changed_value = "http://svc.example/call";
    ck_assert_ptr_null(host_config_load(NULL, &source, HOST_CONFIG_WHOLE, &problems));
    ck_assert_msg(strstr(show_problems(), "https") != NULL, "%s", show_problems());
    teardown();
    problems_init(&problems);
    changed_value = "http://127.0.0.1:8080/call";
    host_config_free(host_config_load(NULL, &source, HOST_CONFIG_WHOLE, &problems));
    ck_assert_msg(problems.error_count == 0, "%s", show_problems());
}
END_TEST

START_TEST(all_faults_of_a_file_are_told_in_one_run)
{
    static const char text[] =
        "{\"lisen\": \"x\", \"identity\": \"Robot\", \"model\": {\"base_url\": 7},"
        " \"limits\": {\"open_turns\": \"many\", \"turn_rounds\": -1}}";
    struct host_config *config =
        host_config_parse("sesame.json", text, sizeof text - 1, &source, &problems);
    const char *all = show_problems();

    ck_assert_ptr_null(config);
    ck_assert_uint_ge(problems.error_count, 5);
    ck_assert_msg(strstr(all, "sesame.json: $.lisen") != NULL, "%s", all);
    ck_assert_msg(strstr(all, "listen") != NULL, "%s", all);
    ck_assert_msg(strstr(all, "$.model.base_url") != NULL, "%s", all);
    ck_assert_msg(strstr(all, "$.limits.open_turns") != NULL, "%s", all);
    ck_assert_msg(strstr(all, "$.limits.turn_rounds") != NULL, "%s", all);
}
END_TEST

START_TEST(a_value_that_looks_like_a_secret_is_refused_and_not_shown)
{
    changed_name = "LLM_API_KEY_IDENTIFIER";
    changed_value = "sk-0123456789abcdef0123456789abcdef";
    ck_assert_ptr_null(host_config_load(NULL, &source, HOST_CONFIG_WHOLE, &problems));
    ck_assert_ptr_null(strstr(show_problems(), "0123456789"));
}
END_TEST

/* ---- credential providers of the host file --------------------------------------------------- */

static struct host_config *parse_with_providers(const char *credential)
{
    static const char format[] =
        "{\"inbound\": {\"issuer\": \"https://as.example\", \"jwks_url\": "
        "\"https://as.example/jwks\","
        " \"audience\": \"https://agent.example\", \"scope\": \"agent.access\"},"
        " \"credential_providers\": {\"corp\": {\"plugin\": \"some-plugin\","
        "   \"config\": {\"url\": \"${ENTERPRISE_SERVICE_URL}\"}, \"placement\": \"inline\"}},"
        " \"credentials\": {\"one\": %s},"
        " \"model\": {\"base_url\": \"https://model.example/v1\", \"name\": \"m\", \"credential\": "
        "\"one\"},"
        " \"tools\": {}}";
    char text[2000];

    ck_assert_int_lt(snprintf(text, sizeof text, format, credential), (int)sizeof text);
    return host_config_parse("sesame.json", text, strlen(text), &source, &problems);
}

START_TEST(a_credential_may_come_from_a_provider_of_the_host_file)
{
    struct host_config *config = parse_with_providers(
        "{\"kind\": \"access-token\", \"provider\": \"corp\", \"scope\": \"read write\","
        " \"origins\": [\"https://svc.example\"]}");

    ck_assert_msg(config != NULL, "%s", show_problems());
    ck_assert_uint_eq(config->provider_count, 1);
    ck_assert_str_eq(config->providers[0].name, "corp");
    ck_assert_str_eq(config->providers[0].plugin, "some-plugin");
    ck_assert_str_eq(config->providers[0].config_json, "{\"url\":\"https://svc.example/call\"}");
    ck_assert_int_eq(config->providers[0].placement, PLACEMENT_INLINE);
    ck_assert_uint_eq(config->credentials[0].provider, 1);
    ck_assert(!host_config_needs_idaas(config));
    ck_assert(host_config_complete(config, NULL, &problems));
    host_config_free(config);
}
END_TEST

START_TEST(without_a_provider_a_credential_needs_idaas_and_its_form_of_scope)
{
    struct host_config *config = parse_with_providers(
        "{\"kind\": \"access-token\", \"scope\": \"https://svc.example|read\","
        " \"origins\": [\"https://svc.example\"]}");

    ck_assert_msg(config != NULL, "%s", show_problems());
    ck_assert(host_config_needs_idaas(config));
    host_config_free(config);
    ck_assert_ptr_null(
        parse_with_providers("{\"kind\": \"access-token\", \"scope\": \"read write\","
                             " \"origins\": [\"https://svc.example\"]}"));
    ck_assert_msg(strstr(show_problems(), "$.credentials.one.scope") != NULL, "%s",
                  show_problems());
}
END_TEST

START_TEST(a_provider_that_is_not_there_or_holds_a_secret_is_named)
{
    static const char text[] =
        "{\"credential_providers\": {\"corp\": {\"plugin\": \"../x\","
        " \"config\": {\"client_secret\": \"sk-0123456789abcdef0123456789abcdef\"}}},"
        " \"credentials\": {\"one\": {\"kind\": \"access-token\", \"provider\": \"crop\","
        " \"scope\": \"a\", \"origins\": [\"https://svc.example\"]}}}";
    const char *all;

    ck_assert_ptr_null(host_config_parse("sesame.json", text, sizeof text - 1, &source, &problems));
    all = show_problems();
    ck_assert_msg(strstr(all, "$.credentials.one.provider") != NULL, "%s", all);
    ck_assert_msg(strstr(all, "$.credential_providers.corp.plugin") != NULL, "%s", all);
    ck_assert_msg(strstr(all, "$.credential_providers.corp.config.client_secret") != NULL, "%s",
                  all);
    ck_assert_ptr_null(strstr(all, "0123456789"));
}
END_TEST

/* ---- the program of a tool ------------------------------------------------------------------- */

static struct host_config *parse_with_program(const char *program)
{
    static const char format[] =
        "{\"inbound\": {\"issuer\": \"https://as.example\", \"jwks_url\": "
        "\"https://as.example/jwks\","
        " \"audience\": \"https://agent.example\", \"scope\": \"agent.access\"},"
        " \"credentials\": {}, \"model\": {\"base_url\": \"https://model.example/v1\","
        " \"name\": \"m\"}, \"tools\": {\"t\": {\"plugin\": \"p\"%s}}}";
    char text[2000];

    ck_assert_int_lt(snprintf(text, sizeof text, format, program), (int)sizeof text);
    return host_config_parse("sesame.json", text, strlen(text), &source, &problems);
}

START_TEST(a_program_is_granted_by_its_path_and_by_default_there_is_none)
{
    struct host_config *config = parse_with_program("");

    ck_assert_msg(config != NULL, "%s", show_problems());
    ck_assert_str_eq(config->tools[0].program.path, "");
    host_config_free(config);
    config = parse_with_program(
        ", \"program\": {\"path\": \"/usr/bin/units\", \"arguments\": "
        "[\"-t\"], \"reads\": [\"/usr/share/units\"]}");
    ck_assert_msg(config != NULL, "%s", show_problems());
    ck_assert_str_eq(config->tools[0].program.path, "/usr/bin/units");
    ck_assert_uint_eq(config->tools[0].program.argument_count, 1);
    ck_assert_str_eq(config->tools[0].program.arguments[0], "-t");
    ck_assert_uint_eq(config->tools[0].program.read_count, 1);
    ck_assert_str_eq(config->tools[0].program.reads[0], "/usr/share/units");
    ck_assert_str_eq(config->tools[0].program.sha256, "");
    ck_assert_int_eq(config->tools[0].program.memory_bytes, 512 << 20);
    host_config_free(config);
}
END_TEST

START_TEST(a_grant_that_is_too_wide_or_holds_a_secret_is_refused)
{
    static const struct {
        const char *program, *words;
    } rows[] = {
        {"{}", "$.tools.t.program.path"},
        {"{\"path\": \"units\"}", "not an absolute path"},
        {"{\"path\": \"/u\", \"reads\": [\"/\"]}", "$.tools.t.program.reads[0]"},
        {"{\"path\": \"/u\", \"reads\": [\"//.\"]}", "may not read all"},
        {"{\"path\": \"/u\", \"reads\": [\"/a\", \"/proc/1\"]}", "$.tools.t.program.reads[1]"},
        {"{\"path\": \"/u\", \"reads\": [\"/sys\"]}", "may not read all"},
        {"{\"path\": \"/u\", \"reads\": [\"/usr/../etc\"]}", "may not read all"},
        {"{\"path\": \"/u\", \"reads\": [\"a\"]}", "not an absolute path"},
        {"{\"path\": \"/u\", \"sha256\": \"12\"}", "$.tools.t.program.sha256"},
        {"{\"path\": \"/u\", \"memory_bytes\": 1}", "$.tools.t.program.memory_bytes"},
        {"{\"path\": \"/u\", \"argument\": []}", "$.tools.t.program.argument"},
        {"{\"path\": \"/u\", \"arguments\": [\"sk-0123456789abcdef0123456789abcdef\"]}",
         "$.tools.t.program.arguments"},
        {"\"/u\"", "$.tools.t.program"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char program[300];

        snprintf(program, sizeof program, ", \"program\": %s", rows[i].program);
        ck_assert_msg(parse_with_program(program) == NULL, "%s", program);
        ck_assert_msg(strstr(show_problems(), rows[i].words) != NULL, "%s: %s", program,
                      show_problems());
        ck_assert_ptr_null(strstr(show_problems(), "0123456789"));
        teardown();
        setup();
    }
}
END_TEST

START_TEST(without_an_idaas_file_the_issuer_must_be_given)
{
    static const char text[] =
        "{\"credentials\": {}, \"tools\": {},"
        " \"model\": {\"base_url\": \"https://model.example/v1\", \"name\": \"m\"}}";
    struct host_config *config =
        host_config_parse("sesame.json", text, sizeof text - 1, &source, &problems);

    ck_assert_msg(config != NULL, "%s", show_problems());
    ck_assert(!host_config_complete(config, NULL, &problems));
    ck_assert_msg(strstr(show_problems(), "$.inbound.issuer") != NULL, "%s", show_problems());
    host_config_free(config);
}
END_TEST

START_TEST(keys_from_another_host_than_the_issuers_are_a_warning)
{
    static const struct {
        const char *jwks_url;
        size_t warnings;
    } rows[] = {{"https://as.example/jwks", 0},
                {"https://AS.example:443/jwks", 0},
                {"https://as.example.evil/jwks", 1},
                {"https://keys.example/jwks", 1}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct host_config *config;
        char text[600];

        teardown();
        setup();
        snprintf(text, sizeof text,
                 "{\"inbound\":{\"issuer\":\"https://as.example\",\"jwks_url\":\"%s\","
                 "\"audience\":\"a\",\"scope\":\"s\"},"
                 "\"credentials\":{},\"tools\":{},\"model\":{\"base_url\":\"https://m.example/v1\","
                 "\"name\":\"m\"}}",
                 rows[i].jwks_url);
        config = host_config_parse("sesame.json", text, strlen(text), &source, &problems);
        ck_assert_msg(config != NULL, "%s", show_problems());
        ck_assert(host_config_complete(config, NULL, &problems));
        ck_assert_msg(problems.count == rows[i].warnings, "%s: %s", rows[i].jwks_url,
                      show_problems());
        if (rows[i].warnings > 0)
            ck_assert_ptr_nonnull(strstr(show_problems(), "JWKS_ENDPOINT"));
        host_config_free(config);
    }
}
END_TEST

/* ---- just the tools -------------------------------------------------------------------------- */

static const char *no_env(void *arg, const char *name)
{
    (void)arg;
    (void)name;
    return NULL;
}

static struct host_config *load_text(const char *text, const struct config_source *from,
                                     enum host_config_use use)
{
    int fd = memfd_create("sesame.json", MFD_CLOEXEC);
    struct host_config *config;
    char path[40];

    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    config = host_config_load(path, from, use, &problems);
    close(fd);
    return config;
}

START_TEST(who_just_uses_tools_needs_nothing_else)
{
    static const char text[] = "{\"tools\": {\"t\": {\"plugin\": \"p\"}}}";
    const struct config_source bare = {.get_env = no_env};
    struct host_config *config = load_text(text, &bare, HOST_CONFIG_TOOLS);

    ck_assert_msg(config != NULL, "%s", show_problems());
    ck_assert_uint_eq(config->tool_count, 1);
    ck_assert_uint_eq(config->credential_count, 0);
    ck_assert(!host_config_needs_idaas(config));
    ck_assert(host_config_complete(config, NULL, &problems));
    host_config_free(config);
    ck_assert_ptr_null(load_text(text, &bare, HOST_CONFIG_WHOLE));
    ck_assert_msg(strstr(show_problems(), "JWKS_ENDPOINT") != NULL, "%s", show_problems());
}
END_TEST

START_TEST(a_tools_credential_is_asked_for_by_its_variables)
{
    const struct config_source bare = {.get_env = no_env};
    const char *all;

    ck_assert_ptr_null(
        load_text("{\"tools\": {\"t\": {\"plugin\": \"p\", \"credentials\": [\"amap\"]}}}", &bare,
                  HOST_CONFIG_TOOLS));
    all = show_problems();
    ck_assert_msg(strstr(all, "EXTERNAL_SERVER_API_KEY_IDENTIFIER") != NULL, "%s", all);
    ck_assert_msg(strstr(all, "ENTERPRISE_SERVICE_SCOPE") == NULL, "%s", all);
}
END_TEST

START_TEST(credentials_that_are_there_stay_for_tools)
{
    struct host_config *config =
        load_text("{\"tools\": {\"t\": {\"plugin\": \"p\"}}}", &source, HOST_CONFIG_TOOLS);

    ck_assert_msg(config != NULL, "%s", show_problems());
    ck_assert_ptr_nonnull(host_config_credential(config, "amap"));
    host_config_free(config);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_guides_variables_alone_make_the_sample,
        a_missing_variable_is_named,
        a_wrong_identity_is_refused_with_the_right_words,
        the_identity_of_the_whole_is_that_of_each_credential_that_names_none,
        what_the_vault_makes_is_configured_by_its_own_names,
        plain_http_goes_to_loopback_only,
        all_faults_of_a_file_are_told_in_one_run,
        a_value_that_looks_like_a_secret_is_refused_and_not_shown,
        a_credential_may_come_from_a_provider_of_the_host_file,
        without_a_provider_a_credential_needs_idaas_and_its_form_of_scope,
        a_provider_that_is_not_there_or_holds_a_secret_is_named,
        a_program_is_granted_by_its_path_and_by_default_there_is_none,
        a_grant_that_is_too_wide_or_holds_a_secret_is_refused,
        without_an_idaas_file_the_issuer_must_be_given,
        keys_from_another_host_than_the_issuers_are_a_warning,
        who_just_uses_tools_needs_nothing_else,
        a_tools_credential_is_asked_for_by_its_variables,
        credentials_that_are_there_stay_for_tools,
        NULL};

    return run_tests("host_config", tests, setup, teardown);
}
