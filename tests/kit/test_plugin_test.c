/* The scripted host for plugin authors: its clock, its calls, its log. */
#include "../support/run.h"
#include "scripted_plugin.h"

#include <pthread.h>
#include <stdio.h>

static struct sesame_test_host *host;
static struct sesame_test_instance *tool;

static uint64_t seed = 7;

static void open_host(void)
{
    host = sesame_test_host_new(seed);
    tool = sesame_test_create(host, &scripted_plugin, NULL);
    ck_assert_msg(tool != NULL, "%s", sesame_test_error(host));
}

static void close_host(void)
{
    ck_assert_uint_eq(sesame_test_fault_count(host), 0);
    sesame_test_host_free(host);
}

static struct sesame_test_call *act(void (*on_call)(struct sesame_instance *instance,
                                                    uint64_t call))
{
    scripted_on_call = on_call;
    return sesame_test_call(tool, "act", "{}", NULL);
}

/* ---- calls, time ----------------------------------------------------------------------------- */

static void answer_later(struct sesame_instance *instance, uint64_t call)
{
    const struct sesame_tool_host_v1 *to =
        SERVICE(instance, sesame_tool_host_v1, SESAME_TOOL_HOST_V1);

    ck_assert_int_eq(to->emit(instance->host, call, scripted_text("half way")), SESAME_OK);
    (void)SERVICE(instance, sesame_loop_v1, SESAME_LOOP_V1)
        ->timer_start(instance->host, 1500, scripted_answer, call);
}

START_TEST(time_stands_still_until_the_test_moves_it)
{
    struct sesame_test_call *call = act(answer_later);

    ck_assert_int_eq(sesame_test_now_ms(host), 1000000);
    sesame_test_advance(host, 1499);
    ck_assert_int_eq(sesame_test_is_over(call), 0);
    ck_assert_uint_eq(sesame_test_open_handles(tool, "timer"), 1);
    ck_assert_uint_eq(sesame_test_open_handles(tool, "call"), 1);
    sesame_test_advance(host, 1);
    ck_assert_int_eq(sesame_test_is_over(call), 1);
    ck_assert_int_eq(sesame_test_status(call), SESAME_OK);
    ck_assert_str_eq(sesame_test_text(call), "done");
    ck_assert_uint_eq(sesame_test_progress_count(call), 1);
    ck_assert_str_eq(sesame_test_progress(call, 0), "half way");
    ck_assert_uint_eq(sesame_test_open_handles(tool, "timer"), 0);
}
END_TEST

START_TEST(waiting_moves_the_clock_to_the_end_of_the_call)
{
    ck_assert_int_eq(sesame_test_wait(act(answer_later)), SESAME_OK);
    ck_assert_int_eq(sesame_test_now_ms(host), 1001500);
    ck_assert_int_eq(sesame_test_wall_now_ms(host), 1893456001500);
}
END_TEST

static void work_until_cancelled(struct sesame_instance *instance, uint64_t call)
{
    const struct sesame_tool_host_v1 *to =
        SERVICE(instance, sesame_tool_host_v1, SESAME_TOOL_HOST_V1);

    while (to->is_cancelled(instance->host, call) == 0)
        ;
    (void)scripted_complete(instance, call, SESAME_CANCELLED, "stopped");
}

START_TEST(a_loop_that_waits_sees_the_deadline_when_looking_takes_time)
{
    const struct sesame_test_call_options options = {.timeout_ms = 5000};

    sesame_test_set_tick(host, 100);
    scripted_on_call = work_until_cancelled;
    ck_assert_int_eq(sesame_test_wait(sesame_test_call(tool, "act", "{}", &options)),
                     SESAME_TIMED_OUT);
    ck_assert_uint_eq(sesame_test_count(host, SESAME_TOOL_HOST_V1, "is_cancelled"), 50);
}
END_TEST

START_TEST(a_loop_that_works_is_cancelled_at_the_look_the_test_names)
{
    const struct sesame_test_call_options options = {.cancel_after_asks = 3};

    scripted_on_call = work_until_cancelled;
    ck_assert_int_eq(sesame_test_wait(sesame_test_call(tool, "act", "{}", &options)),
                     SESAME_CANCELLED);
    ck_assert_uint_eq(sesame_test_count(host, SESAME_TOOL_HOST_V1, "is_cancelled"), 3);
}
END_TEST

