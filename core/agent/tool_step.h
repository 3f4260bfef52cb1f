/* The tool calls of one round: run side by side, results in the order of the calls. */
#ifndef SESAME_AGENT_TOOL_STEP_H
#define SESAME_AGENT_TOOL_STEP_H

#include "agent/turn.h"

struct tool_calls;
struct tool_set;
struct tool_step;

struct tool_step_options {
    const struct agent *agent;
    const struct tool_set *set;
    const struct tool_calls *calls; /* copied from */
    const char *request_id;
    const char *sub;
    struct subject *subject; /* borrowed as long as the step; may be NULL */
    int64_t deadline_ms;
    size_t budget;         /* how many may still run in this turn; the rest are refused */
    const char *last_call; /* name and arguments of the call before, and ... */
    int repeat_count;      /* ... how often it came in a row */
    const struct turn_events *events;
    void *events_arg;
    /* All are over: `messages` holds one tool message per call, in order (borrowed); NULL when
     * there was no memory for them. */
    void (*on_done)(void *arg, struct json_object *messages);
    void *arg;
};

struct tool_step *tool_step_start(const struct tool_step_options *options, struct error *err);
void tool_step_cancel(struct tool_step *step);

#endif
