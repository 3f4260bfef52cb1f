/* A pure, strict HTTP/1.1 request parser: bytes in, events out (RFC 9112 read strictly).
 *
 * The head is collected whole and then read in one pass: a head is small, and a rule that looks at
 * all of it (two lengths, a length beside chunks) is then one line. */
#include "net/http_parser.h"

#include "base/buffer.h"
#include "base/error.h"
#include "net/http_fields.h"

#include <stdlib.h>
#include <string.h>

#define TARGET_MAX_BYTES 8192
#define CHUNK_LINE_MAX_BYTES 256
#define TRAILER_MAX_BYTES 4096

enum body_phase {
    BODY_NONE,
    BODY_LENGTH,
    BODY_CHUNK_SIZE,
    BODY_CHUNK_DATA,
    BODY_CHUNK_END,
    BODY_TRAILER
};

struct http_parser {
    struct http_parser_limits limits;
    enum http_parser_state state;
    int status;
    const char *reason;
    struct buffer text; /* the head, then kept while its slices are in use */
    size_t scanned;     /* head bytes looked at for its end */
    struct http_head head;
    struct http_field *fields;
    enum body_phase phase;
    uint64_t left;       /* bytes of the body or chunk still to come */
    uint64_t body_bytes; /* body bytes handed out */
    struct buffer line;  /* a chunk's size line or a trailer line */
    size_t trailer_bytes;
};

struct http_parser *http_parser_new(const struct http_parser_limits *limits)
{
    struct http_parser *parser = calloc(1, sizeof *parser);

    if (parser == NULL)
        return NULL;
    parser->limits = *limits;
    buffer_init(&parser->text, limits->head_max_bytes);
    buffer_init(&parser->line, CHUNK_LINE_MAX_BYTES);
    return parser;
}

static void wipe(struct http_parser *parser)
{
    buffer_wipe(&parser->text);
    buffer_wipe(&parser->line);
    free(parser->fields);
    parser->fields = NULL;
    parser->head = (struct http_head){0};
    parser->scanned = parser->trailer_bytes = 0;
    parser->body_bytes = parser->left = 0;
    parser->phase = BODY_NONE;
}

void http_parser_free(struct http_parser *parser)
{
    if (parser == NULL)
        return;
    wipe(parser);
    free(parser);
}

void http_parser_next(struct http_parser *parser)
{
    wipe(parser);
    parser->state = HTTP_PARSER_HEAD;
}

static enum http_parser_state fail(struct http_parser *parser, int status, const char *reason)
{
    parser->state = HTTP_PARSER_ERROR;
    parser->status = status;
    parser->reason = reason;
    return HTTP_PARSER_ERROR;
}

int http_parser_status(const struct http_parser *parser)
{
    return parser->status;
}

const char *http_parser_reason(const struct http_parser *parser)
{
    return parser->reason;
}

const struct http_head *http_parser_head(const struct http_parser *parser)
{
    return &parser->head;
}

struct slice http_head_find(const struct http_head *head, const char *name)
{
    for (size_t i = 0; i < head->field_count; i++)
        if (slice_equal_nocase(head->fields[i].name, name))
            return head->fields[i].value;
    return (struct slice){NULL, 0};
}

void http_parser_remove_field(struct http_parser *parser, size_t index)
{
    struct slice value = parser->fields[index].value;

    if (value.len > 0)
        explicit_bzero(parser->text.data + (value.data - parser->text.data), value.len);
    parser->head.field_count--;
    memmove(parser->fields + index, parser->fields + index + 1,
            (parser->head.field_count - index) * sizeof *parser->fields);
}

/* ---- the request line (RFC 9112 section 3) -------------------------------------------------- */

static bool read_version(struct http_parser *parser, struct slice version)
{
    if (version.len != 8 || memcmp(version.data, "HTTP/", 5) != 0 || version.data[5] < '0' ||
        version.data[5] > '9' || version.data[6] != '.' || version.data[7] < '0' ||
        version.data[7] > '9') {
        fail(parser, 400, "malformed request line");
        return false;
    }
    if (version.data[5] != '1' || version.data[7] > '1') {
        fail(parser, 505, "unsupported HTTP version");
        return false;
    }
    parser->head.minor_version = version.data[7] - '0';
    return true;
}

