/* The HTTP request that one call of a tool comes down to, and its whole answer. */
#include "plugins/kit/exchange.h"

#include <stdio.h>
#include <stdlib.h>

void kit_complete_text(const struct kit *kit, const struct sesame_tool_host_v1 *tool, uint64_t call,
                       struct sesame_text text, bool is_error)
{
    struct kit_buffer result = {0};

    kit_add(&result, "{\"text\":");
    kit_add_quoted(kit, &result, text);
    kit_add(&result, is_error ? ",\"is_error\":true}" : "}");
    if (result.has_failed)
        (void)tool->complete(kit->host, call, SESAME_INTERNAL,
                             kit_text("no memory for the result"));
    else
        (void)tool->complete(kit->host, call, SESAME_OK, kit_buffer_text(&result));
    kit_clear(&result);
}

static void forget(struct kit_exchange *exchange)
{
    struct kit_exchange **link = &exchange->owner->open;

    while (*link != exchange)
        link = &(*link)->next;
    *link = exchange->next;
    kit_clear(&exchange->answer);
    free(exchange);
}

static void on_head(struct sesame_instance *instance, uint64_t tag, int32_t http_status,
                    const struct sesame_http_field *headers, size_t header_count)
{
    struct kit_exchange *exchange = (struct kit_exchange *)(uintptr_t)tag;

    (void)instance;
    exchange->http_status = http_status;
    for (size_t i = 0; i < header_count; i++)
        if (kit_equal_nocase(headers[i].name, "content-type"))
            /* Cutting it off is fine. */
            (void)snprintf(exchange->type, sizeof exchange->type, "%.*s", (int)headers[i].value.len,
                           headers[i].value.len == 0 ? "" : headers[i].value.data);
}

static void on_data(struct sesame_instance *instance, uint64_t tag, struct sesame_text bytes)
{
    struct kit_exchange *exchange = (struct kit_exchange *)(uintptr_t)tag;

    (void)instance;
    kit_add_text(&exchange->answer, bytes);
}

static void on_done(struct sesame_instance *instance, uint64_t tag, int32_t status,
                    struct sesame_text message, uint64_t answer)
{
    struct kit_exchange *exchange = (struct kit_exchange *)(uintptr_t)tag;
    const struct kit_exchanges *owner = exchange->owner;

    (void)answer;
    if (status != SESAME_OK)
        (void)owner->tool->complete(owner->kit->host, exchange->call, status, message);
    else if (exchange->answer.has_failed)
        (void)owner->tool->complete(owner->kit->host, exchange->call, SESAME_INTERNAL,
                                    kit_text("no memory for the answer"));
    else
        owner->on_answer(instance, exchange);
    forget(exchange);
}

bool kit_exchanges_open(struct kit_exchanges *exchanges, const struct kit *kit,
                        void (*on_answer)(struct sesame_instance *instance,
                                          const struct kit_exchange *exchange))
{
    *exchanges = (struct kit_exchanges){
        .kit = kit,
        .http = kit->host->get_service(kit->host, SESAME_HTTP_V1),
        .tool = kit->host->get_service(kit->host, SESAME_TOOL_HOST_V1),
        .on_answer = on_answer,
    };
    return exchanges->http != NULL && exchanges->tool != NULL;
}

bool kit_exchange_is_for(const struct kit_exchanges *exchanges, uint64_t call,
                         const struct sesame_tool_request *request, const char *name)
{
    if (kit_equal(request->function, name))
        return true;
    (void)exchanges->tool->complete(exchanges->kit->host, call, SESAME_NOT_FOUND,
                                    kit_text("this tool has no such function"));
    return false;
}

int32_t kit_exchange_start(struct kit_exchanges *exchanges, struct sesame_http_request *request,
                           int64_t timeout_ms, int64_t deadline_ms)
{
    static const struct sesame_http_events events = {on_head, on_data, on_done};
    const struct kit *kit = exchanges->kit;
    struct kit_exchange *exchange = calloc(1, sizeof *exchange);
    int32_t status;

    if (exchange == NULL)
        return SESAME_INTERNAL;
    exchange->owner = exchanges;
    exchange->call = request->call;
    exchange->next = exchanges->open;
    exchanges->open = exchange;
    request->deadline_ms = kit->clock->monotonic_ms(kit->host) + timeout_ms;
    if (deadline_ms < request->deadline_ms)
        request->deadline_ms = deadline_ms;
    status = exchanges->http->start(kit->host, request, &events, (uint64_t)(uintptr_t)exchange,
                                    &exchange->http);
    if (status != SESAME_OK)
        forget(exchange);
    return status;
}

void kit_exchange_cancel(struct kit_exchanges *exchanges, uint64_t call)
{
    for (struct kit_exchange *exchange = exchanges->open; exchange != NULL;
         exchange = exchange->next)
        if (exchange->call == call) {
            exchanges->http->cancel(exchanges->kit->host, exchange->http);
            return;
        }
}

void kit_exchanges_clear(struct kit_exchanges *exchanges)
{
    while (exchanges->open != NULL)
        forget(exchanges->open);
}
