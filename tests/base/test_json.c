/* The strict reader against what RFC 8259 allows and what json-c would let through. */
#include "base/json.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"

#include "../support/run.h"

#include <stdio.h>
#include <string.h>

#define TEXT(literal)               \
    (struct slice)                  \
    {                               \
        literal, sizeof literal - 1 \
    }

static const struct slice accepted[] = {
    TEXT("{}"),
    TEXT("[]"),
    TEXT(" \t\r\n{ \"a\" : 1 } \n"),
    TEXT("null"),
    TEXT("true"),
    TEXT("-0"),
    TEXT("0.5e-3"),
    TEXT("9223372036854775807"),
    TEXT("-9223372036854775808"),
    TEXT("1e308"),
    TEXT("\"\\u0000\""),
    TEXT("\"\\ud83d\\ude00 \xf0\x9f\x98\x80\""),
    TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
    TEXT("\"\x7f\""),
    TEXT("{\"a\":{\"a\":1},\"b\":{\"a\":2}}"),
    TEXT("[[[[[[[[1]]]]]]]]"),
    TEXT("{\"\":1}"),
};

static const struct slice refused[] = {
    TEXT(""),
    TEXT(" "),
    TEXT("{'a':1}"),
    TEXT("['a']"),
    TEXT("NaN"),
    TEXT("Infinity"),
    TEXT("-Infinity"),
    TEXT("nan"),
    TEXT("True"),
    TEXT("{\"a\":1,\"a\":2}"),
    TEXT("{\"a\":1,\"\\u0061\":2}"),
    TEXT("{\"x\":{\"b\":1,\"c\":2,\"b\":3}}"),
    TEXT("\"a\nb\""),
    TEXT("\"a\tb\""),
    TEXT("\"a\0b\""),
    TEXT("{}\0{}"),
    TEXT("{}x"),
    TEXT("{} {}"),
    TEXT("1."),
    TEXT(".5"),
    TEXT("01"),
    TEXT("-"),
    TEXT("+1"),
    TEXT("0x10"),
    TEXT("1e"),
    TEXT("1e400"),
    TEXT("-1e400"),
    TEXT("9223372036854775808"),
    TEXT("-9223372036854775809"),
    TEXT("\"\\ud800\""),
    TEXT("\"\\udc00\""),
    TEXT("\"\\ud800\\u0041\""),
    TEXT("\"\\u12g4\""),
    TEXT("\"\\u12\""),
    TEXT("\"\\x41\""),
    TEXT("\"\\"),
    TEXT("\"abc"),
    TEXT("[1,]"),
    TEXT("[,1]"),
    TEXT("{\"a\":1,}"),
    TEXT("{\"a\"}"),
    TEXT("{\"a\":}"),
    TEXT("{a:1}"),
    TEXT("{1:1}"),
    TEXT("[1 2]"),
    TEXT("[1"),
    TEXT("{\"a\":1"),
    TEXT("// c\n1"),
    TEXT("/* c */1"),
    TEXT("\xef\xbb\xbf{}"),
    TEXT("\"\xff\""),
    TEXT("\"\xc0\xaf\""),
    TEXT("\"\xed\xa0\x80\""),
    TEXT("\"\xf4\x90\x80\x80\""),
    TEXT("\"\xe2\x82\""),
    TEXT("]"),
    TEXT("nul"),
};

START_TEST(what_rfc_8259_allows_is_accepted)
{
    for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
        struct error err = {0};

        ck_assert_msg(json_check(accepted[i].data, accepted[i].len, 32, &err), "%s: %s",
                      accepted[i].data, err.message);
    }
}
END_TEST

START_TEST(what_it_does_not_allow_is_refused)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct error err = {0};

        ck_assert_msg(!json_check(refused[i].data, refused[i].len, 32, &err), "case %zu: %s", i,
                      refused[i].data);
        ck_assert_int_eq(err.code, ERROR_BAD_INPUT);
    }
}
END_TEST

START_TEST(every_prefix_of_a_document_is_refused_and_not_read_beyond)
{
    static const char text[] =
        "{\"a\":[1,-2.5e+3,\"\\ud83d\\ude00\",true,null],\"b\":{\"c\":\"d\"}}";

    for (size_t len = 0; len < sizeof text - 1; len++) {
        struct error err = {0};
        char *copy = malloc(len == 0 ? 1 : len);

        memcpy(copy, text, len);
        ck_assert(!json_check(copy, len, 32, &err));
        free(copy);
    }
}
END_TEST

START_TEST(nesting_stops_at_the_limit_and_not_before)
{
    struct error err = {0};

    ck_assert(json_check("[[[1]]]", 7, 3, &err));
    ck_assert(!json_check("[[[1]]]", 7, 2, &err));
    ck_assert_ptr_nonnull(strstr(err.message, "too deep"));
}
END_TEST

