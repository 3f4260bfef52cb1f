/* Authentication of a client by a federated credential: OIDC token, attested document, X.509. */
#ifndef LOCAL_CLOUD_CLIENT_FEDERATED_H
#define LOCAL_CLOUD_CLIENT_FEDERATED_H

#include <stdbool.h>
#include <stdint.h>

struct cloud;
struct error;
struct params;
struct realm_client;

/* What "client_assertion_type" says, besides the standard JWT type (idaas.md section 2). */
#define ASSERTION_TYPE_OIDC "urn:cloud:idaas:params:oauth:client-assertion-type:id-token-bearer"
#define ASSERTION_TYPE_PKCS7 "urn:cloud:idaas:params:oauth:client-assertion-type:pkcs7-bearer"
#define ASSERTION_TYPE_X509 "urn:cloud:idaas:params:oauth:client-assertion-type:x509-jwt-bearer"

bool client_federated_knows(const char *assertion_type);

/* True when the form's assertion, of a type that client_federated_knows, proves `client`. The
 * error's name is "invalid_client" or "invalid_request". */
bool client_federated_check(struct cloud *cloud, const struct realm_client *client,
                            const struct params *form, int64_t now_s, struct error *err);

#endif
