/* An HTTP server on loopback that answers as it is told, well or badly. */
#include "check/peer.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "check/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <json-c/json.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX_BYTES ((size_t)4 * 1024 * 1024)
#define ANSWER_MAX_BYTES ((size_t)64 * 1024 * 1024)
#define REQUEST_PATIENCE_S 20

struct peer {
    char url[40];
    int listener;
    struct json_object *answers;
    const char *fallback;
    pthread_mutex_t lock; /* of what follows */
    struct peer_answer answer;
    bool has_answer;
    size_t requests, answered;
};

struct connection {
    struct peer *peer;
    int fd;
    struct buffer request;
    struct slice body; /* of the request */
};

/* ---- reading --------------------------------------------------------------------------------- */

static size_t announced_body(const char *head)
{
    static const char name[] = "\r\ncontent-length:";
    const char *found = strcasestr(head, name);
    struct slice value;
    uint64_t len;

    if (found == NULL)
        return 0;
    value = slice_of(found + sizeof name - 1);
    value = slice_trim(slice_cut(&value, '\r'));
    return parse_uint64(value.data, value.len, &len) && len < REQUEST_MAX_BYTES ? (size_t)len : 0;
}

static bool read_request(struct connection *connection)
{
    struct buffer *request = &connection->request;
    struct error ignored = {0};

    for (;;) {
        const char *end = request->data == NULL ? NULL : strstr(request->data, "\r\n\r\n");
        char bytes[16384];
        ssize_t got;

        if (end != NULL) {
            size_t head = (size_t)(end - request->data) + 4;
            size_t body = announced_body(request->data);

            if (request->len >= head + body) {
                connection->body = (struct slice){request->data + head, body};
                return true;
            }
        }
        got = recv(connection->fd, bytes, sizeof bytes, 0);
        if (got <= 0 || !buffer_add(request, bytes, (size_t)got, &ignored))
            return false;
    }
}

/* ---- what to answer -------------------------------------------------------------------------- */

/* The example's answer for this request: the first whose "when" stands in it. */
static struct json_object *find_answer(const struct connection *connection)
{
    struct json_object *answers = connection->peer->answers;

    for (size_t i = 0; answers != NULL && i < json_object_array_length(answers); i++) {
        struct json_object *item = json_object_array_get_idx(answers, i);
        const char *when = json_get_string(item, "when", NULL);

        if (when == NULL || strstr(connection->request.data, when) != NULL)
            return item;
    }
    return NULL;
}

/* Puts what the request says into the answer: "{json:/id}" is the value there in its body. */
static bool add_filled(struct buffer *out, const char *text, struct slice body, struct error *err)
{
    static const char mark[] = "{json:";
    const char *found;

    while ((found = strstr(text, mark)) != NULL) {
        const char *pointer = found + sizeof mark - 1, *end = strchr(pointer, '}'), *value;
        CLEANUP(cleanup_free) char *path = NULL;
        size_t len = 0;

        if (end == NULL)
            break;
        path = slice_dup((struct slice){pointer, (size_t)(end - pointer)});
        if (path == NULL || !json_check(body.data, body.len, JSON_DEPTH_DEFAULT, err) ||
            !json_find(body.data, body.len, path, &value, &len)) {
            error_clear(err);
            value = "null";
            len = 4;
        }
        if (!buffer_add(out, text, (size_t)(found - text), err) ||
            !buffer_add(out, value, len, err))
            return false;
        text = end + 1;
    }
    return buffer_add_text(out, text, err);
}

static bool add_head(struct buffer *out, const struct peer_answer *answer, size_t body_len,
                     struct error *err)
{
    return buffer_printf(out, err, "HTTP/1.1 %d Scripted\r\nConnection: close\r\n",
                         answer->status) &&
           (answer->type == NULL ||
            buffer_printf(out, err, "Content-Type: %s\r\n", answer->type)) &&
           (answer->headers == NULL || buffer_add_text(out, answer->headers, err)) &&
           (answer->status == 204 || answer->status == 304 ||
            buffer_printf(out, err, "Content-Length: %zu\r\n", body_len)) &&
           buffer_add_text(out, "\r\n", err);
}

