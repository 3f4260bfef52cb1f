/* JSON as json-c objects, read and written, and strings taken straight into secrets. */
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

bool json_add_value(struct buffer *out, struct json_object *value, struct error *err)
{
    size_t len = 0;
    const char *text = json_object_to_json_string_length(
        value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);

    if (text == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory to write JSON");
    return buffer_add(out, text, len, err);
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
