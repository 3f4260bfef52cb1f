/* The strict reader's cursor and the unescaping, shared by checker, search and writer; private to
 * base. */
#ifndef SESAME_BASE_JSON_SCAN_H
#define SESAME_BASE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

struct error;

struct json_scan {
    const char *start;
    const char *at;
    const char *end;
    int depth;
    int max_depth;
    struct error *err;
};

/* Each moves `at` behind one value (and the blanks that follow it) or string, or sets `err`. */
bool json_scan_value(struct json_scan *scan);
bool json_scan_string(struct json_scan *scan);

/* One character of a checked string literal: its 1 to 4 bytes into `out`; `*at` is moved behind it.
 */
size_t json_unescape_next(const char **at, char out[4]);

#endif
