/* A scripted MCP server over loopback HTTP: remembers every request, answers as the test says. */
#ifndef SESAME_TESTS_TOOLS_MCP_SERVER_H
#define SESAME_TESTS_TOOLS_MCP_SERVER_H

#include "../../support/peer.h"
#include "../../support/tool_bench.h"

#define SEEN_MAX_COUNT 400
#define SCRIPT_MAX_COUNT 400
#define HELD_MAX_COUNT 8

/* Bodies of answers; "$ID" stands for the id of the request. */
#define RESULT(json) "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"result\":" json "}"
#define RPC_ERROR(code, text) \
    "{\"jsonrpc\":\"2.0\",\"id\":$ID,\"error\":{\"code\":" #code ",\"message\":\"" text "\"}}"
#define TEXT_CONTENT(text) "{\"content\":[{\"type\":\"text\",\"text\":\"" text "\"}]}"
#define TEXT_RESULT(text) RESULT(TEXT_CONTENT(text))
#define NOTICE(method, params) \
    "{\"jsonrpc\":\"2.0\",\"method\":\"" method "\",\"params\":" params "}"
#define EVENT(data) "data: " data "\n\n"
#define JSON_TYPE "application/json"
#define SSE_TYPE "text/event-stream"

struct mcp_seen {
    char http_method[8];
    /* The JSON-RPC method, "response" for an answer to our request, else the HTTP method: what a
     * reply's `to` is compared with. */
    char what[48];
    char id[64];
    char target[200];
    char version[32]; /* headers; "" when not sent */
    char session[600];
    char accept[80];
    char type[64];
    char last_event_id[64];
    char origin[64];
    char authorization[64];
    char *body;
    int64_t at_ms;
};

enum mcp_end {
    MCP_END,   /* the answer is complete */
    MCP_HOLD,  /* the stream stays open, see mcp_held */
    MCP_BREAK, /* the connection breaks behind the body */
    MCP_SILENT /* no answer at all: the request is held */
};

struct mcp_reply {
    const char *to;
    int status;
    const char *type; /* NULL: no Content-Type */
    const char *body; /* NULL: empty */
    enum mcp_end end;
    const char *header, *value; /* one more header; may be NULL */
    size_t body_len;            /* 0: up to the NUL */
};

struct mcp_server {
    struct peer peer;
    /* What the default answers say; may be changed before each request. */
    const char *version;
    const char *session;
    bool announces_changes;

    struct mcp_reply script[SCRIPT_MAX_COUNT];
    bool is_used[SCRIPT_MAX_COUNT];
    size_t script_count;
    struct mcp_seen seen[SEEN_MAX_COUNT];
    size_t seen_count;
    struct mcp_held {
        struct mcp_server *server;
        struct http_exchange *exchange; /* NULL: over */
        char what[48];
        char id[64];
    } held[HELD_MAX_COUNT];
    size_t held_count;
    int gone_count; /* held requests whose client hung up */
};

/* Speaks 2025-11-25 without a session, offers the tool "echo" and answers its calls with "done"
 * until it is scripted otherwise. */
void mcp_server_open(struct mcp_server *server, struct loop *loop);
void mcp_server_close(struct mcp_server *server);

/* The next request that is `to` is answered so; each entry serves once, in order. `type` NULL: no
 * Content-Type. The texts are borrowed; the other members may be set on what is returned. */
struct mcp_reply *mcp_script(struct mcp_server *server, const char *to, int status,
                             const char *type, const char *body);

size_t mcp_count(const struct mcp_server *server, const char *what);
/* The `index`th request of that kind, -1: the last. Fails the test when there is none. */
const struct mcp_seen *mcp_seen(const struct mcp_server *server, const char *what, int index);

/* The newest request of that kind that is still open, or NULL. */
struct mcp_held *mcp_held(struct mcp_server *server, const char *what);
/* Writes to a held stream, then ends it, or not. */
void mcp_write(struct mcp_held *held, const char *body, enum mcp_end end);
/* Answers a silent one. */
void mcp_answer(struct mcp_held *held, int status, const char *type, const char *body);

/* ---- a test's bench with the mcp plugin and this server ---------------------------------------
 */

extern struct tool_bench bench;
extern struct mcp_server server;

/* Fixtures for run_tests. The credentials are "header" and "query" (as `key`), both for `server`.
 */
void mcp_set_up(void);
void mcp_tear_down(void);

/* Opens the plugin with `more` members of configuration ("" or ",\"timeout_s\":1"). */
void mcp_open(const char *more);
/* The same, run until it listed its tools, which must go well. */
void mcp_open_and_list(const char *more);

#endif
