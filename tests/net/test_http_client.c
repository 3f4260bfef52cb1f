/* The client against our own server over real sockets, plain and TLS. */
#include "net/http_client.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "net/http_server.h"
#include "net/loop.h"

#include "../support/run.h"
#include "../support/tls.h"

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop *loop;
static struct http_listener *listener;
static struct http_service *service;
static struct http_client *client;
static struct http_exchange *held;
static bool server_saw_hangup;
static char request_seen[2000];
static int done_count;
static int done_status;
static struct error done_error;
static char secret_seen[100];
static struct buffer body_seen;
static struct http_call *to_cancel;
static int send_buffer_bytes; /* 0: as the kernel sees fit */
static char large[900 * 1024];

static void on_gone(void *arg, const char *reason)
{
    (void)arg;
    (void)reason;
    held = NULL;
    server_saw_hangup = true;
}

static void on_request(void *arg, struct http_exchange *exchange)
{
    const struct http_head *head = http_exchange_head(exchange);
    struct slice body = http_exchange_body(exchange);
    struct secret *token = http_exchange_secret_header(exchange, "authorization", NULL);
    size_t used = 0;

    (void)arg;
    request_seen[0] = '\0';
    for (size_t i = 0; i < head->field_count; i++)
        used += (size_t)snprintf(request_seen + used, sizeof request_seen - used, "%.*s: %.*s\n",
                                 (int)head->fields[i].name.len, head->fields[i].name.data,
                                 (int)head->fields[i].value.len, head->fields[i].value.data);
    snprintf(request_seen + used, sizeof request_seen - used, "%.*s %.*s auth=%s body=%.*s",
             (int)head->method.len, head->method.data, (int)head->target.len, head->target.data,
             token == NULL ? "" : secret_borrow(token, NULL), (int)body.len, body.data);
    if (slice_equal_text(head->path, "/hold")) {
        held = exchange;
        http_exchange_set_owner(exchange, on_gone, NULL);
        return;
    }
    if (slice_equal_text(head->path, "/stream")) {
        held = exchange;
        http_exchange_set_owner(exchange, on_gone, NULL);
        http_exchange_stream(exchange, 200, "text/event-stream");
        http_exchange_write(exchange, "first", 5);
        return;
    }
    if (slice_equal_text(head->path, "/redirect")) {
        http_exchange_add_header(exchange, "Location", "http://127.0.0.1:1/elsewhere");
        http_exchange_reply(exchange, 302, NULL, "", 0);
        return;
    }
    if (slice_equal_text(head->path, "/large")) {
        http_exchange_reply(exchange, 200, "text/plain", large, sizeof large);
        return;
    }
    http_exchange_reply(exchange, 200, "text/plain", "answer-canary-1", 15);
}

static void on_accept(void *arg, int fd)
{
    (void)arg;
    if (send_buffer_bytes > 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer_bytes, sizeof send_buffer_bytes);
    http_service_adopt(service, fd);
}

static void setup(void)
{
    struct http_server_limits limits;
    struct error err = {0};

    http_server_limits_default(&limits);
    buffer_init(&body_seen, 1 << 20);
    loop = loop_new(&err);
    listener = http_listener_new(loop, "127.0.0.1:0", on_accept, NULL, &err);
    service = http_service_new(loop, &limits, on_request, NULL, &err);
    client = http_client_new(loop, NULL, &err);
    ck_assert_msg(client != NULL, "%s", err.message);
}

static void teardown(void)
{
    http_client_free(client);
    http_service_free(service);
    http_listener_free(listener);
    loop_free(loop);
    buffer_clear(&body_seen);
    error_clear(&done_error);
}

static void on_data(void *arg, const char *bytes, size_t len)
{
    struct error err = {0};

    (void)arg;
    ck_assert(buffer_add(&body_seen, bytes, len, &err));
    if (to_cancel != NULL) {
        http_call_cancel(to_cancel);
        to_cancel = NULL;
    }
}

static void on_done(void *arg, int status, struct secret *answer, const struct error *err)
{
    (void)arg;
    done_count++;
    done_status = status;
    if (err != NULL)
        done_error = *err;
    if (answer != NULL)
        snprintf(secret_seen, sizeof secret_seen, "%s", secret_borrow(answer, NULL));
}

static const struct http_call_events events = {.on_data = on_data, .on_done = on_done};

