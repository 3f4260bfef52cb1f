/* Checked text helpers: slices, numbers, UTF-8, nearest names. */
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

struct slice slice_of(const char *text)
{
    return (struct slice){text, text == NULL ? 0 : strlen(text)};
}

bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool slice_equal_text(struct slice a, const char *text)
{
    return slice_equal(a, slice_of(text));
}

static char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool slice_equal_nocase(struct slice a, const char *text)
{
    if (a.len != strlen(text))
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (ascii_lower(a.data[i]) != ascii_lower(text[i]))
            return false;
    return true;
}

bool slice_starts_with(struct slice a, const char *prefix)
{
    size_t len = strlen(prefix);

    return a.len >= len && (len == 0 || memcmp(a.data, prefix, len) == 0);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice slice_trim_line_end(struct slice a)
{
    while (a.len > 0 && (a.data[a.len - 1] == '\n' || a.data[a.len - 1] == '\r'))
        a.len--;
    return a;
}

struct slice slice_trim(struct slice a)
{
    while (a.len > 0 && is_blank(a.data[0])) {
        a.data++;
        a.len--;
    }
    while (a.len > 0 && is_blank(a.data[a.len - 1]))
        a.len--;
    return a;
}

struct slice slice_cut(struct slice *rest, char separator)
{
    const char *found = rest->len == 0 ? NULL : memchr(rest->data, separator, rest->len);
    struct slice head = *rest;

    if (found == NULL) {
        *rest = (struct slice){NULL, 0};
        return head;
    }
    head.len = (size_t)(found - rest->data);
    rest->data += head.len + 1;
    rest->len -= head.len + 1;
    return head;
}

char *slice_dup(struct slice a)
{
    char *copy;

    if (a.len > 0 && memchr(a.data, '\0', a.len) != NULL)
        return NULL;
    copy = malloc(a.len + 1);
    if (copy == NULL)
        return NULL;
    if (a.len > 0)
        memcpy(copy, a.data, a.len);
    copy[a.len] = '\0';
    return copy;
}

bool parse_uint64(const char *text, size_t len, uint64_t *out_value)
{
    uint64_t value = 0;

    if (len == 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
            return false;
    }
    *out_value = value;
    return true;
}

bool parse_int64(const char *text, size_t len, int64_t *out_value)
{
    bool is_negative = len > 0 && text[0] == '-';
    uint64_t value;

    if (!parse_uint64(text + is_negative, len - is_negative, &value))
        return false;
    if (is_negative) {
        if (value > (uint64_t)INT64_MAX + 1)
            return false;
        *out_value = (int64_t)(0 - value);
    } else {
        if (value > INT64_MAX)
            return false;
        *out_value = (int64_t)value;
    }
    return true;
}

/* Length of the well-formed character at `text`, 0 when there is none (RFC 3629 section 4). */
static size_t utf8_char_len(const unsigned char *text, size_t len)
{
    unsigned char first = text[0], low = 0x80, high = 0xBF;
    size_t count;

    if (first < 0x80)
        return 1;
    if (first >= 0xC2 && first <= 0xDF) {
        count = 2;
    } else if (first >= 0xE0 && first <= 0xEF) {
        count = 3;
        low = first == 0xE0 ? 0xA0 : 0x80;
        high = first == 0xED ? 0x9F : 0xBF;
    } else if (first >= 0xF0 && first <= 0xF4) {
        count = 4;
        low = first == 0xF0 ? 0x90 : 0x80;
        high = first == 0xF4 ? 0x8F : 0xBF;
    } else {
        return 0;
    }
    if (len < count || text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < count; i++)
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    return count;
}

bool utf8_is_valid(const char *text, size_t len)
{
    const unsigned char *at = (const unsigned char *)text;

    while (len > 0) {
        size_t step;
        uint64_t eight;

        if (len >= sizeof eight) {
            memcpy(&eight, at, sizeof eight);
            step =
                (eight & UINT64_C(0x8080808080808080)) == 0 ? sizeof eight : utf8_char_len(at, len);
        } else {
            step = utf8_char_len(at, len);
        }
        if (step == 0)
            return false;
        at += step;
        len -= step;
    }
    return true;
}

size_t utf8_prefix(const char *text, size_t len, size_t max_bytes)
{
    size_t end = len < max_bytes ? len : max_bytes, start = end;

    /* Only the last character can be cut: look back for its first byte, three bytes at most. */
    while (start > 0 && end - start < 3 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start == 0 || ((unsigned char)text[start - 1] & 0x80) == 0)
        return end;
    start--;
    return utf8_char_len((const unsigned char *)text + start, end - start) == 0 ? start : end;
}

/* Levenshtein distance of two short words, one row at a time; gives up beyond 63 letters. */
static size_t distance(const char *a, const char *b)
{
    size_t row[64], b_len = strlen(b);

    if (b_len > 63)
        return SIZE_MAX;
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < b_len; j++) {
            size_t cost = diagonal + (ascii_lower(a[i]) != ascii_lower(b[j]));

            diagonal = row[j + 1];
            if (row[j + 1] + 1 < cost)
                cost = row[j + 1] + 1;
            if (row[j] + 1 < cost)
                cost = row[j] + 1;
            row[j + 1] = cost;
        }
    }
    return row[b_len];
}

const char *text_nearest(const char *word, const char *const *names, size_t count)
{
    size_t len = strlen(word), best = len / 3 + 1;
    const char *nearest = NULL;

    if (len > 63)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t d = distance(word, names[i]);

        if (d <= best && (nearest == NULL || d < best)) {
            best = d;
            nearest = names[i];
        }
    }
    return nearest;
}
