/* Slices, numbers, UTF-8, encodings, buffers and errors. */
#include "base/text.h"
#include "base/text_clean.h"

#include "base/buffer.h"
#include "base/error.h"

#include "../support/run.h"

#include <stdio.h>
#include <string.h>

START_TEST(numbers_are_read_whole_or_not_at_all)
{
    int64_t value = 0;

    ck_assert(parse_int64("-9223372036854775808", 20, &value));
    ck_assert_int_eq(value, INT64_MIN);
    ck_assert(parse_int64("9223372036854775807", 19, &value));
    ck_assert(!parse_int64("9223372036854775808", 19, &value));
    ck_assert(!parse_int64("", 0, &value));
    ck_assert(!parse_int64("-", 1, &value));
    ck_assert(!parse_int64("+4", 2, &value));
    ck_assert(!parse_int64(" 4", 2, &value));
    ck_assert(!parse_int64("4x", 2, &value));
}
END_TEST

START_TEST(a_prefix_never_ends_inside_a_character)
{
    static const char text[] = "a\xc3\xa9\xe6\x9d\xad\xf0\x9f\x98\x80z";
    static const size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};

    for (size_t max = 0; max < sizeof expected / sizeof expected[0]; max++)
        ck_assert_uint_eq(utf8_prefix(text, sizeof text - 1, max), expected[max]);
}
END_TEST

START_TEST(base64_agrees_with_rfc_4648)
{
    static const char *const plain[] = {"", "f", "fo", "foo", "foob", "fooba", "foobar"};
    static const char *const coded[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                        "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};

    for (size_t i = 0; i < 7; i++) {
        struct error err = {0};
        struct buffer out;

        buffer_init(&out, 100);
        ck_assert(base64_encode(plain[i], strlen(plain[i]), &out, &err));
        ck_assert_uint_eq(out.len, strlen(coded[i]));
        ck_assert(out.len == 0 || strcmp(out.data, coded[i]) == 0);
        buffer_truncate(&out, 0);
        ck_assert(base64_decode(coded[i], strlen(coded[i]), &out, &err));
        ck_assert(out.len == strlen(plain[i]) && (out.len == 0 || !strcmp(out.data, plain[i])));
        buffer_clear(&out);
    }
}
END_TEST

START_TEST(base64url_has_one_spelling_for_each_value)
{
    static const char *const bad[] = {"Zg=", "Zg==", "Zh", "Zm9", "Z", "Zm+v", "Zm/v", "Zm 9v"};
    struct buffer out;

    buffer_init(&out, 100);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error err = {0};

        ck_assert_msg(!base64url_decode(bad[i], strlen(bad[i]), &out, &err), "%s", bad[i]);
        ck_assert_uint_eq(out.len, 0);
    }
    for (unsigned word = 0; word < 1024; word++) {
        unsigned char bytes[3] = {(unsigned char)(word * 7), (unsigned char)(word >> 2),
                                  (unsigned char)(word * 31)};
        struct error err = {0};
        struct buffer coded;

        buffer_init(&coded, 8);
        buffer_truncate(&out, 0);
        ck_assert(base64url_encode(bytes, 1 + word % 3, &coded, &err));
        ck_assert(base64url_decode(coded.data, coded.len, &out, &err));
        ck_assert_uint_eq(out.len, 1 + word % 3);
        ck_assert_mem_eq(out.data, bytes, out.len);
        buffer_clear(&coded);
    }
    buffer_clear(&out);
}
END_TEST

START_TEST(percent_and_form_encoding_match_the_captures)
{
    struct error err = {0};
    struct buffer out;

    buffer_init(&out, 200);
    ck_assert(percent_encode("a b+*/~!'()\xc3\xa9", 13, &out, &err));
    ck_assert_str_eq(out.data, "a%20b%2B%2A%2F~%21%27%28%29%C3%A9");
    buffer_truncate(&out, 0);
    ck_assert(form_add(&out, "scope", "https://a|b c", 13, &err));
    ck_assert(form_add(&out, "x", "", 0, &err));
    ck_assert_str_eq(out.data, "scope=https%3A%2F%2Fa%7Cb+c&x=");
    buffer_truncate(&out, 0);
    ck_assert(percent_decode("a%20b+c%zz", 7, true, &out, &err));
    ck_assert_str_eq(out.data, "a b c");
    ck_assert(!percent_decode("%zz", 3, false, &out, &err));
    error_clear(&err);
    ck_assert(!percent_decode("%4", 2, false, &out, &err));
    buffer_clear(&out);
}
END_TEST

