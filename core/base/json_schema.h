/* JSON Schema 2020-12, the part that tool arguments and plugin configuration need. */
#ifndef SESAME_BASE_JSON_SCHEMA_H
#define SESAME_BASE_JSON_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

struct error;
struct json_object;
struct json_schema;

/* Compiles a schema: type, enum, const, properties, required, additionalProperties,
 * patternProperties, minProperties, maxProperties, items, prefixItems, minItems, maxItems,
 * uniqueItems, minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, minLength,
 * maxLength, pattern, anyOf, oneOf, allOf, not, if/then/else, $defs, local $ref. Unknown keywords
 * are ignored. A broken schema (keyword of the wrong type, $ref that leads nowhere or outside the
 * document, a pattern that does not compile) is refused with the path of the keyword. Borrows
 * `schema` for its lifetime by taking a reference. */
struct json_schema *json_schema_new(struct json_object *schema, struct error *err);
void json_schema_free(struct json_schema *schema);

/* Checks `value`. The error names the JSON path, what was expected and what was found, for all
 * faults that fit the message; values themselves are quoted only up to 40 bytes, and never where
 * the schema says "x-secret". Work is bounded: a schema and a value that need more than 100,000
 * steps together are refused with ERROR_LIMIT. */
bool json_schema_check(const struct json_schema *schema, struct json_object *value,
                       struct error *err);

/* Mild repair for arguments a model wrote: "5" to 5 and "true" to true where the schema asks for
 * number, integer or boolean and the text parses fully; numbers to text where a string is asked.
 * Changes `value` in place; never adds or removes members. */
void json_schema_coerce(const struct json_schema *schema, struct json_object *value);

/* Sets members that are missing and have a "default" in the schema, in place, objects only. */
bool json_schema_apply_defaults(const struct json_schema *schema, struct json_object *value,
                                struct error *err);

#endif
