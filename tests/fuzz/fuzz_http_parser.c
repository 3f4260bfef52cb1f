/* A request gives the same verdict whole and byte by byte. */
#include "fuzz.h"

#include "net/http_parser.h"

#include <stdlib.h>

static const struct http_parser_limits limits = {4096, 20, 4096};

static size_t body_bytes[2];

static void on_body(void *arg, const char *bytes, size_t len)
{
    (void)bytes;
    *(size_t *)arg += len;
}

static enum http_parser_state run(struct http_parser *parser, const char *text, size_t len,
                                  size_t step, size_t *out_used, size_t *body)
{
    enum http_parser_state state = HTTP_PARSER_HEAD;
    size_t at = 0;

    *body = 0;
    while (at < len && state != HTTP_PARSER_DONE && state != HTTP_PARSER_ERROR) {
        size_t used = 0, piece = len - at < step ? len - at : step;

        state = http_parser_feed(parser, text + at, piece, &used, on_body, body);
        at += used;
        if (used < piece && state != HTTP_PARSER_DONE && state != HTTP_PARSER_ERROR)
            abort();
    }
    *out_used = at;
    return state;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct http_parser *whole = http_parser_new(&limits), *slow = http_parser_new(&limits);
    enum http_parser_state first, second;
    size_t first_used, second_used;

    first = run(whole, (const char *)bytes, len, len, &first_used, &body_bytes[0]);
    second = run(slow, (const char *)bytes, len, 1, &second_used, &body_bytes[1]);
    if (first != second)
        abort();
    if (first == HTTP_PARSER_DONE && (first_used != second_used || body_bytes[0] != body_bytes[1]))
        abort();
    http_parser_free(whole);
    http_parser_free(slow);
    return 0;
}
