/* Frames between the host and a plugin's process. */
#include "plugin/wire.h"

#include "base/buffer.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

struct header {
    uint32_t len; /* of the payload */
    uint16_t type;
    uint16_t reserved;
    uint64_t handle;
};

void wire_missing_guards(uint32_t guards, char *out, size_t size)
{
    static const struct {
        uint32_t guard;
        const char *name;
    } names[] = {
        {GUARD_NO_NEW_PRIVS, "no_new_privs"}, {GUARD_SECCOMP, "seccomp"},
        {GUARD_LANDLOCK, "landlock"},         {GUARD_LIMITS, "resource limits"},
        {GUARD_UNDUMPABLE, "undumpable"},     {GUARD_NO_CAPABILITIES, "dropped capabilities"}};
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof names[0] && used < size; i++)
        if ((guards & names[i].guard) == 0)
            used += (size_t)snprintf(out + used, size - used, "%s%s", used == 0 ? "" : ", ",
                                     names[i].name);
}

/* ---- writing --------------------------------------------------------------------------------- */

static void put(struct wire_writer *writer, const void *bytes, size_t len)
{
    struct error ignored = {0};

    writer->has_failed = writer->has_failed || !buffer_add(writer->out, bytes, len, &ignored);
}

void wire_open(struct wire_writer *writer, struct buffer *out, enum wire_type type, uint64_t handle)
{
    struct header header = {.type = (uint16_t)type, .handle = handle};

    *writer = (struct wire_writer){out, out->len, false};
    put(writer, &header, sizeof header);
}

void wire_put_u32(struct wire_writer *writer, uint32_t value)
{
    put(writer, &value, sizeof value);
}

void wire_put_i32(struct wire_writer *writer, int32_t value)
{
    put(writer, &value, sizeof value);
}

void wire_put_u64(struct wire_writer *writer, uint64_t value)
{
    put(writer, &value, sizeof value);
}

void wire_put_i64(struct wire_writer *writer, int64_t value)
{
    put(writer, &value, sizeof value);
}

void wire_put_text(struct wire_writer *writer, struct slice text)
{
    if (text.len > WIRE_FRAME_MAX_BYTES) {
        writer->has_failed = true;
        return;
    }
    wire_put_u32(writer, (uint32_t)text.len);
    if (text.len > 0)
        put(writer, text.data, text.len);
}

bool wire_close(struct wire_writer *writer, struct error *err)
{
    struct buffer *out = writer->out;
    size_t len = out->len - writer->start - sizeof(struct header);
    uint32_t payload = (uint32_t)len;

    if (!writer->has_failed && len <= WIRE_FRAME_MAX_BYTES) {
        memcpy(out->data + writer->start + offsetof(struct header, len), &payload, sizeof payload);
        return true;
    }
    buffer_truncate(out, writer->start);
    return error_set(err, ERROR_LIMIT, "a message to a plugin's process is too large");
}

/* ---- reading --------------------------------------------------------------------------------- */

enum wire_state wire_next(struct slice *bytes, struct wire_frame *out)
{
    struct header header;

    if (bytes->len < sizeof header)
        return WIRE_NEEDS_MORE;
    memcpy(&header, bytes->data, sizeof header);
    if (header.len > WIRE_FRAME_MAX_BYTES)
        return WIRE_TOO_LARGE;
    if (bytes->len - sizeof header < header.len)
        return WIRE_NEEDS_MORE;
    *out =
        (struct wire_frame){header.type, header.handle, {bytes->data + sizeof header, header.len}};
    bytes->data += sizeof header + header.len;
    bytes->len -= sizeof header + header.len;
    return WIRE_FRAME;
}

struct wire_reader wire_read(const struct wire_frame *frame)
{
    return (struct wire_reader){frame->payload, false};
}

static struct slice get(struct wire_reader *reader, size_t len)
{
    struct slice taken = {reader->rest.data, len};

    if (reader->is_bad || reader->rest.len < len) {
        reader->is_bad = true;
        return (struct slice){NULL, 0};
    }
    reader->rest.data += len;
    reader->rest.len -= len;
    return taken;
}

static void get_number(struct wire_reader *reader, void *out, size_t size)
{
    struct slice bytes = get(reader, size);

    memset(out, 0, size);
    if (bytes.len == size)
        memcpy(out, bytes.data, size);
}

uint32_t wire_get_u32(struct wire_reader *reader)
{
    uint32_t value;

    get_number(reader, &value, sizeof value);
    return value;
}

int32_t wire_get_i32(struct wire_reader *reader)
{
    int32_t value;

    get_number(reader, &value, sizeof value);
    return value;
}

uint64_t wire_get_u64(struct wire_reader *reader)
{
    uint64_t value;

    get_number(reader, &value, sizeof value);
    return value;
}

int64_t wire_get_i64(struct wire_reader *reader)
{
    int64_t value;

    get_number(reader, &value, sizeof value);
    return value;
}

struct slice wire_get_text(struct wire_reader *reader)
{
    return get(reader, wire_get_u32(reader));
}

bool wire_is_whole(const struct wire_reader *reader)
{
    return !reader->is_bad && reader->rest.len == 0;
}
