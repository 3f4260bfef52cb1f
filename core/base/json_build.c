/* Builds json-c objects from text that json_check accepted.
 *
 * json-c's own tokener is not used: where memory runs out it cuts strings, gives nothing and calls
 * it success, or crashes, and a name that holds NUL it takes for the name before the NUL. */
#include "base/json.h"

#include "base/error.h"
#include "base/text.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* A fresh member; name and value are taken whether it succeeds or not. json-c's own way in loses
 * the name where its table cannot grow. */
static bool insert(struct json_object *object, char *name, struct json_object *value)
{
    struct lh_table *table = json_object_get_object(object);

    if (name != NULL &&
        lh_table_insert_w_hash(table, name, value, lh_get_hash(table, name), 0) == 0)
        return true;
    free(name);
    json_object_put(value);
    return false;
}

bool json_set(struct json_object *object, const char *name, struct json_object *value)
{
    if (object == NULL || value == NULL) {
        json_object_put(value);
        return false;
    }
    if (!json_object_object_get_ex(object, name, NULL))
        return insert(object, strdup(name), value);
    /* Replacing needs no memory. */
    return json_object_object_add(object, name, value) == 0;
}

bool json_append(struct json_object *array, struct json_object *value)
{
    if (array != NULL && value != NULL && json_object_array_add(array, value) == 0)
        return true;
    json_object_put(value);
    return false;
}

struct builder {
    const char *at; /* the text is known to be good: inside a list no end is looked for */
    const char *end;
    char *scratch; /* for the characters of one string or number, with a NUL behind */
    struct error *err;
};

static bool build_value(struct builder *builder, struct json_object **out);

static void skip(struct builder *builder, const char *letters)
{
    builder->at += strspn(builder->at, letters);
}

static bool no_memory(struct builder *builder)
{
    return error_set(builder->err, ERROR_NO_MEMORY, "no memory to read JSON");
}

/* The characters of the string that begins here; its length. */
static size_t read_string(struct builder *builder)
{
    const char *start = builder->at, *end = start + 1;
    size_t len;

    while (*end != '"')
        end += *end == '\\' ? 2 : 1;
    builder->at = end + 1;
    len = json_unescape_into(start, (size_t)(builder->at - start), builder->scratch);
    builder->scratch[len] = '\0';
    return len;
}

static bool build_string(struct builder *builder, struct json_object **out)
{
    size_t len = read_string(builder);

    *out = json_object_new_string_len(builder->scratch, (int)len);
    return *out != NULL || no_memory(builder);
}

/* A number with a point or an exponent keeps its spelling. */
static bool build_number(struct builder *builder, struct json_object **out)
{
    size_t len = 0;
    int64_t integer;

    while (builder->at + len < builder->end && builder->at[len] != '\0' &&
           strchr("+-.0123456789eE", builder->at[len]) != NULL)
        len++;
    memcpy(builder->scratch, builder->at, len);
    builder->scratch[len] = '\0';
    builder->at += len;
    *out = parse_int64(builder->scratch, len, &integer)
               ? json_object_new_int64(integer)
               : json_object_new_double_s(strtod(builder->scratch, NULL), builder->scratch);
    return *out != NULL || no_memory(builder);
}

static bool build_member(struct builder *builder, struct json_object *object)
{
    struct json_object *value = NULL;
    size_t len = read_string(builder);
    char *name;

    /* json-c's names are C strings: two names could become one. */
    if (strlen(builder->scratch) != len)
        return error_set(builder->err, ERROR_BAD_INPUT, "no strict JSON: a name holds NUL");
    name = strdup(builder->scratch);
    if (name == NULL)
        return no_memory(builder);
    skip(builder, " \t\r\n:");
    if (!build_value(builder, &value)) {
        free(name);
        return false;
    }
    return insert(object, name, value) || no_memory(builder);
}

static bool build_element(struct builder *builder, struct json_object *array)
{
    struct json_object *value = NULL;

    if (!build_value(builder, &value))
        return false;
    if (json_object_array_add(array, value) == 0)
        return true;
    json_object_put(value);
    return no_memory(builder);
}

static bool build_list(struct builder *builder, struct json_object *list, char end,
                       bool (*build)(struct builder *builder, struct json_object *list))
{
    if (list == NULL)
        return no_memory(builder);
    builder->at++;
    for (skip(builder, " \t\r\n"); *builder->at != end; skip(builder, " \t\r\n,"))
        if (!build(builder, list))
            return false;
    builder->at++;
    return true;
}

/* `*out` is NULL for null, and on failure. */
static bool build_value(struct builder *builder, struct json_object **out)
{
    bool ok = true;

    skip(builder, " \t\r\n");
    switch (*builder->at) {
    case '{':
        *out = json_object_new_object();
        ok = build_list(builder, *out, '}', build_member);
        break;
    case '[':
        *out = json_object_new_array();
        ok = build_list(builder, *out, ']', build_element);
        break;
    case '"':
        return build_string(builder, out);
    case 't':
    case 'f':
        *out = json_object_new_boolean(*builder->at == 't');
        builder->at += *builder->at == 't' ? 4 : 5;
        return *out != NULL || no_memory(builder);
    case 'n':
        builder->at += 4;
        return true;
    default:
        return build_number(builder, out);
    }
    if (!ok) {
        json_object_put(*out);
        *out = NULL;
    }
    return ok;
}

struct json_object *json_parse(const char *text, size_t len, int max_depth, struct error *err)
{
    struct builder builder = {.at = text, .end = text + len, .err = err};
    struct json_object *value = NULL;

    if (!json_check(text, len, max_depth, err))
        return NULL;
    if (len >= INT_MAX) {
        error_set(err, ERROR_LIMIT, "JSON text of %zu bytes", len);
        return NULL;
    }
    builder.scratch = malloc(len + 1);
    if (builder.scratch == NULL)
        no_memory(&builder);
    else
        (void)build_value(&builder, &value);
    free(builder.scratch);
    return value;
}
