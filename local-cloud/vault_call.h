/* One call of the DeveloperAPI, as the handlers of its operations see it. */
#ifndef LOCAL_CLOUD_VAULT_CALL_H
#define LOCAL_CLOUD_VAULT_CALL_H

#include <stdbool.h>

struct cloud;
struct json_object;
struct params;
struct reply;
struct request;

struct vault_call {
    struct cloud *cloud;
    const struct request *request;
    const struct params *query;
    struct json_object *body;   /* NULL for GET */
    struct json_object *claims; /* of the access token; NULL where none is needed */
    struct reply *reply;
};

/* Answers with an error in the shape that the switch vault.error_shape says. */
void vault_refuse(const struct vault_call *call, int status, const char *pop_code,
                  const char *oauth_code, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* A text parameter of the query or the body; NULL when it is missing, empty or no text. */
const char *vault_text(const struct vault_call *call, const char *name);

#endif
