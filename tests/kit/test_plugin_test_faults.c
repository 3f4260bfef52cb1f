/* The scripted host finds what a plugin does wrong. */
#include "../support/run.h"
#include "scripted_plugin.h"

#include <pthread.h>
#include <stdio.h>

static struct sesame_test_host *host;

static void open_host(void)
{
    host = sesame_test_host_new(1);
}

static void close_host(void)
{
    sesame_test_host_free(host);
}

static struct sesame_test_instance *make_tool(void)
{
    struct sesame_test_instance *tool = sesame_test_create(host, &scripted_plugin, NULL);

    ck_assert_msg(tool != NULL, "%s", sesame_test_error(host));
    return tool;
}

static int32_t act(struct sesame_test_instance *tool,
                   void (*on_call)(struct sesame_instance *instance, uint64_t call))
{
    scripted_on_call = on_call;
    return sesame_test_wait(sesame_test_call(tool, "act", "{}", NULL));
}

static void expect_fault(const char *kind)
{
    for (size_t i = 0; i < sesame_test_fault_count(host); i++)
        if (strcmp(sesame_test_fault(host, i).kind, kind) == 0)
            return;
    ck_abort_msg("no %s among %zu faults", kind, sesame_test_fault_count(host));
}

static const struct sesame_plugin *fixture(const char *name)
{
    const char *build = getenv("SESAME_TEST_BUILDDIR");
    const struct sesame_plugin *plugin;
    char path[600];

    snprintf(path, sizeof path, "%s/.libs/fixture_%s.so", build == NULL ? "." : build, name);
    plugin = sesame_test_load(host, path);
    ck_assert_msg(plugin != NULL || strcmp(name, "wrongmajor") == 0 ||
                      strcmp(name, "nosymbol") == 0,
                  "%s", sesame_test_error(host));
    return plugin;
}

/* ---- the fixtures ---------------------------------------------------------------------------- */

static int32_t call_fixture(const char *name)
{
    struct sesame_test_instance *tool = sesame_test_create(host, fixture(name), NULL);

    ck_assert_msg(tool != NULL, "%s", sesame_test_error(host));
    return sesame_test_wait(sesame_test_call(tool, "act", "{\"n\":1}", NULL));
}

START_TEST(the_good_fixture_has_but_its_broken_function)
{
    ck_assert_int_eq(call_fixture("good"), SESAME_OK);
    ck_assert_uint_eq(sesame_test_fault_count(host), 1);
    expect_fault("bad_function");
    ck_assert_str_eq(sesame_test_fault(host, 0).instance, "good");
}
END_TEST

START_TEST(bad_fixtures_are_found)
{
    ck_assert_int_eq(call_fixture("twice"), SESAME_OK);
    expect_fault("completed_twice");
    ck_assert_int_eq(call_fixture("never"), SESAME_TIMED_OUT);
    expect_fault("never_completed");
    ck_assert_int_eq(call_fixture("floods"), SESAME_INTERNAL);
    ck_assert_int_eq(call_fixture("badresult"), SESAME_INTERNAL);
    expect_fault("bad_result");
}
END_TEST

START_TEST(fixtures_that_are_no_plugins_are_refused)
{
    ck_assert_ptr_null(sesame_test_create(host, fixture("nulltables"), NULL));
    ck_assert_ptr_nonnull(strstr(sesame_test_error(host), "NULL"));
    ck_assert_ptr_null(sesame_test_create(host, fixture("brokenschema"), NULL));
    ck_assert_ptr_nonnull(strstr(sesame_test_error(host), "schema"));
    ck_assert_ptr_null(fixture("wrongmajor"));
    ck_assert_ptr_null(fixture("nosymbol"));
    ck_assert_ptr_nonnull(strstr(sesame_test_error(host), "sesame_plugin_v1"));
}
END_TEST

START_TEST(a_plugin_that_blocks_sees_that_it_is_cancelled)
{
    const struct sesame_test_call_options options = {.cancel_after_asks = 5};
    struct sesame_test_instance *tool = sesame_test_create(host, fixture("blocks"), NULL);

    ck_assert_int_eq(sesame_test_wait(sesame_test_call(tool, "act", "{\"n\":1}", &options)),
                     SESAME_OK);
}
END_TEST

