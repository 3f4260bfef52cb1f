/* Templates of URL and body: a place is two braces, a name, two braces; nothing else. */
#include "service.h"

#include <stdlib.h>
#include <string.h>

static void add_argument(const struct kit *kit, const char *name, size_t len, bool is_json,
                         struct sesame_text arguments, struct kit_buffer *out)
{
    struct sesame_text value;
    char pointer[80];
    size_t text_len = 0;
    char *text;

    if (len == 1 && name[0] == '*') {
        if (is_json)
            kit_add_text(out, arguments);
        else
            kit_add_percent(out, arguments);
        return;
    }
    if (len > 64)
        return;
    pointer[0] = '/';
    memcpy(pointer + 1, name, len);
    pointer[len + 1] = '\0';
    if (!kit_find(kit, arguments, pointer, &value)) {
        kit_add(out, is_json ? "null" : "");
        return;
    }
    if (is_json) {
        kit_add_text(out, value);
        return;
    }
    text = kit_unquote(kit, value, &text_len);
    kit_add_percent(out, text == NULL ? value : (struct sesame_text){text, text_len});
    free(text);
}

void template_fill(const struct kit *kit, const char *template, bool is_json,
                   struct sesame_text arguments, struct kit_buffer *out)
{
    const char *at = template, *open;

    while ((open = strstr(at, "{{")) != NULL) {
        const char *close = strstr(open, "}}");

        if (close == NULL)
            break;
        kit_add_text(out, (struct sesame_text){at, (size_t)(open - at)});
        add_argument(kit, open + 2, (size_t)(close - open) - 2, is_json, arguments, out);
        at = close + 2;
    }
    kit_add(out, at);
}
