/* Cross-origin rules (WHATWG Fetch): which pages may talk to us from a browser. */
#include "server/cors.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"
#include "config/host_config.h"
#include "net/http_server.h"
#include "server/reply.h"

#include <string.h>

static const char *allowed_origin(const struct http_exchange *exchange,
                                  const struct web_config *config)
{
    struct slice origin = http_head_find(http_exchange_head(exchange), "origin");

    for (size_t i = 0; i < config->cors_origin_count; i++)
        if (slice_equal_text(origin, config->cors_origins[i]))
            return config->cors_origins[i];
    return NULL;
}

void cors_add_headers(struct http_exchange *exchange, const struct web_config *config)
{
    const char *origin = allowed_origin(exchange, config);

    http_exchange_add_header(exchange, "Vary", "Origin");
    if (origin == NULL)
        return;
    http_exchange_add_header(exchange, "Access-Control-Allow-Origin", origin);
    http_exchange_add_header(exchange, "Access-Control-Expose-Headers",
                             "x-request-id, retry-after, www-authenticate");
}

static bool is_allowed_header(struct slice name)
{
    static const char prefix[] = "x-stainless-";

    return slice_equal_nocase(name, "authorization") || slice_equal_nocase(name, "content-type") ||
           slice_equal_nocase(name, "accept") || slice_equal_nocase(name, "x-request-id") ||
           (name.len > sizeof prefix - 1 &&
            slice_equal_nocase((struct slice){name.data, sizeof prefix - 1}, prefix));
}

/* The requested headers that may be sent. */
static void list_headers(struct slice requested, struct buffer *out)
{
    struct error ignored = {0};

    while (requested.len > 0) {
        struct slice name = slice_trim(slice_cut(&requested, ','));

        if (!is_allowed_header(name))
            continue;
        (void)(buffer_add_text(out, out->len == 0 ? "" : ", ", &ignored) &&
               buffer_add(out, name.data, name.len, &ignored));
    }
}

bool cors_answer_preflight(struct http_exchange *exchange, const struct web_config *config)
{
    const struct http_head *head = http_exchange_head(exchange);
    struct slice wanted = http_head_find(head, "access-control-request-method");
    struct buffer headers;

    if (!slice_equal_text(head->method, "OPTIONS"))
        return false;
    if (wanted.data == NULL || allowed_origin(exchange, config) == NULL) {
        reply_error(exchange,
                    &(struct api_error){403, "invalid_request_error", "origin_not_allowed", NULL,
                                        "This origin is not in web.cors_origins."});
        return true;
    }
    buffer_init(&headers, 4096);
    list_headers(http_head_find(head, "access-control-request-headers"), &headers);
    http_exchange_add_header(exchange, "Access-Control-Allow-Methods", "GET, POST, OPTIONS");
    if (headers.len > 0)
        http_exchange_add_header(exchange, "Access-Control-Allow-Headers", headers.data);
    http_exchange_add_header(exchange, "Access-Control-Max-Age", "3600");
    http_exchange_reply(exchange, 204, NULL, "", 0);
    buffer_clear(&headers);
    return true;
}
