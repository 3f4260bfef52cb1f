/* The security token service (version 2015-04-01): AssumeRole, AssumeRoleWithOIDC and
 * GetCallerIdentity. alibaba-cloud.md sections 3.3 and 3.6. */
#ifndef LOCAL_CLOUD_STS_H
#define LOCAL_CLOUD_STS_H

#include <stdint.h>

struct cloud;
struct reply;
struct request;

void sts_handle(struct cloud *cloud, const struct request *request, struct reply *reply);

/* "2026-03-01T09:00:00Z"; `out` holds 21 bytes. */
void sts_format_time(int64_t at_s, char out[21]);

#endif
