/* The identity service's OpenAPI (EIAM, version 2021-12-01): GenerateOauthToken for whoever signs
 * with a key that may. alibaba-cloud.md section 1. */
#ifndef LOCAL_CLOUD_OPENAPI_H
#define LOCAL_CLOUD_OPENAPI_H

struct cloud;
struct reply;
struct request;

void openapi_handle(struct cloud *cloud, const struct request *request, struct reply *reply);

#endif