START_TEST(instances_of_one_plugin_are_apart)
{
    const struct sesame_plugin *counts = fixture("counts");
    const struct sesame_test_options options = {.name = "second"};
    struct sesame_test_instance *first = sesame_test_create(host, counts, NULL),
                                *second = sesame_test_create(host, counts, &options);
    struct sesame_test_call *call;

    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(sesame_test_wait(sesame_test_call(first, "act", "{}", NULL)), SESAME_OK);
    call = sesame_test_call(second, "act", "{}", NULL);
    ck_assert_int_eq(sesame_test_wait(call), SESAME_OK);
    ck_assert_str_eq(sesame_test_text(call), "1");
    sesame_test_destroy(first);
    call = sesame_test_call(second, "act", "{}", NULL);
    ck_assert_int_eq(sesame_test_wait(call), SESAME_OK);
    ck_assert_str_eq(sesame_test_text(call), "2");
}
END_TEST

static void fetch_fixture(const char *behaviour, int32_t status, const char *fault)
{
    char config[60];
    struct sesame_test_options options = {.config = config};
    struct sesame_test_instance *provider;
    size_t before = sesame_test_fault_count(host);

    snprintf(config, sizeof config, "{\"behaviour\":\"%s\"}", behaviour);
    provider = sesame_test_create(host, fixture("provider"), &options);
    ck_assert_msg(provider != NULL, "%s", sesame_test_error(host));
    ck_assert_int_eq(sesame_test_wait(sesame_test_fetch(provider, "a|b", NULL)), status);
    if (fault != NULL)
        expect_fault(fault);
    else
        ck_assert_uint_eq(sesame_test_fault_count(host), before);
}

START_TEST(a_providers_faults_are_found)
{
    fetch_fixture("later", SESAME_OK, NULL);
    fetch_fixture("refuses", SESAME_DENIED, NULL);
    fetch_fixture("never", SESAME_TIMED_OUT, NULL);
    fetch_fixture("empty", SESAME_INTERNAL, "bad_result");
    fetch_fixture("twice", SESAME_OK, "completed_twice");
    fetch_fixture("deaf", SESAME_TIMED_OUT, "never_completed");
}
END_TEST

/* ---- others ---------------------------------------------------------------------------------- */

static void complete_anything(struct sesame_instance *instance, uint64_t call)
{
    ck_assert_int_eq(scripted_complete(instance, call + 4711, SESAME_OK, "{}"), SESAME_NOT_FOUND);
    scripted_answer(instance, call);
}

START_TEST(an_unknown_handle_is_a_fault)
{
    ck_assert_int_eq(act(make_tool(), complete_anything), SESAME_OK);
    ck_assert_uint_eq(sesame_test_fault_count(host), 1);
    expect_fault("unknown_handle");
}
END_TEST

static void answer_after_the_end(struct sesame_instance *instance, uint64_t call)
{
    (void)SERVICE(instance, sesame_loop_v1, SESAME_LOOP_V1)
        ->timer_start(instance->host, 63000, scripted_answer, call);
}

START_TEST(a_late_completion_is_a_fault)
{
    ck_assert_int_eq(act(make_tool(), answer_after_the_end), SESAME_TIMED_OUT);
    sesame_test_advance(host, 2000);
    expect_fault("never_completed");
    expect_fault("completed_late");
}
END_TEST

static const struct sesame_tool_host_v1 *tool_host;
static const struct sesame_clock_v1 *clock_service;

static void *complete_from_elsewhere(void *arg)
{
    struct sesame_instance *instance = arg;

    (void)clock_service->monotonic_ms(instance->host);
    ck_assert_int_eq(tool_host->complete(instance->host, instance->call, SESAME_OK,
                                         scripted_text("{\"text\":\"\"}")),
                     SESAME_INTERNAL);
    return NULL;
}

static void leave_the_thread(struct sesame_instance *instance, uint64_t call)
{
    pthread_t thread;

    tool_host = SERVICE(instance, sesame_tool_host_v1, SESAME_TOOL_HOST_V1);
    clock_service = SERVICE(instance, sesame_clock_v1, SESAME_CLOCK_V1);
    ck_assert_int_eq(pthread_create(&thread, NULL, complete_from_elsewhere, instance), 0);
    pthread_join(thread, NULL);
    scripted_answer(instance, call);
}

START_TEST(a_call_from_a_wrong_thread_is_a_fault)
{
    ck_assert_int_eq(act(make_tool(), leave_the_thread), SESAME_OK);
    ck_assert_uint_eq(sesame_test_fault_count(host), 2); /* the clock's, the completion's */
    expect_fault("wrong_thread");
}
END_TEST