static char *url_to(const char *scheme, const char *path)
{
    static char url[200];

    snprintf(url, sizeof url, "%s://127.0.0.1:%d%s", scheme, http_listener_port(listener), path);
    return url;
}

static void run_until_done(int count)
{
    for (int i = 0; i < 20000 && done_count < count; i++)
        loop_run_once(loop, 10);
    ck_assert_int_eq(done_count, count);
}

static void request(struct http_request_options *options)
{
    struct error err = {0};

    if (options->method == NULL)
        options->method = "GET";
    ck_assert_msg(http_client_start(client, options, &events, NULL, &err) != NULL, "%s",
                  err.message);
}

START_TEST(a_client_certificate_without_its_key_is_refused)
{
    static const struct http_call_events none = {.on_done = NULL};
    struct error err = {0};
    CLEANUP(secret_cleanup) struct secret *certificate = secret_copy("pem", 3, &err);
    struct http_request_options options = {
        .method = "GET", .url = url_to("http", "/"), .client_certificate = certificate};

    ck_assert_ptr_null(http_client_start(client, &options, &none, NULL, &err));
    ck_assert_int_eq(err.code, ERROR_BAD_INPUT);
}
END_TEST

START_TEST(a_request_carries_what_was_asked_and_nothing_else)
{
    struct error err = {0};
    CLEANUP(secret_cleanup) struct secret *token = secret_copy("tok-canary-7", 12, &err);
    struct http_header headers[] = {
        {.name = slice_of("Authorization"), .value = slice_of("Bearer "), .secret = token},
        {.name = slice_of("X-Empty"), .value = slice_of("")}};
    struct http_request_options options = {.method = "POST",
                                           .url = url_to("http", "/p?q=1"),
                                           .headers = headers,
                                           .header_count = 2,
                                           .body = slice_of("hello")};

    request(&options);
    run_until_done(1);
    ck_assert_int_eq(done_status, 200);
    ck_assert_str_eq(body_seen.data, "answer-canary-1");
    ck_assert_ptr_nonnull(strstr(request_seen, "POST /p?q=1 auth=Bearer tok-canary-7 body=hello"));
    ck_assert_ptr_nonnull(strstr(request_seen, "X-Empty: \n"));
    ck_assert_ptr_nonnull(strstr(request_seen, "User-Agent: sesame/"));
    ck_assert_ptr_null(strstr(request_seen, "Expect"));
    ck_assert_ptr_null(strstr(request_seen, "Content-Type"));
}
END_TEST

START_TEST(a_secret_body_and_a_secret_answer_stay_secrets)
{
    struct error err = {0};
    CLEANUP(secret_cleanup) struct secret *form = secret_copy("client_secret=canary", 20, &err);
    struct http_request_options options = {.method = "POST",
                                           .url = url_to("http", "/token"),
                                           .secret_body = form,
                                           .is_secret_answer = true};

    request(&options);
    run_until_done(1);
    ck_assert_ptr_nonnull(strstr(request_seen, "body=client_secret=canary"));
    ck_assert_str_eq(secret_seen, "answer-canary-1");
    ck_assert_uint_eq(body_seen.len, 0);
}
END_TEST

START_TEST(an_answer_that_is_too_large_is_an_error)
{
    struct http_request_options options = {.url = url_to("http", "/"), .answer_max_bytes = 10};

    request(&options);
    run_until_done(1);
    ck_assert_int_eq(done_error.code, ERROR_LIMIT);
}
END_TEST

START_TEST(a_redirect_is_an_answer_and_is_not_followed)
{
    struct http_request_options options = {.url = url_to("http", "/redirect")};

    request(&options);
    run_until_done(1);
    ck_assert_int_eq(done_status, 302);
}
END_TEST

START_TEST(a_cancelled_call_is_over_for_both_sides)
{
    struct http_request_options options = {.method = "GET", .url = url_to("http", "/hold")};
    struct error err = {0};
    struct http_call *call = http_client_start(client, &options, &events, NULL, &err);

    for (int i = 0; i < 1000 && held == NULL; i++)
        loop_run_once(loop, 10);
    http_call_cancel(call);
    for (int i = 0; i < 1000 && !server_saw_hangup; i++)
        loop_run_once(loop, 10);
    ck_assert(server_saw_hangup);
    ck_assert_int_eq(done_count, 0);
}
END_TEST

