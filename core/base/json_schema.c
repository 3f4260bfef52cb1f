/* JSON Schema 2020-12: compiling, that is, checking a schema once so that using it cannot fail. */
#include "base/json_schema_private.h"

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA_DEPTH_MAX 64
#define REF_HOPS_MAX 16

/* ---- references ------------------------------------------------------------------------------ */

struct json_object *schema_resolve(const struct json_schema *schema, const char *ref)
{
    struct json_object *found = NULL;

    if (strcmp(ref, "#") == 0)
        return schema->root;
    if (strncmp(ref, "#/", 2) != 0 || json_pointer_get(schema->root, ref + 1, &found) != 0)
        return NULL;
    return found;
}

struct json_object *schema_follow(const struct json_schema *schema, struct json_object *node)
{
    for (int hops = 0; hops < REF_HOPS_MAX; hops++) {
        const char *ref = json_object_is_type(node, json_type_object)
                              ? json_get_string(node, "$ref", NULL)
                              : NULL;

        if (ref == NULL)
            return node;
        node = schema_resolve(schema, ref);
    }
    return NULL;
}

/* ---- values ---------------------------------------------------------------------------------- */

bool schema_type_is(struct json_object *value, const char *name)
{
    enum json_type type = json_object_get_type(value);

    if (strcmp(name, "integer") == 0)
        return type == json_type_int ||
               (type == json_type_double &&
                json_object_get_double(value) == floor(json_object_get_double(value)));
    if (strcmp(name, "number") == 0)
        return type == json_type_int || type == json_type_double;
    return strcmp(name, type == json_type_int || type == json_type_double
                            ? "number"
                            : json_type_to_name(type)) == 0;
}

static bool objects_equal(struct json_object *a, struct json_object *b)
{
    if (json_object_object_length(a) != json_object_object_length(b))
        return false;
    json_object_object_foreach(a, name, value)
    {
        struct json_object *other;

        if (!json_object_object_get_ex(b, name, &other) || !schema_equal(value, other))
            return false;
    }
    return true;
}

static bool arrays_equal(struct json_object *a, struct json_object *b)
{
    if (json_object_array_length(a) != json_object_array_length(b))
        return false;
    for (size_t i = 0; i < json_object_array_length(a); i++)
        if (!schema_equal(json_object_array_get_idx(a, i), json_object_array_get_idx(b, i)))
            return false;
    return true;
}

bool schema_equal(struct json_object *a, struct json_object *b)
{
    enum json_type type = json_object_get_type(a);

    if (schema_type_is(a, "number") && schema_type_is(b, "number"))
        return json_object_get_type(b) == json_type_int && type == json_type_int
                   ? json_object_get_int64(a) == json_object_get_int64(b)
                   : json_object_get_double(a) == json_object_get_double(b);
    if (type != json_object_get_type(b))
        return false;
    if (type == json_type_object)
        return objects_equal(a, b);
    if (type == json_type_array)
        return arrays_equal(a, b);
    return json_object_equal(a, b);
}

/* ---- compiling ------------------------------------------------------------------------------- */

enum keyword_kind {
    KEYWORD_SCHEMA,      /* a schema */
    KEYWORD_SCHEMAS,     /* a non-empty array of schemas */
    KEYWORD_SCHEMA_MAP,  /* an object of schemas */
    KEYWORD_PATTERN_MAP, /* the same; its names are patterns */
    KEYWORD_COUNT,       /* an integer of 0 or more */
    KEYWORD_NUMBER,
    KEYWORD_POSITIVE,
    KEYWORD_NAMES, /* an array of texts */
    KEYWORD_ARRAY,
    KEYWORD_BOOL,
    KEYWORD_PATTERN,
    KEYWORD_REF,
    KEYWORD_TYPE,
};

static const struct keyword {
    const char *name;
    enum keyword_kind kind;
    const char *expected;
} keywords[] = {
    {"type", KEYWORD_TYPE, "a type name or an array of them"},
    {"enum", KEYWORD_ARRAY, "an array"},
    {"properties", KEYWORD_SCHEMA_MAP, "an object of schemas"},
    {"patternProperties", KEYWORD_PATTERN_MAP, "an object of schemas"},
    {"$defs", KEYWORD_SCHEMA_MAP, "an object of schemas"},
    {"definitions", KEYWORD_SCHEMA_MAP, "an object of schemas"},
    {"required", KEYWORD_NAMES, "an array of texts"},
    {"additionalProperties", KEYWORD_SCHEMA, "a schema"},
    {"items", KEYWORD_SCHEMA, "a schema"},
    {"not", KEYWORD_SCHEMA, "a schema"},
    {"if", KEYWORD_SCHEMA, "a schema"},
    {"then", KEYWORD_SCHEMA, "a schema"},
    {"else", KEYWORD_SCHEMA, "a schema"},
    {"prefixItems", KEYWORD_SCHEMAS, "an array of schemas"},
    {"anyOf", KEYWORD_SCHEMAS, "an array of schemas"},
    {"oneOf", KEYWORD_SCHEMAS, "an array of schemas"},
    {"allOf", KEYWORD_SCHEMAS, "an array of schemas"},
    {"minProperties", KEYWORD_COUNT, "an integer of 0 or more"},
    {"maxProperties", KEYWORD_COUNT, "an integer of 0 or more"},
    {"minItems", KEYWORD_COUNT, "an integer of 0 or more"},
    {"maxItems", KEYWORD_COUNT, "an integer of 0 or more"},
    {"minLength", KEYWORD_COUNT, "an integer of 0 or more"},
    {"maxLength", KEYWORD_COUNT, "an integer of 0 or more"},
    {"minimum", KEYWORD_NUMBER, "a number"},
    {"maximum", KEYWORD_NUMBER, "a number"},
    {"exclusiveMinimum", KEYWORD_NUMBER, "a number"},
    {"exclusiveMaximum", KEYWORD_NUMBER, "a number"},
    {"multipleOf", KEYWORD_POSITIVE, "a number above 0"},
    {"uniqueItems", KEYWORD_BOOL, "true or false"},
    {"pattern", KEYWORD_PATTERN, "a pattern"},
    {"$ref", KEYWORD_REF, "a reference within the schema, as \"#/$defs/name\""},
};

