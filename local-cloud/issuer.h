/* The issuer's routes: discovery, JWKS, sign-in, sign-out and the token endpoint. */
#ifndef LOCAL_CLOUD_ISSUER_H
#define LOCAL_CLOUD_ISSUER_H

struct cloud;
struct reply;
struct request;

void issuer_handle(struct cloud *cloud, const struct request *request, struct reply *reply);

#endif
