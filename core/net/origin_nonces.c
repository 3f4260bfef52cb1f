/* The newest nonce each origin gave, for as many origins as one host talks to. */
#include "net/origin_nonces.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN_MAX_COUNT 64

struct entry {
    char *origin; /* NULL: free */
    char *nonce;
    size_t nonce_len;
    uint64_t kept_at; /* counts up with each keep */
};

struct origin_nonces {
    struct entry entries[ORIGIN_MAX_COUNT];
    uint64_t now;
};

struct origin_nonces *origin_nonces_new(void)
{
    return calloc(1, sizeof(struct origin_nonces));
}

void origin_nonces_free(struct origin_nonces *nonces)
{
    if (nonces == NULL)
        return;
    for (size_t i = 0; i < ORIGIN_MAX_COUNT; i++) {
        free(nonces->entries[i].origin);
        free(nonces->entries[i].nonce);
    }
    free(nonces);
}

/* The entry of `origin`, else the one to be used for it. */
static struct entry *entry_for(struct origin_nonces *nonces, const char *origin)
{
    struct entry *oldest = &nonces->entries[0];

    for (size_t i = 0; i < ORIGIN_MAX_COUNT; i++) {
        struct entry *entry = &nonces->entries[i];

        if (entry->origin != NULL && strcmp(entry->origin, origin) == 0)
            return entry;
        if (entry->kept_at < oldest->kept_at)
            oldest = entry;
    }
    return oldest;
}

void origin_nonces_keep(struct origin_nonces *nonces, const char *origin, struct slice nonce)
{
    struct entry *entry = entry_for(nonces, origin);
    char *new_origin = strdup(origin), *new_nonce = slice_dup(nonce);

    if (new_origin == NULL || new_nonce == NULL) {
        free(new_origin);
        free(new_nonce);
        return;
    }
    free(entry->origin);
    free(entry->nonce);
    *entry = (struct entry){new_origin, new_nonce, nonce.len, ++nonces->now};
}

struct slice origin_nonces_find(const struct origin_nonces *nonces, const char *origin)
{
    for (size_t i = 0; i < ORIGIN_MAX_COUNT; i++) {
        const struct entry *entry = &nonces->entries[i];

        if (entry->origin != NULL && strcmp(entry->origin, origin) == 0)
            return (struct slice){entry->nonce, entry->nonce_len};
    }
    return (struct slice){NULL, 0};
}
