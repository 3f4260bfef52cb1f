/* Server-sent events, both ways (WHATWG HTML, section "Server-sent events"). */
#include "net/sse.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define ID_MAX_BYTES 1024
#define TYPE_MAX_BYTES 256

struct sse_reader {
    struct buffer line; /* the part of a line that came so far */
    struct buffer data;
    struct buffer type;
    struct buffer id;      /* of the event at hand ... */
    struct buffer last_id; /* ... and of the stream, once a blank line completed it */
    size_t event_max_bytes;
    int64_t retry_ms;
    size_t bom_seen; /* bytes of a byte order mark at the very start */
    bool at_start;
    bool has_data;
    bool last_was_cr; /* a CR ended the last line: one LF behind it belongs to it */
    bool is_broken;
};

struct sse_reader *sse_reader_new(size_t event_max_bytes, struct error *err)
{
    struct sse_reader *reader = calloc(1, sizeof *reader);

    if (reader == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory to read an event stream");
        return NULL;
    }
    buffer_init(&reader->line, event_max_bytes);
    buffer_init(&reader->data, event_max_bytes);
    buffer_init(&reader->type, TYPE_MAX_BYTES);
    buffer_init(&reader->id, ID_MAX_BYTES);
    buffer_init(&reader->last_id, ID_MAX_BYTES);
    reader->event_max_bytes = event_max_bytes;
    reader->retry_ms = -1;
    reader->at_start = true;
    return reader;
}

void sse_reader_free(struct sse_reader *reader)
{
    if (reader == NULL)
        return;
    buffer_clear(&reader->line);
    buffer_clear(&reader->data);
    buffer_clear(&reader->type);
    buffer_clear(&reader->id);
    buffer_clear(&reader->last_id);
    free(reader);
}

static const char *text_of(const struct buffer *buffer)
{
    return buffer->data == NULL ? "" : buffer->data;
}

void sse_reader_state(const struct sse_reader *reader, struct sse_event *out_event)
{
    *out_event = (struct sse_event){.type = "message",
                                    .type_len = 7,
                                    .data = "",
                                    .id = text_of(&reader->last_id),
                                    .id_len = reader->last_id.len,
                                    .retry_ms = reader->retry_ms};
}

/* A field of one line. An id or type beyond its bound is ignored, as an unknown field is. */
static bool take_field(struct sse_reader *reader, struct slice name, struct slice value,
                       struct error *err)
{
    struct error ignored = {0};
    int64_t retry_ms;

    if (slice_equal_text(name, "data")) {
        reader->has_data = true;
        return buffer_add(&reader->data, value.data, value.len, err) &&
               buffer_add_char(&reader->data, '\n', err);
    }
    if (slice_equal_text(name, "event")) {
        buffer_truncate(&reader->type, 0);
        (void)buffer_add(&reader->type, value.data, value.len, &ignored);
    } else if (slice_equal_text(name, "id")) {
        if (value.len > 0 && memchr(value.data, '\0', value.len) != NULL)
            return true;
        if (value.len <= ID_MAX_BYTES) {
            buffer_truncate(&reader->id, 0);
            (void)buffer_add(&reader->id, value.data, value.len, &ignored);
        }
    } else if (slice_equal_text(name, "retry")) {
        if (value.len > 0 && value.data[0] != '-' && parse_int64(value.data, value.len, &retry_ms))
            reader->retry_ms = retry_ms;
    }
    return true;
}

/* Hands out the event that a blank line completes. Returns what the callback says. */
static bool dispatch(struct sse_reader *reader,
                     bool (*on_event)(void *arg, const struct sse_event *event), void *arg)
{
    struct sse_event event;
    struct error ignored = {0};
    bool goes_on = true;

    /* Not before: who goes on behind an event that was cut off would never get it. */
    buffer_truncate(&reader->last_id, 0);
    (void)buffer_add(&reader->last_id, text_of(&reader->id), reader->id.len, &ignored);
    if (reader->has_data) {
        sse_reader_state(reader, &event);
        if (reader->type.len > 0) {
            event.type = reader->type.data;
            event.type_len = reader->type.len;
        }
        buffer_truncate(&reader->data, reader->data.len - 1); /* the last LF */
        event.data = text_of(&reader->data);
        event.data_len = reader->data.len;
        goes_on = on_event(arg, &event);
    }
    buffer_truncate(&reader->data, 0);
    buffer_truncate(&reader->type, 0);
    reader->has_data = false;
    return goes_on;
}

