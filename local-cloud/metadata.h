/* The metadata service of the machine: role credentials (alibaba-cloud.md section 3.7) and attested
 * documents (idaas.md section 2.4); and beside it a credentials URI (section 3.8). */
#ifndef LOCAL_CLOUD_METADATA_H
#define LOCAL_CLOUD_METADATA_H

struct cloud;
struct reply;
struct request;

#define PATH_METADATA_TOKEN "/latest/api/token"
#define PATH_METADATA_ROLES "/latest/meta-data/ram/security-credentials/"
#define PATH_METADATA_PKCS7 "/latest/dynamic/instance-identity/pkcs7"
#define PATH_CREDENTIALS_URI "/credentials-uri"

void metadata_handle(struct cloud *cloud, const struct request *request, struct reply *reply);

#endif
