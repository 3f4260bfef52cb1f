/* The locked arena and its small allocator; private to base. */
#ifndef SESAME_BASE_SECRET_ARENA_H
#define SESAME_BASE_SECRET_ARENA_H

#include <stdbool.h>
#include <stddef.h>

/* A zeroed block of at least `size` bytes, or NULL when the arena is full. [any thread] */
void *arena_alloc(size_t size);

/* Wipes the block and gives it back. [any thread] */
void arena_free(void *block);

/* Calls `fn` for each used block, with the arena locked: `fn` must not allocate from it. */
void arena_for_each(void (*fn)(void *arg, void *block, size_t size), void *arg);

/* Lets go of what was taken from the environment; a part of secret_arena_close. */
void secret_environment_clear(void);

#endif