START_TEST(a_call_can_be_cancelled_from_its_own_data)
{
    struct http_request_options options = {.method = "GET", .url = url_to("http", "/stream")};
    struct error err = {0};

    to_cancel = http_client_start(client, &options, &events, NULL, &err);
    for (int i = 0; i < 1000 && !server_saw_hangup; i++)
        loop_run_once(loop, 10);
    ck_assert(server_saw_hangup);
    ck_assert_int_eq(done_count, 0);
    ck_assert_str_eq(body_seen.data, "first");
}
END_TEST

static int nested_count;

static void on_nested_done(void *arg, int status, struct secret *answer, const struct error *err)
{
    (void)arg;
    (void)answer;
    ck_assert_ptr_null(err);
    ck_assert_int_eq(status, 200);
    nested_count++;
}

static void start_from_data(void *arg, const char *bytes, size_t len)
{
    static const struct http_call_events nested = {.on_done = on_nested_done};
    struct http_request_options options = {.method = "GET", .url = url_to("http", "/")};
    struct error err = {0};

    (void)arg;
    (void)bytes;
    (void)len;
    ck_assert_ptr_nonnull(http_client_start(client, &options, &nested, NULL, &err));
    /* One that is gone again before libcurl could take it. */
    http_call_cancel(http_client_start(client, &options, &nested, NULL, &err));
    ck_assert_int_eq(nested_count, 0);
}

START_TEST(a_call_can_be_started_from_anothers_data)
{
    static const struct http_call_events starting = {.on_data = start_from_data,
                                                     .on_done = on_done};
    struct http_request_options options = {.method = "GET", .url = url_to("http", "/stream")};
    struct error err = {0};

    nested_count = 0;
    ck_assert_ptr_nonnull(http_client_start(client, &options, &starting, NULL, &err));
    for (int i = 0; i < 200 && nested_count == 0; i++)
        loop_run_once(loop, 10);
    ck_assert_int_eq(nested_count, 1);
    ck_assert_int_eq(done_count, 0);
}
END_TEST

START_TEST(silence_and_slowness_have_their_own_limits)
{
    struct http_request_options options = {.url = url_to("http", "/stream"),
                                           .idle_timeout_ms = 500};

    request(&options);
    run_until_done(1);
    ck_assert_int_eq(done_error.code, ERROR_TIMED_OUT);
    ck_assert_str_eq(body_seen.data, "first");
    error_clear(&done_error);
    options = (struct http_request_options){.url = url_to("http", "/hold"), .total_timeout_ms = 30};
    request(&options);
    run_until_done(2);
    ck_assert_str_eq(done_error.name, "ReadTimeOut");
}
END_TEST

/* ---- a server that reads a long body slowly, or stops reading it -------------------------------
 */

#define SLOW_IDLE_MS 800
#define SLOW_STEP_MS 50
#define SLOW_BODY_BYTES (8 * 1024 * 1024) /* more than the kernel holds for a sender */

static struct loop_timer *slow_timer;
static int slow_fd;
static size_t slow_read, slow_stops_at;

static void read_slowly(void *arg)
{
    static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    static char bytes[SLOW_BODY_BYTES / 50];
    ssize_t got = recv(slow_fd, bytes, sizeof bytes, MSG_DONTWAIT);

    (void)arg;
    slow_read += got > 0 ? (size_t)got : 0;
    if (slow_read >= SLOW_BODY_BYTES)
        ck_assert_int_eq(send(slow_fd, reply, sizeof reply - 1, MSG_NOSIGNAL), sizeof reply - 1);
    else if (slow_read < slow_stops_at) /* what the kernel took counts as sent: the end is quick */
        loop_timer_start(slow_timer, slow_read < SLOW_BODY_BYTES / 2 ? SLOW_STEP_MS : 0);
}

static void on_slow_accept(void *arg, int fd)
{
    int size = 64 * 1024;

    (void)arg;
    /* Else the kernel takes the whole body at once. */
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
    slow_fd = fd;
    loop_timer_start(slow_timer, 0);
}

