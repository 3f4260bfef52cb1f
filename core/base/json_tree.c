/* JSON as json-c objects, their members and their text, and strings taken straight into secrets. */
#include "base/json.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

#define TEXT_MAX_BYTES ((size_t)16 << 20)

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

/* As it was written where it was read, else with as many digits as tell it from its neighbours. */
static bool add_number(struct buffer *out, struct json_object *value, struct error *err)
{
    const char *spelling = json_object_get_userdata(value);
    double number;

    if (json_object_is_type(value, json_type_int))
        return buffer_printf(out, err, "%lld", (long long)json_object_get_int64(value));
    if (spelling != NULL)
        return buffer_add_text(out, spelling, err);
    number = json_object_get_double(value);
    if (!isfinite(number))
        return error_set(err, ERROR_INTERNAL, "JSON has no number that is not finite");
    return buffer_printf(out, err, "%.17g", number);
}

static bool add_value(struct buffer *out, struct json_object *value, struct error *err);

static bool add_object(struct buffer *out, struct json_object *object, struct error *err)
{
    bool is_first = true, ok = buffer_add_char(out, '{', err);

    json_object_object_foreach(object, name, member)
    {
        ok = ok && (is_first || buffer_add_char(out, ',', err)) &&
             json_add_string(out, name, strlen(name), err) && buffer_add_char(out, ':', err) &&
             add_value(out, member, err);
        is_first = false;
    }
    return ok && buffer_add_char(out, '}', err);
}

static bool add_array(struct buffer *out, struct json_object *array, struct error *err)
{
    bool ok = buffer_add_char(out, '[', err);

    for (size_t i = 0; ok && i < json_object_array_length(array); i++)
        ok = (i == 0 || buffer_add_char(out, ',', err)) &&
             add_value(out, json_object_array_get_idx(array, i), err);
    return ok && buffer_add_char(out, ']', err);
}

/* Nested no deeper than it was read, so recursion is bounded. */
static bool add_value(struct buffer *out, struct json_object *value, struct error *err)
{
    switch (json_object_get_type(value)) {
    case json_type_null:
        return buffer_add_text(out, "null", err);
    case json_type_boolean:
        return buffer_add_text(out, json_object_get_boolean(value) ? "true" : "false", err);
    case json_type_string:
        return json_add_string(out, json_object_get_string(value),
                               (size_t)json_object_get_string_len(value), err);
    case json_type_object:
        return add_object(out, value, err);
    case json_type_array:
        return add_array(out, value, err);
    default:
        return add_number(out, value, err);
    }
}

bool json_add_value(struct buffer *out, struct json_object *value, struct error *err)
{
    size_t before = out->len;

    if (add_value(out, value, err))
        return true;
    buffer_truncate(out, before);
    return false;
}

char *json_text(struct json_object *value, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer text;
    size_t len;

    buffer_init(&text, TEXT_MAX_BYTES);
    return json_add_value(&text, value, err) ? buffer_take(&text, &len) : NULL;
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
