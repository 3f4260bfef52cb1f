/* Puts streamed pieces of tool calls together, whatever a server's habits. Pure. */
#ifndef SESAME_MODEL_TOOL_CALLS_H
#define SESAME_MODEL_TOOL_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/text.h"

struct error;

#define TOOL_CALL_MAX_COUNT 64
#define TOOL_CALL_ARGUMENTS_MAX_BYTES (256 * 1024)

struct tool_call {
    char *id;                /* never NULL once finished: invented when the server gave none */
    char *name;              /* "" when none came */
    struct buffer arguments; /* JSON text as it came; "{}" when it came empty */
    int64_t index;           /* as the server gave it last; -1 when it gave none */
};

struct tool_calls {
    struct tool_call items[TOOL_CALL_MAX_COUNT];
    size_t count;
};

/* One element of `delta.tool_calls`. `index` is -1 when the element has none; texts are empty when
 * they are missing, null or "". */
struct tool_call_piece {
    int64_t index;
    struct slice id;
    struct slice name;
    struct slice arguments;  /* characters to append */
    bool is_whole_arguments; /* the server sent an object, not a string: it replaces */
};

void tool_calls_init(struct tool_calls *calls);
void tool_calls_clear(struct tool_calls *calls);

/* Takes one piece. A new call begins when the index is new, when a known index comes with another
 * non-empty id (servers that send 0 for every call), or when a piece without index brings an id or
 * a name. Fails with ERROR_LIMIT beyond the bounds above. */
bool tool_calls_add(struct tool_calls *calls, const struct tool_call_piece *piece,
                    struct error *err);

/* After the last piece: takes apart calls without an id whose arguments are several JSON objects,
 * invents missing ids, makes empty arguments "{}". Calls that never got a name are dropped. */
bool tool_calls_finish(struct tool_calls *calls, struct error *err);

#endif
