/* One question to the credential vault: ObtainCredential of the IDaaS DeveloperAPI (2022-02-25). */
#include "credential/vault.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "net/http_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ANSWER_MAX_BYTES (64 * 1024)
#define KEY_POINTER "/credentialContent/apiKeyContent/apiKey"

struct vault_call {
    struct http_call *call;
    vault_done_fn *done;
    void *arg;
    char *identifier;
    int64_t retry_after_ms;
    int64_t wall_s;
};

/* ---- the answer ------------------------------------------------------------------------------ */

/* A short text member that is no secret, for messages: cut, and only if it is plain. */
static void read_text(struct slice json, const char *pointer, char *out, size_t out_size)
{
    const char *value;
    size_t len;
    struct error ignored = {0};
    struct buffer text;

    out[0] = '\0';
    if (json.len == 0 || !json_find(json.data, json.len, pointer, &value, &len) || len < 2 ||
        value[0] != '"')
        return;
    buffer_init(&text, 4096);
    if (json_unescape(value, len, &text, &ignored)) {
        size_t cut = utf8_prefix(text.data == NULL ? "" : text.data, text.len, out_size - 1);

        if (cut > 0)
            memcpy(out, text.data, cut);
        out[cut] = '\0';
        for (char *c = out; *c != '\0'; c++)
            if ((unsigned char)*c < 0x20)
                *c = ' ';
    }
    buffer_wipe(&text);
}

/* Both error shapes of the vendor: {"Code","Message","RequestId"} and the OAuth one. */
static void explain_refusal(int status, struct slice json, const char *identifier,
                            struct error *err)
{
    static const char *const code_pointers[] = {"/error", "/Code", "/code"};
    static const char *const message_pointers[] = {"/error_description", "/Message", "/message"};
    static const char *const id_pointers[] = {"/request_id", "/RequestId", "/requestId"};
    char code[48] = "", message[160] = "", request_id[80] = "";
    enum error_code kind = ERROR_UPSTREAM;

    for (size_t i = 0; i < 3; i++) {
        if (code[0] == '\0')
            read_text(json, code_pointers[i], code, sizeof code);
        if (message[0] == '\0')
            read_text(json, message_pointers[i], message, sizeof message);
        if (request_id[0] == '\0')
            read_text(json, id_pointers[i], request_id, sizeof request_id);
    }
    if (status == 404)
        kind = ERROR_NOT_FOUND;
    else if (status == 429)
        kind = ERROR_RATE_LIMIT;
    else if (status >= 400 && status < 500 && status != 408)
        kind = ERROR_DENIED;
    error_set_named(err, kind, status == 404 ? "ApiKeyNotFound" : code,
                    "the vault did not give the credential \"%s\": HTTP %d%s%s%s%s%s%s", identifier,
                    status, code[0] == '\0' ? "" : " ", code, message[0] == '\0' ? "" : ": ",
                    message, request_id[0] == '\0' ? "" : ", request id ", request_id);
}

static bool key_is_clean(const struct secret *key)
{
    size_t len;
    const char *bytes = secret_borrow(key, &len);

    for (size_t i = 0; i < len; i++)
        if ((unsigned char)bytes[i] < 0x20 || bytes[i] == 0x7f)
            return false;
    return true;
}

static struct secret *read_key(struct slice json, const char *identifier, struct error *err)
{
    CLEANUP(secret_cleanup) struct secret *key = NULL;
    char type[48], status[32];
    struct error why = {0};

    read_text(json, "/credentialType", type, sizeof type);
    read_text(json, "/status", status, sizeof status);
    if (status[0] != '\0' && strcmp(status, "enabled") != 0) {
        error_set_named(err, ERROR_DENIED, "ApiKeyDisabled",
                        "the credential \"%s\" is %s in the vault, not enabled", identifier,
                        status);
        return NULL;
    }
    if (!json_take_secret(json.data, json.len, KEY_POINTER, &key, &why)) {
        error_set_named(err, why.code == ERROR_LIMIT ? ERROR_LIMIT : ERROR_NOT_FOUND,
                        "ApiKeyNotFound",
                        "the credential \"%s\" is not an API key (its type is %s)", identifier,
                        type[0] == '\0' ? "not given" : type);
        return NULL;
    }
    if (!key_is_clean(key)) {
        error_set_named(err, ERROR_DENIED, "ApiKeyNotValid",
                        "the API key \"%s\" holds control characters: enter it anew in the vault",
                        identifier);
        return NULL;
    }
    return TAKE(key);
}

