/* One server connection: reading requests, deadlines, sending, hang-ups. */
#include "net/http_connection.h"

#include "base/error.h"
#include "base/log.h"
#include "net/loop.h"
#include "net/stream.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES 16384
#define LINGER_MS 1000
#define GATHER_MAX_BYTES (16 * 1024)

static void arm(struct http_connection *connection);
static void process(struct http_connection *connection, const char *bytes, size_t len);

/* ---- life ------------------------------------------------------------------------------------ */

static void unlink_connection(struct http_connection *connection)
{
    struct http_service *service = connection->service;

    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        service->connections = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    service->connection_count--;
    if (service->is_draining && service->connection_count == 0 && service->on_drained != NULL) {
        void (*on_drained)(void *arg) = service->on_drained;

        service->on_drained = NULL;
        on_drained(service->drained_arg);
    }
}

void http_connection_close(struct http_connection *connection, const char *reason)
{
    struct http_exchange *exchange = connection->exchange;

    connection->exchange = NULL;
    if (exchange != NULL) {
        void (*on_gone)(void *arg, const char *why) = exchange->on_gone;
        void *owner = exchange->owner;

        http_exchange_free(exchange);
        if (on_gone != NULL)
            on_gone(owner, reason);
    }
    loop_watch_free(connection->watch);
    loop_timer_free(connection->timer);
    loop_timer_free(connection->flusher);
    stream_free(connection->stream);
    http_parser_free(connection->parser);
    buffer_wipe(&connection->body);
    buffer_wipe(&connection->pending);
    buffer_clear(&connection->out);
    unlink_connection(connection);
    free(connection);
}

/* For a connection without a request: another service goes on with the socket. */
static void hand_over(struct http_connection *connection)
{
    struct http_service *service = connection->service;
    int fd = fcntl(stream_fd(connection->stream), F_DUPFD_CLOEXEC, 0);

    if (fd >= 0)
        service->take(service->take_arg, fd);
    http_connection_close(connection, "another service goes on");
}

/* Ends the connection so that the peer can still read what was sent: with unread bytes in the
 * socket a plain close would reset it and throw the reply away. */
static void start_closing(struct http_connection *connection)
{
    connection->phase = CONNECTION_CLOSING;
    stream_finish(connection->stream);
    loop_timer_start(connection->timer, LINGER_MS);
    arm(connection);
}

/* ---- replies the connection gives by itself -------------------------------------------------- */

static void refuse(struct http_connection *connection, int status, const char *reason)
{
    char body[256], head[256];
    int body_len, head_len;

    connection->must_close = true;
    /* `reason` is a short constant of the parser, so both fit. */
    body_len = snprintf(body, sizeof body,
                        "{\"error\":{\"message\":\"%s\",\"type\":\"invalid_request_error\","
                        "\"param\":null,\"code\":\"%s\"}}",
                        reason,
                        status == 413 || status == 431 || status == 414 ? "request_too_large"
                        : status == 408                                 ? "request_timeout"
                                                                        : "bad_request");
    head_len = snprintf(head, sizeof head,
                        "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
                        "Connection: close\r\n\r\n",
                        status, http_status_text(status), body_len);
    if (http_connection_send(connection, head, (size_t)head_len) &&
        http_connection_send(connection, body, (size_t)body_len))
        http_connection_reply_done(connection);
    else
        http_connection_fail(connection);
}

static void on_deadline(void *arg)
{
    struct http_connection *connection = arg;

    if (connection->is_failing) {
        http_connection_close(connection, "the client reads too slowly or is gone");
        return;
    }
    switch (connection->phase) {
    case CONNECTION_READING:
        refuse(connection, 408, "the request did not arrive in time");
        break;
    case CONNECTION_IDLE:
        http_connection_close(connection, "idle");
        break;
    case CONNECTION_SERVING:
    case CONNECTION_FLUSHING:
        http_connection_close(connection, "the client reads too slowly");
        break;
    case CONNECTION_CLOSING:
        http_connection_close(connection, "closed");
        break;
    }
}

/* ---- sending --------------------------------------------------------------------------------- */

