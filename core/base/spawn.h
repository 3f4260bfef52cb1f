/* The only way this process starts another one. */
#ifndef SESAME_BASE_SPAWN_H
#define SESAME_BASE_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

struct error;

/* posix_spawn of `argv` (NULL-terminated; argv[0] is an absolute path) with an empty environment
 * besides `env` (NULL or NULL-terminated "NAME=value" texts without secrets), the three standard
 * descriptors given (-1: /dev/null), every other descriptor closed, default signal dispositions
 * and an empty signal mask. The caller reaps `*out_pid`. */
bool spawn_process(const char *const *argv, const char *const *env, int stdin_fd, int stdout_fd,
                   int stderr_fd, pid_t *out_pid, struct error *err);

#endif
