/* Signature version 3, ACS3-HMAC-SHA256 (alibaba-cloud.md section 2), as the gateway checks it. */
#ifndef LOCAL_CLOUD_ACS3_H
#define LOCAL_CLOUD_ACS3_H

struct pop_gate;
struct ram_key;
struct reply;
struct request;

/* Who signed the request; NULL after a refusal. What is signed has to include host, every header
 * that begins with "x-acs-" and the digest of the body. */
const struct ram_key *acs3_authenticate(const struct pop_gate *gate, const struct request *request,
                                        struct reply *reply);

#endif