/* The client takes nothing more for now. In the other phases the request's own deadline holds. */
static void wait_for_room(struct http_connection *connection)
{
    connection->is_blocked = true;
    if (connection->phase == CONNECTION_SERVING || connection->phase == CONNECTION_FLUSHING)
        loop_timer_start(connection->timer, connection->service->limits.reply_stall_timeout_ms);
}

static void note_room(struct http_connection *connection)
{
    if (!connection->is_blocked)
        return;
    connection->is_blocked = false;
    if (connection->phase == CONNECTION_SERVING || connection->phase == CONNECTION_FLUSHING)
        loop_timer_stop(connection->timer);
}

/* Sends what the socket takes of `bytes`. False when the peer is gone. */
static bool send_some(struct http_connection *connection, const char *bytes, size_t len,
                      size_t *out_sent)
{
    *out_sent = 0;
    while (*out_sent < len) {
        size_t sent = 0;
        enum stream_result result =
            stream_write(connection->stream, bytes + *out_sent, len - *out_sent, &sent);

        *out_sent += sent;
        if (result == STREAM_BLOCKED) {
            /* Progress gives the slow client its full time again. */
            if (!connection->is_blocked || *out_sent > 0)
                wait_for_room(connection);
            return true;
        }
        if (result != STREAM_OK)
            return false;
    }
    note_room(connection);
    return true;
}

/* Sends what is queued. False when the peer is gone. */
static bool flush(struct http_connection *connection)
{
    size_t sent;

    if (connection->out.len == 0)
        return true;
    if (!send_some(connection, connection->out.data, connection->out.len, &sent))
        return false;
    buffer_consume(&connection->out, sent);
    return true;
}

static void on_flush_due(void *arg)
{
    struct http_connection *connection = arg;

    if (connection->is_failing)
        return;
    if (flush(connection))
        arm(connection);
    else
        http_connection_close(connection, "closed by the client");
}

void http_connection_fail(struct http_connection *connection)
{
    (void)flush(connection); /* the peer reads what was written up to here */
    connection->is_failing = true;
    loop_watch_set(connection->watch, 0);
    loop_timer_start(connection->timer, 0);
}

