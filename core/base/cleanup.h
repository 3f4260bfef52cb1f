/* Scope-bound cleanup: every owned local is released on every return. */
#ifndef SESAME_BASE_CLEANUP_H
#define SESAME_BASE_CLEANUP_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLEANUP(release) __attribute__((cleanup(release)))

/* Moves a pointer out of a CLEANUP local, leaving NULL behind. */
#define TAKE(local)                         \
    (__extension__({                        \
        __typeof__(local) taken_ = (local); \
        (local) = NULL;                     \
        taken_;                             \
    }))

/* Defines `name`, a cleanup function for locals of type `type *` that calls `release`. */
#define DEFINE_CLEANUP(name, type, release) \
    static inline void name(type **slot)    \
    {                                       \
        if (*slot != NULL)                  \
            release(*slot);                 \
    }

/* Works for any object pointer; memcpy because reading a `char *` through a `void **` would break
 * the aliasing rules. */
static inline void cleanup_free(void *slot)
{
    void *memory;

    memcpy(&memory, slot, sizeof memory);
    free(memory);
}

static inline void cleanup_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

#endif
