/* Runs a program to its end and keeps what it printed as a secret. */
#ifndef SESAME_BASE_PROGRAM_H
#define SESAME_BASE_PROGRAM_H

#include <stdint.h>

struct error;
struct secret;

/* Starts `argv` as spawn_process does (no shell, empty environment, nothing on standard input,
 * standard error dropped) and waits until it has closed its output and ended with status 0. The
 * output, 1 byte to 64 KiB, is the caller's. When `timeout_ms` are over the program is killed.
 * Blocks. The error names the program, never its arguments. */
struct secret *secret_from_program(const char *const *argv, int64_t timeout_ms, struct error *err);

#endif