static void leave_open(struct sesame_instance *instance, uint64_t call)
{
    (void)instance;
    (void)call;
}

static void stop_when_asked(struct sesame_instance *instance, uint64_t call)
{
    (void)scripted_complete(instance, call, SESAME_CANCELLED, "as you wish");
}

START_TEST(a_cancelled_call_ends_as_the_plugin_ends_it)
{
    struct sesame_test_call *call = act(leave_open);

    scripted_on_cancel = stop_when_asked;
    sesame_test_cancel(call);
    ck_assert_int_eq(sesame_test_wait(call), SESAME_CANCELLED);
    ck_assert_str_eq(sesame_test_text(call), "as you wish");
}
END_TEST

START_TEST(a_late_call_is_timed_out)
{
    scripted_on_cancel = stop_when_asked;
    ck_assert_int_eq(sesame_test_wait(act(leave_open)), SESAME_TIMED_OUT);
    ck_assert_int_eq(sesame_test_now_ms(host), 1060000);
}
END_TEST

START_TEST(arguments_are_checked_before_the_plugin_sees_them)
{
    struct sesame_test_call *call;
    const struct sesame_test_call_options unchecked = {.arguments_are_unchecked = 1};

    scripted_on_call = scripted_answer;
    call = sesame_test_call(tool, "act", "{\"n\":\"many\"}", NULL);
    ck_assert_int_eq(sesame_test_status(call), SESAME_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(sesame_test_text(call), "integer"));
    call = sesame_test_call(tool, "dance", "{}", NULL);
    ck_assert_int_eq(sesame_test_status(call), SESAME_NOT_FOUND);
    call = sesame_test_call(tool, "dance", "[", &unchecked);
    ck_assert_int_eq(sesame_test_wait(call), SESAME_OK);
}
END_TEST

START_TEST(functions_are_listed_as_the_host_reads_them)
{
    size_t count = 0;
    const struct sesame_test_function *functions = sesame_test_list(tool, &count);

    ck_assert_uint_eq(count, 1);
    ck_assert_str_eq(functions[0].name, "act");
    ck_assert_str_eq(functions[0].description, "Acts.");
    ck_assert_ptr_nonnull(strstr(functions[0].parameters, "\"integer\""));
}
END_TEST

/* ---- threads --------------------------------------------------------------------------------- */

static pthread_t worker;
static const struct sesame_loop_v1 *loop_of_worker;

static void *post_from_elsewhere(void *arg)
{
    struct sesame_instance *instance = arg;

    ck_assert_int_eq(loop_of_worker->post(instance->host, scripted_answer, instance->call),
                     SESAME_OK);
    return NULL;
}

static void work_on_a_thread(struct sesame_instance *instance, uint64_t call)
{
    (void)call;
    loop_of_worker = SERVICE(instance, sesame_loop_v1, SESAME_LOOP_V1);
    ck_assert_int_eq(pthread_create(&worker, NULL, post_from_elsewhere, instance), 0);
}

START_TEST(a_post_from_a_thread_is_waited_for_and_noted_as_such)
{
    struct sesame_test_call *call = act(work_on_a_thread);
    struct sesame_test_host_call seen;
    size_t i = 0;

    while (!sesame_test_is_over(call))
        ck_assert_int_eq(sesame_test_wait_for_post(host, 20000), 1);
    pthread_join(worker, NULL);
    do
        seen = sesame_test_host_call(host, i++);
    while (strcmp(seen.function, "post") != 0);
    ck_assert_int_eq(seen.is_home_thread, 0);
    ck_assert_int_eq(sesame_test_wait_for_post(host, 0), 0);
}
END_TEST

/* ---- providers ------------------------------------------------------------------------------- */

