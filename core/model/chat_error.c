/* Reads the error bodies of chat-completions servers, which come in many shapes. */
#include "model/chat_stream.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"

#include <stdio.h>
#include <string.h>

#define TEXT_MAX_BYTES 200

struct fault {
    char code[ERROR_NAME_SIZE];
    char message[TEXT_MAX_BYTES + 1];
    char request_id[80];
};

/* Copies visible characters; control characters become blanks, so that a log line stays a line. */
static void copy_clean(char *out, size_t size, struct slice text)
{
    size_t len = utf8_prefix(text.data, text.len, size - 1);

    for (size_t i = 0; i < len; i++)
        out[i] = (unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7F ? ' ' : text.data[i];
    out[len] = '\0';
}

static void read_text(struct json_object *object, const char *name, char *out, size_t size)
{
    struct json_object *member;
    char number[32];

    if (out[0] != '\0' || !json_object_is_type(object, json_type_object) ||
        !json_object_object_get_ex(object, name, &member))
        return;
    if (json_object_is_type(member, json_type_string)) {
        copy_clean(out, size,
                   (struct slice){json_object_get_string(member),
                                  (size_t)json_object_get_string_len(member)});
    } else if (json_object_is_type(member, json_type_int)) {
        /* Always fits: 20 digits. */
        (void)snprintf(number, sizeof number, "%lld", (long long)json_object_get_int64(member));
        copy_clean(out, size, slice_of(number));
    }
}

static void read_fault(struct json_object *body, struct fault *fault)
{
    struct json_object *inner = json_get_object(body, "error");

    read_text(inner, "message", fault->message, sizeof fault->message);
    read_text(inner, "code", fault->code, sizeof fault->code);
    read_text(inner, "type", fault->code, sizeof fault->code);
    read_text(body, "error", fault->message, sizeof fault->message);
    read_text(body, "message", fault->message, sizeof fault->message);
    read_text(body, "code", fault->code, sizeof fault->code);
    read_text(body, "request_id", fault->request_id, sizeof fault->request_id);
    read_text(body, "id", fault->request_id, sizeof fault->request_id);
}

static enum error_code code_for(int status, const struct fault *fault)
{
    switch (status) {
    case 400:
    case 404:
    case 413:
    case 422:
        return ERROR_BAD_INPUT;
    case 401:
    case 403:
        return ERROR_DENIED;
    case 408:
    case 504:
        return ERROR_TIMED_OUT;
    case 429:
        return ERROR_RATE_LIMIT;
    default:
        return strstr(fault->code, "Throttling") != NULL ||
                       strcmp(fault->code, "insufficient_quota") == 0
                   ? ERROR_RATE_LIMIT
                   : ERROR_UPSTREAM;
    }
}

void chat_error_read(int http_status, const char *body, size_t len, struct error *err)
{
    CLEANUP(json_cleanup) struct json_object *object = NULL;
    struct slice text = slice_trim((struct slice){body, len});
    struct error ignored = {0};
    struct fault fault = {0};

    /* Model Studio frames a refusal of a streaming request as an event. */
    if (slice_starts_with(text, "data:"))
        text = slice_trim((struct slice){text.data + 5, text.len - 5});
    if (text.len > 0)
        object = json_parse(text.data, text.len, JSON_DEPTH_DEFAULT, &ignored);
    if (object != NULL)
        read_fault(object, &fault);
    if (http_status > 0)
        error_set_named(err, code_for(http_status, &fault), fault.code, "the model answered %d%s%s",
                        http_status, fault.message[0] == '\0' ? "" : ": ", fault.message);
    else
        error_set_named(err, code_for(http_status, &fault), fault.code, "the model reported: %s",
                        fault.message[0] == '\0' ? "an error without a message" : fault.message);
    if (fault.request_id[0] != '\0') {
        size_t used = strlen(err->message);

        /* Cutting the id off is fine: the message is what counts. */
        (void)snprintf(err->message + used, sizeof err->message - used, " (request id %s)",
                       fault.request_id);
    }
}