static bool write_example(const struct connection *connection, struct json_object *item,
                          struct buffer *out, size_t *out_head, struct error *err)
{
    const char *text = item == NULL ? NULL : json_get_string(item, "body", NULL);
    const char *type = item == NULL ? NULL : json_get_string(item, "type", NULL);
    const char *headers = item == NULL ? NULL : json_get_string(item, "headers", NULL);
    struct json_object *object = item == NULL ? NULL : json_get_object(item, "body");
    struct peer_answer answer = {
        .status = 200, .type = type == NULL ? "application/json" : type, .headers = headers};
    CLEANUP(buffer_clear) struct buffer body;
    int64_t status;

    buffer_init(&body, ANSWER_MAX_BYTES);
    if (item != NULL && json_get_int64(item, "status", &status))
        answer.status = (int)status;
    if (object != NULL)
        text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE);
    if (text == NULL)
        text = item == NULL ? connection->peer->fallback : "";
    if (!add_filled(&body, text, connection->body, err) || !add_head(out, &answer, body.len, err))
        return false;
    *out_head = out->len;
    return body.len == 0 || buffer_add(out, body.data, body.len, err);
}

/* ---- sending --------------------------------------------------------------------------------- */

static bool send_all(int fd, const char *bytes, size_t len, size_t piece)
{
    for (size_t done = 0; done < len;) {
        size_t wanted = piece != 0 && len - done > piece ? piece : len - done;
        ssize_t sent = send(fd, bytes + done, wanted, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        done += (size_t)sent;
        if (piece != 0)
            usleep(200); /* so that pieces arrive as pieces; nothing depends on it */
    }
    return true;
}

static void send_answer(int fd, enum peer_manner manner, const struct buffer *answer, size_t head)
{
    size_t body = answer->len - head;

    switch (manner) {
    case PEER_ANSWERS:
        (void)send_all(fd, answer->data, answer->len, 0);
        return;
    case PEER_CUTS_HEAD:
        (void)send_all(fd, answer->data, head / 2, 0);
        return;
    case PEER_STOPS_IN_BODY:
    case PEER_CUTS_BODY:
        (void)send_all(fd, answer->data, head + body / 2, 0);
        return;
    case PEER_STOPS_BEFORE_BODY:
        (void)send_all(fd, answer->data, head, 0);
        return;
    case PEER_BYTE_WISE:
        (void)send_all(fd, answer->data, answer->len, 1 + answer->len / 200);
        return;
    case PEER_GARBAGE:
        (void)send_all(fd, "\x16\x03\x01 this is no HTTP\n\n", 20, 0);
        return;
    case PEER_RESETS:
    case PEER_IS_SILENT:
        return;
    }
}

static void reset(int fd)
{
    const struct linger at_once = {1, 0};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

/* Until the other side goes away. */
static void wait_for_end(int fd)
{
    char bytes[1024];

    while (recv(fd, bytes, sizeof bytes, 0) > 0)
        continue;
}

static void answer_request(struct connection *connection)
{
    struct peer *peer = connection->peer;
    CLEANUP(buffer_clear) struct buffer out;
    struct peer_answer answer;
    struct error err = {0};
    size_t head = 0;
    bool has_answer, ok;

    buffer_init(&out, ANSWER_MAX_BYTES);
    pthread_mutex_lock(&peer->lock);
    peer->requests++;
    answer = peer->answer;
    has_answer = peer->has_answer;
    /* The example is read under the lock: json-c's serialiser writes into what it reads. */
    if (has_answer && answer.body != NULL) {
        ok = add_head(&out, &answer, answer.body_len, &err);
        head = out.len;
        ok = ok && (answer.body_len == 0 || buffer_add(&out, answer.body, answer.body_len, &err));
    } else {
        ok = write_example(connection, find_answer(connection), &out, &head, &err);
    }
    pthread_mutex_unlock(&peer->lock);
    if (ok && has_answer)
        send_answer(connection->fd, answer.manner, &out, head);
    else if (ok)
        (void)send_all(connection->fd, out.data, out.len, 0);
    pthread_mutex_lock(&peer->lock);
    peer->answered++;
    pthread_mutex_unlock(&peer->lock);
    if (has_answer && answer.manner == PEER_RESETS)
        reset(connection->fd);
    else if (has_answer &&
             (answer.manner == PEER_IS_SILENT || answer.manner == PEER_STOPS_BEFORE_BODY ||
              answer.manner == PEER_STOPS_IN_BODY))
        wait_for_end(connection->fd);
}

static void *serve_connection(void *arg)
{
    struct connection *connection = arg;

    buffer_init(&connection->request, REQUEST_MAX_BYTES);
    if (read_request(connection))
        answer_request(connection);
    (void)shutdown(connection->fd, SHUT_WR);
    close(connection->fd);
    buffer_clear(&connection->request);
    free(connection);
    return NULL;
}

static void *serve(void *arg)
{
    struct peer *peer = arg;
    const struct timeval patience = {REQUEST_PATIENCE_S, 0};
    pthread_attr_t attributes;

    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    for (;;) {
        struct connection *connection;
        pthread_t thread;
        int fd = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC);

        if (fd < 0)
            break;
        connection = calloc(1, sizeof *connection);
        if (connection == NULL)
            break;
        *connection = (struct connection){.peer = peer, .fd = fd};
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        if (pthread_create(&thread, &attributes, serve_connection, connection) != 0) {
            close(fd);
            free(connection);
        }
    }
    pthread_attr_destroy(&attributes);
    return NULL;
}

/* ---- the check's side ------------------------------------------------------------------------ */

struct peer *peer_open(struct check *check, const char *fallback)
{
    static struct peer peer = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    pthread_t thread;

    if (peer.url[0] != '\0')
        return &peer;
    peer.fallback = fallback;
    peer.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (peer.listener < 0 || bind(peer.listener, (struct sockaddr *)&address, len) != 0 ||
        listen(peer.listener, 64) != 0 ||
        getsockname(peer.listener, (struct sockaddr *)&address, &len) != 0 ||
        pthread_create(&thread, NULL, serve, &peer) != 0)
        check_fail(check, "no HTTP server could be started on loopback: %s", strerror(errno));
    (void)snprintf(peer.url, sizeof peer.url, "http://127.0.0.1:%u", ntohs(address.sin_port));
    return &peer;
}

void peer_use(struct peer *peer, struct json_object *answers)
{
    pthread_mutex_lock(&peer->lock);
    peer->answers = answers;
    pthread_mutex_unlock(&peer->lock);
}

const char *peer_url(const struct peer *peer)
{
    return peer->url;
}

void peer_set(struct peer *peer, const struct peer_answer *answer)
{
    pthread_mutex_lock(&peer->lock);
    peer->has_answer = answer != NULL;
    if (answer != NULL)
        peer->answer = *answer;
    pthread_mutex_unlock(&peer->lock);
}

void peer_refuse(struct peer *peer)
{
    (void)shutdown(peer->listener, SHUT_RDWR);
    close(peer->listener);
}

size_t peer_request_count(struct peer *peer)
{
    size_t count;

    pthread_mutex_lock(&peer->lock);
    count = peer->requests;
    pthread_mutex_unlock(&peer->lock);
    return count;
}

size_t peer_answer_count(struct peer *peer)
{
    size_t count;

    pthread_mutex_lock(&peer->lock);
    count = peer->answered;
    pthread_mutex_unlock(&peer->lock);
    return count;
}
