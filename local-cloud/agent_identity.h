/* What the agent has besides its secret to prove who it is: key pairs, a certificate, and what its
 * cluster and its machine say about it. Made anew for each run, all of it worthless elsewhere. */
#ifndef LOCAL_CLOUD_AGENT_IDENTITY_H
#define LOCAL_CLOUD_AGENT_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#include "local-cloud/ram.h"

struct agent_identity;
struct error;
struct federation;
struct jwks;
struct realm_client;

/* Names of the federated credentials, as the vendor's own examples have them. */
#define FEDERATED_OIDC "fed_oidc"
#define FEDERATED_PKCS7 "fed_pkcs7"
#define FEDERATED_PCA "fed_pca"

/* The Kubernetes cluster in which the agent runs. */
#define CLUSTER_ISSUER "https://kubernetes.local-cloud.example.com"
#define CLUSTER_AUDIENCE "idaas"                /* of tokens for the identity service */
#define CLUSTER_AUDIENCE_STS "sts.aliyuncs.com" /* of tokens for AssumeRoleWithOIDC (RRSA) */
#define CLUSTER_SUBJECT "system:serviceaccount:default:sesame"

/* The machine on which it runs. */
#define MACHINE_ACCOUNT RAM_ACCOUNT
#define MACHINE_ID "i-local0stand0in0001"
#define MACHINE_REGION "cn-hangzhou"

/* NULL on failure. */
struct agent_identity *agent_identity_new(struct error *err);
void agent_identity_free(struct agent_identity *identity);

/* Tells the identity service: registers the public keys with `agent` and puts the three federated
 * credentials, each with the issuer, subject and anchor of this identity. */
void agent_identity_register(const struct agent_identity *identity, struct realm_client *agent,
                             struct federation *federation);

/* The key pairs, by index: "rsa-2048", "p-256", "p-384", "p-521", "ed25519". The names are static;
 * NULL behind the last. The PEM text (PKCS#8) is the caller's. The first is also the key of the
 * certificate. */
const char *agent_identity_key_name(size_t index);
char *agent_identity_key_pem(const struct agent_identity *identity, size_t index);

/* PEM texts; the caller frees them. The chain is the intermediate, then the root. */
char *agent_identity_leaf_pem(const struct agent_identity *identity);
char *agent_identity_chain_pem(const struct agent_identity *identity);

/* What a service-account token says. */
struct cluster_token {
    const char *issuer, *audience, *subject; /* NULL: those above */
    int64_t lifetime_s;                      /* may be negative: expired */
};

/* A service-account token; the caller frees it. NULL on failure. */
char *agent_identity_token(const struct agent_identity *identity, const struct cluster_token *spec,
                           int64_t now_s, struct error *err);
struct jwks *agent_identity_cluster_keys(const struct agent_identity *identity); /* borrowed */

/* An attested document that repeats `audience` (idaas.md section 2.4); the caller frees it. */
char *agent_identity_document(const struct agent_identity *identity, const char *audience);

#endif
