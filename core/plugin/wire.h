/* Frames between the host and a plugin's process: bytes, integers and handles, nothing else.
 *
 * A frame is a header (payload length, type, handle) and a payload of fields in a fixed order. Both
 * ends run on one machine, so numbers are in its byte order. The host reads what an untrusted
 * process wrote: every length is checked against what is there, and a frame that does not fit its
 * type is a reason to end the process. */
#ifndef SESAME_PLUGIN_WIRE_H
#define SESAME_PLUGIN_WIRE_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

struct buffer;
struct error;

/* The version of this protocol. Host and child program come from one build; it is checked so that
 * a mixed installation is named and not debugged. */
#define WIRE_VERSION 2u

/* Payload of the largest frame: a tool's result and some room. */
#define WIRE_FRAME_MAX_BYTES ((size_t)5 * 1024 * 1024)

enum wire_type {
    /* host to child */
    WIRE_HELLO = 1,    /* u32 version; the library's descriptor travels beside it */
    WIRE_CREATE,       /* text configuration; u32 may_run: a program was granted */
    WIRE_LIST,         /* handle: call; i64 deadline_ms */
    WIRE_CALL,         /* handle: call; text function, arguments, context; i64 deadline_ms */
    WIRE_CANCEL,       /* handle: call */
    WIRE_STOP,         /* */
    WIRE_PING,         /* */
    WIRE_HTTP_STARTED, /* answers HTTP_START; handle: tag; i32 status, u64 http, text reason */
    WIRE_HTTP_HEAD,    /* handle: tag; i32 status, u32 count, then texts name, value */
    WIRE_HTTP_DATA,    /* handle: tag; text bytes */
    WIRE_HTTP_DONE,    /* handle: tag; i32 status, text message */
    WIRE_CHECKED,      /* answers CHECK; i32 status, text message */
    WIRE_RUN_STARTED,  /* answers RUN; handle: tag; i32 status, u64 run, text reason */
    WIRE_RUN_ENDED,    /* handle: tag; i32 status, exit_status; text output, errors, message */
    WIRE_PROGRAM,      /* the only frame to a child that becomes a program: u32 version, is_trial;
                          u64 memory_bytes; u32 count and texts: its arguments. Beside it travel
                          descriptors: the program, its input, what it may read */

    /* child to host */
    WIRE_GUARDED = 32, /* u32 guards in force (enum sandbox_guard); once, before any code of the
                          library runs, so that the library cannot say it in the child's place */
    WIRE_DESCRIPTOR,   /* text id, version, description, schema; u32 count and texts, twice:
                          needs and offers */
    WIRE_REFUSED,      /* text error name, reason: why the library is no plugin; it ends */
    WIRE_CREATED,      /* i32 status, text explanation */
    WIRE_COMPLETE,     /* handle: call; i32 status, text data */
    WIRE_EMIT,         /* handle: call; text progress */
    WIRE_CHANGED,      /* */
    WIRE_LOG,          /* i32 level, text message, text fields */
    WIRE_HTTP_START,   /* handle: tag; text method, url, credential, body; u32 count, texts name,
                          value, twice: headers and form; i64 deadline_ms, idle_timeout_ms; u64
                          answer_max_bytes, call */
    WIRE_HTTP_CANCEL,  /* handle: http */
    WIRE_HTTP_PAUSE,   /* handle: http; u32 is_paused */
    WIRE_CHECK,        /* text name, url */
    WIRE_MISBEHAVED,   /* text kind */
    WIRE_STOPPED,      /* */
    WIRE_PONG,         /* */
    WIRE_RUN,          /* handle: tag; text input; u64 call; i64 deadline_ms; u64
                          output_max_bytes */
    WIRE_RUN_CANCEL,   /* handle: run */
};

/* What holds a child back, as bits; what the kernel does not offer is missing in GUARDED. */
enum sandbox_guard {
    GUARD_NO_NEW_PRIVS = 1u << 0,
    GUARD_SECCOMP = 1u << 1,
    GUARD_LANDLOCK = 1u << 2,
    GUARD_LIMITS = 1u << 3,
    GUARD_UNDUMPABLE = 1u << 4,
    GUARD_NO_CAPABILITIES = 1u << 5,
    GUARD_ALL = (1u << 6) - 1,
};

/* The names of those that `guards` lacks, "landlock, undumpable"; "" for none. */
void wire_missing_guards(uint32_t guards, char *out, size_t size);

/* ---- writing --------------------------------------------------------------------------------- */

/* Puts one frame at the end of `out`. A frame that does not fit is taken back at wire_close. */
struct wire_writer {
    struct buffer *out;
    size_t start;
    bool has_failed;
};

void wire_open(struct wire_writer *writer, struct buffer *out, enum wire_type type,
               uint64_t handle);
void wire_put_u32(struct wire_writer *writer, uint32_t value);
void wire_put_i32(struct wire_writer *writer, int32_t value);
void wire_put_u64(struct wire_writer *writer, uint64_t value);
void wire_put_i64(struct wire_writer *writer, int64_t value);
void wire_put_text(struct wire_writer *writer, struct slice text);
/* False, with `out` as before, when the frame is too large or there is no memory. */
bool wire_close(struct wire_writer *writer, struct error *err);

/* ---- reading --------------------------------------------------------------------------------- */

struct wire_frame {
    uint16_t type;
    uint64_t handle;
    struct slice payload; /* borrowed from the bytes read */
};

enum wire_state { WIRE_FRAME, WIRE_NEEDS_MORE, WIRE_TOO_LARGE };

/* Cuts the first frame off `bytes`. */
enum wire_state wire_next(struct slice *bytes, struct wire_frame *out);

/* Reads fields in order. A field that is not there gives 0 or an empty text and spoils the reader,
 * so that one look at wire_is_whole at the end is enough. */
struct wire_reader {
    struct slice rest;
    bool is_bad;
};

struct wire_reader wire_read(const struct wire_frame *frame);
uint32_t wire_get_u32(struct wire_reader *reader);
int32_t wire_get_i32(struct wire_reader *reader);
uint64_t wire_get_u64(struct wire_reader *reader);
int64_t wire_get_i64(struct wire_reader *reader);
struct slice wire_get_text(struct wire_reader *reader); /* borrowed */
/* Every field was there and nothing is left. */
bool wire_is_whole(const struct wire_reader *reader);

#endif
