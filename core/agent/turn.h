/* A turn: the model called until it has answered, with the tools it asks for run in between. */
#ifndef SESAME_AGENT_TURN_H
#define SESAME_AGENT_TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/chat_client.h"

struct error;
struct json_object;
struct limits_config;
struct subject;
struct tool_port;
struct turn;

/* One tool call that ended, for audit and metrics. Texts are borrowed for the call. */
struct tool_event {
    const char *request_id;
    const char *sub;
    const struct subject *subject; /* NULL: no credential is the user's */
    const char *tool;              /* as configured; "" when the model named none we have */
    const char *function;          /* as the model named it */
    const char *credentials;       /* names the tool may use, comma-separated */
    const char *arguments_sha256;
    const char
        *outcome; /* "ok", "error" (the function says so), "refused", "failed", "cancelled" */
    const char *reason;
    const char *result; /* what the model is told; cut and cleaned */
    int64_t duration_ms;
};

/* What a worker's turns share; borrowed as long as turns run. */
struct agent {
    struct chat_home chat;
    const char *system_prompt; /* "" for none */
    const struct limits_config *limits;
    struct tool_port *const *ports;
    size_t port_count;
    void (*on_tool)(void *arg, const struct tool_event *event); /* may be NULL */
    void *arg;
};

struct turn_request {
    struct json_object *messages; /* array, checked by the caller; a reference is taken */
    const char *request_id;
    const char *sub;
    struct subject *subject; /* for credentials that are the user's; may be NULL; a reference is
                                taken and dropped with the turn */
};

/* Borrowed for on_done. */
struct turn_result {
    enum finish_reason finish;
    struct chat_usage usage; /* summed over all rounds */
    const struct error *err; /* NULL: the turn is complete */
    int http_status;         /* of the model, when that is what failed; else 0 */
    int64_t retry_after_ms;
    bool has_shown; /* some text, reasoning or tool call went out before */
    bool has_called_tools;
    int rounds;
    size_t dropped_messages; /* left out because the model found the conversation too long */
};

struct turn_events {
    void (*on_reasoning)(void *arg, const char *text, size_t len);
    void (*on_text)(void *arg, const char *text, size_t len);
    void (*on_tool_started)(void *arg, const char *id, const char *name, const char *arguments);
    void (*on_tool_progress)(void *arg, const char *id, const char *text, size_t len);
    void (*on_tool_finished)(void *arg, const char *id, const char *name, const char *outcome,
                             const char *result, size_t result_len, int64_t duration_ms);
    void (*on_done)(void *arg, const struct turn_result *result);
};

/* Starts a turn; on_done follows exactly once, from the loop, unless it is cancelled. A request
 * that the model finds too long for its context is made once more with half of the conversation, as
 * history_shorten cuts it; found too long again, or with nothing to leave out, the turn ends with
 * an error named CHAT_ERROR_TOO_LONG. Limits: at the last round the model is asked to answer
 * without tools, and the finish is FINISH_LENGTH; when the time or the output is over the turn ends
 * with FINISH_LENGTH, or with ERROR_TIMED_OUT when nothing was shown. */
struct turn *turn_start(const struct agent *agent, const struct turn_request *request,
                        const struct turn_events *events, void *arg, struct error *err);

/* Stops the model and the tools at once; no callback follows. */
void turn_cancel(struct turn *turn);

#endif
