/* Checks of the configuration: what the schema refuses, and what `create` makes of what it takes.
 */
#include "check/check.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "check/bench.h"
#include "check/loaded.h"
#include "check/sample.h"
#include "plugin/library.h"
#include "plugin/plugin_config.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RANDOM_COUNT 12
#define RANDOM_COUNT_APART 3
#define NO_REASON "it gives no reason"

/* A configuration that the schema takes either works or is refused with a reason. */
static bool try_config(struct check *check, struct bench *bench, const char *config)
{
    struct error err = {0};

    if (bench_create(bench, config, &err)) {
        bench_destroy(bench);
        return true;
    }
    if (strstr(err.message, NO_REASON) != NULL)
        check_fail(check, "refused without a reason: %.300s", config);
    return false;
}

static void check_sample(struct check *check, enum sample_kind kind)
{
    struct bench *bench = bench_prepare(check);
    CLEANUP(cleanup_free) char *config = bench_sample_config(bench, kind);

    if (config == NULL)
        check_skip(check, "no such configuration could be made from the schema");
    (void)try_config(check, bench, config);
    bench_expect_no(bench, NULL);
}

static void takes_least(struct check *check)
{
    check_sample(check, SAMPLE_LEAST);
}

static void takes_most(struct check *check)
{
    check_sample(check, SAMPLE_MOST);
}

static void takes_extremes(struct check *check)
{
    check_sample(check, SAMPLE_EXTREME);
}

static void takes_random(struct check *check)
{
    struct bench *bench = bench_prepare(check);
    int count = check->placement == PLACEMENT_PROCESS ? RANDOM_COUNT_APART : RANDOM_COUNT;

    for (int i = 0; i < count; i++) {
        CLEANUP(cleanup_free) char *config = bench_sample_config(bench, SAMPLE_RANDOM);

        if (config == NULL)
            check_skip(check, "no such configuration could be made from the schema");
        (void)try_config(check, bench, config);
    }
}

/* ---- what the schema says -------------------------------------------------------------------- */

/* Whether the host's check of `config` refuses it; the message is in `err`. */
static bool is_refused(struct bench *bench, struct json_object *config, struct error *err)
{
    CLEANUP(json_cleanup)
    struct json_object *prepared = plugin_config_prepare(
        bench_library(bench),
        json_object_to_json_string_ext(config, JSON_C_TO_STRING_NOSLASHESCAPE),
        PLUGIN_ENVIRONMENT_UNSEEN, "config", err);

    return prepared == NULL;
}

static struct json_object *own_config(struct bench *bench)
{
    const char *text = bench_config(bench);
    struct error ignored = {0};

    return json_parse(text, strlen(text), JSON_DEPTH_DEFAULT, &ignored);
}

static void is_valid(struct check *check)
{
    struct bench *bench = bench_prepare_at(check, PLACEMENT_INLINE);
    struct error err = {0};

    if (is_refused(bench, own_config(bench), &err))
        check_fail(check, "%s", err.message);
}

static void each_fault(struct check *check, bool wants_name)
{
    struct bench *bench = bench_prepare_at(check, PLACEMENT_INLINE);
    struct json_object *valid = own_config(bench);
    struct json_object *schema = bench_library(bench)->schema_json;
    size_t count = 0;

    for (;; count++) {
        struct sample_fault fault = sample_invalid(schema, valid, count);
        struct error err = {0};
        bool refused;

        if (fault.value == NULL)
            break;
        refused = is_refused(bench, fault.value, &err);
        if (!refused && !wants_name)
            check_fail(check, "it is taken although \"%s\" is %s", fault.member, fault.what);
        if (refused && wants_name && strstr(err.message, fault.member) == NULL)
            check_fail(check, "\"%s\" is %s, and the message does not name it: %.300s",
                       fault.member, fault.what, err.message);
        json_object_put(fault.value);
    }
    if (count == 0)
        check_skip(check, "the schema has nothing that could be broken");
}

static void refuses_each_fault(struct check *check)
{
    each_fault(check, false);
}

static void names_each_fault(struct check *check)
{
    each_fault(check, true);
}

/* What says which values a property takes. */
static bool is_constrained(struct json_object *property)
{
    static const char *const words[] = {"type",  "enum",  "const", "$ref",
                                        "oneOf", "anyOf", "allOf", NULL};

    for (const char *const *word = words; *word != NULL; word++)
        if (json_object_object_get_ex(property, *word, NULL))
            return true;
    return false;
}

