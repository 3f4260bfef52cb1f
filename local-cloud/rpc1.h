/* Signature version 1 of RPC calls, HMAC-SHA1 in the parameters (alibaba-cloud.md section 3.6):
 * what the vendor's credential clients still send to STS. */
#ifndef LOCAL_CLOUD_RPC1_H
#define LOCAL_CLOUD_RPC1_H

struct params;
struct pop_gate;
struct ram_key;
struct reply;
struct request;

/* Who signed the request, whose query and form are `params`; NULL after a refusal. */
const struct ram_key *rpc1_authenticate(const struct pop_gate *gate, const struct request *request,
                                        const struct params *params, struct reply *reply);

#endif