/* One upload to such a server; returns how long it took. */
static int64_t upload_slowly(size_t stops_at)
{
    static char body[SLOW_BODY_BYTES];
    struct error err = {0};
    struct http_listener *slow = http_listener_new(loop, "127.0.0.1:0", on_slow_accept, NULL, &err);
    struct http_request_options options = {
        .method = "POST", .body = {body, sizeof body}, .idle_timeout_ms = SLOW_IDLE_MS};
    char url[60];
    int64_t before_ms = clock_monotonic_ms();

    slow_stops_at = stops_at;
    slow_timer = loop_timer_new(loop, read_slowly, NULL, &err);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", http_listener_port(slow));
    options.url = url;
    request(&options);
    run_until_done(1);
    loop_timer_free(slow_timer);
    http_listener_free(slow);
    close(slow_fd);
    return clock_monotonic_ms() - before_ms;
}

START_TEST(an_upload_that_goes_on_slowly_is_not_silent)
{
    int64_t duration_ms = upload_slowly(SLOW_BODY_BYTES);

    ck_assert_int_eq(done_error.code, ERROR_NONE);
    ck_assert_int_eq(done_status, 200);
    ck_assert_int_gt(duration_ms, 3 * SLOW_IDLE_MS / 2);
}
END_TEST

START_TEST(an_upload_that_nobody_reads_any_more_is_given_up)
{
    upload_slowly(SLOW_BODY_BYTES / 10);
    ck_assert_str_eq(done_error.name, "ReadTimeOut");
    ck_assert_uint_lt(slow_read, SLOW_BODY_BYTES / 2);
}
END_TEST

START_TEST(a_refused_connection_names_the_address_without_its_query)
{
    struct http_request_options options = {.url = "http://127.0.0.1:1/x?key=canary"};

    request(&options);
    run_until_done(1);
    ck_assert_str_eq(done_error.name, "ConnectFailed");
    ck_assert_ptr_nonnull(strstr(done_error.message, "http://127.0.0.1:1/x:"));
    ck_assert_ptr_null(strstr(done_error.message, "canary"));
}
END_TEST

/* The kernel completes no connection beyond a listener's backlog. */
START_TEST(a_connection_that_is_not_made_in_time_is_given_up)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    struct http_request_options options = {.connect_timeout_ms = 30};
    int full = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), waiting[2];
    char url[60];

    ck_assert_int_eq(bind(full, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(full, 0), 0);
    ck_assert_int_eq(getsockname(full, (struct sockaddr *)&address, &size), 0);
    for (int i = 0; i < 2; i++) {
        waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(waiting[i], (struct sockaddr *)&address, size);
    }
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(address.sin_port));
    options.url = url;
    request(&options);
    run_until_done(1);
    ck_assert_str_eq(done_error.name, "ConnectTimeOut");
    for (int i = 0; i < 2; i++)
        close(waiting[i]);
    close(full);
}
END_TEST

START_TEST(plain_http_to_elsewhere_is_refused_before_anything_is_sent)
{
    struct http_request_options options = {.method = "GET", .url = "http://service.example/"};
    struct error err = {0};

    ck_assert_ptr_null(http_client_start(client, &options, &events, NULL, &err));
    ck_assert_str_eq(err.name, "PlainHttpRefused");
    ck_assert_int_eq(done_count, 0);
}
END_TEST

START_TEST(a_header_with_a_line_end_is_refused)
{
    struct error err = {0};
    CLEANUP(secret_cleanup) struct secret *evil = secret_copy("a\r\nX: y", 7, &err);
    struct http_header header = {.name = slice_of("Authorization"), .secret = evil};
    struct http_request_options options = {
        .method = "GET", .url = url_to("http", "/"), .headers = &header, .header_count = 1};

    ck_assert_ptr_null(http_client_start(client, &options, &events, NULL, &err));
    ck_assert_int_eq(err.code, ERROR_BAD_INPUT);
}
END_TEST

START_TEST(tls_is_verified_and_a_private_ca_can_be_added)
{
    struct http_client_options trusting = {0};
    struct http_request_options options = {.url = url_to("https", "/")};
    char ca_path[] = "/tmp/sesame-ca-XXXXXX";
    struct error err = {0};
    SSL_CTX *tls = test_tls_server(ca_path);

    http_service_use_tls(service, tls);
    request(&options);
    run_until_done(1);
    ck_assert_str_eq(done_error.name, "TlsNotTrusted");
    ck_assert_ptr_nonnull(strstr(done_error.message, "SSL_CERT_FILE"));
    http_client_free(client);
    trusting.ca_file = ca_path;
    client = http_client_new(loop, &trusting, &err);
    request(&options);
    run_until_done(2);
    ck_assert_int_eq(done_status, 200);
    ck_assert_str_eq(body_seen.data, "answer-canary-1");
    http_client_free(client);
    client = NULL;
    http_service_free(service);
    service = NULL;
    SSL_CTX_free(tls);
    unlink(ca_path);
}
END_TEST