bool http_connection_send(struct http_connection *connection, const char *bytes, size_t len)
{
    struct error ignored = {0};

    if (!connection->is_blocked && connection->out.len + len > GATHER_MAX_BYTES) {
        size_t sent = 0;

        if (!flush(connection) ||
            (!connection->is_blocked && !send_some(connection, bytes, len, &sent)))
            return false;
        bytes += sent;
        len -= sent;
    }
    if (!buffer_add(&connection->out, bytes, len, &ignored))
        return false;
    if (connection->is_blocked)
        arm(connection);
    else if (connection->out.len > 0)
        loop_timer_start(connection->flusher, 0);
    return true;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void on_body(void *arg, const char *bytes, size_t len)
{
    struct http_connection *connection = arg;
    struct error ignored = {0};

    /* The parser enforces the limit, so only memory can fail. */
    if (!buffer_add(&connection->body, bytes, len, &ignored))
        connection->must_close = true;
}

static void serve(struct http_connection *connection)
{
    struct error err = {0};

    loop_timer_stop(connection->timer);
    connection->phase = CONNECTION_SERVING;
    connection->exchange = http_exchange_new(connection, &err);
    if (connection->exchange == NULL) {
        refuse(connection, 503, "no memory to serve the request");
        return;
    }
    if (!http_parser_head(connection->parser)->keep_alive ||
        (connection->service->is_draining && connection->service->take == NULL))
        connection->must_close = true;
    connection->in_handler = true;
    connection->service->on_request(connection->service->arg, connection->exchange);
    connection->in_handler = false;
    if (connection->exchange == NULL)
        http_connection_reply_done(connection);
    else
        arm(connection);
}

static void continue_request(struct http_connection *connection, enum http_parser_state before,
                             enum http_parser_state after)
{
    const struct http_server_limits *limits = &connection->service->limits;

    if (connection->phase == CONNECTION_IDLE) {
        connection->phase = CONNECTION_READING;
        loop_timer_start(connection->timer, limits->head_deadline_ms);
    }
    if (before == HTTP_PARSER_HEAD && after == HTTP_PARSER_BODY) {
        loop_timer_start(connection->timer, limits->body_deadline_ms);
        if (http_parser_head(connection->parser)->expects_continue &&
            !http_connection_send(connection, "HTTP/1.1 100 Continue\r\n\r\n", 25))
            connection->must_close = true;
    }
}

/* Feeds bytes to the parser. The connection may be gone when it returns. */
static void process(struct http_connection *connection, const char *bytes, size_t len)
{
    size_t total = 0;

    while (total < len) {
        enum http_parser_state before =
            http_parser_head(connection->parser)->has_body ? HTTP_PARSER_BODY : HTTP_PARSER_HEAD;
        size_t used = 0;
        enum http_parser_state after = http_parser_feed(connection->parser, bytes + total,
                                                        len - total, &used, on_body, connection);

        total += used;
        continue_request(connection, before, after);
        if (after == HTTP_PARSER_ERROR) {
            refuse(connection, http_parser_status(connection->parser),
                   http_parser_reason(connection->parser));
            return;
        }
        if (after == HTTP_PARSER_DONE) {
            struct error ignored = {0};

            if (total < len &&
                !buffer_add(&connection->pending, bytes + total, len - total, &ignored))
                connection->must_close = true;
            serve(connection);
            return;
        }
        if (used == 0 && after != HTTP_PARSER_BODY)
            break;
    }
    arm(connection);
}

static void read_some(struct http_connection *connection)
{
    char bytes[READ_BYTES];
    size_t len = 0;
    enum stream_result result = stream_read(connection->stream, bytes, sizeof bytes, &len);

    if (result == STREAM_BLOCKED) {
        arm(connection);
        return;
    }
    if (result != STREAM_OK) {
        http_connection_close(connection, "closed by the client");
        return;
    }
    if (connection->phase == CONNECTION_CLOSING)
        arm(connection);
    else
        process(connection, bytes, len);
    /* A head holds credentials, and this frame stays on the stack. */
    explicit_bzero(bytes, len);
}

static void next_request(struct http_connection *connection)
{
    char *bytes;
    size_t len;

    http_parser_next(connection->parser);
    buffer_wipe(&connection->body);
    buffer_clear(&connection->out);
    connection->phase = CONNECTION_IDLE;
    loop_timer_start(connection->timer, connection->service->limits.idle_timeout_ms);
    if (connection->pending.len == 0 && connection->service->take != NULL) {
        hand_over(connection);
        return;
    }
    if (connection->pending.len == 0) {
        arm(connection);
        return;
    }
    bytes = buffer_take(&connection->pending, &len);
    if (bytes == NULL) {
        http_connection_close(connection, "no memory");
        return;
    }
    process(connection, bytes, len);
    explicit_bzero(bytes, len);
    free(bytes);
}

void http_connection_reply_done(struct http_connection *connection)
{
    connection->phase = CONNECTION_FLUSHING;
    if (connection->in_handler)
        return;
    if (!flush(connection))
        http_connection_fail(connection);
    else if (connection->out.len > 0)
        arm(connection);
    else if (connection->must_close)
        start_closing(connection);
    else
        next_request(connection);
}

/* ---- the loop's side ------------------------------------------------------------------------- */

static void on_event(void *arg, unsigned events)
{
    struct http_connection *connection = arg;

    switch (connection->phase) {
    case CONNECTION_IDLE:
    case CONNECTION_READING:
    case CONNECTION_CLOSING:
        if (!flush(connection))
            http_connection_close(connection, "closed by the client");
        else
            read_some(connection);
        break;
    case CONNECTION_SERVING:
    case CONNECTION_FLUSHING:
        if ((events & LOOP_HANGUP) || !flush(connection)) {
            http_connection_close(connection, "closed by the client");
            break;
        }
        if (connection->phase == CONNECTION_FLUSHING && connection->out.len == 0)
            http_connection_reply_done(connection);
        else
            arm(connection);
        break;
    }
}

/* Sets what to wait for in the present phase. */
static void arm(struct http_connection *connection)
{
    unsigned wanted = 0;

    switch (connection->phase) {
    case CONNECTION_IDLE:
    case CONNECTION_READING:
    case CONNECTION_CLOSING:
        wanted = LOOP_READ | stream_wants(connection->stream) |
                 (connection->is_blocked ? LOOP_WRITE : 0u);
        break;
    case CONNECTION_SERVING:
    case CONNECTION_FLUSHING:
        wanted = LOOP_HANGUP | (connection->is_blocked ? LOOP_WRITE : 0u);
        break;
    }
    loop_watch_set(connection->watch, wanted);
    /* Decrypted bytes that lie ready raise no event. */
    if ((wanted & LOOP_READ) && stream_has_pending(connection->stream))
        read_some(connection);
}

/* ---- service --------------------------------------------------------------------------------- */

static void describe_peer(struct http_connection *connection, int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    char host[INET6_ADDRSTRLEN] = "";

    if (getpeername(fd, (struct sockaddr *)&address, &len) != 0)
        return;
    /* An address and a port always fit. */
    if (address.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;

        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
        (void)snprintf(connection->peer, sizeof connection->peer, "%s:%u", host,
                       ntohs(v4->sin_port));
    } else if (address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address;

        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
        (void)snprintf(connection->peer, sizeof connection->peer, "[%s]:%u", host,
                       ntohs(v6->sin6_port));
    }
}

static void link_connection(struct http_service *service, struct http_connection *connection)
{
    connection->service = service;
    connection->next = service->connections;
    if (connection->next != NULL)
        connection->next->previous = connection;
    service->connections = connection;
    service->connection_count++;
}

void http_service_adopt(struct http_service *service, int fd)
{
    struct http_connection *connection;
    struct error err = {0};

    if (service->take != NULL) {
        service->take(service->take_arg, fd);
        return;
    }
    connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        close(fd);
        return;
    }
    link_connection(service, connection);
    buffer_init(&connection->body, service->limits.parser.body_max_bytes);
    buffer_init(&connection->pending, READ_BYTES);
    buffer_init(&connection->out, service->limits.reply_queue_max_bytes);
    describe_peer(connection, fd);
    connection->stream = stream_new(fd, service->tls, &err);
    if (connection->stream != NULL)
        connection->timer = loop_timer_new(service->loop, on_deadline, connection, &err);
    if (connection->timer != NULL)
        connection->flusher = loop_timer_new(service->loop, on_flush_due, connection, &err);
    if (connection->flusher != NULL)
        connection->watch = loop_watch_new(service->loop, fd, on_event, connection, &err);
    if (connection->watch != NULL)
        connection->parser = http_parser_new(&service->limits.parser);
    if (connection->parser == NULL ||
        (service->limits.connection_max_count > 0 &&
         service->connection_count > service->limits.connection_max_count) ||
        service->is_draining) {
        http_connection_close(connection, "not accepted");
        return;
    }
    loop_timer_start(connection->timer, service->limits.idle_timeout_ms);
    arm(connection);
}

