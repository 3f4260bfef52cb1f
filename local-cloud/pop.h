/* The gateway in front of Alibaba Cloud's OpenAPIs: error answers, and who has signed a request. */
#ifndef LOCAL_CLOUD_POP_H
#define LOCAL_CLOUD_POP_H

#include <stdbool.h>
#include <stdint.h>

struct json_object;
struct params;
struct ram;
struct ram_key;
struct replay_memory;
struct reply;
struct request;

/* Answers with {"RequestId","HostId","Code","Message","Recommend"} and returns false.
 * alibaba-cloud.md section 1.6. */
bool pop_refuse(struct reply *reply, const struct request *request, int status, const char *code,
                const char *format, ...) __attribute__((format(printf, 5, 6)));

/* False after a refusal of plain http, which only a stand-in takes. alibaba-cloud.md section 1.6.
 */
bool pop_may_be_plain(bool needs_ssl, const struct request *request, struct reply *reply);

/* 403 NoPermission with AccessDeniedDetail, which names the action that `key` may not do. */
bool pop_refuse_permission(struct reply *reply, const struct request *request,
                           const struct ram_key *key, const char *action);

/* 200 with RequestId added to `value`, which is taken. */
void pop_reply(struct reply *reply, struct json_object *value);

/* The parameter, or NULL after a refusal with Missing{Name}. */
const char *pop_require(struct reply *reply, const struct request *request,
                        const struct params *params, const char *name);

/* What a signature is checked against. */
struct pop_gate {
    const struct ram *ram;
    struct replay_memory *nonces;
};

/* Who signed the request, by signature version 3 (acs3.h) when there is an Authorization header,
 * else by version 1 (rpc1.h) in the parameters, which are those of query and form together. Checks
 * key, security token, time (15 minutes), signature and that the nonce is new, in this order. NULL
 * after a refusal. */
const struct ram_key *pop_authenticate(const struct pop_gate *gate, const struct request *request,
                                       const struct params *params, struct reply *reply);

/* The parts that both versions share; each answers itself when it returns NULL or false. */
const struct ram_key *pop_check_key(const struct pop_gate *gate, const struct request *request,
                                    const char *id, const char *token, struct reply *reply);
bool pop_check_time(const struct request *request, const char *date, struct reply *reply);
bool pop_check_nonce(const struct pop_gate *gate, const struct request *request,
                     const struct ram_key *key, const char *nonce, struct reply *reply);

#endif