/* Splits the target into path and query, and an absolute one from its authority. */
static bool read_target(struct http_parser *parser, struct slice target)
{
    struct http_head *head = &parser->head;
    struct slice rest = target;
    const char *slash;

    for (size_t i = 0; i < target.len; i++)
        if ((unsigned char)target.data[i] <= ' ' || (unsigned char)target.data[i] >= 0x7F ||
            target.data[i] == '#')
            return false;
    head->target = target;
    if (slice_equal_text(target, "*")) {
        head->path = target;
        return slice_equal_text(head->method, "OPTIONS");
    }
    if (target.data[0] != '/') {
        /* Absolute form; CONNECT's authority form is not for an origin server. */
        if (!slice_starts_with(target, "http://") && !slice_starts_with(target, "https://"))
            return false;
        rest.data += target.data[4] == 's' ? 8 : 7;
        rest.len -= target.data[4] == 's' ? 8 : 7;
        slash = rest.len == 0 ? NULL : memchr(rest.data, '/', rest.len);
        head->host =
            (struct slice){rest.data, slash == NULL ? rest.len : (size_t)(slash - rest.data)};
        if (!http_host_is_valid(head->host))
            return false;
        if (slash == NULL) {
            head->path = (struct slice){"/", 1};
            return memchr(rest.data, '?', rest.len) == NULL;
        }
        rest.data = slash;
        rest.len = (size_t)(target.data + target.len - slash);
    }
    head->path = slice_cut(&rest, '?');
    if (rest.data != NULL)
        head->query = rest;
    return true;
}

static bool read_request_line(struct http_parser *parser, struct slice line)
{
    struct slice rest = line;

    parser->head.method = slice_cut(&rest, ' ');
    if (!http_is_token(parser->head.method) || rest.data == NULL) {
        fail(parser, 400, "malformed request line");
        return false;
    }
    {
        struct slice target = slice_cut(&rest, ' ');

        if (target.len == 0 || rest.data == NULL) {
            fail(parser, 400, "malformed request line");
            return false;
        }
        if (!read_version(parser, rest))
            return false;
        if (!read_target(parser, target)) {
            fail(parser, 400, "malformed request target");
            return false;
        }
    }
    return true;
}

/* ---- the header fields (RFC 9112 sections 5 and 6) ------------------------------------------ */

static bool read_field(struct http_parser *parser, struct slice line)
{
    struct slice rest = line, name = slice_cut(&rest, ':');

    if (rest.data == NULL || !http_is_token(name) || !http_value_is_valid(rest)) {
        fail(parser, 400, "malformed header field");
        return false;
    }
    if (parser->head.field_count == parser->limits.field_max_count) {
        fail(parser, 431, "too many header fields");
        return false;
    }
    parser->fields[parser->head.field_count++] =
        (struct http_field){.name = name, .value = slice_trim(rest)};
    return true;
}

static bool read_lines(struct http_parser *parser)
{
    struct slice rest = {parser->text.data, parser->text.len};
    bool is_first = true;

    parser->fields = calloc(parser->limits.field_max_count, sizeof *parser->fields);
    if (parser->fields == NULL) {
        fail(parser, 500, "no memory");
        return false;
    }
    parser->head.fields = parser->fields;
    while (rest.len > 0) {
        struct slice line = slice_cut(&rest, '\n');

        /* Every line ends in CRLF: a bare LF, and a CR anywhere else, is where two readers begin
         * to disagree. */
        if (line.len == 0 || line.data[line.len - 1] != '\r') {
            fail(parser, 400, "line that does not end in CRLF");
            return false;
        }
        line.len--;
        if (line.len == 0)
            break;
        if (is_first ? !read_request_line(parser, line) : !read_field(parser, line))
            return false;
        is_first = false;
    }
    if (is_first) {
        fail(parser, 400, "malformed request line");
        return false;
    }
    return true;
}

static size_t count_fields(const struct http_head *head, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < head->field_count; i++)
        count += slice_equal_nocase(head->fields[i].name, name);
    return count;
}

static bool check_host(struct http_parser *parser)
{
    struct http_head *head = &parser->head;
    size_t count = count_fields(head, "host");
    struct slice host = http_head_find(head, "host");

    if (count > 1 || (count == 0 && head->minor_version == 1)) {
        fail(parser, 400, count == 0 ? "no Host field" : "more than one Host field");
        return false;
    }
    if (count == 1 && host.len > 0 && !http_host_is_valid(host)) {
        fail(parser, 400, "malformed Host field");
        return false;
    }
    if (head->host.data == NULL)
        head->host = host;
    return true;
}

/* How long the body is. Anything that two readers could understand differently is refused
 * (RFC 9112 section 6.3). */
