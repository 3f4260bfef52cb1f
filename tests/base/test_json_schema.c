/* Schemas: which values pass, what the message says, which schemas are refused. */
#include "base/json_schema.h"

#include "base/error.h"
#include "base/json.h"

#include "../support/run.h"

#include <string.h>

static struct json_object *parse(const char *text)
{
    struct error err = {0};
    struct json_object *value = json_parse(text, strlen(text), 32, &err);

    ck_assert_msg(value != NULL || strcmp(text, "null") == 0, "%s: %s", text, err.message);
    return value;
}

static struct json_schema *compile(const char *text, struct error *err)
{
    struct json_object *root = parse(text);
    struct json_schema *schema = json_schema_new(root, err);

    json_object_put(root);
    return schema;
}

static const struct row {
    const char *schema, *value;
    bool passes;
} rows[] = {
    {"{}", "1", true},
    {"true", "1", true},
    {"false", "1", false},
    {"{\"type\":\"integer\"}", "1", true},
    {"{\"type\":\"integer\"}", "1.0", true},
    {"{\"type\":\"integer\"}", "1.5", false},
    {"{\"type\":\"number\"}", "1", true},
    {"{\"type\":\"string\"}", "1", false},
    {"{\"type\":[\"string\",\"null\"]}", "null", true},
    {"{\"type\":[\"string\",\"null\"]}", "[]", false},
    {"{\"type\":\"boolean\"}", "true", true},
    {"{\"enum\":[1,\"a\",{\"b\":2}]}", "{\"b\":2.0}", true},
    {"{\"enum\":[1,\"a\"]}", "\"b\"", false},
    {"{\"const\":{\"a\":1,\"b\":2}}", "{\"b\":2,\"a\":1}", true},
    {"{\"const\":[1,2]}", "[2,1]", false},
    {"{\"required\":[\"a\"]}", "{\"a\":null}", true},
    {"{\"required\":[\"a\"]}", "{}", false},
    {"{\"required\":[\"a\"]}", "7", true},
    {"{\"properties\":{\"a\":{\"type\":\"string\"}}}", "{\"a\":1}", false},
    {"{\"properties\":{\"a\":{}},\"additionalProperties\":false}", "{\"b\":1}", false},
    {"{\"properties\":{\"a\":{}},\"additionalProperties\":{\"type\":\"string\"}}", "{\"b\":\"\"}",
     true},
    {"{\"patternProperties\":{\"^x\":{\"type\":\"integer\"}},\"additionalProperties\":false}",
     "{\"x1\":1}", true},
    {"{\"patternProperties\":{\"^x\":{\"type\":\"integer\"}}}", "{\"x1\":\"\"}", false},
    {"{\"minProperties\":1}", "{}", false},
    {"{\"maxProperties\":1}", "{\"a\":1,\"b\":2}", false},
    {"{\"items\":{\"type\":\"integer\"}}", "[1,2]", true},
    {"{\"items\":{\"type\":\"integer\"}}", "[1,\"2\"]", false},
    {"{\"prefixItems\":[{\"type\":\"string\"}],\"items\":false}", "[\"a\"]", true},
    {"{\"prefixItems\":[{\"type\":\"string\"}],\"items\":false}", "[\"a\",1]", false},
    {"{\"minItems\":2}", "[1]", false},
    {"{\"maxItems\":1}", "[1,2]", false},
    {"{\"uniqueItems\":true}", "[1,2,1.0]", false},
    {"{\"uniqueItems\":true}", "[1,\"1\",[1]]", true},
    {"{\"minimum\":3}", "3", true},
    {"{\"minimum\":3}", "2", false},
    {"{\"exclusiveMinimum\":3}", "3", false},
    {"{\"maximum\":9007199254740993}", "9007199254740994", false},
    {"{\"exclusiveMaximum\":3}", "2.9", true},
    {"{\"multipleOf\":0.1}", "0.3", true},
    {"{\"multipleOf\":2}", "3", false},
    {"{\"minLength\":2}", "\"\\u676d\"", false},
    {"{\"maxLength\":2}", "\"\\u676d\\u5dde\"", true},
    {"{\"maxLength\":2}", "\"abc\"", false},
    {"{\"pattern\":\"^[0-9]{6}$\"}", "\"330100\"", true},
    {"{\"pattern\":\"^\\\\d{6}$\"}", "\"33010x\"", false},
    {"{\"pattern\":\"^[\\\\w.-]+@[\\\\w-]+$\"}", "\"a-b.c@d-e\"", true},
    {"{\"pattern\":\"^(?:a|b)\\\\.$\"}", "\"b.\"", true},
    {"{\"pattern\":\"^(?:a|b)\\\\.$\"}", "\"bc\"", false},
    {"{\"pattern\":\"^(?=x)y\"}", "\"anything: look-ahead is not tried\"", true},
    {"{\"pattern\":\"^[\\\\]\\\\-]$\"}", "\"]\"", true},
    {"{\"pattern\":\"^[^\\\\s]+$\"}", "\"a b\"", false},
    {"{\"anyOf\":[{\"type\":\"string\"},{\"minimum\":5}]}", "6", true},
    {"{\"anyOf\":[{\"type\":\"string\"},{\"minimum\":5}]}", "4", false},
    {"{\"oneOf\":[{\"minimum\":1},{\"minimum\":5}]}", "6", false},
    {"{\"oneOf\":[{\"minimum\":1},{\"minimum\":5}]}", "3", true},
    {"{\"allOf\":[{\"minimum\":1},{\"maximum\":5}]}", "6", false},
    {"{\"not\":{\"type\":\"string\"}}", "\"a\"", false},
    {"{\"if\":{\"type\":\"string\"},\"then\":{\"minLength\":2},\"else\":{\"minimum\":2}}", "\"a\"",
     false},
    {"{\"if\":{\"type\":\"string\"},\"then\":{\"minLength\":2},\"else\":{\"minimum\":2}}", "3",
     true},
    {"{\"$ref\":\"#/$defs/a\",\"$defs\":{\"a\":{\"type\":\"string\"}}}", "1", false},
    {"{\"properties\":{\"next\":{\"$ref\":\"#\"}},\"additionalProperties\":false}",
     "{\"next\":{\"next\":{}}}", true},
    {"{\"properties\":{\"next\":{\"$ref\":\"#\"}},\"additionalProperties\":false}",
     "{\"next\":{\"nxt\":{}}}", false},
    {"{\"unknownKeyword\":7,\"format\":\"uri\"}", "\"x\"", true},
};

