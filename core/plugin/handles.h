/* The handles one plugin instance holds: numbers that are never used again, so that misuse finds
 * nothing instead of somebody else's memory. */
#ifndef SESAME_PLUGIN_HANDLES_H
#define SESAME_PLUGIN_HANDLES_H

#include <stddef.h>
#include <stdint.h>

enum handle_kind {
    HANDLE_FREE,
    HANDLE_TIMER,
    HANDLE_SSE,
    HANDLE_HTTP,
    HANDLE_RUN,
    HANDLE_SECRET,
    HANDLE_KEY,
    HANDLE_CALL,
};

struct handle_slot {
    enum handle_kind kind;
    uint64_t generation;
    void *object;
};

/* All zero bytes is an empty table. */
struct handle_table {
    struct handle_slot *slots;
    size_t capacity;
    size_t used;
};

#define HANDLE_MAX_COUNT 4096

/* 0 when there are too many, or no memory. */
uint64_t handle_add(struct handle_table *table, enum handle_kind kind, void *object);

/* NULL when the handle is dead or of another kind. */
void *handle_get(const struct handle_table *table, enum handle_kind kind, uint64_t handle);

/* As handle_get; the handle is dead afterwards. */
void *handle_take(struct handle_table *table, enum handle_kind kind, uint64_t handle);

/* Calls `fn` for what is left of a kind, and empties it. */
void handle_take_all(struct handle_table *table, enum handle_kind kind, void (*fn)(void *object));
void handle_table_clear(struct handle_table *table);

#endif
