/* What a tools/call result says, as text for the model (mcp-client.md 6). */
#include "mcp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_line(struct kit_buffer *out, const char *text)
{
    if (out->len > 0)
        kit_add(out, "\n");
    kit_add(out, text);
}

/* A literal's characters, straight into the text. */
static void add_literal(const struct kit *kit, struct kit_buffer *out, struct sesame_text literal)
{
    char *text = kit_unquote(kit, literal);

    if (text != NULL)
        add_line(out, text);
    free(text);
}

static void add_binary(const struct kit *kit, struct kit_buffer *out, struct sesame_text item,
                       const char *type)
{
    char *mime = kit_get_string(kit, item, "/mimeType");
    struct sesame_text data = {NULL, 0};
    char text[160];

    (void)kit_find(kit, item, "/data", &data);
    (void)snprintf(text, sizeof text, "[%.20s, %.60s, about %zu bytes, not shown]", type,
                   mime == NULL ? "type unknown" : mime, data.len / 4 * 3);
    add_line(out, text);
    free(mime);
}

static void add_resource(const struct kit *kit, struct kit_buffer *out, struct sesame_text item)
{
    struct sesame_text text;
    char *uri;
    char line[300];

    if (kit_find(kit, item, "/resource/text", &text)) {
        add_literal(kit, out, text);
        return;
    }
    uri = kit_get_string(kit, item, "/resource/uri");
    (void)snprintf(line, sizeof line, "[resource %.200s, binary, not shown]",
                   uri == NULL ? "" : uri);
    add_line(out, line);
    free(uri);
}

static void add_link(const struct kit *kit, struct kit_buffer *out, struct sesame_text item)
{
    char *name = kit_get_string(kit, item, "/name");
    char *uri = kit_get_string(kit, item, "/uri");
    char line[400];

    (void)snprintf(line, sizeof line, "[resource link: %.100s %.250s]", name == NULL ? "" : name,
                   uri == NULL ? "" : uri);
    add_line(out, line);
    free(name);
    free(uri);
}

static void add_item(const struct kit *kit, struct kit_buffer *out, struct sesame_text item)
{
    char *type = kit_get_string(kit, item, "/type");
    struct sesame_text text;

    if (type == NULL)
        return;
    if (strcmp(type, "text") == 0) {
        if (kit_find(kit, item, "/text", &text))
            add_literal(kit, out, text);
    } else if (strcmp(type, "resource") == 0) {
        add_resource(kit, out, item);
    } else if (strcmp(type, "resource_link") == 0) {
        add_link(kit, out, item);
    } else {
        add_binary(kit, out, item, type);
    }
    free(type);
}

void content_to_text(struct sesame_instance *instance, struct sesame_text result,
                     struct kit_buffer *out)
{
    const struct kit *kit = &instance->kit;
    struct sesame_text content, name, item, structured;
    size_t position = 0;

    if (kit_find(kit, result, "/content", &content) && content.data[0] == '[')
        while (kit->json->next(kit->host, content, &position, &name, &item) == SESAME_OK)
            add_item(kit, out, item);
    /* A server should say the same as text too; when it does not, its JSON is the text. */
    if (out->len == 0 && kit_find(kit, result, "/structuredContent", &structured))
        kit_add_text(out, structured);
    if (out->len == 0)
        kit_add(out, "(the tool answered without any content)");
}
