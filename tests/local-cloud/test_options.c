/* The command line of the stand-in: what each option sets, and what is refused with which words. */
#include "base/error.h"
#include "local-cloud/options.h"

#include <check.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARGUMENT_MAX_COUNT = 48 };

static struct options options;
static struct error err;

/* Reads the words of `line`, which are separated by blanks; they stay until the next call. */
static bool read_line(const char *line)
{
    static char program[] = "sesame-local-cloud";
    static char text[2048];
    static char *arguments[ARGUMENT_MAX_COUNT];
    int count = 0;
    char *at = text;

    ck_assert_uint_lt(strlen(line), sizeof text);
    memcpy(text, line, strlen(line) + 1);
    arguments[count++] = program;
    while (*at != '\0') {
        arguments[count++] = at;
        at += strcspn(at, " ");
        if (*at != '\0')
            *at++ = '\0';
    }
    arguments[count] = NULL;
    optind = 0; /* getopt starts anew */
    error_clear(&err);
    memset(&options, 0, sizeof options);
    return options_read(count, arguments, &options, &err);
}

START_TEST(without_options_everything_has_its_default)
{
    ck_assert(read_line(""));
    ck_assert_ptr_null(options.state_dir);
    ck_assert_ptr_null(options.secret_prefix);
    ck_assert_str_eq(options.agent_url, "http://127.0.0.1:9002");
    ck_assert_str_eq(options.metrics_listen, "127.0.0.1:9003");
    ck_assert_uint_eq(options.page_url_count, 0);
    ck_assert_int_eq(options.ports.issuer, 0);
    ck_assert(!options.exits_with_parent && !options.wants_help && !options.wants_version);
}
END_TEST

START_TEST(each_option_sets_its_own)
{
    ck_assert_msg(read_line("--state-dir /tmp/x --agent-url https://a.example.com:1/p "
                            "--metrics-listen 127.0.0.1:5 --secret-prefix ab_9-Z "
                            "--exit-with-parent --page-url http://a/ --page-url=http://b/"),
                  "%s", err.message);
    ck_assert_str_eq(options.state_dir, "/tmp/x");
    ck_assert_str_eq(options.agent_url, "https://a.example.com:1/p");
    ck_assert_str_eq(options.metrics_listen, "127.0.0.1:5");
    ck_assert_str_eq(options.secret_prefix, "ab_9-Z");
    ck_assert(options.exits_with_parent);
    ck_assert_uint_eq(options.page_url_count, 2);
    ck_assert_str_eq(options.page_urls[0], "http://a/");
    ck_assert_str_eq(options.page_urls[1], "http://b/");
}
END_TEST

START_TEST(every_port_that_the_help_names_can_be_fixed)
{
    static const struct {
        const char *name;
        size_t offset;
    } ports[] = {
        {"issuer", offsetof(struct cloud_ports, issuer)},
        {"issuer-https", offsetof(struct cloud_ports, issuer_https)},
        {"developer-api", offsetof(struct cloud_ports, developer_api)},
        {"developer-api-https", offsetof(struct cloud_ports, developer_api_https)},
        {"openapi", offsetof(struct cloud_ports, openapi)},
        {"openapi-https", offsetof(struct cloud_ports, openapi_https)},
        {"sts", offsetof(struct cloud_ports, sts)},
        {"sts-https", offsetof(struct cloud_ports, sts_https)},
        {"metadata", offsetof(struct cloud_ports, metadata)},
        {"model", offsetof(struct cloud_ports, model)},
        {"mcp", offsetof(struct cloud_ports, mcp)},
        {"enterprise", offsetof(struct cloud_ports, enterprise)},
        {"control", offsetof(struct cloud_ports, control)},
    };
    char line[64];
    int port;

    ck_assert_uint_eq(sizeof ports / sizeof ports[0], sizeof options.ports / sizeof(int));
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
        snprintf(line, sizeof line, "--port %s=%zu", ports[i].name, 1000 + i);
        ck_assert_msg(read_line(line), "%s", err.message);
        memcpy(&port, (char *)&options.ports + ports[i].offset, sizeof port);
        ck_assert_int_eq(port, (int)(1000 + i));
        ck_assert_ptr_nonnull(strstr(options_help, ports[i].name));
    }
    ck_assert(read_line("--port issuer=0 --port control=65535"));
    ck_assert_int_eq(options.ports.control, 65535);
}
END_TEST

static const struct {
    const char *line, *says;
} mistakes[] = {
    {"--port issuer", "NAME=PORT"},
    {"--port issuer=", "NAME=PORT"},
    {"--port issuer=65536", "from 0 to 65535"},
    {"--port issuer=-1", "from 0 to 65535"},
    {"--port issuer=80x", "from 0 to 65535"},
    {"--port isuer=80", "no port named isuer"},
    {"--port =80", "no port named"},
    {"--agent-url ftp://a/", "--agent-url: ftp://a/ is no http(s) URL"},
    {"--agent-url http://a/'", "--agent-url"},
    {"--metrics-listen 1:2\"", "--metrics-listen: 1:2\" is no address"},
    {"--page-url javascript:alert(1)", "--page-url"},
    {"--page-url http://a/<b>", "--page-url"},
    {"--secret-prefix a/b", "only letters, digits, _ and -"},
    {"--state-dir", "see --help"},
    {"--unknown", "see --help"},
    {"extra", "unexpected argument extra"},
    {"--exit-with-parent extra", "unexpected argument extra"},
};

START_TEST(a_mistake_is_named)
{
    ck_assert(!read_line(mistakes[_i].line));
    ck_assert_int_eq(err.code, ERROR_BAD_INPUT);
    ck_assert_msg(strstr(err.message, mistakes[_i].says) != NULL, "%s", err.message);
}
END_TEST

static bool read_pages(int count)
{
    char line[2048] = "";
    size_t len = 0;

    for (int i = 0; i < count; i++)
        len += (size_t)snprintf(line + len, sizeof line - len, "%s--page-url http://a/",
                                i == 0 ? "" : " ");
    return read_line(line);
}

START_TEST(a_page_too_many_is_refused)
{
    ck_assert_msg(read_pages(PAGE_URL_MAX_COUNT), "%s", err.message);
    ck_assert_uint_eq(options.page_url_count, PAGE_URL_MAX_COUNT);
    ck_assert(!read_pages(PAGE_URL_MAX_COUNT + 1));
    ck_assert_ptr_nonnull(strstr(err.message, "one too many"));
}
END_TEST

START_TEST(help_and_version_are_wishes_like_others)
{
    ck_assert(read_line("--help"));
    ck_assert(options.wants_help && !options.wants_version);
    ck_assert(read_line("--version"));
    ck_assert(options.wants_version);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *all = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_set_timeout(all, 60); /* machines under load */
    tcase_add_test(all, without_options_everything_has_its_default);
    tcase_add_test(all, each_option_sets_its_own);
    tcase_add_test(all, every_port_that_the_help_names_can_be_fixed);
    tcase_add_loop_test(all, a_mistake_is_named, 0, sizeof mistakes / sizeof mistakes[0]);
    tcase_add_test(all, a_page_too_many_is_refused);
    tcase_add_test(all, help_and_version_are_wishes_like_others);
    suite_add_tcase(suite, all);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
