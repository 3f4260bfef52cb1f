/* The arguments a model wrote for a tool call: read, mildly repaired, checked. */
#ifndef SESAME_AGENT_ARGUMENTS_H
#define SESAME_AGENT_ARGUMENTS_H

#include <stddef.h>

struct error;
struct json_object;
struct json_schema;

/* Trims, strips a code fence, takes "" for {} and undoes one double encoding; then checks against
 * the schema after coercing small mistakes. No guessing of missing braces: a tool may have side
 * effects. The error is written for the model: path, expected, found. The caller owns the result.
 */
struct json_object *arguments_read(const char *text, size_t len, const struct json_schema *schema,
                                   struct error *err);

#endif
