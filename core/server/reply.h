/* Whole replies: JSON, and errors in the form OpenAI clients read. */
#ifndef SESAME_SERVER_REPLY_H
#define SESAME_SERVER_REPLY_H

#include <stdbool.h>
#include <stddef.h>

struct buffer;
struct error;
struct http_exchange;

struct api_error {
    int status;
    const char *type;  /* "invalid_request_error", "api_error", ... */
    const char *code;  /* NULL: null */
    const char *param; /* NULL: null */
    const char *message;
};

void reply_json(struct http_exchange *exchange, int status, const char *json, size_t len);
void reply_error(struct http_exchange *exchange, const struct api_error *error);

/* Appends {"error":{...}}. */
bool api_error_write(const struct api_error *error, struct buffer *out, struct error *err);

/* What a client may know of a failure behind us: status, type, code; the message is the error's. A
 * model's `http_status` of 0 means that it did not answer. `storage` keeps the texts. */
struct api_error api_error_from(const struct error *err, int model_http_status,
                                struct error *storage);

#endif
