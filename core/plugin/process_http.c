/* HTTP for a plugin's process: its requests run in the host, its answers go back in frames. */
#include "plugin/process_proxy.h"

#include <sesame/services.h>
#include <stdlib.h>
#include <string.h>

#define OPEN_MAX_COUNT 64
#define FIELD_MAX_COUNT 64
#define PIECE_MAX_BYTES ((size_t)64 * 1024)

/* ---- the ones that are open ------------------------------------------------------------------ */

static struct proxy_http *find_http(struct sesame_instance *proxy, uint64_t tag)
{
    for (size_t i = 0; i < proxy->http_count; i++)
        if (proxy->https[i].tag == tag)
            return &proxy->https[i];
    return NULL;
}

static bool reserve_http(struct sesame_instance *proxy)
{
    struct proxy_http *grown;
    size_t capacity = proxy->http_capacity == 0 ? 8 : proxy->http_capacity * 2;

    if (proxy->http_count < proxy->http_capacity)
        return true;
    if (capacity > OPEN_MAX_COUNT)
        return false;
    grown = realloc(proxy->https, capacity * sizeof *grown);
    if (grown == NULL)
        return false;
    proxy->https = grown;
    proxy->http_capacity = capacity;
    return true;
}

void proxy_http_hold(struct sesame_instance *proxy, bool is_held)
{
    for (size_t i = 0; i < proxy->http_count; i++)
        service_http.pause(&proxy->self->host, proxy->https[i].http,
                           is_held || proxy->https[i].is_paused_by_child);
}

void proxy_http_abandon(struct sesame_instance *proxy)
{
    service_http_close(proxy->self);
    proxy->http_count = 0;
}

/* ---- answers --------------------------------------------------------------------------------- */

static void on_head(struct sesame_instance *proxy, uint64_t tag, int32_t http_status,
                    const struct sesame_http_field *headers, size_t header_count)
{
    struct wire_writer writer;

    wire_open(&writer, process_child_outbox(proxy->child), WIRE_HTTP_HEAD, tag);
    wire_put_i32(&writer, http_status);
    wire_put_u32(&writer, (uint32_t)header_count);
    for (size_t i = 0; i < header_count; i++) {
        wire_put_text(&writer, slice_from(headers[i].name));
        wire_put_text(&writer, slice_from(headers[i].value));
    }
    (void)proxy_send(proxy, &writer);
}

static void on_data(struct sesame_instance *proxy, uint64_t tag, struct sesame_text bytes)
{
    struct slice rest = slice_from(bytes);

    while (rest.len > 0) {
        struct slice piece = {rest.data, rest.len < PIECE_MAX_BYTES ? rest.len : PIECE_MAX_BYTES};
        struct wire_writer writer;

        wire_open(&writer, process_child_outbox(proxy->child), WIRE_HTTP_DATA, tag);
        wire_put_text(&writer, piece);
        (void)proxy_send(proxy, &writer);
        rest.data += piece.len;
        rest.len -= piece.len;
    }
    if (process_child_is_slow(proxy->child))
        proxy_http_hold(proxy, true);
}

static void on_done(struct sesame_instance *proxy, uint64_t tag, int32_t status,
                    struct sesame_text message, uint64_t answer)
{
    struct proxy_http *http = find_http(proxy, tag);
    struct wire_writer writer;

    (void)answer; /* tools get none */
    if (http != NULL)
        *http = proxy->https[--proxy->http_count];
    wire_open(&writer, process_child_outbox(proxy->child), WIRE_HTTP_DONE, tag);
    wire_put_i32(&writer, status);
    wire_put_text(&writer, slice_from(message));
    (void)proxy_send(proxy, &writer);
}

/* ---- requests -------------------------------------------------------------------------------- */

static bool get_fields(struct wire_reader *reader, struct sesame_http_field *fields,
                       size_t *out_count)
{
    uint32_t count = wire_get_u32(reader);

    if (count > FIELD_MAX_COUNT)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct slice name = wire_get_text(reader);
        struct slice value = wire_get_text(reader);

        fields[i] = (struct sesame_http_field){.name = text_from(name), .value = text_from(value)};
    }
    *out_count = count;
    return true;
}

static void say_started(struct sesame_instance *proxy, uint64_t tag, int32_t status, uint64_t http,
                        const char *reason)
{
    struct wire_writer writer;

    wire_open(&writer, process_child_outbox(proxy->child), WIRE_HTTP_STARTED, tag);
    wire_put_i32(&writer, status);
    wire_put_u64(&writer, http);
    wire_put_text(&writer, slice_of(reason));
    (void)proxy_send(proxy, &writer);
}

static void start_request(struct sesame_instance *proxy, const struct sesame_http_request *request,
                          uint64_t tag)
{
    static const struct sesame_http_events events = {on_head, on_data, on_done};
    uint64_t http = 0;
    int32_t status;

    if (!reserve_http(proxy) || find_http(proxy, tag) != NULL) {
        proxy_fault(proxy, request->body.len);
        say_started(proxy, tag, SESAME_LIMIT, 0, "too many open requests");
        return;
    }
    status = service_http.start(&proxy->self->host, request, &events, tag, &http);
    if (status == SESAME_OK) {
        proxy->https[proxy->http_count++] = (struct proxy_http){tag, http, false};
        if (process_child_is_slow(proxy->child))
            service_http.pause(&proxy->self->host, http, 1);
    }
    if (status != SESAME_OK)
        proxy_fault(proxy, request->body.len);
    say_started(proxy, tag, status, http,
                status == SESAME_OK ? "" : proxy->self->explained.message);
}

static bool take_start(struct sesame_instance *proxy, const struct wire_frame *frame)
{
    struct wire_reader reader = wire_read(frame);
    struct sesame_http_field headers[FIELD_MAX_COUNT], form[FIELD_MAX_COUNT];
    struct sesame_http_request request = {.headers = headers, .form = form};

    request.method = text_from(wire_get_text(&reader));
    request.url = text_from(wire_get_text(&reader));
    request.credential = text_from(wire_get_text(&reader));
    request.body = text_from(wire_get_text(&reader));
    if (!get_fields(&reader, headers, &request.header_count) ||
        !get_fields(&reader, form, &request.form_count))
        return false;
    request.deadline_ms = wire_get_i64(&reader);
    request.idle_timeout_ms = wire_get_i64(&reader);
    request.answer_max_bytes = wire_get_u64(&reader);
    request.call = wire_get_u64(&reader);
    if (!wire_is_whole(&reader))
        return false;
    start_request(proxy, &request, frame->handle);
    return true;
}

static bool take_pause(struct sesame_instance *proxy, const struct wire_frame *frame)
{
    struct wire_reader reader = wire_read(frame);
    bool is_paused = wire_get_u32(&reader) != 0;

    if (!wire_is_whole(&reader))
        return false;
    for (size_t i = 0; i < proxy->http_count; i++)
        if (proxy->https[i].http == frame->handle)
            proxy->https[i].is_paused_by_child = is_paused;
    if (is_paused || !process_child_is_slow(proxy->child))
        service_http.pause(&proxy->self->host, frame->handle, is_paused);
    return true;
}

bool proxy_take_http(struct sesame_instance *proxy, const struct wire_frame *frame)
{
    if (frame->type == WIRE_HTTP_START)
        return take_start(proxy, frame);
    if (frame->type == WIRE_HTTP_PAUSE)
        return take_pause(proxy, frame);
    if (frame->payload.len != 0)
        return false;
    service_http.cancel(&proxy->self->host, frame->handle);
    return true;
}
