/* Gives back the mapped pages of code that only the start of the process needed. */
#ifndef SESAME_BASE_START_PAGES_H
#define SESAME_BASE_START_PAGES_H

#include <stdbool.h>

/* Unmaps every page of the program and its libraries that is not writable: symbol tables the loader
 * read, constructors, parsers of configuration. The kernel keeps them in its cache, and one that is
 * needed again comes back at a fault of about a microsecond. Any thread, at any time, as the kernel
 * itself may do the same (madvise(2), MADV_DONTNEED, on a private file mapping without changes).
 * False, with nothing done, under a debugger: its breakpoints are changes in such pages. Libraries
 * with relocations in their code are left alone for the same reason. */
bool start_pages_release(void);

#endif