static void give_secret(struct sesame_instance *instance, uint64_t call)
{
    struct sesame_token_result result = {.data = scripted_text("{\"expires_in_s\":77}")};

    (void)SERVICE(instance, sesame_secret_v1, SESAME_SECRET_V1)
        ->from_config(instance->host, scripted_text("/secret"), &result.token);
    (void)SERVICE(instance, sesame_credential_provider_host_v1, SESAME_CREDENTIAL_PROVIDER_HOST_V1)
        ->complete(instance->host, call, SESAME_OK, &result);
}

START_TEST(a_provider_gives_a_token_from_its_configured_secret)
{
    const struct sesame_test_options options = {.config = "{\"secret\":\"KIT_TEST_SECRET\"}"};
    struct sesame_test_instance *provider;
    struct sesame_test_call *call;

    ck_assert_int_eq(setenv("KIT_TEST_SECRET", "from the environment", 1), 0);
    provider = sesame_test_create_provider(host, &scripted_plugin, &options);
    ck_assert_msg(provider != NULL, "%s", sesame_test_error(host));
    scripted_on_fetch = give_secret;
    call = sesame_test_fetch(provider, "https://svc.example|read", NULL);
    ck_assert_int_eq(sesame_test_wait(call), SESAME_OK);
    ck_assert_str_eq(sesame_test_text(call), "from the environment");
    ck_assert_int_eq(sesame_test_token(call).expires_in_s, 77);
    ck_assert_int_eq(sesame_test_token(call).expires_at_s, -1);
    ck_assert_uint_eq(sesame_test_open_handles(provider, "secret"), 0);
}
END_TEST

static char seen[40];

static void refuse(struct sesame_instance *instance, uint64_t call)
{
    struct sesame_platform_credentials key = {0};
    struct sesame_text id = {"", 0};
    struct sesame_token_result result = {
        .data = scripted_text("{\"code\":\"NoKey\",\"message\":\"none\",\"retry_after_ms\":9}")};

    if (SERVICE(instance, sesame_platform_credentials_v1, SESAME_PLATFORM_CREDENTIALS_V1)
            ->get(instance->host, scripted_text("alibaba-sts"), &key) == SESAME_OK)
        (void)SERVICE(instance, sesame_secret_v1, SESAME_SECRET_V1)
            ->borrow(instance->host, key.access_key_id, &id);
    strncat(seen, id.len == 0 ? "none" : id.data, sizeof seen - strlen(seen) - 1);
    (void)SERVICE(instance, sesame_credential_provider_host_v1, SESAME_CREDENTIAL_PROVIDER_HOST_V1)
        ->complete(instance->host, call, SESAME_DENIED, &result);
}

START_TEST(a_provider_refuses_and_sees_the_platforms_key_once_there_is_one)
{
    struct sesame_test_instance *provider =
        sesame_test_create_provider(host, &scripted_plugin, NULL);
    struct sesame_test_call *call;

    scripted_on_fetch = refuse;
    call = sesame_test_fetch(provider, "a|b", NULL);
    ck_assert_int_eq(sesame_test_wait(call), SESAME_DENIED);
    ck_assert_str_eq(sesame_test_text(call), "none");
    ck_assert_str_eq(sesame_test_token(call).code, "NoKey");
    ck_assert_int_eq(sesame_test_token(call).retry_after_ms, 9);
    sesame_test_set_platform_credentials(host, "STS.id", "secret-of-key", "token-of-key");
    ck_assert_int_eq(sesame_test_wait(sesame_test_fetch(provider, "a|b", NULL)), SESAME_DENIED);
    ck_assert_str_eq(seen, "noneSTS.id");
}
END_TEST

/* ---- configuration, services, log ------------------------------------------------------------ */

START_TEST(a_configuration_is_checked_against_the_schema)
{
    const struct sesame_test_options wrong = {.config = "{\"size\":10,\"colour\":\"red\"}"};

    ck_assert_ptr_null(sesame_test_create(host, &scripted_plugin, &wrong));
    ck_assert_ptr_nonnull(strstr(sesame_test_error(host), "size"));
    ck_assert_ptr_nonnull(strstr(sesame_test_error(host), "colour"));
}
END_TEST

