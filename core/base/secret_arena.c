/* The locked arena: one mapping, wiped blocks, first fit with a rover.
 *
 * State is global because there must be exactly one such mapping in a process: the kernel's limit
 * on locked memory is one, and so is what the scan for secrets leaves out. */
#include "base/secret_arena.h"

#include "base/error.h"
#include "base/secret.h"

#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEFAULT_ARENA_BYTES (1024 * 1024)
#define SMALLEST_ARENA_BYTES (32 * 1024)
#define GRAIN 32

/* Stands before each block; a multiple of GRAIN is kept between headers. */
struct header {
    size_t size; /* with the header */
    size_t is_used;
    size_t padding[2];
};
_Static_assert(sizeof(struct header) == GRAIN, "blocks stay aligned");

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *arena;
static size_t arena_bytes;
static size_t rover; /* where the last search ended */
static struct secret_usage usage;
static bool (*evict_fn)(void *arg, size_t want_bytes);
static void *evict_arg;

static struct header *header_at(size_t offset)
{
    return (struct header *)(void *)(arena + offset);
}

/* Memory that only this process can map, and the kernel's own mappings leave out. */
static void *map_memfd_secret(size_t bytes)
{
#ifdef SYS_memfd_secret
    int fd = (int)syscall(SYS_memfd_secret, (unsigned)O_CLOEXEC);
    void *memory = MAP_FAILED;

    if (fd < 0)
        return NULL;
    if (ftruncate(fd, (off_t)bytes) == 0)
        memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return memory == MAP_FAILED ? NULL : memory;
#else
    (void)bytes;
    return NULL;
#endif
}

static void *map_anonymous(size_t bytes, bool *out_locked)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        return NULL;
    *out_locked = mlock(memory, bytes) == 0;
    if (!*out_locked) {
        munmap(memory, bytes);
        return NULL;
    }
    return memory;
}

static size_t bytes_within_limit(size_t want_bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = want_bytes;
    struct rlimit limit;

    /* Half of the limit at most: libraries lock pages too. Root is not bound by it. */
    if (geteuid() != 0 && getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
        limit.rlim_cur != RLIM_INFINITY && bytes > limit.rlim_cur / 2)
        bytes = limit.rlim_cur / 2;
    if (bytes < SMALLEST_ARENA_BYTES)
        bytes = SMALLEST_ARENA_BYTES;
    return (bytes + page - 1) / page * page;
}

bool secret_arena_open(size_t want_bytes, bool keep_dumpable, struct secret_report *out_report,
                       struct error *err)
{
    size_t bytes = bytes_within_limit(want_bytes);
    struct secret_report report = {.arena_bytes = bytes};
    void *memory;

    assert(arena == NULL);
    memory = map_memfd_secret(bytes);
    report.is_memfd_secret = report.is_locked = memory != NULL;
    if (memory == NULL)
        memory = map_anonymous(bytes, &report.is_locked);
    if (memory == NULL)
        return error_set(err, ERROR_LIMIT,
                         "no locked memory for secrets (%zu bytes): raise the limit of locked "
                         "memory (ulimit -l, LimitMEMLOCK)",
                         bytes);
    report.is_dontdump = madvise(memory, bytes, MADV_DONTDUMP) == 0;
    report.is_dontfork = madvise(memory, bytes, MADV_DONTFORK) == 0;
    if (!keep_dumpable)
        report.is_process_undumpable = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
    arena = memory;
    arena_bytes = bytes;
    rover = 0;
    *header_at(0) = (struct header){.size = bytes};
    usage = (struct secret_usage){.free_bytes = bytes};
    if (out_report != NULL)
        *out_report = report;
    return true;
}

void secret_arena_close(void)
{
    if (arena == NULL)
        return;
    secret_environment_clear();
    explicit_bzero(arena, arena_bytes);
    munmap(arena, arena_bytes);
    arena = NULL;
    evict_fn = NULL;
}