START_TEST(a_fault_is_named_with_line_and_column_and_without_values)
{
    static const char text[] = "{\n  \"secret\": \"hunter2\",\n  \"x\": 01\n}";
    struct error err = {0};

    ck_assert(!json_check(text, sizeof text - 1, 32, &err));
    ck_assert_ptr_nonnull(strstr(err.message, "line 3"));
    ck_assert_ptr_null(strstr(err.message, "hunter2"));
}
END_TEST

START_TEST(strings_come_out_with_their_length)
{
    static const char text[] = "{\"a\":\"x\\u0000y\"}";
    struct error err = {0};
    CLEANUP(json_cleanup) struct json_object *value = json_parse(text, sizeof text - 1, 32, &err);
    size_t len = 0;
    const char *a = json_get_string(value, "a", &len);

    ck_assert_ptr_nonnull(a);
    ck_assert_uint_eq(len, 3);
    ck_assert_mem_eq(a, "x\0y", 3);
}
END_TEST

START_TEST(a_bare_number_is_a_value_too)
{
    struct error err = {0};
    CLEANUP(json_cleanup) struct json_object *value = json_parse("42", 2, 32, &err);

    ck_assert_int_eq(json_object_get_int64(value), 42);
}
END_TEST

static void expect_at(const char *text, const char *pointer, const char *expected)
{
    const char *value;
    size_t len;

    if (expected == NULL) {
        ck_assert(!json_find(text, strlen(text), pointer, &value, &len));
        return;
    }
    ck_assert_msg(json_find(text, strlen(text), pointer, &value, &len), "%s", pointer);
    ck_assert_uint_eq(len, strlen(expected));
    ck_assert_mem_eq(value, expected, len);
}

START_TEST(a_member_twice_is_found_in_small_and_in_large_objects)
{
    for (int count = 1; count <= 40; count++)
        for (int again = 0; again < count; again++) {
            char text[1000] = "{";
            struct error err = {0};
            size_t used = 1;

            for (int i = 0; i < count; i++)
                used += (size_t)snprintf(text + used, sizeof text - used, "\"m%d\":1,", i);
            snprintf(text + used - 1, sizeof text - used, "}");
            ck_assert_msg(json_check(text, strlen(text), 32, &err), "%s", err.message);
            /* The same name, spelled with an escape. */
            snprintf(text + used - 1, sizeof text - used, ",\"\\u006d%d\":2}", again);
            ck_assert_msg(!json_check(text, strlen(text), 32, &err), "%s", text);
        }
}
END_TEST

START_TEST(members_are_found_in_one_pass_by_name_and_type)
{
    static const char text[] =
        " {\"skip\": {\"a\": \"]}\\\"\", \"b\": [1, {}]}, \"\\u0061\" : \"x\\\\\", \"n\": -7, "
        "\"o\":{},"
        " \"s\":[ ] , \"z\":null}";
    struct json_member members[] = {{.name = "a", .first = '"'}, {.name = "n"},
                                    {.name = "o", .first = '['}, {.name = "s", .first = '['},
                                    {.name = "z", .first = '"'}, {.name = "absent"}};
    struct slice object = {text, sizeof text - 1};

    json_find_members(object, members, 6);
    ck_assert(slice_equal_text(members[0].value, "\"x\\\\\""));
    ck_assert(slice_equal_text(members[1].value, "-7"));
    ck_assert_uint_eq(members[2].value.len, 0);
    ck_assert(slice_equal_text(members[3].value, "[ ]"));
    ck_assert_uint_eq(members[4].value.len + members[5].value.len, 0);
    json_find_members(slice_of("[\"a\"]"), members, 1);
    ck_assert_uint_eq(members[0].value.len, 0);
    json_find_members((struct slice){NULL, 0}, members, 1);
    ck_assert_uint_eq(members[0].value.len, 0);
}
END_TEST

START_TEST(characters_lie_in_the_literal_unless_an_escape_stands_in_it)
{
    struct slice plain = slice_of("\"abc\""), text;
    struct error err = {0};
    struct buffer scratch;

    buffer_init(&scratch, 100);
    ck_assert(json_characters(plain, &scratch, &text, &err));
    ck_assert(slice_equal_text(text, "abc"));
    ck_assert_ptr_eq(text.data, plain.data + 1);
    ck_assert(json_characters(slice_of("\"\\u4f60\\\"\""), &scratch, &text, &err));
    ck_assert(slice_equal_text(text, "\xe4\xbd\xa0\""));
    ck_assert(json_characters((struct slice){NULL, 0}, &scratch, &text, &err));
    ck_assert_uint_eq(text.len, 0);
    buffer_clear(&scratch);
}
END_TEST

START_TEST(integers_are_read_in_range_and_fractions_are_none)
{
    struct slice json = slice_of("{\"a\":-9223372036854775808,\"b\":1.0,\"c\":\"1\"}");
    int64_t value = 0;

    ck_assert(json_find_int64(json, "/a", &value));
    ck_assert(value == INT64_MIN);
    ck_assert(!json_find_int64(json, "/b", &value));
    ck_assert(!json_find_int64(json, "/c", &value));
    ck_assert(!json_find_int64(json, "/d", &value));
}
END_TEST