struct secret *vault_read_answer(int http_status, const struct secret *answer,
                                 const char *identifier, struct error *err)
{
    struct slice json = {NULL, 0};
    struct error why = {0};

    if (answer != NULL)
        json.data = secret_borrow(answer, &json.len);
    if (json.len > 0 && !json_check(json.data, json.len, JSON_DEPTH_DEFAULT, &why))
        json.len = 0;
    if (http_status < 200 || http_status > 299) {
        explain_refusal(http_status, json, identifier, err);
        return NULL;
    }
    if (json.len == 0) {
        error_set(err, ERROR_UPSTREAM, "the vault's answer for \"%s\" is no JSON: %s", identifier,
                  why.code == ERROR_NONE ? "it is empty" : why.message);
        return NULL;
    }
    return read_key(json, identifier, err);
}

/* ---- the request ----------------------------------------------------------------------------- */

static void free_call(struct vault_call *call)
{
    free(call->identifier);
    free(call);
}

static void on_head(void *arg, int status, const struct http_answer_header *headers, size_t count)
{
    struct vault_call *call = arg;

    (void)status;
    for (size_t i = 0; i < count; i++)
        if (slice_equal_nocase(headers[i].name, "retry-after"))
            call->retry_after_ms = http_retry_after_ms(headers[i].value, call->wall_s);
}

static void on_done(void *arg, int status, struct secret *answer, const struct error *err)
{
    struct vault_call *call = arg;
    CLEANUP(secret_cleanup) struct secret *key = NULL;
    struct error why = {0};

    if (err == NULL)
        key = vault_read_answer(status, answer, call->identifier, &why);
    call->done(call->arg, key, status,
               err != NULL   ? err
               : key == NULL ? &why
                             : NULL,
               call->retry_after_ms);
    free_call(call);
}

static bool build_url(const struct vault_request *request, struct buffer *url, struct error *err)
{
    return buffer_add_text(url, request->endpoint, err) && buffer_add_text(url, "/v2/", err) &&
           percent_encode(request->instance_id, strlen(request->instance_id), url, err) &&
           buffer_add_text(url, "/credentials/_/actions/obtain?credentialIdentifier=", err) &&
           percent_encode(request->identifier, strlen(request->identifier), url, err);
}

static void format_date(int64_t wall_s, char out[40])
{
    time_t seconds = (time_t)wall_s;
    struct tm tm;

    gmtime_r(&seconds, &tm);
    /* 29 characters in the C locale, which is the process's. */
    (void)strftime(out, 40, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

struct vault_call *vault_obtain(struct http_client *client, const struct vault_request *request,
                                vault_done_fn *done, void *arg, struct error *err)
{
    static const struct http_call_events events = {.on_head = on_head, .on_done = on_done};
    struct vault_call *call = calloc(1, sizeof *call);
    struct http_request_options options = {.method = "GET",
                                           .total_timeout_ms = request->timeout_ms,
                                           .answer_max_bytes = ANSWER_MAX_BYTES,
                                           .is_secret_answer = true};
    CLEANUP(buffer_clear) struct buffer url;
    char date[40];

    buffer_init(&url, 4096);
    format_date(request->wall_s, date);
    if (call != NULL) {
        struct http_header headers[] = {
            {slice_of("accept"), slice_of("application/json"), NULL},
            {slice_of("x-acs-version"), slice_of("2022-02-25"), NULL},
            {slice_of("x-acs-action"), slice_of("ObtainCredential"), NULL},
            {slice_of("date"), slice_of(date), NULL},
            {slice_of("authorization"), slice_of("Bearer "), request->access_token},
        };

        call->done = done;
        call->arg = arg;
        call->retry_after_ms = -1;
        call->wall_s = request->wall_s;
        call->identifier = strdup(request->identifier);
        if (call->identifier != NULL && build_url(request, &url, err)) {
            options.url = url.data;
            options.headers = headers;
            options.header_count = sizeof headers / sizeof headers[0];
            call->call = http_client_start(client, &options, &events, call, err);
            if (call->call != NULL)
                return call;
        }
        free_call(call);
    }
    if (err->code == ERROR_NONE)
        error_set(err, ERROR_NO_MEMORY, "no memory to ask the vault");
    return NULL;
}

void vault_call_cancel(struct vault_call *call)
{
    http_call_cancel(call->call);
    free_call(call);
}
