/* Whole replies: JSON, and errors in the form OpenAI clients read. */
#include "server/reply.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "model/chat_stream.h"
#include "net/http_server.h"

#include <string.h>

void reply_json(struct http_exchange *exchange, int status, const char *json, size_t len)
{
    http_exchange_reply(exchange, status, "application/json", json, len);
}

static bool add_text_or_null(struct buffer *out, const char *text, struct error *err)
{
    return text == NULL ? buffer_add_text(out, "null", err)
                        : json_add_string(out, text, strlen(text), err);
}

bool api_error_write(const struct api_error *error, struct buffer *out, struct error *err)
{
    return buffer_add_text(out, "{\"error\":{\"message\":", err) &&
           add_text_or_null(out, error->message, err) && buffer_add_text(out, ",\"type\":", err) &&
           add_text_or_null(out, error->type, err) && buffer_add_text(out, ",\"param\":", err) &&
           add_text_or_null(out, error->param, err) && buffer_add_text(out, ",\"code\":", err) &&
           add_text_or_null(out, error->code, err) && buffer_add_text(out, "}}", err);
}

void reply_error(struct http_exchange *exchange, const struct api_error *error)
{
    static const char fallback[] =
        "{\"error\":{\"message\":\"no memory\",\"type\":\"api_error\","
        "\"param\":null,\"code\":null}}";
    struct buffer body;
    struct error ignored = {0};

    buffer_init(&body, 16 * 1024);
    if (api_error_write(error, &body, &ignored))
        reply_json(exchange, error->status, body.data, body.len);
    else
        reply_json(exchange, error->status, fallback, sizeof fallback - 1);
    buffer_clear(&body);
}

struct api_error api_error_from(const struct error *err, int model_http_status,
                                struct error *storage)
{
    struct api_error out = {.status = 502, .type = "api_error", .code = "upstream_error"};

    *storage = *err;
    out.message = storage->message;
    if (storage->name[0] != '\0')
        out.code = storage->name;
    switch (err->code) {
    case ERROR_TIMED_OUT:
        out.status = 504;
        out.code = "timeout";
        break;
    case ERROR_RATE_LIMIT:
        out.status = 429;
        out.type = "rate_limit_error";
        out.code = "rate_limit_exceeded";
        break;
    case ERROR_BAD_INPUT:
        /* The model found fault with what the client sent. A conversation that is too long may be
         * refused with any status, or inside a stream; clients know it by 400 and the code. */
        if (strcmp(err->name, CHAT_ERROR_TOO_LONG) == 0)
            model_http_status = 400;
        if (model_http_status == 400 || model_http_status == 413) {
            out.status = model_http_status;
            out.type = "invalid_request_error";
        }
        break;
    case ERROR_NO_MEMORY:
    case ERROR_INTERNAL:
        out.status = 500;
        out.code = "internal_error";
        break;
    default:
        break;
    }
    return out;
}