static void look_for_services(struct sesame_instance *instance, uint64_t call)
{
    ck_assert_ptr_null(SERVICE(instance, sesame_http_v1, SESAME_HTTP_V1));
    ck_assert_ptr_null(SERVICE(instance, sesame_secret_v1, SESAME_SECRET_V1));
    ck_assert_ptr_nonnull(SERVICE(instance, sesame_json_v1, SESAME_JSON_V1));
    scripted_answer(instance, call);
}

START_TEST(a_service_can_be_withheld)
{
    static const char *const http[] = {"sesame.http/1", NULL}, *const log[] = {"sesame.log/1",
                                                                               NULL};
    const struct sesame_test_options without_http = {.withheld = http},
                                     without_log = {.withheld = log};

    ck_assert_ptr_null(sesame_test_create(host, &scripted_plugin, &without_log));
    ck_assert_ptr_nonnull(strstr(sesame_test_error(host), "needs the service sesame.log/1"));
    tool = sesame_test_create(host, &scripted_plugin, &without_http);
    ck_assert_ptr_nonnull(tool);
    ck_assert_int_eq(sesame_test_wait(act(look_for_services)), SESAME_OK);
}
END_TEST

static char drawn[3][33];
static int draws;

static void draw(struct sesame_instance *instance, uint64_t call)
{
    unsigned char bytes[16];

    SERVICE(instance, sesame_random_v1, SESAME_RANDOM_V1)
        ->bytes(instance->host, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(drawn[draws] + 2 * i, 3, "%02x", bytes[i]);
    SERVICE(instance, sesame_log_v1, SESAME_LOG_V1)
        ->write(instance->host, SESAME_LOG_WARN, scripted_text("drawn"),
                scripted_text("{\"n\":1}"));
    scripted_answer(instance, call);
}

START_TEST(the_seed_decides_and_the_log_is_kept)
{
    struct sesame_test_log record;

    for (draws = 0; draws < 3; draws++) {
        seed = draws < 2 ? 7 : 8;
        sesame_test_host_free(host);
        open_host();
        ck_assert_int_eq(sesame_test_wait(act(draw)), SESAME_OK);
    }
    ck_assert_str_eq(drawn[0], drawn[1]);
    ck_assert_str_ne(drawn[1], drawn[2]);
    ck_assert_uint_eq(sesame_test_log_count(host), 1);
    record = sesame_test_log(host, 0);
    ck_assert_int_eq(record.level, SESAME_LOG_WARN);
    ck_assert_str_eq(record.message, "drawn");
    ck_assert_str_eq(record.fields, "{\"n\":1}");
    ck_assert_int_eq(record.is_host, 0);
}
END_TEST

static int32_t say_farewell(struct sesame_instance *instance)
{
    (void)SERVICE(instance, sesame_loop_v1, SESAME_LOOP_V1);
    return SESAME_PENDING;
}

START_TEST(a_farewell_is_waited_for_two_seconds)
{
    scripted_on_stop = say_farewell;
    sesame_test_destroy(tool);
    ck_assert_int_eq(sesame_test_now_ms(host), 1002000);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {time_stands_still_until_the_test_moves_it,
                                  waiting_moves_the_clock_to_the_end_of_the_call,
                                  a_loop_that_waits_sees_the_deadline_when_looking_takes_time,
                                  a_loop_that_works_is_cancelled_at_the_look_the_test_names,
                                  a_cancelled_call_ends_as_the_plugin_ends_it,
                                  a_late_call_is_timed_out,
                                  arguments_are_checked_before_the_plugin_sees_them,
                                  functions_are_listed_as_the_host_reads_them,
                                  a_post_from_a_thread_is_waited_for_and_noted_as_such,
                                  a_provider_gives_a_token_from_its_configured_secret,
                                  a_provider_refuses_and_sees_the_platforms_key_once_there_is_one,
                                  a_configuration_is_checked_against_the_schema,
                                  a_service_can_be_withheld,
                                  the_seed_decides_and_the_log_is_kept,
                                  a_farewell_is_waited_for_two_seconds,
                                  NULL};

    return run_tests("plugin_test", tests, open_host, close_host);
}
