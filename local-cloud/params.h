/* The fields of a form or a query string. */
#ifndef LOCAL_CLOUD_PARAMS_H
#define LOCAL_CLOUD_PARAMS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct buffer;
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

/* Moves what `more` holds to the end of `params`; false, with nothing moved, when a name is in
 * both. */
bool params_join(struct params *params, struct params *more, struct error *err);

/* Appends "name=value" pairs joined by '&', sorted by name and percent-encoded as RFC 3986 wants:
 * the canonical form of Alibaba Cloud's signatures (alibaba-cloud.md section 2.3). */
bool params_add_canonical(const struct params *params, struct buffer *out, struct error *err);

/* Borrowed until params_clear; NULL when the field was not sent. */
const char *params_get(const struct params *params, const char *name);

/* As params_get, but an empty value counts as not sent (RFC 6749 section 3.1). */
const char *params_get_filled(const struct params *params, const char *name);

#endif
