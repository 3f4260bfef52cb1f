/* The federated credentials of the agent: whom the identity service trusts to say that something is
 * the agent (idaas.md sections 2.4 to 2.6). */
#ifndef LOCAL_CLOUD_FEDERATION_H
#define LOCAL_CLOUD_FEDERATION_H

#include <stdbool.h>

struct error;
struct federation;
struct json_object;
struct jwks;
struct x509_st;

enum federation_kind { FEDERATION_OIDC, FEDERATION_PKCS7, FEDERATION_X509 };

/* What one credential trusts. A text that is NULL is not compared. */
struct federated_credential {
    char *name;
    enum federation_kind kind;
    char *issuer;           /* oidc: "iss"; pkcs7: the account that owns the machine */
    char *audience;         /* oidc: in "aud" */
    char *subject;          /* oidc: "sub"; pkcs7: the machine's id; x509: the common name */
    struct jwks *keys;      /* oidc: a reference */
    struct x509_st *anchor; /* pkcs7: who signs documents; x509: the root */
};

struct federation *federation_new(void);
void federation_free(struct federation *federation);

/* Borrowed; NULL when there is none of that name and kind. */
const struct federated_credential *federation_find(const struct federation *federation,
                                                   const char *name, enum federation_kind kind);

/* Adds or replaces a credential; copies the texts and takes references. */
void federation_put(struct federation *federation, const struct federated_credential *credential);

/* The same from JSON: {"name","kind":"oidc"|"pkcs7"|"x509","issuer","audience","subject",
 * "jwks":{...} (oidc), "certificate":PEM (pkcs7, x509)}. */
bool federation_put_json(struct federation *federation, struct json_object *body,
                         struct error *err);

#endif
