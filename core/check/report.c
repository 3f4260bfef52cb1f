/* What the checks found, for people and for programs; and the list of checks. */
#include "check/report.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "plugin/catalogue.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

static const char *const verdict_words[] = {
    [CHECK_RUNNING] = "running",
    [CHECK_PASSED] = "passed",
    [CHECK_FAILED] = "failed",
    [CHECK_SKIPPED] = "skipped",
};

static const char *placement_word(const struct check_run *run)
{
    return run->placement == PLACEMENT_DEFAULT ? "" : placement_text(run->placement);
}

/* ---- a run ----------------------------------------------------------------------------------- */

static void print_run(FILE *out, const struct check_run *run)
{
    const char *place = placement_word(run);

    fprintf(out, "%-7s %s%s%s: %s\n", verdict_words[run->outcome->verdict], run->what->id,
            place[0] == '\0' ? "" : " ", place, run->outcome->message);
}

/* The same check in several placements is one thing to mend. */
static void print_fixes(FILE *out, const struct check_runs *runs)
{
    const struct check_case *last = NULL;

    for (size_t i = 0; i < runs->count; i++) {
        const struct check_run *run = &runs->items[i];

        if (run->outcome->verdict != CHECK_FAILED)
            continue;
        print_run(out, run);
        if (run->what != last)
            fprintf(out, "        wanted: %s\n        %s\n", run->what->what, run->what->fix);
        last = run->what;
    }
}

/* They count as passed: the machine was busy, or the plugin does not always do the same. */
static void print_unsteady(FILE *out, const struct check_runs *runs)
{
    for (size_t i = 0; i < runs->count; i++) {
        const struct check_run *run = &runs->items[i];
        const char *place = placement_word(run);

        if (run->outcome->verdict == CHECK_PASSED && run->outcome->attempts > 1)
            fprintf(out, "unsteady %s%s%s passed alone, in attempt %d; before: %s\n", run->what->id,
                    place[0] == '\0' ? "" : " ", place, run->outcome->attempts,
                    run->outcome->first_message);
    }
}

/* Skipped checks by reason, since one reason mostly covers many. */
static void print_skipped(FILE *out, const struct check_runs *runs)
{
    for (size_t i = 0; i < runs->count; i++) {
        const char *reason = runs->items[i].outcome->message;
        bool is_first = runs->items[i].outcome->verdict == CHECK_SKIPPED;
        size_t same = 0;

        for (size_t k = 0; k < runs->count && is_first; k++)
            if (runs->items[k].outcome->verdict == CHECK_SKIPPED &&
                strcmp(runs->items[k].outcome->message, reason) == 0) {
                is_first = k >= i;
                same++;
            }
        if (is_first && same == 1)
            print_run(out, &runs->items[i]);
        else if (is_first)
            fprintf(out, "skipped %zu checks, as %s: %s\n", same, runs->items[i].what->id, reason);
    }
}

void check_report_text(FILE *out, const struct check_runs *runs, const struct check_target *target)
{
    fprintf(out, "checking %s with --seed %" PRIu64 "\n", target->path, target->seed);
    print_fixes(out, runs);
    print_unsteady(out, runs);
    print_skipped(out, runs);
    fprintf(out, "%zu passed, %zu failed, %zu skipped, in %" PRId64 ".%" PRId64 " s\n",
            runs->passed, runs->failed, runs->skipped, runs->duration_ms / 1000,
            runs->duration_ms % 1000 / 100);
}

static struct json_object *run_to_json(const struct check_run *run)
{
    struct json_object *json = json_object_new_object();

    if (json_set(json, "id", json_object_new_string(run->what->id)) &&
        json_set(json, "placement",
                 run->placement == PLACEMENT_DEFAULT
                     ? json_object_new_string("none")
                     : json_object_new_string(placement_word(run))) &&
        json_set(json, "outcome", json_object_new_string(verdict_words[run->outcome->verdict])) &&
        json_set(json, "message", json_object_new_string(run->outcome->message)) &&
        json_set(json, "duration_ms", json_object_new_int64(run->outcome->duration_ms)) &&
        json_set(json, "attempts", json_object_new_int(run->outcome->attempts)))
        return json;
    json_object_put(json);
    return NULL;
}