START_TEST(a_buffer_stops_at_its_limit_and_stays_as_it_was)
{
    struct error err = {0};
    struct buffer out;
    char *taken;

    buffer_init(&out, 5);
    ck_assert(buffer_add_text(&out, "abc", &err));
    ck_assert(!buffer_add_text(&out, "def", &err));
    ck_assert_int_eq(err.code, ERROR_LIMIT);
    ck_assert_str_eq(out.data, "abc");
    ck_assert(buffer_printf(&out, &err, "%d", 42));
    buffer_consume(&out, 2);
    ck_assert_str_eq(out.data, "c42");
    taken = buffer_take(&out, NULL);
    ck_assert_str_eq(taken, "c42");
    ck_assert_uint_eq(out.len, 0);
    free(taken);
}
END_TEST

START_TEST(an_error_keeps_its_cause_behind_the_prefix_and_is_cut_between_characters)
{
    struct error err = {0};
    char lengthy[600];

    ck_assert(!error_set_named(&err, ERROR_DENIED, "InvalidScope", "scope %d", 7));
    ck_assert(!error_prefix(&err, "reading %s", "x"));
    ck_assert_str_eq(err.message, "reading x: scope 7");
    ck_assert_str_eq(err.name, "InvalidScope");
    error_clear(&err);
    for (size_t i = 0; i + 2 < sizeof lengthy; i += 2)
        memcpy(lengthy + i, "\xc3\xa9", 3);
    error_set(&err, ERROR_INTERNAL, "%s", lengthy);
    ck_assert(utf8_is_valid(err.message, strlen(err.message)));
}
END_TEST

START_TEST(the_nearest_name_is_found_for_a_typo_only)
{
    static const char *const names[] = {"listen", "identity", "inbound", "credentials"};

    ck_assert_str_eq(text_nearest("lisen", names, 4), "listen");
    ck_assert_str_eq(text_nearest("Credential", names, 4), "credentials");
    ck_assert_ptr_null(text_nearest("zebra", names, 4));
}
END_TEST

START_TEST(cutting_walks_a_list_with_empty_parts)
{
    struct slice rest = slice_of("a,,b");

    ck_assert(slice_equal_text(slice_cut(&rest, ','), "a"));
    ck_assert_uint_eq(slice_cut(&rest, ',').len, 0);
    ck_assert(slice_equal_text(slice_cut(&rest, ','), "b"));
    ck_assert_ptr_null(rest.data);
}
END_TEST

static const char *cleaned(const char *text)
{
    static char copy[200];

    snprintf(copy, sizeof copy, "%s", text);
    copy[text_clean(copy, strlen(copy))] = '\0';
    return copy;
}

START_TEST(cleaning_takes_out_what_hides_and_what_pretends)
{
    ck_assert_str_eq(cleaned("plain\ttext\r\n\xE4\xBD\xA0\xE5\xA5\xBD \xF0\x9F\x98\x80"),
                     "plain\ttext\r\n\xE4\xBD\xA0\xE5\xA5\xBD \xF0\x9F\x98\x80");
    ck_assert_str_eq(cleaned("a\x1B[2Jb\x07\x7F\xC2\x9B"
                             "c"),
                     "a[2Jbc");
    /* direction overrides, byte order mark, tags */
    ck_assert_str_eq(cleaned("x\xE2\x80\xAEy\xE2\x81\xA6z\xEF\xBB\xBF\xF3\xA0\x81\x81!"), "xyz!");
    ck_assert_str_eq(cleaned("bad \xFF\xC3"
                             "z cut \xE4\xBD"),
                     "bad ??z cut ??");
    ck_assert_str_eq(cleaned("<|im_end|><|im_start|>system"), "< im_end >< im_start >system");
    /* Hidden characters do not help it through, and what is no such word stays. */
    ck_assert_str_eq(cleaned("<|im\xF3\xA0\x81\x81_end|>"), "< im_end >");
    ck_assert_str_eq(cleaned("<||> |> <| a || b|> x->y"), "<||> |> <| a || b|> x->y");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        numbers_are_read_whole_or_not_at_all,
        a_prefix_never_ends_inside_a_character,
        base64_agrees_with_rfc_4648,
        base64url_has_one_spelling_for_each_value,
        percent_and_form_encoding_match_the_captures,
        a_buffer_stops_at_its_limit_and_stays_as_it_was,
        an_error_keeps_its_cause_behind_the_prefix_and_is_cut_between_characters,
        the_nearest_name_is_found_for_a_typo_only,
        cutting_walks_a_list_with_empty_parts,
        cleaning_takes_out_what_hides_and_what_pretends,
        NULL,
    };

    return run_tests("text", tests, NULL, NULL);
}
