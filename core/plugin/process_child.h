/* One plugin process: started, talked to in frames, ended and reaped; private to core/plugin.
 *
 * Works on a loop, or without one by process_child_pump, so that the same code serves the start,
 * where the host waits, and the rest of its life, where nothing does. */
#ifndef SESAME_PLUGIN_PROCESS_CHILD_H
#define SESAME_PLUGIN_PROCESS_CHILD_H

#include "base/buffer.h"
#include "plugin/wire.h"

#include <sys/types.h>

struct error;
struct loop;
struct process_child;

struct process_child_events {
    /* One frame, borrowed. False: it breaks the protocol, and the child is ended. The callback must
     * neither kill nor free the child. */
    bool (*on_frame)(void *arg, const struct wire_frame *frame);
    /* Once, last: the child is dead and reaped, `reason` says of what ("ended by SIGSEGV"). The
     * child is to be freed, but later than here. */
    void (*on_gone)(void *arg, const char *reason);
    /* What is queued for the child has shrunk again (see process_child_is_slow). May be NULL. */
    void (*on_drained)(void *arg);
};

/* Starts `program` (the child program of this build) and sends HELLO with a copy of `library_fd`.
 * `loop` may be NULL. */
struct process_child *process_child_start(const char *program, int library_fd, struct loop *loop,
                                          const struct process_child_events *events, void *arg,
                                          struct error *err);

/* From here on the loop reads; for a child started without one. */
bool process_child_attach(struct process_child *child, struct loop *loop, struct error *err);

/* Where frames to the child are put, with wire_open and wire_close; then process_child_flush. */
struct buffer *process_child_outbox(struct process_child *child);
void process_child_flush(struct process_child *child);
/* More is queued than the child seems to read: hold back what can be held back. */
bool process_child_is_slow(const struct process_child *child);

/* Waits at most `wait_ms` for bytes and handles what came. False once the child is gone. */
bool process_child_pump(struct process_child *child, int wait_ms);

/* Processor time it has used so far; 0 when the kernel does not say. */
int64_t process_child_cpu_ms(const struct process_child *child);
/* Threads it has; 0 when the kernel does not say. */
size_t process_child_threads(const struct process_child *child);
/* The same for any process that was not reaped yet. */
size_t process_threads(pid_t pid);
/* Resident bytes that are the child's own, as the kernel says; 0 when it does not. */
int64_t process_child_memory(const struct process_child *child);
/* The same for any process. */
int64_t process_memory(pid_t pid);
pid_t process_child_pid(const struct process_child *child);

/* Kills it at once; on_gone follows inside with `reason`, a literal. */
void process_child_kill(struct process_child *child, const char *reason);
/* The same, but on_gone follows from the loop: for use inside events. */
void process_child_doom(struct process_child *child, const char *reason);

/* Ends it: SIGTERM, after a moment SIGKILL, reaped when this returns. No event follows. */
void process_child_free(struct process_child *child);

#endif
