/* What the parts of this plugin share. */
#ifndef CLIENT_SECRET_H
#define CLIENT_SECRET_H

#include "plugins/kit/kit.h"

#include <sesame/credential_provider.h>

enum method { METHOD_BASIC, METHOD_POST, METHOD_JWT };

struct sesame_instance {
    struct kit kit;
    const struct sesame_http_v1 *http;
    const struct sesame_secret_v1 *secret;
    const struct sesame_sign_v1 *sign;
    const struct sesame_random_v1 *random;
    const struct sesame_credential_provider_host_v1 *completion;
    enum method method;
    char *client_id;
    char *token_endpoint;
    uint64_t client_secret; /* handle */
    uint64_t key;           /* handle; METHOD_JWT */
    int64_t timeout_ms;
    struct fetch *fetches;
};

/* One token being fetched. */
struct fetch {
    struct fetch *next;
    struct sesame_instance *instance;
    uint64_t call;
    uint64_t http;
    int32_t http_status;
    int64_t retry_after_ms; /* -1: not said */
    char *scope;
};

/* A client assertion (RFC 7523; claims and header as the vendor's SDK sends them), as a secret
 * handle; 0 on failure. */
uint64_t assertion_make(struct sesame_instance *instance);

/* Ends the fetch's call by what the endpoint answered; takes nothing. `answer` may be 0. */
void token_answer_complete(struct fetch *fetch, uint64_t answer);

/* Ends it with a failure of our own. */
void token_fail(struct fetch *fetch, int32_t status, const char *code, const char *message);

#endif
