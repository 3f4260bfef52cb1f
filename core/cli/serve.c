/* sesame serve: the host with its workers, until a signal. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/start_pages.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/host.h"
#include "cli/locate.h"
#include "cli/notify.h"
#include "cli/worker.h"
#include "config/host_config.h"
#include "net/http_server.h"
#include "net/loop.h"
#include "server/page.h"
#include "server/reply.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKER_MAX_COUNT 8
#define SETTLED_MS 1000 /* the first keys and tokens are there, or an outage lasts anyway */

struct thread {
    struct server *server;
    pthread_t id;
    struct worker *worker; /* set before the start is reported */
    struct error err;
    bool is_up, was_created;
};

struct server {
    struct host *host;
    struct http_listener *listener;
    struct http_listener *metrics_listener;
    struct http_service *metrics_service;
    struct http_listener *page_listener;
    struct http_service *page_service;
    struct page *page;
    struct loop_signal *on_term, *on_int;
    struct loop_timer *drain_timer;
    struct loop_timer *settled_timer;
    struct thread threads[WORKER_MAX_COUNT];
    struct worker *workers[WORKER_MAX_COUNT];
    size_t count;
    size_t draining; /* workers that still have connections */
    bool is_stopping;
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

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
    struct server *server = thread->server;
    struct worker *worker = worker_new(server->host, NULL, &thread->err);

    pthread_mutex_lock(&server->lock);
    thread->worker = worker;
    thread->is_up = true;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    if (worker == NULL)
        return NULL;
    loop_run(worker_loop(worker));
    worker_free(worker);
    return NULL;
}

