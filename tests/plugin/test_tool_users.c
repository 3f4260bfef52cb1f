/* A tool with a credential that stands for the user: each user has an instance of his own. */
#include "credential/broker.h"
#include "credential/subject.h"
#include "plugin/catalogue.h"
#include "plugin/tool_port.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "config/host_config.h"
#include "net/http_client.h"
#include "net/loop.h"

#include "../support/peer.h"
#include "../support/provider.h"
#include "../support/run.h"

#include <sesame/plugin.h>
#include <stdlib.h>

#define INSTANCE_MAX_COUNT 64 /* of users, on one worker */

static char folder[64];
static struct loop *loop;
static struct http_client *http;
static struct scripted_provider provider;
static struct broker *broker;
static struct plugin_catalogue *catalogue;
static struct tool_host *tool;
static struct tool_port *port;

static char credential_name[] = "enterprise";
static struct credential_config credential = {.name = credential_name,
                                              .kind = CREDENTIAL_ACCESS_TOKEN,
                                              .scope = (char[]){"svc|read"},
                                              .identity = IDENTITY_USER};
static char *names[] = {credential_name};
static struct tool_config config = {.name = (char[]){"t"},
                                    .plugin = (char[]){"counts"},
                                    .credentials = names,
                                    .credential_count = 1,
                                    .config_json = (char[]){"{}"}};

static void install(void)
{
    const char *build = getenv("SESAME_TEST_BUILDDIR");
    char command[600], path[200];
    FILE *file;

    snprintf(path, sizeof path, "%s/counts.json", folder);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file,
            "{\"id\":\"counts\",\"file\":\"counts.so\",\"version\":\"1\",\"description\":\"d\","
            "\"interfaces\":[\"sesame.tool/1\"],\"placement\":\"inline\"}");
    fclose(file);
    snprintf(command, sizeof command,
             "cp %s/.libs/fixture_counts.so %s/counts.so && chmod 0755 %s/counts.so",
             build == NULL ? "." : build, folder, folder);
    ck_assert_int_eq(system(command), 0);
}

static struct tool_host *make_tool(enum placement placement, struct error *err)
{
    struct tool_host_options options = {.config = &config,
                                        .placement = placement,
                                        .broker = broker,
                                        .result_max_bytes = 1 << 20,
                                        .json_depth = 64};

    options.library =
        plugin_library_open(catalogue, plugin_catalogue_find(catalogue, "counts"), err);
    ck_assert_msg(options.library != NULL, "%s", err->message);
    return tool_host_new(&options, err);
}

