/* What the two halves of an exchange share: sending (exchange.c) and reading answers (answer.c). */
#ifndef MCP_EXCHANGE_H
#define MCP_EXCHANGE_H

#include "mcp.h"

#define RESUMES_IN_VAIN_MAX 20

enum media { MEDIA_NONE, MEDIA_JSON, MEDIA_SSE, MEDIA_OTHER };

struct exchange {
    struct exchange *next;
    struct sesame_instance *instance;
    const char *method; /* "POST", "GET" or "DELETE" */
    int64_t id;         /* 0: nothing answers */
    uint64_t call;      /* 0: any */
    char *body;
    int64_t deadline_ms;
    exchange_done_fn *done;
    void *owner;
    uint64_t http;
    uint64_t timer;
    bool sent_session;
    bool is_cancelled;
    bool is_delivered; /* the response was; the rest of its stream is waited for */

    /* the answer */
    int32_t http_status;
    enum media media;
    char type[80]; /* its Content-Type, for people */
    int64_t retry_after_s;
    char *session_id; /* from its header */
    bool has_bad_session_id;
    struct kit_buffer answer;
    struct kit_buffer response; /* the message that answers */

    /* its stream, and the ones that go on with it */
    uint64_t sse;
    int32_t sse_status;
    char *last_event_id; /* NULL: none, there is nothing to go on from */
    int64_t retry_ms;    /* -1: not said */
    bool is_resumed;     /* the stream at hand is a GET that goes on with ours */
    int resume_count;
    int resumes_in_vain; /* in a row, without a new event id */
};

/* ---- answer.c ---------------------------------------------------------------------------------
 */

/* Notes status and headers; begins a stream. */
void answer_take_head(struct exchange *exchange, int32_t http_status,
                      const struct sesame_http_field *headers, size_t header_count);
/* Bytes of the body: kept, or the messages of a stream handled. */
void answer_take_data(struct exchange *exchange, struct sesame_text bytes);
/* The body is complete: looks for the response in it. */
void answer_take_end(struct exchange *exchange);
/* Notes how far the stream at hand came and closes it. True when there is an event id to go on
 * from. */
bool answer_end_stream(struct exchange *exchange);
/* Says in `outcome` what an answer with an HTTP error status means. `text` is room for the message
 * and must live as long as it. */
void answer_explain_status(const struct exchange *exchange, struct outcome *outcome, char *text,
                           size_t text_size);
/* The same for an answer, complete, that holds no response. */
void answer_explain_absence(const struct exchange *exchange, struct outcome *outcome, char *text,
                            size_t text_size);

#endif
