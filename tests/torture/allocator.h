/* An allocator that fails when it is told to, for all code of the test program. */
#ifndef SESAME_TESTS_TORTURE_ALLOCATOR_H
#define SESAME_TESTS_TORTURE_ALLOCATOR_H

#include <stdbool.h>
#include <stddef.h>

enum torture_mode {
    TORTURE_ONCE,    /* that allocation fails, those behind it succeed */
    TORTURE_FROM_ON, /* that one and all behind it fail */
};

/* Lets the `nth` allocation of this thread from here fail (1 is the next). */
void torture_arm(size_t nth, enum torture_mode mode);
/* No allocation fails any more; returns whether one did. */
bool torture_disarm(void);

/* Which allocation failed last, for a message about a crash. */
size_t torture_nth(void);

/* Blocks that were allocated and not freed, by the whole process. Always 0 under AddressSanitizer,
 * which looks for leaks itself. */
long torture_live_blocks(void);

#endif
