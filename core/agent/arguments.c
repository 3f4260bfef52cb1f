/* The arguments a model wrote for a tool call: read, mildly repaired, checked. */
#include "agent/arguments.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/json_schema.h"
#include "base/text.h"

#include <string.h>

/* ```json ... ``` around the text. */
static struct slice strip_fence(struct slice text)
{
    const char *line_end;

    if (text.len < 6 || memcmp(text.data, "```", 3) != 0 ||
        memcmp(text.data + text.len - 3, "```", 3) != 0)
        return text;
    line_end = memchr(text.data, '\n', text.len);
    if (line_end == NULL)
        return text;
    text.len -= (size_t)(line_end - text.data) + 1 + 3;
    text.data = line_end + 1;
    return slice_trim(text);
}

struct json_object *arguments_read(const char *text, size_t len, const struct json_schema *schema,
                                   struct error *err)
{
    CLEANUP(json_cleanup) struct json_object *value = NULL;
    struct slice trimmed = strip_fence(slice_trim((struct slice){text, len}));

    if (trimmed.len == 0)
        trimmed = slice_of("{}");
    value = json_parse(trimmed.data, trimmed.len, JSON_DEPTH_DEFAULT, err);
    if (value == NULL && err->code != ERROR_NONE) {
        error_prefix(err, "the arguments are no JSON");
        return NULL;
    }
    if (json_object_is_type(value, json_type_string)) {
        struct error ignored = {0};
        struct json_object *inner =
            json_parse(json_object_get_string(value), (size_t)json_object_get_string_len(value),
                       JSON_DEPTH_DEFAULT, &ignored);

        if (inner != NULL) {
            json_object_put(value);
            value = inner;
        }
    }
    if (!json_object_is_type(value, json_type_object)) {
        error_set(err, ERROR_BAD_INPUT, "the arguments are no JSON object");
        return NULL;
    }
    json_schema_coerce(schema, value);
    if (!json_schema_check(schema, value, err)) {
        error_prefix(err, "the arguments do not fit");
        return NULL;
    }
    return TAKE(value);
}
