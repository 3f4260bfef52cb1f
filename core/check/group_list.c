/* Checks of a tool's list of functions. */
#include "check/check.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/json_schema.h"
#include "check/bench.h"
#include "check/probe.h"
#include "check/words.h"
#include "plugin/tool_functions.h"
#include "plugin/tool_port.h"

#include <json-c/json.h>
#include <sesame/plugin.h>
#include <stdlib.h>
#include <string.h>

#define DESCRIPTION_MAX_BYTES 8192
#define SCHEMA_MAX_BYTES ((size_t)64 * 1024)
#define FUNCTION_MAX_COUNT 128

static struct tool_functions *list(struct check *check, struct bench *bench)
{
    const char *why;
    struct tool_functions *functions = bench_functions(bench, &why);

    if (functions == NULL)
        check_skip(check, "the functions could not be listed (list.completes says why)");
    return functions;
}

static void completes(struct check *check)
{
    const char *why;
    struct bench *bench = bench_open(check);

    if (bench_functions(bench, &why) == NULL)
        check_fail(check, "%s", why);
    bench_expect_no(bench, NULL);
}

static void completes_once(struct check *check)
{
    static const char *const kinds[] = {"completed_twice", "completed_late", "unknown_handle",
                                        NULL};
    struct bench *bench = bench_open(check);

    (void)list(check, bench);
    bench_run(bench, 200);
    bench_expect_no(bench, kinds);
}

/* ---- what the plugin itself gave ------------------------------------------------------------- */

static struct json_object *raw_functions(struct check *check)
{
    struct bench *bench = bench_open(check);
    struct probe_result raw;
    struct error err = {0};
    struct json_object *json, *functions;

    (void)list(check, bench);
    raw = probe_result();
    json = raw.count == 0 || raw.data == NULL
               ? NULL
               : json_parse(raw.data, raw.len, JSON_DEPTH_DEFAULT, &err);
    if (json == NULL)
        check_skip(check, "the list is no JSON (list.json says why)");
    functions = json_get_array(json, "functions");
    if (functions == NULL)
        check_skip(check, "the list has no \"functions\" (list.json says so)");
    return functions;
}

static void is_json(struct check *check)
{
    struct bench *bench = bench_open(check);
    struct probe_result raw;
    struct error err = {0};
    struct json_object *json;

    (void)bench_functions(bench, NULL);
    raw = probe_result();
    if (raw.count == 0 || raw.status != SESAME_OK)
        check_skip(check, "the functions could not be listed (list.completes says why)");
    json = json_parse(raw.data, raw.len, JSON_DEPTH_DEFAULT, &err);
    if (json == NULL)
        check_fail(check, "%s", err.message);
    if (json_get_array(json, "functions") == NULL)
        check_fail(check, "it has no array \"functions\"");
}

static const char *name_of(struct check *check, struct json_object *function, size_t *out_len)
{
    const char *name = json_get_string(function, "name", out_len);

    if (name == NULL)
        check_fail(check, "a function has no \"name\"");
    return name;
}

static void has_functions(struct check *check)
{
    size_t count = json_object_array_length(raw_functions(check));

    if (count == 0)
        check_fail(check, "the list is empty");
    if (count > FUNCTION_MAX_COUNT)
        check_fail(check, "it lists %zu functions", count);
}

static void has_good_names(struct check *check)
{
    struct json_object *functions = raw_functions(check);

    for (size_t i = 0; i < json_object_array_length(functions); i++) {
        size_t len = 0;
        const char *name = name_of(check, json_object_array_get_idx(functions, i), &len);

        if (!tool_function_is_name(name, len))
            check_fail(check,
                       "the name of function %zu has %zu bytes or others than A-Z, a-z, "
                       "0-9, '_', '.' and '-'",
                       i, len);
    }
}

