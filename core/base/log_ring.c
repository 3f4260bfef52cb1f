/* A bounded queue of lines and the thread that writes them out; under log and audit. */
#include "base/log_ring.h"

#include "base/error.h"
#include "base/secret.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WRITER_STACK_BYTES (64 * 1024)
#define GATHER_MS 20
#define PROMPT_WRITES 16 /* in a second */

struct log_ring {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    int fd;
    bool is_closing;
    bool is_idle; /* the writer waits for the next line */
    uint64_t dropped;
    bool has_failed; /* the last write did; its lines are lost */
    time_t second;   /* the one that `writes` counts; the writer's */
    unsigned writes;
    size_t capacity;
    size_t used;
    char *filling; /* callers append here */
    char *writing; /* the writer's, swapped with `filling` */
};

/* A full pipe or a dead disk costs records, never a caller: only this thread waits for it. False
 * when lines were lost. */
static bool write_all(struct log_ring *ring, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t done = write(ring->fd, bytes, len);

        if (done > 0) {
            bytes += done;
            len -= (size_t)done;
        } else if (done < 0 && errno == EAGAIN) {
            struct pollfd ready = {.fd = ring->fd, .events = POLLOUT};

            (void)poll(&ready, 1, 1000);
        } else if (done == 0 || errno != EINTR) {
            return false;
        }
    }
    return true;
}

/* The first few lines of a second are written as they come: who waits for "listening" has it at
 * once. Those of a busy second are gathered, so that this thread is not woken for each of them.
 * With the lock held. */
static void gather(struct log_ring *ring)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    if (until.tv_sec != ring->second) {
        ring->second = until.tv_sec;
        ring->writes = 0;
    }
    if (++ring->writes <= PROMPT_WRITES)
        return;
    until.tv_nsec += GATHER_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    while (!ring->is_closing && ring->used < ring->capacity / 2)
        if (pthread_cond_timedwait(&ring->wake, &ring->lock, &until) != 0)
            break;
}

static void *run_writer(void *arg)
{
    struct log_ring *ring = arg;

    pthread_mutex_lock(&ring->lock);
    while (ring->used > 0 || !ring->is_closing) {
        char *full;
        size_t len;
        bool wrote;

        if (ring->used == 0) {
            ring->is_idle = true;
            pthread_cond_wait(&ring->wake, &ring->lock);
            ring->is_idle = false;
            continue;
        }
        full = ring->filling;
        len = ring->used;
        ring->filling = ring->writing;
        ring->writing = full;
        ring->used = 0;
        pthread_mutex_unlock(&ring->lock);
        /* The last line of defence, and here it costs no caller anything. */
        (void)secret_occurs_in(full, len, true);
        wrote = write_all(ring, full, len);
        pthread_mutex_lock(&ring->lock);
        ring->has_failed = !wrote;
        gather(ring);
    }
    pthread_mutex_unlock(&ring->lock);
    return NULL;
}

static bool start_thread(struct log_ring *ring)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    bool ok;

    /* Signals belong to the main loop. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attributes);
#ifndef SESAME_SANITIZED
    pthread_attr_setstacksize(&attributes, WRITER_STACK_BYTES);
#endif
    ok = pthread_create(&ring->thread, &attributes, run_writer, ring) == 0;
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

struct log_ring *log_ring_new(int fd, size_t capacity, struct error *err)
{
    struct log_ring *ring = calloc(1, sizeof *ring);
    pthread_condattr_t attributes;

    if (ring != NULL) {
        ring->filling = malloc(capacity);
        ring->writing = malloc(capacity);
        ring->capacity = capacity;
        ring->fd = fd;
        pthread_mutex_init(&ring->lock, NULL);
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&ring->wake, &attributes);
        pthread_condattr_destroy(&attributes);
        if (ring->filling != NULL && ring->writing != NULL && start_thread(ring))
            return ring;
        free(ring->filling);
        free(ring->writing);
        free(ring);
    }
    error_set(err, ERROR_NO_MEMORY, "no memory or thread for the log");
    return NULL;
}

bool log_ring_put(struct log_ring *ring, const char *line, size_t len)
{
    bool fits, is_kept, must_wake = false;

    pthread_mutex_lock(&ring->lock);
    fits = len <= ring->capacity - ring->used;
    if (fits) {
        memcpy(ring->filling + ring->used, line, len);
        ring->used += len;
        must_wake = ring->is_idle || ring->used >= ring->capacity / 2;
        ring->is_idle = false;
    } else {
        ring->dropped++;
    }
    is_kept = fits && !ring->has_failed;
    pthread_mutex_unlock(&ring->lock);
    /* Behind the lock, or the writer would wake up only to wait for it. */
    if (must_wake)
        pthread_cond_signal(&ring->wake);
    return is_kept;
}

uint64_t log_ring_dropped(struct log_ring *ring)
{
    uint64_t dropped;

    pthread_mutex_lock(&ring->lock);
    dropped = ring->dropped;
    pthread_mutex_unlock(&ring->lock);
    return dropped;
}

void log_ring_free(struct log_ring *ring)
{
    if (ring == NULL)
        return;
    pthread_mutex_lock(&ring->lock);
    ring->is_closing = true;
    pthread_cond_signal(&ring->wake);
    pthread_mutex_unlock(&ring->lock);
    pthread_join(ring->thread, NULL);
    pthread_mutex_destroy(&ring->lock);
    pthread_cond_destroy(&ring->wake);
    free(ring->filling);
    free(ring->writing);
    free(ring);
}
