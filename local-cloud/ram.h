/* The cloud account: a user with an access key, roles, and temporary credentials of role sessions.
 */
#ifndef LOCAL_CLOUD_RAM_H
#define LOCAL_CLOUD_RAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ram;

#define RAM_ACCOUNT "1234567890123456"
#define RAM_USER "sesame-deployer"
#define RAM_ROLE_AGENT "sesame-agent"                 /* may do what the agent needs */
#define RAM_ROLE_NO_PERMISSION "sesame-no-permission" /* can be assumed, and may do nothing */
#define RAM_ROLE_CLOSED "sesame-closed"               /* trusts nobody */
#define RAM_OIDC_PROVIDER "acs:ram::" RAM_ACCOUNT ":oidc-provider/sesame-cluster"

enum { RAM_SESSION_LEAST_S = 900 };

/* May be edited. */
struct ram_role {
    char *name;
    char *external_id;      /* what AssumeRole has to bring; NULL: nothing */
    int64_t session_max_s;  /* longest session */
    bool may_get_token;     /* eiam:GenerateOauthToken */
    bool trusts_account;    /* AssumeRole by users and roles of the account */
    bool trusts_cluster;    /* AssumeRoleWithOIDC through RAM_OIDC_PROVIDER */
    bool may_be_on_machine; /* the metadata service hands it out */
};

/* An access key: the user's, or that of a role session. */
struct ram_key {
    char *id;
    char *secret;
    char *token;                 /* security token; NULL: the user's key */
    const struct ram_role *role; /* NULL: the user */
    char *session_name;
    int64_t expires_at_s; /* 0: never */
    bool is_active;
};

/* Secrets begin with `secret_prefix`, or look as the vendor's do when it is NULL. */
struct ram *ram_new(const char *secret_prefix);
void ram_free(struct ram *ram);

/* All borrowed. NULL when there is none. */
struct ram_key *ram_user_key(struct ram *ram);
const struct ram_key *ram_find_key(const struct ram *ram, const char *id);
struct ram_role *ram_find_role(struct ram *ram, const char *name);
struct ram_role *ram_find_role_by_arn(struct ram *ram, const char *arn);

/* Fresh credentials of a session, borrowed until the session is forgotten: when it is expired, or
 * for room. */
const struct ram_key *ram_session_new(struct ram *ram, const struct ram_role *role,
                                      const char *session_name, int64_t lifetime_s, int64_t now_s);

/* "acs:ram::ACCOUNT:..." of who holds the key; the caller frees it. */
char *ram_principal_arn(const struct ram_key *key);

#endif
