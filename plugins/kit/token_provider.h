/* What credential providers share that ask a token endpoint: the services they use, where they ask,
 * and the tokens being fetched.
 *
 * A provider embeds a `struct token_provider` in its instance, opens it in `create` and closes it
 * in `destroy`. Its `fetch` starts a `struct token_fetch`, makes requests with it, and ends it
 * exactly once; `token_fetch_*` and `token_request_send` do what they say and complete the host's
 * call. */
#ifndef SESAME_PLUGINS_KIT_TOKEN_PROVIDER_H
#define SESAME_PLUGINS_KIT_TOKEN_PROVIDER_H

#include "plugins/kit/kit.h"

#include <sesame/credential_provider.h>

struct token_fetch;

struct token_provider {
    struct kit kit;
    const struct sesame_http_v1 *http;
    const struct sesame_secret_v1 *secret;
    const struct sesame_sign_v1 *sign;
    const struct sesame_random_v1 *random;
    const struct sesame_credential_provider_host_v1 *completion;
    const char *server;          /* who answers, in messages: "IDaaS" */
    const char *credential_hint; /* what to check when it refuses the agent: "the client secret" */
    const char *scope_hint;      /* what to check when it refuses the scope */
    char *client_id;
    char *token_endpoint;
    int64_t timeout_ms; /* of one request */
    struct token_fetch *fetches;
};

/* The services every such provider needs, for its descriptor. */
extern const char *const token_provider_needs[];

/* Gets the services; texts and times are the provider's to fill in. False when the host lacks one;
 * closing is allowed, and needed, either way. */
bool token_provider_open(struct token_provider *provider, const struct sesame_host *host);
/* Frees texts and fetches; the host has ended their calls by then. */
void token_provider_close(struct token_provider *provider);

/* Ends the request of `call`, or its waiting; its fetch then ends as SESAME_CANCELLED. */
void token_provider_cancel(struct token_provider *provider, uint64_t call);

/* Says why `create` fails, and gives `status` back. */
int32_t token_provider_explain(const struct token_provider *provider, int32_t status,
                               const char *message);

/* How one request of a fetch ended. */
struct token_reply {
    int32_t status;         /* SESAME_OK: there is an answer, whatever its HTTP status */
    int32_t http_status;    /* 0: none came */
    uint64_t answer;        /* its body, a secret of the kit that lives until the function returns;
                               0 when it is empty */
    const char *message;    /* why there is no answer; never NULL */
    int64_t retry_after_ms; /* what the answer asks for, -1 when nothing */
    int64_t server_time_s;  /* its Date header, -1 when there is none */
};

/* Goes on with a fetch after a request: starts another one or ends the fetch. */
typedef void token_then_fn(struct sesame_instance *instance, struct token_fetch *fetch,
                           const struct token_reply *reply);

/* One token being fetched. */
struct token_fetch {
    struct token_fetch *next;
    struct token_provider *provider;
    uint64_t call;
    uint64_t http;                   /* the request under way, 0 when there is none */
    uint64_t subject_token;          /* as in the host's request: valid until the fetch ends */
    char *scope, *audience, *values; /* as in the host's request */
    int64_t deadline_ms;             /* of the whole fetch, monotonic; 0: none */
    unsigned requests;               /* sent so far */
    bool is_waiting;                 /* for something that no request of its own brings */
    struct sesame_binding binding;   /* what the token will be bound to; none unless it is set */
    token_then_fn *then;
    struct token_reply reply;
};

/* A fetch for the host's `request`. Without memory the call is completed at once: NULL. */
struct token_fetch *token_fetch_start(struct token_provider *provider, uint64_t call,
                                      const struct sesame_token_request *request);

/* Sends one request, with the fetch's binding; the limit of its answer, which is kept secret, and
 * its deadline, unless it has one, are set here. `then` follows once unless the fetch is cancelled.
 * When it cannot be sent the fetch is failed. */
void token_fetch_call(struct token_fetch *fetch, struct sesame_http_request *http,
                      token_then_fn *then);

/* End the fetch, which is gone afterwards. */
void token_fetch_fail(struct token_fetch *fetch, int32_t status, const char *code,
                      const char *message);
/* By a reply without an answer: time is up, no connection. */
void token_fetch_fail_reply(struct token_fetch *fetch, const struct token_reply *reply);
/* `data` is JSON as sesame.credential-provider-host/1 wants it; `token` goes to the host. */
void token_fetch_complete(struct token_fetch *fetch, int32_t status, uint64_t token,
                          const struct kit_buffer *data);

#endif
