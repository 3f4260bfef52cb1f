/* sesame.http/1 in the plugin's process: requests go to the host, answers come back in frames. */
#include "sandbox/child.h"

#include <sesame/services.h>
#include <stdlib.h>

#define HEADER_MAX_COUNT 128

struct child_request {
    const struct sesame_http_events *events;
    uint64_t tag;
    uint64_t http; /* the host's handle */
};

/* ---- requests -------------------------------------------------------------------------------- */

static bool has_secret(const struct sesame_http_request *request)
{
    bool found = request->query != 0 || request->binding.proof_key != 0 ||
                 request->binding.client_certificate != 0 || request->binding.client_key != 0;

    for (size_t i = 0; i < request->header_count; i++)
        found = found || request->headers[i].secret != 0;
    for (size_t i = 0; i < request->form_count; i++)
        found = found || request->form[i].secret != 0;
    return found;
}

static void put_fields(struct wire_writer *writer, const struct sesame_http_field *fields,
                       size_t count)
{
    wire_put_u32(writer, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        wire_put_text(writer, slice_from(fields[i].name));
        wire_put_text(writer, slice_from(fields[i].value));
    }
}

static bool send_request(const struct sesame_http_request *request, uint64_t handle)
{
    struct wire_writer writer;

    channel_open(&child.channel, &writer, WIRE_HTTP_START, handle);
    wire_put_text(&writer, slice_from(request->method));
    wire_put_text(&writer, slice_from(request->url));
    wire_put_text(&writer, slice_from(request->credential));
    wire_put_text(&writer, slice_from(request->body));
    put_fields(&writer, request->headers, request->header_count);
    put_fields(&writer, request->form, request->form_count);
    wire_put_i64(&writer, request->deadline_ms);
    wire_put_i64(&writer, request->idle_timeout_ms);
    wire_put_u64(&writer, request->answer_max_bytes);
    wire_put_u64(&writer, request->call);
    return channel_send(&child.channel, &writer);
}

/* Sends it and waits for the host's word. */
static int32_t ask_host(const struct sesame_http_request *request, uint64_t handle,
                        struct child_request *entry)
{
    struct wire_frame frame;
    struct wire_reader reader;
    int32_t status;

    if (has_secret(request)) {
        child_explain("a tool cannot send secrets");
        return SESAME_DENIED;
    }
    if (!send_request(request, handle)) {
        child_explain("the request is too large");
        return SESAME_LIMIT;
    }
    child_wait(WIRE_HTTP_STARTED, &frame);
    reader = wire_read(&frame);
    status = wire_get_i32(&reader);
    entry->http = wire_get_u64(&reader);
    if (status != SESAME_OK)
        child_explain_slice(wire_get_text(&reader));
    return status;
}

static int32_t http_start(const struct sesame_host *host, const struct sesame_http_request *request,
                          const struct sesame_http_events *events, uint64_t tag, uint64_t *out_http)
{
    struct plugin_instance *instance = instance_enter(host);
    struct child_request *entry = instance == NULL ? NULL : calloc(1, sizeof *entry);
    uint64_t handle = entry == NULL ? 0 : handle_add(&instance->handles, HANDLE_HTTP, entry);
    int32_t status;

    if (handle == 0) {
        free(entry);
        return instance == NULL ? SESAME_INTERNAL : SESAME_LIMIT;
    }
    *entry = (struct child_request){events, tag, 0};
    status = ask_host(request, handle, entry);
    if (status == SESAME_OK)
        *out_http = handle;
    else
        free(handle_take(&instance->handles, HANDLE_HTTP, handle));
    return status;
}

static struct child_request *find(const struct sesame_host *host, uint64_t handle)
{
    struct plugin_instance *instance = instance_enter(host);

    return instance == NULL ? NULL : handle_get(&instance->handles, HANDLE_HTTP, handle);
}

static void http_cancel(const struct sesame_host *host, uint64_t handle)
{
    struct child_request *entry = find(host, handle);
    struct wire_writer writer;

    if (entry == NULL)
        return;
    channel_open(&child.channel, &writer, WIRE_HTTP_CANCEL, entry->http);
    (void)channel_send(&child.channel, &writer);
}

static void http_pause(const struct sesame_host *host, uint64_t handle, int32_t is_paused)
{
    struct child_request *entry = find(host, handle);
    struct wire_writer writer;

    if (entry == NULL)
        return;
    channel_open(&child.channel, &writer, WIRE_HTTP_PAUSE, entry->http);
    wire_put_u32(&writer, is_paused != 0);
    (void)channel_send(&child.channel, &writer);
}

const struct sesame_http_v1 child_http = {http_start, http_cancel, http_pause};

/* ---- answers --------------------------------------------------------------------------------- */

static void give_head(const struct child_request *entry, struct wire_reader *reader)
{
    struct sesame_http_field headers[HEADER_MAX_COUNT];
    int32_t http_status = wire_get_i32(reader);
    uint32_t count = wire_get_u32(reader);

    for (uint32_t i = 0; i < count && i < HEADER_MAX_COUNT; i++) {
        struct slice name = wire_get_text(reader);
        struct slice value = wire_get_text(reader);

        headers[i] = (struct sesame_http_field){.name = text_from(name), .value = text_from(value)};
    }
    if (entry->events->on_head != NULL)
        entry->events->on_head(child.instance.plugin, entry->tag, http_status, headers,
                               count < HEADER_MAX_COUNT ? count : HEADER_MAX_COUNT);
}

static void give_end(struct child_request *entry, uint64_t handle, struct wire_reader *reader)
{
    struct child_request copy = *entry;
    int32_t status = wire_get_i32(reader);
    struct slice message = wire_get_text(reader);

    free(handle_take(&child.instance.handles, HANDLE_HTTP, handle));
    copy.events->on_done(child.instance.plugin, copy.tag, status, text_from(message), 0);
}

void child_http_take(const struct wire_frame *frame)
{
    struct child_request *entry = handle_get(&child.instance.handles, HANDLE_HTTP, frame->handle);
    struct wire_reader reader = wire_read(frame);

    if (entry == NULL)
        return;
    if (frame->type == WIRE_HTTP_HEAD)
        give_head(entry, &reader);
    else if (frame->type == WIRE_HTTP_DONE)
        give_end(entry, frame->handle, &reader);
    else if (entry->events->on_data != NULL)
        entry->events->on_data(child.instance.plugin, entry->tag,
                               text_from(wire_get_text(&reader)));
}