static bool compile(struct json_schema *schema, struct json_object *node, const char *path,
                    int depth, struct error *err);

static bool compile_members(struct json_schema *schema, struct json_object *members,
                            const char *path, int depth, bool are_patterns, struct error *err)
{
    char inner[200];

    if (!json_object_is_type(members, json_type_object))
        return false;
    json_object_object_foreach(members, name, member)
    {
        /* Cutting a path is fine: it is for the message. */
        (void)snprintf(inner, sizeof inner, "%.100s.%.80s", path, name);
        if (are_patterns && !schema_pattern_add(schema, name, err))
            return error_prefix(err, "%s", path);
        if (!compile(schema, member, inner, depth, err))
            return false;
    }
    return true;
}

static bool compile_list(struct json_schema *schema, struct json_object *list, const char *path,
                         int depth, struct error *err)
{
    char inner[200];

    if (!json_object_is_type(list, json_type_array) || json_object_array_length(list) == 0)
        return false;
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        (void)snprintf(inner, sizeof inner, "%.150s[%zu]", path, i);
        if (!compile(schema, json_object_array_get_idx(list, i), inner, depth, err))
            return false;
    }
    return true;
}

static bool is_type_name(struct json_object *value)
{
    static const char *const names[] = {"null",   "boolean", "object", "array",
                                        "string", "number",  "integer"};

    if (!json_object_is_type(value, json_type_string))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], json_object_get_string(value)) == 0)
            return true;
    return false;
}

static bool all_are(struct json_object *list, bool (*is_good)(struct json_object *))
{
    if (!json_object_is_type(list, json_type_array))
        return false;
    for (size_t i = 0; i < json_object_array_length(list); i++)
        if (!is_good(json_object_array_get_idx(list, i)))
            return false;
    return true;
}

static bool is_text(struct json_object *value)
{
    return json_object_is_type(value, json_type_string);
}

/* False without an error: the keyword's value is of the wrong kind. */
static bool compile_keyword(struct json_schema *schema, const struct keyword *keyword,
                            struct json_object *value, const char *path, int depth,
                            struct error *err)
{
    switch (keyword->kind) {
    case KEYWORD_SCHEMA:
        return compile(schema, value, path, depth, err);
    case KEYWORD_SCHEMAS:
        return compile_list(schema, value, path, depth, err);
    case KEYWORD_SCHEMA_MAP:
    case KEYWORD_PATTERN_MAP:
        return compile_members(schema, value, path, depth, keyword->kind == KEYWORD_PATTERN_MAP,
                               err);
    case KEYWORD_COUNT:
        return schema_type_is(value, "integer") && json_object_get_double(value) >= 0;
    case KEYWORD_NUMBER:
        return schema_type_is(value, "number");
    case KEYWORD_POSITIVE:
        return schema_type_is(value, "number") && json_object_get_double(value) > 0;
    case KEYWORD_NAMES:
        return all_are(value, is_text);
    case KEYWORD_ARRAY:
        return json_object_is_type(value, json_type_array);
    case KEYWORD_BOOL:
        return json_object_is_type(value, json_type_boolean);
    case KEYWORD_PATTERN:
        return is_text(value) && (schema_pattern_add(schema, json_object_get_string(value), err) ||
                                  error_prefix(err, "%s", path));
    case KEYWORD_REF:
        return is_text(value) && schema_resolve(schema, json_object_get_string(value)) != NULL;
    case KEYWORD_TYPE:
        return is_type_name(value) ||
               (json_object_is_type(value, json_type_array) &&
                json_object_array_length(value) > 0 && all_are(value, is_type_name));
    }
    return false;
}

static bool compile(struct json_schema *schema, struct json_object *node, const char *path,
                    int depth, struct error *err)
{
    char inner[200];

    if (json_object_is_type(node, json_type_boolean))
        return true;
    if (!json_object_is_type(node, json_type_object))
        return error_set(err, ERROR_BAD_INPUT, "%s: found %s, expected a schema", path,
                         json_type_to_name(json_object_get_type(node)));
    if (depth >= SCHEMA_DEPTH_MAX)
        return error_set(err, ERROR_LIMIT, "%s: the schema is nested deeper than %d", path,
                         SCHEMA_DEPTH_MAX);
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++) {
        struct json_object *value;

        if (!json_object_object_get_ex(node, keywords[i].name, &value))
            continue;
        (void)snprintf(inner, sizeof inner, "%.150s.%s", path, keywords[i].name);
        if (!compile_keyword(schema, &keywords[i], value, inner, depth + 1, err))
            return err->code != ERROR_NONE ? false
                                           : error_set(err, ERROR_BAD_INPUT, "%s: expected %s",
                                                       inner, keywords[i].expected);
    }
    return true;
}

struct json_schema *json_schema_new(struct json_object *root, struct error *err)
{
    struct json_schema *schema = calloc(1, sizeof *schema);

    if (schema == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a schema");
        return NULL;
    }
    schema->root = json_object_get(root);
    if (compile(schema, root, "#", 0, err))
        return schema;
    json_schema_free(schema);
    return NULL;
}

void json_schema_free(struct json_schema *schema)
{
    if (schema == NULL)
        return;
    schema_patterns_free(schema);
    json_object_put(schema->root);
    free(schema);
}
