/* The one HTTP client: libcurl's multi interface driven by the loop; one client per loop. */
#include "net/http_client.h"

#include "base/error.h"
#include "net/http_call.h"
#include "net/loop.h"
#include "net/origin_nonces.h"
#include "net/tls_trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

/* ---- libcurl's sockets and timer on our loop ------------------------------------------------- */

struct curl_socket {
    struct http_client *client;
    curl_socket_t fd;
    struct loop_watch *watch;
};

static void remove_call(struct http_call *call);

static void free_dead_calls(struct http_client *client)
{
    struct http_call *call = client->calls;

    if (!client->has_dead_calls)
        return;
    client->has_dead_calls = false;
    while (call != NULL) {
        struct http_call *next = call->next;

        if (call->is_dead)
            remove_call(call);
        call = next;
    }
}

static void finish_call(struct http_call *call, CURLcode code)
{
    struct secret *answer = NULL;
    struct error err = {0};

    if (call->is_dead) {
        remove_call(call);
        return;
    }
    if (code != CURLE_OK || call->failure != NULL || !call->has_head)
        http_call_explain(call, code, &err);
    else if (call->is_secret_answer)
        answer = secret_builder_take(&call->secret_answer, &err);
    if (call->events.on_done != NULL) {
        /* The call stays listed, but a cancel from here must not free it twice. */
        call->is_dead = true;
        call->events.on_done(call->arg, call->status, answer, err.code == ERROR_NONE ? NULL : &err);
    }
    secret_free(answer);
    remove_call(call);
}

static bool add_to_multi(struct http_call *call, struct error *err)
{
    return curl_multi_add_handle(call->client->multi, call->easy) == CURLM_OK ||
           error_set(err, ERROR_INTERNAL, "%s: the request cannot be started", call->url);
}

static struct http_call *first_waiting(const struct http_client *client)
{
    struct http_call *call = client->calls;

    while (call != NULL && !call->is_waiting)
        call = call->next;
    return call;
}

/* Calls started inside a callback, where libcurl takes no new ones. */
static void start_waiting_calls(struct http_client *client)
{
    struct http_call *call;

    while ((call = first_waiting(client)) != NULL) {
        struct error err = {0};

        call->is_waiting = false;
        if (add_to_multi(call, &err))
            continue;
        call->is_dead = true;
        if (call->events.on_done != NULL)
            call->events.on_done(call->arg, 0, NULL, &err);
        remove_call(call);
    }
}

/* After libcurl returned: hands out what is complete, removes what was cancelled, starts what was
 * asked for meanwhile. */
static void after_action(struct http_client *client)
{
    CURLMsg *message;
    int left;

    if (client->depth > 0)
        return;
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        char *private = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        finish_call((struct http_call *)(void *)private, message->data.result);
    }
    free_dead_calls(client);
    start_waiting_calls(client);
}

static void act(struct http_client *client, curl_socket_t fd, int events)
{
    int running;

    client->depth++;
    curl_multi_socket_action(client->multi, fd, events, &running);
    client->depth--;
    after_action(client);
}

static void on_socket_ready(void *arg, unsigned events)
{
    struct curl_socket *socket = arg;

    act(socket->client, socket->fd,
        ((events & LOOP_READ) ? CURL_CSELECT_IN : 0) |
            ((events & LOOP_WRITE) ? CURL_CSELECT_OUT : 0));
}

static void forget_socket(struct http_client *client, curl_socket_t fd, struct curl_socket *socket)
{
    if (socket == NULL)
        return;
    curl_multi_assign(client->multi, fd, NULL);
    loop_watch_free(socket->watch);
    free(socket);
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct http_client *client = arg;
    struct curl_socket *socket = socket_arg;
    struct error ignored = {0};

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        forget_socket(client, fd, socket);
        return 0;
    }
    if (socket == NULL) {
        socket = calloc(1, sizeof *socket);
        if (socket == NULL)
            return -1;
        socket->client = client;
        socket->fd = fd;
        socket->watch = loop_watch_new(client->loop, fd, on_socket_ready, socket, &ignored);
        if (socket->watch == NULL) {
            free(socket);
            return -1;
        }
        curl_multi_assign(client->multi, fd, socket);
    }
    return loop_watch_set(socket->watch, ((what & CURL_POLL_IN) ? LOOP_READ : 0u) |
                                             ((what & CURL_POLL_OUT) ? LOOP_WRITE : 0u))
               ? 0
               : -1;
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct http_client *client = arg;

    (void)multi;
    if (timeout_ms < 0)
        loop_timer_stop(client->timer);
    else
        loop_timer_start(client->timer, timeout_ms);
    return 0;
}

static void on_timer(void *arg)
{
    act(arg, CURL_SOCKET_TIMEOUT, 0);
}

/* ---- the client ------------------------------------------------------------------------------ */

static char *default_user_agent(void)
{
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
    struct utsname system;
    char text[200];

    if (uname(&system) != 0)
        return strdup("sesame/" PACKAGE_VERSION);
    /* Cutting it off is fine. */
    (void)snprintf(text, sizeof text, "sesame/%s libcurl/%s (%s; %s)", PACKAGE_VERSION,
                   curl->version, system.sysname, system.machine);
    return strdup(text);
}

