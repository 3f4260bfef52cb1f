/* What the parts of this plugin share. */
#ifndef ALIBABA_H
#define ALIBABA_H

#include "acs3.h"
#include "chain.h"
#include "plugins/kit/kit.h"

#include <sesame/credential_provider.h>

#define STS_ANSWER_MAX_BYTES (64 * 1024)

struct token_fetch;

struct sesame_instance {
    struct kit kit;
    const struct sesame_http_v1 *http;
    const struct sesame_secret_v1 *secret;
    const struct sesame_sign_v1 *sign;
    const struct sesame_random_v1 *random;
    const struct sesame_platform_credentials_v1 *platform; /* NULL: the host has none */
    const struct sesame_credential_provider_host_v1 *completion;

    char *instance_id;    /* InstanceId, "idaas_..." */
    char *application_id; /* ApplicationId, "app_..." */
    char *endpoint;       /* "https://eiam.cn-hangzhou.aliyuncs.com", no slash at the end */
    int64_t timeout_ms;   /* of one GenerateOauthToken request */

    struct settings settings;
    struct chain chain;
    struct token_fetch *fetches;
};

/* ---- one request (call.c) -------------------------------------------------------------------- */

/* One HTTP request whose answer stays in locked memory. Part of its owner; may be used again from
 * within `on_answer`. */
struct call {
    struct sesame_instance *instance;
    void *owner;
    /* Once per call_start that returned true. `status` other than SESAME_OK: there was no complete
     * answer, `message` says why. `answer` (0: an empty body) is freed afterwards. */
    void (*on_answer)(struct call *call, int32_t status, struct sesame_text message,
                      uint64_t answer);
    uint64_t http; /* 0: none under way */
    int32_t http_status;
    int64_t retry_after_ms; /* x-acs-retry-after or Retry-After; -1: not said */
    char date[40];          /* the answer's Date */
    bool is_xml;
};

/* False when it could not be sent; sesame.log/1 has the reason. */
bool call_start(struct call *call, struct sesame_http_request *request, int64_t timeout_ms);
void call_cancel(struct call *call);

/* ---- reading an answer (answer.c) ------------------------------------------------------------ */

/* A member that is no secret, as a text that the caller frees: the first of two pointers that is a
 * non-empty string. `second` may be NULL. */
char *answer_text(const struct sesame_instance *instance, uint64_t answer, const char *first,
                  const char *second);
/* A whole number, -1 when there is none. */
int64_t answer_integer(const struct sesame_instance *instance, uint64_t answer,
                       const char *pointer);
bool answer_bool(const struct sesame_instance *instance, uint64_t answer, const char *pointer);
bool answer_has(const struct sesame_instance *instance, uint64_t answer, const char *pointer);

/* What an OpenAPI error says (members in either case of the first letter, or XML); every text may
 * be NULL. */
struct api_error {
    char *code;
    char *message; /* without control characters, at most 512 bytes */
    char *request_id;
};
void api_error_read(const struct call *call, uint64_t answer, struct api_error *out);
void api_error_clear(struct api_error *error);

/* ---- a signed call (rpc.c) ------------------------------------------------------------------- */

struct rpc {
    const char *endpoint; /* "https://host[:port]" */
    const char *action;
    const char *version;
    const struct sesame_http_field *query; /* unencoded; a value may be a secret */
    size_t query_count;
    const struct credentials *credentials;
    int64_t timeout_ms;
};

/* POST with everything in the query and an empty body, signed. `out_hash` gets the hash that a
 * server's complaint about the signature can be compared with. */
bool rpc_start(struct call *call, const struct rpc *rpc, char out_hash[65]);

/* ---- one token (token.c) --------------------------------------------------------------------- */

/* Begins GenerateOauthToken for `call`; exactly one completion follows. */
void token_begin(struct sesame_instance *instance, uint64_t call,
                 const struct sesame_token_request *request);
void token_cancel(struct sesame_instance *instance, uint64_t call);
/* Frees what is left, without completions. */
void token_free_all(struct sesame_instance *instance);

/* ---- times, texts (text.c) ------------------------------------------------------------------- */

int64_t time_now_s(const struct sesame_instance *instance);
/* "2026-03-01T08:00:00Z". */
void time_format(int64_t at_s, char out[21]);
/* That form, also with milliseconds; false for anything else. */
bool time_parse(struct sesame_text text, int64_t *out_at_s);
/* 32 hex digits of random. */
void nonce_make(const struct sesame_instance *instance, char out[33]);
/* "LTAI****KE01": enough to tell two keys apart. */
void key_id_mask(const char *id, char out[16]);
/* The caller frees; NULL without memory. */
char *text_copy(const char *text);
/* True for printable ASCII without blanks, 1 to `max_len` bytes. */
bool text_is_token(struct sesame_text text, size_t max_len);
void text_log(const struct sesame_instance *instance, int32_t level, const char *message);

#endif
