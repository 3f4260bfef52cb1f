/* Checks of instances: made, ended, many of them, with services missing. */
#include "check/check.h"

#include "base/clock.h"
#include "check/bench.h"
#include "check/loaded.h"
#include "check/probe.h"
#include "check/process_state.h"
#include "check/words.h"
#include "plugin/library.h"

#include <malloc.h>
#include <sesame/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPERATION_MS 2000
#define CREATE_MAX_MS 100
#define STOP_MAX_MS 4500  /* two seconds for the farewell, and what ends a thread or process */
#define LEAK_MAX_BYTES 24 /* for each instance; glibc's smallest block takes 32 */
#define SETTLE_COUNT 20
#define CACHED_COUNT 8
#define CACHED_MIN_BYTES 24
#define CACHED_MAX_BYTES 1032
#define SERVICE_MAX_COUNT 32

static void works(struct check *check)
{
    struct bench *bench = bench_prepare(check);
    struct error err = {0};

    if (!bench_create(bench, bench_config(bench), &err))
        check_fail(check,
                   "%s (is the configuration made from the schema not enough? then give "
                   "one with --example FILE)",
                   err.message);
    bench_destroy(bench);
    bench_expect_no(bench, NULL);
}

static void is_made_quickly(struct check *check)
{
    struct bench *bench = bench_open(check);
    int64_t best_ms = INT64_MAX;

    for (int i = 0; i < 3; i++) {
        struct error err = {0};
        int64_t from_ms, took_ms;

        bench_destroy(bench);
        from_ms = clock_monotonic_ms();
        (void)bench_create(bench, bench_config(bench), &err);
        took_ms = clock_monotonic_ms() - from_ms;
        best_ms = took_ms < best_ms ? took_ms : best_ms;
    }
    if (best_ms > CREATE_MAX_MS)
        check_fail(check, "`create` took %lld ms", (long long)best_ms);
}

static void makes_no_request(struct check *check)
{
    (void)bench_open(check);
    if (probe_requests_in_create() > 0)
        check_fail(check, "`create` started %zu HTTP requests", probe_requests_in_create());
}

/* ---- many ------------------------------------------------------------------------------------ */

static void make_many(struct check *check, struct bench *bench, int count)
{
    for (int i = 0; i < count; i++) {
        struct error err = {0};

        if (!bench_create(bench, bench_config(bench), &err))
            check_fail(check, "instance %d of %d is refused: %s", i + 1, count, err.message);
        bench_destroy(bench);
    }
}

static int many(const struct check *check)
{
    return check->placement == PLACEMENT_INLINE   ? 100
           : check->placement == PLACEMENT_THREAD ? 40
                                                  : 6;
}

static void is_made_often(struct check *check)
{
    struct bench *bench = bench_open(check);

    bench_destroy(bench);
    make_many(check, bench, many(check));
    bench_expect_no(bench, NULL);
}

/* Bytes in use. glibc counts what a thread keeps for its next allocations as used: at most seven
 * blocks of each small size. All of them are full here each time, so that they do not differ. */
static long long used_bytes(struct bench *bench)
{
    struct mallinfo2 info;
    void *blocks[CACHED_COUNT];

    bench_settle(bench);
    for (size_t size = CACHED_MIN_BYTES; size <= CACHED_MAX_BYTES; size += 16) {
        for (size_t i = 0; i < CACHED_COUNT; i++)
            blocks[i] = malloc(size);
        for (size_t i = 0; i < CACHED_COUNT; i++)
            free(blocks[i]);
    }
    (void)malloc_trim(0);
    info = mallinfo2();
    return (long long)(info.uordblks + info.hblkhd);
}

/* So many that what the allocator, and other threads, keep for themselves does not count. */
static void leaves_no_memory(struct check *check)
{
    struct bench *bench = bench_open(check);
    int count = check->placement == PLACEMENT_INLINE ? 800 : 500;
    long long before, left = 0;

#ifdef __SANITIZE_ADDRESS__
    check_skip(check, "the sanitizer's allocator cannot be asked");
#endif
    bench_destroy(bench);
    make_many(check, bench, many(check));
    before = used_bytes(bench);
    make_many(check, bench, count);
    /* The scripted server's own connections need a moment to end. */
    for (int i = 0; i < SETTLE_COUNT; i++) {
        left = (used_bytes(bench) - before) / count;
        if (left <= LEAK_MAX_BYTES)
            return;
    }
    check_fail(check, "each instance leaves %lld bytes allocated", left);
}

static void leaves_nothing(struct check *check, unsigned part)
{
    struct bench *bench = bench_open(check);
    struct process_state before, after;
    char text[300];

    bench_destroy(bench);
    make_many(check, bench, 3);
    process_state_take(&before);
    make_many(check, bench, many(check) / 4 + 1);
    /* The scripted server's own connections need a moment to end. */
    for (int i = 0; i < SETTLE_COUNT; i++) {
        bench_settle(bench);
        process_state_take(&after);
        if (process_state_difference(&before, &after, part, text, sizeof text) == NULL)
            return;
    }
    check_fail(check, "after %d instances: %s", many(check) / 4 + 1, text);
}