static bool take_line(struct sse_reader *reader, struct slice line, struct error *err)
{
    struct slice rest = line, name;

    if (line.data[0] == ':')
        return true;
    name = slice_cut(&rest, ':');
    if (rest.data == NULL)
        rest = (struct slice){"", 0};
    else if (rest.len > 0 && rest.data[0] == ' ')
        rest = (struct slice){rest.data + 1, rest.len - 1};
    return take_field(reader, name, rest, err);
}

/* Passes over a byte order mark, which may come in pieces, at the very start of the stream. */
static void skip_bom(struct sse_reader *reader, const char **bytes, size_t *len)
{
    static const char bom[3] = "\xEF\xBB\xBF";
    struct error ignored = {0};

    while (reader->at_start && *len > 0) {
        if (reader->bom_seen < 3 && **bytes == bom[reader->bom_seen]) {
            reader->bom_seen++;
            (*bytes)++;
            (*len)--;
            reader->at_start = reader->bom_seen < 3;
        } else {
            /* It was none: these bytes belong to the first line. */
            (void)buffer_add(&reader->line, bom, reader->bom_seen, &ignored);
            reader->at_start = false;
        }
    }
}

static size_t line_length(const char *bytes, size_t len)
{
    size_t i = 0;

    while (i < len && bytes[i] != '\n' && bytes[i] != '\r')
        i++;
    return i;
}

static bool feed(struct sse_reader *reader, const char *bytes, size_t len,
                 bool (*on_event)(void *arg, const struct sse_event *event), void *arg,
                 struct error *err)
{
    while (len > 0) {
        size_t run;
        struct slice line;

        if (reader->last_was_cr && *bytes == '\n') {
            reader->last_was_cr = false;
            bytes++;
            len--;
            continue;
        }
        reader->last_was_cr = false;
        run = line_length(bytes, len);
        line = (struct slice){bytes, run};
        if (reader->line.len > 0 || run == len) {
            /* Kept only where a line is cut by the end of what came. */
            if (!buffer_add(&reader->line, bytes, run, err))
                return false;
            line = (struct slice){reader->line.data, reader->line.len};
        } else if (run > reader->event_max_bytes) {
            return error_set(err, ERROR_LIMIT, "line of %zu bytes", run);
        }
        if (run == len)
            return true;
        reader->last_was_cr = bytes[run] == '\r';
        bytes += run + 1;
        len -= run + 1;
        if (line.len == 0) {
            if (!dispatch(reader, on_event, arg))
                return true;
        } else if (!take_line(reader, line, err)) {
            return false;
        }
        buffer_truncate(&reader->line, 0);
    }
    return true;
}

bool sse_reader_feed(struct sse_reader *reader, const char *bytes, size_t len,
                     bool (*on_event)(void *arg, const struct sse_event *event), void *arg,
                     struct error *err)
{
    if (reader->is_broken)
        return error_set(err, ERROR_LIMIT, "the event stream was given up");
    skip_bom(reader, &bytes, &len);
    if (feed(reader, bytes, len, on_event, arg, err))
        return true;
    reader->is_broken = true;
    return error_prefix(err, "an event of the stream is longer than %zu bytes",
                        reader->event_max_bytes);
}

bool sse_write_data(struct buffer *out, const char *text, size_t len, struct error *err)
{
    size_t before = out->len;

    if (buffer_add(out, "data: ", 6, err) && buffer_add(out, text, len, err) &&
        buffer_add(out, "\n\n", 2, err))
        return true;
    buffer_truncate(out, before);
    return false;
}

bool sse_write_comment(struct buffer *out, const char *text, struct error *err)
{
    return buffer_printf(out, err, ": %s\n\n", text);
}
