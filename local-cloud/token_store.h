/* What the DeveloperAPI keeps: credential providers, the tokens they made, and the sessions in
 * which a user consents (idaas.md section 4.2). */
#ifndef LOCAL_CLOUD_TOKEN_STORE_H
#define LOCAL_CLOUD_TOKEN_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct token_store;

enum provider_kind {
    PROVIDER_OAUTH_MACHINE, /* 2-legged: a token for whoever asks */
    PROVIDER_OAUTH_USER,    /* 3-legged: after the user has consented */
    PROVIDER_JWT,
};

struct credential_provider {
    const char *id;
    const char *identifier;
    const char *name; /* what a person reads on the consent page */
    enum provider_kind kind;
};

/* A token that a provider made. */
struct made_token {
    char *id;
    const struct credential_provider *provider;
    char *consumer_id; /* whom it was made for */
    char *creator_id;  /* the client that asked */
    char *value;
    char *short_token; /* NULL: none */
    char *scope;       /* of an OAuth token; may be "" */
    bool is_machine;   /* the consumer is an application */
    bool is_revoked;
    int64_t created_at_s, expires_at_s;
};

/* What a new token is to be. Borrowed for the call. */
struct token_spec {
    const struct credential_provider *provider;
    const char *consumer_id, *creator_id, *value;
    const char *short_token; /* NULL: none */
    const char *scope;       /* NULL: "" */
    bool is_machine;
    int64_t created_at_s, expires_at_s;
};

enum session_status { SESSION_PENDING, SESSION_COMPLETED, SESSION_FAILED, SESSION_EXPIRED };

/* A user is asked for consent. */
struct consent_session {
    char *id;
    char *uri;
    const struct credential_provider *provider;
    char *consumer_id;
    char *scope;
    enum session_status status;
    int64_t expires_at_s;
};

struct token_store *token_store_new(void);
void token_store_free(struct token_store *store);
void token_store_reset(struct token_store *store);

/* The three providers, by identifier: "oauth_machine", "oauth_user", "jwt". Static; NULL when there
 * is none. */
const struct credential_provider *credential_provider_find(const char *identifier);

/* Keeps a new token under a fresh id; the result is borrowed until it is forgotten for room. */
struct made_token *token_store_add(struct token_store *store, const struct token_spec *spec);

/* Neither revoked nor expired. */
bool made_token_is_good(const struct made_token *token, int64_t now_s);

/* Which tokens are meant; a NULL member counts for all. */
struct token_query {
    const struct credential_provider *provider;
    const char *consumer_id, *id, *value, *short_token, *scope;
};

/* The newest token from `*position` on (start with 0) that fits; NULL at the end. */
struct made_token *token_store_next(struct token_store *store, const struct token_query *query,
                                    size_t *position);

/* A fresh session, borrowed until it is forgotten for room. */
struct consent_session *token_store_ask(struct token_store *store,
                                        const struct credential_provider *provider,
                                        const char *consumer_id, const char *scope,
                                        int64_t expires_at_s);

/* By id or by URI; a pending one whose time is over becomes expired. NULL when there is none. */
struct consent_session *token_store_session(struct token_store *store, const char *id_or_uri,
                                            int64_t now_s);

/* True when the user has consented in a session of this provider and scope since `token_store_ask`
 * was last called for them. */
bool token_store_has_consent(struct token_store *store, const struct credential_provider *provider,
                             const char *consumer_id, const char *scope);

#endif
