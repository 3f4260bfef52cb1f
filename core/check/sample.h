/* Values made from a JSON Schema: valid ones of several kinds, and wrong ones that break one rule
 * each. */
#ifndef SESAME_CHECK_SAMPLE_H
#define SESAME_CHECK_SAMPLE_H

#include "check/check.h"

#include <stdbool.h>

struct json_object;
struct json_schema;

enum sample_kind {
    SAMPLE_LEAST,   /* required members only, the plainest values */
    SAMPLE_MOST,    /* every member, the plainest values */
    SAMPLE_RANDOM,  /* any members, any values, by check_random */
    SAMPLE_EXTREME, /* every member, at its bounds: longest, largest, unusual letters */
};

/* Gives a text with a mark of the plugin contract ("x-origin", ...) its value; NULL: it has none of
 * its own. The caller owns the result. */
typedef struct json_object *sample_text_fn(void *arg, struct json_object *property);

/* A value that `schema` (the compiled `root`) takes; NULL when none was found, as for patterns that
 * no known text fits. `text` may be NULL. The caller owns it. */
struct json_object *sample_valid(struct check *check, struct json_object *root,
                                 const struct json_schema *schema, enum sample_kind kind,
                                 sample_text_fn *text, void *arg);

/* One way to be wrong. */
struct sample_fault {
    struct json_object *value; /* owned; NULL when there are no more */
    char member[80];           /* that is wrong or missing */
    const char *what;          /* "of another type"; static */
};

/* The fault number `index` of an object like `valid`, one property and one rule each: missing,
 * another type, no value of its list, outside its bounds, too long or too short. */
struct sample_fault sample_invalid(struct json_object *root, struct json_object *valid,
                                   size_t index);

#endif
