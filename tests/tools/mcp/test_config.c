/* The MCP client's configuration: presets, limits, what is refused before anything is sent. */
#include "server.h"

#include "../../support/run.h"

#include "base/json.h"

static void expect_refusal(const char *config, const char *words)
{
    struct error err = {0};

    ck_assert_msg(!tool_bench_try_open(&bench, "mcp", config, &err), "%s", config);
    ck_assert_msg(strstr(err.message, words) != NULL, "%s: %s", config, err.message);
    ck_assert_msg(strstr(err.message, "tools.peer.config") != NULL, "%s", err.message);
    tool_bench_stop(&bench);
}

START_TEST(amap_is_a_preset)
{
    struct json_object *presets = plugin_catalogue_find(bench.catalogue, "mcp")->presets;
    struct error err = {0};

    ck_assert_str_eq(json_get_string(json_get_object(presets, "amap"), "url", NULL),
                     "https://dashscope.aliyuncs.com/api/v1/mcps/amap-maps/mcp");

    /* Nothing is sent before there is a port. */
    ck_assert_msg(
        tool_bench_load(&bench, "mcp", "{\"preset\":\"amap\",\"credential\":\"header\"}", &err),
        "%s", err.message);
}
END_TEST

START_TEST(what_is_configured_overrides_the_preset)
{
    char config[300];

    snprintf(config, sizeof config, "{\"preset\":\"amap\",\"url\":\"%s/mcp\"}", server.peer.url);
    tool_bench_open(&bench, "mcp", config);
    ck_assert_msg(tool_bench_wait_for_list(&bench), "%s", tool_bench_list_error(&bench));
    ck_assert_uint_eq(mcp_count(&server, "initialize"), 1);
}
END_TEST

START_TEST(a_wrong_configuration_is_refused_with_its_place)
{
    static const struct {
        const char *config, *words;
    } rows[] = {
        {"{}", "url"},
        {"{\"url\":\"\"}", "$.url"},
        {"{\"url\":\"http://127.0.0.1:1/mcp\",\"timeout_s\":0}", "$.timeout_s"},
        {"{\"url\":\"http://127.0.0.1:1/mcp\",\"timeout_s\":601}", "$.timeout_s"},
        {"{\"url\":\"http://127.0.0.1:1/mcp\",\"tools\":\"echo\"}", "$.tools"},
        {"{\"url\":\"http://127.0.0.1:1/mcp\",\"tools\":[1]}", "$.tools[0]"},
        {"{\"url\":\"http://127.0.0.1:1/mcp\",\"listens\":true}", "did you mean \"listen\"?"},
        {"{\"url\":\"http://127.0.0.1:1/mcp\",\"credential\":\"other\"}", "\"other\""},
        {"{\"preset\":\"amp\"}", "amap"},
        {"{\"url\":\"ftp://127.0.0.1/mcp\"}", "/url"},
        {"{\"url\":\"http://user:word@127.0.0.1/mcp\"}", "/url"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect_refusal(rows[i].config, rows[i].words);
}
END_TEST

START_TEST(the_older_transports_address_is_refused_with_the_hint)
{
    static const char *const urls[] = {"http://127.0.0.1:1/sse", "http://127.0.0.1:1/a/sse/",
                                       "http://127.0.0.1:1/sse?key=k",
                                       "https://dashscope.aliyuncs.com/api/v1/mcps/amap-maps/sse"};

    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct error err = {0};
        char config[200];

        snprintf(config, sizeof config, "{\"url\":\"%s\"}", urls[i]);
        ck_assert(!tool_bench_try_open(&bench, "mcp", config, &err));
        ck_assert_msg(strstr(err.message, "/mcp") != NULL, "%s", err.message);
        ck_assert_ptr_null(strstr(err.message, "key=k"));
        tool_bench_stop(&bench);
    }
}
END_TEST

START_TEST(an_address_that_only_looks_like_the_older_ones_is_taken)
{
    static const char *const paths[] = {"/sse/mcp", "/mysse", "/mcp?next=/sse", "/"};

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char config[200];

        snprintf(config, sizeof config, "{\"url\":\"%s%s\"}", server.peer.url, paths[i]);
        tool_bench_open(&bench, "mcp", config);
        ck_assert_msg(tool_bench_wait_for_list(&bench), "%s", tool_bench_list_error(&bench));
        ck_assert_str_eq(mcp_seen(&server, "tools/list", -1)->target, paths[i]);
        tool_bench_stop(&bench);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        amap_is_a_preset,
        what_is_configured_overrides_the_preset,
        a_wrong_configuration_is_refused_with_its_place,
        the_older_transports_address_is_refused_with_the_hint,
        an_address_that_only_looks_like_the_older_ones_is_taken,
        NULL,
    };

    return tool_bench_run("mcp_config", tests, mcp_set_up, mcp_tear_down);
}
