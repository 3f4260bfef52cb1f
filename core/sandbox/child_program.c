/* sesame.program/1 in the plugin's process: the host runs the program and tells its end. */
#include "sandbox/child.h"

#include <sesame/program.h>
#include <stdlib.h>

struct child_run {
    void (*on_end)(struct sesame_instance *instance, uint64_t tag,
                   const struct sesame_program_end *end);
    uint64_t tag;
    uint64_t run; /* the host's handle */
};

/* Sends it and waits for the host's word. */
static int32_t ask_host(const struct sesame_program_run *asked, uint64_t handle,
                        struct child_run *entry)
{
    struct wire_writer writer;
    struct wire_frame frame;
    struct wire_reader reader;
    int32_t status;

    channel_open(&child.channel, &writer, WIRE_RUN, handle);
    wire_put_text(&writer, slice_from(asked->input));
    wire_put_u64(&writer, asked->call);
    wire_put_i64(&writer, asked->deadline_ms);
    wire_put_u64(&writer, asked->output_max_bytes);
    if (!channel_send(&child.channel, &writer)) {
        child_explain("the program's input is too large");
        return SESAME_LIMIT;
    }
    child_wait(WIRE_RUN_STARTED, &frame);
    reader = wire_read(&frame);
    status = wire_get_i32(&reader);
    entry->run = wire_get_u64(&reader);
    if (status != SESAME_OK)
        child_explain_slice(wire_get_text(&reader));
    return status;
}

static int32_t start(const struct sesame_host *host, const struct sesame_program_run *asked,
                     void (*on_end)(struct sesame_instance *instance, uint64_t tag,
                                    const struct sesame_program_end *end),
                     uint64_t tag, uint64_t *out_run)
{
    struct plugin_instance *instance = instance_enter(host);
    struct child_run *entry = instance == NULL ? NULL : calloc(1, sizeof *entry);
    uint64_t handle = entry == NULL ? 0 : handle_add(&instance->handles, HANDLE_RUN, entry);
    int32_t status;

    if (handle == 0) {
        free(entry);
        return instance == NULL ? SESAME_INTERNAL : SESAME_LIMIT;
    }
    *entry = (struct child_run){on_end, tag, 0};
    status = ask_host(asked, handle, entry);
    if (status == SESAME_OK)
        *out_run = handle;
    else
        free(handle_take(&instance->handles, HANDLE_RUN, handle));
    return status;
}

static void cancel(const struct sesame_host *host, uint64_t handle)
{
    struct plugin_instance *instance = instance_enter(host);
    const struct child_run *entry =
        instance == NULL ? NULL : handle_get(&instance->handles, HANDLE_RUN, handle);
    struct wire_writer writer;

    if (entry == NULL)
        return;
    channel_open(&child.channel, &writer, WIRE_RUN_CANCEL, entry->run);
    (void)channel_send(&child.channel, &writer);
}

const struct sesame_program_v1 child_program = {start, cancel};

void child_program_take(const struct wire_frame *frame)
{
    struct child_run *entry = handle_take(&child.instance.handles, HANDLE_RUN, frame->handle);
    struct wire_reader reader = wire_read(frame);
    struct sesame_program_end end;
    struct child_run copy;

    if (entry == NULL)
        return;
    copy = *entry;
    free(entry);
    end.status = wire_get_i32(&reader);
    end.exit_status = wire_get_i32(&reader);
    end.output = text_from(wire_get_text(&reader));
    end.errors = text_from(wire_get_text(&reader));
    end.message = text_from(wire_get_text(&reader));
    copy.on_end(child.instance.plugin, copy.tag, &end);
}