static void spin(struct sesame_instance *instance, uint64_t tag)
{
    (void)SERVICE(instance, sesame_loop_v1, SESAME_LOOP_V1)
        ->timer_start(instance->host, 0, spin, tag);
}

START_TEST(work_without_end_is_a_fault)
{
    struct sesame_test_instance *tool = make_tool();

    (void)sesame_test_wait(sesame_test_start_list(tool, NULL));
    ck_assert_int_eq(act(tool, spin), SESAME_INTERNAL);
    expect_fault("spins");
}
END_TEST

static const struct sesame_host *host_of_plugin;

static void keep_host(struct sesame_instance *instance, uint64_t call)
{
    host_of_plugin = instance->host;
    tool_host = SERVICE(instance, sesame_tool_host_v1, SESAME_TOOL_HOST_V1);
    scripted_answer(instance, call);
}

START_TEST(a_call_into_the_host_after_destroy_is_a_fault)
{
    struct sesame_test_instance *tool = make_tool();

    ck_assert_int_eq(act(tool, keep_host), SESAME_OK);
    sesame_test_destroy(tool);
    tool_host->changed(host_of_plugin);
    ck_assert_uint_eq(sesame_test_fault_count(host), 1);
    expect_fault("late_host_call");
}
END_TEST

static void leak(struct sesame_instance *instance, uint64_t call)
{
    struct sesame_token_result result = {.data = scripted_text("{}")};
    const struct sesame_secret_v1 *secret = SERVICE(instance, sesame_secret_v1, SESAME_SECRET_V1);
    uint64_t forgotten;

    ck_assert_int_eq(secret->create(instance->host, scripted_text("forgotten"), &forgotten),
                     SESAME_OK);
    ck_assert_int_eq(secret->create(instance->host, scripted_text("token"), &result.token),
                     SESAME_OK);
    (void)SERVICE(instance, sesame_credential_provider_host_v1, SESAME_CREDENTIAL_PROVIDER_HOST_V1)
        ->complete(instance->host, call, SESAME_OK, &result);
}

START_TEST(secrets_that_pile_up_are_a_fault)
{
    struct sesame_test_instance *provider =
        sesame_test_create_provider(host, &scripted_plugin, NULL);

    scripted_on_fetch = leak;
    for (size_t i = 1; i <= 2; i++) {
        ck_assert_int_eq(sesame_test_wait(sesame_test_fetch(provider, "a|b", NULL)), SESAME_OK);
        ck_assert_uint_eq(sesame_test_open_handles(provider, "secret"), i);
    }
    sesame_test_destroy(provider);
    expect_fault("handles_left");
}
END_TEST

static void on_done(struct sesame_instance *instance, uint64_t tag, int32_t status,
                    struct sesame_text message, uint64_t answer)
{
    (void)message;
    (void)answer;
    (void)scripted_complete(instance, tag, status, "");
}

static void ask_nobody(struct sesame_instance *instance, uint64_t call)
{
    static const struct sesame_http_events events = {NULL, NULL, on_done};
    const struct sesame_http_request request = {.method = scripted_text("GET"),
                                                .url = scripted_text("https://svc.example/")};
    uint64_t http;

    ck_assert_int_eq(SERVICE(instance, sesame_http_v1, SESAME_HTTP_V1)
                         ->start(instance->host, &request, &events, call, &http),
                     SESAME_OK);
}

START_TEST(a_request_that_the_test_did_not_expect_is_a_fault)
{
    const struct sesame_test_options options = {.config = "{\"url\":\"https://svc.example\"}"};
    struct sesame_test_instance *tool = sesame_test_create(host, &scripted_plugin, &options);

    ck_assert_int_eq(act(tool, ask_nobody), SESAME_UNAVAILABLE);
    expect_fault("unanswered_request");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_good_fixture_has_but_its_broken_function,
                                  bad_fixtures_are_found,
                                  fixtures_that_are_no_plugins_are_refused,
                                  a_plugin_that_blocks_sees_that_it_is_cancelled,
                                  instances_of_one_plugin_are_apart,
                                  a_providers_faults_are_found,
                                  an_unknown_handle_is_a_fault,
                                  a_late_completion_is_a_fault,
                                  a_call_from_a_wrong_thread_is_a_fault,
                                  work_without_end_is_a_fault,
                                  a_call_into_the_host_after_destroy_is_a_fault,
                                  secrets_that_pile_up_are_a_fault,
                                  a_request_that_the_test_did_not_expect_is_a_fault,
                                  NULL};

    return run_tests("plugin_test_faults", tests, open_host, close_host);
}
