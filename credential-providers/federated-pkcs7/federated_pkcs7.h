/* What the parts of this plugin share. */
#ifndef FEDERATED_PKCS7_H
#define FEDERATED_PKCS7_H

#include "plugins/kit/token_provider.h"

struct sesame_instance {
    struct token_provider provider;
    char *instance_id; /* of IDaaS */
    char *federated_name;
    char *metadata_endpoint; /* "http://100.100.100.200" */
    uint64_t document;       /* the last one, a secret handle; 0: none yet */
    int64_t signed_at_s;     /* not later than the signingTime in it */
};

/* Whether the document at hand, a signed statement of the cloud about this machine, will do. */
bool attested_document_is_young(const struct sesame_instance *instance);

/* Gets a new document, made for our IDaaS instance, from the metadata service and goes on with
 * federated_request_send. While that fails an old one serves, as long as IDaaS takes it; without
 * one the fetch is failed. */
void attested_document_renew(struct sesame_instance *instance, struct token_fetch *fetch);

/* The token request with the document at hand; ends the fetch by its answer. */
void federated_request_send(struct sesame_instance *instance, struct token_fetch *fetch);

#endif
