/* Answers that end too early are no answers. */
#include "net/http_client.h"

#include "base/error.h"
#include "net/http_server.h"
#include "net/loop.h"

#include "../support/run.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop *loop;
static int done_count;
static struct error done_error;
static const char *sent;
static int server_fd;

static void on_accept(void *arg, int fd)
{
    (void)arg;
    ck_assert_int_eq(send(fd, sent, strlen(sent), MSG_NOSIGNAL), (int)strlen(sent));
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    server_fd = fd;
}

static void on_done(void *arg, int status, struct secret *answer, const struct error *err)
{
    (void)arg;
    (void)status;
    (void)answer;
    done_count++;
    done_error = err == NULL ? (struct error){0} : *err;
}

/* One request to a server that sends `text` and ends the connection. */
static void ask(const char *text)
{
    static const struct http_call_events events = {.on_done = on_done};
    struct error err = {0};
    struct http_listener *listener;
    struct http_client *client;
    struct http_request_options options = {.method = "GET"};
    char url[60];

    sent = text;
    loop = loop_new(&err);
    client = http_client_new(loop, NULL, &err);
    listener = http_listener_new(loop, "127.0.0.1:0", on_accept, NULL, &err);
    ck_assert_msg(listener != NULL, "%s", err.message);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", http_listener_port(listener));
    options.url = url;
    ck_assert_ptr_nonnull(http_client_start(client, &options, &events, NULL, &err));
    for (int i = 0; i < 1000 && done_count == 0; i++)
        loop_run_once(loop, 10);
    ck_assert_int_eq(done_count, 1);
    close(server_fd);
    http_listener_free(listener);
    http_client_free(client);
    loop_run_once(loop, 0);
    loop_free(loop);
}

START_TEST(an_answer_that_ends_within_its_head_is_an_error)
{
    ask("HTTP/1.1 200 OK\r\nContent-Ty");
    ck_assert_str_eq(done_error.name, "AnswerCut");
}
END_TEST

START_TEST(an_answer_that_ends_within_its_body_is_an_error)
{
    ask("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    ck_assert_int_eq(done_error.code, ERROR_UPSTREAM);
}
END_TEST

START_TEST(an_answer_that_is_whole_is_none)
{
    ask("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood");
    ck_assert_int_eq(done_error.code, ERROR_NONE);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_answer_that_ends_within_its_head_is_an_error,
        an_answer_that_ends_within_its_body_is_an_error,
        an_answer_that_is_whole_is_none,
        NULL,
    };

    return run_tests("http cut", tests, NULL, NULL);
}
