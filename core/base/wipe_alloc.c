/* Allocators that wipe what they free, for the libraries that hold secrets in passing. */
#include "base/wipe_alloc.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void *wipe_malloc(size_t size)
{
    return malloc(size);
}

void *wipe_calloc(size_t count, size_t size)
{
    return calloc(count, size);
}

void wipe_free(void *block)
{
    if (block == NULL)
        return;
    explicit_bzero(block, malloc_usable_size(block));
    free(block);
}

/* realloc may move the block and leave the old bytes behind, so the move is made here. */
void *wipe_realloc(void *block, size_t size)
{
    size_t old_size;
    void *fresh;

    if (block == NULL)
        return malloc(size);
    if (size == 0) {
        wipe_free(block);
        return NULL;
    }
    old_size = malloc_usable_size(block);
    if (size <= old_size && size > old_size / 2)
        return block;
    fresh = malloc(size);
    if (fresh == NULL)
        return NULL;
    memcpy(fresh, block, old_size < size ? old_size : size);
    wipe_free(block);
    return fresh;
}

char *wipe_strdup(const char *text)
{
    return strdup(text);
}
