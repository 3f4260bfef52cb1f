/* The server over real sockets: replies, deadlines, hang-ups, back-pressure, credentials. */
#include "net/http_server.h"

#include "base/error.h"
#include "base/secret.h"
#include "net/loop.h"

#include "../support/run.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop *loop;
static struct http_listener *listener;
static struct http_service *service;
static struct http_server_limits limits;
static struct http_exchange *held;
static char gone_reason[100];
static char seen_token[100];
static char answer[1 << 20];

static void on_gone(void *arg, const char *reason)
{
    (void)arg;
    held = NULL;
    snprintf(gone_reason, sizeof gone_reason, "%s", reason);
}

static void on_request(void *arg, struct http_exchange *exchange)
{
    const struct http_head *head = http_exchange_head(exchange);
    struct slice body = http_exchange_body(exchange);
    size_t count;
    struct secret *token = http_exchange_secret_header(exchange, "authorization", &count);

    (void)arg;
    if (token != NULL)
        snprintf(seen_token, sizeof seen_token, "%zu %s", count, secret_borrow(token, NULL));
    ck_assert_ptr_null(http_head_find(head, "authorization").data);
    if (slice_equal_text(head->path, "/hold")) {
        held = exchange;
        http_exchange_set_owner(exchange, on_gone, NULL);
    } else if (slice_equal_text(head->path, "/stream")) {
        held = exchange;
        http_exchange_set_owner(exchange, on_gone, NULL);
        ck_assert(http_exchange_stream(exchange, 200, "text/event-stream"));
    } else {
        ck_assert(http_exchange_add_header(exchange, "x-request-id", "r1"));
        ck_assert(!http_exchange_add_header(exchange, "x-bad", "a\r\nb"));
        http_exchange_reply(exchange, 200, "text/plain", body.data, body.len);
    }
}

static void on_accept(void *arg, int fd)
{
    (void)arg;
    http_service_adopt(service, fd);
}

static void setup(void)
{
    struct error err = {0};

    gone_reason[0] = seen_token[0] = '\0';
    held = NULL;
    http_server_limits_default(&limits);
    loop = loop_new(&err);
    listener = http_listener_new(loop, "127.0.0.1:0", on_accept, NULL, &err);
    ck_assert_msg(listener != NULL, "%s", err.message);
}

static void start(void)
{
    struct error err = {0};

    service = http_service_new(loop, &limits, on_request, NULL, &err);
    ck_assert_ptr_nonnull(service);
}

static void teardown(void)
{
    http_service_free(service);
    http_listener_free(listener);
    loop_free(loop);
}

