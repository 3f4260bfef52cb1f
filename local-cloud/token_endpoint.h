/* POST .../oauth2/token: client credentials and token exchange. */
#ifndef LOCAL_CLOUD_TOKEN_ENDPOINT_H
#define LOCAL_CLOUD_TOKEN_ENDPOINT_H

struct cloud;
struct reply;
struct request;

void token_endpoint_handle(struct cloud *cloud, const struct request *request, struct reply *reply);

#endif
