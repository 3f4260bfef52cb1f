/* Endpoints and scopes as IDaaS writes them: pure text rules. */
#ifndef SESAME_CONFIG_ENDPOINT_H
#define SESAME_CONFIG_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct error;

/* The parts of an absolute http or https URL, borrowed from its text. */
struct url_parts {
    bool is_https;
    struct slice host; /* without brackets */
    int port;          /* 443 or 80 when none is written */
    struct slice path; /* from the first '/' on, query included; may be empty */
};

/* Refuses other schemes, user info, fragments, blanks and control characters, a missing host and a
 * port outside 1..65535. The error names the fault, and the URL without its query. */
bool url_split(const char *url, struct url_parts *out_parts, struct error *err);

/* True for localhost, *.localhost, 127.0.0.0/8 and ::1. */
bool host_is_loopback(struct slice host);

/* An IDaaS endpoint in its normal form, which the caller frees: blanks at both ends trimmed, a
 * missing scheme becomes https, http becomes https (as in the vendor's SDK) except towards loopback
 * with `allow_loopback_http`, the scheme is compared without case, a trailing '/' is dropped. The
 * normalised token endpoint is the audience of client assertions. */
char *endpoint_normalise(const char *text, bool allow_loopback_http, struct error *err);

/* Checks "audience|value audience|value ...": at least one item, exactly one '|' in each with text
 * on both sides, one audience in all. Names: InvalidScope, MultipleAudienceNotSupported. On success
 * `*out_audience` (may be NULL) borrows the audience. */
bool scope_check(const char *scope, struct slice *out_audience, struct error *err);

/* The same for other servers than IDaaS, which know plain scopes too: either no item has an
 * audience
 * ("read write"; `*out_audience` is empty then), or all have one, and its value may be missing
 * ("https://svc.example|", for a server that gives what it gives for that audience). */
bool scope_check_oauth(const char *scope, struct slice *out_audience, struct error *err);

/* Cuts the next blank-separated item off `rest`; false when none is left. */
bool scope_next(struct slice *rest, struct slice *out_item);

#endif
