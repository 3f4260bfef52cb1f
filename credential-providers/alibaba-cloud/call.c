/* One HTTP request whose answer stays in locked memory. */
#include "alibaba.h"

#include <string.h>

/* Only this exact type is XML to the vendor's clients. */
#define XML_TYPE "text/xml;charset=utf-8"

static struct call *call_of(uint64_t tag)
{
    return (struct call *)(uintptr_t)tag;
}

static void copy_field(char *out, size_t size, struct sesame_text value)
{
    size_t len = value.len < size ? value.len : size - 1;

    memcpy(out, value.data, len);
    out[len] = '\0';
}

static void on_head(struct sesame_instance *instance, uint64_t tag, int32_t http_status,
                    const struct sesame_http_field *headers, size_t header_count)
{
    struct call *call = call_of(tag);
    int64_t number;

    (void)instance;
    call->http_status = http_status;
    for (size_t i = 0; i < header_count; i++) {
        struct sesame_text name = headers[i].name, value = headers[i].value;

        if (kit_equal_nocase(name, "date"))
            copy_field(call->date, sizeof call->date, value);
        else if (kit_equal_nocase(name, "content-type"))
            call->is_xml = kit_equal_nocase(value, XML_TYPE);
        else if (!kit_parse_int(value, &number) || number < 0 || number > 86400000)
            continue;
        else if (kit_equal_nocase(name, "x-acs-retry-after"))
            call->retry_after_ms = number;
        else if (kit_equal_nocase(name, "retry-after") && call->retry_after_ms < 0)
            call->retry_after_ms = number <= 86400 ? number * 1000 : -1;
    }
}

static void on_done(struct sesame_instance *instance, uint64_t tag, int32_t status,
                    struct sesame_text message, uint64_t answer)
{
    struct call *call = call_of(tag);

    call->http = 0;
    call->on_answer(call, status, message, answer);
    instance->secret->free(instance->kit.host, answer);
}

bool call_start(struct call *call, struct sesame_http_request *request, int64_t timeout_ms)
{
    static const struct sesame_http_events events = {on_head, NULL, on_done};
    const struct kit *kit = &call->instance->kit;

    call->http_status = 0;
    call->retry_after_ms = -1;
    call->date[0] = '\0';
    call->is_xml = false;
    request->deadline_ms = kit->clock->monotonic_ms(kit->host) + timeout_ms;
    request->flags |= SESAME_HTTP_SECRET_ANSWER;
    if (request->answer_max_bytes == 0)
        request->answer_max_bytes = STS_ANSWER_MAX_BYTES;
    return timeout_ms > 0 &&
           call->instance->http->start(kit->host, request, &events, (uint64_t)(uintptr_t)call,
                                       &call->http) == SESAME_OK;
}

void call_cancel(struct call *call)
{
    if (call->http != 0)
        call->instance->http->cancel(call->instance->kit.host, call->http);
}
