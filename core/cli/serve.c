/* sesame serve: the host with its workers, until a signal. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/start_pages.h"
#include "cli/command.h"
#include "cli/generation.h"
#include "cli/host.h"
#include "cli/locate.h"
#include "cli/notify.h"
#include "cli/reload.h"
#include "cli/setup.h"
#include "config/host_config.h"
#include "net/http_server.h"
#include "net/loop.h"
#include "server/metrics.h"
#include "server/metrics_pool.h"
#include "server/page.h"
#include "server/reply.h"
#include "server/routes.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SETTLED_MS 1000 /* the first keys and tokens are there, or an outage lasts anyway */

struct server {
    struct loop *loop;
    struct metrics_pool *metrics;
    struct metrics *own_metrics;
    struct generation *serving;
    struct reload *reload;
    struct http_listener *listener;
    struct http_listener *metrics_listener;
    struct http_service *metrics_service;
    struct http_listener *page_listener;
    struct http_service *page_service;
    struct page *page;
    struct loop_signal *on_term, *on_int, *on_hup;
    struct loop_timer *drain_timer;
    struct loop_timer *settled_timer;
    size_t leaving; /* generations that were replaced and are not gone */
    bool is_stopping, is_drained;
    void (*on_listening)(const struct host_config *config); /* NULL: nobody asks */
    sigset_t signals_before;                                /* those that the caller blocks */
};

static const struct host_config *configuration(const struct server *server)
{
    return host_configuration(generation_host(server->serving));
}

/* ---- connections ----------------------------------------------------------------------------- */

static void on_accept(void *arg, int fd)
{
    struct server *server = arg;

    generation_adopt(server->serving, fd);
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

    loop_stop(server->loop);
}

static void finish_when_empty(struct server *server)
{
    if (server->is_stopping && server->is_drained && server->leaving == 0)
        finish(server);
}

static void on_drained(void *arg)
{
    struct server *server = arg;

    server->is_drained = true;
    finish_when_empty(server);
}

static void on_stop_signal(void *arg)
{
    struct server *server = arg;
    int64_t drain_s = configuration(server)->limits.drain_s;

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
    generation_drain(server->serving, on_drained, server);
}

/* ---- reloading ------------------------------------------------------------------------------- */

static struct page *load_page(const struct host_config *config, struct error *err)
{
    CLEANUP(cleanup_free) char *directory = locate_web(config->web.directory);

    if (directory != NULL)
        return page_load(directory, &config->web, config->web.agent_url, err);
    error_set(err, ERROR_NO_MEMORY, "no memory for the page");
    return NULL;
}

static void reload_page(struct server *server)
{
    struct error err = {0};
    struct page *page;

    if (server->page == NULL)
        return;
    page = load_page(configuration(server), &err);
    if (page == NULL) {
        log_error("reload", "the page stays as it was", LOG_TEXT("reason", err.message));
        return;
    }
    page_free(server->page);
    server->page = page;
}

static void watch_plugins(struct server *server)
{
    metrics_pool_set_source(server->metrics, host_write_plugins, generation_host(server->serving));
}

struct handed_over {
    struct server *server;
    int fd;
};

static void take_handed_over(void *arg)
{
    struct handed_over *handed_over = arg;

    on_accept(handed_over->server, handed_over->fd);
    free(handed_over);
}

/* On a worker of a generation that leaves. */
static void hand_over(void *arg, int fd)
{
    struct server *server = arg;
    struct handed_over *handed_over = malloc(sizeof *handed_over);

    if (handed_over != NULL) {
        *handed_over = (struct handed_over){server, fd};
        if (loop_post(server->loop, take_handed_over, handed_over))
            return;
    }
    free(handed_over);
    close(fd);
}

static void on_gone(void *arg)
{
    struct server *server = arg;

    server->leaving--;
    log_info("reload", "nothing is left of an old configuration",
             LOG_INT("others", (int64_t)server->leaving));
    finish_when_empty(server);
}

static void on_reloaded(void *arg, struct generation *heir)
{
    struct server *server = arg;

    if (heir != NULL && server->is_stopping) {
        generation_leave(heir, NULL, NULL, NULL);
        return;
    }
    if (heir != NULL) {
        server->leaving++;
        generation_leave(server->serving, hand_over, on_gone, server);
        server->serving = heir;
        watch_plugins(server);
        reload_page(server);
        log_info("reload", "the new configuration serves",
                 LOG_INT("workers", (int64_t)generation_worker_count(heir)));
    }
    metrics_count(server->own_metrics, "sesame_reloads_total",
                  heir != NULL ? "outcome=\"done\"" : "outcome=\"refused\"");
    notify_manager("READY=1");
}

static void on_reload_signal(void *arg)
{
    struct server *server = arg;
    char state[80];

    if (server->is_stopping)
        return;
    (void)snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
                   clock_monotonic_ms() * 1000);
    notify_manager(state);
    reload_begin(server->reload, server->serving);
}

/* ---- the server ------------------------------------------------------------------------------ */

static bool open_page(struct server *server, struct error *err)
{
    const struct web_config *web = &configuration(server)->web;
    struct http_server_limits limits;

    if (web->listen[0] == '\0')
        return true;
    http_server_limits_default(&limits);
    server->page = load_page(configuration(server), err);
    if (server->page != NULL)
        server->page_service =
            http_service_new(server->loop, &limits, on_page_request, server, err);
    if (server->page_service != NULL)
        server->page_listener =
            http_listener_new(server->loop, web->listen, on_page_accept, server, err);
    return server->page_listener != NULL || error_prefix(err, "web.listen");
}

