/* Secrets lie in one locked, non-dumpable arena and are wiped when the last reference goes. */
#include "base/secret.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/secret_arena.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define FILE_MAX_BYTES (64 * 1024)
/* Shorter values occur in innocent text by chance. */
#define SCRUB_MIN_BYTES 8
#define TAIL_BYTES 16

struct secret {
    atomic_size_t references;
    size_t len;
    char bytes[]; /* followed by a NUL that is not counted */
};

struct secret *secret_new(size_t len, struct error *err)
{
    struct secret *secret = len < SIZE_MAX / 2 ? arena_alloc(sizeof *secret + len + 1) : NULL;

    if (secret == NULL) {
        error_set_named(err, ERROR_LIMIT, "SecretMemoryFull",
                        "the locked memory for secrets is full (%zu bytes wanted)", len);
        return NULL;
    }
    atomic_init(&secret->references, 1);
    secret->len = len;
    return secret;
}

struct secret *secret_copy(const char *bytes, size_t len, struct error *err)
{
    struct secret *secret = secret_new(len, err);

    if (secret != NULL && len > 0)
        memcpy(secret->bytes, bytes, len);
    return secret;
}

struct secret *secret_take_bytes(char *bytes, size_t len, struct error *err)
{
    struct secret *secret = secret_copy(bytes, len, err);

    explicit_bzero(bytes, len);
    return secret;
}

struct secret *secret_ref(struct secret *secret)
{
    atomic_fetch_add_explicit(&secret->references, 1, memory_order_relaxed);
    return secret;
}

struct secret *secret_share(const struct secret *secret)
{
    struct secret *shared;

    memcpy(&shared, &secret, sizeof shared); /* a cast would drop the const */
    return shared == NULL ? NULL : secret_ref(shared);
}

void secret_free(struct secret *secret)
{
    if (secret == NULL)
        return;
    if (atomic_fetch_sub_explicit(&secret->references, 1, memory_order_acq_rel) == 1)
        arena_free(secret);
}

void secret_cleanup(struct secret **slot)
{
    secret_free(*slot);
}

const char *secret_borrow(const struct secret *secret, size_t *out_len)
{
    if (out_len != NULL)
        *out_len = secret->len;
    return secret->bytes;
}

char *secret_edit(struct secret *secret, size_t *out_len)
{
    if (out_len != NULL)
        *out_len = secret->len;
    return secret->bytes;
}

void secret_shrink(struct secret *secret, size_t len)
{
    assert(len <= secret->len);
    explicit_bzero(secret->bytes + len, secret->len - len);
    secret->len = len;
}

size_t secret_len(const struct secret *secret)
{
    return secret->len;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    return a->len == b->len && CRYPTO_memcmp(a->bytes, b->bytes, a->len) == 0;
}

void secret_fingerprint(const struct secret *secret, char out[13])
{
    static const char label[] = "sesame-fingerprint";
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
              EVP_DigestUpdate(context, label, sizeof label - 1) == 1 &&
              EVP_DigestUpdate(context, secret->bytes, secret->len) == 1 &&
              EVP_DigestFinal_ex(context, digest, NULL) == 1;

    EVP_MD_CTX_free(context);
    if (ok)
        hex_encode(digest, 6, out);
    else
        memcpy(out, "------------", 13);
}

struct secret *secret_join(const char *prefix, const struct secret *secret, const char *suffix,
                           struct error *err)
{
    size_t before = strlen(prefix), after = strlen(suffix);
    struct secret *joined = secret_new(before + secret->len + after, err);

    if (joined == NULL)
        return NULL;
    memcpy(joined->bytes, prefix, before);
    memcpy(joined->bytes + before, secret->bytes, secret->len);
    memcpy(joined->bytes + before + secret->len, suffix, after);
    return joined;
}

void secret_builder_init(struct secret_builder *builder, size_t max_bytes)
{
    *builder = (struct secret_builder){.max_bytes = max_bytes};
}