static void types_each_member(struct check *check)
{
    struct json_object *properties = json_get_object(check_schema(check), "properties");

    if (properties == NULL)
        check_skip(check, "the schema has no properties");
    json_object_object_foreach(properties, name, property)
    {
        if (!json_object_is_type(property, json_type_object) || !is_constrained(property))
            check_fail(check, "\"%.60s\" takes anything", name);
    }
}

static void is_closed(struct check *check)
{
    struct json_object *schema = check_schema(check), *extra;

    if (json_get_object(schema, "properties") == NULL)
        check_skip(check, "the schema has no properties");
    if (!json_object_object_get_ex(schema, "additionalProperties", &extra))
        check_fail(check, "\"additionalProperties\" is not false");
}

static void takes_unknown_member(struct check *check)
{
    struct bench *bench = bench_prepare(check);
    CLEANUP(json_cleanup) struct json_object *config = own_config(bench);
    struct error err = {0};

    (void)json_set(config, "no_such_member", json_object_new_string("of a later version"));
    if (bench_create(bench, json_object_to_json_string(config), &err))
        bench_destroy(bench);
    else if (strstr(err.message, "no_such_member") == NULL &&
             strstr(err.message, NO_REASON) != NULL)
        check_fail(check, "refused without a reason: %s", err.message);
}

static void takes_empty(struct check *check)
{
    struct bench *bench = bench_prepare(check);

    (void)try_config(check, bench, "{}");
}

static void is_read_once(struct check *check)
{
    struct bench *bench = bench_open(check);
    struct bench_result result;

    /* The text is gone since `create` returned. */
    bench_operate(bench, 0, 1500, &result);
    bench_destroy(bench);
}

static const struct check_case cases[] = {
    {"config.valid", "The schema takes the configuration that instances are checked with.",
     "It is the one of `--example FILE`, or made from the schema. Where a schema's own rules are "
     "not "
     "enough to make one, give an example.",
     CHECK_ANY, CHECK_ONCE, is_valid},
    {"config.least",
     "The least that the schema takes makes an instance or is refused with a reason.",
     "`create` returns a status, best after `explain`, and never crashes.", CHECK_ANY, CHECK_ALL,
     takes_least},
    {"config.most",
     "A configuration with every member makes an instance or is refused with a reason.",
     "`create` returns a status, best after `explain`, and never crashes.", CHECK_ANY, CHECK_ALL,
     takes_most},
    {"config.extreme",
     "Longest texts, largest numbers and unusual letters make an instance or are refused with a "
     "reason.",
     "What `create` cannot take the schema should refuse: give bounds.", CHECK_ANY, CHECK_ALL,
     takes_extremes},
    {"config.random", "Random configurations make an instance or are refused with a reason.",
     "`--seed` gives the same ones again.", CHECK_ANY, CHECK_ALL, takes_random},
    {"config.empty", "An empty configuration makes an instance or is refused with a reason.",
     "List what cannot be missing under `required`.", CHECK_ANY, CHECK_ALL, takes_empty},
    {"config.refused", "The schema refuses each wrong variant of a configuration.",
     "A member that is missing, of another type, not in its list or outside its bounds must not "
     "reach `create`.",
     CHECK_ANY, CHECK_ONCE, refuses_each_fault},
    {"config.named", "The message about each wrong variant names the member.",
     "Rules on single members are named; `oneOf` and `not` over whole objects are not.", CHECK_ANY,
     CHECK_ONCE, names_each_fault},
    {"config.typed", "The schema says for each member which values it takes.",
     "Without a type a typing error reaches `create`.", CHECK_ANY, CHECK_ONCE, types_each_member},
    {"config.closed", "The schema says what becomes of members that it does not know.",
     "`\"additionalProperties\": false` finds typing errors before start.", CHECK_TOOL, CHECK_ONCE,
     is_closed},
    {"config.unknown", "A member of a later version is ignored, or refused with a reason.",
     "The same configuration may serve two versions of a plugin.", CHECK_ANY, CHECK_ALL,
     takes_unknown_member},
    {"config.borrowed", "The configuration's text is used during `create` only.",
     "It is gone when `create` returns; copy what is needed later. It has no NUL at its end.",
     CHECK_ANY, CHECK_HERE, is_read_once},
};

const struct check_group check_group_config = {"config", "The configuration", cases,
                                               sizeof cases / sizeof cases[0]};
