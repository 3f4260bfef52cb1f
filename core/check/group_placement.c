/* Checks that a plugin is the same wherever it is placed. */
#include "check/check.h"

#include "check/bench.h"
#include "plugin/catalogue.h"
#include "plugin/library.h"
#include "plugin/tool_port.h"

#include <sesame/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPERATION_MS 2000

/* What one operation came to in a placement. */
struct seen {
    bool is_there;
    size_t functions;
    char first_name[140];
    struct bench_result result;
};

static struct seen look(struct check *check, enum placement placement)
{
    struct seen seen = {0};
    struct bench *bench;
    struct error err = {0};

    if (!check_placement_is_possible(check_manifest(check), placement))
        return seen;
    bench = bench_prepare_at(check, placement);
    if (!bench_create(bench, bench_config(bench), &err))
        check_skip(check, "no instance could be made (instance.create says why)");
    seen.is_there = true;
    if (bench_is_tool(bench)) {
        struct tool_functions *functions = bench_functions(bench, NULL);

        if (functions == NULL || functions->count == 0)
            check_skip(check, "the functions could not be listed (list.completes says why)");
        seen.functions = functions->count;
        (void)snprintf(seen.first_name, sizeof seen.first_name, "%s", functions->items[0].name);
    }
    bench_operate(bench, 0, OPERATION_MS, &seen.result);
    bench_destroy(bench);
    return seen;
}

static const char *word(enum placement placement)
{
    return placement_text(placement);
}

static void compare_lists(struct check *check)
{
    struct seen first = {0};
    enum placement where = PLACEMENT_DEFAULT;

    for (enum placement p = PLACEMENT_INLINE; p <= PLACEMENT_PROCESS; p++) {
        struct seen seen = look(check, p);

        if (!seen.is_there)
            continue;
        if (!first.is_there) {
            first = seen;
            where = p;
        } else if (seen.functions != first.functions ||
                   strcmp(seen.first_name, first.first_name) != 0) {
            check_fail(check, "%s it lists %zu functions from %.60s on, %s %zu from %.60s on",
                       word(where), first.functions, first.first_name, word(p), seen.functions,
                       seen.first_name);
        }
    }
}

static void compare_results(struct check *check)
{
    struct seen first = {0};
    enum placement where = PLACEMENT_DEFAULT;

    for (enum placement p = PLACEMENT_INLINE; p <= PLACEMENT_PROCESS; p++) {
        struct seen seen = look(check, p), again;

        if (!seen.is_there)
            continue;
        again = look(check, p);
        if (strcmp(seen.result.text, again.result.text) != 0 &&
            seen.result.status == again.result.status)
            check_skip(check, "the same call gives another text each time, also in one placement");
        if (!first.is_there) {
            first = seen;
            where = p;
        } else if (seen.result.status != first.result.status ||
                   seen.result.is_error != first.result.is_error ||
                   strcmp(seen.result.text, first.result.text) != 0) {
            check_fail(check, "%s: status %d, %.200s; %s: status %d, %.200s", word(where),
                       first.result.status, first.result.text, word(p), seen.result.status,
                       seen.result.text);
        }
    }
    if (!first.is_there)
        check_skip(check, "the plugin has no placement that is known");
}

static void describes_itself_the_same(struct check *check)
{
    struct bench *here = bench_prepare_at(check, PLACEMENT_INLINE);
    const struct sesame_plugin *first = bench_library(here)->descriptor, *second;
    struct bench *apart = bench_prepare_at(check, PLACEMENT_PROCESS);

    second = bench_library(apart)->descriptor;
    if (strcmp(first->id, second->id) != 0 || strcmp(first->version, second->version) != 0 ||
        strcmp(first->config_schema, second->config_schema) != 0)
        check_fail(check, "the descriptor read out by a process is another one");
}

static void survives_a_restart(struct check *check)
{
    struct bench *bench = bench_open(check);

    for (int i = 0; i < 3; i++) {
        struct bench_result result;
        struct error err = {0};

        if (bench_functions(bench, NULL) == NULL)
            check_skip(check, "the functions could not be listed (list.completes says why)");
        bench_operate(bench, 0, OPERATION_MS, &result);
        bench_result_clear(&result);
        bench_destroy(bench);
        if (!bench_create(bench, bench_config(bench), &err))
            check_fail(check, "start %d fails: %s", i + 2, err.message);
    }
    bench_destroy(bench);
    bench_expect_no(bench, NULL);
}

static void trips_no_guard(struct check *check)
{
    static const char *const kinds[] = {"system_call", "crashed", "given_up", NULL};
    struct bench *bench = bench_open(check);
    struct bench_result result;

    if (bench_functions(bench, NULL) == NULL)
        check_skip(check, "the functions could not be listed (list.completes says why)");
    bench_operate(bench, 0, OPERATION_MS, &result);
    bench_destroy(bench);
    bench_expect_no(bench, kinds);
}

static const struct check_case cases[] = {
    {"placement.same-list", "The functions are the same in every placement.",
     "What is listed must not depend on files, environment or services that a process lacks.",
     CHECK_TOOL, CHECK_ONCE, compare_lists},
    {"placement.same-result", "The same call comes to the same in every placement.",
     "A plugin cannot tell where it is, and should not try.", CHECK_ANY, CHECK_ONCE,
     compare_results},
    {"placement.same-descriptor", "A process reads out the same descriptor as the host.",
     "`sesame_plugin_v1` is a constant: nothing may fill it in while loading.", CHECK_TOOL,
     CHECK_ONCE, describes_itself_the_same},
    {"placement.restart", "A new process of it works like the first.",
     "The host starts another after a crash: nothing may be left that the next one stumbles over.",
     CHECK_TOOL, CHECK_PROCESS, survives_a_restart},
    {"placement.guards", "In a process it tries nothing that is forbidden there, and does not end.",
     "No files, no sockets, no other processes: use the host's services. The host's log names the "
     "system call.",
     CHECK_TOOL, CHECK_PROCESS, trips_no_guard},
};

const struct check_group check_group_placement = {"placement", "Placements", cases,
                                                  sizeof cases / sizeof cases[0]};
