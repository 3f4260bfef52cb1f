/* A plugin library that the host never maps: a process of its own reads out its descriptor; private
 * to core/plugin. */
#ifndef SESAME_PLUGIN_PROCESS_LIBRARY_H
#define SESAME_PLUGIN_PROCESS_LIBRARY_H

#include "plugin/library.h"
#include "plugin/process_child.h"

#include <sesame/plugin.h>

/* How long and how much; the same for every process of a library. */
struct process_limits {
    int64_t start_ms;              /* from the start to the instance */
    int64_t look_ms, busy_look_ms; /* between two looks at it, without and with a call open */
    int64_t silence_ms;            /* without an answer to a ping, while no call is open */
    int64_t idle_cpu_ms;           /* of processor time at once while no call is open, */
    int64_t idle_cpu_share;        /* and one part in so many of the time that passes */
    size_t threads;
    unsigned crashes;                       /* in a row; then it is given up */
    int64_t restart_min_ms, restart_max_ms; /* from the second crash in a row on */
};

/* What the process read out, and how to start another. */
struct process_library {
    char *program; /* the child program of this build */
    char *payload; /* of its DESCRIPTOR, as it came */
    size_t payload_len;
    struct sesame_plugin descriptor; /* its texts; the functions are the proxy's */
    char *texts[4];
    char **needs, **offers;
    uint32_t guards; /* enum sandbox_guard: what held it back */
    struct process_limits limits;
};

/* Starts a process that maps `library->fd`, has it describe itself, and ends it. Sets
 * `library->apart` and `library->descriptor`. */
bool process_library_describe(struct plugin_library *library, const char *program, const char *path,
                              struct error *err);
void process_library_free(struct process_library *apart);

/* As process_child_start, for this library. */
struct process_child *process_library_start(const struct plugin_library *library, struct loop *loop,
                                            const struct process_child_events *events, void *arg,
                                            struct error *err);
/* The first frame of every process. False when it is another one. */
bool process_library_read_guards(const struct wire_frame *frame, uint32_t *out_guards);
/* A later process must describe itself as the first one did. */
bool process_library_is_same(const struct plugin_library *library, struct slice payload);
/* The reason in a REFUSED frame becomes `err`. */
void process_library_read_refusal(const struct wire_frame *frame, struct error *err);

#endif
