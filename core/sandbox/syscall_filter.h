/* The system calls a plugin's process may make (seccomp(2)); all others are refused and counted. */
#ifndef SESAME_SANDBOX_SYSCALL_FILTER_H
#define SESAME_SANDBOX_SYSCALL_FILTER_H

#include <stdbool.h>

enum syscall_filter {
    FILTER_LOADING, /* while the library is loaded: files may be opened for reading and mapped as
                       code */
    FILTER_FINAL,   /* from then on */
    FILTER_PROGRAM, /* for a program that was granted: what programs of one process need, and once
                       the execution of GUARD_PROGRAM_FD */
};

/* Puts on a filter. A second one narrows the first. A call that is not allowed fails with EPERM,
 * and is counted except in a program; one by another machine's numbers ends the process. It holds
 * for all threads. False when the kernel has no seccomp, or a thread put on a filter of its own. */
bool syscall_filter_load(enum syscall_filter kind);

/* How many calls were refused since the last question, and the number of one of them. */
int syscall_filter_refused(int *out_number);

/* Its name into `out`, or the number where it has none. */
void syscall_filter_name(int number, char *out, int size);

#endif
