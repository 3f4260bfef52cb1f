/* Reading JSON: into json-c objects, by pointer in the raw text, and straight into secrets. */
#include "base/json.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"

#include <limits.h>
#include <string.h>

struct json_object *json_parse(const char *text, size_t len, int max_depth, struct error *err)
{
    struct json_tokener *tokener;
    struct json_object *value;
    enum json_tokener_error fault;

    if (!json_check(text, len, max_depth, err))
        return NULL;
    if (len > INT_MAX) {
        error_set(err, ERROR_LIMIT, "JSON text of %zu bytes", len);
        return NULL;
    }
    /* json-c counts the value itself as a level. */
    tokener = json_tokener_new_ex(max_depth + 1);
    if (tokener == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory to read JSON");
        return NULL;
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    value = json_tokener_parse_ex(tokener, text, (int)len);
    fault = json_tokener_get_error(tokener);
    if (fault == json_tokener_continue) {
        /* A bare number or word ends only at a delimiter. */
        value = json_tokener_parse_ex(tokener, "", 1);
        fault = json_tokener_get_error(tokener);
    }
    json_tokener_free(tokener);
    if (fault != json_tokener_success) {
        error_set(err, ERROR_BAD_INPUT, "no JSON: %s", json_tokener_error_desc(fault));
        json_object_put(value);
        return NULL;
    }
    return value;
}

void json_cleanup(struct json_object **slot)
{
    json_object_put(*slot);
}

const char *json_get_string(struct json_object *object, const char *name, size_t *out_len)
{
    struct json_object *member;

    if (!json_object_is_type(object, json_type_object) ||
        !json_object_object_get_ex(object, name, &member) ||
        !json_object_is_type(member, json_type_string))
        return NULL;
    if (out_len != NULL)
        *out_len = (size_t)json_object_get_string_len(member);
    return json_object_get_string(member);
}

static struct json_object *get_typed(struct json_object *object, const char *name,
                                     enum json_type type)
{
    struct json_object *member;

    if (!json_object_is_type(object, json_type_object) ||
        !json_object_object_get_ex(object, name, &member) || !json_object_is_type(member, type))
        return NULL;
    return member;
}

bool json_get_int64(struct json_object *object, const char *name, int64_t *out_value)
{
    struct json_object *member = get_typed(object, name, json_type_int);

    if (member == NULL)
        return false;
    *out_value = json_object_get_int64(member);
    return true;
}

bool json_get_bool(struct json_object *object, const char *name, bool *out_value)
{
    struct json_object *member = get_typed(object, name, json_type_boolean);

    if (member == NULL)
        return false;
    *out_value = json_object_get_boolean(member);
    return true;
}

struct json_object *json_get_object(struct json_object *object, const char *name)
{
    return get_typed(object, name, json_type_object);
}

struct json_object *json_get_array(struct json_object *object, const char *name)
{
    return get_typed(object, name, json_type_array);
}

/* ---- pointers in raw text: the text was checked, so walking needs no further checks ---------- */

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

/* True when the raw literal `name` unescapes to `token`, in which ~1 is / and ~0 is ~. */
static bool name_matches(struct slice name, struct slice token)
{
    CLEANUP(buffer_clear) struct buffer plain;
    struct error ignored = {0};
    size_t at = 0;

    buffer_init(&plain, name.len);
    if (memchr(name.data, '\\', name.len) == NULL &&
        (token.len == 0 || memchr(token.data, '~', token.len) == NULL))
        return slice_equal((struct slice){name.data + 1, name.len - 2}, token);
    if (!json_unescape(name.data, name.len, &plain, &ignored))
        return false;
    for (size_t i = 0; i < token.len; i++, at++) {
        char c = token.data[i];

        if (c == '~' && i + 1 < token.len)
            c = token.data[++i] == '1' ? '/' : '~';
        if (at >= plain.len || plain.data[at] != c)
            return false;
    }
    return at == plain.len;
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

void json_find_members(struct slice object, struct json_member *members, size_t count)
{
    struct slice name, value;
    size_t position = 0;

    for (size_t i = 0; i < count; i++)
        members[i].value = (struct slice){NULL, 0};
    if (object.len == 0)
        return;
    while (json_next(object.data, object.len, &position, &name, &value) && name.len > 0)
        for (size_t i = 0; i < count; i++)
            if ((members[i].first == 0 || members[i].first == *value.data) &&
                name_matches(name, slice_of(members[i].name)))
                members[i].value = value;
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
    if (literal.len < 2 || memchr(literal.data, '\\', literal.len) == NULL) {
        *out_text = literal.len < 2 ? (struct slice){NULL, 0}
                                    : (struct slice){literal.data + 1, literal.len - 2};
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

bool json_take_secret(const char *text, size_t len, const char *pointer, struct secret **out_secret,
                      struct error *err)
{
    const char *literal;
    size_t literal_len, used;
    struct secret *secret;
    char *bytes;

    if (!json_check(text, len, JSON_DEPTH_DEFAULT, err))
        return false;
    if (!json_find(text, len, pointer, &literal, &literal_len))
        return error_set(err, ERROR_NOT_FOUND, "the answer has no member %s", pointer);
    if (*literal != '"' || literal_len <= 2)
        return error_set(err, ERROR_BAD_INPUT, "member %s is %s", pointer,
                         *literal == '"' ? "empty" : "no string");
    /* Unescaping never makes it longer, so it happens inside locked memory. */
    secret = secret_new(literal_len - 2, err);
    if (secret == NULL)
        return false;
    bytes = secret_edit(secret, NULL);
    used = json_unescape_into(literal, literal_len, bytes);
    secret_shrink(secret, used);
    *out_secret = secret;
    return true;
}
