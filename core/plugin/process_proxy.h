/* A tool that lives in a process of its own, as the host sees it: a plugin like any other, which
 * passes on what it is asked; private to core/plugin.
 *
 * Because the proxy is a plugin, whatever the child asks for goes through the same services, with
 * the same grants, limits and counts, as a request of a tool inside the host. */
#ifndef SESAME_PLUGIN_PROCESS_PROXY_H
#define SESAME_PLUGIN_PROCESS_PROXY_H

#include "plugin/instance.h"
#include "plugin/process_child.h"

struct loop_timer;

enum proxy_state {
    PROXY_STARTING, /* the child loads the library and makes the instance; see start_step */
    PROXY_RUNNING,
    PROXY_WAITING, /* it is gone; the next one starts when the timer says so */
    PROXY_FAILED,  /* it was given up */
    PROXY_STOPPING,
};

struct proxy_http {
    uint64_t tag;  /* the child's */
    uint64_t http; /* ours */
    bool is_paused_by_child;
};

/* How many of something the child may still send; refilled as time passes. */
struct proxy_allowance {
    int64_t left;
    int64_t filled_at_ms;
    bool is_noted; /* that it ran out */
};

struct sesame_instance {
    struct plugin_instance *self; /* the host's side: services are called as this instance */
    struct process_child *child;
    enum proxy_state state;
    enum { STEP_GUARDED, STEP_DESCRIBED, STEP_CREATED } start_step; /* what is waited for */
    char *config;
    struct buffer held; /* frames about calls, for a child that is starting */
    struct open_call {
        uint64_t handle;
        int64_t deadline_ms;
    } * calls;
    size_t call_count, call_capacity;
    struct proxy_http *https;
    size_t http_count, http_capacity;
    struct proxy_allowance talk;   /* log records, progress, news of the list */
    struct proxy_allowance faults; /* what it had no business asking */
    struct loop_timer *timer; /* of the next start, or the next look whether it still answers */
    int64_t pinged_at_ms;     /* 0: no ping is unanswered */
    int64_t idle_since_ms;    /* no call is open since then, */
    int64_t idle_cpu_ms;      /* and it had used so much processor time */
    unsigned crashes;         /* in a row, with no call answered in between */
    struct error start_error; /* why it did not get to RUNNING */
    char last_end[120];       /* of what the last child died */
};

extern const struct sesame_plugin process_proxy_functions; /* only its functions are used */

/* ---- between the proxy's files --------------------------------------------------------------- */

/* Puts the frame on its way. False when it is lost: it is too large, or the child takes no more,
 * for which it is ended. */
bool proxy_send(struct sesame_instance *proxy, struct wire_writer *writer);

/* The child did what it has no business doing, in a frame of `frame_len` bytes; too often, and it
 * is ended. */
void proxy_fault(struct sesame_instance *proxy, size_t frame_len);

/* One frame of a child that is running. False: it breaks the protocol. */
bool proxy_take_frame(struct sesame_instance *proxy, const struct wire_frame *frame);

/* HTTP_START, HTTP_CANCEL, HTTP_PAUSE. */
bool proxy_take_http(struct sesame_instance *proxy, const struct wire_frame *frame);
/* Stops or goes on reading all answers, as the child can take them. */
void proxy_http_hold(struct sesame_instance *proxy, bool is_held);
/* The child is gone: its requests too. */
void proxy_http_abandon(struct sesame_instance *proxy);

/* RUN, RUN_CANCEL. */
bool proxy_take_program(struct sesame_instance *proxy, const struct wire_frame *frame);

void proxy_forget_call(struct sesame_instance *proxy, uint64_t handle);

#endif
