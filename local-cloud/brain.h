/* The stand-in's "model": fixed rules that choose tools from a question and word an answer. */
#ifndef LOCAL_CLOUD_BRAIN_H
#define LOCAL_CLOUD_BRAIN_H

#include <stdbool.h>
#include <stddef.h>

struct model_request;

enum { PLAN_CALL_MAX_COUNT = 8 };

struct plan_call {
    char *name;
    char *arguments; /* JSON text */
};

/* What to do next: call tools, or answer. */
struct plan {
    char *reasoning;
    char *content;
    struct plan_call calls[PLAN_CALL_MAX_COUNT];
    size_t call_count;
    bool is_cut; /* at the request's limit */
};

/* Reads the last question and what tools answered since, and decides. Only tools that the request
 * offers are called. */
void brain_plan(const struct model_request *request, struct plan *out_plan);
/* Keeps the first `keep_count` calls. */
void plan_drop_calls(struct plan *plan, size_t keep_count);

void plan_clear(struct plan *plan);

#endif
