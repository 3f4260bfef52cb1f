/* The switches that tests and people set on the control port, with their defaults. */
#ifndef LOCAL_CLOUD_SWITCHES_H
#define LOCAL_CLOUD_SWITCHES_H

#include <stdbool.h>
#include <stdint.h>

struct error;
struct json_object;

enum switch_alg { ALG_RS256, ALG_ES256 };
enum switch_error_shape { ERROR_SHAPE_POP, ERROR_SHAPE_OAUTH };
enum switch_mcp_answer { MCP_ANSWER_SSE, MCP_ANSWER_JSON };
enum switch_mcp_server_request {
    MCP_ASKS_NOTHING,
    MCP_ASKS_PING,
    MCP_ASKS_SAMPLING,
    MCP_ASKS_ROOTS,
    MCP_ASKS_ELICITATION,
};
enum switch_mcp_result {
    MCP_RESULT_TEXT,
    MCP_RESULT_STRUCTURED, /* structuredContent without content */
    MCP_RESULT_BOTH,
    MCP_RESULT_IMAGE,
    MCP_RESULT_EMPTY,
    MCP_RESULT_ERROR,     /* isError */
    MCP_RESULT_RPC_ERROR, /* a JSON-RPC error instead of a result */
    MCP_RESULT_WRONG_ID,
    MCP_RESULT_TWICE, /* the same response two times */
    MCP_RESULT_NOT_JSON,
    MCP_RESULT_WRONG_TYPE, /* Content-Type text/html */
    MCP_RESULT_NONE,       /* the stream ends without an event id: the call is lost */
};
enum switch_enterprise_mode { ENTERPRISE_STRICT, ENTERPRISE_FC };

/* An empty text means "not set". Enumerations are int so that one table can describe them all. */
struct switches {
    struct {
        int64_t token_lifetime_s;
        int64_t jwks_max_age_s; /* -1: no Cache-Control */
        int64_t clock_offset_s; /* added to the clock of the issuer, which dates its answers and
                                   tokens and judges assertions */
        bool expires_at;        /* the member of token answers */
        bool act;           /* exchanged tokens say who acts; the vendor's page says they do not */
        int64_t actors_max; /* how long the chain of actors may become */
        int algorithm;      /* enum switch_alg; the key that signs */
    } issuer;
    struct {
        int error_shape;   /* enum switch_error_shape */
        int64_t session_s; /* how long a user may think about consent */
    } vault;
    struct {
        int64_t first_delay_ms; /* before the first delta */
        int64_t delta_delay_ms; /* before each further one */
        int64_t delta_count;    /* 0: as many as the answer needs; else exactly so many */
        int64_t delta_chars;    /* characters in a delta of text */
        char quirks[256];       /* names of model_quirks.h, separated by blanks or '+' */
    } model;
    struct {
        int answer;         /* enum switch_mcp_answer */
        int server_request; /* enum switch_mcp_server_request */
        int result;         /* enum switch_mcp_result */
        bool session;
        bool listen; /* GET opens a stream, else 405 */
        bool close_mid_call;
        bool poisoned;
        bool list_changed;         /* declares the capability */
        int64_t session_calls_max; /* 0: no end; else the session is gone after so many calls */
        int64_t retry_ms;
        int64_t delay_ms;
        int64_t page_size; /* 0: one page */
        int64_t oversized_bytes;
        int64_t progress_count;
        char protocol_version[16]; /* answered whatever was asked for */
    } mcp;
    struct {
        bool needs_ssl; /* refuses plain http, and so does STS; the real ones do */
    } openapi;
    struct {
        bool token;        /* version 2: hands out tokens */
        bool v1;           /* also answers without one */
        int64_t session_s; /* how long its credentials live */
        char role[64];     /* of the machine; empty: sesame-agent; "none": none */
    } metadata;
    struct {
        int mode; /* enum switch_enterprise_mode */
        int64_t delay_ms;
    } enterprise;
};

void switches_init(struct switches *switches);

/* Sets the switches that `changes` names ({"model":{"delta_delay_ms":50}}): all of them or, on a
 * mistake, none. The error lists what was found and what is known. */
bool switches_set(struct switches *switches, struct json_object *changes, struct error *err);

/* The caller owns the result. */
struct json_object *switches_get(const struct switches *switches);

#endif