static bool start_workers(struct server *server, struct error *err)
{
    sigset_t all, before;
    bool ok = true;

    /* Signals are the owner's. */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    for (size_t i = 0; i < server->count; i++) {
        server->threads[i].server = server;
        server->threads[i].was_created =
            pthread_create(&server->threads[i].id, NULL, run_worker, &server->threads[i]) == 0;
        ok = ok && server->threads[i].was_created;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < server->count; i++) {
        while (server->threads[i].was_created && !server->threads[i].is_up)
            pthread_cond_wait(&server->changed, &server->lock);
        server->workers[i] = server->threads[i].worker;
        if (ok && server->workers[i] == NULL) {
            *err = server->threads[i].err;
            ok = false;
        }
    }
    pthread_mutex_unlock(&server->lock);
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

static void join_workers(struct server *server)
{
    for (size_t i = 0; i < server->count; i++)
        if (server->workers[i] != NULL)
            (void)loop_post(worker_loop(server->workers[i]), stop_worker, server->workers[i]);
    for (size_t i = 0; i < server->count; i++)
        if (server->threads[i].was_created)
            pthread_join(server->threads[i].id, NULL);
}

/* ---- connections ----------------------------------------------------------------------------- */

/* To the worker with the fewest open turns; equals take turns by who comes first. */
static void on_accept(void *arg, int fd)
{
    struct server *server = arg;
    static size_t next;
    size_t best = next++ % server->count;

    for (size_t i = 0; i < server->count; i++)
        if (worker_load(server->workers[i]) < worker_load(server->workers[best]))
            best = i;
    worker_adopt(server->workers[best], fd);
}

static void on_page_accept(void *arg, int fd)
{
    struct server *server = arg;

    http_service_adopt(server->page_service, fd);
}

static void on_page_request(void *arg, struct http_exchange *exchange)
{
    struct server *server = arg;
    const struct http_head *head = http_exchange_head(exchange);
    bool reads = slice_equal_text(head->method, "GET") || slice_equal_text(head->method, "HEAD");

    if (!reads || !page_answer(server->page, exchange, head->path))
        reply_error(exchange, &(struct api_error){404, "invalid_request_error", "not_found", NULL,
                                                  "Only the page is here."});
}

static void on_metrics_accept(void *arg, int fd)
{
    struct server *server = arg;

    http_service_adopt(server->metrics_service, fd);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void finish(void *arg)
{
    struct server *server = arg;

    loop_stop(host_loop(server->host));
}

static void count_drained(void *arg)
{
    struct server *server = arg;

    if (--server->draining == 0)
        finish(server);
}

/* On the worker. */
static void on_drained(void *arg)
{
    struct server *server = arg;

    (void)loop_post(host_loop(server->host), count_drained, server);
}

static void on_signal(void *arg)
{
    struct server *server = arg;
    int64_t drain_s = host_configuration(server->host)->limits.drain_s;

    if (server->is_stopping) {
        log_warn("stop", "a second signal: open turns are cut off");
        finish(server);
        return;
    }
    server->is_stopping = true;
    notify_manager("STOPPING=1");
    log_info("stop", "no new connections; open turns may end", LOG_INT("seconds", drain_s));
    http_listener_free(TAKE(server->listener));
    loop_timer_start(server->drain_timer, drain_s * 1000);
    server->draining = server->count;
    for (size_t i = 0; i < server->count; i++)
        worker_drain(server->workers[i], on_drained, server);
}

/* ---- the server ------------------------------------------------------------------------------ */

static bool open_page(struct server *server, struct error *err)
{
    const struct web_config *web = &host_configuration(server->host)->web;
    CLEANUP(cleanup_free) char *directory = NULL;
    struct http_server_limits limits;

    if (web->listen[0] == '\0')
        return true;
    http_server_limits_default(&limits);
    directory = locate_web(web->directory);
    if (directory == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory for the page");
    server->page = page_load(directory, web, web->agent_url, err);
    if (server->page != NULL)
        server->page_service =
            http_service_new(host_loop(server->host), &limits, on_page_request, server, err);
    if (server->page_service != NULL)
        server->page_listener =
            http_listener_new(host_loop(server->host), web->listen, on_page_accept, server, err);
    return server->page_listener != NULL || error_prefix(err, "web.listen");
}

static bool open_listeners(struct server *server, const char *address, struct error *err)
{
    const struct host_config *config = host_configuration(server->host);
    struct http_server_limits limits;

    server->listener = http_listener_new(host_loop(server->host), address, on_accept, server, err);
    if (server->listener == NULL)
        return error_prefix(err, "listen");
    if (!open_page(server, err))
        return false;
    if (config->metrics_listen[0] == '\0')
        return true;
    http_server_limits_default(&limits);
    server->metrics_service =
        http_service_new(host_loop(server->host), &limits, routes_on_metrics_request,
                         host_shared(server->host), err);
    if (server->metrics_service != NULL)
        server->metrics_listener = http_listener_new(
            host_loop(server->host), config->metrics_listen, on_metrics_accept, server, err);
    return server->metrics_listener != NULL || error_prefix(err, "metrics.listen");
}

static void on_settled(void *arg)
{
    (void)arg;
    (void)start_pages_release();
}

static bool open_signals(struct server *server, struct error *err)
{
    struct loop *loop = host_loop(server->host);

    signal(SIGPIPE, SIG_IGN);
    server->on_term = loop_signal_new(loop, SIGTERM, on_signal, server, err);
    if (server->on_term != NULL)
        server->on_int = loop_signal_new(loop, SIGINT, on_signal, server, err);
    if (server->on_int != NULL)
        server->drain_timer = loop_timer_new(loop, finish, server, err);
    if (server->drain_timer != NULL)
        server->settled_timer = loop_timer_new(loop, on_settled, server, err);
    return server->settled_timer != NULL;
}

static bool run(struct server *server, const char *address, struct error *err)
{
    bool ok = open_signals(server, err) && open_listeners(server, address, err) &&
              start_workers(server, err);

    if (ok) {
        host_set_workers(server->host, server->workers, server->count);
        ok = host_start(server->host, err);
    }
    if (ok) {
        log_info("start", "listening", LOG_INT("port", http_listener_port(server->listener)),
                 LOG_TEXT("address", address), LOG_INT("workers", (int64_t)server->count));
        notify_manager("READY=1");
        loop_timer_start(server->settled_timer, SETTLED_MS);
        loop_run(host_loop(server->host));
    }
    http_listener_free(server->listener);
    join_workers(server);
    host_set_workers(server->host, NULL, 0);
    http_listener_free(server->page_listener);
    if (server->page_service != NULL)
        http_service_free(server->page_service);
    page_free(server->page);
    http_listener_free(server->metrics_listener);
    if (server->metrics_service != NULL)
        http_service_free(server->metrics_service);
    loop_signal_free(server->on_term);
    loop_signal_free(server->on_int);
    loop_timer_free(server->settled_timer);
    loop_timer_free(server->drain_timer);
    return ok;
}

static int serve(const struct command_line *line, const struct setup *setup)
{
    struct server server = {.count = choose_worker_count(setup->host)};
    struct host_options options = {.setup = setup};
    struct error err = {0};
    bool ok = false;

    pthread_mutex_init(&server.lock, NULL);
    pthread_cond_init(&server.changed, NULL);
    if (host_open_process(setup, false, &err) && (server.host = host_new(&options, &err)) != NULL)
        ok = run(&server, line->listen != NULL ? line->listen : setup->host->listen, &err);
    host_free(server.host);
    host_close_process();
    if (!ok)
        fprintf(stderr, "sesame: %s\n", err.message);
    return ok ? EXIT_DONE : EXIT_FAILED;
}

int serve_command(const struct command_line *line)
{
    struct setup setup;
    int status;

    if (line->word_count > 0) {
        fprintf(stderr, "sesame serve: unexpected \"%s\"\n", line->words[0]);
        return EXIT_WRONG_USE;
    }
    if (!setup_load(line, &setup))
        return EXIT_WRONG_USE;
    status = serve(line, &setup);
    setup_clear(&setup);
    return status;
}
