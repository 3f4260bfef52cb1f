/* One outgoing call: its options, its callbacks, what its failures mean. */
#include "net/http_call.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "net/http_fields.h"
#include "net/loop.h"
#include "net/tls_client_key.h"
#include "net/tls_trust.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/ssl.h>

#define HEAD_MAX_BYTES (64 * 1024)
#define HEADER_MAX_COUNT 128

void http_call_touch(struct http_call *call)
{
    if (call->idle != NULL && !call->is_paused)
        loop_timer_start(call->idle, call->idle_timeout_ms);
}

static bool note_failure(struct http_call *call, enum error_code code, const char *message)
{
    if (call->failure == NULL) {
        call->failure = calloc(1, sizeof *call->failure);
        if (call->failure != NULL)
            error_set(call->failure, code, "%s", message);
    }
    return false;
}

/* ---- the answer ------------------------------------------------------------------------------ */

/* Once all of it is sent and the answer is there, libcurl does not read the body again: before that
 * it would, for another connection when a kept one turns out dead. */
static void release_body(struct http_call *call)
{
    curl_off_t sent_bytes = 0;

    curl_easy_getinfo(call->easy, CURLINFO_SIZE_UPLOAD_T, &sent_bytes);
    if (call->body.len > 0 && sent_bytes >= (curl_off_t)call->body.len)
        buffer_clear(&call->body);
}

/* Session tickets of TLS 1.3 come before the answer. To read them OpenSSL also makes a write
 * buffer, 16 KiB that only the next request would release; a stream may be long. Refused, and no
 * harm, while something waits in one of the buffers. */
static void release_tls_buffers(const struct http_call *call)
{
    struct curl_tlssessioninfo *tls = NULL;

    if (curl_easy_getinfo(call->easy, CURLINFO_TLS_SSL_PTR, &tls) == CURLE_OK && tls != NULL &&
        tls->backend == CURLSSLBACKEND_OPENSSL && tls->internals != NULL)
        (void)SSL_free_buffers(tls->internals);
}

static void give_head(struct http_call *call)
{
    struct http_answer_header headers[HEADER_MAX_COUNT];
    struct slice rest = {call->head.data, call->head.len};
    size_t count = 0;

    call->has_head = true;
    release_body(call);
    release_tls_buffers(call);
    while (rest.len > 0 && count < HEADER_MAX_COUNT) {
        struct slice line = slice_trim(slice_cut(&rest, '\n')), value = line;
        struct slice name = slice_cut(&value, ':');

        if (value.data == NULL || !http_is_token(name))
            continue;
        headers[count++] = (struct http_answer_header){name, slice_trim(value)};
    }
    if (call->events.on_head != NULL)
        call->events.on_head(call->arg, call->status, headers, count);
    buffer_clear(&call->head);
}

static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct http_call *call = arg;
    struct error ignored = {0};
    size_t len = size * count;
    long status = 0;

    if (call->is_dead)
        return 0;
    http_call_touch(call);
    if (call->has_head)
        return len; /* trailers are of no use here */
    if (len > 5 && memcmp(bytes, "HTTP/", 5) == 0) {
        buffer_truncate(&call->head, 0);
        return len;
    }
    if (len > 0 && (bytes[0] == '\r' || bytes[0] == '\n')) {
        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
        call->status = (int)status;
        if (status >= 200)
            give_head(call);
        return call->is_dead ? 0 : len;
    }
    if (!buffer_add(&call->head, bytes, len, &ignored)) {
        note_failure(call, ERROR_LIMIT, "the answer's header is larger than 64 KiB");
        return 0;
    }
    return len;
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *arg)
{
    struct http_call *call = arg;
    size_t len = size * count;
    struct error err = {0};

    if (call->is_dead)
        return 0;
    http_call_touch(call);
    if (len > call->answer_max_bytes - call->answer_bytes) {
        note_failure(call, ERROR_LIMIT, "the answer is larger than allowed");
        return 0;
    }
    call->answer_bytes += len;
    if (call->is_secret_answer) {
        if (!secret_builder_add(&call->secret_answer, bytes, len, &err)) {
            note_failure(call, err.code, err.message);
            return 0;
        }
    } else if (call->events.on_data != NULL) {
        call->events.on_data(call->arg, bytes, len);
    }
    return call->is_dead ? 0 : len;
}

