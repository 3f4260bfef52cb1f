/* Authenticates the client of a token request by any of the methods of idaas.md section 2. */
#ifndef LOCAL_CLOUD_CLIENT_AUTH_H
#define LOCAL_CLOUD_CLIENT_AUTH_H

struct cloud;
struct error;
struct params;
struct realm_client;
struct request;

/* The client (borrowed from the realm), or NULL; then the error's name is the OAuth code:
 * "invalid_client" (answer 401) or "invalid_request" (answer 400). */
const struct realm_client *client_auth_check(struct cloud *cloud, const struct request *request,
                                             const struct params *form, struct error *err);

#endif
