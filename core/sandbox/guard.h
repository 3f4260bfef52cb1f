/* What holds the plugin's process back, put on in three steps before any of its code runs and once
 * more after its library is mapped. Steps only ever take rights away. */
#ifndef SESAME_SANDBOX_GUARD_H
#define SESAME_SANDBOX_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Beyond it the plugin's allocations fail. */
#define GUARD_MEMORY_BYTES ((uint64_t)512 * 1024 * 1024)

#define GUARD_DESCRIPTOR_MAX_COUNT 64

/* First of all: no privileges and no new ones, no core file, no tracing, the end with the host,
 * which is at the other end of `host_fd`; limits on memory (`memory_bytes`), descriptors and files.
 * Returns what took hold (enum sandbox_guard of plugin/wire.h). Ends the process when the host is
 * gone already.
 */
uint32_t guard_process(int host_fd, uint64_t memory_bytes);

/* Before dlopen: no network, no process, and of files only the libraries' folders and `library_fd`,
 * for reading. Returns `guards` and what took hold. */
uint32_t guard_before_load(uint32_t guards, int library_fd);

/* After dlopen, for all threads: no file at all, no new code; signals as at the start, whatever the
 * library's constructors made of them. False when something in `guards` could not be tightened:
 * then the library is not to be run. */
bool guard_after_load(uint32_t guards);

/* For a process that becomes a program: no network, no process, no other program, and of files only
 * the libraries' folders, the program and its loader, which may be executed, and `reads`, for
 * reading. Returns `guards` and what took hold.
 *
 * The program is at GUARD_PROGRAM_FD, the one descriptor that can be executed, and executing closes
 * it. The number lies beyond the limit on descriptors (so it is put there before guard_process):
 * no other file can come to have it. */
uint32_t guard_program(uint32_t guards, const int *reads, size_t read_count);
#define GUARD_PROGRAM_FD GUARD_DESCRIPTOR_MAX_COUNT

/* System calls that were refused since the last question: how many, and one of them (-1: none). */
int guard_refused(int *out_number);

#endif