static bool open_metrics(struct server *server, struct error *err)
{
    const char *address = configuration(server)->metrics_listen;
    struct http_server_limits limits;

    if (address[0] == '\0')
        return true;
    http_server_limits_default(&limits);
    server->metrics_service =
        http_service_new(server->loop, &limits, routes_on_metrics_request, server->metrics, err);
    if (server->metrics_service != NULL)
        server->metrics_listener =
            http_listener_new(server->loop, address, on_metrics_accept, server, err);
    return server->metrics_listener != NULL || error_prefix(err, "metrics.listen");
}

static bool open_listeners(struct server *server, const char *address, struct error *err)
{
    server->listener = http_listener_new(server->loop, address, on_accept, server, err);
    if (server->listener == NULL)
        return error_prefix(err, "listen");
    return open_page(server, err) && open_metrics(server, err);
}

static void on_settled(void *arg)
{
    (void)arg;
    (void)start_pages_release();
}

static bool open_signals(struct server *server, struct error *err)
{
    struct loop *loop = server->loop;
    sigset_t stops;

    signal(SIGPIPE, SIG_IGN);
    server->on_term = loop_signal_new(loop, SIGTERM, on_stop_signal, server, err);
    if (server->on_term != NULL)
        server->on_int = loop_signal_new(loop, SIGINT, on_stop_signal, server, err);
    if (server->on_int != NULL)
        server->on_hup = loop_signal_new(loop, SIGHUP, on_reload_signal, server, err);
    if (server->on_hup != NULL)
        server->drain_timer = loop_timer_new(loop, finish, server, err);
    if (server->drain_timer != NULL)
        server->settled_timer = loop_timer_new(loop, on_settled, server, err);
    if (server->settled_timer == NULL)
        return false;
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    pthread_sigmask(SIG_UNBLOCK, &stops, NULL);
    return true;
}

static bool open_reload(struct server *server, const struct command_line *line, struct error *err)
{
    const struct reload_options options = {.line = line,
                                           .loop = server->loop,
                                           .metrics = server->metrics,
                                           .on_done = on_reloaded,
                                           .arg = server};

    server->own_metrics = metrics_pool_take(server->metrics);
    if (server->own_metrics == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory for the metrics");
    server->reload = reload_new(&options, err);
    return server->reload != NULL;
}

static void close_server(struct server *server)
{
    if (server->metrics != NULL)
        metrics_pool_set_source(server->metrics, NULL, NULL);
    http_listener_free(server->listener);
    reload_free(server->reload);
    generation_free_leaving();
    generation_free(server->serving);
    http_listener_free(server->page_listener);
    if (server->page_service != NULL)
        http_service_free(server->page_service);
    page_free(server->page);
    http_listener_free(server->metrics_listener);
    if (server->metrics_service != NULL)
        http_service_free(server->metrics_service);
    pthread_sigmask(SIG_SETMASK, &server->signals_before, NULL);
    loop_signal_free(server->on_term);
    loop_signal_free(server->on_int);
    loop_signal_free(server->on_hup);
    loop_timer_free(server->settled_timer);
    loop_timer_free(server->drain_timer);
    metrics_pool_free(server->metrics);
    if (server->loop != NULL) {
        loop_run_once(server->loop, 0); /* what was posted and is now nobody's */
        loop_free(server->loop);
    }
}

static bool run(struct server *server, const struct command_line *line, struct error *err)
{
    const char *address = line->listen != NULL ? line->listen : configuration(server)->listen;

    if (!open_signals(server, err) || !open_listeners(server, address, err) ||
        !open_reload(server, line, err))
        return false;
    watch_plugins(server);
    secret_environment_freeze();
    if (!generation_start(server->serving, err))
        return false;
    log_info("start", "listening", LOG_INT("port", http_listener_port(server->listener)),
             LOG_TEXT("address", address),
             LOG_INT("workers", (int64_t)generation_worker_count(server->serving)));
    notify_manager("READY=1");
    if (server->on_listening != NULL)
        server->on_listening(configuration(server));
    loop_timer_start(server->settled_timer, SETTLED_MS);
    loop_run(server->loop);
    return true;
}

static int serve(const struct command_line *line, struct setup *setup,
                 void (*on_listening)(const struct host_config *config))
{
    struct server server = {.on_listening = on_listening};
    struct error err = {0};
    bool ok;

    pthread_sigmask(SIG_BLOCK, NULL, &server.signals_before);
    ok = host_open_process(setup, false, &err) && (server.loop = loop_new(&err)) != NULL &&
         (server.metrics = metrics_pool_new(&err)) != NULL &&
         (server.serving = generation_new(setup, server.loop, server.metrics, &err)) != NULL &&
         generation_load(server.serving, &err) && run(&server, line, &err);
    close_server(&server);
    host_close_process();
    if (!ok)
        fprintf(stderr, "sesame: %s\n", err.message);
    return ok ? EXIT_DONE : EXIT_FAILED;
}

int serve_until_signal(const struct command_line *line,
                       void (*on_listening)(const struct host_config *config))
{
    struct setup setup;
    int status;

    if (line->word_count > 0) {
        fprintf(stderr, "sesame serve: unexpected \"%s\"\n", line->words[0]);
        return EXIT_WRONG_USE;
    }
    if (!setup_load(line, &setup))
        return EXIT_WRONG_USE;
    status = serve(line, &setup, on_listening);
    setup_clear(&setup);
    return status;
}

int serve_command(const struct command_line *line)
{
    return serve_until_signal(line, NULL);
}
