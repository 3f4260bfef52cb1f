/* A compiled schema; private to base. */
#ifndef SESAME_BASE_JSON_SCHEMA_PRIVATE_H
#define SESAME_BASE_JSON_SCHEMA_PRIVATE_H

#include "base/json_schema.h"

#include <json-c/json.h>
#include <regex.h>

struct schema_pattern {
    struct schema_pattern *next;
    char *source;    /* as the schema has it */
    bool is_ignored; /* it uses what we cannot translate */
    regex_t regex;
};

struct json_schema {
    struct json_object *root;
    struct schema_pattern *patterns;
};

/* Translates an ECMA-262 pattern and compiles it once. False: `err` says what is wrong. */
bool schema_pattern_add(struct json_schema *schema, const char *source, struct error *err);
/* True when `text` matches, or when the pattern cannot be tried: it is of a kind we do not know, or
 * the text is longer than 4 KiB. */
bool schema_pattern_matches(const struct json_schema *schema, const char *source, const char *text,
                            size_t len);
void schema_patterns_free(struct json_schema *schema);

/* The schema a local $ref names ("#", "#/$defs/x"), or NULL. Borrowed. */
struct json_object *schema_resolve(const struct json_schema *schema, const char *ref);

/* Follows $ref where it stands alone; NULL when it leads in circles. */
struct json_object *schema_follow(const struct json_schema *schema, struct json_object *node);

/* True when `name` ("integer", ...) is the JSON Schema type of `value`. */
bool schema_type_is(struct json_object *value, const char *name);

/* Equality of JSON values: 1 and 1.0 are the same, the order of members does not count. */
bool schema_equal(struct json_object *a, struct json_object *b);

#endif
