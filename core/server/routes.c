/* A worker's front: requests sorted to what answers them. */
#include "server/routes.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "config/host_config.h"
#include "net/http_server.h"
#include "server/chat_endpoint.h"
#include "server/cors.h"
#include "server/metrics_pool.h"
#include "server/page.h"
#include "server/ready.h"
#include "server/reply.h"

#include <stdio.h>
#include <string.h>

enum route { ROUTE_CHAT, ROUTE_MODELS, ROUTE_HEALTH, ROUTE_READY, ROUTE_OTHER };

static enum route find_route(struct slice path)
{
    static const struct {
        const char *path;
        enum route route;
    } routes[] = {{"/openai/v1/chat/completions", ROUTE_CHAT},
                  {"/v1/chat/completions", ROUTE_CHAT},
                  {"/openai/v1/models", ROUTE_MODELS},
                  {"/v1/models", ROUTE_MODELS},
                  {"/health", ROUTE_HEALTH},
                  {"/healthz", ROUTE_HEALTH},
                  {"/ready", ROUTE_READY}};

    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
        if (slice_equal_text(path, routes[i].path))
            return routes[i].route;
    return slice_starts_with(path, "/openai/v1/models/") || slice_starts_with(path, "/v1/models/")
               ? ROUTE_MODELS
               : ROUTE_OTHER;
}

static bool is_get(const struct http_head *head)
{
    return slice_equal_text(head->method, "GET") || slice_equal_text(head->method, "HEAD");
}

static void refuse_method(struct http_exchange *exchange, const char *allowed)
{
    http_exchange_add_header(exchange, "Allow", allowed);
    reply_error(exchange, &(struct api_error){405, "invalid_request_error", "method_not_allowed",
                                              NULL, "This path does not know the method."});
}

static void answer_ready(struct server_worker *worker, struct http_exchange *exchange)
{
    struct buffer json;
    bool is_ready;

    buffer_init(&json, 64 * 1024);
    is_ready = ready_board_write(worker->shared->ready, &json);
    reply_json(exchange, is_ready ? 200 : 503, json.data, json.len);
    buffer_clear(&json);
}

static void answer_other(struct server_worker *worker, struct http_exchange *exchange)
{
    static const char hello[] = "sesame is running. Chat: POST /openai/v1/chat/completions\n";
    const struct http_head *head = http_exchange_head(exchange);

    if (!is_get(head))
        reply_error(exchange, &(struct api_error){404, "invalid_request_error", "not_found", NULL,
                                                  "There is nothing at this path."});
    else if (worker->shared->page != NULL &&
             page_answer(worker->shared->page, exchange, head->path))
        return;
    else if (slice_equal_text(head->path, "/"))
        http_exchange_reply(exchange, 200, "text/plain; charset=utf-8", hello, sizeof hello - 1);
    else
        reply_error(exchange, &(struct api_error){404, "invalid_request_error", "not_found", NULL,
                                                  "There is nothing at this path."});
}

void routes_on_request(void *arg, struct http_exchange *exchange)
{
    struct server_worker *worker = arg;
    const struct http_head *head = http_exchange_head(exchange);
    enum route route = find_route(head->path);
    char request_id[40] = "req_";

    platform_take(&worker->platform, worker->shared->platform, exchange, clock_monotonic_ms());
    random_hex(request_id + 4, 24);
    http_exchange_add_header(exchange, "x-request-id", request_id);
    if (route == ROUTE_CHAT || route == ROUTE_MODELS) {
        cors_add_headers(exchange, &worker->shared->config->web);
        if (cors_answer_preflight(exchange, &worker->shared->config->web))
            return;
    }
    switch (route) {
    case ROUTE_CHAT:
        if (slice_equal_text(head->method, "POST"))
            chat_endpoint_begin(worker, exchange, request_id);
        else
            refuse_method(exchange, "POST, OPTIONS");
        break;
    case ROUTE_MODELS:
        if (is_get(head))
            models_endpoint_begin(worker, exchange, request_id);
        else
            refuse_method(exchange, "GET, OPTIONS");
        break;
    case ROUTE_HEALTH:
        if (is_get(head))
            reply_json(exchange, 200, "{\"status\":\"ok\"}", 15);
        else
            refuse_method(exchange, "GET");
        break;
    case ROUTE_READY:
        if (is_get(head))
            answer_ready(worker, exchange);
        else
            refuse_method(exchange, "GET");
        break;
    case ROUTE_OTHER:
        answer_other(worker, exchange);
        break;
    }
}

void routes_on_metrics_request(void *arg, struct http_exchange *exchange)
{
    const struct http_head *head = http_exchange_head(exchange);
    struct buffer text;

    if (!slice_equal_text(head->path, "/metrics")) {
        reply_error(exchange, &(struct api_error){404, "invalid_request_error", "not_found", NULL,
                                                  "Only /metrics is here."});
        return;
    }
    if (!is_get(head)) {
        refuse_method(exchange, "GET");
        return;
    }
    buffer_init(&text, 1024 * 1024);
    metrics_pool_write(arg, &text);
    http_exchange_reply(exchange, 200, "text/plain; version=0.0.4; charset=utf-8",
                        text.data == NULL ? "" : text.data, text.len);
    buffer_clear(&text);
}

void routes_cancel_turns(struct server_worker *worker)
{
    chat_endpoint_cancel_all(worker);
}