void secret_arena_usage(struct secret_usage *out_usage)
{
    pthread_mutex_lock(&lock);
    *out_usage = usage;
    pthread_mutex_unlock(&lock);
}

void secret_arena_on_full(bool (*evict)(void *arg, size_t want_bytes), void *arg)
{
    pthread_mutex_lock(&lock);
    evict_fn = evict;
    evict_arg = arg;
    pthread_mutex_unlock(&lock);
}

/* Joins the free blocks that follow `header`. */
static void join_following(struct header *header, size_t offset)
{
    while (offset + header->size < arena_bytes) {
        struct header *next = header_at(offset + header->size);

        if (next->is_used)
            return;
        header->size += next->size;
    }
}

static void *take_block(struct header *header, size_t offset, size_t size)
{
    if (header->size - size >= 2 * GRAIN) {
        *header_at(offset + size) = (struct header){.size = header->size - size};
        header->size = size;
    }
    header->is_used = 1;
    rover = offset;
    usage.used_bytes += header->size;
    usage.free_bytes -= header->size;
    usage.count++;
    memset(header + 1, 0, header->size - sizeof *header);
    return header + 1;
}

/* First fit from `from` up to `to`. */
static void *find_block(size_t from, size_t to, size_t size)
{
    for (size_t offset = from; offset < to;) {
        struct header *header = header_at(offset);

        if (!header->is_used) {
            join_following(header, offset);
            if (header->size >= size)
                return take_block(header, offset, size);
        }
        offset += header->size;
    }
    return NULL;
}

static void *try_alloc(size_t size)
{
    void *block;

    pthread_mutex_lock(&lock);
    if (arena == NULL) {
        struct error ignored = {0};

        if (!secret_arena_open(DEFAULT_ARENA_BYTES, true, NULL, &ignored)) {
            pthread_mutex_unlock(&lock);
            return NULL;
        }
    }
    block = find_block(rover, arena_bytes, size);
    if (block == NULL) {
        /* Joining may swallow the rover's header, so a full search starts at the front. */
        rover = 0;
        block = find_block(0, arena_bytes, size);
    }
    pthread_mutex_unlock(&lock);
    return block;
}

void *arena_alloc(size_t size)
{
    size_t total;
    void *block;

    if (__builtin_add_overflow(size, sizeof(struct header) + GRAIN - 1, &total))
        return NULL;
    total = total / GRAIN * GRAIN;
    block = try_alloc(total);
    while (block == NULL) {
        bool (*evict)(void *arg, size_t want_bytes);
        void *arg;

        pthread_mutex_lock(&lock);
        evict = evict_fn;
        arg = evict_arg;
        pthread_mutex_unlock(&lock);
        if (evict == NULL || !evict(arg, total))
            return NULL;
        block = try_alloc(total);
    }
    return block;
}

void arena_free(void *block)
{
    struct header *header = (struct header *)block - 1;
    size_t offset = (size_t)((char *)header - arena);

    assert(header->is_used == 1);
    explicit_bzero(block, header->size - sizeof *header);
    pthread_mutex_lock(&lock);
    header->is_used = 0;
    usage.used_bytes -= header->size;
    usage.free_bytes += header->size;
    usage.count--;
    /* The rover must stand on a header: joining behind this block could swallow the one it is on.
     */
    if (rover > offset)
        rover = offset;
    join_following(header, offset);
    pthread_mutex_unlock(&lock);
}

void arena_for_each(void (*fn)(void *arg, void *block, size_t size), void *arg)
{
    pthread_mutex_lock(&lock);
    for (size_t offset = 0; arena != NULL && offset < arena_bytes;) {
        struct header *header = header_at(offset);

        if (header->is_used)
            fn(arg, header + 1, header->size - sizeof *header);
        offset += header->size;
    }
    pthread_mutex_unlock(&lock);
}