static bool read_framing(struct http_parser *parser)
{
    struct http_head *head = &parser->head;
    size_t lengths = count_fields(head, "content-length");
    size_t codings = count_fields(head, "transfer-encoding");
    uint64_t length = 0;

    if (codings > 0) {
        if (lengths > 0 || codings > 1 || head->minor_version == 0) {
            fail(parser, 400, "ambiguous body length");
            return false;
        }
        if (!slice_equal_nocase(http_head_find(head, "transfer-encoding"), "chunked")) {
            fail(parser, 501, "unsupported transfer coding");
            return false;
        }
        head->content_length = -1;
        head->has_body = true;
        parser->phase = BODY_CHUNK_SIZE;
        return true;
    }
    if (lengths == 0)
        return true;
    {
        struct slice value = http_head_find(head, "content-length");

        if (lengths > 1 || !parse_uint64(value.data, value.len, &length) || length > INT64_MAX) {
            fail(parser, 400, lengths > 1 ? "ambiguous body length" : "malformed Content-Length");
            return false;
        }
    }
    if (length > parser->limits.body_max_bytes) {
        fail(parser, 413, "request body too large");
        return false;
    }
    head->content_length = (int64_t)length;
    head->has_body = length > 0;
    parser->left = length;
    parser->phase = length > 0 ? BODY_LENGTH : BODY_NONE;
    return true;
}

static void read_connection(struct http_head *head)
{
    head->keep_alive = head->minor_version == 1;
    for (size_t i = 0; i < head->field_count; i++) {
        struct slice rest = head->fields[i].value;

        if (!slice_equal_nocase(head->fields[i].name, "connection"))
            continue;
        while (rest.data != NULL) {
            struct slice option = slice_trim(slice_cut(&rest, ','));

            if (slice_equal_nocase(option, "close")) {
                head->keep_alive = false;
                return;
            }
            if (slice_equal_nocase(option, "keep-alive"))
                head->keep_alive = true;
        }
    }
}

static enum http_parser_state read_head(struct http_parser *parser)
{
    struct http_head *head = &parser->head;

    if (!read_lines(parser) || !check_host(parser) || !read_framing(parser))
        return parser->state;
    read_connection(head);
    if (http_head_find(head, "expect").data != NULL) {
        if (!slice_equal_nocase(http_head_find(head, "expect"), "100-continue"))
            return fail(parser, 417, "unknown expectation");
        head->expects_continue = head->has_body && head->minor_version == 1;
    }
    parser->state = head->has_body ? HTTP_PARSER_BODY : HTTP_PARSER_DONE;
    return parser->state;
}

/* Collects bytes up to the blank line. A CRLF in front of a request line is skipped, once (RFC 9112
 * section 2.2). */
static enum http_parser_state feed_head(struct http_parser *parser, const char *bytes, size_t len,
                                        size_t *used)
{
    struct error ignored = {0};

    while (*used < len) {
        const char *at = bytes + *used, *line_end = memchr(at, '\n', len - *used);
        size_t step = line_end == NULL ? len - *used : (size_t)(line_end - at) + 1;
        bool is_first_line = memchr(parser->text.data == NULL ? "" : parser->text.data, '\n',
                                    parser->text.len) == NULL;

        if (!buffer_add(&parser->text, at, step, &ignored))
            return fail(parser, is_first_line ? 414 : 431,
                        is_first_line ? "request line too long" : "request head too large");
        *used += step;
        if (is_first_line && parser->text.len > TARGET_MAX_BYTES + 64)
            return fail(parser, 414, "request line too long");
        if (line_end == NULL)
            return parser->state;
        if (parser->text.len == 2 && parser->text.data[0] == '\r' && parser->scanned == 0) {
            buffer_truncate(&parser->text, 0);
            parser->scanned = 1;
            continue;
        }
        /* The end of the head: this line is empty. Lines that end in a bare LF are refused when
         * the head is read, so they may end it too. */
        if ((parser->text.len >= 4 &&
             memcmp(parser->text.data + parser->text.len - 4, "\r\n\r\n", 4) == 0) ||
            (parser->text.len >= 2 &&
             memcmp(parser->text.data + parser->text.len - 2, "\n\n", 2) == 0) ||
            (parser->text.len >= 3 &&
             memcmp(parser->text.data + parser->text.len - 3, "\n\r\n", 3) == 0) ||
            parser->text.len <= 2)
            return read_head(parser);
    }
    return parser->state;
}