static void has_unique_names(struct check *check)
{
    struct json_object *functions = raw_functions(check);

    for (size_t i = 0; i < json_object_array_length(functions); i++)
        for (size_t k = 0; k < i; k++) {
            const char *name = name_of(check, json_object_array_get_idx(functions, i), NULL);

            if (strcmp(name, name_of(check, json_object_array_get_idx(functions, k), NULL)) == 0)
                check_fail(check, "two functions are called %.100s", name);
        }
}

static void has_good_descriptions(struct check *check)
{
    struct json_object *functions = raw_functions(check);

    for (size_t i = 0; i < json_object_array_length(functions); i++) {
        struct json_object *function = json_object_array_get_idx(functions, i);
        const char *name = name_of(check, function, NULL);
        size_t len = 0;
        const char *text = json_get_string(function, "description", &len);
        const char *why =
            text == NULL ? "is missing" : words_text_fault(text, len, DESCRIPTION_MAX_BYTES);

        if (why != NULL)
            check_fail(check, "the description of %.100s %s", name, why);
    }
}

/* Words that open a message to a model in the common forms of prompts. */
static void impersonates_nobody(struct check *check)
{
    static const char *const words[] = {"[INST]",     "[/INST]",         "<<SYS>>", "### System",
                                        "System:",    "### Instruction", "</tool>", "<system>",
                                        "Assistant:", "</function>",     "<|",      NULL};
    struct json_object *functions = raw_functions(check);

    for (size_t i = 0; i < json_object_array_length(functions); i++) {
        struct json_object *function = json_object_array_get_idx(functions, i);
        const char *text = json_object_to_json_string_ext(function, JSON_C_TO_STRING_NOSLASHESCAPE);

        for (const char *const *word = words; *word != NULL; word++)
            if (strstr(text, *word) != NULL)
                check_fail(check, "%.100s says \"%s\"", name_of(check, function, NULL), *word);
    }
}

static void has_good_schemas(struct check *check)
{
    struct json_object *functions = raw_functions(check);

    for (size_t i = 0; i < json_object_array_length(functions); i++) {
        struct json_object *function = json_object_array_get_idx(functions, i);
        struct json_object *schema = json_get_object(function, "parameters");
        const char *name = name_of(check, function, NULL);
        const char *type = schema == NULL ? NULL : json_get_string(schema, "type", NULL);
        struct error err = {0};

        if (schema == NULL)
            check_fail(check, "%.100s has no object \"parameters\"", name);
        if (json_schema_new(schema, &err) == NULL)
            check_fail(check, "the parameters of %.100s: %s", name, err.message);
        if (type == NULL || strcmp(type, "object") != 0)
            check_fail(check, "the parameters of %.100s have not the type object", name);
    }
}

static void has_small_schemas(struct check *check)
{
    struct json_object *functions = raw_functions(check);

    for (size_t i = 0; i < json_object_array_length(functions); i++) {
        struct json_object *function = json_object_array_get_idx(functions, i);
        size_t len =
            strlen(json_object_to_json_string_ext(function, JSON_C_TO_STRING_NOSLASHESCAPE));

        if (len > SCHEMA_MAX_BYTES)
            check_fail(check, "%.100s takes %zu bytes of the list", name_of(check, function, NULL),
                       len);
    }
}

static void is_whole(struct check *check)
{
    struct bench *bench = bench_open(check);
    struct tool_functions *functions = list(check, bench);
    struct probe_result raw = probe_result();
    struct error err = {0};
    struct json_object *json = json_parse(raw.data, raw.len, JSON_DEPTH_DEFAULT, &err);
    struct json_object *given = json == NULL ? NULL : json_get_array(json, "functions");

    if (given == NULL)
        check_skip(check, "the list is no JSON (list.json says why)");
    if (json_object_array_length(given) != functions->count)
        check_fail(check, "the host leaves out %zu of %zu functions as broken",
                   json_object_array_length(given) - functions->count,
                   json_object_array_length(given));
}