START_TEST(values_pass_or_fail_as_the_specification_says)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error err = {0};
        struct json_schema *schema = compile(rows[i].schema, &err);
        struct json_object *value = parse(rows[i].value);

        ck_assert_msg(schema != NULL, "%s: %s", rows[i].schema, err.message);
        ck_assert_msg(json_schema_check(schema, value, &err) == rows[i].passes, "%s with %s: %s",
                      rows[i].schema, rows[i].value, err.message);
        json_object_put(value);
        json_schema_free(schema);
    }
}
END_TEST

START_TEST(broken_schemas_are_refused_with_their_place)
{
    static const struct {
        const char *schema, *place;
    } broken[] = {
        {"{\"type\":\"text\"}", "#.type"},
        {"{\"properties\":{\"a\":{\"minLength\":-1}}}", "#.properties.a.minLength"},
        {"{\"required\":\"a\"}", "#.required"},
        {"{\"$ref\":\"#/$defs/none\"}", "#.$ref"},
        {"{\"$ref\":\"https://example.com/schema\"}", "#.$ref"},
        {"{\"pattern\":\"a(\"}", "#.pattern"},
        {"{\"items\":3}", "#.items"},
        {"{\"anyOf\":[]}", "#.anyOf"},
        {"{\"multipleOf\":0}", "#.multipleOf"},
        {"7", "#"},
    };

    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct error err = {0};

        ck_assert_msg(compile(broken[i].schema, &err) == NULL, "%s", broken[i].schema);
        ck_assert_msg(strstr(err.message, broken[i].place) == err.message, "%s: %s",
                      broken[i].schema, err.message);
    }
}
END_TEST

