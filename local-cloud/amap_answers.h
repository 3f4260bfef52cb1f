/* What the map service answers, in the shapes of Amap's hosted server (mcp-client.md section 9.3).
 * All figures are made up. */
#ifndef LOCAL_CLOUD_AMAP_ANSWERS_H
#define LOCAL_CLOUD_AMAP_ANSWERS_H

#include <stdbool.h>
#include <stdint.h>

struct json_object;

/* The text of the result; the caller frees it. `*out_is_error` is set for failures, whose text is
 * plain words as at the real server. */
char *amap_answer(const char *tool, struct json_object *arguments, int64_t now_s,
                  bool *out_is_error);

#endif
