/* Reads the events of a chat-completions stream into typed deltas. Pure. */
#ifndef SESAME_MODEL_CHAT_STREAM_H
#define SESAME_MODEL_CHAT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/tool_calls.h"

struct error;
struct json_object;

enum finish_reason {
    FINISH_NONE, /* nothing was said */
    FINISH_STOP,
    FINISH_LENGTH,
    FINISH_TOOL_CALLS,
    FINISH_CONTENT_FILTER,
};

struct chat_usage {
    int64_t prompt_tokens;
    int64_t completion_tokens;
    int64_t total_tokens;
    int64_t reasoning_tokens;
};

/* What has been read so far. */
struct chat_stream {
    struct tool_calls tool_calls;
    enum finish_reason finish;
    struct chat_usage usage;
    bool has_usage;
    bool is_done;     /* [DONE] came */
    bool has_content; /* some text or reasoning came */
};

/* Texts of one event; either may be NULL. Borrowed for the call. */
struct chat_stream_events {
    void (*on_reasoning)(void *arg, const char *text, size_t len);
    void (*on_text)(void *arg, const char *text, size_t len);
};

void chat_stream_init(struct chat_stream *stream);
void chat_stream_clear(struct chat_stream *stream);

/* The data of one event. Unknown members are ignored; reasoning is read from "reasoning_content",
 * else "reasoning". An event that reports an error and data that is no strict JSON are failures;
 * the error holds what the server said, cut and cleaned, as ERROR_UPSTREAM or by its code. */
bool chat_stream_event(struct chat_stream *stream, const char *data, size_t len,
                       const struct chat_stream_events *events, void *arg, struct error *err);

/* After the last event: a stream that brought neither [DONE] nor a finish reason was cut, and calls
 * that it left half-built must not run. Otherwise finishes the tool calls. What decides whether
 * this is a turn with tools is whether there are calls, not the finish reason: servers differ. */
bool chat_stream_end(struct chat_stream *stream, struct error *err);

/* The name of the error that says: the request is longer than the model's context. OpenAI's word.
 */
#define CHAT_ERROR_TOO_LONG "context_length_exceeded"

/* Whether an answer or event reports a failure: an "error" with anything but null or false in it;
 * or, without "choices", a "message" with a "code", as Model Studio's own protocol and vLLM have
 * it. `json` was checked; what is no object is none. */
bool chat_error_is(struct slice json);

/* Reads an error body in any of its known shapes ({"error": {...}}, {"error": "text"}, {"code",
 * "message"}, the same framed as a server-sent event, HTML, nothing) into `err`, with the HTTP
 * status deciding the code; 0 or 2xx: an error inside a stream that began well, where only the
 * server's own words can decide. Every server's way to say that the context is too short gets the
 * name CHAT_ERROR_TOO_LONG. Upstream's request id is appended when there is one. Never echoes more
 * than 200 bytes. */
void chat_error_read(int http_status, const char *body, size_t len, struct error *err);

#endif
