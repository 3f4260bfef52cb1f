/* The checker's parts: the table of checks and its document, seeds, values made from schemas, the
 * command line. */
#include "check/check.h"
#include "check/report.h"
#include "check/sample.h"

#include "base/error.h"
#include "base/json.h"
#include "base/json_schema.h"

#include "../support/run.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define DOCUMENT "doc/plugin-check.md"

/* NUL-terminated; lives as long as the test. */
static const char *read_file(const char *path)
{
    static char text[200000];
    FILE *file = fopen(path, "r");
    size_t len;

    ck_assert_msg(file != NULL, "%s cannot be read", path);
    len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    ck_assert_uint_lt(len, sizeof text - 1);
    text[len] = '\0';
    return text;
}

START_TEST(there_are_many_checks_each_told_in_full)
{
    size_t count = 0;

    for (size_t g = 0; g < check_group_count; g++)
        for (size_t i = 0; i < check_groups[g]->count; i++) {
            const struct check_case *what = &check_groups[g]->cases[i];
            size_t len = strlen(check_groups[g]->name);

            count++;
            ck_assert_msg(strncmp(what->id, check_groups[g]->name, len) == 0 &&
                              what->id[len] == '.',
                          "%s is not in its group", what->id);
            ck_assert_msg(check_find(what->id) == what, "%s is there twice", what->id);
            ck_assert_msg(what->what[strlen(what->what) - 1] == '.' && what->fix[0] != '\0',
                          "%s is not told in full", what->id);
        }
    ck_assert_uint_ge(count, 100);
}
END_TEST

/* `SESAME_WRITE_DOC=1` writes it anew behind the introduction. */
START_TEST(the_document_tells_every_check_as_the_table_does)
{
    const char *source = getenv("SESAME_TEST_SRCDIR");
    const char *text, *list;
    char path[600], *generated = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&generated, &size);

    check_list_markdown(out);
    fclose(out);
    snprintf(path, sizeof path, "%s/" DOCUMENT, source == NULL ? "." : source);
    text = read_file(path);
    list = strstr(text, "\n## ");
    ck_assert_ptr_nonnull(list);
    if (getenv("SESAME_WRITE_DOC") != NULL) {
        out = fopen(path, "w");
        ck_assert_ptr_nonnull(out);
        fprintf(out, "%.*s%s", (int)(list - text), text, generated);
        fclose(out);
    } else {
        ck_assert_msg(strcmp(list, generated) == 0, DOCUMENT
                      " does not say what the table says: run test_check_parts with "
                      "SESAME_WRITE_DOC=1");
    }
    free(generated);
}
END_TEST

/* ---- values from schemas --------------------------------------------------------------------- */

static const char *const schemas[] = {
    "{\"type\":\"object\"}",
    "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\",\"minimum\":5,\"maximum\":7},"
    "\"b\":{\"enum\":[\"x\",\"y\"]},\"c\":{\"type\":\"string\",\"minLength\":3,\"maxLength\":4},"
    "\"d\":{\"type\":\"number\",\"exclusiveMinimum\":0,\"maximum\":1}},\"required\":[\"a\",\"b\","
    "\"c\"],"
    "\"additionalProperties\":false}",
    "{\"type\":\"object\",\"properties\":{\"list\":{\"type\":\"array\",\"minItems\":2,\"maxItems\":"
    "3,"
    "\"items\":{\"$ref\":\"#/$defs/item\"}}},\"required\":[\"list\"],\"$defs\":{\"item\":{\"type\":"
    "\"object\",\"properties\":{\"url\":{\"type\":\"string\",\"pattern\":\"^https://"
    "\"}},\"required\":"
    "[\"url\"]}}}",
    "{\"type\":\"object\",\"properties\":{\"p\":{\"type\":\"string\"},\"q\":{\"type\":\"boolean\"}}"
    ","
    "\"oneOf\":[{\"required\":[\"p\"]},{\"required\":[\"q\"]}]}",
    "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\",\"multipleOf\":7,\"minimum\":"
    "15},"
    "\"k\":{\"const\":\"fixed\"}},\"required\":[\"n\",\"k\"]}",
};
#define SCHEMA_COUNT (sizeof schemas / sizeof schemas[0])