static int connect_client(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)http_listener_port(listener)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void send_text(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Runs the loop until the client has read `until`, or the end of the stream when it is NULL. */
static size_t read_until(int fd, const char *until)
{
    size_t len = 0;

    for (int turns = 0; turns < 20000; turns++) {
        ssize_t got = recv(fd, answer + len, sizeof answer - 1 - len, 0);

        if (got > 0)
            len += (size_t)got;
        answer[len] = '\0';
        if (got == 0 || (got < 0 && errno != EAGAIN))
            return len;
        if (until != NULL && strstr(answer, until) != NULL)
            return len;
        loop_run_once(loop, 1);
    }
    ck_abort_msg("nothing came: %s", answer);
    return 0;
}

START_TEST(requests_on_one_connection_are_answered_in_order)
{
    int fd;

    start();
    fd = connect_client();
    send_text(fd,
              "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\noneGET /2 HTTP/1.1\r\n"
              "Host: a\r\n\r\nPOST /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
              "Content-Length: 5\r\n\r\nthree");
    read_until(fd, NULL);
    ck_assert_ptr_nonnull(strstr(answer, "Content-Length: 3\r\n\r\noneHTTP/1.1 200 OK\r\n"));
    ck_assert_ptr_nonnull(strstr(answer, "Connection: close\r\n\r\nthree"));
    ck_assert_ptr_nonnull(strstr(answer, "x-request-id: r1\r\n"));
    close(fd);
}
END_TEST

START_TEST(credentials_reach_the_handler_as_secrets_only)
{
    struct secret_usage usage;
    int fd;

    start();
    fd = connect_client();
    send_text(fd,
              "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer tok-canary\r\n"
              "authorization: Bearer two\r\n\r\n");
    read_until(fd, "\r\n\r\n");
    ck_assert_str_eq(seen_token, "2 Bearer tok-canary");
    secret_arena_usage(&usage);
    ck_assert_uint_eq(usage.count, 0);
    close(fd);
}
END_TEST

START_TEST(a_stream_leaves_piece_by_piece)
{
    int fd;

    start();
    fd = connect_client();
    send_text(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    read_until(fd, "Transfer-Encoding: chunked\r\n\r\n");
    ck_assert(http_exchange_write(held, "hello", 5));
    read_until(fd, "5\r\nhello\r\n");
    http_exchange_end(held);
    read_until(fd, "0\r\n\r\n");
    close(fd);
}
END_TEST

START_TEST(what_is_written_in_one_pass_leaves_together_at_its_end)
{
    int fd;

    start();
    fd = connect_client();
    send_text(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    read_until(fd, "\r\n\r\n");
    ck_assert(http_exchange_write(held, "one", 3));
    ck_assert(http_exchange_write(held, "two", 3));
    ck_assert_int_eq(recv(fd, answer, sizeof answer, 0), -1);
    loop_run_once(loop, 0);
    ck_assert_int_eq(recv(fd, answer, sizeof answer, 0), 16);
    ck_assert_mem_eq(answer, "3\r\none\r\n3\r\ntwo\r\n", 16);
    http_exchange_end(held);
    close(fd);
}
END_TEST

START_TEST(an_old_client_gets_the_stream_until_close)
{
    int fd;

    start();
    fd = connect_client();
    send_text(fd, "GET /stream HTTP/1.0\r\n\r\n");
    read_until(fd, "\r\n\r\n");
    ck_assert(http_exchange_write(held, "hello", 5));
    http_exchange_end(held);
    read_until(fd, NULL);
    ck_assert_ptr_null(strstr(answer, "chunked"));
    close(fd);
}
END_TEST

START_TEST(a_hang_up_is_told_while_the_reply_streams)
{
    int fd;

    start();
    fd = connect_client();
    send_text(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    read_until(fd, "\r\n\r\n");
    close(fd);
    for (int i = 0; i < 100 && held != NULL; i++)
        loop_run_once(loop, 10);
    ck_assert_str_eq(gone_reason, "closed by the client");
    ck_assert_uint_eq(http_service_connection_count(service), 0);
}
END_TEST

START_TEST(a_client_that_does_not_read_is_cut_at_the_high_water_mark)
{
    static char block[32768];
    bool ok = true;
    int fd;

    limits.reply_queue_max_bytes = 65536;
    start();
    fd = connect_client();
    send_text(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    read_until(fd, "\r\n\r\n");
    for (int i = 0; i < 1000 && ok; i++)
        ok = http_exchange_write(held, block, sizeof block);
    ck_assert(!ok);
    ck_assert_ptr_nonnull(held);
    for (int i = 0; i < 100 && held != NULL; i++)
        loop_run_once(loop, 10);
    ck_assert_ptr_null(held);
    close(fd);
}
END_TEST

START_TEST(a_client_that_reads_slowly_is_given_up_after_the_stall_time)
{
    static char block[1 << 16];
    int fd;

    limits.reply_stall_timeout_ms = 20;
    limits.reply_queue_max_bytes = 64 << 20;
    start();
    fd = connect_client();
    send_text(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    read_until(fd, "\r\n\r\n");
    for (int i = 0; i < 500; i++)
        ck_assert(http_exchange_write(held, block, sizeof block));
    for (int i = 0; i < 100 && held != NULL; i++)
        loop_run_once(loop, 10);
    ck_assert_str_eq(gone_reason, "the client reads too slowly");
    close(fd);
}
END_TEST

START_TEST(bytes_pushed_into_an_open_stream_are_not_collected)
{
    static char block[1 << 16];
    ssize_t pushed = 0, sent;
    int fd;

    start();
    fd = connect_client();
    send_text(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    read_until(fd, "\r\n\r\n");
    for (int i = 0; i < 2000; i++) {
        sent = send(fd, block, sizeof block, MSG_NOSIGNAL);
        pushed += sent > 0 ? sent : 0;
        loop_run_once(loop, 0);
    }
    /* The kernel's buffers fill and the client is blocked, far from 128 MB. */
    ck_assert_int_lt(pushed, 32 << 20);
    ck_assert_ptr_nonnull(held);
    close(fd);
}
END_TEST

START_TEST(a_slow_head_is_refused_at_the_deadline_however_it_trickles)
{
    int fd;

    limits.head_deadline_ms = 50;
    start();
    fd = connect_client();
    for (int i = 0; i < 40; i++) {
        if (send(fd, "G", 1, MSG_NOSIGNAL) < 0)
            break;
        loop_run_once(loop, 2);
    }
    read_until(fd, NULL);
    ck_assert_ptr_eq(strstr(answer, "HTTP/1.1 408"), answer);
    close(fd);
}
END_TEST

START_TEST(a_slow_body_is_refused_at_the_deadline)
{
    int fd;

    limits.body_deadline_ms = 30;
    start();
    fd = connect_client();
    send_text(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
    read_until(fd, NULL);
    ck_assert_ptr_eq(strstr(answer, "HTTP/1.1 408"), answer);
    close(fd);
}
END_TEST

START_TEST(an_idle_connection_is_closed)
{
    int fd;

    limits.idle_timeout_ms = 20;
    start();
    fd = connect_client();
    ck_assert_uint_eq(read_until(fd, NULL), 0);
    close(fd);
}
END_TEST

START_TEST(a_body_that_is_too_large_gets_413_even_while_it_is_sent)
{
    static char block[1 << 16];
    int fd;

    limits.parser.body_max_bytes = 1000;
    start();
    fd = connect_client();
    send_text(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 16777216\r\n\r\n");
    for (int i = 0; i < 256; i++) {
        (void)!send(fd, block, sizeof block, MSG_NOSIGNAL);
        loop_run_once(loop, 0);
    }
    read_until(fd, NULL);
    ck_assert_ptr_eq(strstr(answer, "HTTP/1.1 413 Content Too Large\r\n"), answer);
    close(fd);
}
END_TEST

START_TEST(a_client_that_waits_for_100_continue_gets_it)
{
    int fd;

    start();
    fd = connect_client();
    send_text(fd,
              "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    read_until(fd, "100 Continue\r\n\r\n");
    send_text(fd, "ab");
    read_until(fd, "\r\n\r\nab");
    close(fd);
}
END_TEST

static void drained(void *arg)
{
    (*(int *)arg)++;
}

START_TEST(draining_lets_open_requests_end_and_closes_the_rest)
{
    int busy, idle, count = 0;

    start();
    busy = connect_client();
    idle = connect_client();
    send_text(idle, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    read_until(idle, "\r\n\r\n");
    send_text(busy, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    while (held == NULL)
        loop_run_once(loop, 1);
    http_service_drain(service, drained, &count);
    ck_assert_uint_eq(read_until(idle, NULL), 0);
    ck_assert_int_eq(count, 0);
    http_exchange_reply(held, 200, "text/plain", "done", 4);
    read_until(busy, NULL);
    ck_assert_ptr_nonnull(strstr(answer, "Connection: close\r\n\r\ndone"));
    close(busy);
    for (int i = 0; i < 100 && count == 0; i++)
        loop_run_once(loop, 10);
    ck_assert_int_eq(count, 1);
    close(idle);
}
END_TEST

static void on_request_to_heir(void *arg, struct http_exchange *exchange)
{
    (void)arg;
    http_exchange_reply(exchange, 200, "text/plain", "from the heir", 13);
}

static void give_to_heir(void *heir, int fd)
{
    http_service_adopt(heir, fd);
}

START_TEST(connections_go_over_to_an_heir_as_soon_as_they_are_idle)
{
    struct http_service *heir;
    int busy, idle, late, count = 0;
    struct error err = {0};

    start();
    heir = http_service_new(loop, &limits, on_request_to_heir, NULL, &err);
    busy = connect_client();
    idle = connect_client();
    send_text(idle, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    read_until(idle, "\r\n\r\n");
    send_text(busy, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    while (held == NULL)
        loop_run_once(loop, 1);
    http_service_hand_over(service, give_to_heir, heir, drained, &count);
    send_text(idle, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    read_until(idle, "from the heir");
    ck_assert_int_eq(count, 0);
    http_exchange_reply(held, 200, "text/plain", "done", 4);
    read_until(busy, "\r\n\r\ndone");
    ck_assert_ptr_null(strstr(answer, "Connection: close"));
    ck_assert_int_eq(count, 1);
    send_text(busy, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    read_until(busy, "from the heir");
    late = connect_client(); /* the old service still gets it */
    send_text(late, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    read_until(late, "from the heir");
    ck_assert_uint_eq(http_service_connection_count(service), 0);
    ck_assert_uint_eq(http_service_connection_count(heir), 3);
    http_service_free(heir);
    close(busy);
    close(idle);
    close(late);
}
END_TEST

START_TEST(a_taken_port_is_said_clearly)
{
    struct error err = {0};
    char address[32];

    start();
    snprintf(address, sizeof address, "127.0.0.1:%d", http_listener_port(listener));
    ck_assert_ptr_null(http_listener_new(loop, address, on_accept, NULL, &err));
    ck_assert_ptr_nonnull(strstr(err.message, "another program has this port"));
    error_clear(&err);
    ck_assert_ptr_null(http_listener_new(loop, "nonsense", on_accept, NULL, &err));
    ck_assert_ptr_nonnull(strstr(err.message, "HOST:PORT"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {requests_on_one_connection_are_answered_in_order,
                                  credentials_reach_the_handler_as_secrets_only,
                                  a_stream_leaves_piece_by_piece,
                                  what_is_written_in_one_pass_leaves_together_at_its_end,
                                  an_old_client_gets_the_stream_until_close,
                                  a_hang_up_is_told_while_the_reply_streams,
                                  a_client_that_does_not_read_is_cut_at_the_high_water_mark,
                                  a_client_that_reads_slowly_is_given_up_after_the_stall_time,
                                  bytes_pushed_into_an_open_stream_are_not_collected,
                                  a_slow_head_is_refused_at_the_deadline_however_it_trickles,
                                  a_slow_body_is_refused_at_the_deadline,
                                  an_idle_connection_is_closed,
                                  a_body_that_is_too_large_gets_413_even_while_it_is_sent,
                                  a_client_that_waits_for_100_continue_gets_it,
                                  draining_lets_open_requests_end_and_closes_the_rest,
                                  connections_go_over_to_an_heir_as_soon_as_they_are_idle,
                                  a_taken_port_is_said_clearly,
                                  NULL};

    return run_tests("http_server", tests, setup, teardown);
}
