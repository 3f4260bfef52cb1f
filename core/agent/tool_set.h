/* The functions of all tools as one turn offers them to the model, under names it accepts. */
#ifndef SESAME_AGENT_TOOL_SET_H
#define SESAME_AGENT_TOOL_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

struct error;
struct tool_function;
struct tool_functions;
struct tool_port;

struct tool_entry {
    char name[65]; /* as the model sees it: letters, digits, '_', '-' */
    struct tool_port *port;
    const struct tool_function *function;
};

struct tool_set {
    struct tool_entry *entries;
    size_t count;
    struct tool_functions **lists; /* references, so that a change of a list does not matter */
    size_t list_count;
    struct buffer json; /* the request's "tools"; empty when there are none */
};

/* From the present lists of the ports, in their order, so that prompt caches hit. Names the model
 * would refuse are changed, doubles and all of a tool in a process get the tool's name in front.
 * What does not fit is left out. */
bool tool_set_build(struct tool_set *set, struct tool_port *const *ports, size_t port_count,
                    struct error *err);
void tool_set_clear(struct tool_set *set);

const struct tool_entry *tool_set_find(const struct tool_set *set, const char *name);
/* "a, b, c", cut to fit, for a message to the model. */
void tool_set_names(const struct tool_set *set, char *out, size_t out_size);

#endif
