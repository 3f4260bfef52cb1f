/* What holds the plugin's process back, put on in three steps before any of its code runs and once
 * more after its library is mapped. Steps only ever take rights away. */
#ifndef SESAME_SANDBOX_GUARD_H
#define SESAME_SANDBOX_GUARD_H

#include <stdint.h>

/* Beyond it the plugin's allocations fail. */
#define GUARD_MEMORY_BYTES ((uint64_t)512 * 1024 * 1024)

/* First of all: no new privileges, no core file, no tracing, the end with the host; limits on
 * memory, descriptors and files. Returns what took hold (enum sandbox_guard of plugin/wire.h). */
uint32_t guard_process(void);

/* Before dlopen: no network, no process, and of files only the libraries' folders and `library_fd`,
 * for reading. Returns `guards` and what took hold. */
uint32_t guard_before_load(uint32_t guards, int library_fd);

/* After dlopen: no file at all, no new code. */
uint32_t guard_after_load(uint32_t guards);

/* System calls that were refused since the last question: how many, and one of them (-1: none). */
int guard_refused(int *out_number);

#endif
