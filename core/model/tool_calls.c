/* Puts streamed pieces of tool calls together, whatever a server's habits. Pure. */
#include "model/tool_calls.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#define ID_MAX_BYTES 256
#define NAME_MAX_BYTES 256

void tool_calls_init(struct tool_calls *calls)
{
    calls->count = 0;
}

static void clear_call(struct tool_call *call)
{
    free(call->id);
    free(call->name);
    buffer_clear(&call->arguments);
}

void tool_calls_clear(struct tool_calls *calls)
{
    for (size_t i = 0; i < calls->count; i++)
        clear_call(&calls->items[i]);
    calls->count = 0;
}

/* The newest call of an index: a reused index means the one that was opened last. */
static struct tool_call *find_index(struct tool_calls *calls, int64_t index)
{
    for (size_t i = calls->count; i > 0; i--)
        if (calls->items[i - 1].index == index)
            return &calls->items[i - 1];
    return NULL;
}

static struct tool_call *open_call(struct tool_calls *calls, int64_t index, struct error *err)
{
    struct tool_call *call;

    if (calls->count == TOOL_CALL_MAX_COUNT) {
        error_set(err, ERROR_LIMIT, "the model asked for more than %d tool calls at once",
                  TOOL_CALL_MAX_COUNT);
        return NULL;
    }
    call = &calls->items[calls->count];
    *call = (struct tool_call){.index = index};
    buffer_init(&call->arguments, TOOL_CALL_ARGUMENTS_MAX_BYTES);
    call->name = strdup("");
    if (call->name == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a tool call");
        return NULL;
    }
    calls->count++;
    return call;
}

static struct tool_call *find_call(struct tool_calls *calls, const struct tool_call_piece *piece,
                                   struct error *err)
{
    struct tool_call *call;

    if (piece->index < 0) {
        if (calls->count > 0 && piece->id.len == 0 && piece->name.len == 0)
            return &calls->items[calls->count - 1];
        return open_call(calls, -1, err);
    }
    if (piece->index >= TOOL_CALL_MAX_COUNT) {
        error_set(err, ERROR_LIMIT, "a tool call with index %lld", (long long)piece->index);
        return NULL;
    }
    call = find_index(calls, piece->index);
    if (call == NULL ||
        (piece->id.len > 0 && call->id != NULL && !slice_equal_text(piece->id, call->id)))
        return open_call(calls, piece->index, err);
    return call;
}

/* Sets what is not set yet. Names and ids are never put together from pieces: servers that repeat
 * them would double them. */
static bool set_once(char **field, struct slice text, size_t max_bytes, const char *what,
                     struct error *err)
{
    char *copy;

    if (text.len == 0 || (*field != NULL && **field != '\0'))
        return true;
    if (text.len > max_bytes || memchr(text.data, '\0', text.len) != NULL)
        return error_set(err, ERROR_BAD_INPUT, "a tool call with an impossible %s", what);
    copy = slice_dup(text);
    if (copy == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory for a tool call");
    free(*field);
    *field = copy;
    return true;
}

bool tool_calls_add(struct tool_calls *calls, const struct tool_call_piece *piece,
                    struct error *err)
{
    struct tool_call *call = find_call(calls, piece, err);

    if (call == NULL || !set_once(&call->id, piece->id, ID_MAX_BYTES, "id", err) ||
        !set_once(&call->name, piece->name, NAME_MAX_BYTES, "name", err))
        return false;
    if (piece->is_whole_arguments)
        buffer_truncate(&call->arguments, 0);
    return buffer_add(&call->arguments, piece->arguments.data, piece->arguments.len, err) ||
           error_prefix(err, "the arguments of a tool call");
}

/* ---- glued calls ----------------------------------------------------------------------------- */

/* The length of the object that `text` begins with, by its brackets; 0 when it does not end. */
static size_t object_length(struct slice text)
{
    size_t depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && c == '{')
            depth++;
        else if (!in_string && c == '}' && --depth == 0)
            return i + 1;
        else if (depth == 0)
            return 0;
    }
    return 0;
}

/* How many whole JSON objects stand in `text`, one behind the other; 0 when it is anything else.
 * `err` is set when there is no memory to tell. */
static size_t count_objects(struct slice text, struct error *err)
{
    size_t count = 0;

    for (text = slice_trim(text); text.len > 0; count++) {
        struct error why = {0};
        size_t len = object_length(text);

        if (len == 0 || !json_check(text.data, len, JSON_DEPTH_DEFAULT, &why)) {
            if (why.code == ERROR_NO_MEMORY)
                *err = why;
            return 0;
        }
        text = slice_trim((struct slice){text.data + len, text.len - len});
    }
    return count;
}

/* Proxies that give every call the same index glue the arguments of several calls of a function
 * together. Where no id tells otherwise, the first object stays and the rest becomes a call of its
 * own behind it, which may be split in turn. Anything but whole objects is left as it is: the model
 * is told that it cannot be read. */
static bool split_glued(struct tool_calls *calls, size_t at, struct error *err)
{
    struct tool_call *call = &calls->items[at], fresh;
    struct slice text = {call->arguments.data, call->arguments.len};
    size_t count = call->id == NULL ? count_objects(text, err) : 0, first;

    if (err->code != ERROR_NONE)
        return false;
    if (count < 2 || count - 1 > TOOL_CALL_MAX_COUNT - calls->count)
        return true;
    first = (size_t)(slice_trim(text).data - text.data) + object_length(slice_trim(text));
    fresh = (struct tool_call){.index = call->index, .name = strdup(call->name)};
    buffer_init(&fresh.arguments, TOOL_CALL_ARGUMENTS_MAX_BYTES);
    if (fresh.name == NULL ||
        !buffer_add(&fresh.arguments, text.data + first, text.len - first, err)) {
        clear_call(&fresh);
        return err->code != ERROR_NONE
                   ? false
                   : error_set(err, ERROR_NO_MEMORY, "no memory for a tool call");
    }
    buffer_truncate(&call->arguments, first);
    memmove(call + 2, call + 1, (calls->count - at - 1) * sizeof *call);
    call[1] = fresh;
    calls->count++;
    return true;
}

bool tool_calls_finish(struct tool_calls *calls, struct error *err)
{
    size_t kept = 0;

    for (size_t i = 0; i < calls->count; i++)
        if (!split_glued(calls, i, err))
            return false;
    for (size_t i = 0; i < calls->count; i++) {
        struct tool_call *call = &calls->items[i];
        char invented[30] = "call_";

        if (call->name[0] == '\0') {
            clear_call(call);
            continue;
        }
        random_hex(invented + 5, 24);
        if (!set_once(&call->id, slice_of(invented), ID_MAX_BYTES, "id", err) ||
            (slice_trim((struct slice){call->arguments.data, call->arguments.len}).len == 0 &&
             !buffer_add(&call->arguments, "{}", 2, err))) {
            /* What was moved down stays whole; the rest is freed by the caller's clear. */
            memmove(&calls->items[kept], call, (calls->count - i) * sizeof *call);
            calls->count -= i - kept;
            return false;
        }
        calls->items[kept++] = *call;
    }
    calls->count = kept;
    return true;
}
