/* Remembers tokens that were verified, so that a repeated one costs a digest and no signature. */
#include "jwt/token_memo.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define NONE SIZE_MAX

struct entry {
    struct token_digest digest;
    struct access_token_claims claims;
    size_t next; /* in its bucket */
    bool is_used;
};

/* Entries are reused in the order they were filled. */
struct token_memo {
    struct entry *entries;
    size_t *buckets;
    size_t capacity;
    size_t oldest;
    EVP_MD_CTX *context;
    EVP_MD *sha256; /* fetched once: the look-up costs more than the digest */
};

struct token_memo *token_memo_new(size_t max_count)
{
    struct token_memo *memo = calloc(1, sizeof *memo);

    if (memo == NULL)
        return NULL;
    memo->capacity = max_count;
    memo->entries = calloc(max_count, sizeof *memo->entries);
    memo->buckets = calloc(max_count, sizeof *memo->buckets);
    memo->context = EVP_MD_CTX_new();
    memo->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (memo->entries == NULL || memo->buckets == NULL || memo->context == NULL ||
        memo->sha256 == NULL) {
        token_memo_free(memo);
        return NULL;
    }
    for (size_t i = 0; i < max_count; i++)
        memo->buckets[i] = NONE;
    return memo;
}

static size_t *bucket_of(const struct token_memo *memo, const struct token_digest *digest)
{
    uint64_t number;

    memcpy(&number, digest->bytes, sizeof number);
    return &memo->buckets[number % memo->capacity];
}

static void drop(struct token_memo *memo, struct entry *entry)
{
    size_t index = (size_t)(entry - memo->entries);
    size_t *link = bucket_of(memo, &entry->digest);

    while (*link != index)
        link = &memo->entries[*link].next;
    *link = entry->next;
    access_token_claims_clear(&entry->claims);
    memset(entry, 0, sizeof *entry);
}

void token_memo_clear(struct token_memo *memo)
{
    for (size_t i = 0; i < memo->capacity; i++)
        if (memo->entries[i].is_used)
            drop(memo, &memo->entries[i]);
}

void token_memo_free(struct token_memo *memo)
{
    if (memo == NULL)
        return;
    if (memo->entries != NULL && memo->buckets != NULL)
        token_memo_clear(memo);
    free(memo->entries);
    free(memo->buckets);
    EVP_MD_CTX_free(memo->context);
    EVP_MD_free(memo->sha256);
    free(memo);
}

bool token_memo_digest(struct token_memo *memo, struct slice token, struct token_digest *out)
{
    return EVP_DigestInit_ex2(memo->context, memo->sha256, NULL) == 1 &&
           EVP_DigestUpdate(memo->context, token.data, token.len) == 1 &&
           EVP_DigestFinal_ex(memo->context, out->bytes, NULL) == 1;
}

static struct entry *find(const struct token_memo *memo, const struct token_digest *digest)
{
    for (size_t i = *bucket_of(memo, digest); i != NONE; i = memo->entries[i].next)
        if (memcmp(&memo->entries[i].digest, digest, sizeof *digest) == 0)
            return &memo->entries[i];
    return NULL;
}

const struct access_token_claims *token_memo_find(struct token_memo *memo,
                                                  const struct token_digest *digest, int64_t now_s,
                                                  int64_t leeway_s)
{
    struct entry *entry = find(memo, digest);

    if (entry == NULL)
        return NULL;
    if (now_s < entry->claims.expires_at_s + leeway_s)
        return &entry->claims;
    drop(memo, entry);
    return NULL;
}

bool token_memo_put(struct token_memo *memo, const struct token_digest *digest,
                    const struct access_token_claims *claims)
{
    struct entry *entry;
    size_t *bucket;

    if (find(memo, digest) != NULL)
        return false;
    entry = &memo->entries[memo->oldest];
    if (entry->is_used)
        drop(memo, entry);
    bucket = bucket_of(memo, digest);
    entry->digest = *digest;
    entry->claims = *claims;
    entry->is_used = true;
    entry->next = *bucket;
    *bucket = memo->oldest;
    memo->oldest = (memo->oldest + 1) % memo->capacity;
    return true;
}