/* libcurl tells how far the upload is: a slow reader of a long body is not silent. */
static int on_progress(void *arg, curl_off_t download_total, curl_off_t downloaded,
                       curl_off_t upload_total, curl_off_t uploaded)
{
    struct http_call *call = arg;

    (void)download_total;
    (void)downloaded;
    (void)upload_total;
    if (uploaded != call->sent_bytes && !call->is_dead) {
        call->sent_bytes = uploaded;
        http_call_touch(call);
    }
    return 0;
}

/* ---- the connection -------------------------------------------------------------------------- */

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)arg;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                  address->protocol);
}

static CURLcode prepare_tls(CURL *easy, void *context, void *arg)
{
    struct http_call *call = arg;
    SSL_CTX *tls = context;

    (void)easy;
    SSL_CTX_set_options(tls, SSL_OP_CLEANSE_PLAINTEXT);
    /* Else two buffers of a record each are held while a stream is quiet. */
    SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
    if (call->client_key != NULL)
        tls_client_key_forget_after_handshake(tls);
    return tls_trust_add(call->client->trust, tls) ? CURLE_OK : CURLE_SSL_CACERT_BADFILE;
}

/* ---- the request ----------------------------------------------------------------------------- */

/* Adds one header line. With a secret the line lies in ordinary memory until the call is over; it
 * is wiped with the list. */
static bool add_header(struct http_call *call, const struct http_header *header, struct error *err)
{
    struct curl_slist *list;
    struct buffer line;
    size_t secret_len = 0;
    const char *bytes = header->secret == NULL ? "" : secret_borrow(header->secret, &secret_len);
    bool ok;

    if (!http_is_token(header->name) || !http_value_is_valid(header->value) ||
        !http_value_is_valid((struct slice){bytes, secret_len}))
        return error_set(err, ERROR_BAD_INPUT,
                         "the header %.*s holds a control character or has no valid name",
                         (int)(header->name.len < 64 ? header->name.len : 64), header->name.data);
    buffer_init(&line, header->name.len + header->value.len + secret_len + 8);
    ok = buffer_add(&line, header->name.data, header->name.len, err);
    if (ok && header->value.len + secret_len == 0)
        ok = buffer_add_char(&line, ';', err); /* libcurl's spelling of an empty value */
    else
        ok = ok && buffer_add(&line, ": ", 2, err) &&
             buffer_add(&line, header->value.data, header->value.len, err) &&
             buffer_add(&line, bytes, secret_len, err);
    list = ok ? curl_slist_append(call->headers, line.data) : NULL;
    buffer_wipe(&line);
    if (list == NULL)
        return ok ? error_set(err, ERROR_NO_MEMORY, "no memory for a request") : false;
    call->headers = list;
    return true;
}

