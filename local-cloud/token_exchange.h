/* Token exchange (RFC 8693): whether a client may trade a token, and who acts for whom in the new
 * one. idaas.md section 3. */
#ifndef LOCAL_CLOUD_TOKEN_EXCHANGE_H
#define LOCAL_CLOUD_TOKEN_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

struct cloud;
struct error;
struct json_object;
struct realm_client;
struct token_claims;

#define GRANT_TOKEN_EXCHANGE "urn:ietf:params:oauth:grant-type:token-exchange"
#define TOKEN_TYPE_ACCESS_TOKEN "urn:ietf:params:oauth:token-type:access_token"

/* What was sent; NULL when it was not. */
struct exchange_request {
    const char *subject_token, *subject_token_type;
    const char *actor_token, *actor_token_type;
    const char *requested_token_type;
};

/* A token that may be traded. Clear it with token_exchange_clear. */
struct exchange {
    struct json_object *subject; /* the claims of the subject token */
    struct json_object *act;     /* who acts, the latest outermost (section 4.1); NULL: not said */
};

/* Checks the tokens and the policy:
 *   - exchange is enabled for the client, and the subject token was issued for its audience;
 *   - the client may act for the user (realm_client.acts_for), and the token's own "may_act"
 *     (section 4.4) does not name somebody else;
 *   - an actor token was issued to this client;
 *   - the chain of actors stays within the switch issuer.actors_max.
 * The error's name is the OAuth code: invalid_request, invalid_grant or unauthorized_client. */
bool token_exchange_open(const struct cloud *cloud, const struct realm_client *client,
                         const struct exchange_request *request, int64_t now_s,
                         struct exchange *out_exchange, struct error *err);
void token_exchange_clear(struct exchange *exchange);

/* The claims of the new token that come from the exchange: the user's, and "act". Borrowed. */
void token_exchange_claims(const struct exchange *exchange, struct token_claims *claims);

#endif
