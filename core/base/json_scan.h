/* The strict reader's cursor, shared by the checker and the pointer search; private to base. */
#ifndef SESAME_BASE_JSON_SCAN_H
#define SESAME_BASE_JSON_SCAN_H

#include <stdbool.h>

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

#endif
