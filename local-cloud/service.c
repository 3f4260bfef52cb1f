/* The listening ports: sockets in front of cloud_handle and the control port. */
#include "local-cloud/service.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "local-cloud/cloud.h"
#include "local-cloud/control.h"
#include "local-cloud/journal.h"
#include "local-cloud/memory.h"
#include "local-cloud/player.h"
#include "local-cloud/reply.h"
#include "local-cloud/request.h"
#include "net/http_server.h"
#include "net/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct service {
    struct cloud *cloud;
    enum service_kind kind;
    bool is_tls;
    struct http_listener *listener;
    struct http_service *http;
};

static void make_request(struct http_exchange *exchange, struct request *request)
{
    const struct http_head *head = http_exchange_head(exchange);
    const struct secret *authorization =
        http_exchange_secret_header(exchange, "authorization", &request->authorization_count);

    request->method = head->method;
    request->path = head->path;
    request->query = head->query;
    request->body = http_exchange_body(exchange);
    request->fields = head->fields;
    request->field_count = head->field_count;
    request->now_s = clock_wall_s();
    request->now_ms = clock_wall_ms();
    if (authorization != NULL)
        request->authorization.data = secret_borrow(authorization, &request->authorization.len);
}

/* Origin servers that have a clock say what it shows (RFC 9110 section 6.6.1). */
static void add_date(struct reply *reply, int64_t now_s)
{
    time_t now = (time_t)now_s;
    struct tm parts;
    char text[40];

    /* IMF-fixdate is 29 characters; the program sets no locale. */
    gmtime_r(&now, &parts);
    if (strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts) > 0)
        reply_header(reply, "Date", "%s", text);
}

static void on_request(void *arg, struct http_exchange *exchange)
{
    struct service *service = arg;
    struct cloud *cloud = service->cloud;
    struct request request = {0};
    struct reply reply;
    int64_t number = 0;

    make_request(exchange, &request);
    request.is_tls = service->is_tls;
    reply_init(&reply);
    add_date(&reply,
             request.now_s +
                 (service->kind == SERVICE_ISSUER ? cloud->switches.issuer.clock_offset_s : 0));
    if (service->kind == SERVICE_CONTROL) {
        control_handle(cloud, &request, &reply);
    } else {
        number = journal_begin(cloud->journal, route_name(service->kind, request.path), &request);
        cloud_handle(cloud, service->kind, &request, &reply);
    }
    player_play(cloud->player, exchange, &reply, number);
}

static void on_accept(void *arg, int fd)
{
    struct service *service = arg;

    http_service_adopt(service->http, fd);
}

struct service *service_new(struct loop *loop, struct cloud *cloud, enum service_kind kind,
                            int port, struct ssl_ctx_st *tls, struct error *err)
{
    struct service *service = must_allocate(sizeof *service);
    struct http_server_limits limits;
    char address[32];

    http_server_limits_default(&limits);
    limits.parser.body_max_bytes = 16 << 20;  /* the model gateway's (model-api.md section 1.1) */
    limits.reply_queue_max_bytes = 512 << 20; /* oversized answers are a thing to test */
    service->cloud = cloud;
    service->kind = kind;
    service->is_tls = tls != NULL;
    /* Fits: a port has at most five digits. */
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    service->http = http_service_new(loop, &limits, on_request, service, err);
    if (service->http != NULL && tls != NULL)
        http_service_use_tls(service->http, tls);
    if (service->http != NULL)
        service->listener = http_listener_new(loop, address, on_accept, service, err);
    if (service->listener != NULL)
        return service;
    service_free(service);
    return NULL;
}

int service_port(const struct service *service)
{
    return http_listener_port(service->listener);
}

void service_free(struct service *service)
{
    if (service == NULL)
        return;
    if (service->listener != NULL)
        http_listener_free(service->listener);
    if (service->http != NULL)
        http_service_free(service->http);
    free(service);
}
