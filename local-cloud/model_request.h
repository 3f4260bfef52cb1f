/* A chat-completions request as Model Studio's compatible mode takes it, read and checked.
 * Rules and their sources: model-api.md part 1, sections 1.2 and 1.4. */
#ifndef LOCAL_CLOUD_MODEL_REQUEST_H
#define LOCAL_CLOUD_MODEL_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct json_object;

enum tool_choice { TOOL_CHOICE_AUTO, TOOL_CHOICE_NONE, TOOL_CHOICE_NAMED, TOOL_CHOICE_REQUIRED };

/* Borrowed from `root`. */
struct model_request {
    struct json_object *root; /* owned */
    const char *model;
    struct json_object *messages;
    struct json_object *tools; /* NULL: none */
    enum tool_choice tool_choice;
    const char *forced_tool; /* with TOOL_CHOICE_NAMED */
    bool is_streamed;
    bool wants_usage_chunk;
    bool is_thinking;
    bool is_parallel;        /* parallel_tool_calls; the default is false */
    int64_t thinking_budget; /* tokens; 0: none given */
    int64_t output_max;      /* tokens; 0: none given */
    size_t body_bytes;
};

/* What to answer instead: the members of an error object. */
struct model_refusal {
    int status;
    const char *type;
    const char *code;
    char message[300];
};

/* Reads and checks a body. On failure `*out_refusal` is filled in. */
bool model_request_read(struct slice body, struct model_request *out_request,
                        struct model_refusal *out_refusal);
void model_request_clear(struct model_request *request);

/* The text of a message's content: a string, or its text parts joined. The caller frees it; "" when
 * there is none. */
char *model_message_text(struct json_object *message);

/* Names of the models that are there; NULL-terminated. */
extern const char *const model_names[];

#endif
