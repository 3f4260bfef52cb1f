/* JSON-RPC messages: ours begun, the server's answered (mcp-client.md 2 and 3.7). */
#include "mcp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METHOD_NOT_FOUND "-32601"
#define ERROR_TEXT_MAX_BYTES 300
#define REQUEST_ID_MAX_BYTES 256
/* A server that asks faster than it takes the answers gets none for the rest. */
#define ANSWERING_MAX_COUNT 16

void rpc_begin(struct sesame_instance *instance, struct kit_buffer *out, int64_t id,
               const char *method)
{
    kit_add(out, "{\"jsonrpc\":\"2.0\",");
    if (id != 0) {
        kit_add(out, "\"id\":");
        kit_add_number(out, id);
        kit_add(out, ",");
    }
    kit_add(out, "\"method\":");
    kit_add_quoted(&instance->kit, out, kit_text(method));
    kit_add(out, ",\"params\":");
}

bool rpc_answers(struct sesame_instance *instance, struct sesame_text message, int64_t id)
{
    struct sesame_text value;
    int64_t found;

    if (kit_find(&instance->kit, message, "/method", &value))
        return false;
    if (!kit_find(&instance->kit, message, "/result", &value) &&
        !kit_find(&instance->kit, message, "/error", &value))
        return false;
    /* An error may lack the id when the server could not read the request. */
    if (!kit_find(&instance->kit, message, "/id", &value) || kit_equal(value, "null"))
        return kit_find(&instance->kit, message, "/error", &value);
    return kit_parse_int(value, &found) && found == id;
}

char *rpc_error_text(struct sesame_instance *instance, struct sesame_text message,
                     int64_t *out_code)
{
    const struct kit *kit = &instance->kit;
    struct sesame_text error, said;
    struct kit_buffer text = {0};

    *out_code = 0;
    if (!kit_find(kit, message, "/error", &error))
        return NULL;
    (void)kit_get_int(kit, error, "/code", out_code);
    kit_add(&text, "the MCP server answered with an error: ");
    if (kit_find(kit, error, "/message", &said) && kit_is_string(said))
        content_add_literal(kit, &text, said, ERROR_TEXT_MAX_BYTES);
    else
        kit_add(&text, "it gave no message");
    kit_add(&text, " (code ");
    kit_add_number(&text, *out_code);
    kit_add(&text, ")");
    if (text.has_failed)
        kit_clear(&text);
    return text.data;
}

/* ---- what the server asks and tells ------------------------------------------------------------
 */

static void on_answered(struct sesame_instance *instance, void *owner,
                        const struct outcome *outcome)
{
    (void)owner;
    (void)outcome;
    instance->answering--;
}

static void answer(struct sesame_instance *instance, struct sesame_text id, bool is_ping)
{
    int64_t deadline_ms =
        instance->kit.clock->monotonic_ms(instance->kit.host) + instance->timeout_ms;
    struct kit_buffer body = {0};

    if (id.len > REQUEST_ID_MAX_BYTES || (!kit_is_string(id) && !kit_is_number(id)) ||
        instance->answering >= ANSWERING_MAX_COUNT)
        return;
    kit_add(&body, "{\"jsonrpc\":\"2.0\",\"id\":");
    kit_add_text(&body, id);
    kit_add(&body, is_ping ? ",\"result\":{}}"
                           : ",\"error\":{\"code\":" METHOD_NOT_FOUND
                             ",\"message\":\"this client does not offer that\"}}");
    if (!body.has_failed && exchange_start(instance, 0, "POST", 0, kit_buffer_text(&body),
                                           deadline_ms, on_answered, NULL) != NULL)
        instance->answering++;
    kit_clear(&body);
}

void rpc_handle(struct sesame_instance *instance, struct sesame_text message)
{
    const struct kit *kit = &instance->kit;
    char *method = kit_get_string(kit, message, "/method");
    struct sesame_text id, params = {NULL, 0};

    if (method == NULL)
        return; /* a late answer */
    (void)kit_find(kit, message, "/params", &params);
    if (kit_find(kit, message, "/id", &id))
        answer(instance, id, strcmp(method, "ping") == 0);
    else if (strcmp(method, "notifications/tools/list_changed") == 0)
        instance->completion->changed(kit->host);
    else if (strcmp(method, "notifications/progress") == 0)
        operation_progress(instance, params);
    free(method);
}