static void leaves_no_thread(struct check *check)
{
    leaves_nothing(check, STATE_THREADS);
}

static void leaves_no_descriptor(struct check *check)
{
    leaves_nothing(check, STATE_DESCRIPTORS);
}

static void lives_beside_another(struct check *check)
{
    struct bench *bench = bench_open(check), *twin = bench_twin(bench);
    struct bench_result first, second;
    struct error err = {0};

    if (!bench_create(twin, bench_config(bench), &err))
        check_fail(check, "a second instance beside the first is refused: %s", err.message);
    bench_operate(bench, 0, OPERATION_MS, &first);
    bench_operate(twin, 0, OPERATION_MS, &second);
    bench_destroy(bench);
    bench_result_clear(&second);
    bench_operate(twin, 0, OPERATION_MS, &second);
    bench_destroy(twin);
    if (bench_result_is_good(&first) != bench_result_is_good(&second))
        check_fail(check, "one instance works and the other does not: %.200s | %.200s", first.text,
                   second.text);
}

/* ---- services -------------------------------------------------------------------------------- */

/* What the plugin asks for, each once. */
static size_t collect_asked(const char **out)
{
    size_t count = 0;
    const char *asked;

    for (size_t i = 0; (asked = probe_asked(i)) != NULL && count < SERVICE_MAX_COUNT; i++) {
        size_t k = 0;

        while (k < count && strcmp(out[k], asked) != 0)
            k++;
        if (k == count)
            out[count++] = asked;
    }
    return count;
}

static void does_without(struct check *check)
{
    struct bench *bench = bench_open(check);
    const char *const *needs = bench_library(bench)->descriptor->needs;
    const char *asked[SERVICE_MAX_COUNT];
    size_t count = collect_asked(asked), optional = 0;

    bench_destroy(bench);
    for (size_t i = 0; i < count; i++) {
        struct bench_result result = {0};
        struct error err = {0};

        if (words_have(needs, asked[i]))
            continue;
        optional++;
        probe_withhold(asked[i]);
        if (!bench_create(bench, bench_config(bench), &err))
            check_fail(check, "without %.60s, which is not in `needs`: %s", asked[i], err.message);
        if (!bench_is_tool(bench) || bench_functions(bench, NULL) != NULL)
            bench_operate(bench, 0, OPERATION_MS, &result);
        bench_result_clear(&result);
        bench_destroy(bench);
    }
    if (optional == 0)
        check_skip(check, "the plugin asks only for what it needs");
}

static void needs_are_enough(struct check *check)
{
    struct bench *bench = bench_prepare(check);
    struct bench_result result = {0};
    struct error err = {0};

    probe_withhold_all_but(bench_library(bench)->descriptor->needs);
    if (!bench_create(bench, bench_config(bench), &err))
        check_fail(check, "with nothing but what it needs: %s", err.message);
    if (!bench_is_tool(bench) || bench_functions(bench, NULL) != NULL)
        bench_operate(bench, 0, OPERATION_MS, &result);
    bench_destroy(bench);
}

static void fails_without_needed(struct check *check)
{
    struct bench *bench = bench_open(check);
    const char *const *needs = bench_library(bench)->descriptor->needs;
    const char *asked[SERVICE_MAX_COUNT];
    size_t count = collect_asked(asked), tried = 0;

    bench_destroy(bench);
    for (size_t i = 0; i < count; i++) {
        struct error err = {0};

        if (!words_have(needs, asked[i]))
            continue;
        tried++;
        probe_withhold(asked[i]);
        check_step(check, "`create` gets NULL for %s", asked[i]);
        if (bench_create(bench, bench_config(bench), &err))
            check_fail(check, "`create` succeeds without %.60s, which it says it needs", asked[i]);
    }
    if (tried == 0)
        check_skip(check, "the plugin asks for nothing that it needs");
}

static void asks_for_what_it_needs(struct check *check)
{
    struct bench *bench = bench_open(check);
    const char *asked[SERVICE_MAX_COUNT];
    size_t count = collect_asked(asked);

    for (const char *const *need = bench_library(bench)->descriptor->needs; *need != NULL; need++) {
        size_t i = 0;

        while (i < count && strcmp(asked[i], *need) != 0)
            i++;
        if (i == count)
            check_fail(check, "`needs` names %.60s, which `create` does not ask for", *need);
    }
}

/* ---- manners --------------------------------------------------------------------------------- */

static void work_once(struct bench *bench)
{
    struct bench_result result = {0};

    if (!bench_is_tool(bench) || bench_functions(bench, NULL) != NULL)
        bench_operate(bench, 0, OPERATION_MS, &result);
    bench_result_clear(&result);
    bench_destroy(bench);
}

static void is_quiet(struct check *check)
{
    work_once(bench_open(check));
    if (check_output_len(check) > 0)
        check_fail(check, "it wrote %zu bytes to standard output or error",
                   check_output_len(check));
}

