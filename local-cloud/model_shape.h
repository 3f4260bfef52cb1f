/* What becomes of a good answer: failures on demand, quirks of its content, and the limits that the
 * request sets. */
#ifndef LOCAL_CLOUD_MODEL_SHAPE_H
#define LOCAL_CLOUD_MODEL_SHAPE_H

#include <stdbool.h>

struct model_quirks;
struct model_request;
struct plan;
struct reply;

/* An error as Model Studio words it. */
void model_refuse(struct reply *reply, int status, const char *type, const char *code,
                  const char *message);

/* Answers with the failure that a quirk asks for; false when none does. */
bool model_play_failure(const struct model_quirks *quirks, const struct model_request *request,
                        struct reply *reply);

/* Changes what is to be said as quirks want it, then ends it at a stop text or at max_tokens. A
 * mistake that a model corrects when it is told (unknown-tool, bad-args) is made once for each
 * question. */
void model_shape_plan(const struct model_quirks *quirks, const struct model_request *request,
                      struct plan *plan);

#endif
