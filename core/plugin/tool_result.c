/* What a tool completed a call with, as the host reads it. */
#include "plugin/tool_result.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"

bool tool_result_read(const char *data, size_t len, struct buffer *scratch,
                      struct tool_run_result *out)
{
    struct json_member members[] = {{.name = "text", .first = '"'}, {.name = "is_error"}};
    struct slice text;
    struct error ignored = {0};

    if (!json_check(data, len, JSON_DEPTH_DEFAULT, &ignored))
        return false;
    json_find_members((struct slice){data, len}, members, 2);
    if (members[0].value.len == 0 || !json_characters(members[0].value, scratch, &text, &ignored))
        return false;
    out->text = text.data;
    out->len = text.len;
    out->is_error = slice_equal_text(members[1].value, "true");
    return true;
}
