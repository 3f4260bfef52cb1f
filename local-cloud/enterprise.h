/* The enterprise service, behind a check of AT_s in one of two ways (idaas.md section 9). */
#ifndef LOCAL_CLOUD_ENTERPRISE_H
#define LOCAL_CLOUD_ENTERPRISE_H

struct cloud;
struct reply;
struct request;

/* Mode "strict" checks signature, issuer, times, audience and scope; mode "fc", as the JWT check of
 * a Function Compute trigger, only signature and expiry, against the JWKS as it was pasted. */
void enterprise_handle(struct cloud *cloud, const struct request *request, struct reply *reply);

#endif
