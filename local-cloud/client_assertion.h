/* JWT assertions by which a client authenticates (RFC 7523 section 3, idaas.md section 2.2). */
#ifndef LOCAL_CLOUD_CLIENT_ASSERTION_H
#define LOCAL_CLOUD_CLIENT_ASSERTION_H

#include <stdbool.h>
#include <stdint.h>

struct cloud;
struct error;
struct evp_pkey_st;
struct realm_client;

/* True when `assertion` is a JWS of `client` for this token endpoint, neither expired nor used
 * before, and its signature is right: by `key` when that is not NULL (the leaf's of an X.509
 * chain), else by the client's secret (HS256) or one of its registered keys. The error's name is
 * "invalid_client". */
bool client_assertion_check(struct cloud *cloud, const struct realm_client *client,
                            const char *assertion, struct evp_pkey_st *key, int64_t now_s,
                            struct error *err);

#endif
