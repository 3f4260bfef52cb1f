/* Runs an operation with every single allocation failing in turn. */
#ifndef SESAME_TESTS_TORTURE_H
#define SESAME_TESTS_TORTURE_H

#include <stdbool.h>

struct error;

/* Words that no error may repeat. */
#define TORTURE_CANARY "canary-0123456789"

/* `run` does the whole operation, clean-up included, and says whether it succeeded; when it did not
 * it has set `err`. First it must succeed twice. Then the n-th allocation fails, for n = 1, 2, ...
 * until none is left to fail, once alone and once with all behind it: each time it must succeed or
 * fail with a message, leave no block and no secret behind, and go on to work. A crash names n. */
void torture(const char *name, bool (*run)(struct error *err));

/* The same where a library is known to lose blocks when it finds no memory: they are not counted.
 */
void torture_lossy(const char *name, bool (*run)(struct error *err));

/* For `run`, where the check library must not be called because it allocates too: what must hold
 * even then. The first that does not is reported after the run. */
void torture_expect(bool holds, const char *what);

#endif
