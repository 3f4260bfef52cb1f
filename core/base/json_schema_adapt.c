/* JSON Schema 2020-12: mild repair of what a model wrote, and defaults. */
#include "base/json_schema_private.h"

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64

static bool wants(struct json_object *node, const char *name)
{
    struct json_object *type;

    if (!json_object_object_get_ex(node, "type", &type))
        return false;
    if (json_object_is_type(type, json_type_string))
        return strcmp(json_object_get_string(type), name) == 0;
    for (size_t i = 0; i < json_object_array_length(type); i++)
        if (strcmp(json_object_get_string(json_object_array_get_idx(type, i)), name) == 0)
            return true;
    return false;
}

static bool accepts(struct json_object *node, struct json_object *value)
{
    static const char *const names[] = {"null",   "boolean", "object", "array",
                                        "string", "number",  "integer"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (schema_type_is(value, names[i]) && wants(node, names[i]))
            return true;
    return false;
}

/* A number or boolean that a text spells out completely, or NULL. */
static struct json_object *from_text(struct json_object *node, struct json_object *value)
{
    const char *text = json_object_get_string(value);
    size_t len = (size_t)json_object_get_string_len(value);
    struct error ignored = {0};
    struct json_object *parsed;

    if (len == 0 || len > 40)
        return NULL;
    parsed = json_parse(text, len, 1, &ignored);
    if (parsed == NULL)
        return NULL;
    if ((wants(node, "boolean") && json_object_is_type(parsed, json_type_boolean)) ||
        (wants(node, "integer") && schema_type_is(parsed, "integer")) ||
        (wants(node, "number") && schema_type_is(parsed, "number")))
        return parsed;
    json_object_put(parsed);
    return NULL;
}

/* What to put in the place of `value`, or NULL to leave it. The caller owns it. */
static struct json_object *replacement(struct json_object *node, struct json_object *value)
{
    if (!json_object_is_type(node, json_type_object) || accepts(node, value))
        return NULL;
    if (json_object_is_type(value, json_type_string))
        return from_text(node, value);
    if (wants(node, "string") &&
        (schema_type_is(value, "number") || json_object_is_type(value, json_type_boolean))) {
        const char *text = json_object_to_json_string(value);

        return text == NULL ? NULL : json_object_new_string(text);
    }
    return NULL;
}

static void coerce(const struct json_schema *schema, struct json_object *node,
                   struct json_object *value, int depth);

static void coerce_members(const struct json_schema *schema, struct json_object *node,
                           struct json_object *value, int depth)
{
    struct json_object *properties = json_get_object(node, "properties");

    if (properties == NULL)
        return;
    json_object_object_foreach(properties, name, property)
    {
        struct json_object *member, *fresh;

        if (!json_object_object_get_ex(value, name, &member))
            continue;
        property = schema_follow(schema, property);
        fresh = property == NULL ? NULL : replacement(property, member);
        if (fresh != NULL)
            json_object_object_add(value, name, fresh);
        else if (property != NULL)
            coerce(schema, property, member, depth + 1);
    }
}

static void coerce_elements(const struct json_schema *schema, struct json_object *node,
                            struct json_object *value, int depth)
{
    struct json_object *items;

    if (!json_object_object_get_ex(node, "items", &items) ||
        (items = schema_follow(schema, items)) == NULL)
        return;
    for (size_t i = 0; i < json_object_array_length(value); i++) {
        struct json_object *element = json_object_array_get_idx(value, i);
        struct json_object *fresh = replacement(items, element);

        if (fresh != NULL)
            json_object_array_put_idx(value, i, fresh);
        else
            coerce(schema, items, element, depth + 1);
    }
}

static void coerce(const struct json_schema *schema, struct json_object *node,
                   struct json_object *value, int depth)
{
    if (depth >= DEPTH_MAX || !json_object_is_type(node, json_type_object))
        return;
    if (json_object_is_type(value, json_type_object))
        coerce_members(schema, node, value, depth);
    else if (json_object_is_type(value, json_type_array))
        coerce_elements(schema, node, value, depth);
}

void json_schema_coerce(const struct json_schema *schema, struct json_object *value)
{
    struct json_object *root = schema_follow(schema, schema->root);

    if (root != NULL)
        coerce(schema, root, value, 0);
}

static bool apply_defaults(const struct json_schema *schema, struct json_object *node,
                           struct json_object *value, int depth, struct error *err)
{
    struct json_object *properties;

    node = schema_follow(schema, node);
    if (node == NULL || depth >= DEPTH_MAX || !json_object_is_type(value, json_type_object) ||
        !json_object_is_type(node, json_type_object) ||
        (properties = json_get_object(node, "properties")) == NULL)
        return true;
    json_object_object_foreach(properties, name, property)
    {
        struct json_object *member, *fallback, *copy = NULL;
        struct json_object *target = schema_follow(schema, property);

        if (!json_object_object_get_ex(value, name, &member)) {
            if (target == NULL || !json_object_is_type(target, json_type_object) ||
                !json_object_object_get_ex(target, "default", &fallback))
                continue;
            if (json_object_deep_copy(fallback, &copy, NULL) != 0)
                return error_set(err, ERROR_NO_MEMORY, "no memory for a default");
            if (copy == NULL)
                json_object_object_add(value, name, NULL);
            else if (!json_set(value, name, copy))
                return error_set(err, ERROR_NO_MEMORY, "no memory for a default");
            member = copy;
        }
        if (!apply_defaults(schema, property, member, depth + 1, err))
            return false;
    }
    return true;
}

bool json_schema_apply_defaults(const struct json_schema *schema, struct json_object *value,
                                struct error *err)
{
    return apply_defaults(schema, schema->root, value, 0, err);
}
