/* Cached secrets that can be fetched again: when the locked memory is full, the least recently used
 * of them goes. */
#include "credential/keep.h"

#include "base/error.h"
#include "base/secret.h"

#include <pthread.h>
#include <stdlib.h>

struct kept {
    struct keep *keep;
    struct kept *older, *newer; /* itself when it is in no ring */
    struct secret *secret;      /* NULL: evicted or dropped */
    size_t references;
};

struct keep {
    struct keep *next; /* of all that answer for the arena */
    pthread_mutex_t lock;
    struct kept ring;  /* its `older` is the most recently used one, its `newer` the least */
    size_t references; /* one for each kept, and one for the owner */
};

/* During a reload there are two. */
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct keep *all_keeps;

static void leave_ring(struct kept *kept)
{
    kept->older->newer = kept->newer;
    kept->newer->older = kept->older;
    kept->older = kept->newer = kept;
}

static void enter_ring(struct kept *kept)
{
    struct kept *ring = &kept->keep->ring;

    kept->newer = ring;
    kept->older = ring->older;
    ring->older->newer = kept;
    ring->older = kept;
}

/* With the lock held: what is returned is freed after it is let go, because the arena has a lock of
 * its own. */
static struct secret *take_out(struct kept *kept)
{
    struct secret *secret = kept->secret;

    kept->secret = NULL;
    leave_ring(kept);
    return secret;
}

/* More may have to go before the block fits; the arena asks again then. */
static bool evict_one(void *arg, size_t want_bytes)
{
    struct secret *secret = NULL;

    (void)arg;
    (void)want_bytes;
    pthread_mutex_lock(&all_lock);
    for (struct keep *keep = all_keeps; keep != NULL && secret == NULL; keep = keep->next) {
        pthread_mutex_lock(&keep->lock);
        if (keep->ring.newer != &keep->ring)
            secret = take_out(keep->ring.newer);
        pthread_mutex_unlock(&keep->lock);
    }
    pthread_mutex_unlock(&all_lock);
    secret_free(secret);
    return secret != NULL;
}

/* At the end: what is older goes first. */
static void enter_all(struct keep *keep)
{
    struct keep **end = &all_keeps;

    pthread_mutex_lock(&all_lock);
    while (*end != NULL)
        end = &(*end)->next;
    *end = keep;
    secret_arena_on_full(evict_one, NULL);
    pthread_mutex_unlock(&all_lock);
}

static void leave_all(struct keep *keep)
{
    struct keep **link = &all_keeps;

    pthread_mutex_lock(&all_lock);
    while (*link != keep)
        link = &(*link)->next;
    *link = keep->next;
    if (all_keeps == NULL)
        secret_arena_on_full(NULL, NULL);
    pthread_mutex_unlock(&all_lock);
}

struct keep *keep_new(struct error *err)
{
    struct keep *keep = calloc(1, sizeof *keep);

    if (keep == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for cached secrets");
        return NULL;
    }
    pthread_mutex_init(&keep->lock, NULL);
    keep->ring.keep = keep;
    keep->ring.older = keep->ring.newer = &keep->ring;
    keep->references = 1;
    enter_all(keep);
    return keep;
}

/* Called with the lock held, which it lets go. */
static void release(struct keep *keep)
{
    bool is_last = --keep->references == 0;

    pthread_mutex_unlock(&keep->lock);
    if (!is_last)
        return;
    pthread_mutex_destroy(&keep->lock);
    free(keep);
}

void keep_free(struct keep *keep)
{
    if (keep == NULL)
        return;
    leave_all(keep);
    pthread_mutex_lock(&keep->lock);
    release(keep);
}

struct kept *keep_add(struct keep *keep, struct secret *secret, struct error *err)
{
    struct kept *kept = calloc(1, sizeof *kept);

    if (kept == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory to keep a secret");
        return NULL;
    }
    kept->keep = keep;
    kept->secret = secret_ref(secret);
    kept->references = 1;
    pthread_mutex_lock(&keep->lock);
    keep->references++;
    enter_ring(kept);
    pthread_mutex_unlock(&keep->lock);
    return kept;
}

struct kept *kept_ref(struct kept *kept)
{
    pthread_mutex_lock(&kept->keep->lock);
    kept->references++;
    pthread_mutex_unlock(&kept->keep->lock);
    return kept;
}

void kept_free(struct kept *kept)
{
    struct secret *secret;
    struct keep *keep;

    if (kept == NULL)
        return;
    keep = kept->keep;
    pthread_mutex_lock(&keep->lock);
    if (--kept->references > 0) {
        pthread_mutex_unlock(&keep->lock);
        return;
    }
    secret = take_out(kept);
    release(keep);
    secret_free(secret);
    free(kept);
}

struct secret *kept_take(struct kept *kept)
{
    struct secret *secret;

    pthread_mutex_lock(&kept->keep->lock);
    secret = kept->secret;
    if (secret != NULL) {
        secret_ref(secret);
        leave_ring(kept);
        enter_ring(kept);
    }
    pthread_mutex_unlock(&kept->keep->lock);
    return secret;
}

bool kept_is_there(const struct kept *kept)
{
    bool is_there;

    if (kept == NULL)
        return false;
    pthread_mutex_lock(&kept->keep->lock);
    is_there = kept->secret != NULL;
    pthread_mutex_unlock(&kept->keep->lock);
    return is_there;
}

void kept_drop(struct kept *kept)
{
    struct secret *secret;

    if (kept == NULL)
        return;
    pthread_mutex_lock(&kept->keep->lock);
    secret = take_out(kept);
    pthread_mutex_unlock(&kept->keep->lock);
    secret_free(secret);
}
