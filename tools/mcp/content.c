/* What a tools/call result says, as text for the model (mcp-client.md 6). */
#include "mcp.h"

#include <stdlib.h>

#define NAME_MAX_BYTES 250

/* ---- text that a server wrote ------------------------------------------------------------------
 */

struct range {
    uint32_t first, last;
};

/* Control characters, and what makes a text look to people other than it reads to a model. */
static const struct range unwanted[] = {
    {0x0000, 0x0008},   {0x000b, 0x001f},
    {0x007f, 0x009f},   {0x202a, 0x202e}, /* bidirectional embeddings and overrides */
    {0x2066, 0x2069},                     /* isolates */
    {0xe0000, 0xe007f},                   /* tags */
};

static bool is_wanted(uint32_t character)
{
    for (size_t i = 0; i < sizeof unwanted / sizeof unwanted[0]; i++)
        if (character >= unwanted[i].first && character <= unwanted[i].last)
            return false;
    return true;
}

/* The character at `text`, whose JSON was checked and so is valid UTF-8; cut off at the end is
 * possible all the same: 0 then. */
static size_t decode(struct sesame_text text, uint32_t *out)
{
    unsigned char first = (unsigned char)text.data[0];
    size_t len = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    if (len > text.len)
        return 0;
    *out = len == 1 ? first : first & (0x7fu >> len);
    for (size_t i = 1; i < len; i++)
        *out = *out << 6 | ((unsigned char)text.data[i] & 0x3f);
    return len;
}

void content_add_clean(struct kit_buffer *out, struct sesame_text text, size_t max_bytes)
{
    size_t begin = 0, at = 0, added = 0, len;
    uint32_t character = 0;

    while (at < text.len) {
        len = decode((struct sesame_text){text.data + at, text.len - at}, &character);
        if (len == 0 || added + len > max_bytes)
            break;
        if (is_wanted(character)) {
            added += len;
        } else {
            kit_add_text(out, (struct sesame_text){text.data + begin, at - begin});
            begin = at + len;
        }
        at += len;
    }
    kit_add_text(out, (struct sesame_text){text.data + begin, at - begin});
}

void content_add_literal(const struct kit *kit, struct kit_buffer *out, struct sesame_text literal,
                         size_t max_bytes)
{
    size_t len = 0;
    char *text = kit_unquote(kit, literal, &len);

    if (text != NULL)
        content_add_clean(out, (struct sesame_text){text, len}, max_bytes);
    free(text);
}

/* The string at `pointer`, or `otherwise`. */
static void add_member(const struct kit *kit, struct kit_buffer *out, struct sesame_text item,
                       const char *pointer, const char *otherwise)
{
    struct sesame_text value;

    if (kit_find(kit, item, pointer, &value) && kit_is_string(value))
        content_add_literal(kit, out, value, NAME_MAX_BYTES);
    else
        kit_add(out, otherwise);
}

/* ---- the kinds of content ----------------------------------------------------------------------
 */

static void add_binary(const struct kit *kit, struct kit_buffer *out, struct sesame_text item,
                       const char *type)
{
    struct sesame_text data = {NULL, 0};

    (void)kit_find(kit, item, "/data", &data);
    kit_add(out, "[");
    kit_add(out, type);
    kit_add(out, ", ");
    add_member(kit, out, item, "/mimeType", "type unknown");
    kit_add(out, ", about ");
    kit_add_number(out, data.len < 2 ? 0 : (int64_t)((data.len - 2) / 4 * 3)); /* base64 */
    kit_add(out, " bytes, not shown]");
}

static void add_resource(const struct kit *kit, struct kit_buffer *out, struct sesame_text item)
{
    struct sesame_text text;

    if (kit_find(kit, item, "/resource/text", &text)) {
        content_add_literal(kit, out, text, SIZE_MAX);
        return;
    }
    kit_add(out, "[resource ");
    add_member(kit, out, item, "/resource/uri", "");
    kit_add(out, ", binary, not shown]");
}

/* Never fetched: the server may name any address (7.3). */
static void add_link(const struct kit *kit, struct kit_buffer *out, struct sesame_text item)
{
    kit_add(out, "[resource link: ");
    add_member(kit, out, item, "/name", "");
    kit_add(out, " ");
    add_member(kit, out, item, "/uri", "");
    kit_add(out, "]");
}

static void add_item(const struct kit *kit, struct kit_buffer *out, struct sesame_text item)
{
    struct sesame_text type, text = {NULL, 0};

    if (!kit_find(kit, item, "/type", &type) || !kit_is_string(type))
        return;
    if (out->len > 0)
        kit_add(out, "\n");
    if (kit_equal(type, "\"text\"")) {
        if (kit_find(kit, item, "/text", &text))
            content_add_literal(kit, out, text, SIZE_MAX);
    } else if (kit_equal(type, "\"resource\"")) {
        add_resource(kit, out, item);
    } else if (kit_equal(type, "\"resource_link\"")) {
        add_link(kit, out, item);
    } else if (kit_equal(type, "\"image\"")) {
        add_binary(kit, out, item, "image");
    } else if (kit_equal(type, "\"audio\"")) {
        add_binary(kit, out, item, "audio");
    } else {
        kit_add(out, "[unsupported content: ");
        content_add_literal(kit, out, type, NAME_MAX_BYTES);
        kit_add(out, "]");
    }
}

void content_to_text(struct sesame_instance *instance, struct sesame_text result,
                     struct kit_buffer *out)
{
    const struct kit *kit = &instance->kit;
    struct sesame_text content, name, item, structured;
    size_t position = 0;

    if (kit_find(kit, result, "/content", &content) && kit_is_array(content))
        while (kit->json->next(kit->host, content, &position, &name, &item) == SESAME_OK)
            add_item(kit, out, item);
    /* A server should say the same as text too; when it does not, its JSON is the text. */
    if (out->len == 0 && kit_find(kit, result, "/structuredContent", &structured))
        content_add_clean(out, structured, SIZE_MAX);
    if (out->len == 0)
        kit_add(out, "(the tool answered without any content)");
}
