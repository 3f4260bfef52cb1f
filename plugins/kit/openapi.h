/* Parameters of an OpenAPI operation: what they are, and how their values are written. */
#ifndef SESAME_PLUGINS_KIT_OPENAPI_H
#define SESAME_PLUGINS_KIT_OPENAPI_H

#include "plugins/kit/kit.h"

enum kit_parameter_place { KIT_IN_PATH, KIT_IN_QUERY, KIT_IN_HEADER };

struct kit_parameter {
    char *name;
    struct kit_buffer pointer; /* of its value in the arguments (RFC 6901) */
    enum kit_parameter_place place;
    bool is_required;
    bool is_exploded;
};

/* Reads a Parameter Object (OpenAPI 3.1.0, section 4.8.12) that has been checked for its members'
 * types. False without memory. */
bool kit_parameter_read(const struct kit *kit, struct sesame_text json, struct kit_parameter *out);
void kit_parameter_clear(struct kit_parameter *parameter);

/* Adds the argument for `parameter`, if there is one, in the style that is the default for its
 * place: `form` in the query (with a "&" between it and what is there), `simple` in path and
 * headers. In path and query all but unreserved characters are percent-encoded; what lies deeper
 * than an array or object of primitives is written as JSON. False when nothing was added. */
bool kit_parameter_add(const struct kit *kit, const struct kit_parameter *parameter,
                       struct sesame_text arguments, struct kit_buffer *out);

#endif
