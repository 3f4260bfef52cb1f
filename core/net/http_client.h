/* The one HTTP client: libcurl's multi interface driven by the loop; one client per loop.
 *
 * Redirects are never followed. Trust comes from the hashed CA directory, plus SSL_CERT_FILE and
 * SSL_CERT_DIR. Plain http is refused except towards loopback and addresses the caller names.
 * Proxies from the environment are not used. */
#ifndef SESAME_NET_HTTP_CLIENT_H
#define SESAME_NET_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct error;
struct http_call;
struct http_client;
struct loop;
struct origin_nonces;
struct secret;

struct http_client_options {
    const char *user_agent;       /* NULL: "sesame/<version> libcurl/<version> (<os>; <arch>)" */
    const char *ca_file;          /* extra trust, PEM; NULL: the environment's SSL_CERT_FILE */
    int32_t connect_timeout_ms;   /* 0: 5000 */
    int32_t max_host_connections; /* 0: no limit */
};

struct http_client *http_client_new(struct loop *loop, const struct http_client_options *options,
                                    struct error *err);
/* Cancels what is still running, without callbacks. */
void http_client_free(struct http_client *client);

/* What servers asked to see in the next DPoP proof, shared by all calls of this client. */
struct origin_nonces *http_client_nonces(struct http_client *client);

/* A header to send. With `secret` the value is `value` followed by the secret's bytes; the line
 * exists in ordinary memory only while the request is on the wire and is wiped after it. */
struct http_header {
    struct slice name;
    struct slice value;
    const struct secret *secret;
};

/* What to send. Everything is copied or referenced by http_client_start. */
struct http_request_options {
    const char *method;                /* "GET" */
    const char *url;                   /* absolute, without user info and fragment */
    const struct secret *secret_query; /* goes behind "?": then `url` has no query of its own */
    const struct http_header *headers;
    size_t header_count;
    struct slice body;
    const struct secret *secret_body; /* instead of `body`: stays in locked memory */

    int32_t connect_timeout_ms; /* 0: the client's */
    int64_t total_timeout_ms;   /* 0: none */
    int64_t idle_timeout_ms;    /* without a byte received or sent; 0: none */
    size_t answer_max_bytes;    /* 0: 4 MiB; beyond it the call fails with ERROR_LIMIT */
    bool is_secret_answer;      /* the body goes into locked memory, not to on_data */
    bool is_http1_only;         /* credentials in headers other than Authorization (design §1) */
    bool allow_plain_http;      /* to any host: metadata addresses only */
    const struct secret *client_certificate; /* PEM, leaf first; goes with its key, or both NULL */
    const struct secret *client_key;         /* PKCS#8 DER */
};

struct http_answer_header {
    struct slice name;
    struct slice value;
};

/* Any may be NULL. Called on the loop, never inside start or cancel. */
struct http_call_events {
    /* Once, when the final header block (not 1xx) is complete. Borrowed for the call. */
    void (*on_head)(void *arg, int status, const struct http_answer_header *headers, size_t count);
    void (*on_data)(void *arg, const char *bytes, size_t len);
    /* Exactly once, last; the call is gone when it returns. `err` is NULL on success, whatever the
     * status. `answer` is the secret body (borrowed; take a reference), NULL otherwise. */
    void (*on_done)(void *arg, int status, struct secret *answer, const struct error *err);
};

/* Starts a call, also inside another's callbacks. On success on_done follows exactly once unless it
 * is cancelled. The error names the URL without its query. */
struct http_call *http_client_start(struct http_client *client,
                                    const struct http_request_options *options,
                                    const struct http_call_events *events, void *arg,
                                    struct error *err);

/* Ends it at once: no callback after this returns. May be called inside on_head and on_data. */
void http_call_cancel(struct http_call *call);

/* Stops and resumes reading the answer (back-pressure). Resuming may call on_data inside this call
 * with bytes that had been held back. */
void http_call_pause(struct http_call *call, bool is_paused);

/* Origin of an absolute http or https URL, as "https://host:443" in lower case with the port always
 * written. Refuses other schemes, user info, blanks, control characters, backslashes, an empty host
 * and bad ports. `out` holds `out_size` bytes; 300 are enough. */
bool url_origin(const char *url, size_t len, char *out, size_t out_size, struct error *err);

/* True for http://127.x.x.x, http://localhost and http://[::1]. */
bool url_is_loopback(const char *url);

/* True for http://100.100.100.200, where Alibaba Cloud machines ask for metadata and which speaks
 * no TLS. The link never leaves the machine's own network. */
bool url_is_metadata(const char *url);

/* Copies a URL without query, fragment and user info, for messages. */
void url_for_message(const char *url, char *out, size_t out_size);

/* Seconds since 1970 of an HTTP date in its preferred form (RFC 9110 section 5.6.7), -1 when it is
 * none. */
int64_t http_date_read(struct slice value);

/* Retry-After in milliseconds from a header value (seconds or HTTP date), -1 when it is neither. */
int64_t http_retry_after_ms(struct slice value, int64_t wall_now_s);

#endif
