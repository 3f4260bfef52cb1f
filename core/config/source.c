/* Environment, files and the pool of texts behind both configuration files. */
#include "config/source.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"

#define FILE_MAX_BYTES ((size_t)1 << 20)

static const char *process_env(void *arg, const char *name)
{
    (void)arg;
    return getenv(name);
}

const struct config_source *config_source_process(void)
{
    static const struct config_source source = {.get_env = process_env};

    return &source;
}

/* A block of the pool; `next` first so that the list needs no other memory. */
struct pool_block {
    struct pool_block *next;
    max_align_t bytes[];
};

struct config_pool {
    struct pool_block *first;
};

struct config_pool *config_pool_new(void)
{
    return calloc(1, sizeof(struct config_pool));
}

void config_pool_free(struct config_pool *pool)
{
    if (pool == NULL)
        return;
    while (pool->first != NULL) {
        struct pool_block *block = pool->first;

        pool->first = block->next;
        free(block);
    }
    free(pool);
}

void *config_pool_alloc(struct config_pool *pool, size_t size)
{
    struct pool_block *block = NULL;

    if (size <= SIZE_MAX - sizeof *block)
        block = calloc(1, sizeof *block + size);
    if (block == NULL)
        return NULL;
    block->next = pool->first;
    pool->first = block;
    return block->bytes;
}

char *config_pool_copy(struct config_pool *pool, const char *text, size_t len)
{
    char *copy = len < SIZE_MAX ? config_pool_alloc(pool, len + 1) : NULL;

    if (copy != NULL && len > 0)
        memcpy(copy, text, len);
    return copy;
}

char *config_expand_home(const char *path, const struct config_source *source)
{
    const char *home = source->get_env(source->arg, "HOME");
    char *out = NULL;

    if (strncmp(path, "~/", 2) != 0 || home == NULL || home[0] == '\0')
        return strdup(path);
    return asprintf(&out, "%s%s", home, path + 1) < 0 ? NULL : out;
}

static bool read_all(int fd, char *out, size_t capacity, size_t *out_len)
{
    *out_len = 0;
    while (*out_len < capacity) {
        ssize_t got = read(fd, out + *out_len, capacity - *out_len);

        if (got == 0)
            return true;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        *out_len += (size_t)got;
    }
    return true;
}

char *config_read_file(const char *path, size_t *out_len, struct error *err)
{
    /* O_NONBLOCK so that a FIFO put in the file's place cannot hang the start. */
    CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    CLEANUP(cleanup_free) char *text = NULL;
    struct stat status;

    if (fd < 0 || fstat(fd, &status) != 0) {
        enum error_code code = errno == ENOENT ? ERROR_NOT_FOUND : ERROR_BAD_INPUT;

        error_set(err, code, "%s", strerror(errno));
        return NULL;
    }
    if (!S_ISREG(status.st_mode)) {
        error_set(err, ERROR_BAD_INPUT, "%s",
                  S_ISDIR(status.st_mode) ? "Is a directory" : "Not a regular file");
        return NULL;
    }
    text = malloc(FILE_MAX_BYTES + 1);
    if (text == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for the file");
        return NULL;
    }
    if (!read_all(fd, text, FILE_MAX_BYTES + 1, out_len)) {
        error_set(err, ERROR_BAD_INPUT, "%s", strerror(errno));
        return NULL;
    }
    if (*out_len > FILE_MAX_BYTES) {
        error_set(err, ERROR_LIMIT, "larger than 1 MiB");
        return NULL;
    }
    text[*out_len] = '\0';
    return TAKE(text);
}

bool config_is_variable_name(const char *text)
{
    if (!isalpha((unsigned char)text[0]) && text[0] != '_')
        return false;
    for (const char *at = text; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at) && *at != '_')
            return false;
    }
    return true;
}

bool config_looks_random(const char *text)
{
    size_t len = 0, digits = 0, lower = 0, upper = 0;

    for (; isalnum((unsigned char)text[len]) || strchr("+/=-", text[len]) != NULL; len++) {
        if (text[len] == '\0')
            break;
        digits += isdigit((unsigned char)text[len]) != 0;
        lower += islower((unsigned char)text[len]) != 0;
        upper += isupper((unsigned char)text[len]) != 0;
    }
    if (text[len] != '\0' || len < 24)
        return false;
    return digits >= 3 && (lower >= 3 || upper >= 3);
}

bool config_looks_like_secret(const char *text)
{
    static const char *const starts[] = {"sk-", "eyJ", "LTAI", "AKIA", "STS.", "Bearer ", "Basic "};

    if (strstr(text, "-----BEGIN") != NULL || strstr(text, "PRIVATE KEY") != NULL)
        return true;
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        if (strncmp(text, starts[i], strlen(starts[i])) == 0)
            return true;
    }
    return false;
}
