/* The alibaba-cloud provider in the test's own process, with the host's real services but for the
 * wall clock and the random source, which the test sets, and for names: whatever host the provider
 * calls, a scripted peer answers and notes which one was meant. */
#ifndef SESAME_TESTS_CREDENTIAL_PROVIDERS_ALIBABA_BENCH_H
#define SESAME_TESTS_CREDENTIAL_PROVIDERS_ALIBABA_BENCH_H

#include "base/error.h"
#include "net/http_server.h"

#include <sesame/services.h>
#include <stdbool.h>
#include <stdint.h>

#define ALIBABA_NOW_S 1772352000 /* 2026-03-01T08:00:00Z, the time of the vectors */
#define ALIBABA_NONCE "0123456789abcdef0123456789abcdef"

/* A request as the peer saw it. */
struct alibaba_request {
    char origin[200]; /* "https://sts.aliyuncs.com", as the provider called it */
    char method[16];
    char target[16384];
    char headers[16384]; /* "name: value" lines as sent, Authorization too */
    char body[8192];
    int64_t timeout_ms; /* what the provider gave it */
};

struct alibaba_bench {
    const struct sesame_host *host; /* of the instance */
    int64_t wall_s;
    struct platform_credentials *platform; /* the host's, or NULL; before the provider is opened */
    bool may_block;       /* as on a thread of its own; before the provider is opened */
    const char *endpoint; /* openApiEndpoint, before the provider is opened */
    struct alibaba_request seen[16];
    size_t seen_count;
    /* Answers request `index`; NULL: every one is 404. */
    void (*answer)(size_t index, const struct alibaba_request *request,
                   struct http_exchange *exchange);
    char url[64];         /* the peer's own, for a credentials URI */
    char source[100];     /* what the log named as the key's source, "" when nothing was logged */
    char log[8192];       /* every message and its fields, a line each */
    int source_log_count; /* how often a source was logged */

    /* How the last fetch ended. */
    int done_count;
    char token[200];
    int64_t expires_in_s, expires_at_s, retry_after_ms;
    struct error err;
};
extern struct alibaba_bench alibaba;

void alibaba_set_up(void);
void alibaba_tear_down(void);

/* Makes the provider; `config` are JSON members besides instance, application and endpoint, such as
 * "\"stsRegion\":\"cn-beijing\"", or "". */
void alibaba_open(const char *config);
bool alibaba_try(const char *config, struct error *err);
void alibaba_close(void);

/* Fetches a token for "api.example.com|read:file" and waits for it; `subject` may be NULL. */
void alibaba_fetch(const char *subject);
/* The same for other values, blank-separated. */
void alibaba_fetch_values(const char *values, const char *subject);
/* Starts `count` fetches at once and waits for all. */
void alibaba_fetch_many(int count);

/* Forgets the requests seen so far, so that there is room for more. */
void alibaba_forget_requests(void);
/* The next request to an origin that begins so gets this answer instead. */
void alibaba_answer_once(const char *origin, int status, const char *body);

/* A header's value, or NULL; valid until the next call. */
const char *alibaba_header(const struct alibaba_request *request, const char *name);
/* The request's canonical form (V3 page), put together from what the peer received by code of the
 * test's own, into `out`; and the signature that `secret` gives it. */
void alibaba_canonical(const struct alibaba_request *request, char *out, size_t size);
bool alibaba_signed_with(const struct alibaba_request *request, const char *id, const char *secret);

void alibaba_reply(struct http_exchange *exchange, int status, const char *content_type,
                   const char *body);

#endif
