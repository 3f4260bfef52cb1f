/* The child's end of the socket to the host. */
#include "sandbox/channel.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES ((size_t)64 * 1024)
#define INBOX_MAX_BYTES ((size_t)64 * 1024 * 1024)
#define EXIT_ORPHANED 3

void channel_init(struct channel *channel, int fd)
{
    channel->fd = fd;
    buffer_init(&channel->inbox, INBOX_MAX_BYTES);
    buffer_init(&channel->outbox, WIRE_FRAME_MAX_BYTES + 64);
    buffer_init(&channel->current, WIRE_FRAME_MAX_BYTES);
    buffer_init(&channel->reply, WIRE_FRAME_MAX_BYTES);
}

/* Nobody is there to work for. */
static _Noreturn void end_orphaned(void)
{
    _exit(EXIT_ORPHANED);
}

/* ---- out ------------------------------------------------------------------------------------- */

void channel_open(struct channel *channel, struct wire_writer *writer, enum wire_type type,
                  uint64_t handle)
{
    wire_open(writer, &channel->outbox, type, handle);
}

bool channel_send(struct channel *channel, struct wire_writer *writer)
{
    struct error ignored = {0};
    size_t sent = 0;

    if (!wire_close(writer, &ignored))
        return false;
    while (sent < channel->outbox.len) {
        ssize_t more = send(channel->fd, channel->outbox.data + sent, channel->outbox.len - sent,
                            MSG_NOSIGNAL);

        if (more < 0 && errno != EINTR)
            end_orphaned();
        if (more > 0)
            sent += (size_t)more;
    }
    buffer_truncate(&channel->outbox, 0);
    return true;
}

/* ---- in -------------------------------------------------------------------------------------- */

static bool read_some(struct channel *channel, int flags)
{
    char bytes[READ_BYTES];
    struct error ignored = {0};
    ssize_t got = recv(channel->fd, bytes, sizeof bytes, flags);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return errno == EINTR;
    if (got <= 0 || !buffer_add(&channel->inbox, bytes, (size_t)got, &ignored))
        end_orphaned();
    return true;
}

void channel_read(struct channel *channel)
{
    while (read_some(channel, MSG_DONTWAIT))
        continue;
}

static bool keep(struct buffer *kept, struct wire_frame *frame)
{
    struct error ignored = {0};

    buffer_truncate(kept, 0);
    if (!buffer_add(kept, frame->payload.data, frame->payload.len, &ignored))
        return false;
    frame->payload = (struct slice){kept->data, kept->len};
    return true;
}

bool channel_next(struct channel *channel, struct wire_frame *out)
{
    struct slice bytes = {channel->inbox.data, channel->inbox.len};

    if (wire_next(&bytes, out) != WIRE_FRAME)
        return false;
    if (!keep(&channel->current, out))
        end_orphaned();
    buffer_consume(&channel->inbox, channel->inbox.len - bytes.len);
    return true;
}

/* Takes bytes out of the middle. */
static void remove_bytes(struct buffer *buffer, size_t at, size_t len)
{
    memmove(buffer->data + at, buffer->data + at + len, buffer->len - at - len);
    buffer_truncate(buffer, buffer->len - len);
}

void channel_wait(struct channel *channel, enum wire_type type, struct wire_frame *out)
{
    size_t at = 0; /* frames before it are none of ours */

    for (;;) {
        struct slice bytes = {channel->inbox.data + at, channel->inbox.len - at};
        size_t before = bytes.len;

        if (channel->inbox.len == at || wire_next(&bytes, out) != WIRE_FRAME) {
            (void)read_some(channel, 0);
            continue;
        }
        if (out->type != (uint16_t)type) {
            at += before - bytes.len;
            continue;
        }
        if (!keep(&channel->reply, out))
            end_orphaned();
        remove_bytes(&channel->inbox, at, before - bytes.len);
        return;
    }
}

bool channel_has(struct channel *channel, enum wire_type type, uint64_t handle)
{
    struct slice bytes = {channel->inbox.data, channel->inbox.len};
    struct wire_frame frame;

    while (wire_next(&bytes, &frame) == WIRE_FRAME)
        if (frame.type == (uint16_t)type && frame.handle == handle)
            return true;
    return false;
}

int channel_take_hello(struct channel *channel)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr header;
    } control;
    char bytes[256];
    struct iovec data = {bytes, sizeof bytes};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t got = recvmsg(channel->fd, &message, MSG_CMSG_CLOEXEC);
    struct slice rest = {bytes, got > 0 ? (size_t)got : 0};
    struct wire_frame frame;
    struct wire_reader reader;
    struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    int fd = -1;

    if (header != NULL && header->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(header), sizeof fd);
    if (fd < 0 || wire_next(&rest, &frame) != WIRE_FRAME || frame.type != WIRE_HELLO)
        return -1;
    reader = wire_read(&frame);
    return wire_get_u32(&reader) == WIRE_VERSION ? fd : -1;
}
