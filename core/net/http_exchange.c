/* One request and its reply: what handlers see of a connection. */
#include "net/http_connection.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/secret.h"
#include "net/http_fields.h"
#include "net/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS_MAX_BYTES 8192

/* What must not lie in ordinary memory or reach a handler's eyes by accident. */
static const char *const credential_names[HTTP_CREDENTIAL_COUNT] = {
    "authorization", "cookie", "x-fc-access-key-id", "x-fc-access-key-secret",
    "x-fc-security-token"};

void http_server_limits_default(struct http_server_limits *limits)
{
    *limits = (struct http_server_limits){
        .parser = {.head_max_bytes = 32 * 1024,
                   .field_max_count = 100,
                   .body_max_bytes = 4 * 1024 * 1024},
        .head_deadline_ms = 10000,
        .body_deadline_ms = 30000,
        .idle_timeout_ms = 75000,
        .reply_queue_max_bytes = 256 * 1024,
        .reply_stall_timeout_ms = 30000,
    };
}

const char *http_status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } known[] = {{200, "OK"},
                 {202, "Accepted"},
                 {204, "No Content"},
                 {301, "Moved Permanently"},
                 {302, "Found"},
                 {303, "See Other"},
                 {304, "Not Modified"},
                 {307, "Temporary Redirect"},
                 {400, "Bad Request"},
                 {401, "Unauthorized"},
                 {403, "Forbidden"},
                 {404, "Not Found"},
                 {405, "Method Not Allowed"},
                 {406, "Not Acceptable"},
                 {408, "Request Timeout"},
                 {409, "Conflict"},
                 {413, "Content Too Large"},
                 {414, "URI Too Long"},
                 {415, "Unsupported Media Type"},
                 {417, "Expectation Failed"},
                 {422, "Unprocessable Content"},
                 {429, "Too Many Requests"},
                 {431, "Request Header Fields Too Large"},
                 {500, "Internal Server Error"},
                 {501, "Not Implemented"},
                 {502, "Bad Gateway"},
                 {503, "Service Unavailable"},
                 {504, "Gateway Timeout"},
                 {505, "HTTP Version Not Supported"}};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].status == status)
            return known[i].text;
    return "Unknown";
}

struct http_service *http_service_new(struct loop *loop, const struct http_server_limits *limits,
                                      void (*on_request)(void *arg, struct http_exchange *exchange),
                                      void *arg, struct error *err)
{
    struct http_service *service = calloc(1, sizeof *service);

    if (service == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for an HTTP service");
        return NULL;
    }
    service->loop = loop;
    service->limits = *limits;
    service->on_request = on_request;
    service->arg = arg;
    return service;
}

void http_service_use_tls(struct http_service *service, struct ssl_ctx_st *tls)
{
    service->tls = tls;
}

static int credential_index(struct slice name)
{
    for (int i = 0; i < HTTP_CREDENTIAL_COUNT; i++)
        if (slice_equal_nocase(name, credential_names[i]))
            return i;
    return -1;
}

static bool take_credentials(struct http_exchange *exchange, struct error *err)
{
    struct http_parser *parser = exchange->connection->parser;
    const struct http_head *head = http_parser_head(parser);

    for (size_t i = 0; i < head->field_count;) {
        int index = credential_index(head->fields[i].name);
        struct http_credential *credential;

        if (index < 0) {
            i++;
            continue;
        }
        credential = &exchange->credentials[index];
        if (credential->count++ == 0)
            credential->value =
                secret_copy(head->fields[i].value.data, head->fields[i].value.len, err);
        http_parser_remove_field(parser, i);
        if (credential->value == NULL)
            return false;
    }
    return true;
}

struct http_exchange *http_exchange_new(struct http_connection *connection, struct error *err)
{
    struct http_exchange *exchange = calloc(1, sizeof *exchange);

    if (exchange == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a request");
        return NULL;
    }
    exchange->connection = connection;
    buffer_init(&exchange->headers, HEADERS_MAX_BYTES);
    if (take_credentials(exchange, err))
        return exchange;
    http_exchange_free(exchange);
    return NULL;
}

void http_exchange_free(struct http_exchange *exchange)
{
    for (int i = 0; i < HTTP_CREDENTIAL_COUNT; i++)
        secret_free(exchange->credentials[i].value);
    buffer_clear(&exchange->headers);
    free(exchange);
}

const struct http_head *http_exchange_head(const struct http_exchange *exchange)
{
    return http_parser_head(exchange->connection->parser);
}

struct slice http_exchange_body(const struct http_exchange *exchange)
{
    const struct buffer *body = &exchange->connection->body;

    return (struct slice){body->data == NULL ? "" : body->data, body->len};
}

