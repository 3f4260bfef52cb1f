/* Who and what the stand-in knows: its instance, clients with their grants, users, API keys. */
#ifndef LOCAL_CLOUD_REALM_H
#define LOCAL_CLOUD_REALM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct client_keys;

#define REALM_PAM_AUDIENCE "urn:cloud:idaas:pam"

/* What a client may ask for: values of one audience, separated by blanks. Static texts. */
struct realm_grant {
    char *audience;
    char *values;
};

enum { REALM_GRANT_MAX_COUNT = 8, REALM_OTHER_MAX_COUNT = 4 };

struct realm_client {
    char *id;
    char *secret;             /* NULL: none (the page) */
    struct client_keys *keys; /* public keys it has registered */
    char *audience;           /* its own audience as a resource server; NULL: none */
    struct realm_grant grants[REALM_GRANT_MAX_COUNT];
    size_t grant_count;
    bool may_use_implicit_flow;
    bool may_exchange; /* tokens that were issued for its audience (RFC 8693) */
    char *acts_for;    /* the users it may act for, by sub, separated by blanks; NULL: everybody */
};

struct realm_user {
    const char *sub;
    const char *username;
    const char *name;
};

struct realm_api_key {
    char *identifier;
    char *credential_id;
    char *key;
    char *scenario; /* credentialScenarioLabel */
    char *status;   /* "enabled" */
    char *type;     /* "api_key" or "oauth_client" */
};

struct realm {
    char *instance_id;
    char *issuer;               /* the https form; what "iss" says */
    char *token_endpoint;       /* https */
    char *token_endpoint_plain; /* the same over http */
    struct realm_client agent;
    struct realm_client page;
    struct realm_client others[REALM_OTHER_MAX_COUNT]; /* that tests have added */
    size_t other_count;
    char *enterprise_audience;
    char *enterprise_scope;
    char *agent_scope;
    struct realm_api_key keys[8];
    size_t key_count;
    char **redirect_uris;
    size_t redirect_uri_count;
};

/* The demo's realm. Secrets begin with `secret_prefix` and go on with random digits; with
 * NULL they look as the vendor's do. */
void realm_init(struct realm *realm, const char *secret_prefix);
void realm_clear(struct realm *realm);

/* Sets the issuer and both token endpoints from "https://host:port" and "http://host:port". */
void realm_set_origin(struct realm *realm, const char *https_origin, const char *http_origin);

/* Grants values of an audience, in place of what was granted for it; false when there are too
 * many. */
bool realm_client_grant(struct realm_client *client, const char *audience, const char *values);

/* The client with this id, made when there is none; NULL when there are too many. */
struct realm_client *realm_client_put(struct realm *realm, const char *id);

/* Borrowed; NULL when there is none. */
const struct realm_client *realm_find_client(const struct realm *realm, const char *id);
struct realm_client *realm_client_edit(struct realm *realm, const char *id);
struct realm_api_key *realm_find_key(struct realm *realm, const char *identifier);
struct realm_api_key *realm_add_key(struct realm *realm, const char *identifier, const char *key,
                                    const char *scenario);
const struct realm_user *realm_users(size_t *out_count);
const struct realm_user *realm_find_user(const char *username);

void realm_allow_redirect(struct realm *realm, const char *uri);
bool realm_allows_redirect(const struct realm *realm, const char *uri);

/* Compares in a time that depends on neither content nor the place of the first difference. */
bool secret_text_equal(struct slice found, const char *expected);

#endif
