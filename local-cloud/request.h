/* One request as the stand-in's handlers see it, whether it came over a socket or from a test. */
#ifndef LOCAL_CLOUD_REQUEST_H
#define LOCAL_CLOUD_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "net/http_parser.h"

/* Everything is borrowed for the call of the handler. */
struct request {
    struct slice method;
    struct slice path;  /* as sent, not decoded */
    struct slice query; /* without '?' */
    struct slice body;
    const struct http_field *fields; /* without Authorization */
    size_t field_count;
    struct slice authorization; /* {NULL, 0} when not sent */
    size_t authorization_count; /* how often the header was sent */
    bool is_tls;
    int64_t now_s;
    int64_t now_ms;
};

bool request_is(const struct request *request, const char *method, const char *path);

/* The first header of that name; {NULL, 0} when there is none. */
struct slice request_header(const struct request *request, const char *name);

/* The token behind "Bearer " (the scheme without case); false when the header is missing, comes
 * twice, or has another scheme or shape. */
bool request_bearer(const struct request *request, struct slice *out_token);

/* True when the media type of Content-Type is `type`, parameters apart. */
bool request_has_content_type(const struct request *request, const char *type);

/* True when Accept lists `type` by name or by "*" forms. A missing header accepts everything. */
bool request_accepts(const struct request *request, const char *type);

/* True unless a browser says that the form came from another site: such a form must not decide
 * anything for anybody. */
bool request_is_own_form(const struct request *request);

#endif