static void check_message(const char *schema_text, const char *value_text, const char *expected)
{
    struct error err = {0};
    struct json_schema *schema = compile(schema_text, &err);
    struct json_object *value = parse(value_text);

    ck_assert(!json_schema_check(schema, value, &err));
    ck_assert_str_eq(err.message, expected);
    json_object_put(value);
    json_schema_free(schema);
}

START_TEST(a_message_names_every_fault_with_its_path)
{
    check_message(
        "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"},\"days\":{"
        "\"maximum\":4}},\"required\":[\"from\"],\"additionalProperties\":false}",
        "{\"city\":7,\"days\":5,\"dys\":1}",
        "$: the member \"from\" is missing; $.city: expected string, found 7; $.days: "
        "expected at most 4, found 5; $: has no member \"dys\": did you mean \"days\"?");
}
END_TEST

START_TEST(a_value_that_names_a_secret_is_not_quoted)
{
    check_message(
        "{\"properties\":{\"key\":{\"type\":\"string\",\"pattern\":\"^[A-Z_]+$\","
        "\"x-secret\":\"env\"}}}",
        "{\"key\":\"canary-secret\"}", "$.key: expected the pattern ^[A-Z_]+$, found a value");
}
END_TEST

START_TEST(work_is_bounded)
{
    struct error err = {0};
    struct json_schema *schema = compile("{\"anyOf\":[{\"$ref\":\"#\"},{\"$ref\":\"#\"}]}", &err);
    struct json_object *value = parse("1");

    ck_assert(!json_schema_check(schema, value, &err));
    ck_assert_int_eq(err.code, ERROR_LIMIT);
    json_object_put(value);
    json_schema_free(schema);
}
END_TEST

START_TEST(a_models_small_mistakes_are_repaired)
{
    struct error err = {0};
    struct json_schema *schema = compile(
        "{\"properties\":{\"n\":{\"type\":\"integer\"},\"f\":{\"type\":\"number\"},\"b\":{\"type\":"
        "\"boolean\"},\"adcode\":{\"type\":\"string\"},\"keep\":{\"type\":\"integer\"},\"l\":{"
        "\"items\":{\"type\":\"integer\"}}}}",
        &err);
    struct json_object *value = parse(
        "{\"n\":\"5\",\"f\":\"2.5\",\"b\":\"true\",\"adcode\":330100,"
        "\"keep\":\"5 km\",\"l\":[\"1\",2]}");

    json_schema_coerce(schema, value);
    ck_assert_str_eq(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN),
                     "{\"n\":5,\"f\":2.5,\"b\":true,\"adcode\":\"330100\",\"keep\":\"5 km\","
                     "\"l\":[1,2]}");
    json_object_put(value);
    json_schema_free(schema);
}
END_TEST

START_TEST(defaults_are_filled_in_at_every_level)
{
    struct error err = {0};
    struct json_schema *schema = compile(
        "{\"properties\":{\"a\":{\"default\":1},\"b\":{\"properties\":{\"c\":{\"default\":"
        "[2]}}},\"d\":{\"default\":{},\"properties\":{\"e\":{\"default\":3}}}}}",
        &err);
    struct json_object *value = parse("{\"b\":{}}");

    ck_assert(json_schema_apply_defaults(schema, value, &err));
    ck_assert_str_eq(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN),
                     "{\"b\":{\"c\":[2]},\"a\":1,\"d\":{\"e\":3}}");
    json_object_put(value);
    json_schema_free(schema);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        values_pass_or_fail_as_the_specification_says,
        broken_schemas_are_refused_with_their_place,
        a_message_names_every_fault_with_its_path,
        a_value_that_names_a_secret_is_not_quoted,
        work_is_bounded,
        a_models_small_mistakes_are_repaired,
        defaults_are_filled_in_at_every_level,
        NULL,
    };

    return run_tests("json_schema", tests, NULL, NULL);
}