START_TEST(a_large_answer_over_tls_survives_a_full_socket)
{
    struct http_client_options trusting = {0};
    struct http_request_options options = {.url = url_to("https", "/large")};
    char ca_path[] = "/tmp/sesame-ca-XXXXXX";
    struct error err = {0};
    SSL_CTX *tls = test_tls_server(ca_path);

    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (char)('a' + i % 23);
    send_buffer_bytes = 4096;
    http_service_use_tls(service, tls);
    http_client_free(client);
    trusting.ca_file = ca_path;
    client = http_client_new(loop, &trusting, &err);
    request(&options);
    run_until_done(1);
    ck_assert_msg(done_error.code == ERROR_NONE, "%s", done_error.message);
    ck_assert_uint_eq(body_seen.len, sizeof large);
    ck_assert_mem_eq(body_seen.data, large, sizeof large);
    http_client_free(client);
    client = NULL;
    http_service_free(service);
    service = NULL;
    SSL_CTX_free(tls);
    unlink(ca_path);
}
END_TEST

START_TEST(origins_are_compared_in_one_spelling)
{
    static const char *const bad[] = {
        "ftp://h/",        "https://", "https:///x",     "https://u@h/", "https://h:0",
        "https://h:99999", "h/p",      "https://h\\@x/", "https://h x",  "//h/p"};
    struct error err = {0};
    char origin[300];

    ck_assert(url_origin("HTTPS://Host.Example/p?q#f", 26, origin, sizeof origin, &err));
    ck_assert_str_eq(origin, "https://host.example:443");
    ck_assert(url_origin("http://[::1]:8080", 17, origin, sizeof origin, &err));
    ck_assert_str_eq(origin, "http://[::1]:8080");
    ck_assert(url_origin("https://h?x", 11, origin, sizeof origin, &err));
    ck_assert_str_eq(origin, "https://h:443");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        error_clear(&err);
        ck_assert_msg(!url_origin(bad[i], strlen(bad[i]), origin, sizeof origin, &err), "%s",
                      bad[i]);
    }
    ck_assert(url_is_loopback("http://127.0.0.1:9/x") && url_is_loopback("http://localhost/"));
    ck_assert(!url_is_loopback("http://127.0.0.1.example/"));
    ck_assert(!url_is_loopback("http://localhost.example/"));
}
END_TEST

START_TEST(retry_after_is_read_in_both_forms)
{
    ck_assert_int_eq(http_retry_after_ms(slice_of("3"), 0), 3000);
    ck_assert_int_eq(http_retry_after_ms(slice_of("Tue, 24 Nov 2026 06:18:05 GMT"), 1795501075),
                     10000);
    ck_assert_int_eq(http_retry_after_ms(slice_of("soon"), 0), -1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_client_certificate_without_its_key_is_refused,
                                  a_request_carries_what_was_asked_and_nothing_else,
                                  a_secret_body_and_a_secret_answer_stay_secrets,
                                  an_answer_that_is_too_large_is_an_error,
                                  a_redirect_is_an_answer_and_is_not_followed,
                                  a_cancelled_call_is_over_for_both_sides,
                                  a_call_can_be_cancelled_from_its_own_data,
                                  a_call_can_be_started_from_anothers_data,
                                  silence_and_slowness_have_their_own_limits,
                                  an_upload_that_goes_on_slowly_is_not_silent,
                                  an_upload_that_nobody_reads_any_more_is_given_up,
                                  a_refused_connection_names_the_address_without_its_query,
                                  a_connection_that_is_not_made_in_time_is_given_up,
                                  plain_http_to_elsewhere_is_refused_before_anything_is_sent,
                                  a_header_with_a_line_end_is_refused,
                                  tls_is_verified_and_a_private_ca_can_be_added,
                                  a_large_answer_over_tls_survives_a_full_socket,
                                  origins_are_compared_in_one_spelling,
                                  retry_after_is_read_in_both_forms,
                                  NULL};

    return run_tests("http_client", tests, setup, teardown);
}