/* The names and what is said about each, as one text. The caller frees. */
static char *write_list(struct check *check, struct bench *bench)
{
    struct tool_functions *functions = list(check, bench);
    struct buffer out;
    struct error err = {0};

    buffer_init(&out, 16 << 20);
    for (size_t i = 0; i < functions->count; i++)
        if (!buffer_printf(&out, &err, "%s %s\n", functions->items[i].name,
                           functions->items[i].offer))
            check_fail(check, "%s", err.message);
    return buffer_take(&out, NULL);
}

static void is_stable(struct check *check)
{
    struct bench *bench = bench_open(check);
    CLEANUP(cleanup_free) char *first = write_list(check, bench);
    CLEANUP(cleanup_free) char *second = NULL;
    struct error err = {0};

    bench_destroy(bench);
    if (!bench_create(bench, bench_config(bench), &err))
        check_fail(check, "a second instance is refused: %s", err.message);
    second = write_list(check, bench);
    if (strcmp(first, second) != 0)
        check_fail(check, "two instances with one configuration list different functions");
}

static void survives_its_end(struct check *check)
{
    struct bench *bench = bench_open(check);

    /* The first list is under way since the instance was made. */
    bench_destroy(bench);
    bench_run(bench, 100);
    bench_expect_no(bench, NULL);
}

static const struct check_case cases[] = {
    {"list.completes", "The list of functions comes within its time.",
     "Complete `list` with SESAME_OK. A tool that asks a service first needs `--example FILE` with "
     "the service's answers.",
     CHECK_TOOL, CHECK_ALL, completes},
    {"list.once", "`list` is completed once.",
     "After `complete` the handle is dead; the host counts every further use.", CHECK_TOOL,
     CHECK_ALL, completes_once},
    {"list.json", "The list is JSON with an array `functions`.", "See `sesame/tool.h`.", CHECK_TOOL,
     CHECK_HERE, is_json},
    {"list.functions", "The list has 1 to 128 functions.",
     "Each turn sends all of them to the model, which chooses badly among many.", CHECK_TOOL,
     CHECK_HERE, has_functions},
    {"list.names", "Each name is 1 to 128 of `A-Z`, `a-z`, `0-9`, `_`, `.` and `-`.",
     "The host leaves others out.", CHECK_TOOL, CHECK_HERE, has_good_names},
    {"list.unique", "No two functions have the same name.", "The second could never be called.",
     CHECK_TOOL, CHECK_HERE, has_unique_names},
    {"list.descriptions", "Each function has a description, plain text of at most 8 KiB.",
     "It is all the model knows. Control characters and marks that hide or turn text are taken out "
     "by the host.",
     CHECK_TOOL, CHECK_HERE, has_good_descriptions},
    {"list.no-impersonation", "No name or description speaks as the system, the user or the model.",
     "Words by which prompts mark who speaks have no place in a description.", CHECK_TOOL,
     CHECK_HERE, impersonates_nobody},
    {"list.schemas", "The parameters of each function are a JSON Schema of an object.",
     "The host checks every call against it and leaves out functions without one.", CHECK_TOOL,
     CHECK_HERE, has_good_schemas},
    {"list.small", "No function takes more than 64 KiB of the list.",
     "Each turn pays for it in tokens.", CHECK_TOOL, CHECK_HERE, has_small_schemas},
    {"list.whole", "The host takes over every function.", "Its log says what is wrong with others.",
     CHECK_TOOL, CHECK_HERE, is_whole},
    {"list.stable", "Two instances with one configuration list the same.",
     "Inline each worker has an instance of its own; a turn may meet any of them.", CHECK_TOOL,
     CHECK_ALL, is_stable},
    {"list.destroyed", "An instance can be ended while it lists.",
     "Its requests and timers are dead when `destroy` is called; nothing may be completed then.",
     CHECK_TOOL, CHECK_ALL, survives_its_end},
};

const struct check_group check_group_list = {"list", "A tool's functions", cases,
                                             sizeof cases / sizeof cases[0]};