static bool add_literal(struct http_call *call, const char *line, struct error *err)
{
    struct curl_slist *list = curl_slist_append(call->headers, line);

    if (list == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory for a request");
    call->headers = list;
    return true;
}

static bool set_headers(struct http_call *call, const struct http_request_options *options,
                        struct error *err)
{
    bool has_type = false;

    for (size_t i = 0; i < options->header_count; i++) {
        has_type = has_type || slice_equal_nocase(options->headers[i].name, "content-type");
        if (!add_header(call, &options->headers[i], err))
            return false;
    }
    /* Without these libcurl waits for 100-continue and invents a content type. */
    if (!add_literal(call, "Expect:", err) ||
        (!has_type && !add_literal(call, "Content-Type:", err)))
        return false;
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
    return true;
}

static bool set_body(struct http_call *call, const struct http_request_options *options,
                     struct error *err)
{
    const char *bytes = NULL;
    size_t len = 0;

    if (options->secret_body != NULL) {
        /* A reference, so the bytes libcurl reads stay in the arena; secrets are shared read-only,
         * only the count changes. */
        call->secret_body = secret_share(options->secret_body);
        bytes = secret_borrow(call->secret_body, &len);
    } else if (options->body.len > 0) {
        buffer_init(&call->body, options->body.len);
        if (!buffer_add(&call->body, options->body.data, options->body.len, err))
            return false;
        bytes = call->body.data;
        len = call->body.len;
    }
    if (bytes != NULL || strcmp(options->method, "POST") == 0 ||
        strcmp(options->method, "PUT") == 0 || strcmp(options->method, "PATCH") == 0) {
        curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, bytes == NULL ? "" : bytes);
        curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
    }
    if (len > 0 && call->idle_timeout_ms > 0) {
        curl_easy_setopt(call->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
        curl_easy_setopt(call->easy, CURLOPT_XFERINFODATA, call);
        curl_easy_setopt(call->easy, CURLOPT_NOPROGRESS, 0L);
    }
    if (strcmp(options->method, "HEAD") == 0)
        curl_easy_setopt(call->easy, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, options->method);
    return true;
}

/* References, so that the bytes libcurl reads stay. */
static bool set_client_certificate(struct http_call *call,
                                   const struct http_request_options *options, struct error *err)
{
    struct curl_blob blob = {.flags = CURL_BLOB_NOCOPY};
    const char *bytes;

    if (options->client_certificate == NULL && options->client_key == NULL)
        return true;
    if (options->client_certificate == NULL || options->client_key == NULL)
        return error_set(err, ERROR_BAD_INPUT,
                         "%s: a client certificate and its key go together, one is missing",
                         call->url);
    call->client_certificate = secret_share(options->client_certificate);
    call->client_key = secret_share(options->client_key);
    bytes = secret_borrow(call->client_certificate, &blob.len);
    memcpy(&blob.data, &bytes, sizeof blob.data);
    curl_easy_setopt(call->easy, CURLOPT_SSLCERT_BLOB, &blob);
    bytes = secret_borrow(call->client_key, &blob.len);
    memcpy(&blob.data, &bytes, sizeof blob.data);
    curl_easy_setopt(call->easy, CURLOPT_SSLKEYTYPE, "DER");
    curl_easy_setopt(call->easy, CURLOPT_SSLKEY_BLOB, &blob);
    return true;
}

static void set_transport(struct http_call *call, const struct http_request_options *options)
{
    CURL *easy = call->easy;
    int32_t connect_ms = options->connect_timeout_ms > 0 ? options->connect_timeout_ms
                                                         : call->client->connect_timeout_ms;

    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->curl_message);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* Without it, cancelling during a slow name look-up waits for the look-up. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     options->is_http1_only ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, call->client->user_agent);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)options->total_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, TLS_TRUST_SYSTEM_DIRECTORY);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, prepare_tls);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, call);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    /* Both are held until the call is over, and a model's answer takes its time. Over TLS libcurl
     * passes each request through the second, which is 64 KiB unless told. */
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 4096L);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
}

/* libcurl copies the URL; the wiping allocators clear its copy. */
static bool set_url(struct http_call *call, const struct http_request_options *options,
                    struct error *err)
{
    CLEANUP(buffer_wipe) struct buffer url;
    const char *query;
    size_t len;

