/* The token request itself: client credentials, or the exchange of a user's token (RFC 6749 section
 * 4.4, RFC 8693), and what the endpoint answers. */
#ifndef SESAME_PLUGINS_KIT_TOKEN_REQUEST_H
#define SESAME_PLUGINS_KIT_TOKEN_REQUEST_H

#include "plugins/kit/token_provider.h"

#define TOKEN_FORM_MAX_COUNT 16

/* How the client authenticates, put together by the provider. What is added must live until
 * token_request_send returns. All zero bytes is an empty one. */
struct client_auth {
    struct sesame_http_field fields[TOKEN_FORM_MAX_COUNT];
    size_t field_count;
    struct sesame_http_field basic; /* an Authorization header when its name is not empty */
};

void client_auth_add(struct client_auth *auth, const char *name, const char *value);
/* `secret` is a handle, which stays the caller's. */
void client_auth_add_secret(struct client_auth *auth, const char *name, uint64_t secret);
/* Basic, id and secret as they are: the vendor's clients do not form-encode them, against RFC 6749
 * section 2.3.1, and its service is built for them (idaas.md 2.1). */
void client_auth_set_basic(struct client_auth *auth, const char *id, uint64_t secret);

/* Sends the token request of `fetch` and ends the fetch by the answer. With a subject token it is a
 * token exchange, else the client's own grant. */
void token_request_send(struct token_fetch *fetch, const struct client_auth *auth);

/* Ends `fetch` by a token endpoint's answer: a token, or a refusal in the shape of RFC 6749 section
 * 5.2 or of Alibaba Cloud's POP APIs. 400, 401, 403 are final, 408, 429 and 5xx may be tried again
 * (idaas.md 2.10). */
void token_answer_end(struct token_fetch *fetch, const struct token_reply *reply);

#endif
