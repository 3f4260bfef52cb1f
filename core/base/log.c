/* Structured log: records as text or JSON lines, written by a thread of its own.
 *
 * The state is global because a record must be possible from anywhere and order matters. */
#include "base/log.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log_ring.h"
#include "base/secret.h"
#include "base/text.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RING_BYTES (128 * 1024)
#define RECORD_MAX_BYTES 8192
#define VALUE_MAX_BYTES 4096

static struct log_ring *ring;
static enum log_format format = LOG_FORMAT_TEXT;
static atomic_int level = LOG_INFO;
static atomic_ullong reported_drops;

struct log_sink {
    struct log_ring *ring;
};

static const char *level_text(enum log_level of)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};

    return of >= LOG_DEBUG && of <= LOG_ERROR ? names[of] : "error";
}

bool log_open(int fd, enum log_format wanted_format, enum log_level wanted_level, struct error *err)
{
    struct log_ring *fresh = log_ring_new(fd, RING_BYTES, err);

    if (fresh == NULL)
        return false;
    format = wanted_format;
    atomic_store(&level, (int)wanted_level);
    ring = fresh;
    return true;
}

void log_close(void)
{
    log_ring_free(ring);
    ring = NULL;
}

bool log_enabled(enum log_level of)
{
    return (int)of >= atomic_load_explicit(&level, memory_order_relaxed);
}

/* A value cut at a character boundary, as a JSON string: escaped, valid, on one line. */
static bool add_text(struct buffer *out, const char *text, size_t len, struct error *err)
{
    size_t kept = utf8_prefix(text, len, VALUE_MAX_BYTES);

    return json_add_string(out, text, kept, err);
}

static bool add_value(struct buffer *out, const struct log_field *field, struct error *err)
{
    switch (field->kind) {
    case LOG_FIELD_INT:
        return buffer_printf(out, err, "%lld", (long long)field->number);
    case LOG_FIELD_BOOL:
        return buffer_add_text(out, field->number ? "true" : "false", err);
    case LOG_FIELD_BYTES:
        return add_text(out, field->text, field->len, err);
    case LOG_FIELD_TEXT:
        break;
    }
    return field->text == NULL ? buffer_add_text(out, "null", err)
                               : add_text(out, field->text, strlen(field->text), err);
}

static bool add_json(struct buffer *out, enum log_level of, const char *area, const char *message,
                     const struct log_field *fields, size_t count, struct error *err)
{
    char now[25];
    bool ok;

    clock_format_rfc3339(clock_wall_ms(), now);
    ok = buffer_printf(out, err, "{\"ts\":\"%s\",\"level\":\"%s\",\"area\":\"%s\",\"msg\":", now,
                       level_text(of), area) &&
         add_text(out, message, strlen(message), err);
    for (size_t i = 0; ok && i < count; i++)
        ok = buffer_printf(out, err, ",\"%s\":", fields[i].name) && add_value(out, &fields[i], err);
    return ok && buffer_add_text(out, "}\n", err);
}

static bool add_plain(struct buffer *out, enum log_level of, const char *area, const char *message,
                      const struct log_field *fields, size_t count, struct error *err)
{
    size_t start;
    char now[25];
    bool ok;

    clock_format_rfc3339(clock_wall_ms(), now);
    ok = buffer_printf(out, err, "%s %-5s %s: ", now, level_text(of), area);
    start = out->len;
    ok = ok && add_text(out, message, strlen(message), err);
    if (ok) {
        /* The message reads better without its quotes; the escapes stay. */
        memmove(out->data + start, out->data + start + 1, out->len - start - 2);
        buffer_truncate(out, out->len - 2);
    }
    for (size_t i = 0; ok && i < count; i++)
        ok = buffer_printf(out, err, " %s=", fields[i].name) && add_value(out, &fields[i], err);
    return ok && buffer_add_char(out, '\n', err);
}

static void emit(const char *line, size_t len)
{
    char copy[RECORD_MAX_BYTES];

    if (ring != NULL) {
        (void)log_ring_put(ring, line, len);
        return;
    }
    len = len < sizeof copy ? len : sizeof copy;
    memcpy(copy, line, len);
    (void)secret_occurs_in(copy, len, true);
    /* Nobody to tell when standard error is gone. */
    (void)!write(STDERR_FILENO, copy, len);
}

/* ERROR_NONE when it was written, else why not. */
static enum error_code try_record(enum log_level of, const char *area, const char *message,
                                  const struct log_field *fields, size_t count)
{
    struct error err = {0};
    struct buffer line;

    buffer_init(&line, RECORD_MAX_BYTES);
    if (format == LOG_FORMAT_JSON ? add_json(&line, of, area, message, fields, count, &err)
                                  : add_plain(&line, of, area, message, fields, count, &err))
        emit(line.data, line.len);
    buffer_clear(&line);
    return err.code;
}

/* What is too long is written without its fields. A record that is lost all the same leaves a line
 * that needs no memory. */
static void write_record(enum log_level of, const char *area, const char *message,
                         const struct log_field *fields, size_t count)
{
    static const char *const lost[][2] = {
        [LOG_FORMAT_TEXT] = {"error log: a record is lost: no memory\n",
                             "error log: a record is lost: too long\n"},
        [LOG_FORMAT_JSON] =
            {"{\"level\":\"error\",\"area\":\"log\",\"msg\":\"a record is lost: no memory\"}\n",
             "{\"level\":\"error\",\"area\":\"log\",\"msg\":\"a record is lost: too long\"}\n"},
    };
    enum error_code code = try_record(of, area, message, fields, count);
    const char *line;

    if (code == ERROR_LIMIT && count > 0)
        code = try_record(of, area, message, (const struct log_field[]){LOG_BOOL("cut", true)}, 1);
    if (code == ERROR_NONE)
        return;
    line = lost[format][code == ERROR_LIMIT];
    emit(line, strlen(line));
}

void log_write(enum log_level of, const char *area, const char *message,
               const struct log_field *fields, size_t field_count)
{
    unsigned long long drops, before;

    if (!log_enabled(of))
        return;
    drops = log_dropped_count();
    before = atomic_exchange(&reported_drops, drops);
    if (drops > before)
        write_record(LOG_WARN, "log", "records were dropped: the log's reader is too slow",
                     (const struct log_field[]){LOG_INT("count", (int64_t)(drops - before))}, 1);
    write_record(of, area, message, fields, field_count);
}

uint64_t log_dropped_count(void)
{
    return ring == NULL ? 0 : log_ring_dropped(ring);
}

struct log_sink *log_sink_new(int fd, struct error *err)
{
    struct log_sink *sink = calloc(1, sizeof *sink);

    if (sink == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for the audit");
        return NULL;
    }
    sink->ring = log_ring_new(fd, RING_BYTES, err);
    if (sink->ring == NULL) {
        free(sink);
        return NULL;
    }
    return sink;
}

bool log_sink_write(struct log_sink *sink, const char *line, size_t len)
{
    return log_ring_put(sink->ring, line, len);
}

void log_sink_free(struct log_sink *sink)
{
    if (sink == NULL)
        return;
    log_ring_free(sink->ring);
    free(sink);
}
