/* A chat-completions request as clients send it, checked and brought into the model's form. */
#ifndef SESAME_SERVER_CHAT_INPUT_H
#define SESAME_SERVER_CHAT_INPUT_H

#include <stdbool.h>
#include <stddef.h>

struct error;
struct json_object;

struct chat_input {
    struct json_object *messages; /* array: role, content as text, tool_calls, tool_call_id */
    bool is_stream;
    bool includes_usage;
};

/* Reads the body. `stream_default` is what a missing "stream" means. On failure the error's name is
 * "invalid_json" or "invalid_value" and `*out_param` (static) the member at fault or NULL. Unknown
 * members, and the settings the agent decides itself, are ignored. Clear the result either way. */
bool chat_input_read(const char *body, size_t len, int json_depth, bool stream_default,
                     struct chat_input *out, const char **out_param, struct error *err);
void chat_input_clear(struct chat_input *input);

#endif
