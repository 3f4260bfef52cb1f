/* Signature version 3 of Alibaba Cloud's OpenAPI, ACS3-HMAC-SHA256 (SDK documentation, "V3 request
 * structure and signature"). */
#ifndef ALIBABA_ACS3_H
#define ALIBABA_ACS3_H

#include "plugins/kit/kit.h"

struct weave;

#define ACS3_EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* What signing needs of the host. */
struct acs3_signer {
    const struct sesame_host *host;
    const struct sesame_secret_v1 *secret;
    const struct sesame_sign_v1 *sign;
};

/* Borrowed for the call. A query pair or a header is PLAIN (`value`) or SECRET (`value`, then the
 * secret's bytes); nothing is encoded yet. Lists and maps are flattened already ("Name.1"). */
struct acs3_request {
    const char *method;
    const char *path; /* as it goes on the wire; "" is "/" */
    const struct sesame_http_field *query;
    size_t query_count;
    /* "host", every "x-acs-..." and "content-type" that is sent; others are left out by the signer.
     * A secret value has no blanks at its ends. */
    const struct sesame_http_field *headers;
    size_t header_count;
    const char *content_sha256; /* of the body, in hex */
};

/* The pairs in canonical order and encoding, which is also how they go on the wire: sorted by
 * unencoded name, "name=value" joined by '&'. */
bool acs3_query(const struct acs3_request *request, struct weave *out);

/* The canonical request, and in `out_names` the list of signed headers. */
bool acs3_canonical(const struct acs3_request *request, struct weave *out,
                    struct kit_buffer *out_names);

/* The value of the Authorization header; `out_hash` gets the canonical request's SHA-256 in hex,
 * which a server quotes when it computed another signature. The access key's secret stays a handle
 * throughout. */
bool acs3_authorization(const struct acs3_signer *signer, const struct acs3_request *request,
                        const char *access_key_id, uint64_t access_key_secret,
                        struct kit_buffer *out, char out_hash[65]);

#endif
