/* A host and the worker threads that serve it. A reload makes another one, which takes over. */
#include "cli/generation.h"

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/host.h"
#include "cli/setup.h"
#include "cli/worker.h"
#include "config/host_config.h"
#include "net/loop.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WORKER_MAX_COUNT 8
#define RUN_OFF_PASSES 3 /* a message posts another, that one a third */

struct thread {
    struct generation *generation;
    pthread_t id;
    struct worker *worker; /* set before the start is reported */
    struct error err;
    bool is_up, was_created, is_drained;
};

struct generation {
    struct setup setup;
    struct loop *loop;
    struct host *host;
    struct thread threads[WORKER_MAX_COUNT];
    struct worker *workers[WORKER_MAX_COUNT];
    size_t count, next;
    pthread_mutex_t lock;
    pthread_cond_t changed;

    void (*on_drained)(void *arg);
    void *drained_arg;

    struct generation *next_leaving;
    pthread_t reaper;
    bool is_reaping;
    bool is_ending; /* generation_free is at work */
    int passes;
    void (*on_gone)(void *arg);
    void *gone_arg;
};

/* Those that have been replaced and still have open turns, or threads that end. */
static struct generation *leaving;

/* ---- how many workers ------------------------------------------------------------------------ */

/* CPUs the cgroup (v2) pays for, rounded up; 0: no limit. */
static size_t cgroup_cpus(void)
{
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
    int64_t quota = 0, period = 0;
    struct slice rest, first;
    char text[64] = "";

    if (file == NULL)
        return 0;
    if (fgets(text, sizeof text, file) == NULL)
        text[0] = '\0';
    fclose(file);
    rest = slice_trim(slice_of(text));
    first = slice_cut(&rest, ' ');
    if (!parse_int64(first.data, first.len, &quota) || !parse_int64(rest.data, rest.len, &period) ||
        quota <= 0 || period <= 0)
        return 0; /* "max" */
    return (size_t)((quota + period - 1) / period);
}

static size_t choose_worker_count(const struct host_config *config)
{
    cpu_set_t set;
    size_t count = 1, limit = cgroup_cpus();

    if (config->workers > 0)
        return config->workers < WORKER_MAX_COUNT ? (size_t)config->workers : WORKER_MAX_COUNT;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        count = (size_t)CPU_COUNT(&set);
    if (limit > 0 && limit < count)
        count = limit;
    return count < 1 ? 1 : count > WORKER_MAX_COUNT ? WORKER_MAX_COUNT : count;
}

/* ---- threads --------------------------------------------------------------------------------- */

static void *run_worker(void *arg)
{
    struct thread *thread = arg;
    struct generation *generation = thread->generation;
    struct worker *worker = worker_new(generation->host, NULL, &thread->err);

    pthread_mutex_lock(&generation->lock);
    thread->worker = worker;
    thread->is_up = true;
    pthread_cond_broadcast(&generation->changed);
    pthread_mutex_unlock(&generation->lock);
    if (worker == NULL)
        return NULL;
    loop_run(worker_loop(worker));
    worker_free(worker);
    return NULL;
}

