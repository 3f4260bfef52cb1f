/* The folder "clients": for every way to authenticate an SDK file, and what it needs. */
#ifndef LOCAL_CLOUD_CLIENT_FILES_H
#define LOCAL_CLOUD_CLIENT_FILES_H

#include <stdbool.h>

struct cloud;
struct cloud_ports;
struct error;

/* Makes `folder`/clients and writes into it, for the agent:
 *   client-secret-basic.json, client-secret-post.json, client-secret-jwt.json,
 *   private-key-jwt.json, federated-oidc.json, federated-pkcs7.json, federated-pca.json,
 *   alibaba-cloud.json                SDK files, alike but for the way to authenticate
 *   rsa-2048.pem, p-256.pem, p-384.pem, p-521.pem, ed25519.pem
 *                                     private keys (PKCS#8, 0600) whose public halves are
 * registered certificate.pem, chain.pem        of the key rsa-2048.pem oidc-token a service-account
 * token for the identity service (0600) environment                       the variables that the
 * SDK files name (0600)
 */
bool client_files_write(const char *folder, struct cloud *cloud, const struct cloud_ports *ports,
                        struct error *err);

#endif
