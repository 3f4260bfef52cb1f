/* Checks of a tool's calls: plain, random, extreme and wrong ones. */
#include "check/check.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "check/bench.h"
#include "check/probe.h"
#include "check/sample.h"
#include "plugin/tool_port.h"

#include <json-c/json.h>
#include <sesame/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL_MS 1500
#define SHORT_MS 600 /* where it does not matter whether the call is good */
#define RANDOM_COUNT 25
#define RANDOM_COUNT_APART 8
#define PARALLEL_COUNT 8
#define REPEAT_COUNT 40
#define HANDLE_SLACK 8

static struct tool_functions *list(struct check *check, struct bench *bench)
{
    struct tool_functions *functions = bench_functions(bench, NULL);

    if (functions == NULL || functions->count == 0)
        check_skip(check, "the functions could not be listed (list.completes says why)");
    return functions;
}

/* One call that the plugin, not the host, must end. False: it went on until its time was over. */
static bool call(struct check *check, struct bench *bench, const char *function,
                 const char *arguments)
{
    struct bench_result result;
    bool was_quick;

    (void)bench_start_call(bench, function, arguments, SHORT_MS, &result);
    bench_wait(bench, &result);
    if (strstr(bench_misbehaviour(bench), "never_completed") != NULL)
        check_fail(check,
                   "%.60s with %.200s was never completed; the host did it after the "
                   "deadline and its grace time",
                   function, arguments);
    was_quick = result.took_ms < SHORT_MS;
    bench_result_clear(&result);
    return was_quick;
}

static void call_samples(struct check *check, struct bench *bench, enum sample_kind kind, int count)
{
    struct tool_functions *functions = list(check, bench);

    for (size_t f = 0; f < functions->count; f++)
        for (int i = 0; i < count; i++) {
            CLEANUP(cleanup_free)
            char *arguments = bench_arguments(bench, &functions->items[f], (int)kind);

            if (arguments != NULL && !call(check, bench, functions->items[f].name, arguments))
                break;
        }
    bench_expect_no(bench, NULL);
}

static void completes(struct check *check)
{
    call_samples(check, bench_open(check), SAMPLE_LEAST, 1);
}

static void takes_every_member(struct check *check)
{
    call_samples(check, bench_open(check), SAMPLE_MOST, 1);
}

static void takes_extremes(struct check *check)
{
    call_samples(check, bench_open(check), SAMPLE_EXTREME, 1);
}

/* Fewer for each of many functions: the whole takes the same time. */
static void takes_random(struct check *check)
{
    struct bench *bench = bench_open(check);
    int count = check->placement == PLACEMENT_PROCESS ? RANDOM_COUNT_APART : RANDOM_COUNT;
    int each = count / (int)list(check, bench)->count;

    call_samples(check, bench, SAMPLE_RANDOM, each < 1 ? 1 : each);
}

static void survives_wrong_arguments(struct check *check)
{
    struct bench *bench = bench_open(check);
    struct tool_functions *functions = list(check, bench);

    for (size_t f = 0; f < functions->count; f++) {
        const struct tool_function *function = &functions->items[f];
        CLEANUP(cleanup_free) char *text = bench_arguments(bench, function, SAMPLE_MOST);
        struct error ignored = {0};
        CLEANUP(json_cleanup)
        struct json_object *valid =
            text == NULL ? NULL : json_parse(text, strlen(text), JSON_DEPTH_DEFAULT, &ignored);

        bool is_quick = true;

        for (size_t i = 0; valid != NULL && is_quick && i < 40; i++) {
            struct sample_fault fault = sample_invalid(function->parameters, valid, i);

            if (fault.value == NULL)
                break;
            is_quick =
                call(check, bench, function->name,
                     json_object_to_json_string_ext(fault.value, JSON_C_TO_STRING_NOSLASHESCAPE));
            json_object_put(fault.value);
        }
        (void)call(check, bench, function->name, "{}");
    }
}

static void survives_odd_json(struct check *check)
{
    static const char *const texts[] = {
        "{\"no_such_argument\":{\"of\":[1,2,{\"a\":null}]}}",
        "{\"\":\"\",\"\\u0000\":\"\\u0000\",\"\\ud83d\\ude00\":\"\\u202e\"}",
        "{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]}",
        "{\"n\":-9223372036854775808,\"x\":1e308,\"y\":-1e-308,\"z\":0.1}",
    };
    struct bench *bench = bench_open(check);
    const char *name = list(check, bench)->items[0].name;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        (void)call(check, bench, name, texts[i]);
}