/* Signals are the owner's. */
static bool start_thread(pthread_t *id, void *(*run)(void *arg), void *arg)
{
    sigset_t all, before;
    bool ok;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    ok = pthread_create(id, NULL, run, arg) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

static bool start_workers(struct generation *generation, struct error *err)
{
    bool ok = true;

    for (size_t i = 0; i < generation->count; i++) {
        struct thread *thread = &generation->threads[i];

        thread->generation = generation;
        thread->was_created = start_thread(&thread->id, run_worker, thread);
        ok = ok && thread->was_created;
    }
    pthread_mutex_lock(&generation->lock);
    for (size_t i = 0; i < generation->count; i++) {
        struct thread *thread = &generation->threads[i];

        while (thread->was_created && !thread->is_up)
            pthread_cond_wait(&generation->changed, &generation->lock);
        generation->workers[i] = thread->worker;
        if (ok && thread->worker == NULL) {
            *err = thread->err;
            ok = false;
        }
    }
    pthread_mutex_unlock(&generation->lock);
    if (!ok && err->code == ERROR_NONE)
        error_set(err, ERROR_NO_MEMORY, "a worker thread cannot be started");
    return ok;
}

static void on_worker_stopped(void *arg)
{
    loop_stop(worker_loop(arg));
}

static void stop_worker(void *arg)
{
    worker_stop(arg, on_worker_stopped, arg);
}

/* Waits for all threads of workers and tools. */
static void end_threads(struct generation *generation)
{
    for (size_t i = 0; i < generation->count; i++)
        if (generation->workers[i] != NULL)
            (void)loop_post(worker_loop(generation->workers[i]), stop_worker,
                            generation->workers[i]);
    for (size_t i = 0; i < generation->count; i++)
        if (generation->threads[i].was_created)
            pthread_join(generation->threads[i].id, NULL);
    host_stop_tools(generation->host);
}

/* ---- life ------------------------------------------------------------------------------------ */

struct generation *generation_new(struct setup *setup, struct loop *loop,
                                  struct metrics_pool *metrics, struct error *err)
{
    struct generation *generation = calloc(1, sizeof *generation);
    struct host_options options = {.loop = loop, .metrics = metrics};

    if (generation == NULL) {
        setup_clear(setup);
        error_set(err, ERROR_NO_MEMORY, "no memory for the host");
        return NULL;
    }
    generation->setup = *setup;
    *setup = (struct setup){NULL, NULL};
    generation->loop = loop;
    pthread_mutex_init(&generation->lock, NULL);
    pthread_cond_init(&generation->changed, NULL);
    options.setup = &generation->setup;
    generation->host = host_begin(&options, err);
    if (generation->host != NULL)
        return generation;
    generation_free(generation);
    return NULL;
}

bool generation_load(struct generation *generation, struct error *err)
{
    return host_make(generation->host, err);
}

bool generation_start(struct generation *generation, struct error *err)
{
    generation->count = choose_worker_count(generation->setup.host);
    if (!start_workers(generation, err))
        return false;
    host_set_workers(generation->host, generation->workers, generation->count);
    return host_start(generation->host, err);
}

struct host *generation_host(struct generation *generation)
{
    return generation->host;
}

size_t generation_worker_count(const struct generation *generation)
{
    return generation->count;
}

static void unlink_leaving(struct generation *generation)
{
    struct generation **link = &leaving;

    while (*link != NULL && *link != generation)
        link = &(*link)->next_leaving;
    if (*link != NULL)
        *link = generation->next_leaving;
}

static void free_rest(struct generation *generation)
{
    unlink_leaving(generation);
    host_free(generation->host);
    setup_clear(&generation->setup);
    pthread_cond_destroy(&generation->changed);
    pthread_mutex_destroy(&generation->lock);
    free(generation);
}

void generation_free(struct generation *generation)
{
    if (generation == NULL)
        return;
    generation->is_ending = true;
    if (generation->is_reaping) {
        pthread_join(generation->reaper, NULL);
    } else if (generation->host != NULL) {
        host_set_workers(generation->host, NULL, 0);
        end_threads(generation);
    }
    for (int i = 0; i < RUN_OFF_PASSES; i++)
        loop_run_once(generation->loop, 0);
    free_rest(generation);
}

/* ---- connections ----------------------------------------------------------------------------- */

void generation_adopt(struct generation *generation, int fd)
{
    size_t best = generation->next++ % generation->count; /* equals take turns */

    for (size_t i = 0; i < generation->count; i++)
        if (worker_load(generation->workers[i]) < worker_load(generation->workers[best]))
            best = i;
    worker_adopt(generation->workers[best], fd);
}

static void note_drained(void *arg)
{
    struct thread *thread = arg;
    struct generation *generation = thread->generation;
    size_t count = 0;

    if (thread->is_drained)
        return; /* a second drain says so again */
    thread->is_drained = true;
    for (size_t i = 0; i < generation->count; i++)
        count += generation->threads[i].is_drained;
    if (count == generation->count)
        generation->on_drained(generation->drained_arg);
}

/* On the worker. */
static void on_worker_drained(void *arg)
{
    struct thread *thread = arg;

    (void)loop_post(thread->generation->loop, note_drained, thread);
}

static void drain(struct generation *generation, void (*take)(void *arg, int fd), void *take_arg)
{
    for (size_t i = 0; i < generation->count; i++)
        worker_drain(generation->workers[i], take, take_arg, on_worker_drained,
                     &generation->threads[i]);
}

void generation_drain(struct generation *generation, void (*on_drained)(void *arg), void *arg)
{
    generation->on_drained = on_drained;
    generation->drained_arg = arg;
    drain(generation, NULL, NULL);
}

/* ---- the end while another one serves -------------------------------------------------------- */

static void finish_leaving(void *arg)
{
    struct generation *generation = arg;
    void (*on_gone)(void *gone_arg) = generation->on_gone;
    void *gone_arg = generation->gone_arg;

    if (generation->is_ending)
        return;
    /* What its threads posted runs first, and what that posts. */
    if (++generation->passes < RUN_OFF_PASSES &&
        loop_post(generation->loop, finish_leaving, generation))
        return;
    pthread_join(generation->reaper, NULL);
    free_rest(generation);
    if (on_gone != NULL)
        on_gone(gone_arg);
}

static void *reap(void *arg)
{
    struct generation *generation = arg;

    end_threads(generation);
    (void)loop_post(generation->loop, finish_leaving, generation);
    return NULL;
}

/* Waiting for threads holds up a thread, which the loop's cannot be. */
static void start_reaping(void *arg)
{
    struct generation *generation = arg;

    host_set_workers(generation->host, NULL, 0);
    generation->is_reaping = start_thread(&generation->reaper, reap, generation);
    if (!generation->is_reaping)
        log_warn("reload", "no thread to end an old configuration; it stays until the end");
}

static bool is_serving(const struct generation *generation)
{
    for (size_t i = 0; i < generation->count; i++)
        if (generation->workers[i] == NULL)
            return false;
    return generation->count > 0;
}

void generation_leave(struct generation *generation, void (*take)(void *arg, int fd),
                      void (*on_gone)(void *arg), void *arg)
{
    generation->next_leaving = leaving;
    leaving = generation;
    generation->on_gone = on_gone;
    generation->gone_arg = arg;
    generation->on_drained = start_reaping;
    generation->drained_arg = generation;
    if (is_serving(generation))
        drain(generation, take, arg);
    else
        start_reaping(generation);
}

void generation_free_leaving(void)
{
    while (leaving != NULL)
        generation_free(leaving);
}
