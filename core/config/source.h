/* Where configuration comes from, so that tests need no real environment, and what owns its texts.
 */
#ifndef SESAME_CONFIG_SOURCE_H
#define SESAME_CONFIG_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

struct error;

/* The environment and file system as configuration sees them. */
struct config_source {
    const char *(*get_env)(void *arg, const char *name); /* NULL: not set */
    void *arg;
    bool allow_loopback_http; /* IDaaS endpoints too: tests only */
};

/* The process's own environment; static. */
const struct config_source *config_source_process(void);

/* Texts that live and die together. */
struct config_pool;
struct config_pool *config_pool_new(void);
void config_pool_free(struct config_pool *pool);
/* Zeroed memory, or a copy of `len` bytes with a NUL behind; NULL when there is no memory. */
void *config_pool_alloc(struct config_pool *pool, size_t size);
char *config_pool_copy(struct config_pool *pool, const char *text, size_t len);

/* Expands "~/" with HOME; else a copy. The caller frees. */
char *config_expand_home(const char *path, const struct config_source *source);

/* Reads a regular file of at most 1 MiB, NUL-terminated, which the caller frees. */
char *config_read_file(const char *path, size_t *out_len, struct error *err);

/* True for [A-Za-z_][A-Za-z0-9_]*. */
bool config_is_variable_name(const char *text);

/* True for text with the marks of a key, token or password: a PEM block, "sk-", "eyJ", "LTAI",
 * "Bearer " and the like. */
bool config_looks_like_secret(const char *text);

/* True for 24 and more letters and digits, mixed as no person would write a name. */
bool config_looks_random(const char *text);

#endif
