/* A thread for one plugin instance that may block: a loop, an HTTP client and a view of the
 * credentials of its own. */
#include "plugin/plugin_thread.h"

#include "base/error.h"
#include "base/log.h"
#include "credential/broker.h"
#include "credential/credential_client.h"
#include "net/http_client.h"
#include "net/loop.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define JOIN_TIMEOUT_S 5

struct plugin_thread {
    struct plugin_thread_options options;
    struct plugin_home home; /* of the thread */
    pthread_t id;
    pthread_mutex_t lock; /* for the start only */
    pthread_cond_t changed;
    bool is_up;
    struct error err;
};

static bool open_home(struct plugin_thread *thread)
{
    const struct plugin_thread_options *options = &thread->options;
    struct http_client_options http = {.connect_timeout_ms = options->connect_timeout_ms};
    struct plugin_home *home = &thread->home;
    struct error *err = &thread->err;

    if ((home->loop = loop_new(err)) == NULL ||
        (home->http = http_client_new(home->loop, &http, err)) == NULL)
        return false;
    if (options->broker != NULL &&
        (home->credentials = credential_client_new(options->broker, home->loop, err)) == NULL)
        return false;
    return options->open(options->arg, home, err);
}

static void close_home(struct plugin_thread *thread)
{
    const struct plugin_home *home = &thread->home;

    thread->options.close(thread->options.arg);
    credential_client_free(home->credentials);
    http_client_free(home->http);
    if (home->loop == NULL)
        return;
    for (int i = 0; i < 3; i++)
        loop_run_once(home->loop, 0);
    loop_free(home->loop);
}

static void *run(void *arg)
{
    struct plugin_thread *thread = arg;
    bool ok = open_home(thread);

    pthread_mutex_lock(&thread->lock);
    thread->is_up = true;
    pthread_cond_signal(&thread->changed);
    pthread_mutex_unlock(&thread->lock);
    if (ok)
        loop_run(thread->home.loop);
    close_home(thread);
    return NULL;
}

static void free_thread(struct plugin_thread *thread)
{
    pthread_cond_destroy(&thread->changed);
    pthread_mutex_destroy(&thread->lock);
    free(thread);
}

static bool create(struct plugin_thread *thread)
{
    sigset_t all, before;
    bool was_created;

    /* Signals are the owner's. */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    was_created = pthread_create(&thread->id, NULL, run, thread) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return was_created;
}

struct plugin_thread *plugin_thread_start(const struct plugin_thread_options *options,
                                          struct error *err)
{
    struct plugin_thread *thread = calloc(1, sizeof *thread);
    bool was_created;

    if (thread == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a plugin thread");
        return NULL;
    }
    thread->options = *options;
    pthread_mutex_init(&thread->lock, NULL);
    pthread_cond_init(&thread->changed, NULL);
    was_created = create(thread);
    pthread_mutex_lock(&thread->lock);
    while (was_created && !thread->is_up)
        pthread_cond_wait(&thread->changed, &thread->lock);
    pthread_mutex_unlock(&thread->lock);
    if (was_created && thread->err.code == ERROR_NONE)
        return thread;
    if (was_created) {
        pthread_join(thread->id, NULL);
        *err = thread->err;
    } else {
        error_set(err, ERROR_NO_MEMORY, "a plugin thread cannot be started");
    }
    free_thread(thread);
    return NULL;
}

struct loop *plugin_thread_loop(const struct plugin_thread *thread)
{
    return thread->home.loop;
}

bool plugin_thread_stop(struct plugin_thread *thread)
{
    struct timespec until;

    (void)loop_post(thread->home.loop, thread->options.stop, thread->options.arg);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += JOIN_TIMEOUT_S;
    if (pthread_timedjoin_np(thread->id, NULL, &until) == 0) {
        free_thread(thread);
        return true;
    }
    log_error("plugin", "a plugin's thread does not end and is left behind",
              LOG_TEXT("name", thread->options.name));
    pthread_detach(thread->id);
    return false;
}