static void refuses_unknown_function(struct check *check)
{
    struct bench *bench = bench_open(check);
    struct bench_result result;

    (void)list(check, bench);
    (void)bench_start_call(bench, "no-such-function", "{}", CALL_MS, &result);
    bench_wait(bench, &result);
    if (bench_result_is_good(&result))
        check_fail(check, "it succeeds: %.200s", result.text);
    bench_expect_no(bench, NULL);
}

static void compares_whole_names(struct check *check)
{
    struct bench *bench = bench_open(check);
    struct bench_result result;
    char name[140];

    (void)snprintf(name, sizeof name, "%s0", list(check, bench)->items[0].name);
    (void)bench_start_call(bench, name, "{}", CALL_MS, &result);
    bench_wait(bench, &result);
    if (bench_result_is_good(&result))
        check_fail(check, "%.100s, which is not in the list, succeeds", name);
}

/* ---- results --------------------------------------------------------------------------------- */

static void expect_kind_never(struct check *check, const char *kind)
{
    const char *const kinds[] = {kind, NULL};
    struct bench *bench = bench_open(check);
    size_t count = list(check, bench)->count;

    for (size_t i = 0; i < count; i++) {
        struct bench_result result;

        bench_operate(bench, i, SHORT_MS, &result);
        bench_run(bench, 100);
        bench_result_clear(&result);
        bench_expect_no(bench, kinds);
    }
}

static void completes_once(struct check *check)
{
    expect_kind_never(check, "completed_twice");
}

static void knows_its_handles(struct check *check)
{
    expect_kind_never(check, "unknown_handle");
}

static void gives_small_results(struct check *check)
{
    expect_kind_never(check, "result_too_large");
}

static void gives_proper_results(struct check *check)
{
    expect_kind_never(check, "bad_result");
}

static void gives_clean_text(struct check *check)
{
    struct bench *bench = bench_open(check);
    size_t count = list(check, bench)->count;

    for (size_t i = 0; i < count; i++) {
        struct bench_result result;

        bench_operate(bench, i, SHORT_MS, &result);
        if (!utf8_is_valid(result.text, result.len))
            check_fail(check, "the text of function %zu is no UTF-8", i);
        if (result.status != SESAME_OK && result.len == 0)
            check_fail(check, "function %zu fails without a message", i);
        bench_result_clear(&result);
    }
}

static void shows_plain_progress(struct check *check)
{
    struct bench *bench = bench_open(check);
    size_t count = list(check, bench)->count;

    for (size_t i = 0; i < count; i++) {
        struct bench_result result;

        bench_operate(bench, i, SHORT_MS, &result);
        bench_result_clear(&result);
    }
    if (probe_bad_progress() != NULL)
        check_fail(check, "progress: %s", probe_bad_progress());
}

static void is_the_same_each_time(struct check *check)
{
    struct bench *bench = bench_open(check);
    size_t count = list(check, bench)->count;

    for (size_t i = 0; i < count; i++) {
        struct bench_result first, second;

        bench_operate(bench, i, CALL_MS, &first);
        bench_operate(bench, i, CALL_MS, &second);
        if (bench_result_is_good(&first) != bench_result_is_good(&second))
            check_fail(check, "function %zu works once and fails once: %.200s | %.200s", i,
                       first.text, second.text);
        bench_result_clear(&first);
        bench_result_clear(&second);
    }
}

/* ---- many ------------------------------------------------------------------------------------ */

static void runs_side_by_side(struct check *check)
{
    struct bench *bench = bench_open(check);
    struct bench_result results[PARALLEL_COUNT];

    (void)list(check, bench);
    for (size_t i = 0; i < PARALLEL_COUNT; i++)
        (void)bench_start(bench, 0, 2 * CALL_MS, &results[i]);
    for (size_t i = 0; i < PARALLEL_COUNT; i++)
        bench_wait(bench, &results[i]);
    bench_expect_no(bench, NULL);
    for (size_t i = 1; i < PARALLEL_COUNT; i++)
        if (bench_result_is_good(&results[i]) != bench_result_is_good(&results[0]))
            check_fail(check,
                       "of %d calls side by side some succeed and some fail: %.200s | %.200s",
                       PARALLEL_COUNT, results[0].text, results[i].text);
}

static void releases_its_handles(struct check *check)
{
    struct bench *bench = bench_open(check);
    size_t before = 0, after;

    (void)list(check, bench);
    for (int i = 0; i < REPEAT_COUNT + 3; i++) {
        struct bench_result result;

        bench_operate(bench, 0, CALL_MS, &result);
        bench_result_clear(&result);
        if (i == 2)
            before = probe_handle_count();
    }
    after = probe_handle_count();
    if (after > before + HANDLE_SLACK)
        check_fail(check, "after %d calls it holds %zu handles, before %zu", REPEAT_COUNT, after,
                   before);
}

