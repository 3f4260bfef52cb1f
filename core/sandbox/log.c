/* The log as shared code knows it, in a process that has none: what matters goes to the host in
 * frames, the rest nowhere. Stands in for base/log.c, which brings locked memory and a writer
 * thread. */
#include "base/log.h"

bool log_enabled(enum log_level level)
{
    (void)level;
    return false;
}

void log_write(enum log_level level, const char *area, const char *message,
               const struct log_field *fields, size_t field_count)
{
    (void)level;
    (void)area;
    (void)message;
    (void)fields;
    (void)field_count;
}
