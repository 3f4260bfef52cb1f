/* Reads the error bodies of chat-completions servers, which come in many shapes. */
#include "model/chat_stream.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "net/sse.h"

#include <stdio.h>
#include <string.h>

#define TEXT_MAX_BYTES 200
#define EVENT_MAX_BYTES (64 * 1024)

struct fault {
    char code[ERROR_NAME_SIZE];
    char type[ERROR_NAME_SIZE];
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
    read_text(inner, "type", fault->type, sizeof fault->type);
    read_text(body, "error", fault->message, sizeof fault->message);
    read_text(body, "message", fault->message, sizeof fault->message);
    read_text(body, "code", fault->code, sizeof fault->code);
    read_text(body, "type", fault->type, sizeof fault->type);
    read_text(body, "request_id", fault->request_id, sizeof fault->request_id);
    read_text(body, "id", fault->request_id, sizeof fault->request_id);
}

/* Whether the request was too long for the model's context, or for its gateway. The texts are
 * Model Studio's, OpenAI's and vLLM's, and llama.cpp's; LiteLLM puts its own word before them. */
static bool is_too_long(int status, const struct fault *fault)
{
    static const char *const texts[] = {"Range of input length should be", "maximum context length",
                                        "exceeds the available context size",
                                        "ContextWindowExceeded"};

    if (status == 401 || status == 403 || status == 429)
        return false;
    if (status == 413 || strcmp(fault->code, CHAT_ERROR_TOO_LONG) == 0 ||
        strcmp(fault->type, "exceed_context_size_error") == 0)
        return true;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strstr(fault->message, texts[i]) != NULL)
            return true;
    return false;
}

/* What an error says by itself, where no HTTP status says it. */
static enum error_code code_by_words(const struct fault *fault)
{
    if (strstr(fault->code, "Throttling") != NULL ||
        strcmp(fault->code, "insufficient_quota") == 0 ||
        strcmp(fault->type, "insufficient_quota") == 0)
        return ERROR_RATE_LIMIT;
    if (strcmp(fault->type, "invalid_request_error") == 0 ||
        strcmp(fault->code, "InvalidParameter") == 0)
        return ERROR_BAD_INPUT;
    return ERROR_UPSTREAM;
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
        return status < 300 ? code_by_words(fault) : ERROR_UPSTREAM;
    }
}

static bool keep_event(void *arg, const struct sse_event *event)
{
    struct error ignored = {0};

    (void)buffer_add(arg, event->data, event->data_len, &ignored);
    return false; /* the first one says it */
}

/* The data of the first event, when `text` is framed as one: Model Studio does so when a streaming
 * request is refused, with "data:" alone or behind "id:", "event:" and a comment. */
static struct slice unframe(struct slice text, struct buffer *storage)
{
    static const char *const fields[] = {"data:", "event:", "id:", "retry:", ":"};
    struct error ignored = {0};
    struct sse_reader *reader = NULL;

    for (size_t i = 0; reader == NULL && i < sizeof fields / sizeof fields[0]; i++)
        if (slice_starts_with(text, fields[i]))
            reader = sse_reader_new(EVENT_MAX_BYTES, &ignored);
    if (reader == NULL)
        return text;
    /* The blank line that completes the event may have been cut off. */
    if (sse_reader_feed(reader, text.data, text.len, keep_event, storage, &ignored) &&
        storage->len == 0)
        (void)sse_reader_feed(reader, "\n\n", 2, keep_event, storage, &ignored);
    sse_reader_free(reader);
    return storage->len == 0 ? text : slice_trim((struct slice){storage->data, storage->len});
}

bool chat_error_is(struct slice json)
{
    struct json_member members[] = {{.name = "error"},
                                    {.name = "choices", .first = '['},
                                    {.name = "message", .first = '"'},
                                    {.name = "code"}};
    struct slice fault, code;

    json_find_members(json, members, 4);
    fault = members[0].value;
    code = members[3].value;
    if (fault.len > 0 && !slice_equal_text(fault, "null") && !slice_equal_text(fault, "false"))
        return true;
    return members[1].value.len == 0 && members[2].value.len > 0 && code.len > 0 &&
           !slice_equal_text(code, "null");
}

void chat_error_read(int http_status, const char *body, size_t len, struct error *err)
{
    CLEANUP(json_cleanup) struct json_object *object = NULL;
    CLEANUP(buffer_clear) struct buffer storage;
    struct slice text = slice_trim((struct slice){body, len});
    struct error ignored = {0};
    struct fault fault = {0};
    const char *name;
    enum error_code code;

    buffer_init(&storage, EVENT_MAX_BYTES);
    text = unframe(text, &storage);
    if (text.len > 0)
        object = json_parse(text.data, text.len, JSON_DEPTH_DEFAULT, &ignored);
    if (object != NULL)
        read_fault(object, &fault);
    name = fault.code[0] != '\0' ? fault.code : fault.type;
    code = code_for(http_status, &fault);
    if (is_too_long(http_status, &fault)) {
        name = CHAT_ERROR_TOO_LONG;
        code = ERROR_BAD_INPUT;
    }
    if (http_status >= 300)
        error_set_named(err, code, name, "the model answered %d%s%s", http_status,
                        fault.message[0] == '\0' ? "" : ": ", fault.message);
    else
        error_set_named(err, code, name, "the model reported: %s",
                        fault.message[0] == '\0' ? "an error without a message" : fault.message);
    if (fault.request_id[0] != '\0') {
        size_t used = strlen(err->message);

        /* Cutting the id off is fine: the message is what counts. */
        (void)snprintf(err->message + used, sizeof err->message - used, " (request id %s)",
                       fault.request_id);
    }
}
