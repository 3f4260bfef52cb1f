/* The DeveloperAPI (version 2022-02-25): API keys for whoever holds an AT_p. idaas.md section 4. */
#ifndef LOCAL_CLOUD_VAULT_H
#define LOCAL_CLOUD_VAULT_H

struct cloud;
struct reply;
struct request;

void vault_handle(struct cloud *cloud, const struct request *request, struct reply *reply);

#endif