struct secret *http_exchange_secret_header(const struct http_exchange *exchange, const char *name,
                                           size_t *out_count)
{
    int index = credential_index(slice_of(name));

    if (out_count != NULL)
        *out_count = index < 0 ? 0 : exchange->credentials[index].count;
    return index < 0 ? NULL : exchange->credentials[index].value;
}

const char *http_exchange_peer(const struct http_exchange *exchange)
{
    return exchange->connection->peer;
}

struct loop *http_exchange_loop(const struct http_exchange *exchange)
{
    return exchange->connection->service->loop;
}

void http_exchange_set_owner(struct http_exchange *exchange,
                             void (*on_gone)(void *arg, const char *reason), void *arg)
{
    exchange->on_gone = on_gone;
    exchange->owner = arg;
}

bool http_exchange_add_header(struct http_exchange *exchange, const char *name, const char *value)
{
    struct error ignored = {0};

    return http_is_token(slice_of(name)) && http_value_is_valid(slice_of(value)) &&
           buffer_printf(&exchange->headers, &ignored, "%s: %s\r\n", name, value);
}

/* The exchange is over for its caller: nothing of it is called any more. */
static void finish(struct http_exchange *exchange)
{
    struct http_connection *connection = exchange->connection;

    connection->exchange = NULL;
    http_exchange_free(exchange);
    http_connection_reply_done(connection);
}

/* Not from within a call of the caller's: on_gone comes from the loop. */
static bool fail_later(struct http_exchange *exchange)
{
    http_connection_fail(exchange->connection);
    return false;
}

static bool send_head(struct http_exchange *exchange, int status, const char *content_type,
                      const char *framing)
{
    struct http_connection *connection = exchange->connection;
    CLEANUP(buffer_clear) struct buffer head;
    struct error err = {0};

    buffer_init(&head, 2 * HEADERS_MAX_BYTES);
    if (!buffer_printf(&head, &err, "HTTP/1.1 %d %s\r\n", status, http_status_text(status)) ||
        (content_type != NULL &&
         !buffer_printf(&head, &err, "Content-Type: %s\r\n", content_type)) ||
        !buffer_add(&head, exchange->headers.data, exchange->headers.len, &err) ||
        !buffer_printf(&head, &err, "%s%s\r\n", framing,
                       connection->must_close ? "Connection: close\r\n" : ""))
        return false;
    return http_connection_send(connection, head.data, head.len);
}

void http_exchange_reply(struct http_exchange *exchange, int status, const char *content_type,
                         const char *body, size_t len)
{
    struct http_connection *connection = exchange->connection;
    bool is_head = slice_equal_text(http_exchange_head(exchange)->method, "HEAD");
    char framing[64] = "";

    /* A whole reply may be larger than what is queued of a stream. */
    connection->out.max_bytes = SIZE_MAX / 4;
    if (status != 204 && status != 304)
        (void)snprintf(framing, sizeof framing, "Content-Length: %zu\r\n", len); /* fits */
    if (!send_head(exchange, status, content_type, framing) ||
        (!is_head && len > 0 && !http_connection_send(connection, body, len))) {
        connection->must_close = true;
        buffer_clear(&connection->out);
    }
    finish(exchange);
}

bool http_exchange_stream(struct http_exchange *exchange, int status, const char *content_type)
{
    struct http_connection *connection = exchange->connection;

    connection->out.max_bytes = connection->service->limits.reply_queue_max_bytes;
    exchange->is_streaming = true;
    exchange->is_chunked = http_exchange_head(exchange)->minor_version == 1;
    if (!exchange->is_chunked)
        connection->must_close = true;
    return send_head(exchange, status, content_type,
                     exchange->is_chunked ? "Transfer-Encoding: chunked\r\n" : "") ||
           fail_later(exchange);
}

bool http_exchange_write(struct http_exchange *exchange, const char *bytes, size_t len)
{
    struct http_connection *connection = exchange->connection;
    char size[24];
    int size_len;

    if (connection->is_failing)
        return false;
    if (len == 0)
        return true;
    if (!exchange->is_chunked)
        return http_connection_send(connection, bytes, len) || fail_later(exchange);
    size_len = snprintf(size, sizeof size, "%zx\r\n", len); /* a size is at most 16 digits */
    return (http_connection_send(connection, size, (size_t)size_len) &&
            http_connection_send(connection, bytes, len) &&
            http_connection_send(connection, "\r\n", 2)) ||
           fail_later(exchange);
}

void http_exchange_end(struct http_exchange *exchange)
{
    struct http_connection *connection = exchange->connection;

    if (connection->is_failing)
        return;
    connection->out.max_bytes += 16;
    if (exchange->is_chunked && !http_connection_send(connection, "0\r\n\r\n", 5))
        connection->must_close = true;
    finish(exchange);
}

void http_exchange_abort(struct http_exchange *exchange)
{
    struct http_connection *connection = exchange->connection;

    exchange->on_gone = NULL;
    http_connection_fail(connection);
}
