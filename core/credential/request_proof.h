/* DPoP proofs of requests (RFC 9449): made with the newest nonce of the origin, which is learnt
 * from its answers. */
#ifndef SESAME_CREDENTIAL_REQUEST_PROOF_H
#define SESAME_CREDENTIAL_REQUEST_PROOF_H

#include <stdbool.h>
#include <stddef.h>

struct error;
struct http_answer_header;
struct http_client;
struct http_request_options;
struct secret;
struct signing_key;

/* The value of the DPoP header for one sending of `options` through `http`. `access_token` is the
 * token that goes with it, or NULL. A repeated request needs a new one. The caller owns it. */
struct secret *request_proof_make(struct http_client *http, const struct signing_key *key,
                                  const struct http_request_options *options,
                                  const struct secret *access_token, struct error *err);

/* Remembers the nonce that an answer to a request with a proof brings, whatever its status. True
 * when a resource refused the request for want of just this nonce (section 9). */
bool request_proof_learn(struct http_client *http, const char *url, int status,
                         const struct http_answer_header *headers, size_t count);

#endif