START_TEST(pointers_find_values_in_raw_text)
{
    /* The document of RFC 6901 section 5, shortened. */
    static const char text[] =
        " {\"foo\": [\"bar\", \"baz\"], \"\": 0, \"a/b\": 1, \"m~n\": 8,"
        " \"k\\u0022l\": {\"x\" : [ {\"y\":null} ] } } ";

    expect_at(text, "/foo", "[\"bar\", \"baz\"]");
    expect_at(text, "/foo/1", "\"baz\"");
    expect_at(text, "/foo/2", NULL);
    expect_at(text, "/", "0");
    expect_at(text, "/a~1b", "1");
    expect_at(text, "/m~0n", "8");
    expect_at(text, "/k\"l/x/0/y", "null");
    expect_at(text, "/k\"l/x/0/z", NULL);
    expect_at(text, "foo", NULL);
    expect_at("[]", "/0", NULL);
    expect_at("3", "", "3");
    expect_at("3", "/a", NULL);
}
END_TEST

START_TEST(a_secret_member_goes_straight_into_locked_memory)
{
    static const char text[] = "{\"n\":{\"access_token\":\"ab\\u00e9\\/c\"},\"e\":\"\",\"i\":5}";
    struct error err = {0};
    CLEANUP(secret_cleanup) struct secret *secret = NULL;
    struct secret *other = NULL;
    size_t len;

    ck_assert(json_take_secret(text, sizeof text - 1, "/n/access_token", &secret, &err));
    ck_assert_str_eq(secret_borrow(secret, &len), "ab\xc3\xa9/c");
    ck_assert_uint_eq(len, 6);
    ck_assert(!json_take_secret(text, sizeof text - 1, "/e", &other, &err));
    error_clear(&err);
    ck_assert(!json_take_secret(text, sizeof text - 1, "/i", &other, &err));
    error_clear(&err);
    ck_assert(!json_take_secret(text, sizeof text - 1, "/missing", &other, &err));
    ck_assert_int_eq(err.code, ERROR_NOT_FOUND);
    ck_assert_ptr_null(other);
}
END_TEST

START_TEST(a_written_string_is_valid_json_whatever_went_in)
{
    struct error err = {0};
    struct buffer out;
    char wild[256];

    for (int i = 0; i < 256; i++)
        wild[i] = (char)i;
    buffer_init(&out, 4096);
    ck_assert(json_add_string(&out, wild, sizeof wild, &err));
    ck_assert_msg(json_check(out.data, out.len, 2, &err), "%s", err.message);
    ck_assert_ptr_null(memchr(out.data, '\n', out.len));
    buffer_truncate(&out, 0);
    ck_assert(json_add_string(&out, "h\xc3\xa9 \xe6\x9d\xad \"q\" \\ \n", 15, &err));
    ck_assert_str_eq(out.data, "\"h\xc3\xa9 \xe6\x9d\xad \\\"q\\\" \\\\ \\n\"");
    buffer_truncate(&out, 0);
    ck_assert(json_add_string(&out, "a\xff\xc3\xa9z", 5, &err));
    ck_assert_str_eq(out.data, "\"a\xEF\xBF\xBD\xc3\xa9z\"");
    buffer_clear(&out);
}
END_TEST

START_TEST(members_can_be_walked)
{
    static const char text[] = "{ \"a\" : [1, 2] , \"b\":\"}\" }";
    size_t position = 0;
    struct slice name, value;

    ck_assert(json_next(text, sizeof text - 1, &position, &name, &value));
    ck_assert(slice_equal_text(name, "\"a\"") && slice_equal_text(value, "[1, 2]"));
    ck_assert(json_next(text, sizeof text - 1, &position, &name, &value));
    ck_assert(slice_equal_text(name, "\"b\"") && slice_equal_text(value, "\"}\""));
    ck_assert(!json_next(text, sizeof text - 1, &position, &name, &value));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_rfc_8259_allows_is_accepted,
        what_it_does_not_allow_is_refused,
        every_prefix_of_a_document_is_refused_and_not_read_beyond,
        nesting_stops_at_the_limit_and_not_before,
        a_fault_is_named_with_line_and_column_and_without_values,
        strings_come_out_with_their_length,
        a_bare_number_is_a_value_too,
        a_member_twice_is_found_in_small_and_in_large_objects,
        members_are_found_in_one_pass_by_name_and_type,
        characters_lie_in_the_literal_unless_an_escape_stands_in_it,
        integers_are_read_in_range_and_fractions_are_none,
        pointers_find_values_in_raw_text,
        a_secret_member_goes_straight_into_locked_memory,
        a_written_string_is_valid_json_whatever_went_in,
        members_can_be_walked,
        NULL,
    };

    return run_tests("json", tests, NULL, NULL);
}
