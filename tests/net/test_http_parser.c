/* The request parser against the strictness table, each case whole and cut at every byte. */
#include "net/http_parser.h"

#include "base/buffer.h"
#include "base/error.h"

#include "../support/run.h"

#include <stdio.h>
#include <string.h>

#define H "Host: a\r\n"

struct table_row {
    const char *name;
    const char *text;
    size_t len;
    int status; /* 0: accepted */
    const char *body;
};
#define ROW(name, text, status, body)              \
    {                                              \
        name, text, sizeof(text) - 1, status, body \
    }

static const struct table_row rows[] = {
    ROW("get", "GET / HTTP/1.1\r\n" H "\r\n", 0, ""),
    ROW("post", "POST /x?y HTTP/1.1\r\n" H "Content-Length: 4\r\n\r\nabcd", 0, "abcd"),
    ROW("empty body", "POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", 0, ""),
    ROW("chunked",
        "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 0,
        "abc"),
    ROW("chunk extension",
        "POST / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n3;a=\"b\"\r\nabc\r\n00\r\n\r\n",
        0, "abc"),
    ROW("trailer is dropped",
        "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\n", 0,
        "a"),
    ROW("1.0 without host", "GET / HTTP/1.0\r\n\r\n", 0, ""),
    ROW("absolute form", "GET http://h:80/p?q HTTP/1.1\r\n" H "\r\n", 0, ""),
    ROW("asterisk", "OPTIONS * HTTP/1.1\r\n" H "\r\n", 0, ""),
    ROW("crlf in front", "\r\nGET / HTTP/1.1\r\n" H "\r\n", 0, ""),
    ROW("empty value", "GET / HTTP/1.1\r\n" H "X:\r\n\r\n", 0, ""),
    ROW("ipv6 host", "GET / HTTP/1.1\r\nHost: [::1]:9002\r\n\r\n", 0, ""),
    ROW("te and cl",
        "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        400, ""),
    ROW("xchunked", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n", 501, ""),
    ROW("gzip, chunked", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n", 501,
        ""),
    ROW("two codings",
        "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        400, ""),
    ROW("chunked in 1.0", "POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400, ""),
    ROW("two lengths", "POST / HTTP/1.1\r\n" H "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
        400, ""),
    ROW("two equal lengths",
        "POST / HTTP/1.1\r\n" H "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", 400, ""),
    ROW("length list", "POST / HTTP/1.1\r\n" H "Content-Length: 4, 4\r\n\r\nabcd", 400, ""),
    ROW("length +4", "POST / HTTP/1.1\r\n" H "Content-Length: +4\r\n\r\nabcd", 400, ""),
    ROW("length -4", "POST / HTTP/1.1\r\n" H "Content-Length: -4\r\n\r\nabcd", 400, ""),
    ROW("length 0x4", "POST / HTTP/1.1\r\n" H "Content-Length: 0x4\r\n\r\nabcd", 400, ""),
    ROW("length huge", "POST / HTTP/1.1\r\n" H "Content-Length: 99999999999999999999\r\n\r\n", 400,
        ""),
    ROW("length over the limit", "POST / HTTP/1.1\r\n" H "Content-Length: 1001\r\n\r\n", 413, ""),
    ROW("space before colon", "GET / HTTP/1.1\r\n" H "X : y\r\n\r\n", 400, ""),
    ROW("empty name", "GET / HTTP/1.1\r\n" H ": y\r\n\r\n", 400, ""),
    ROW("no colon", "GET / HTTP/1.1\r\n" H "Xy\r\n\r\n", 400, ""),
    ROW("bare lf", "GET / HTTP/1.1\n" H "\r\n", 400, ""),
    ROW("bare lf at the end", "GET / HTTP/1.1\r\n" H "\n", 400, ""),
    ROW("bare cr", "GET / HTTP/1.1\r\n" H "X: a\rb\r\n\r\n", 400, ""),
    ROW("obs-fold", "GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n", 400, ""),
    ROW("no host", "GET / HTTP/1.1\r\nX: a\r\n\r\n", 400, ""),
    ROW("two hosts", "GET / HTTP/1.1\r\n" H "Host: b\r\n\r\n", 400, ""),
    ROW("host with user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, ""),
    ROW("host with path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, ""),
    ROW("nul in a value", "GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n", 400, ""),
    ROW("control in a value",
        "GET / HTTP/1.1\r\n" H "X: a\x01"
        "b\r\n\r\n",
        400, ""),
    ROW("nul in a name", "GET / HTTP/1.1\r\n" H "X\0: a\r\n\r\n", 400, ""),
    ROW("two blanks", "GET  / HTTP/1.1\r\n" H "\r\n", 400, ""),
    ROW("blank behind the version", "GET / HTTP/1.1 \r\n" H "\r\n", 400, ""),
    ROW("no version", "GET /\r\n\r\n", 400, ""),
    ROW("http/2", "GET / HTTP/2.0\r\n" H "\r\n", 505, ""),
    ROW("http/1.2", "GET / HTTP/1.2\r\n" H "\r\n", 505, ""),
    ROW("http/1.10", "GET / HTTP/1.10\r\n" H "\r\n", 400, ""),
    ROW("method with a brace", "G{T / HTTP/1.1\r\n" H "\r\n", 400, ""),
    ROW("target without a slash", "GET x HTTP/1.1\r\n" H "\r\n", 400, ""),
    ROW("target with a fragment", "GET /#x HTTP/1.1\r\n" H "\r\n", 400, ""),
    ROW("connect", "CONNECT a:80 HTTP/1.1\r\n" H "\r\n", 400, ""),
    ROW("asterisk with get", "GET * HTTP/1.1\r\n" H "\r\n", 400, ""),
    ROW("empty chunk size", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n\r\n", 400,
        ""),
    ROW("chunk size 0x3",
        "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", 400,
        ""),
    ROW("chunk size with a blank",
        "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3 ;x\r\nabc\r\n0\r\n\r\n", 400,
        ""),
    ROW("chunk too long for its size",
        "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", 400,
        ""),
    ROW("chunk size overflow",
        "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n", 400, ""),
    ROW("chunk over the limit", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3e9\r\n",
        413, ""),
    ROW("chunk line with a bare lf",
        "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", 400, ""),
    ROW("broken trailer",
        "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\nX y\r\n\r\n", 400, ""),
    ROW("unknown expectation", "POST / HTTP/1.1\r\n" H "Expect: x\r\nContent-Length: 1\r\n\r\na",
        417, ""),
};

static const struct http_parser_limits limits = {2048, 10, 1000};

static void add_body(void *arg, const char *bytes, size_t len)
{
    struct error err = {0};

    ck_assert(buffer_add(arg, bytes, len, &err));
}

/* Feeds `text` in pieces that end at `cut` and at the end; step 0 means byte by byte. */
static void check_row(const struct table_row *row, size_t cut, bool byte_by_byte)
{
    struct http_parser *parser = http_parser_new(&limits);
    enum http_parser_state state = HTTP_PARSER_HEAD;
    struct buffer body;
    size_t at = 0;

    buffer_init(&body, 2000);
    while (at < row->len && state != HTTP_PARSER_ERROR && state != HTTP_PARSER_DONE) {
        size_t len = byte_by_byte ? 1 : at < cut ? cut - at : row->len - at, used = 0;

        state = http_parser_feed(parser, row->text + at, len, &used, add_body, &body);
        ck_assert(used == len || state == HTTP_PARSER_ERROR || state == HTTP_PARSER_DONE);
        at += used;
    }
    if (row->status == 0) {
        ck_assert_msg(state == HTTP_PARSER_DONE, "%s, cut at %zu: state %d, %s", row->name, cut,
                      state, state == HTTP_PARSER_ERROR ? http_parser_reason(parser) : "");
        ck_assert_uint_eq(at, row->len);
        ck_assert_str_eq(body.data == NULL ? "" : body.data, row->body);
    } else {
        ck_assert_msg(state == HTTP_PARSER_ERROR, "%s, cut at %zu: state %d", row->name, cut,
                      state);
        ck_assert_msg(http_parser_status(parser) == row->status, "%s: %d", row->name,
                      http_parser_status(parser));
    }
    buffer_clear(&body);
    http_parser_free(parser);
}

START_TEST(every_row_gives_the_same_verdict_however_it_is_cut)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t cut = 0; cut < rows[i].len; cut++)
            check_row(&rows[i], cut, false);
        check_row(&rows[i], 0, true);
    }
}
END_TEST

static int status_of(const char *text, size_t len)
{
    struct http_parser *parser = http_parser_new(&limits);
    size_t used = 0;
    int status = http_parser_feed(parser, text, len, &used, NULL, NULL) == HTTP_PARSER_ERROR
                     ? http_parser_status(parser)
                     : 0;

    http_parser_free(parser);
    return status;
}

START_TEST(heads_beyond_the_limits_have_their_own_statuses)
{
    char text[4000];
    int len = snprintf(text, sizeof text, "GET /%03000d HTTP/1.1\r\n", 0);

    ck_assert_int_eq(status_of(text, (size_t)len), 414);
    len = snprintf(text, sizeof text, "GET / HTTP/1.1\r\n" H "X: %03000d\r\n\r\n", 0);
    ck_assert_int_eq(status_of(text, (size_t)len), 431);
    len = snprintf(text, sizeof text, "GET / HTTP/1.1\r\n" H);
    for (int i = 0; i < 10; i++)
        len += snprintf(text + len, sizeof text - (size_t)len, "X%d: y\r\n", i);
    len += snprintf(text + len, sizeof text - (size_t)len, "\r\n");
    ck_assert_int_eq(status_of(text, (size_t)len), 431);
}
END_TEST

START_TEST(the_parts_of_a_head_are_found)
{
    static const char text[] =
        "POST https://h.example/p/q?a=b HTTP/1.1\r\nhost: other\r\n"
        "Authorization:  Bearer x \r\nConnection: keep-alive, close\r\n"
        "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    struct http_parser *parser = http_parser_new(&limits);
    const struct http_head *head;
    size_t used;

    ck_assert_int_eq(http_parser_feed(parser, text, sizeof text - 1, &used, NULL, NULL),
                     HTTP_PARSER_BODY);
    head = http_parser_head(parser);
    ck_assert(slice_equal_text(head->method, "POST"));
    ck_assert(slice_equal_text(head->path, "/p/q"));
    ck_assert(slice_equal_text(head->query, "a=b"));
    ck_assert(slice_equal_text(head->host, "h.example"));
    ck_assert(slice_equal_text(http_head_find(head, "AUTHORIZATION"), "Bearer x"));
    ck_assert(!head->keep_alive && head->expects_continue && head->has_body);
    http_parser_remove_field(parser, 1);
    ck_assert_ptr_null(http_head_find(head, "authorization").data);
    ck_assert(slice_equal_text(http_head_find(head, "expect"), "100-continue"));
    http_parser_free(parser);
}
END_TEST

START_TEST(a_second_request_begins_where_the_first_ended)
{
    static const char text[] =
        "POST /1 HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\naGET /2 HTTP/1.1\r\n" H "\r\n";
    struct http_parser *parser = http_parser_new(&limits);
    size_t first, second;

    ck_assert_int_eq(http_parser_feed(parser, text, sizeof text - 1, &first, NULL, NULL),
                     HTTP_PARSER_DONE);
    http_parser_next(parser);
    ck_assert_int_eq(
        http_parser_feed(parser, text + first, sizeof text - 1 - first, &second, NULL, NULL),
        HTTP_PARSER_DONE);
    ck_assert(slice_equal_text(http_parser_head(parser)->path, "/2"));
    ck_assert_uint_eq(first + second, sizeof text - 1);
    http_parser_free(parser);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_row_gives_the_same_verdict_however_it_is_cut,
                                  heads_beyond_the_limits_have_their_own_statuses,
                                  the_parts_of_a_head_are_found,
                                  a_second_request_begins_where_the_first_ended, NULL};

    return run_tests("http_parser", tests, NULL, NULL);
}
