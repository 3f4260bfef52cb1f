/* The strict RFC 8259 reader that stands in front of json-c. */
#include "base/json.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json_scan.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool fail(struct json_scan *scan, const char *what)
{
    size_t line = 1, column = 1;

    for (const char *at = scan->start; at < scan->at; at++) {
        column = *at == '\n' ? 1 : column + 1;
        line += *at == '\n';
    }
    return error_set(scan->err, ERROR_BAD_INPUT, "no strict JSON: %s at line %zu, column %zu", what,
                     line, column);
}

static void skip_blanks(struct json_scan *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n' || *scan->at == '\r'))
        scan->at++;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Reads the four digits of \uXXXX; `at` stands on the 'u'. -1 when they are not there. */
static long read_unit(const struct json_scan *scan, const char *at)
{
    long unit = 0;

    if (scan->end - at < 5)
        return -1;
    for (int i = 1; i <= 4; i++) {
        int digit = hex_digit(at[i]);

        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

/* `scan->at` stands on the letter behind a backslash and is moved to the last one of the escape. */
static bool scan_escape(struct json_scan *scan)
{
    long unit;

    if (scan->at >= scan->end)
        return fail(scan, "text ends inside a string");
    if (*scan->at != 'u')
        return *scan->at != '\0' && strchr("\"\\/bfnrt", *scan->at) != NULL
                   ? true
                   : fail(scan, "unknown escape");
    unit = read_unit(scan, scan->at);
    if (unit < 0)
        return fail(scan, "\\u without four hex digits");
    if (unit >= 0xDC00 && unit <= 0xDFFF)
        return fail(scan, "lone surrogate");
    if (unit >= 0xD800 && unit <= 0xDBFF) {
        long low = scan->end - scan->at > 6 && scan->at[5] == '\\' && scan->at[6] == 'u'
                       ? read_unit(scan, scan->at + 6)
                       : -1;

        if (low < 0xDC00 || low > 0xDFFF)
            return fail(scan, "lone surrogate");
        scan->at += 6;
    }
    scan->at += 4;
    return true;
}

bool json_scan_string(struct json_scan *scan)
{
    unsigned char seen = 0; /* all bytes of it, or-ed */
    const char *plain;

    if (scan->at >= scan->end || *scan->at != '"')
        return fail(scan, "expected a string in double quotes");
    plain = ++scan->at;
    while (scan->at < scan->end && *scan->at != '"') {
        unsigned char c = (unsigned char)*scan->at;

        if (c < 0x20)
            return fail(scan, "control character in a string");
        if (c == '\\') {
            scan->at++;
            if (!scan_escape(scan))
                return false;
        }
        seen |= c;
        scan->at++;
    }
    if (scan->at >= scan->end)
        return fail(scan, "text ends inside a string");
    if ((seen & 0x80) && !utf8_is_valid(plain, (size_t)(scan->at - plain)))
        return fail(scan, "invalid UTF-8 in a string");
    scan->at++;
    return true;
}

static size_t skip_digits(struct json_scan *scan)
{
    const char *start = scan->at;

    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return (size_t)(scan->at - start);
}

/* Numbers must fit what we hold them in: json-c saturates integers and makes 1e400 infinite. */
static bool check_range(struct json_scan *scan, const char *start, bool is_integer)
{
    size_t len = (size_t)(scan->at - start);
    char text[64];
    int64_t integer;
    double number;

    if (is_integer)
        return parse_int64(start, len, &integer) ? true : fail(scan, "integer out of range");
    if (len >= sizeof text)
        return fail(scan, "number of more than 63 characters");
    memcpy(text, start, len);
    text[len] = '\0';
    number = strtod(text, NULL);
    return isfinite(number) ? true : fail(scan, "number out of range");
}

static bool scan_number(struct json_scan *scan)
{
    const char *start = scan->at, *digits;
    bool is_integer = true;

    if (*scan->at == '-')
        scan->at++;
    digits = scan->at;
    if (skip_digits(scan) == 0)
        return fail(scan, "expected a value");
    if (*digits == '0' && scan->at - digits > 1)
        return fail(scan, "number with a leading zero");
    if (scan->at < scan->end && *scan->at == '.') {
        is_integer = false;
        scan->at++;
        if (skip_digits(scan) == 0)
            return fail(scan, "number without digits behind its point");
    }
    if (scan->at < scan->end && (*scan->at == 'e' || *scan->at == 'E')) {
        is_integer = false;
        scan->at++;
        if (scan->at < scan->end && (*scan->at == '+' || *scan->at == '-'))
            scan->at++;
        if (skip_digits(scan) == 0)
            return fail(scan, "number without digits in its exponent");
    }
    return check_range(scan, start, is_integer);
}

static bool scan_word(struct json_scan *scan, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, word, len) != 0)
        return fail(scan, "expected a value");
    scan->at += len;
    return true;
}

/* The names of one object, as unescaped text, so that "a" and "\u0061" are seen as the same. */
#define FEW_NAMES 16

struct names {
    struct slice *items;
    size_t count;
    size_t capacity;
    struct slice few[FEW_NAMES]; /* where `items` lie in most objects */
    struct buffer text[1];
};

static int compare_slices(const void *a, const void *b)
{
    const struct slice *left = a, *right = b;
    size_t shorter = left->len < right->len ? left->len : right->len;
    int order = shorter == 0 ? 0 : memcmp(left->data, right->data, shorter);

    if (order != 0)
        return order;
    return (left->len > right->len) - (left->len < right->len);
}

static bool add_name(struct names *names, struct slice literal, struct error *err)
{
    if (names->count == names->capacity) {
        bool has_few = names->items == names->few;
        size_t capacity = names->capacity * 2;
        struct slice *items = realloc(has_few ? NULL : names->items, capacity * sizeof *items);

        if (items == NULL)
            return error_set(err, ERROR_NO_MEMORY, "no memory to check JSON");
        if (has_few)
            memcpy(items, names->few, sizeof names->few);
        names->items = items;
        names->capacity = capacity;
    }
    names->items[names->count++] = literal;
    return true;
}

/* Replaces literals by their characters where an escape stands in one of them. */
static bool unescape_names(struct names *names, struct error *err)
{
    size_t total = 0, used = 0;

    for (size_t i = 0; i < names->count; i++)
        total += names->items[i].len;
    buffer_init(names->text, total + 1);
    for (size_t i = 0; i < names->count; i++)
        if (!json_unescape(names->items[i].data, names->items[i].len, names->text, err))
            return false;
        else {
            /* Offsets for now: the buffer may still move. */
            names->items[i].len = names->text->len - used;
            used = names->text->len;
        }
    used = 0;
    for (size_t i = 0; i < names->count; i++) {
        names->items[i].data = names->text->data == NULL ? "" : names->text->data + used;
        used += names->items[i].len;
    }
    return true;
}

static bool names_are_unique(struct json_scan *scan, struct names *names, bool has_escape)
{
    if (has_escape && !unescape_names(names, scan->err))
        return false;
    if (names->count <= FEW_NAMES) {
        for (size_t i = 1; i < names->count; i++)
            for (size_t j = 0; j < i; j++)
                if (slice_equal(names->items[i], names->items[j]))
                    return fail(scan, "the same member twice in the object ending");
        return true;
    }
    qsort(names->items, names->count, sizeof *names->items, compare_slices);
    for (size_t i = 1; i < names->count; i++)
        if (compare_slices(&names->items[i - 1], &names->items[i]) == 0)
            return fail(scan, "the same member twice in the object ending");
    return true;
}

static bool scan_members(struct json_scan *scan, struct names *names)
{
    bool has_escape = false;

    for (;;) {
        const char *start;

        skip_blanks(scan);
        start = scan->at;
        if (!json_scan_string(scan) ||
            !add_name(names, (struct slice){start, (size_t)(scan->at - start)}, scan->err))
            return false;
        has_escape = has_escape || memchr(start, '\\', (size_t)(scan->at - start)) != NULL;
        skip_blanks(scan);
        if (scan->at >= scan->end || *scan->at != ':')
            return fail(scan, "expected a colon");
        scan->at++;
        if (!json_scan_value(scan))
            return false;
        if (scan->at < scan->end && *scan->at == ',') {
            scan->at++;
            continue;
        }
        if (scan->at >= scan->end || *scan->at != '}')
            return fail(scan, "expected a comma or a closing brace");
        scan->at++;
        return names->count < 2 || names_are_unique(scan, names, has_escape);
    }
}

static bool scan_object(struct json_scan *scan)
{
    struct names names;
    bool ok;

    scan->at++;
    skip_blanks(scan);
    if (scan->at < scan->end && *scan->at == '}') {
        scan->at++;
        return true;
    }
    names.items = names.few;
    names.count = 0;
    names.capacity = FEW_NAMES;
    buffer_init(names.text, 0);
    ok = scan_members(scan, &names);
    if (names.items != names.few)
        free(names.items);
    buffer_clear(names.text);
    return ok;
}

static bool scan_array(struct json_scan *scan)
{
    scan->at++;
    skip_blanks(scan);
    if (scan->at < scan->end && *scan->at == ']') {
        scan->at++;
        return true;
    }
    for (;;) {
        if (!json_scan_value(scan))
            return false;
        if (scan->at < scan->end && *scan->at == ',') {
            scan->at++;
            continue;
        }
        if (scan->at >= scan->end || *scan->at != ']')
            return fail(scan, "expected a comma or a closing bracket");
        scan->at++;
        return true;
    }
}

static bool scan_nested(struct json_scan *scan, bool (*inner)(struct json_scan *scan))
{
    bool ok;

    if (scan->depth >= scan->max_depth)
        return fail(scan, "nesting is too deep");
    scan->depth++;
    ok = inner(scan);
    scan->depth--;
    return ok;
}

bool json_scan_value(struct json_scan *scan)
{
    bool ok;

    skip_blanks(scan);
    if (scan->at >= scan->end)
        return fail(scan, "text ends where a value should be");
    switch (*scan->at) {
    case '{':
        ok = scan_nested(scan, scan_object);
        break;
    case '[':
        ok = scan_nested(scan, scan_array);
        break;
    case '"':
        ok = json_scan_string(scan);
        break;
    case 't':
        ok = scan_word(scan, "true");
        break;
    case 'f':
        ok = scan_word(scan, "false");
        break;
    case 'n':
        ok = scan_word(scan, "null");
        break;
    default:
        ok = scan_number(scan);
        break;
    }
    if (ok)
        skip_blanks(scan);
    return ok;
}

bool json_check(const char *text, size_t len, int max_depth, struct error *err)
{
    struct json_scan scan = {.start = text,
                             .at = text,
                             .end = text == NULL ? NULL : text + len,
                             .max_depth = max_depth,
                             .err = err};

    if (len == 0)
        return error_set(err, ERROR_BAD_INPUT, "no strict JSON: empty text");
    if (!json_scan_value(&scan))
        return false;
    return scan.at == scan.end ? true : fail(&scan, "text behind the value");
}
