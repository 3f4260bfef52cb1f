/* An MCP client over Streamable HTTP: what its parts share.
 *
 * Layers, top to bottom: plugin (the contract with the host), operation (a list or a call),
 * session (initialise, and again when it is lost), exchange (one JSON-RPC message over HTTP, with
 * its answer, and the streams that go on with it), rpc (messages). Only the session knows that
 * there are sessions.
 */
#ifndef MCP_H
#define MCP_H

#include "plugins/kit/kit.h"

#include <sesame/tool.h>

#define ANSWER_MAX_BYTES (4 * 1024 * 1024)
/* The host's timers run on a coarser clock and may be early by this much. */
#define TIMER_SLACK_MS 10
#define VERSION_NEWEST "2025-11-25"
#define VERSION_WITH_BATCHES "2025-03-26"

struct exchange;
struct operation;

enum session_state { SESSION_NONE, SESSION_STARTING, SESSION_READY };

struct sesame_instance {
    struct kit kit;
    const struct sesame_http_v1 *http;
    const struct sesame_sse_v1 *sse;
    const struct sesame_loop_v1 *loop;
    const struct sesame_tool_host_v1 *completion;

    char *url;
    char *credential;
    int64_t timeout_ms;
    struct kit_buffer allowed; /* JSON array of names; empty: all */
    bool listens;
    bool server_tells_changes;

    enum session_state state;
    char *session_id; /* as the server gave it; a kind of secret: never logged */
    char *version;    /* negotiated; NULL before */
    uint64_t epoch;   /* counts sessions, so that two losses of one are one */
    bool has_retried_version;
    bool is_stopping;
    int64_t next_id;
    uint64_t listen_timer;
    struct exchange *listener;

    int answering; /* requests of the server whose answer is under way */
    struct exchange *exchanges;
    struct operation *operations;
};

/* ---- exchange.c: one JSON-RPC message and what comes back -------------------------------------
 */

struct outcome {
    int32_t status; /* SESAME_OK: `response` is the message that answers; or a failure */
    /* JSON-RPC response, checked; empty for notifications. With a failure: the JSON-RPC error that
     * came with an HTTP error, or empty. */
    struct sesame_text response;
    const char *session_id; /* what the answer's header named, NULL when it named none */
    const char *message;    /* with a failure, for people */
    int32_t http_status;
    bool session_is_lost;
    bool has_bad_session_id; /* the answer's header has one that must not be sent */
    bool may_be_running;     /* given up here, but perhaps not at the server */
};

typedef void exchange_done_fn(struct sesame_instance *instance, void *owner,
                              const struct outcome *outcome);

/* Sends `body` (copied) on behalf of `call`, or of any that is open when it is 0. `id` is the
 * request's, 0 for what is not answered. `method` "POST", "DELETE", or "GET" with an empty body:
 * the listening stream. `done` follows exactly once, unless it is cancelled; NULL when nobody wants
 * to know. NULL: could not be started. */
struct exchange *exchange_start(struct sesame_instance *instance, uint64_t call, const char *method,
                                int64_t id, struct sesame_text body, int64_t deadline_ms,
                                exchange_done_fn *done, void *owner);
/* `done` is not called any more. */
void exchange_cancel(struct exchange *exchange);
/* When the host goes: frees all, without callbacks. */
void exchange_free_all(struct sesame_instance *instance);

/* ---- session.c --------------------------------------------------------------------------------
 */

/* Sees to a session; operation_resume_all follows when there is one, operation_fail_all when there
 * cannot be. */
void session_want(struct sesame_instance *instance);
/* The session of `epoch` is gone. */
void session_lost(struct sesame_instance *instance, uint64_t epoch);
/* Ends it at the server; `loop->stopped` follows. False: there is nothing to end. */
bool session_end(struct sesame_instance *instance);

/* ---- operation.c: lists and calls --------------------------------------------------------------
 */

void operation_list(struct sesame_instance *instance, uint64_t call, int64_t deadline_ms);
void operation_call(struct sesame_instance *instance, uint64_t call,
                    const struct sesame_tool_request *request);
void operation_cancel(struct sesame_instance *instance, uint64_t call);
void operation_resume_all(struct sesame_instance *instance);
void operation_fail_all(struct sesame_instance *instance, int32_t status, const char *message);
void operation_progress(struct sesame_instance *instance, struct sesame_text params);
void operation_free_all(struct sesame_instance *instance);
/* The call of one that is open, or 0. */
uint64_t operation_any_call(const struct sesame_instance *instance);

/* ---- rpc.c --------------------------------------------------------------------------------------
 */

/* Starts {"jsonrpc":"2.0","id":ID,"method":METHOD,"params": ; the caller writes params and "}". */
void rpc_begin(struct sesame_instance *instance, struct kit_buffer *out, int64_t id,
               const char *method);
/* A message that is not our answer: a request of the server is answered, a notice acted on. */
void rpc_handle(struct sesame_instance *instance, struct sesame_text message);
/* True when `message` answers request `id`. */
bool rpc_answers(struct sesame_instance *instance, struct sesame_text message, int64_t id);
/* "server said: ... (code N)", which the caller frees; NULL when there is no error member. */
char *rpc_error_text(struct sesame_instance *instance, struct sesame_text message,
                     int64_t *out_code);

/* ---- content.c --------------------------------------------------------------------------------
 */

/* What a tools/call result says, as text for the model. */
void content_to_text(struct sesame_instance *instance, struct sesame_text result,
                     struct kit_buffer *out);
/* Adds text that a server wrote, at most `max_bytes` of it and whole characters: without control
 * characters other than tab and line feed, and without the invisible ones that reorder text or hide
 * it (bidirectional overrides, tags). */
void content_add_clean(struct kit_buffer *out, struct sesame_text text, size_t max_bytes);
/* The same for the characters of a JSON string literal; anything else adds nothing. */
void content_add_literal(const struct kit *kit, struct kit_buffer *out, struct sesame_text literal,
                         size_t max_bytes);

#endif