static bool print_json(FILE *out, struct json_object *json)
{
    const char *text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY |
                                                                JSON_C_TO_STRING_NOSLASHESCAPE);

    return text != NULL && fprintf(out, "%s\n", text) > 0;
}

bool check_report_json(FILE *out, const struct check_runs *runs, const struct check_target *target)
{
    CLEANUP(json_cleanup) struct json_object *json = json_object_new_object();
    struct json_object *results = json_object_new_array();

    /* The seed as text: it is an unsigned number of 64 bits. */
    char seed[24];

    (void)snprintf(seed, sizeof seed, "%" PRIu64, target->seed);
    if (!json_set(json, "file", json_object_new_string(target->path)) ||
        !json_set(json, "plugin",
                  json_object_new_string(target->manifest == NULL ? "" : target->manifest->id)) ||
        !json_set(json, "seed", json_object_new_string(seed)) ||
        !json_set(json, "passed", json_object_new_int64((int64_t)runs->passed)) ||
        !json_set(json, "failed", json_object_new_int64((int64_t)runs->failed)) ||
        !json_set(json, "skipped", json_object_new_int64((int64_t)runs->skipped)) ||
        !json_set(json, "duration_ms", json_object_new_int64(runs->duration_ms)) ||
        !json_set(json, "results", results))
        return false;
    for (size_t i = 0; i < runs->count; i++)
        if (!json_append(results, run_to_json(&runs->items[i])))
            return false;
    return print_json(out, json);
}

/* ---- the list -------------------------------------------------------------------------------- */

static void write_places(char *out, size_t size, const struct check_case *what)
{
    static const char *const kinds[] = {
        [CHECK_ANY] = "", [CHECK_TOOL] = "tools", [CHECK_PROVIDER] = "credential providers"};
    size_t used = (size_t)snprintf(out, size, "%s", kinds[what->kind]);

    for (enum placement p = PLACEMENT_INLINE; p <= PLACEMENT_PROCESS; p++)
        if ((what->placements & (1u << p)) != 0 && used < size)
            used += (size_t)snprintf(out + used, size - used, "%s%s", used == 0 ? "" : ", ",
                                     placement_text(p));
}

void check_list_text(FILE *out)
{
    for (size_t g = 0; g < check_group_count; g++)
        for (size_t i = 0; i < check_groups[g]->count; i++)
            fprintf(out, "%-30s %s\n", check_groups[g]->cases[i].id,
                    check_groups[g]->cases[i].what);
}

bool check_list_json(FILE *out)
{
    CLEANUP(json_cleanup) struct json_object *list = json_object_new_array();

    for (size_t g = 0; g < check_group_count; g++)
        for (size_t i = 0; i < check_groups[g]->count; i++) {
            const struct check_case *what = &check_groups[g]->cases[i];
            struct json_object *json = json_object_new_object();

            if (!json_append(list, json) ||
                !json_set(json, "id", json_object_new_string(what->id)) ||
                !json_set(json, "what", json_object_new_string(what->what)) ||
                !json_set(json, "fix", json_object_new_string(what->fix)))
                return false;
        }
    return print_json(out, list);
}

void check_list_markdown(FILE *out)
{
    for (size_t g = 0; g < check_group_count; g++) {
        const struct check_group *group = check_groups[g];

        fprintf(out, "\n## %s\n", group->title);
        for (size_t i = 0; i < group->count; i++) {
            char places[100];

            write_places(places, sizeof places, &group->cases[i]);
            fprintf(out, "\n### `%s`\n\n%s", group->cases[i].id, group->cases[i].what);
            if (places[0] != '\0')
                fprintf(out, " (%s)", places);
            fprintf(out, "\n\n%s\n", group->cases[i].fix);
        }
    }
}
