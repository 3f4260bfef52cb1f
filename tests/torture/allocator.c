/* An allocator that fails when it is told to, for all code of the test program.
 *
 * Without sanitizers it takes the place of the C library's, so that the libraries meet failures
 * too: glibc allows that ("Replacing malloc"). AddressSanitizer has an allocator of its own, so
 * there the linker wraps the calls of our code only (--wrap, local.mk). */
#include "allocator.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

static _Thread_local size_t until_failure; /* 0: none is to come */
static _Thread_local enum torture_mode mode_now;
static _Thread_local bool has_failed;
static _Thread_local size_t nth_now;
static atomic_long live_blocks;

void torture_arm(size_t nth, enum torture_mode mode)
{
    nth_now = nth;
    mode_now = mode;
    has_failed = false;
    until_failure = nth;
}

bool torture_disarm(void)
{
    until_failure = 0;
    return has_failed;
}

size_t torture_nth(void)
{
    return nth_now;
}

long torture_live_blocks(void)
{
    return atomic_load(&live_blocks);
}

static bool must_fail(void)
{
    if (until_failure == 0)
        return false;
    if (until_failure > 1) {
        until_failure--;
        return false;
    }
    if (mode_now == TORTURE_ONCE)
        until_failure = 0;
    has_failed = true;
    errno = ENOMEM;
    return true;
}

#ifdef __SANITIZE_ADDRESS__

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t len);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);

void *__wrap_malloc(size_t size)
{
    return must_fail() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return must_fail() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return must_fail() ? NULL : __real_realloc(block, size);
}

char *__wrap_strdup(const char *text)
{
    return must_fail() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t len)
{
    return must_fail() ? NULL : __real_strndup(text, len);
}

#else

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);
/* Seen by the libraries, whatever -fvisibility says. */
#define EXPORTED __attribute__((visibility("default")))
EXPORTED void *malloc(size_t size);
EXPORTED void *calloc(size_t count, size_t size);
EXPORTED void *realloc(void *block, size_t size);
EXPORTED void free(void *block);

static void *count(void *block)
{
    if (block != NULL)
        atomic_fetch_add(&live_blocks, 1);
    return block;
}

void *malloc(size_t size)
{
    return must_fail() ? NULL : count(__libc_malloc(size));
}

void *calloc(size_t items, size_t size)
{
    return must_fail() ? NULL : count(__libc_calloc(items, size));
}

void *realloc(void *block, size_t size)
{
    void *fresh;

    if (size > 0 && must_fail())
        return NULL;
    fresh = __libc_realloc(block, size);
    if (block == NULL)
        return count(fresh);
    if (size == 0)
        atomic_fetch_sub(&live_blocks, 1);
    return fresh;
}

void free(void *block)
{
    if (block != NULL)
        atomic_fetch_sub(&live_blocks, 1);
    __libc_free(block);
}

#endif