static void copies_what_it_keeps(struct check *check)
{
    struct bench *bench = bench_open(check);
    size_t count = list(check, bench)->count;

    /* The probe takes the request away when `call` returns; the second call meets what the first
     * has kept. */
    for (size_t i = 0; i < 2 * count; i++) {
        struct bench_result result;

        bench_operate(bench, i, SHORT_MS, &result);
        bench_result_clear(&result);
    }
    bench_destroy(bench);
}

static const struct check_case cases[] = {
    {"call.completes", "Each function called with the least arguments ends by itself.",
     "Every `call` is completed, with a result or a status; the host waits until the deadline and "
     "a "
     "grace time, and then answers in the plugin's place.",
     CHECK_TOOL, CHECK_ALL, completes},
    {"call.every-argument", "Each function called with every argument ends by itself.",
     "As call.completes.", CHECK_TOOL, CHECK_ALL, takes_every_member},
    {"call.extreme",
     "Longest texts, largest numbers and long lists end the call and not the plugin.",
     "Give the schema bounds, and refuse with SESAME_BAD_INPUT what is too much.", CHECK_TOOL,
     CHECK_ALL, takes_extremes},
    {"call.random", "Random arguments that the schema allows end the call and not the plugin.",
     "`--seed` gives the same ones again.", CHECK_TOOL, CHECK_ALL, takes_random},
    {"call.wrong", "Arguments that the schema forbids end the call and not the plugin.",
     "The host refuses them before, but a model's arguments are never to be trusted.", CHECK_TOOL,
     CHECK_ALL, survives_wrong_arguments},
    {"call.odd-json", "Deep, empty and unusual JSON ends the call and not the plugin.",
     "Use `sesame.json/1`, or a parser with limits.", CHECK_TOOL, CHECK_ALL, survives_odd_json},
    {"call.unknown-function", "A function that is not in the list fails.",
     "Complete with SESAME_NOT_FOUND.", CHECK_TOOL, CHECK_ALL, refuses_unknown_function},
    {"call.whole-names", "Names of functions are compared from the first to the last letter.",
     "They are pointer and length, without a NUL: compare both.", CHECK_TOOL, CHECK_ALL,
     compares_whole_names},
    {"call.once", "Each call is completed once.",
     "After `complete` the handle is dead. Mostly a timer or a request's end completes again.",
     CHECK_TOOL, CHECK_ALL, completes_once},
    {"call.known-handles", "Only handles that the host gave are used.",
     "Handles are numbers that are never used again; keep them as uint64_t.", CHECK_TOOL, CHECK_ALL,
     knows_its_handles},
    {"call.result-size", "Results stay within 1 MiB.",
     "A model can read a fraction of that. Cut, and say that you did.", CHECK_TOOL, CHECK_ALL,
     gives_small_results},
    {"call.result-json", "Results are JSON with a `text`.",
     "{\"text\": \"...\"}, with \"is_error\": true when the model can correct what failed.",
     CHECK_TOOL, CHECK_ALL, gives_proper_results},
    {"call.result-text", "Results are UTF-8, and failures have a message.",
     "People and the model read it: say what to do differently.", CHECK_TOOL, CHECK_ALL,
     gives_clean_text},
    {"call.progress", "Progress is plain text of at most 4 KiB.",
     "It is shown to a person as it comes.", CHECK_TOOL, CHECK_HERE, shows_plain_progress},
    {"call.repeatable", "The same call succeeds or fails each time.",
     "A call leaves no state that breaks the next one.", CHECK_TOOL, CHECK_ALL,
     is_the_same_each_time},
    {"call.parallel", "Eight calls at once all end, in the same way.",
     "State of a call hangs off its handle, not off the instance.", CHECK_TOOL, CHECK_ALL,
     runs_side_by_side},
    {"call.releases", "Forty calls leave no handles behind.",
     "Timers, requests and streams of a call end with it: cancel or close them.", CHECK_TOOL,
     CHECK_HERE, releases_its_handles},
    {"call.borrowed",
     "What a call brings is not used after `call` returned, nor beyond its length.",
     "Copy what you keep. Texts have no NUL at their end.", CHECK_TOOL, CHECK_HERE,
     copies_what_it_keeps},
};

const struct check_group check_group_call = {"call", "A tool's calls", cases,
                                             sizeof cases / sizeof cases[0]};
