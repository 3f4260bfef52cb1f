/* One untrusted plugin in its own process: the host as the plugin sees it there. */
#ifndef SESAME_SANDBOX_CHILD_H
#define SESAME_SANDBOX_CHILD_H

#include "plugin/instance.h"
#include "sandbox/channel.h"

#include <stdatomic.h>

struct loop;
struct sesame_http_v1;
struct sesame_program_v1;

struct child_call {
    uint64_t handle; /* the host's */
    int64_t deadline_ms;
    bool is_cancelled;
};

/* One per process. */
struct child {
    struct plugin_instance instance; /* first: what the services know of a plugin */
    struct channel channel;
    struct loop *loop;
    const struct sesame_plugin *plugin;
    struct child_call *calls;
    size_t call_count, call_capacity;
    bool is_creating;
    bool may_run;                  /* a program was granted */
    atomic_int wrong_thread_count; /* calls of services by threads of the plugin's own */
    bool has_more; /* frames that came while a reply was waited for are to be handled soon */
};

/* The process's only one. */
extern struct child child;

/* Makes the instance's surroundings for a loaded plugin. */
bool child_open(const struct sesame_plugin *plugin);

/* Creates the instance and makes the calls the host asks for: one frame. Unknown ones are ignored.
 */
void child_take_frame(const struct wire_frame *frame);

/* The host asked for an answer and gets it: frames that came meanwhile are handled from the loop.
 */
void child_wait(enum wire_type type, struct wire_frame *out);

/* Tells the host which system calls were refused, if any. */
void child_report_refusals(void);

extern const struct sesame_program_v1 child_program;
/* RUN_ENDED. */
void child_program_take(const struct wire_frame *frame);

extern const struct sesame_http_v1 child_http;
/* HTTP_HEAD, HTTP_DATA, HTTP_DONE. */
void child_http_take(const struct wire_frame *frame);

/* The reason that goes with the failure about to be returned. */
void child_explain(const char *text);
/* The same, cut where it is too long. */
void child_explain_slice(struct slice reason);

#endif
