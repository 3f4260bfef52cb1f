/* The convenience header, compiled into this test and run in the scripted host. */
#include "../support/run.h"

#include <sesame/plugin_test.h>
#include <sesame/simple_tool.h>
#include <stdio.h>

static struct sesame_test_host *test_host;
static struct sesame_test_instance *tool;

/* ---- the plugin ------------------------------------------------------------------------------ */

/* What the configuration has at the place that the arguments name, as text, number and raw. */
static int32_t look(struct sesame_simple_call *call)
{
    char *place = sesame_simple_get_text(call, call->arguments, "/place");
    char *text = place == NULL ? NULL : sesame_simple_get_text(call, call->config, place);
    double number = sesame_simple_get_number(call, call->config, place == NULL ? "" : place, -7);
    struct sesame_text raw =
        sesame_simple_find(call, call->config, place == NULL ? "/nowhere" : place);

    sesame_simple_print(call, text == NULL ? "no text" : text);
    sesame_simple_print(call, number == -7 ? ", no number, " : number == 2.5 ? ", 2.5, " : ", ?, ");
    sesame_simple_write(call, raw.data, raw.len);
    free(place);
    free(text);
    return SESAME_OK;
}

static int32_t mistake(struct sesame_simple_call *call)
{
    call->is_error = 1;
    sesame_simple_print(call, "no such city");
    return SESAME_OK;
}

/* A failure with a message; what is_error says does not count. */
static int32_t break_down(struct sesame_simple_call *call)
{
    call->is_error = 1;
    sesame_simple_print(call, "the line is busy");
    return SESAME_UNAVAILABLE;
}

static int32_t silent(struct sesame_simple_call *call)
{
    (void)call;
    return SESAME_OK;
}

static int32_t work(struct sesame_simple_call *call)
{
    while (!sesame_simple_is_cancelled(call))
        sesame_simple_progress(call, "working");
    sesame_simple_print(call, "stopped");
    return SESAME_CANCELLED;
}

/* Everything that a JSON string must escape, and more than one buffer of it. */
static int32_t recite(struct sesame_simple_call *call)
{
    for (int round = 0; round < 1000; round++)
        for (char c = 1; c < 127; c++)
            sesame_simple_write(call, &c, 1);
    return SESAME_OK;
}

static int32_t tell(struct sesame_simple_call *call)
{
    sesame_simple_write(call, call->context.data, call->context.len);
    sesame_simple_print(call, call->deadline_ms == 1005000 ? " in time" : " late");
    return SESAME_OK;
}

#define ANY "{\"type\":\"object\"}"

static const struct sesame_simple_function functions[] = {
    {"look", "Looks\n\"there\".", ANY, look},
    {"mistake", "Errs.", ANY, mistake},
    {"fail", "Fails.", ANY, break_down},
    {"silent", "Says nothing.", ANY, silent},
    {"work", "Works.", ANY, work},
    {"recite", "Recites.", ANY, recite},
    {"tell", "Tells.", ANY, tell},
    {NULL, NULL, NULL, NULL},
};

SESAME_SIMPLE_TOOL("simple-tool", "1", "For this test.",
                   "{\"type\":\"object\",\"properties\":{\"size\":{\"type\":\"number\","
                   "\"default\":2.5}}}",
                   functions)

/* ---- the tests ------------------------------------------------------------------------------- */

static struct sesame_test_instance *make(const char *config)
{
    const struct sesame_test_options options = {.config = config};
    struct sesame_test_instance *made = sesame_test_create(test_host, &sesame_plugin_v1, &options);

    ck_assert_msg(made != NULL, "%s", sesame_test_error(test_host));
    return made;
}

static void open_host(void)
{
    test_host = sesame_test_host_new(1);
    tool = make(
        "{\"city\":\"K\\u00f6ln \\\"am Rhein\\\"\",\"list\":[1,\"two\"],\"nul\":\"a\\u0000b\","
        "\"empty\":\"\",\"digits\":\"12\"}");
}

static void close_host(void)
{
    ck_assert_uint_eq(sesame_test_fault_count(test_host), 0);
    sesame_test_host_free(test_host);
}

static struct sesame_test_call *run(const char *function, const char *arguments)
{
    struct sesame_test_call *call = sesame_test_call(tool, function, arguments, NULL);

    (void)sesame_test_wait(call);
    return call;
}

static void expect_look(const char *place, const char *found)
{
    char arguments[80];

    (void)snprintf(arguments, sizeof arguments, "{\"place\":\"%s\"}", place);
    ck_assert_str_eq(sesame_test_text(run("look", arguments)), found);
}

START_TEST(configuration_and_arguments_are_found_by_pointer)
{
    expect_look("/city", "K\xc3\xb6ln \"am Rhein\", no number, \"K\xc3\xb6ln \\\"am Rhein\\\"\"");
    expect_look("/size", "no text, 2.5, 2.5"); /* the schema's default */
    expect_look("/list/1", "two, no number, \"two\"");
    expect_look("/list", "no text, no number, [1,\"two\"]");
    expect_look("/empty", ", no number, \"\"");
    expect_look("/digits", "12, no number, \"12\"");
    expect_look("/nul", "a, no number, \"a\\u0000b\"");
    expect_look("/nobody", "no text, no number, ");
    ck_assert_str_eq(sesame_test_text(run("look", "{}")), "no text, no number, ");
    ck_assert_str_eq(sesame_test_text(run("look", "{\"place\":7}")), "no text, no number, ");
}
END_TEST

START_TEST(an_error_that_the_model_can_correct_is_a_result)
{
    struct sesame_test_call *call = run("mistake", "{}");

    ck_assert_int_eq(sesame_test_status(call), SESAME_OK);
    ck_assert_int_eq(sesame_test_is_error(call), 1);
    ck_assert_str_eq(sesame_test_text(call), "no such city");
    ck_assert_int_eq(sesame_test_is_error(run("silent", "{}")), 0);
}
END_TEST