    buffer_init(&url, SIZE_MAX / 4);
    if (options->secret_query == NULL) {
        curl_easy_setopt(call->easy, CURLOPT_URL, options->url);
        return true;
    }
    if (strchr(options->url, '?') != NULL)
        return error_set(err, ERROR_BAD_INPUT, "%s: the URL has a query of its own", call->url);
    query = secret_borrow(options->secret_query, &len);
    if (!http_value_is_valid((struct slice){query, len}) || memchr(query, ' ', len) != NULL ||
        memchr(query, '#', len) != NULL)
        return error_set(err, ERROR_BAD_INPUT, "%s: the query is not percent-encoded", call->url);
    if (!buffer_add_text(&url, options->url, err) || !buffer_add_char(&url, '?', err) ||
        !buffer_add(&url, query, len, err))
        return false;
    curl_easy_setopt(call->easy, CURLOPT_URL, url.data);
    return true;
}

bool http_call_configure(struct http_call *call, const struct http_request_options *options,
                         struct error *err)
{
    char origin[300];

    url_for_message(options->url, call->url, sizeof call->url);
    if (!url_origin(options->url, strlen(options->url), origin, sizeof origin, err))
        return false;
    if (strncmp(origin, "http://", 7) == 0 && !options->allow_plain_http &&
        !url_is_loopback(options->url))
        return error_set_named(err, ERROR_DENIED, "PlainHttpRefused",
                               "%s: plain http is allowed towards loopback only, use https",
                               call->url);
    if (!http_is_token(slice_of(options->method)))
        return error_set(err, ERROR_BAD_INPUT, "%s: the request's method is no token", call->url);
    buffer_init(&call->head, HEAD_MAX_BYTES);
    call->answer_max_bytes =
        options->answer_max_bytes > 0 ? options->answer_max_bytes : 4 * 1024 * 1024;
    call->is_secret_answer = options->is_secret_answer;
    secret_builder_init(&call->secret_answer, call->answer_max_bytes);
    call->idle_timeout_ms = options->idle_timeout_ms;
    set_transport(call, options);
    return set_url(call, options, err) && set_client_certificate(call, options, err) &&
           set_body(call, options, err) && set_headers(call, options, err);
}

void http_call_explain(const struct http_call *call, CURLcode code, struct error *err)
{
    const char *detail =
        call->curl_message[0] != '\0' ? call->curl_message : curl_easy_strerror(code);

    if (call->failure != NULL) {
        error_set(err, call->failure->code, "%s: %s", call->url, call->failure->message);
        return;
    }
    switch (code) {
    case CURLE_OK:
        /* libcurl takes a connection that ends within the head for an answer without a body. */
        error_set_named(err, ERROR_UPSTREAM, "AnswerCut", "%s: the answer ended within its head",
                        call->url);
        break;
    case CURLE_COULDNT_RESOLVE_HOST:
        error_set_named(err, ERROR_UPSTREAM, "NameNotFound", "%s: the host name cannot be resolved",
                        call->url);
        break;
    case CURLE_COULDNT_CONNECT:
        error_set_named(err, ERROR_UPSTREAM, "ConnectFailed", "%s: cannot connect: %s", call->url,
                        detail);
        break;
    case CURLE_OPERATION_TIMEDOUT: {
        curl_off_t connected_us = 0;

        curl_easy_getinfo(call->easy, CURLINFO_CONNECT_TIME_T, &connected_us);
        error_set_named(err, ERROR_TIMED_OUT, connected_us > 0 ? "ReadTimeOut" : "ConnectTimeOut",
                        "%s: %s in time", call->url,
                        connected_us > 0 ? "no complete answer" : "no connection");
        break;
    }
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        error_set_named(err, ERROR_UPSTREAM, "TlsNotTrusted",
                        "%s: the server's certificate is not trusted (%s); if it comes from a "
                        "private CA, name its file in SSL_CERT_FILE",
                        call->url, detail);
        break;
    case CURLE_SSL_CERTPROBLEM:
        error_set_named(err, ERROR_BAD_INPUT, "ClientCertificateUnusable",
                        "%s: the client certificate cannot be used: %s; expected a PEM "
                        "certificate, leaf first, and the private key that belongs to it",
                        call->url, detail);
        break;
    default:
        error_set_named(err, ERROR_UPSTREAM, "HttpFailed", "%s: %s", call->url, detail);
        break;
    }
}