bool secret_builder_add(struct secret_builder *builder, const char *bytes, size_t len,
                        struct error *err)
{
    if (len > builder->max_bytes || builder->len > builder->max_bytes - len)
        return error_set(err, ERROR_LIMIT, "more than the limit of %zu bytes", builder->max_bytes);
    if (builder->secret == NULL || builder->len + len > builder->secret->len) {
        size_t capacity = builder->secret == NULL ? 512 : builder->secret->len * 2;
        struct secret *grown;

        if (capacity < builder->len + len)
            capacity = builder->len + len;
        grown = secret_new(capacity, err);
        if (grown == NULL)
            return false;
        if (builder->secret != NULL)
            memcpy(grown->bytes, builder->secret->bytes, builder->len);
        secret_free(builder->secret);
        builder->secret = grown;
    }
    memcpy(builder->secret->bytes + builder->len, bytes, len);
    builder->len += len;
    return true;
}

struct secret *secret_builder_take(struct secret_builder *builder, struct error *err)
{
    struct secret *secret = NULL;

    /* A copy of the right size: the builder's own block has room to grow that would stay locked. */
    if (builder->secret != NULL)
        secret = secret_copy(builder->secret->bytes, builder->len, err);
    secret_builder_clear(builder);
    return secret;
}

void secret_builder_clear(struct secret_builder *builder)
{
    secret_free(builder->secret);
    secret_builder_init(builder, builder->max_bytes);
}

/* Reads in small pieces, each wiped, so that a small file needs little of the arena. */
static bool read_into(int fd, struct secret_builder *builder, struct error *err)
{
    char piece[1024];
    ssize_t got;
    bool ok = true;

    while (ok && (got = read(fd, piece, sizeof piece)) != 0)
        ok = got > 0 ? secret_builder_add(builder, piece, (size_t)got, err)
                     : error_set(err, ERROR_DENIED, "%s", strerror(errno));
    explicit_bzero(piece, sizeof piece);
    return ok;
}

struct secret *secret_from_file(const char *path, struct error *err)
{
    CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct secret_builder builder;

    if (fd < 0) {
        error_set(err, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_DENIED, "reading %s: %s", path,
                  strerror(errno));
        return NULL;
    }
    secret_builder_init(&builder, FILE_MAX_BYTES);
    if (!read_into(fd, &builder, err)) {
        secret_builder_clear(&builder);
        error_prefix(err, "reading %s", path);
        return NULL;
    }
    if (builder.len > 0)
        builder.len = slice_trim_line_end((struct slice){builder.secret->bytes, builder.len}).len;
    if (builder.len == 0) {
        secret_builder_clear(&builder);
        error_set(err, ERROR_BAD_INPUT, "reading %s: the file is empty", path);
        return NULL;
    }
    return secret_builder_take(&builder, err);
}

struct search {
    char *text;
    size_t len;
    bool scrub;
    bool was_found;
};

/* Where the secret stands in the bytes from `at` to `end`. Looked for by its last bytes: tokens
 * begin alike and end in random, and a short needle is found much faster than a token of a
 * kilobyte. */
static char *find_secret(char *at, const char *end, const struct secret *secret)
{
    size_t tail_len = secret->len < TAIL_BYTES ? secret->len : TAIL_BYTES;
    size_t head_len = secret->len - tail_len;

    while ((size_t)(end - at) >= secret->len) {
        char *tail = memmem(at + head_len, (size_t)(end - at) - head_len, secret->bytes + head_len,
                            tail_len);

        if (tail == NULL)
            return NULL;
        at = tail - head_len;
        if (memcmp(at, secret->bytes, head_len) == 0)
            return at;
        at++;
    }
    return NULL;
}

static void search_block(void *arg, void *block, size_t size)
{
    struct search *search = arg;
    const struct secret *secret = block;
    char *at = search->text, *found;

    (void)size;
    if (secret->len < SCRUB_MIN_BYTES || secret->len > search->len || secret->bytes[0] == '\0')
        return;
    while ((found = find_secret(at, search->text + search->len, secret)) != NULL) {
        search->was_found = true;
        if (!search->scrub)
            return;
        memset(found, '*', secret->len);
        at = found + secret->len;
    }
}

bool secret_occurs_in(char *text, size_t len, bool scrub)
{
    struct search search = {.text = text, .len = len, .scrub = scrub};

    if (len >= SCRUB_MIN_BYTES)
        arena_for_each(search_block, &search);
    return search.was_found;
}