START_TEST(a_failure_keeps_its_status_and_message)
{
    struct sesame_test_call *call = run("fail", "{}");

    ck_assert_int_eq(sesame_test_status(call), SESAME_UNAVAILABLE);
    ck_assert_str_eq(sesame_test_text(call), "the line is busy");
}
END_TEST

START_TEST(a_function_that_says_nothing_gives_an_empty_text)
{
    struct sesame_test_call *call = run("silent", "{}");

    ck_assert_int_eq(sesame_test_status(call), SESAME_OK);
    ck_assert_str_eq(sesame_test_text(call), "");
}
END_TEST

START_TEST(a_function_it_does_not_have_is_not_found)
{
    const struct sesame_test_call_options unchecked = {.arguments_are_unchecked = 1};
    static const char *const names[] = {"loo", "looks", "", "LOOK"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct sesame_test_call *call = sesame_test_call(tool, names[i], "{}", &unchecked);

        ck_assert_int_eq(sesame_test_wait(call), SESAME_NOT_FOUND);
        ck_assert_str_eq(sesame_test_text(call), "this tool has no such function");
    }
}
END_TEST

START_TEST(long_work_sees_that_it_is_cancelled)
{
    const struct sesame_test_call_options asked = {.cancel_after_asks = 4};
    const struct sesame_test_call_options late = {.timeout_ms = 300};
    struct sesame_test_call *call = sesame_test_call(tool, "work", "{}", &asked);

    ck_assert_int_eq(sesame_test_wait(call), SESAME_CANCELLED);
    ck_assert_str_eq(sesame_test_text(call), "stopped");
    ck_assert_uint_eq(sesame_test_progress_count(call), 3);
    ck_assert_str_eq(sesame_test_progress(call, 2), "working");
    sesame_test_set_tick(test_host, 100);
    call = sesame_test_call(tool, "work", "{}", &late);
    ck_assert_int_eq(sesame_test_wait(call), SESAME_TIMED_OUT);
    ck_assert_uint_eq(sesame_test_progress_count(call), 2);
}
END_TEST

START_TEST(a_cancel_that_comes_when_all_is_over_does_nothing)
{
    struct sesame_test_call *call = sesame_test_call(tool, "silent", "{}", NULL);

    sesame_test_cancel(call);
    ck_assert_int_eq(sesame_test_wait(call), SESAME_OK);
}
END_TEST

START_TEST(results_are_escaped_whatever_is_in_them)
{
    struct sesame_test_call *call = run("recite", "{}");

    ck_assert_int_eq(sesame_test_status(call), SESAME_OK);
    ck_assert_uint_eq(sesame_test_text_len(call), 126000);
    for (size_t i = 0; i < 126000; i++)
        ck_assert_int_eq(sesame_test_text(call)[i], (char)(i % 126 + 1));
}
END_TEST

START_TEST(instances_keep_their_configurations_apart)
{
    struct sesame_test_instance *first = tool;

    tool = make("{\"city\":\"Bonn\"}");
    expect_look("/city", "Bonn, no number, \"Bonn\"");
    sesame_test_destroy(first);
    expect_look("/city", "Bonn, no number, \"Bonn\"");
    tool = make("{}");
    expect_look("/city", "no text, no number, ");
}
END_TEST

START_TEST(context_and_deadline_reach_the_function)
{
    const struct sesame_test_call_options options = {.timeout_ms = 5000,
                                                     .context = "{\"request_id\":\"r1\"}"};
    struct sesame_test_call *call = sesame_test_call(tool, "tell", "{}", &options);

    ck_assert_int_eq(sesame_test_wait(call), SESAME_OK);
    ck_assert_str_eq(sesame_test_text(call), "{\"request_id\":\"r1\"} in time");
}
END_TEST

START_TEST(the_list_is_escaped_too)
{
    size_t count = 0;
    const struct sesame_test_function *list = sesame_test_list(tool, &count);

    ck_assert_uint_eq(count, 7);
    ck_assert_str_eq(list[0].name, "look");
    ck_assert_str_eq(list[0].description, "Looks\n\"there\".");
    ck_assert_str_eq(list[6].name, "tell");
}
END_TEST

START_TEST(without_a_service_it_needs_there_is_no_instance)
{
    static const char *const tool_host[] = {SESAME_TOOL_HOST_V1, NULL}, *const json[] = {
                                                                            SESAME_JSON_V1, NULL};
    const struct sesame_test_options without[] = {{.withheld = tool_host}, {.withheld = json}};

    for (size_t i = 0; i < 2; i++) {
        ck_assert_ptr_null(sesame_test_create(test_host, &sesame_plugin_v1, &without[i]));
        ck_assert_ptr_nonnull(strstr(sesame_test_error(test_host), "needs the service"));
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {configuration_and_arguments_are_found_by_pointer,
                                  an_error_that_the_model_can_correct_is_a_result,
                                  a_failure_keeps_its_status_and_message,
                                  a_function_that_says_nothing_gives_an_empty_text,
                                  a_function_it_does_not_have_is_not_found,
                                  long_work_sees_that_it_is_cancelled,
                                  a_cancel_that_comes_when_all_is_over_does_nothing,
                                  results_are_escaped_whatever_is_in_them,
                                  instances_keep_their_configurations_apart,
                                  context_and_deadline_reach_the_function,
                                  the_list_is_escaped_too,
                                  without_a_service_it_needs_there_is_no_instance,
                                  NULL};

    return run_tests("simple_tool", tests, open_host, close_host);
}
