/* The one program that the operator granted a tool, held by its descriptor; private to core/plugin.
 *
 * What is started is the file that was opened at the host's start: another file put in its place
 * changes nothing, and a file that was written since is not started any more. */
#ifndef SESAME_PLUGIN_GRANTED_PROGRAM_H
#define SESAME_PLUGIN_GRANTED_PROGRAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct error;
struct program_config;

#define GRANTED_READ_MAX_COUNT 16

/* Immutable but for its count; every thread may read it. */
struct granted_program {
    atomic_size_t references;
    const struct program_config *config;
    char *sandbox;                     /* the child program of this build, which becomes it */
    int fd;                            /* of the program */
    int reads[GRANTED_READ_MAX_COUNT]; /* O_PATH */
    size_t read_count;
    struct stat found; /* of the program, at the start */
};

/* Opens and checks everything, and has the sandbox do all but run it, so that what is missing is an
 * error of the start: files, rights, and means of the kernel, without any of which no program is
 * run. `config` is borrowed. Blocks. */
struct granted_program *granted_program_open(const struct program_config *config,
                                             const char *sandbox, struct error *err);
/* One more owner; NULL is fine. */
struct granted_program *granted_program_ref(struct granted_program *program);
void granted_program_free(struct granted_program *program);

/* Whether the file is as it was at the start. */
bool granted_program_is_same(const struct granted_program *program, struct error *err);

#endif
