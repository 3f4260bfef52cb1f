/* Finding things in the raw text of checked JSON: it was checked, so walking needs no further
 * checks.
 */
#include "base/json.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/json_scan.h"
#include "base/text.h"

#include <string.h>

static const char *skip_blank(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at;
}

/* Behind the string at `at`: its end is the first quote with an even number of backslashes. */
static const char *skip_string(const char *at, const char *end)
{
    const char *quote = at, *slash;

    do {
        quote = memchr(quote + 1, '"', (size_t)(end - quote - 1));
        if (quote == NULL)
            return end;
        for (slash = quote; slash[-1] == '\\'; slash--)
            ;
    } while ((quote - slash) % 2 != 0);
    return quote + 1;
}

/* Behind the value at `at` (checked text). */
static const char *skip_value(const char *at, const char *end)
{
    int depth = 0;

    do {
        char c = *at;

        if (c == '"') {
            at = skip_string(at, end);
        } else if (c == '{' || c == '[') {
            depth++;
            at++;
        } else if (c == '}' || c == ']') {
            depth--;
            at++;
        } else if (c == ',' || c == ':' || c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            at++;
        } else {
            while (at<end && * at> ' ' && *at != ',' && *at != ']' && *at != '}')
                at++;
        }
    } while (depth > 0 && at < end);
    return at < end ? at : end;
}

bool json_next(const char *text, size_t len, size_t *position, struct slice *out_name,
               struct slice *out_value)
{
    const char *end = text + len, *at = skip_blank(text + *position, end), *start;
    bool is_object;

    *out_name = (struct slice){NULL, 0};
    if (*position == 0) {
        if (at >= end || (*at != '{' && *at != '['))
            return false;
        at = skip_blank(at + 1, end);
    } else if (at < end && *at == ',') {
        at = skip_blank(at + 1, end);
    }
    if (at >= end || *at == '}' || *at == ']')
        return false;
    is_object = *skip_blank(text, end) == '{';
    if (is_object) {
        start = at;
        at = skip_value(at, end);
        *out_name = (struct slice){start, (size_t)(at - start)};
        at = skip_blank(skip_blank(at, end) + 1, end); /* the colon */
    }
    start = at;
    at = skip_value(at, end);
    *out_value = (struct slice){start, (size_t)(at - start)};
    *position = (size_t)(at - text);
    return true;
}

/* The next byte of a pointer's token, in which ~1 is / and ~0 is ~. */
static char token_byte(struct slice token, size_t *at)
{
    char c = token.data[(*at)++];

    if (c != '~' || *at == token.len)
        return c;
    return token.data[(*at)++] == '1' ? '/' : '~';
}

static char text_byte(struct slice text, size_t *at)
{
    return text.data[(*at)++];
}

/* True when the raw literal `name` stands for `text`, which `next_byte` reads. Needs no memory: a
 * member that is there is always found, so that nobody passes for having left it out. */
static bool spells(struct slice name, struct slice text,
                   char (*next_byte)(struct slice text, size_t *at))
{
    const char *at = name.data + 1, *end = name.data + name.len - 1;
    size_t used = 0;

    while (at < end) {
        char character[4];
        size_t len = json_unescape_next(&at, character);

        for (size_t i = 0; i < len; i++)
            if (used == text.len || next_byte(text, &used) != character[i])
                return false;
    }
    return used == text.len;
}

static bool has_escape(struct slice name)
{
    return memchr(name.data, '\\', name.len) != NULL;
}

static struct slice within_quotes(struct slice literal)
{
    return (struct slice){literal.data + 1, literal.len - 2};
}

static bool name_matches(struct slice name, struct slice token)
{
    if (has_escape(name) || (token.len > 0 && memchr(token.data, '~', token.len) != NULL))
        return spells(name, token, token_byte);
    return slice_equal(within_quotes(name), token);
}

static bool step(struct slice container, struct slice token, struct slice *out_value)
{
    size_t position = 0;
    uint64_t index = 0, wanted = 0;
    struct slice name, value;
    const char *first = skip_blank(container.data, container.data + container.len);
    bool is_array = first < container.data + container.len && *first == '[';

    if (is_array && !parse_uint64(token.data, token.len, &wanted))
        return false;
    while (json_next(container.data, container.len, &position, &name, &value)) {
        if (is_array ? index++ == wanted : name_matches(name, token)) {
            *out_value = value;
            return true;
        }
    }
    return false;
}

bool json_find(const char *text, size_t len, const char *pointer, const char **out_value,
               size_t *out_len)
{
    struct slice value = slice_trim((struct slice){text, len}), rest = slice_of(pointer);

    if (rest.len > 0) {
        if (rest.data[0] != '/')
            return false;
        (void)slice_cut(&rest, '/');
        if (rest.data == NULL)
            rest = slice_of("");
        do {
            struct slice token = slice_cut(&rest, '/');

            if (!step(value, token, &value))
                return false;
        } while (rest.data != NULL);
    }
    *out_value = value.data;
    *out_len = value.len;
    return true;
}

static void keep_member(struct json_member *members, size_t count, struct slice name,
                        struct slice value)
{
    bool is_escaped = has_escape(name);
    struct slice plain = within_quotes(name);

    for (size_t i = 0; i < count; i++) {
        struct slice wanted = slice_of(members[i].name);

        if ((members[i].first == 0 || members[i].first == *value.data) &&
            (is_escaped ? spells(name, wanted, text_byte) : slice_equal(plain, wanted)))
            members[i].value = value;
    }
}

void json_find_members(struct slice object, struct json_member *members, size_t count)
{
    struct slice name, value;
    size_t position = 0;

    for (size_t i = 0; i < count; i++)
        members[i].value = (struct slice){NULL, 0};
    if (object.len == 0)
        return;
    while (json_next(object.data, object.len, &position, &name, &value) && name.len > 0)
        keep_member(members, count, name, value);
}

bool json_find_int64(struct slice json, const char *pointer, int64_t *out_value)
{
    struct slice value = {NULL, 0};

    return json.len > 0 && json_find(json.data, json.len, pointer, &value.data, &value.len) &&
           parse_int64(value.data, value.len, out_value);
}

bool json_characters(struct slice literal, struct buffer *scratch, struct slice *out_text,
                     struct error *err)
{
    if (literal.len < 2 || !has_escape(literal)) {
        *out_text = literal.len < 2 ? (struct slice){NULL, 0} : within_quotes(literal);
        return true;
    }
    /* The characters are never more than the literal: make the room, then write in place. */
    buffer_truncate(scratch, 0);
    if (!buffer_add(scratch, literal.data, literal.len, err))
        return false;
    buffer_truncate(scratch, json_unescape_into(literal.data, literal.len, scratch->data));
    *out_text = (struct slice){scratch->data, scratch->len};
    return true;
}
