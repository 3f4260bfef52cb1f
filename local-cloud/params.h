/* The fields of a form or a query string. */
#ifndef LOCAL_CLOUD_PARAMS_H
#define LOCAL_CLOUD_PARAMS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct error;

struct param {
    char *name;
    char *value; /* NUL-terminated; a NUL inside is refused */
};

struct params {
    struct param *list;
    size_t count;
};

/* Decodes "a=1&b=2" (percent-encoding, '+' as blank). Refuses broken escapes, bytes that are not
 * UTF-8, NUL, and a name that comes twice (RFC 6749 section 3.2: parameters must not be repeated).
 */
bool params_parse(struct slice text, struct params *out_params, struct error *err);
void params_clear(struct params *params);

/* Borrowed until params_clear; NULL when the field was not sent. */
const char *params_get(const struct params *params, const char *name);

/* As params_get, but an empty value counts as not sent (RFC 6749 section 3.1). */
const char *params_get_filled(const struct params *params, const char *name);

#endif
