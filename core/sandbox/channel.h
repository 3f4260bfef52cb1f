/* The child's end of the socket to the host: frames out at once, frames in when they are wanted. */
#ifndef SESAME_SANDBOX_CHANNEL_H
#define SESAME_SANDBOX_CHANNEL_H

#include "base/buffer.h"
#include "plugin/wire.h"

struct channel {
    int fd;
    struct buffer inbox, outbox;
    struct buffer current; /* the payload of the frame that is being handled */
    struct buffer reply;   /* the payload of the last reply waited for */
};

void channel_init(struct channel *channel, int fd);

/* The first frame, with the library's descriptor beside it; -1 when the host is gone or of another
 * build. */
int channel_take_hello(struct channel *channel);

/* Starts a frame; channel_send puts it on the wire, waiting for room. A host that is gone ends the
 * process. False when the frame is too large. */
void channel_open(struct channel *channel, struct wire_writer *writer, enum wire_type type,
                  uint64_t handle);
bool channel_send(struct channel *channel, struct wire_writer *writer);

/* Reads what is there without waiting; the end of the host is the end of the process. */
void channel_read(struct channel *channel);
/* Takes the next frame; it is valid until the next call. */
bool channel_next(struct channel *channel, struct wire_frame *out);

/* Waits for the reply of this type; what else comes stays, in order, for channel_next. The reply is
 * valid until the next wait. */
void channel_wait(struct channel *channel, enum wire_type type, struct wire_frame *out);

/* Whether a frame of this type and handle has come and waits to be taken. */
bool channel_has(struct channel *channel, enum wire_type type, uint64_t handle);

#endif
