/* Whatever the strict reader accepts, our builder reads too, and writing and reading it again
 * agrees. */
#include "fuzz.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const char *text = (const char *)bytes, *value;
    struct error err = {0};
    struct json_object *object;
    struct buffer out;
    size_t value_len;

    if (!json_check(text, len, 16, &err))
        return 0;
    object = json_parse(text, len, 16, &err);
    /* A name that holds NUL is JSON, but no object of json-c can hold it. */
    if (err.code != ERROR_NONE && memmem(text, len, "\\u0000", 6) != NULL)
        return 0;
    if (err.code != ERROR_NONE)
        abort();
    buffer_init(&out, 1 << 20);
    if (!json_add_value(&out, object, &err) || !json_check(out.data, out.len, 16, &err))
        abort();
    buffer_clear(&out);
    json_object_put(object);
    (void)json_find(text, len, "/a/0/b", &value, &value_len);
    return 0;
}
