/* What a tool completed a call with, as the host reads it; private to core/plugin. */
#ifndef SESAME_PLUGIN_TOOL_RESULT_H
#define SESAME_PLUGIN_TOOL_RESULT_H

#include "plugin/tool_port.h"

struct buffer;

/* Reads {"text": "...", "is_error": true} without making objects of it: what a tool adds besides
 * would grow many times. Sets all of `out` but the status; the text lies in `data` or in `scratch`.
 * False when it is no result: then `out` is unchanged. */
bool tool_result_read(const char *data, size_t len, struct buffer *scratch,
                      struct tool_run_result *out);

#endif