size_t http_service_connection_count(const struct http_service *service)
{
    return service->connection_count;
}

void http_service_drain(struct http_service *service, void (*on_drained)(void *arg), void *arg)
{
    http_service_hand_over(service, NULL, NULL, on_drained, arg);
}

void http_service_hand_over(struct http_service *service, void (*take)(void *arg, int fd),
                            void *take_arg, void (*on_drained)(void *arg), void *arg)
{
    struct http_connection *connection = service->connections;

    service->is_draining = true;
    service->take = service->tls == NULL ? take : NULL; /* the keys of a TLS connection stay */
    service->take_arg = take_arg;
    if (service->connection_count == 0) {
        on_drained(arg);
        return;
    }
    service->on_drained = on_drained;
    service->drained_arg = arg;
    while (connection != NULL) {
        struct http_connection *next = connection->next;

        connection->must_close = connection->must_close || service->take == NULL;
        if (connection->phase == CONNECTION_IDLE && connection->out.len == 0 &&
            service->take != NULL)
            hand_over(connection);
        else if (connection->phase == CONNECTION_IDLE)
            http_connection_close(connection, "the server is stopping");
        connection = next;
    }
}

void http_service_free(struct http_service *service)
{
    if (service == NULL)
        return;
    service->on_drained = NULL;
    while (service->connections != NULL)
        http_connection_close(service->connections, "the server is stopping");
    free(service);
}
