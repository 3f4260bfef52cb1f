/* Allocators that wipe what they free, for the libraries that hold secrets in passing. */
#include "base/wipe_alloc.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <event2/event.h>
#include <openssl/crypto.h>

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

static void *crypto_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return wipe_malloc(size);
}

static void *crypto_realloc(void *block, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return wipe_realloc(block, size);
}

static void crypto_free(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    wipe_free(block);
}

bool wipe_alloc_install(void)
{
    bool ok = CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) == 1;

    event_set_mem_functions(wipe_malloc, wipe_realloc, wipe_free);
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, wipe_malloc, wipe_free, wipe_realloc,
                                wipe_strdup, wipe_calloc) == CURLE_OK &&
           ok;
}
