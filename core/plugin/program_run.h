/* One run of a granted program: started in its sandbox, fed, read, ended and reaped; private to
 * core/plugin. */
#ifndef SESAME_PLUGIN_PROGRAM_RUN_H
#define SESAME_PLUGIN_PROGRAM_RUN_H

#include "base/error.h"
#include "base/text.h"

struct granted_program;
struct loop;
struct program_run;

struct program_run_end {
    struct error err; /* ERROR_NONE: it ended by itself, with `exit_status` */
    int exit_status;
    struct slice output, errors; /* any bytes */
};

struct program_run_options {
    const struct granted_program *program; /* borrowed until the end */
    struct loop *loop;
    struct slice input;
    int64_t timeout_ms;
    size_t output_max_bytes; /* of either stream; more ends it */
    /* Once, from the loop, last: the run is gone afterwards, and program_run_free must not be
     * called. `end` is valid during the call. */
    void (*on_end)(void *arg, const struct program_run_end *end);
    void *arg;
};

struct program_run *program_run_start(const struct program_run_options *options, struct error *err);

/* Kills it; on_end follows from the loop, with ERROR_CANCELLED. */
void program_run_cancel(struct program_run *run);
/* Kills and reaps it; on_end does not follow. */
void program_run_free(struct program_run *run);

/* Has the sandbox do all but start the program, and waits. False when a guard is missing: without
 * one of them no program is run. */
bool program_try(const struct granted_program *program, struct error *err);

#endif
