/* Programs for a plugin's process: run by the host, their ends told in frames. */
#include "plugin/process_proxy.h"

#include <sesame/program.h>

static void on_end(struct sesame_instance *proxy, uint64_t tag,
                   const struct sesame_program_end *end)
{
    struct wire_writer writer;

    wire_open(&writer, process_child_outbox(proxy->child), WIRE_RUN_ENDED, tag);
    wire_put_i32(&writer, end->status);
    wire_put_i32(&writer, end->exit_status);
    wire_put_text(&writer, slice_from(end->output));
    wire_put_text(&writer, slice_from(end->errors));
    wire_put_text(&writer, slice_from(end->message));
    (void)proxy_send(proxy, &writer);
}

static bool take_run(struct sesame_instance *proxy, const struct wire_frame *frame)
{
    struct wire_reader reader = wire_read(frame);
    struct sesame_program_run asked = {.input = text_from(wire_get_text(&reader))};
    struct wire_writer writer;
    uint64_t run = 0;
    int32_t status;

    asked.call = wire_get_u64(&reader);
    asked.deadline_ms = wire_get_i64(&reader);
    asked.output_max_bytes = wire_get_u64(&reader);
    if (!wire_is_whole(&reader))
        return false;
    status = service_program.start(&proxy->self->host, &asked, on_end, frame->handle, &run);
    if (status != SESAME_OK)
        proxy_fault(proxy, asked.input.len);
    wire_open(&writer, process_child_outbox(proxy->child), WIRE_RUN_STARTED, frame->handle);
    wire_put_i32(&writer, status);
    wire_put_u64(&writer, run);
    wire_put_text(&writer, slice_of(status == SESAME_OK ? "" : proxy->self->explained.message));
    (void)proxy_send(proxy, &writer);
    return true;
}

bool proxy_take_program(struct sesame_instance *proxy, const struct wire_frame *frame)
{
    if (frame->type == WIRE_RUN)
        return take_run(proxy, frame);
    if (frame->payload.len != 0)
        return false;
    service_program.cancel(&proxy->self->host, frame->handle);
    return true;
}
