/* What a plugin's process asks of the host or tells it: each frame becomes a call of a service. */
#include "plugin/process_proxy.h"

#include "base/clock.h"
#include "net/loop.h"

#include <sesame/services.h>
#include <sesame/tool.h>
#include <string.h>

#define PROGRESS_MAX_BYTES 4096

/* So many at once, and so many more each second. */
#define ALLOWANCE_MAX 500
#define ALLOWANCE_PER_S 100
#define FAULT_BYTES ((size_t)32 * 1024)

/* ---- how much it may say --------------------------------------------------------------------- */

static bool take_some(struct proxy_allowance *allowance, int64_t count)
{
    int64_t now_ms = clock_monotonic_ms();
    int64_t more = (now_ms - allowance->filled_at_ms) * ALLOWANCE_PER_S / 1000;

    if (more > 0) {
        allowance->filled_at_ms = now_ms;
        allowance->left =
            allowance->left + more > ALLOWANCE_MAX ? ALLOWANCE_MAX : allowance->left + more;
    }
    if (allowance->left < count)
        return false;
    allowance->left -= count;
    allowance->is_noted = allowance->is_noted && allowance->left < ALLOWANCE_MAX / 2;
    return true;
}

/* Beyond it the child is not heard, which is noted once. */
static bool may_talk(struct sesame_instance *proxy, const char *kind)
{
    if (take_some(&proxy->talk, 1))
        return true;
    if (!proxy->talk.is_noted)
        instance_misbehaved(proxy->self, kind);
    proxy->talk.is_noted = true;
    return false;
}

void proxy_fault(struct sesame_instance *proxy, size_t frame_len)
{
    /* Large ones count more: they cost more. */
    if (!take_some(&proxy->faults, 1 + (int64_t)(frame_len / FAULT_BYTES)))
        process_child_doom(proxy->child, "ended because it broke the rules too often");
}

/* ---- calls ----------------------------------------------------------------------------------- */

static struct sesame_text text_in(struct slice slice)
{
    return (struct sesame_text){slice.data == NULL ? "" : slice.data, slice.len};
}

static bool take_completion(struct sesame_instance *proxy, const struct wire_frame *frame)
{
    struct wire_reader reader = wire_read(frame);
    int32_t status = wire_get_i32(&reader);
    struct slice data = wire_get_text(&reader);

    if (!wire_is_whole(&reader))
        return false;
    proxy_forget_call(proxy, frame->handle);
    if (service_tool_host.complete(&proxy->self->host, frame->handle, status, text_in(data)) !=
        SESAME_OK)
        proxy_fault(proxy, frame->payload.len);
    return true;
}

static bool take_progress(struct sesame_instance *proxy, const struct wire_frame *frame)
{
    struct wire_reader reader = wire_read(frame);
    struct slice text = wire_get_text(&reader);

    if (!wire_is_whole(&reader))
        return false;
    text.len = utf8_prefix(text.data, text.len, PROGRESS_MAX_BYTES);
    if (may_talk(proxy, "floods_progress"))
        (void)service_tool_host.emit(&proxy->self->host, frame->handle, text_in(text));
    return true;
}

/* ---- the rest -------------------------------------------------------------------------------- */

static bool take_log(struct sesame_instance *proxy, const struct wire_frame *frame)
{
    struct wire_reader reader = wire_read(frame);
    int32_t level = wire_get_i32(&reader);
    struct slice message = wire_get_text(&reader);
    struct slice fields = wire_get_text(&reader);

    if (!wire_is_whole(&reader))
        return false;
    if (may_talk(proxy, "floods_log"))
        service_log.write(&proxy->self->host, level, text_in(message), text_in(fields));
    return true;
}

static bool take_check(struct sesame_instance *proxy, const struct wire_frame *frame)
{
    struct wire_reader reader = wire_read(frame);
    struct slice name = wire_get_text(&reader);
    struct slice url = wire_get_text(&reader);
    struct sesame_text message = {NULL, 0};
    struct wire_writer writer;
    int32_t status;

    if (!wire_is_whole(&reader))
        return false;
    status = service_credentials.check(&proxy->self->host, text_in(name), text_in(url), &message);
    wire_open(&writer, process_child_outbox(proxy->child), WIRE_CHECKED, 0);
    wire_put_i32(&writer, status);
    wire_put_text(&writer, slice_from(message));
    (void)proxy_send(proxy, &writer);
    return true;
}

/* The child's word becomes a label of a metric, so it must be one we know. */
static bool take_misbehaviour(struct sesame_instance *proxy, const struct wire_frame *frame)
{
    static const char *const kinds[] = {"wrong_thread", "unknown_handle", "system_call"};
    struct wire_reader reader = wire_read(frame);
    struct slice kind = wire_get_text(&reader);

    if (!wire_is_whole(&reader))
        return false;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (slice_equal_text(kind, kinds[i]) && may_talk(proxy, "floods_log"))
            instance_misbehaved(proxy->self, kinds[i]);
    return true;
}

static bool take_pong(struct sesame_instance *proxy)
{
    bool was_asked = proxy->pinged_at_ms != 0;

    proxy->pinged_at_ms = 0;
    return was_asked;
}

bool proxy_take_frame(struct sesame_instance *proxy, const struct wire_frame *frame)
{
    switch (frame->type) {
    case WIRE_COMPLETE:
        return take_completion(proxy, frame);
    case WIRE_EMIT:
        return take_progress(proxy, frame);
    case WIRE_CHANGED:
        if (may_talk(proxy, "floods_changed"))
            service_tool_host.changed(&proxy->self->host);
        return true;
    case WIRE_LOG:
        return take_log(proxy, frame);
    case WIRE_HTTP_START:
    case WIRE_HTTP_CANCEL:
    case WIRE_HTTP_PAUSE:
        return proxy_take_http(proxy, frame);
    case WIRE_RUN:
    case WIRE_RUN_CANCEL:
        return proxy_take_program(proxy, frame);
    case WIRE_CHECK:
        return take_check(proxy, frame);
    case WIRE_MISBEHAVED:
        return take_misbehaviour(proxy, frame);
    case WIRE_STOPPED:
        if (proxy->state == PROXY_STOPPING)
            service_loop.stopped(&proxy->self->host);
        return proxy->state == PROXY_STOPPING;
    case WIRE_PONG:
        return take_pong(proxy);
    default:
        return false;
    }
}
