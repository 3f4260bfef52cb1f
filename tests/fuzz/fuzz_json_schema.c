/* No schema and no value crash the checker, and repairing a value leaves one that can be checked.
 * The first line of the input is the schema, the rest the value. */
#include "fuzz.h"

#include "base/error.h"
#include "base/json.h"
#include "base/json_schema.h"
#include "base/text.h"

#include <json-c/json.h>

static struct json_object *parse(struct slice text)
{
    struct error ignored = {0};

    return json_parse(text.data == NULL ? "" : text.data, text.len, JSON_DEPTH_DEFAULT, &ignored);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct slice value_text = {(const char *)bytes, len};
    struct json_object *schema_json = parse(slice_cut(&value_text, '\n'));
    struct json_object *value = parse(value_text);
    struct error err = {0}, again = {0}, defaults = {0};
    struct json_schema *schema = schema_json == NULL ? NULL : json_schema_new(schema_json, &err);

    if (schema != NULL && value != NULL) {
        if (json_schema_check(schema, value, &err) == (err.code != ERROR_NONE))
            __builtin_trap(); /* a refusal has a reason, and nothing else has */
        json_schema_coerce(schema, value);
        (void)json_schema_apply_defaults(schema, value, &defaults);
        (void)json_schema_check(schema, value, &again);
    }
    json_schema_free(schema);
    json_object_put(value);
    json_object_put(schema_json);
    return 0;
}
