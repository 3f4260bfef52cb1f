/* The folder "clients": for every way to authenticate an SDK file, and what it needs. */
#ifndef LOCAL_CLOUD_CLIENT_FILES_H
#define LOCAL_CLOUD_CLIENT_FILES_H

#include <stdbool.h>

struct cloud;
struct cloud_ports;
struct error;

/* Makes `folder`/clients and writes into it, for the agent:
 * - client-secret-basic.json, client-secret-post.json, client-secret-jwt.json,
 *   private-key-jwt.json, federated-oidc.json, federated-pkcs7.json, federated-pca.json and
 *   alibaba-cloud.json: SDK files, alike but for the way to authenticate;
 * - rsa-2048.pem, p-256.pem, p-384.pem, p-521.pem and ed25519.pem: private keys (PKCS#8) whose
 *   public halves are registered;
 * - certificate.pem and chain.pem: of the key rsa-2048.pem;
 * - oidc-token and rrsa-token: service-account tokens, for the identity service and for STS;
 * - alibaba-ak.env, alibaba-sts.env, alibaba-oidc.env, alibaba-metadata.env and alibaba-uri.env:
 *   the variables of one member of Alibaba Cloud's credential chain each;
 * - environment: the variables that the SDK files name.
 * What holds a secret has mode 0600. */
bool client_files_write(const char *folder, struct cloud *cloud, const struct cloud_ports *ports,
                        struct error *err);

#endif
