/* Growing bytes with a limit given at creation, so that no peer makes us allocate without bound. */
#include "base/buffer.h"

#include "base/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 256

void buffer_init(struct buffer *buffer, size_t max_bytes)
{
    *buffer = (struct buffer){.max_bytes = max_bytes};
}

void buffer_clear(struct buffer *buffer)
{
    free(buffer->data);
    buffer_init(buffer, buffer->max_bytes);
}

void buffer_wipe(struct buffer *buffer)
{
    if (buffer->data != NULL)
        explicit_bzero(buffer->data, buffer->capacity);
    buffer_clear(buffer);
}

/* A larger block with the same bytes. The old one is overwritten: realloc would leave a copy behind
 * where it moves, and a request's head, say, holds credentials until they are taken out of it. */
static char *move_bytes(struct buffer *buffer, size_t capacity)
{
    char *data = malloc(capacity);

    if (data == NULL || buffer->data == NULL)
        return data;
    memcpy(data, buffer->data, buffer->len + 1);
    explicit_bzero(buffer->data, buffer->capacity);
    free(buffer->data);
    return data;
}

/* Makes room for `extra` more bytes and the closing NUL. */
static bool reserve(struct buffer *buffer, size_t extra, struct error *err)
{
    size_t needed, capacity;
    char *data;

    if (extra > buffer->max_bytes || buffer->len > buffer->max_bytes - extra)
        return error_set(err, ERROR_LIMIT, "more than the limit of %zu bytes", buffer->max_bytes);
    needed = buffer->len + extra + 1;
    if (needed <= buffer->capacity)
        return true;
    capacity = buffer->capacity == 0 ? FIRST_CAPACITY : buffer->capacity;
    while (capacity < needed)
        capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
    if (capacity > buffer->max_bytes + 1 && buffer->max_bytes + 1 >= needed)
        capacity = buffer->max_bytes + 1;
    data = move_bytes(buffer, capacity);
    if (data == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory for %zu bytes", capacity);
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

bool buffer_add(struct buffer *buffer, const char *bytes, size_t len, struct error *err)
{
    if (!reserve(buffer, len, err))
        return false;
    if (len > 0)
        memcpy(buffer->data + buffer->len, bytes, len);
    buffer->len += len;
    buffer->data[buffer->len] = '\0';
    return true;
}

char *buffer_extend(struct buffer *buffer, size_t len, struct error *err)
{
    char *start;

    if (!reserve(buffer, len, err))
        return NULL;
    start = buffer->data + buffer->len;
    buffer->len += len;
    buffer->data[buffer->len] = '\0';
    return start;
}

bool buffer_add_text(struct buffer *buffer, const char *text, struct error *err)
{
    return buffer_add(buffer, text, strlen(text), err);
}

bool buffer_add_char(struct buffer *buffer, char c, struct error *err)
{
    return buffer_add(buffer, &c, 1, err);
}

bool buffer_printf(struct buffer *buffer, struct error *err, const char *format, ...)
{
    size_t room = buffer->capacity - buffer->len;
    va_list args, again;
    bool ok, fits;
    int len;

    va_start(args, format);
    va_copy(again, args);
    /* Most of the time there is room; otherwise this only tells how much is needed. */
    len = vsnprintf(room == 0 ? NULL : buffer->data + buffer->len, room, format, args);
    va_end(args);
    fits = len >= 0 && (size_t)len < room;
    ok =
        len >= 0 ? reserve(buffer, (size_t)len, err) : error_set(err, ERROR_INTERNAL, "bad format");
    if (ok && !fits)
        (void)vsnprintf(buffer->data + buffer->len, (size_t)len + 1, format, again);
    va_end(again);
    if (ok)
        buffer->len += (size_t)len;
    else if (room > 0)
        buffer->data[buffer->len] = '\0'; /* as it was */
    return ok;
}

void buffer_consume(struct buffer *buffer, size_t len)
{
    assert(len <= buffer->len);
    if (len == 0)
        return;
    buffer->len -= len;
    memmove(buffer->data, buffer->data + len, buffer->len + 1);
}

void buffer_truncate(struct buffer *buffer, size_t len)
{
    assert(len <= buffer->len);
    if (buffer->data == NULL)
        return;
    buffer->len = len;
    buffer->data[len] = '\0';
}

char *buffer_take(struct buffer *buffer, size_t *out_len)
{
    char *data = buffer->data;

    if (data == NULL) {
        data = calloc(1, 1);
        if (data == NULL)
            return NULL;
    }
    if (out_len != NULL)
        *out_len = buffer->len;
    buffer_init(buffer, buffer->max_bytes);
    return data;
}
