/* Memory for a program that may end when there is none: the stand-in serves tests and demos. */
#include "local-cloud/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *must_have(void *block)
{
    if (block == NULL) {
        fputs("sesame-local-cloud: out of memory\n", stderr);
        exit(1);
    }
    return block;
}

void *must_allocate(size_t size)
{
    return must_have(calloc(1, size));
}

char *must_copy(const char *text)
{
    return must_have(strdup(text));
}

char *must_copy_bytes(const char *bytes, size_t len)
{
    char *copy = must_allocate(len + 1);

    if (len > 0)
        memcpy(copy, bytes, len);
    return copy;
}

char *must_format(const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    int len;

    va_start(arguments, format);
    len = vasprintf(&text, format, arguments);
    va_end(arguments);
    return must_have(len < 0 ? NULL : text);
}

void replace_text(char **slot, const char *text)
{
    char *copy = must_copy(text);

    free(*slot);
    *slot = copy;
}

void *must_grow(void *array, size_t count, size_t element_size)
{
    if ((count & (count - 1)) != 0)
        return array; /* not a power of two: there is room */
    return must_have(realloc(array, (count == 0 ? 1 : count * 2) * element_size));
}
