/* tools/list: its pages, and what of them is offered (mcp-client.md 6.1). */
#include "operation.h"

#include <stdlib.h>
#include <string.h>

#define TOOL_MAX_COUNT 256
#define DESCRIPTION_MAX_BYTES 4096

void list_rewind(struct operation *operation)
{
    while (operation->cursor_count > 0)
        free(operation->cursors[--operation->cursor_count]);
    kit_clear(&operation->functions);
    operation->tool_count = 0;
}

/* ---- tools -----------------------------------------------------------------------------------
 */

static bool is_allowed(const struct sesame_instance *instance, struct sesame_text literal)
{
    const struct kit *kit = &instance->kit;
    struct sesame_text name, item;
    size_t position = 0;

    if (instance->allowed.len == 0)
        return true;
    while (kit->json->next(kit->host, kit_buffer_text(&instance->allowed), &position, &name,
                           &item) == SESAME_OK)
        if (item.len == literal.len && memcmp(item.data, literal.data, item.len) == 0)
            return true;
    return false;
}

static void warn(const struct sesame_instance *instance, const char *message,
                 struct sesame_text tool)
{
    const struct kit *kit = &instance->kit;
    struct kit_buffer name = {0}, fields = {0};

    content_add_literal(kit, &name, tool, 128);
    kit_add(&fields, "{\"tool\":");
    kit_add_quoted(kit, &fields, kit_buffer_text(&name));
    kit_add(&fields, "}");
    kit->log->write(kit->host, SESAME_LOG_WARN, kit_text(message),
                    tool.len == 0 || fields.has_failed ? (struct sesame_text){NULL, 0}
                                                       : kit_buffer_text(&fields));
    kit_clear(&name);
    kit_clear(&fields);
}

static void add_description(const struct kit *kit, struct kit_buffer *out,
                            struct sesame_text literal)
{
    struct kit_buffer text = {0};

    content_add_literal(kit, &text, literal, DESCRIPTION_MAX_BYTES);
    kit_add(out, ",\"description\":");
    kit_add_quoted(kit, out, kit_buffer_text(&text));
    kit_clear(&text);
}

/* The host looks closer at names and schemas, and leaves out what it cannot offer. */
static void add_tool(struct operation *operation, struct sesame_text tool)
{
    const struct kit *kit = &operation->instance->kit;
    struct kit_buffer *out = &operation->functions;
    struct sesame_text name, description, schema = {NULL, 0};

    if (!kit_find(kit, tool, "/name", &name) || !kit_is_string(name)) {
        warn(operation->instance, "a tool of the MCP server has no name and is left out",
             (struct sesame_text){NULL, 0});
        return;
    }
    if (!is_allowed(operation->instance, name))
        return;
    if (kit_find(kit, tool, "/inputSchema", &schema) && !kit_is_object(schema)) {
        warn(operation->instance,
             "a tool of the MCP server is left out: its inputSchema is no JSON object", name);
        return;
    }
    if (operation->tool_count == TOOL_MAX_COUNT)
        warn(operation->instance,
             "the MCP server has more than 256 tools: from this one on they are left out", name);
    if (operation->tool_count++ >= TOOL_MAX_COUNT)
        return;
    kit_add(out, operation->tool_count == 1 ? "{\"functions\":[{\"name\":" : ",{\"name\":");
    kit_add_text(out, name);
    if (kit_find(kit, tool, "/description", &description) && kit_is_string(description))
        add_description(kit, out, description);
    if (schema.len > 0) {
        kit_add(out, ",\"parameters\":");
        kit_add_text(out, schema);
    }
    kit_add(out, "}");
}

static void complete_list(struct operation *operation)
{
    struct kit_buffer *out = &operation->functions;

    kit_add(out, operation->tool_count == 0 ? "{\"functions\":[]}" : "]}");
    if (out->has_failed)
        operation_complete(operation, SESAME_LIMIT,
                           kit_text("the MCP server's list of tools is too long"));
    else
        operation_complete(operation, SESAME_OK, kit_buffer_text(out));
}

static bool knows_cursor(const struct operation *operation, struct sesame_text cursor)
{
    for (size_t i = 0; i < operation->cursor_count; i++)
        if (kit_equal(cursor, operation->cursors[i]))
            return true;
    return false;
}

/* Whether another page is to be asked for. Any string is a cursor, the empty one too (6.1). */
static bool take_cursor(struct operation *operation, struct sesame_text response)
{
    struct sesame_instance *instance = operation->instance;
    struct sesame_text cursor, none = {NULL, 0};

    if (!kit_find(&instance->kit, response, "/result/nextCursor", &cursor) ||
        !kit_is_string(cursor) || operation->functions.has_failed)
        return false;
    if (knows_cursor(operation, cursor)) {
        warn(instance, "the MCP server's list of tools goes in circles: it names a page twice",
             none);
        return false;
    }
    if (operation->cursor_count == PAGE_MAX_COUNT || operation->tool_count > TOOL_MAX_COUNT) {
        warn(instance, "the MCP server's list of tools has more pages than are asked for", none);
        return false;
    }
    operation->cursors[operation->cursor_count] = kit_copy(cursor);
    return operation->cursors[operation->cursor_count] != NULL && ++operation->cursor_count > 0;
}

void list_take_page(struct operation *operation, struct sesame_text response)
{
    const struct kit *kit = &operation->instance->kit;
    struct sesame_text tools, name, tool;
    size_t position = 0;

    if (!kit_find(kit, response, "/result/tools", &tools) || !kit_is_array(tools)) {
        operation_complete(
            operation, SESAME_UNAVAILABLE,
            kit_text("the MCP server's answer to tools/list has no array \"tools\""));
        return;
    }
    while (kit->json->next(kit->host, tools, &position, &name, &tool) == SESAME_OK)
        add_tool(operation, tool);
    if (take_cursor(operation, response))
        operation_send(operation);
    else
        complete_list(operation);
}
