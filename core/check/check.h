/* The conformance checker for plugins: what one check is, and what it can say.
 *
 * Each check runs in a process of its own, forked for it: what the plugin breaks ends there. */
#ifndef SESAME_CHECK_CHECK_H
#define SESAME_CHECK_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "config/host_config.h"

struct check;
struct json_object;
struct plugin_manifest;

/* What is checked; made once, read by every check's process. Texts are owned by who made it. */
struct check_target {
    const char *path;                 /* of the library, as it was given */
    const char *directory;            /* where it lies, absolute */
    const char *name;                 /* its file name */
    struct plugin_manifest *manifest; /* NULL: there is none, or it is broken: */
    struct error manifest_error;
    const char *sandbox;         /* the child program for the `process` placement */
    struct json_object *example; /* what the author says about an instance (example.h), or NULL */
    uint64_t seed;
};

enum check_kind { CHECK_ANY, CHECK_TOOL, CHECK_PROVIDER };

/* Where a check runs: without an instance, or once in each placement that the plugin may have. */
enum {
    CHECK_ONCE = 0,
    CHECK_INLINE = 1u << PLACEMENT_INLINE,
    CHECK_THREAD = 1u << PLACEMENT_THREAD,
    CHECK_PROCESS = 1u << PLACEMENT_PROCESS,
    CHECK_HERE = CHECK_INLINE | CHECK_THREAD, /* where the plugin's calls can be watched */
    CHECK_ALL = CHECK_HERE | CHECK_PROCESS
};

struct check_case {
    const char *id;   /* "group.name" */
    const char *what; /* what holds when it passes, one sentence */
    const char *fix;  /* why, and what to do when it fails */
    enum check_kind kind;
    unsigned placements;
    void (*run)(struct check *check); /* passes by returning */
};

struct check_group {
    const char *name;
    const char *title; /* for the documentation */
    const struct check_case *cases;
    size_t count;
};

/* All of them, in the order in which they run. */
extern const struct check_group *const check_groups[];
extern const size_t check_group_count;

const struct check_case *check_find(const char *id);

/* ---- inside a check's process ---------------------------------------------------------------- */

struct check {
    const struct check_target *target;
    const struct check_case *what;
    enum placement placement; /* PLACEMENT_DEFAULT for CHECK_ONCE */
    uint64_t random;          /* the state of check_random */
    int output_fd;            /* where standard output and error of this process go */
    char folder[64];          /* of its own, empty; removed after it */
    struct check_outcome *outcome;
};

/* End the process with the verdict. */
void check_fail(struct check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));
void check_skip(struct check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

/* What is being done from here on; named when the plugin crashes, exits or hangs. */
void check_step(struct check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The next number of the run's sequence, in [0, bound); bound > 0. */
uint64_t check_random(struct check *check, uint64_t bound);

/* How many bytes this process has written to standard output and error. */
size_t check_output_len(const struct check *check);

/* The manifest; skips when there is none. */
const struct plugin_manifest *check_manifest(struct check *check);

/* Whether the plugin may be placed there: what may not block may be anywhere, what may block has a
 * thread or a process, what asks for a process has nothing else, and a provider has no process. */
bool check_placement_is_possible(const struct plugin_manifest *manifest, enum placement placement);

#endif