static bool open_multi(struct http_client *client, const struct http_client_options *options,
                       struct error *err)
{
    client->multi = curl_multi_init();
    client->nonces = origin_nonces_new();
    if (client->multi == NULL || client->user_agent == NULL || client->nonces == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory for an HTTP client");
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
    curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
    curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(client->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                      (long)options->max_host_connections);
    client->timer = loop_timer_new(client->loop, on_timer, client, err);
    return client->timer != NULL;
}

struct http_client *http_client_new(struct loop *loop, const struct http_client_options *options,
                                    struct error *err)
{
    static const struct http_client_options none = {0};
    struct http_client *client = calloc(1, sizeof *client);

    if (client == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for an HTTP client");
        return NULL;
    }
    if (options == NULL)
        options = &none;
    client->loop = loop;
    client->connect_timeout_ms =
        options->connect_timeout_ms > 0 ? options->connect_timeout_ms : 5000;
    client->user_agent =
        options->user_agent == NULL ? default_user_agent() : strdup(options->user_agent);
    client->trust =
        tls_trust_new(options->ca_file != NULL ? options->ca_file : getenv("SSL_CERT_FILE"),
                      getenv("SSL_CERT_DIR"), err);
    if (client->trust != NULL && open_multi(client, options, err))
        return client;
    http_client_free(client);
    return NULL;
}

void http_client_free(struct http_client *client)
{
    if (client == NULL)
        return;
    while (client->calls != NULL)
        remove_call(client->calls);
    if (client->multi != NULL)
        curl_multi_cleanup(client->multi);
    loop_timer_free(client->timer);
    tls_trust_free(client->trust);
    origin_nonces_free(client->nonces);
    free(client->user_agent);
    free(client);
}

struct origin_nonces *http_client_nonces(struct http_client *client)
{
    return client->nonces;
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* Headers may have held secrets; the allocator wipes too, but only where it is installed. */
static void free_headers(struct curl_slist *headers)
{
    for (struct curl_slist *item = headers; item != NULL; item = item->next)
        explicit_bzero(item->data, strlen(item->data));
    curl_slist_free_all(headers);
}

static void remove_call(struct http_call *call)
{
    struct http_client *client = call->client;

    if (call->previous != NULL)
        call->previous->next = call->next;
    else
        client->calls = call->next;
    if (call->next != NULL)
        call->next->previous = call->previous;
    if (call->easy != NULL) {
        curl_multi_remove_handle(client->multi, call->easy);
        curl_easy_cleanup(call->easy);
    }
    free_headers(call->headers);
    loop_timer_free(call->idle);
    buffer_clear(&call->body);
    buffer_clear(&call->head);
    secret_free(call->secret_body);
    secret_free(call->client_certificate);
    secret_free(call->client_key);
    secret_builder_clear(&call->secret_answer);
    free(call->failure);
    free(call);
}

static void on_idle(void *arg)
{
    struct http_call *call = arg;
    struct error err = {0};

    error_set_named(&err, ERROR_TIMED_OUT, "ReadTimeOut", "%s: nothing came or went for %lld ms",
                    call->url, (long long)call->idle_timeout_ms);
    call->is_dead = true;
    if (call->events.on_done != NULL)
        call->events.on_done(call->arg, call->status, NULL, &err);
    remove_call(call);
}

static void link_call(struct http_client *client, struct http_call *call)
{
    call->client = client;
    call->next = client->calls;
    if (call->next != NULL)
        call->next->previous = call;
    client->calls = call;
}

struct http_call *http_client_start(struct http_client *client,
                                    const struct http_request_options *options,
                                    const struct http_call_events *events, void *arg,
                                    struct error *err)
{
    struct http_call *call = calloc(1, sizeof *call);

    if (call == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a request");
        return NULL;
    }
    link_call(client, call);
    call->events = *events;
    call->arg = arg;
    call->easy = curl_easy_init();
    if (call->easy == NULL)
        error_set(err, ERROR_NO_MEMORY, "no memory for a request");
    else if (http_call_configure(call, options, err)) {
        if (call->idle_timeout_ms > 0)
            call->idle = loop_timer_new(client->loop, on_idle, call, err);
        if (err->code == ERROR_NONE) {
            http_call_touch(call);
            call->is_waiting = client->depth > 0;
            if (call->is_waiting || add_to_multi(call, err))
                return call;
        }
    }
    remove_call(call);
    return NULL;
}

void http_call_cancel(struct http_call *call)
{
    if (call == NULL || call->is_dead)
        return;
    if (call->client->depth > 0) {
        /* libcurl is on the stack and would refuse to let go of it. */
        call->is_dead = true;
        call->client->has_dead_calls = true;
        if (call->idle != NULL)
            loop_timer_stop(call->idle);
        return;
    }
    remove_call(call);
}

void http_call_pause(struct http_call *call, bool is_paused)
{
    struct http_client *client = call->client;

    call->is_paused = is_paused;
    if (call->idle != NULL && is_paused)
        loop_timer_stop(call->idle);
    http_call_touch(call);
    client->depth++;
    curl_easy_pause(call->easy, is_paused ? CURLPAUSE_RECV : CURLPAUSE_CONT);
    client->depth--;
    /* Bytes that had been held back may have come now; what ended is handed out from the loop. */
    if (client->depth == 0 && !is_paused)
        loop_timer_start(client->timer, 0);
}
