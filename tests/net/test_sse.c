/* Event streams after the HTML standard, cut at every byte. */
#include "net/sse.h"

#include "base/buffer.h"
#include "base/error.h"

#include "../support/run.h"

#include <stdio.h>
#include <string.h>

static char seen[4096];

static bool note_event(void *arg, const struct sse_event *event)
{
    size_t used = strlen(seen);

    (void)arg;
    ck_assert_uint_eq(event->data_len, strlen(event->data));
    snprintf(seen + used, sizeof seen - used, "[%s|%s|%s|%d]", event->type, event->data, event->id,
             (int)event->retry_ms);
    return true;
}

/* Reads `text` whole, then cut into two at every byte, then byte by byte. */
static void expect_events(const char *text, size_t len, const char *expected)
{
    for (size_t cut = 0; cut <= len + 1; cut++) {
        struct error err = {0};
        struct sse_reader *reader = sse_reader_new(1000, &err);

        seen[0] = '\0';
        if (cut <= len) {
            ck_assert(sse_reader_feed(reader, text, cut, note_event, NULL, &err));
            ck_assert(sse_reader_feed(reader, text + cut, len - cut, note_event, NULL, &err));
        } else {
            for (size_t i = 0; i < len; i++)
                ck_assert(sse_reader_feed(reader, text + i, 1, note_event, NULL, &err));
        }
        ck_assert_msg(strcmp(seen, expected) == 0, "cut at %zu: %s instead of %s", cut, seen,
                      expected);
        sse_reader_free(reader);
    }
}
#define EXPECT(text, expected) expect_events(text, sizeof(text) - 1, expected)

START_TEST(events_are_read_as_the_standard_says)
{
    EXPECT("data: a\n\n", "[message|a||-1]");
    EXPECT("data:a\r\n\r\ndata:  b\r\rdata:c\n\n",
           "[message|a||-1][message| b||-1][message|c||-1]");
    EXPECT("data: a\ndata\ndata: b\n\n", "[message|a\n\nb||-1]");
    EXPECT("event: add\ndata: 1\n\ndata: 2\n\n", "[add|1||-1][message|2||-1]");
    EXPECT(": hello\n\n:\n\ndata: x\n\n", "[message|x||-1]");
    EXPECT("id: 7\nretry: 500\n\ndata: x\n\n", "[message|x|7|500]");
    EXPECT("id: 7\nretry: 500\ndata:\n\n", "[message||7|500]");
    EXPECT("id: 7\ndata: a\n\nid\ndata: b\n\n", "[message|a|7|-1][message|b||-1]");
    EXPECT("id: a\0b\ndata: x\n\n", "[message|x||-1]");
    EXPECT("retry: 5x\nretry: -5\nretry:\ndata: x\n\n", "[message|x||-1]");
    EXPECT("unknown: 1\nnocolon\ndata: x\n\n", "[message|x||-1]");
    EXPECT("data: lost", "");
    EXPECT("data: lost\n", "");
    EXPECT(
        "\xEF\xBB\xBF"
        "data: x\n\n",
        "[message|x||-1]");
    EXPECT(
        "\xEF\xBB"
        "data: x\n\ndata: y\n\n",
        "[message|y||-1]");
    EXPECT("data: \xe6\x9d\xad\xe5\xb7\x9e\r\n\r\n", "[message|\xe6\x9d\xad\xe5\xb7\x9e||-1]");
}
END_TEST

static void expect_last_id(const char *text, const char *expected)
{
    struct error err = {0};
    struct sse_reader *reader = sse_reader_new(1000, &err);
    struct sse_event state;

    ck_assert(sse_reader_feed(reader, text, strlen(text), note_event, NULL, &err));
    sse_reader_state(reader, &state);
    ck_assert_msg(strcmp(state.id, expected) == 0, "%s: %s", text, state.id);
    sse_reader_free(reader);
}

START_TEST(an_event_that_was_cut_off_leaves_the_last_id_alone)
{
    expect_last_id("id: 1\n\n", "1");
    expect_last_id("id: 1\ndata: a\n\nid: 2\ndata: b\n\n", "2");
    expect_last_id("id: 1\ndata: a\n\nid: 2\ndata: b\n", "1");
    expect_last_id("id: 1\ndata: a\n\nid: 2", "1");
    expect_last_id("id: 1\ndata: a\n\ndata: b\n\n", "1");
    expect_last_id("id: 1\ndata: a\n\nid:\n\n", "");
    expect_last_id("id: 1\n", "");
}
END_TEST

START_TEST(an_event_that_is_too_long_ends_the_stream)
{
    struct error err = {0};
    struct sse_reader *reader = sse_reader_new(100, &err);
    char line[64];

    memset(line, 'x', sizeof line);
    memcpy(line, "data: ", 6);
    line[63] = '\n';
    seen[0] = '\0';
    ck_assert(sse_reader_feed(reader, line, sizeof line, note_event, NULL, &err));
    ck_assert(!sse_reader_feed(reader, line, sizeof line, note_event, NULL, &err));
    ck_assert_int_eq(err.code, ERROR_LIMIT);
    error_clear(&err);
    ck_assert(!sse_reader_feed(reader, "\n\n", 2, note_event, NULL, &err));
    ck_assert_str_eq(seen, "");
    sse_reader_free(reader);
}
END_TEST

static bool stop_at_first(void *arg, const struct sse_event *event)
{
    (void)event;
    (*(int *)arg)++;
    return false;
}

START_TEST(the_reader_stops_when_it_is_told_to)
{
    struct error err = {0};
    struct sse_reader *reader = sse_reader_new(100, &err);
    int events = 0;

    ck_assert(sse_reader_feed(reader, "data: a\n\ndata: b\n\n", 18, stop_at_first, &events, &err));
    ck_assert_int_eq(events, 1);
    sse_reader_free(reader);
}
END_TEST

START_TEST(what_is_written_can_be_read)
{
    struct error err = {0};
    struct buffer out;

    buffer_init(&out, 1000);
    ck_assert(sse_write_comment(&out, "keep-alive", &err));
    ck_assert(sse_write_data(&out, "{\"a\":1}", 7, &err));
    expect_events(out.data, out.len, "[message|{\"a\":1}||-1]");
    buffer_clear(&out);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {events_are_read_as_the_standard_says,
                                  an_event_that_was_cut_off_leaves_the_last_id_alone,
                                  an_event_that_is_too_long_ends_the_stream,
                                  the_reader_stops_when_it_is_told_to,
                                  what_is_written_can_be_read,
                                  NULL};

    return run_tests("sse", tests, NULL, NULL);
}