static void set_up(void)
{
    struct broker_options options = {.credentials = &credential,
                                     .credential_count = 1,
                                     .provider = provider_table(&provider),
                                     .developer_api_endpoint = "",
                                     .instance_id = "",
                                     .vault_scope = "a|b"};
    struct plugin_home home;
    struct error err = {0};

    snprintf(folder, sizeof folder, "/tmp/sesame-plugins-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    install();
    loop = loop_new(&err);
    loop_run_once(loop, 0);
    http = http_client_new(loop, NULL, &err);
    provider = (struct scripted_provider){.loop = loop};
    broker = broker_new(loop, http, &options, &err);
    ck_assert_msg(broker != NULL, "%s", err.message);
    catalogue = plugin_catalogue_new(folder, NULL, &err);
    ck_assert_msg(catalogue != NULL, "%s", err.message);
    tool = make_tool(PLACEMENT_INLINE, &err);
    ck_assert_msg(tool != NULL, "%s", err.message);
    home = (struct plugin_home){loop, http, NULL};
    port = tool_port_new(tool, &home, &err);
    ck_assert_msg(port != NULL, "%s", err.message);
}

static void note(void *arg)
{
    *(bool *)arg = true;
}

static void tear_down(void)
{
    bool has_stopped = false;
    char command[100];
    struct secret_usage usage;

    tool_port_stop(port, note, &has_stopped);
    PEER_RUN_UNTIL(loop, has_stopped);
    tool_port_free(port);
    tool_host_free(tool);
    broker_free(broker);
    plugin_catalogue_free(catalogue);
    http_client_free(http);
    for (int i = 0; i < 3; i++)
        loop_run_once(loop, 0);
    loop_free(loop);
    secret_arena_usage(&usage);
    ck_assert_uint_eq(usage.count, 0);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static struct subject *user(int number, int sign_in)
{
    struct error err = {0};
    char token[60], sub[20];
    struct subject *subject;

    snprintf(token, sizeof token, "canary-user-%d-%d", number, sign_in);
    snprintf(sub, sizeof sub, "u%d", number);
    subject = subject_new(slice_of(token), sub, "", "", 1800000000, &err);
    ck_assert_msg(subject != NULL, "%s", err.message);
    return subject;
}

static int done_count;
static char done_text[100];

static void on_done(void *arg, const struct tool_run_result *result)
{
    (void)arg;
    done_count++;
    snprintf(done_text, sizeof done_text, "%.*s", (int)(result->len < 99 ? result->len : 99),
             result->text);
}

/* What the instance of this user says: how often it was called. */
static const char *call_as(int number, int sign_in)
{
    static const struct tool_run_events events = {NULL, on_done};
    struct tool_run_request request = {.function = "act",
                                       .arguments = "{}",
                                       .arguments_len = 2,
                                       .context = "{}",
                                       .deadline_ms = clock_monotonic_ms() + 5000,
                                       .subject = user(number, sign_in)};
    struct error err = {0};

    done_count = 0;
    ck_assert_msg(tool_port_call(port, &request, &events, NULL, &err) != NULL, "%s", err.message);
    subject_free(request.subject);
    PEER_RUN_UNTIL(loop, done_count == 1);
    return done_text;
}

START_TEST(each_user_has_an_instance_of_his_own)
{
    ck_assert_str_eq(call_as(1, 0), "1");
    ck_assert_str_eq(call_as(2, 0), "1");
    ck_assert_str_eq(call_as(1, 0), "2");
    /* The same user after another sign-in. */
    ck_assert_str_eq(call_as(1, 1), "3");
    ck_assert_str_eq(call_as(2, 0), "2");
}
END_TEST

START_TEST(the_instances_of_users_who_are_away_are_ended)
{
    for (int i = 0; i < INSTANCE_MAX_COUNT; i++)
        ck_assert_str_eq(call_as(i, 0), "1");
    ck_assert_str_eq(call_as(0, 0), "2");
    ck_assert_str_eq(call_as(INSTANCE_MAX_COUNT, 0), "1"); /* user 1 has to go */
    ck_assert_str_eq(call_as(0, 0), "3");
    ck_assert_str_eq(call_as(1, 0), "1");
}
END_TEST

START_TEST(functions_are_listed_when_a_user_comes)
{
    bool is_ready = false;
    struct subject *subject = user(1, 0);

    for (int i = 0; i < 5; i++)
        loop_run_once(loop, 1);
    ck_assert_ptr_null(tool_port_functions(port, NULL));
    ck_assert_ptr_null(tool_port_prepare(port, NULL, clock_monotonic_ms() + 5000, note, &is_ready));
    ck_assert_ptr_nonnull(
        tool_port_prepare(port, subject, clock_monotonic_ms() + 5000, note, &is_ready));
    PEER_RUN_UNTIL(loop, is_ready);
    ck_assert_ptr_nonnull(tool_port_functions(port, NULL));
    subject_free(subject);
}
END_TEST

START_TEST(on_a_thread_users_would_share_an_instance_so_that_is_refused)
{
    struct error err = {0};

    ck_assert_ptr_null(make_tool(PLACEMENT_THREAD, &err));
    ck_assert_ptr_nonnull(strstr(err.message, "tools.t"));
    ck_assert_ptr_nonnull(strstr(err.message, "placement inline"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        each_user_has_an_instance_of_his_own,
        the_instances_of_users_who_are_away_are_ended,
        functions_are_listed_when_a_user_comes,
        on_a_thread_users_would_share_an_instance_so_that_is_refused,
        NULL,
    };

    return run_tests("tool_users", tests, set_up, tear_down);
}
