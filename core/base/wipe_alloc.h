/* Allocators that wipe what they free, for the libraries that hold secrets in passing. */
#ifndef SESAME_BASE_WIPE_ALLOC_H
#define SESAME_BASE_WIPE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* malloc-compatible; free and realloc overwrite the old block first (malloc_usable_size). */
void *wipe_malloc(size_t size);
void *wipe_calloc(size_t count, size_t size);
void *wipe_realloc(void *block, size_t size);
void wipe_free(void *block);
char *wipe_strdup(const char *text);

/* Installs them in OpenSSL (CRYPTO_set_mem_functions), libevent (event_set_mem_functions) and
 * libcurl (curl_global_init_mem). First thing in main, before any of the three is used. False when
 * one of them had already allocated. */
bool wipe_alloc_install(void);

#endif
