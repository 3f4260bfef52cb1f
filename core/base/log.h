/* Structured log: a ring and a writer thread, so that no caller ever waits for a disk or pipe.
 *
 * One log per process: a message must be possible from anywhere, and its order matters. */
#ifndef SESAME_BASE_LOG_H
#define SESAME_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/* A field of a record. Make them with the LOG_… macros; values are copied during the call. */
struct log_field {
    const char *name;
    enum { LOG_FIELD_TEXT, LOG_FIELD_BYTES, LOG_FIELD_INT, LOG_FIELD_BOOL } kind;
    const char *text;
    size_t len;
    int64_t number;
};
#define LOG_TEXT(name_, text_)                                   \
    {                                                            \
        .name = (name_), .kind = LOG_FIELD_TEXT, .text = (text_) \
    }
#define LOG_BYTES(name_, text_, len_)                                            \
    {                                                                            \
        .name = (name_), .kind = LOG_FIELD_BYTES, .text = (text_), .len = (len_) \
    }
#define LOG_INT(name_, number_)                                     \
    {                                                               \
        .name = (name_), .kind = LOG_FIELD_INT, .number = (number_) \
    }
#define LOG_BOOL(name_, value_)                                             \
    {                                                                       \
        .name = (name_), .kind = LOG_FIELD_BOOL, .number = (value_) ? 1 : 0 \
    }

/* Starts the writer thread on a descriptor that the caller keeps open. Before it, records go
 * straight to standard error. */
bool log_open(int fd, enum log_format format, enum log_level level, struct error *err);

/* Writes out what is queued and stops the writer. */
void log_close(void);

bool log_enabled(enum log_level level);

/* One record. `message` is finished text; control characters are escaped, invalid UTF-8 replaced,
 * a record over 8 KiB is cut and marked, and every value is scrubbed of secrets that the arena
 * holds. When the ring is full the record is dropped and counted; the next record that fits says
 * how many were lost. [any thread] */
void log_write(enum log_level level, const char *area, const char *message,
               const struct log_field *fields, size_t field_count);

/* log_info("net", "listening", LOG_TEXT("address", text), LOG_INT("workers", n)); */
#define LOG_WITH(level, area, message, ...)                                                       \
    do {                                                                                          \
        if (log_enabled(level)) {                                                                 \
            const struct log_field fields_[] = {{.name = NULL}, ##__VA_ARGS__};                   \
            log_write(level, area, message, fields_ + 1, sizeof fields_ / sizeof fields_[0] - 1); \
        }                                                                                         \
    } while (0)
#define log_debug(area, message, ...) LOG_WITH(LOG_DEBUG, area, message, ##__VA_ARGS__)
#define log_info(area, message, ...) LOG_WITH(LOG_INFO, area, message, ##__VA_ARGS__)
#define log_warn(area, message, ...) LOG_WITH(LOG_WARN, area, message, ##__VA_ARGS__)
#define log_error(area, message, ...) LOG_WITH(LOG_ERROR, area, message, ##__VA_ARGS__)

/* A second stream with the same machinery: the audit writes finished JSON lines to its own
 * descriptor. False when the record was dropped, or the last ones could not be written. [any
 * thread] */
struct log_sink;
struct log_sink *log_sink_new(int fd, struct error *err);
bool log_sink_write(struct log_sink *sink, const char *line, size_t len);
void log_sink_free(struct log_sink *sink);

uint64_t log_dropped_count(void);

#endif
