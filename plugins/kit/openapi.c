/* Parameters of an OpenAPI operation: what they are, and how their values are written. */
#include "plugins/kit/openapi.h"

#include <stdlib.h>

bool kit_parameter_read(const struct kit *kit, struct sesame_text json, struct kit_parameter *out)
{
    struct sesame_text place = {NULL, 0}, explode;

    (void)kit_find(kit, json, "/in", &place);
    *out = (struct kit_parameter){.name = kit_get_string(kit, json, "/name")};
    out->place = kit_equal(place, "\"path\"")    ? KIT_IN_PATH
                 : kit_equal(place, "\"query\"") ? KIT_IN_QUERY
                                                 : KIT_IN_HEADER;
    out->is_required = out->place == KIT_IN_PATH || kit_get_bool(kit, json, "/required");
    out->is_exploded = kit_find(kit, json, "/explode", &explode) ? kit_equal(explode, "true")
                                                                 : out->place == KIT_IN_QUERY;
    kit_add(&out->pointer, "/");
    if (out->name == NULL)
        return false;
    for (const char *at = out->name; *at != '\0'; at++)
        kit_add_text(&out->pointer, *at == '~'   ? kit_text("~0")
                                    : *at == '/' ? kit_text("~1")
                                                 : (struct sesame_text){at, 1});
    return !out->pointer.has_failed;
}

void kit_parameter_clear(struct kit_parameter *parameter)
{
    free(parameter->name);
    kit_clear(&parameter->pointer);
}

/* A text without its quotes, anything else as it stands in JSON. */
static void add_primitive(const struct kit *kit, struct kit_buffer *out, bool is_url,
                          struct sesame_text json)
{
    size_t len = 0;
    char *text = kit_unquote(kit, json, &len);
    struct sesame_text plain = text == NULL ? json : (struct sesame_text){text, len};

    if (is_url)
        kit_add_percent(out, plain);
    else
        kit_add_text(out, plain);
    free(text);
}

static void add_name(struct kit_buffer *out, const struct kit_parameter *parameter)
{
    kit_add_percent(out, kit_text(parameter->name));
    kit_add(out, "=");
}

/* The table "Style Values" of the section: form has its name in front, or exploded in front of each
 * item; an exploded object has its members' names instead. */
static void add_members(const struct kit *kit, const struct kit_parameter *parameter,
                        struct sesame_text value, struct kit_buffer *out)
{
    bool is_query = parameter->place == KIT_IN_QUERY, is_url = parameter->place != KIT_IN_HEADER;
    bool is_object = kit_is_object(value), is_apart = is_query && parameter->is_exploded;
    struct sesame_text member, item;
    size_t position = 0, count = 0;

    while (kit->json->next(kit->host, value, &position, &member, &item) == SESAME_OK) {
        if (count > 0)
            kit_add(out, is_apart ? "&" : ",");
        if (is_query && (is_apart ? !is_object : count == 0))
            add_name(out, parameter);
        if (is_object) {
            add_primitive(kit, out, is_url, member);
            kit_add(out, parameter->is_exploded ? "=" : ",");
        }
        add_primitive(kit, out, is_url, item);
        count++;
    }
}

bool kit_parameter_add(const struct kit *kit, const struct kit_parameter *parameter,
                       struct sesame_text arguments, struct kit_buffer *out)
{
    struct kit_buffer text = {0};
    struct sesame_text value;
    bool is_query = parameter->place == KIT_IN_QUERY, has_text;

    if (!kit_find(kit, arguments, parameter->pointer.data, &value))
        return false;
    if (kit_is_object(value) || kit_is_array(value)) {
        add_members(kit, parameter, value, &text);
    } else {
        if (is_query)
            add_name(&text, parameter);
        add_primitive(kit, &text, parameter->place != KIT_IN_HEADER, value);
    }
    has_text = text.len > 0;
    if (has_text)
        kit_add(out, is_query && out->len > 0 ? "&" : "");
    kit_add_text(out, kit_buffer_text(&text));
    out->has_failed = out->has_failed || text.has_failed;
    kit_clear(&text);
    return has_text;
}