static struct json_object *parse(const char *text)
{
    struct error err = {0};
    struct json_object *json = json_parse(text, strlen(text), JSON_DEPTH_DEFAULT, &err);

    ck_assert_msg(json != NULL, "%s", err.message);
    return json;
}

START_TEST(samples_are_valid_and_come_again_with_their_seed)
{
    for (size_t s = 0; s < SCHEMA_COUNT; s++) {
        struct json_object *root = parse(schemas[s]);
        struct error err = {0};
        struct json_schema *schema = json_schema_new(root, &err);

        for (int kind = SAMPLE_LEAST; kind <= SAMPLE_EXTREME; kind++)
            for (uint64_t seed = 0; seed < 20; seed++) {
                struct check first = {.random = seed}, second = {.random = seed};
                struct json_object *one =
                    sample_valid(&first, root, schema, (enum sample_kind)kind, NULL, NULL);
                struct json_object *two =
                    sample_valid(&second, root, schema, (enum sample_kind)kind, NULL, NULL);

                ck_assert_msg(one != NULL, "no sample for %s", schemas[s]);
                ck_assert_msg(json_schema_check(schema, one, &err), "%s", err.message);
                ck_assert_str_eq(json_object_to_json_string(one), json_object_to_json_string(two));
                json_object_put(one);
                json_object_put(two);
            }
        json_schema_free(schema);
        json_object_put(root);
    }
}
END_TEST

START_TEST(each_fault_is_one_that_the_schema_refuses)
{
    struct json_object *root = parse(schemas[1]);
    struct json_object *valid = parse("{\"a\":6,\"b\":\"x\",\"c\":\"abc\"}");
    struct error err = {0};
    struct json_schema *schema = json_schema_new(root, &err);
    size_t count = 0;

    for (;; count++) {
        struct sample_fault fault = sample_invalid(root, valid, count);

        if (fault.value == NULL)
            break;
        ck_assert_msg(!json_schema_check(schema, fault.value, &err), "\"%s\" %s is taken",
                      fault.member, fault.what);
        ck_assert_msg(strstr(err.message, fault.member) != NULL, "%s", err.message);
        error_clear(&err);
        json_object_put(fault.value);
    }
    /* a: missing, type, below, above; b: missing, list; c: missing, type, length; d: type, above.
     */
    ck_assert_uint_eq(count, 11);
    json_schema_free(schema);
    json_object_put(valid);
    json_object_put(root);
}
END_TEST

/* ---- the command ----------------------------------------------------------------------------- */

static int run(const char *arguments)
{
    const char *build = getenv("SESAME_TEST_BUILDDIR");
    char command[700];
    int status;

    snprintf(command, sizeof command, "%s/sesame plugin check %s >/dev/null 2>&1",
             build == NULL ? "." : build, arguments);
    status = system(command);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(wrong_use_is_told_apart_from_a_bad_plugin)
{
    const char *build = getenv("SESAME_TEST_BUILDDIR");
    char arguments[600];

    ck_assert_int_eq(run("--list"), 0);
    ck_assert_int_eq(run("--list --json"), 0);
    ck_assert_int_eq(run(""), 2);
    ck_assert_int_eq(run("/no/such/file.so"), 2);
    snprintf(arguments, sizeof arguments, "--only no.such-check %s/check/plain/bad.so",
             build == NULL ? "." : build);
    ck_assert_int_eq(run(arguments), 2);
    snprintf(arguments, sizeof arguments, "--seed x %s/check/plain/bad.so",
             build == NULL ? "." : build);
    ck_assert_int_eq(run(arguments), 2);
    snprintf(arguments, sizeof arguments, "--only elf --seed 1 %s/check/plain/bad.so",
             build == NULL ? "." : build);
    ck_assert_int_eq(run(arguments), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        there_are_many_checks_each_told_in_full,
        the_document_tells_every_check_as_the_table_does,
        samples_are_valid_and_come_again_with_their_seed,
        each_fault_is_one_that_the_schema_refuses,
        wrong_use_is_told_apart_from_a_bad_plugin,
        NULL,
    };

    return run_tests("check parts", tests, NULL, NULL);
}
