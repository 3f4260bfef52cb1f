/* The stand-in's "model": fixed rules that choose tools from a question and word an answer. */
#ifndef LOCAL_CLOUD_BRAIN_H
#define LOCAL_CLOUD_BRAIN_H

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
};

/* Reads the last question and what tools answered since, and decides. Only tools that the request
 * offers are called. */
void brain_plan(const struct model_request *request, struct plan *out_plan);
void plan_clear(struct plan *plan);

#endif
