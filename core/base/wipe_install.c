/* Has the libraries that hold secrets in passing use the allocators that wipe. */
#include "base/wipe_alloc.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <openssl/crypto.h>

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
