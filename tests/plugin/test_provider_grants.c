/* What only a credential provider may: origins of its manifest, the metadata address without TLS,
 * and members of its configuration that the environment gives. */
#include "base/error.h"
#include "base/json.h"
#include "base/json_schema.h"
#include "base/text.h"
#include "config/host_config.h"
#include "net/http_client.h"
#include "plugin/instance.h"
#include "plugin/plugin_config.h"

#include "../support/run.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

static char *origins[] = {
    (char[]){"https://sts.aliyuncs.com"}, (char[]){"https://sts.*.aliyuncs.com"},
    (char[]){"http://100.100.100.200"}, (char[]){"https://own.example:8443"}, NULL};

START_TEST(a_providers_manifest_grants_origins_by_label)
{
    static const struct {
        const char *url;
        bool is_granted;
    } rows[] = {
        {"https://sts.aliyuncs.com/?a=b", true},
        {"https://STS.aliyuncs.com:443/", true},
        {"https://sts.cn-hangzhou.aliyuncs.com/", true},
        {"http://100.100.100.200/latest/api/token", true},
        {"https://own.example:8443/", true},
        {"https://own.example/", false},
        {"http://sts.aliyuncs.com/", false},
        {"https://sts.aliyuncs.com:80/", false},
        {"https://sts.aliyuncs.com:8443/", false},
        {"https://sts..aliyuncs.com/", false},
        {"https://sts.a.b.aliyuncs.com/", false},
        {"https://sts.cn-hangzhou.aliyuncs.com.evil.example/", false},
        {"https://sts.evil.example/", false},
        {"https://ststs.aliyuncs.com/", false},
        {"https://100.100.100.200/", false},
        {"http://100.100.100.200:8080/", false},
        {"http://100.100.100.201/", false},
    };
    const struct plugin_manifest manifest = {.origins = origins};
    struct plugin_library library = {.manifest = &manifest};
    struct plugin_instance provider = {.library = &library, .name = (char[]){"p"}};
    struct tool_config config = {.name = (char[]){"t"}};
    struct plugin_instance tool = {.library = &library, .name = (char[]){"t"}, .tool = &config};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error err = {0}, tool_err = {0};

        ck_assert_msg(instance_grants(&provider, slice_of(rows[i].url), &err) == rows[i].is_granted,
                      "%s", rows[i].url);
        /* A tool's origins are the operator's to give. */
        ck_assert_msg(!instance_grants(&tool, slice_of(rows[i].url), &tool_err), "%s", rows[i].url);
    }
}
END_TEST

START_TEST(one_address_only_is_the_metadata_service)
{
    static const char *const others[] = {
        "https://100.100.100.200/", "http://100.100.100.200:81/",
        "http://100.100.100.20/",   "http://100.100.100.200.example/",
        "http://169.254.169.254/",  "http://user@100.100.100.200/"};

    ck_assert(url_is_metadata("http://100.100.100.200/latest/api/token"));
    ck_assert(url_is_metadata("http://100.100.100.200"));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        ck_assert_msg(!url_is_metadata(others[i]), "%s", others[i]);
}
END_TEST

/* ---- x-env ----------------------------------------------------------------------------------- */

static const char schema_text[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"text\":{\"type\":\"string\",\"x-env\":\"GRANT_TEXT\",\"default\":\"usual\"},"
    "\"flag\":{\"type\":\"boolean\",\"x-env\":\"GRANT_FLAG\"},"
    "\"number\":{\"type\":\"integer\",\"x-env\":\"GRANT_NUMBER\"}}}";

/* The prepared configuration as text, or the error's. */
static const char *prepare(const char *config, enum plugin_environment environment)
{
    static char out[500];
    const struct plugin_manifest manifest = {.id = (char[]){"p"}};
    struct plugin_library library = {.manifest = &manifest};
    struct json_object *prepared;
    struct error err = {0};

    library.schema_json = json_parse(schema_text, sizeof schema_text - 1, 8, &err);
    library.schema = json_schema_new(library.schema_json, &err);
    ck_assert_msg(library.schema != NULL, "%s", err.message);
    prepared = plugin_config_prepare(&library, config, environment, "p", &err);
    snprintf(out, sizeof out, "%s",
             prepared == NULL ? err.message
                              : json_object_to_json_string_ext(prepared, JSON_C_TO_STRING_PLAIN));
    json_object_put(prepared);
    json_schema_free(library.schema);
    json_object_put(library.schema_json);
    return out;
}

static void set_environment(const char *text, const char *flag, const char *number)
{
    setenv("GRANT_TEXT", text, 1);
    setenv("GRANT_FLAG", flag, 1);
    setenv("GRANT_NUMBER", number, 1);
}

START_TEST(the_environment_gives_what_the_configuration_leaves_out)
{
    set_environment("from env", "TRUE", "42");
    ck_assert_str_eq(prepare("{}", PLUGIN_ENVIRONMENT_SEEN),
                     "{\"text\":\"from env\",\"flag\":true,\"number\":42}");
    ck_assert_str_eq(
        prepare("{\"text\":\"own\",\"flag\":false,\"number\":1}", PLUGIN_ENVIRONMENT_SEEN),
        "{\"text\":\"own\",\"flag\":false,\"number\":1}");
    set_environment("", "yes", "");
    ck_assert_str_eq(prepare("{}", PLUGIN_ENVIRONMENT_SEEN), "{\"flag\":false,\"text\":\"usual\"}");
    set_environment("x", "x", "no number");
    ck_assert_ptr_nonnull(strstr(prepare("{}", PLUGIN_ENVIRONMENT_SEEN), "number"));
}
END_TEST

START_TEST(a_tool_sees_no_environment)
{
    set_environment("from env", "true", "42");
    ck_assert_str_eq(prepare("{}", PLUGIN_ENVIRONMENT_UNSEEN), "{\"text\":\"usual\"}");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_providers_manifest_grants_origins_by_label,
        one_address_only_is_the_metadata_service,
        the_environment_gives_what_the_configuration_leaves_out,
        a_tool_sees_no_environment,
        NULL,
    };

    return run_tests("provider_grants", tests, NULL, NULL);
}
