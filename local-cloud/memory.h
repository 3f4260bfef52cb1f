/* Memory for a program that may end when there is none: the stand-in serves tests and demos. */
#ifndef LOCAL_CLOUD_MEMORY_H
#define LOCAL_CLOUD_MEMORY_H

#include <stddef.h>

/* Returns `block`, or ends the process with a message when it is NULL. */
void *must_have(void *block);

void *must_allocate(size_t size); /* zeroed */
char *must_copy(const char *text);
char *must_copy_bytes(const char *bytes, size_t len); /* with a NUL behind them */
char *must_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Frees `*slot` and puts a copy of `text` there. */
void replace_text(char **slot, const char *text);

/* Makes room for one more element in an array whose capacity is the next power of two; returns the
 * array, which may have moved. */
void *must_grow(void *array, size_t count, size_t element_size);

#endif
