/* Secrets lie in one locked, non-dumpable arena and are wiped when the last reference goes. */
#ifndef SESAME_BASE_SECRET_H
#define SESAME_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct buffer;
struct error;

struct secret; /* opaque on purpose: there is no format specifier for it */

/* What the kernel granted, for the one start-up line. */
struct secret_report {
    size_t arena_bytes;
    bool is_memfd_secret; /* else anonymous memory */
    bool is_locked;       /* mlock succeeded, or memfd_secret */
    bool is_dontdump;
    bool is_dontfork;
    bool is_process_undumpable; /* PR_SET_DUMPABLE 0 */
};

struct secret_usage {
    size_t used_bytes;
    size_t free_bytes;
    size_t count;
};

/* Makes the process-wide arena once, before any thread starts: memfd_secret where the kernel has
 * it, else mlock; sized to `want_bytes` or what RLIMIT_MEMLOCK leaves. Also sets PR_SET_DUMPABLE 0
 * unless `keep_dumpable` (tests that read a core of themselves). Fails only when there is no
 * locked memory at all. Without this call the first secret opens a default arena (1 MiB). */
bool secret_arena_open(size_t want_bytes, bool keep_dumpable, struct secret_report *out_report,
                       struct error *err);

/* Wipes and unmaps the arena; every secret must be gone. For tests and the end of main. */
void secret_arena_close(void);

/* [any thread] */
void secret_arena_usage(struct secret_usage *out_usage);

/* Called, with no lock held, when an allocation finds the arena full; returns true when it freed
 * something and the allocation should be tried again. One per process (the broker's eviction). */
void secret_arena_on_full(bool (*evict)(void *arg, size_t want_bytes), void *arg);

/* A secret of `len` zero bytes to be filled through secret_edit, or a copy of `bytes`. The caller
 * owns one reference. NULL with ERROR_LIMIT when the arena is full: a secret is never placed
 * anywhere else. [any thread] */
struct secret *secret_new(size_t len, struct error *err);
struct secret *secret_copy(const char *bytes, size_t len, struct error *err);

/* As secret_copy; the source bytes are wiped whether it succeeds or not. */
struct secret *secret_take_bytes(char *bytes, size_t len, struct error *err);

/* References are counted atomically, so a secret can be shared between threads; its bytes must not
 * be edited once shared. [any thread] */
struct secret *secret_ref(struct secret *secret);
/* The same for one that was lent as const: only the count changes. NULL gives NULL. [any thread] */
struct secret *secret_share(const struct secret *secret);
void secret_free(struct secret *secret); /* drops one reference; NULL is fine */
void secret_cleanup(struct secret **slot);

/* Borrows the bytes until the caller's reference goes. They are followed by a NUL that is not
 * counted. Every call of this function is a place to review. */
const char *secret_borrow(const struct secret *secret, size_t *out_len);
char *secret_edit(struct secret *secret, size_t *out_len);

/* Cuts the length to `len`, at most the present one; wipes what is cut off. Before it is shared. */
void secret_shrink(struct secret *secret, size_t len);
size_t secret_len(const struct secret *secret);

/* Constant-time in the bytes; lengths may show. */
bool secret_equal(const struct secret *a, const struct secret *b);

/* The first 12 hex digits of SHA-256("sesame-fingerprint" || bytes): safe to print, tells two
 * values apart. `out` holds 13 bytes. */
void secret_fingerprint(const struct secret *secret, char out[13]);

/* Joins prefix, secret and suffix into a new secret; either text may be "". */
struct secret *secret_join(const char *prefix, const struct secret *secret, const char *suffix,
                           struct error *err);

/* Grows a secret while bytes arrive, up to `max_bytes`; all of it stays in the arena. */
struct secret_builder {
    struct secret *secret;
    size_t len;
    size_t max_bytes;
};
void secret_builder_init(struct secret_builder *builder, size_t max_bytes);
bool secret_builder_add(struct secret_builder *builder, const char *bytes, size_t len,
                        struct error *err);
/* The caller owns the result, cut to what was added; NULL when nothing was. */
struct secret *secret_builder_take(struct secret_builder *builder, struct error *err);
void secret_builder_clear(struct secret_builder *builder);

/* The value of an environment variable, copied into the arena and overwritten in place in the
 * process's environment block (unsetenv alone leaves it readable), then unset; trailing CR and LF
 * are cut. Whoever asks for it again gets a reference of the same secret, until secret_arena_close.
 * When it is not set, NAME_FILE may name a file that holds the value, read each time. NULL without
 * an error when neither is set. Only on the owner's thread. */
struct secret *secret_from_environment(const char *name, struct error *err);
/* From now on other threads may look for variables of theirs: one that is taken stays, empty. */
void secret_environment_freeze(void);
/* True when the variable's value has been taken. Only on the owner's thread. */
bool secret_environment_has(const char *name);

/* Reads a whole file (1 byte to 64 KiB) into the arena; trailing CR and LF are cut. */
struct secret *secret_from_file(const char *path, struct error *err);

/* True when the arena holds a secret whose bytes (8 or more) occur in `text`; used by tests and by
 * the scrubber of tool results. Replaces each occurrence in place with '*' when `scrub`. */
bool secret_occurs_in(char *text, size_t len, bool scrub);

#endif
