/* A reply as a script: a head, bytes cut into pieces with pauses before them, and how it ends. */
#include "local-cloud/reply.h"

#include "base/error.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/memory.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for the oversized answers that tests ask for. */
enum { BODY_MAX_BYTES = 256 << 20 };

void reply_init(struct reply *reply)
{
    memset(reply, 0, sizeof *reply);
    buffer_init(&reply->body, BODY_MAX_BYTES);
}

void reply_clear(struct reply *reply)
{
    for (size_t i = 0; i < reply->header_count; i++) {
        free(reply->headers[i].name);
        free(reply->headers[i].value);
    }
    buffer_clear(&reply->body);
    free(reply->content_type);
    free(reply->pieces);
    free(reply->topic);
    reply_init(reply);
}

void reply_header(struct reply *reply, const char *name, const char *format, ...)
{
    va_list arguments;
    char *value = NULL;
    int len;

    va_start(arguments, format);
    len = vasprintf(&value, format, arguments);
    va_end(arguments);
    must_have(len < 0 ? NULL : value);
    assert(reply->header_count < sizeof reply->headers / sizeof reply->headers[0]);
    reply->headers[reply->header_count].name = must_copy(name);
    reply->headers[reply->header_count].value = value;
    reply->header_count++;
}

static void add_bytes(struct reply *reply, const char *bytes, size_t len)
{
    struct error err = {0};

    if (len > 0 && !buffer_add(&reply->body, bytes, len, &err)) {
        fprintf(stderr, "sesame-local-cloud: making a reply: %s\n", err.message);
        exit(1);
    }
}

static void begin(struct reply *reply, int status, const char *content_type)
{
    reply->status = status;
    if (content_type != NULL)
        replace_text(&reply->content_type, content_type);
    buffer_truncate(&reply->body, 0);
    reply->piece_count = 0;
    reply->is_streamed = false;
}

void reply_text(struct reply *reply, int status, const char *content_type, const char *text)
{
    begin(reply, status, content_type);
    add_bytes(reply, text, strlen(text));
}

void reply_json(struct reply *reply, int status, struct json_object *value)
{
    char *text = json_pack_text(value);

    reply_text(reply, status, "application/json", text);
    free(text);
}

void reply_empty(struct reply *reply, int status)
{
    begin(reply, status, NULL);
    free(reply->content_type);
    reply->content_type = NULL;
}

void reply_stream(struct reply *reply, int status, const char *content_type)
{
    begin(reply, status, content_type);
    reply->is_streamed = true;
}

void reply_piece(struct reply *reply, int64_t delay_ms, const char *bytes, size_t len)
{
    reply->pieces = must_grow(reply->pieces, reply->piece_count, sizeof *reply->pieces);
    reply->pieces[reply->piece_count++] = (struct reply_piece){.delay_ms = delay_ms, .len = len};
    add_bytes(reply, bytes, len);
}

void reply_split_bytes(struct reply *reply)
{
    struct reply_piece *pieces = must_allocate((reply->body.len + 1) * sizeof *pieces);
    size_t count = 0;

    for (size_t i = 0; i < reply->piece_count; i++)
        for (size_t j = 0; j < reply->pieces[i].len; j++)
            pieces[count++] =
                (struct reply_piece){.delay_ms = j == 0 ? reply->pieces[i].delay_ms : 0, .len = 1};
    free(reply->pieces);
    /* must_grow counts on a capacity that is a power of two; nothing is added after this. */
    reply->pieces = pieces;
    reply->piece_count = count;
}

void reply_truncate(struct reply *reply, size_t keep_count)
{
    size_t len = 0;

    if (keep_count >= reply->piece_count)
        return;
    for (size_t i = 0; i < keep_count; i++)
        len += reply->pieces[i].len;
    reply->piece_count = keep_count;
    buffer_truncate(&reply->body, len);
}

void reply_method_not_allowed(struct reply *reply, const char *allow)
{
    reply_header(reply, "Allow", "%s", allow);
    reply_text(reply, 405, "text/plain; charset=utf-8", "method not allowed\n");
}
