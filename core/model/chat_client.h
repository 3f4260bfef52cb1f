/* One streamed call of a chat-completions model: request, retries, deltas, assembled tool calls. */
#ifndef SESAME_MODEL_CHAT_CLIENT_H
#define SESAME_MODEL_CHAT_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "model/chat_stream.h"

struct chat_call;
struct credential_client;
struct error;
struct http_client;
struct loop;
struct model_config;
struct subject;

/* A worker's things; borrowed as long as calls run. */
struct chat_home {
    struct loop *loop;
    struct http_client *http;
    struct credential_client *credentials;
    const struct model_config *config;
};

struct chat_request {
    struct slice messages;   /* JSON array */
    struct slice tools;      /* JSON array; empty: none */
    bool forbids_tools;      /* the model must answer in words (tool_choice none) */
    int64_t deadline_ms;     /* monotonic */
    struct subject *subject; /* the user whose turn it is, or NULL; a reference is taken */
};

/* Borrowed for on_done. */
struct chat_result {
    const struct chat_stream *stream; /* what came: calls, finish, usage */
    const struct error *err;          /* NULL: the answer is complete */
    int http_status;                  /* of the last answer, 0 when none came */
    int64_t retry_after_ms;           /* -1: not said */
};

struct chat_events {
    void (*on_reasoning)(void *arg, const char *text, size_t len);
    void (*on_text)(void *arg, const char *text, size_t len);
    void (*on_done)(void *arg, const struct chat_result *result);
};

/* Starts a call; on_done follows exactly once, from the loop, unless it is cancelled. Connection
 * errors, 408, 409, 429 and 5xx are tried again twice, with growing pauses and what Retry-After
 * and x-should-retry say, as the vendor's clients do, but only before the first delta. */
struct chat_call *chat_call_start(const struct chat_home *home, const struct chat_request *request,
                                  const struct chat_events *events, void *arg, struct error *err);

/* No callback follows; the request is broken off. May be called inside on_text and on_reasoning. */
void chat_call_cancel(struct chat_call *call);

#endif
