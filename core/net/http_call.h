/* One outgoing call; private to core/net. */
#ifndef SESAME_NET_HTTP_CALL_H
#define SESAME_NET_HTTP_CALL_H

#include "base/buffer.h"
#include "base/secret.h"
#include "net/http_client.h"

#include <curl/curl.h>

struct loop_timer;
struct origin_nonces;
struct tls_trust;

struct http_client {
    struct loop *loop;
    CURLM *multi;
    struct loop_timer *timer;
    struct tls_trust *trust;
    struct origin_nonces *nonces;
    char *user_agent;
    int32_t connect_timeout_ms;
    struct http_call *calls;
    int depth; /* > 0 while libcurl is calling us: handles must not be added or removed then */
    bool has_dead_calls;
};

struct http_call {
    struct http_client *client;
    struct http_call *next, *previous;
    CURL *easy;
    struct curl_slist *headers;
    struct buffer body;
    struct secret *secret_body;
    struct secret *client_certificate, *client_key;
    struct http_call_events events;
    void *arg;
    struct buffer head; /* header lines of the answer so far */
    int status;
    bool has_head;   /* on_head was called */
    bool is_dead;    /* cancelled from inside a callback: removed when libcurl has returned */
    bool is_waiting; /* started inside a callback: added when libcurl has returned */
    bool is_secret_answer;
    struct secret_builder secret_answer;
    size_t answer_bytes;
    size_t answer_max_bytes;
    struct loop_timer *idle;
    int64_t idle_timeout_ms;
    curl_off_t sent_bytes; /* of the body; what has gone out is no silence */
    bool is_paused;
    struct error *failure; /* what a callback found wrong */
    char curl_message[CURL_ERROR_SIZE];
    char url[300]; /* for messages: without its query */
};

/* Sets all options on `call->easy`. */
bool http_call_configure(struct http_call *call, const struct http_request_options *options,
                         struct error *err);

/* Notes activity: restarts the idle timer, unless the call is paused. */
void http_call_touch(struct http_call *call);

/* Turns libcurl's result into an error. */
void http_call_explain(const struct http_call *call, CURLcode code, struct error *err);

#endif
