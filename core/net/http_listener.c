/* Accepts connections on one socket and hands their descriptors out. */
#include "net/http_server.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/log.h"
#include "net/loop.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define BACKLOG 1024
/* Connections taken in one go, so that a flood cannot keep the loop from its other work. */
#define ACCEPT_BURST 64
#define RETRY_AFTER_FULL_MS 100

struct http_listener {
    int fd;
    int port;
    bool is_paused;
    struct loop_watch *watch;
    struct loop_timer *retry; /* after the process ran out of descriptors */
    void (*on_accept)(void *arg, int fd);
    void *arg;
};

static bool split_address(const char *address, char *host, size_t host_size, char *port,
                          size_t port_size)
{
    const char *colon = strrchr(address, ':');
    size_t host_len;
    int64_t number;

    if (colon == NULL || !parse_int64(colon + 1, strlen(colon + 1), &number) || number < 0 ||
        number > 65535)
        return false;
    host_len = (size_t)(colon - address);
    if (host_len >= 2 && address[0] == '[' && address[host_len - 1] == ']') {
        address++;
        host_len -= 2;
    }
    if (host_len == 0 || host_len >= host_size || strlen(colon + 1) >= port_size)
        return false;
    memcpy(host, address, host_len);
    host[host_len] = '\0';
    memcpy(port, colon + 1, strlen(colon + 1) + 1);
    return true;
}

static int bind_socket(const struct addrinfo *info)
{
    int one = 1, saved;
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    /* Not SO_REUSEPORT: with it a second host would bind the same port unnoticed. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
        bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static bool open_socket(struct http_listener *listener, const char *address, struct error *err)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *info = NULL;
    struct sockaddr_storage bound;
    socklen_t bound_len = sizeof bound;
    char host[256], port[8];
    int rc;

    if (!split_address(address, host, sizeof host, port, sizeof port))
        return error_set_named(err, ERROR_BAD_INPUT, "ConfigError",
                               "listen address '%s': expected HOST:PORT, as 0.0.0.0:9002", address);
    rc = getaddrinfo(host, port, &hints, &info);
    if (rc != 0)
        return error_set_named(err, ERROR_BAD_INPUT, "ConfigError", "listen address '%s': %s",
                               address, gai_strerror(rc));
    listener->fd = bind_socket(info);
    freeaddrinfo(info);
    if (listener->fd < 0)
        return error_set_named(err, ERROR_DENIED, "ListenFailed", "cannot listen on %s: %s%s",
                               address, strerror(errno),
                               errno == EADDRINUSE
                                   ? "; another program has this port: stop it or choose "
                                     "another address (\"listen\")"
                                   : "");
    if (getsockname(listener->fd, (struct sockaddr *)&bound, &bound_len) == 0)
        listener->port =
            ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                              : ((struct sockaddr_in *)&bound)->sin_port);
    return true;
}

static void on_ready(void *arg, unsigned events)
{
    struct http_listener *listener = arg;

    (void)events;
    for (int i = 0; i < ACCEPT_BURST; i++) {
        int one = 1, fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0) {
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            listener->on_accept(listener->arg, fd);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            /* The socket stays ready, so waiting for it would spin. */
            log_warn("net", "no descriptor for a new connection",
                     LOG_TEXT("error", strerror(errno)));
            loop_watch_set(listener->watch, 0);
            loop_timer_start(listener->retry, RETRY_AFTER_FULL_MS);
            return;
        }
        if (errno != EINTR && errno != ECONNABORTED)
            return;
    }
}

static void on_retry(void *arg)
{
    struct http_listener *listener = arg;

    if (!listener->is_paused)
        loop_watch_set(listener->watch, LOOP_READ);
}

struct http_listener *http_listener_new(struct loop *loop, const char *address,
                                        void (*on_accept)(void *arg, int fd), void *arg,
                                        struct error *err)
{
    struct http_listener *listener = calloc(1, sizeof *listener);

    if (listener == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory to listen");
        return NULL;
    }
    listener->fd = -1;
    listener->on_accept = on_accept;
    listener->arg = arg;
    if (open_socket(listener, address, err)) {
        listener->watch = loop_watch_new(loop, listener->fd, on_ready, listener, err);
        if (listener->watch != NULL)
            listener->retry = loop_timer_new(loop, on_retry, listener, err);
        if (listener->retry != NULL) {
            if (loop_watch_set(listener->watch, LOOP_READ))
                return listener;
            error_set(err, ERROR_INTERNAL, "cannot watch the listening socket");
        }
    }
    http_listener_free(listener);
    return NULL;
}

int http_listener_port(const struct http_listener *listener)
{
    return listener->port;
}

void http_listener_pause(struct http_listener *listener, bool is_paused)
{
    listener->is_paused = is_paused;
    loop_watch_set(listener->watch, is_paused ? 0 : LOOP_READ);
}

void http_listener_free(struct http_listener *listener)
{
    if (listener == NULL)
        return;
    loop_watch_free(listener->watch);
    loop_timer_free(listener->retry);
    if (listener->fd >= 0)
        close(listener->fd);
    free(listener);
}