static void keeps_the_process(struct check *check)
{
    struct bench *bench = bench_prepare(check);
    struct process_state before, after;
    struct error err = {0};
    char text[300];

    (void)bench_config(bench);
    process_state_take(&before);
    if (!bench_create(bench, bench_config(bench), &err))
        check_skip(check, "no instance could be made (instance.create says why)");
    /* The host moves secrets out of the environment, once. */
    before.environment = 0;
    work_once(bench);
    process_state_take(&after);
    after.environment = 0;
    if (process_state_difference(&before, &after, STATE_SETTINGS, text, sizeof text) != NULL)
        check_fail(check, "%s", text);
}

static void keeps_to_its_thread(struct check *check)
{
    static const char *const kinds[] = {"wrong_thread", NULL};
    struct bench *bench = bench_open(check);

    work_once(bench);
    bench_run(bench, 100);
    bench_expect_no(bench, kinds);
}

static void stops_in_time(struct check *check)
{
    struct bench *bench = bench_open(check);
    struct bench_result result = {0};
    int64_t from_ms;

    if (!bench_is_tool(bench) || bench_functions(bench, NULL) != NULL)
        bench_operate(bench, 0, OPERATION_MS, &result);
    from_ms = clock_monotonic_ms();
    bench_destroy(bench);
    if (clock_monotonic_ms() - from_ms > STOP_MAX_MS)
        check_fail(check, "its end took %lld ms", (long long)(clock_monotonic_ms() - from_ms));
}

static void stops_unused(struct check *check)
{
    struct bench *bench = bench_open(check);

    bench_destroy(bench);
    bench_expect_no(bench, NULL);
}

static const struct check_case cases[] = {
    {"instance.create", "A valid configuration makes an instance.",
     "The plugin's own message says why not.", CHECK_ANY, CHECK_ALL, works},
    {"instance.quick", "`create` is done within 100 ms.",
     "It makes no request and does not block: the host's start, and inline every worker, waits.",
     CHECK_ANY, CHECK_INLINE, is_made_quickly},
    {"instance.no-request", "`create` starts no HTTP request.",
     "Ask when the first call needs it: a service that is down must not keep the host from "
     "starting.",
     CHECK_ANY, CHECK_HERE, makes_no_request},
    {"instance.often", "Instances can be made and ended again and again.",
     "What `create` does `destroy` undoes; no state lies outside the instance.", CHECK_ANY,
     CHECK_ALL, is_made_often},
    {"instance.no-leak", "Ended instances leave no memory allocated.",
     "Free in `destroy` whatever the instance allocated. `valgrind` or AddressSanitizer name the "
     "place.",
     CHECK_ANY, CHECK_HERE, leaves_no_memory},
    {"instance.no-thread", "Ended instances leave no thread running.",
     "Join them in `destroy`; a thread of an instance that is gone works on freed memory.",
     CHECK_ANY, CHECK_HERE, leaves_no_thread},
    {"instance.no-descriptor", "Ended instances leave no descriptor open.",
     "Close files and sockets in `destroy`.", CHECK_ANY, CHECK_ALL, leaves_no_descriptor},
    {"instance.two", "Two instances live beside one another, and one survives the other.",
     "The same plugin may be configured twice, and inline each worker has an instance. No state in "
     "global variables.",
     CHECK_ANY, CHECK_ALL, lives_beside_another},
    {"instance.optional-services",
     "It does without each service that it asks for but does not need.",
     "Add the service to `needs`, or go on without it.", CHECK_ANY, CHECK_HERE, does_without},
    {"instance.needs-enough", "With nothing but what it needs an instance can be made and works.",
     "Add to `needs` what is missing: the host then says so before `create`.", CHECK_ANY,
     CHECK_HERE, needs_are_enough},
    {"instance.needed-services",
     "`create` fails without a service that it needs, and does not crash.",
     "A host does not call it then, but wrappers may; a NULL table is tested before it is used.",
     CHECK_ANY, CHECK_HERE, fails_without_needed},
    {"instance.needs-used", "It asks for every service that it says it needs.",
     "A need that is none keeps the plugin from running where it could.", CHECK_ANY, CHECK_HERE,
     asks_for_what_it_needs},
    {"instance.quiet", "Nothing is written to standard output or error.",
     "Use `sesame.log/1`: standard output may be the host's own protocol.", CHECK_ANY, CHECK_HERE,
     is_quiet},
    {"instance.process-state",
     "Signals, masks, locale, working folder, limits and arithmetic stay as they were.",
     "They belong to the host and act on every thread.", CHECK_ANY, CHECK_HERE, keeps_the_process},
    {"instance.home-thread", "Services are called on the instance's own thread only.",
     "From other threads only `post` may be called; it runs a function on the home thread.",
     CHECK_ANY, CHECK_ALL, keeps_to_its_thread},
    {"instance.stop", "After work an instance ends in time.",
     "`stop` has two seconds for a farewell, then comes `destroy`; neither may wait for anything.",
     CHECK_ANY, CHECK_ALL, stops_in_time},
    {"instance.stop-unused", "An instance that never worked ends as well.",
     "`stop` and `destroy` must not rely on what the first call sets up.", CHECK_ANY, CHECK_ALL,
     stops_unused},
};

const struct check_group check_group_instance = {"instance", "Instances", cases,
                                                 sizeof cases / sizeof cases[0]};