/* ---- the body (RFC 9112 section 7.1) -------------------------------------------------------- */

/* Collects one line of the chunked coding. True when it is complete, without its CRLF. */
static bool take_line(struct http_parser *parser, const char *bytes, size_t len, size_t *used)
{
    const char *at = bytes + *used, *line_end = memchr(at, '\n', len - *used);
    size_t step = line_end == NULL ? len - *used : (size_t)(line_end - at) + 1;
    struct error ignored = {0};

    if (!buffer_add(&parser->line, at, step, &ignored)) {
        fail(parser, 400, "chunk line too long");
        return false;
    }
    *used += step;
    if (line_end == NULL)
        return false;
    if (parser->line.len < 2 || parser->line.data[parser->line.len - 2] != '\r') {
        fail(parser, 400, "line that does not end in CRLF");
        return false;
    }
    buffer_truncate(&parser->line, parser->line.len - 2);
    return true;
}

static bool read_chunk_size(struct http_parser *parser)
{
    struct slice rest = {parser->line.data, parser->line.len}, digits = slice_cut(&rest, ';');
    uint64_t size = 0;

    /* Chunk extensions are allowed and ignored; a blank before the ';' is not. */
    if (!http_parse_hex(digits, &size) || (rest.data != NULL && !http_value_is_valid(rest))) {
        fail(parser, 400, "malformed chunk size");
        return false;
    }
    if (size > parser->limits.body_max_bytes - parser->body_bytes) {
        fail(parser, 413, "request body too large");
        return false;
    }
    parser->left = size;
    parser->phase = size == 0 ? BODY_TRAILER : BODY_CHUNK_DATA;
    return true;
}

/* Trailers are checked and dropped: nothing here needs them, and merging them into the header is a
 * known way to smuggle fields. */
static void read_trailer(struct http_parser *parser)
{
    struct slice rest = {parser->line.data, parser->line.len};

    parser->trailer_bytes += parser->line.len + 2;
    if (parser->line.len == 0) {
        parser->phase = BODY_NONE;
        parser->state = HTTP_PARSER_DONE;
    } else if (parser->trailer_bytes > TRAILER_MAX_BYTES) {
        fail(parser, 431, "trailer section too large");
    } else {
        struct slice name = slice_cut(&rest, ':');

        if (rest.data == NULL || !http_is_token(name) || !http_value_is_valid(rest))
            fail(parser, 400, "malformed trailer field");
    }
}

static void take_body(struct http_parser *parser, const char *bytes, size_t len, size_t *used,
                      void (*on_body)(void *arg, const char *bytes, size_t len), void *arg)
{
    size_t step = len - *used < parser->left ? len - *used : (size_t)parser->left;

    if (on_body != NULL && step > 0)
        on_body(arg, bytes + *used, step);
    *used += step;
    parser->left -= step;
    parser->body_bytes += step;
    if (parser->left > 0)
        return;
    if (parser->phase == BODY_LENGTH) {
        parser->phase = BODY_NONE;
        parser->state = HTTP_PARSER_DONE;
    } else {
        parser->phase = BODY_CHUNK_END;
    }
}

static void take_chunk_line(struct http_parser *parser, const char *bytes, size_t len, size_t *used)
{
    if (!take_line(parser, bytes, len, used))
        return;
    switch (parser->phase) {
    case BODY_CHUNK_SIZE:
        (void)read_chunk_size(parser);
        break;
    case BODY_CHUNK_END:
        if (parser->line.len == 0)
            parser->phase = BODY_CHUNK_SIZE;
        else
            fail(parser, 400, "chunk longer than its size");
        break;
    default:
        read_trailer(parser);
        break;
    }
    buffer_truncate(&parser->line, 0);
}

enum http_parser_state http_parser_feed(struct http_parser *parser, const char *bytes, size_t len,
                                        size_t *out_used,
                                        void (*on_body)(void *arg, const char *bytes, size_t len),
                                        void *arg)
{
    size_t used = 0;

    if (parser->state == HTTP_PARSER_HEAD)
        (void)feed_head(parser, bytes, len, &used);
    while (parser->state == HTTP_PARSER_BODY && used < len) {
        if (parser->phase == BODY_LENGTH || parser->phase == BODY_CHUNK_DATA)
            take_body(parser, bytes, len, &used, on_body, arg);
        else
            take_chunk_line(parser, bytes, len, &used);
    }
    *out_used = used;
    return parser->state;
}
