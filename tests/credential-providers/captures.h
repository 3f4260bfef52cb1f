/* Captured requests of the vendor's SDK (tests/vectors/idaas-requests.json) and how ours compare.
 */
#ifndef SESAME_TESTS_CREDENTIAL_PROVIDERS_CAPTURES_H
#define SESAME_TESTS_CREDENTIAL_PROVIDERS_CAPTURES_H

#include "bench.h"

#include <json-c/json.h>
#include <openssl/types.h>

struct buffer;

struct json_object *captures_load(void); /* the caller puts it */
/* The case of this id; it must be there. */
struct json_object *captures_find(struct json_object *captures, const char *id);
/* Calls `fn` for each case whose id begins with `prefix` and gives their number. */
int captures_each(struct json_object *captures, const char *prefix,
                  void (*fn)(struct json_object *capture));

/* The configuration of a case, borrowed, with its environment set. */
struct json_object *capture_config(struct json_object *capture);
bool capture_succeeded(const struct json_object *capture);

/* What proves an assertion: the client's secret, or its private or public key; or NULL for one that
 * is sent as it is, which is compared byte for byte. */
struct assertion_proof {
    const char *secret;
    EVP_PKEY *key;
};

/* Opens the provider of a case, fetches what the SDK fetched there and compares the token request
 * field by field: the form as a set of pairs, the assertion by its decoded header and claims
 * without the times and the random id, its signature with OpenSSL. */
void capture_replay(struct json_object *capture, const struct assertion_proof *proof);

/* The value of a form field, decoded; false when it is not there. */
bool form_field(const char *form, const char *name, struct buffer *out);

#endif
