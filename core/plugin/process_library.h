/* A plugin library that the host never maps: a process of its own reads out its descriptor; private
 * to core/plugin. */
#ifndef SESAME_PLUGIN_PROCESS_LIBRARY_H
#define SESAME_PLUGIN_PROCESS_LIBRARY_H

#include "plugin/library.h"
#include "plugin/process_child.h"

#include <sesame/plugin.h>

/* What the process read out, and how to start another. */
struct process_library {
    char *program; /* the child program of this build */
    char *payload; /* of its DESCRIPTOR, as it came */
    size_t payload_len;
    struct sesame_plugin descriptor; /* its texts; the functions are the proxy's */
    char *texts[4];
    char **needs, **offers;
    uint32_t guards; /* enum sandbox_guard: what held it back */
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
/* A later process must describe itself as the first one did. */
bool process_library_is_same(const struct plugin_library *library, struct slice payload);
/* The reason in a REFUSED frame becomes `err`. */
void process_library_read_refusal(const struct wire_frame *frame, struct error *err);

#endif
