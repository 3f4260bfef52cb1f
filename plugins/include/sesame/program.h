/* sesame.program/1: runs the one program that the operator granted a tool.
 *
 * The tool names nothing: program, arguments and what it may read stand in the host's
 * configuration, and the manifest asks for it ("profile": "program"). Each run is a process of its
 * own without network, environment, other files, other programs and children; nothing of it is left
 * when its call is over. Only offered to tools whose program was granted. */
#ifndef SESAME_PROGRAM_H
#define SESAME_PROGRAM_H

#include <sesame/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SESAME_PROGRAM_V1 "sesame.program/1"

struct sesame_program_run {
    struct sesame_text input;  /* what it reads on standard input */
    uint64_t call;             /* the open call (of sesame.tool/1) that it serves */
    int64_t deadline_ms;       /* 0: the call's */
    uint64_t output_max_bytes; /* of either stream; 0: 1 MiB, at most 4 MiB; more ends it with
                                  SESAME_LIMIT */
    uint32_t flags;            /* 0 */
    uint32_t reserved;         /* 0 */
};

/* What a run came to. With SESAME_OK it ended by itself with `exit_status`; else `message` says
 * what went wrong, and `output` holds what came before. Texts may be any bytes. */
struct sesame_program_end {
    int32_t status;
    int32_t exit_status;        /* 0 to 255 */
    struct sesame_text output;  /* standard output */
    struct sesame_text errors;  /* standard error, the first 64 KiB */
    struct sesame_text message; /* for people */
};

/* Offered by the host under SESAME_PROGRAM_V1. [home] */
struct sesame_program_v1 {
    /* Starts a run. On SESAME_OK `on_end` follows exactly once; else nothing follows and
     * sesame.log/1 has the reason. Several may run at once. */
    int32_t (*start)(const struct sesame_host *host, const struct sesame_program_run *run,
                     void (*on_end)(struct sesame_instance *instance, uint64_t tag,
                                    const struct sesame_program_end *end),
                     uint64_t tag, uint64_t *out_run);

    /* Kills it; on_end follows with SESAME_CANCELLED. */
    void (*cancel)(const struct sesame_host *host, uint64_t run);
};

#ifdef __cplusplus
}
#endif

#endif
