/* Refusals of the token endpoint in the shape of RFC 6749 section 5.2, with IDaaS's request id. */
#ifndef LOCAL_CLOUD_OAUTH_ERROR_H
#define LOCAL_CLOUD_OAUTH_ERROR_H

#include <stdbool.h>

struct error;
struct reply;

/* {"error","error_description","request_id"} and the headers that token answers carry. */
void oauth_error_reply(struct reply *reply, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Sets an error named "invalid_client" and returns false. */
bool oauth_refuse_client(struct error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A fresh request id, in the vendor's form (upper-case UUID). */
void make_request_id(char out[37]);

#endif
