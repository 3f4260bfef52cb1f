/* An HTTP call with a named credential: fetched, bound to its origin, attached on the wire, and
 * renewed once when the peer refuses it. */
#include "credential/authorized_call.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "config/host_config.h"
#include "credential/credential_client.h"
#include "credential/request_proof.h"
#include "credential/subject.h"
#include "credential/token_binding.h"
#include "jwt/key.h"
#include "net/http_fields.h"

#include <stdlib.h>
#include <string.h>

#define CREDENTIAL_WAIT_MS 30000
#define ADDED_HEADER_MAX_COUNT 2 /* the credential and the proof that it is ours to use */

/* What follows an answer that the caller does not get to see. */
enum retry {
    RETRY_NONE,
    RETRY_RENEWED, /* the peer does not take the credential: once more with a fresh one */
    RETRY_NONCE,   /* it wants its nonce in the proof: once more with that */
};

struct authorized_call {
    struct http_client *http;
    struct credential_client *credentials;
    const struct credential_config *config; /* NULL: a plain call */
    struct http_request_options options;    /* deep copy; borrows from the following */
    char *texts;
    char *body;                  /* until an answer is there for the caller */
    struct http_header *headers; /* ADDED_HEADER_MAX_COUNT more than header_count */
    struct secret *secret_body, *secret_query, *client_certificate, *client_key;
    struct http_call_events events;
    void *arg;
    struct subject *subject;
    struct credential_wait *wait;
    struct http_call *call;
    int64_t deadline_ms; /* 0: none */
    uint64_t generation;
    bool is_starting; /* inside authorized_call_start */
    bool has_renewed;
    bool has_proof; /* the request under way carries one */
    bool has_repeated_with_nonce;
    enum retry retry; /* what this answer leads to */
    bool is_paused;
    bool is_over;       /* on_done was called or it was cancelled from inside */
    struct error *late; /* a failure to be told from the loop */
};

/* ---- a copy of the request ------------------------------------------------------------------- */

static struct slice put(char **at, struct slice text)
{
    struct slice copy = {*at, text.len};

    if (text.len > 0)
        memcpy(*at, text.data, text.len);
    (*at)[text.len] = '\0';
    *at += text.len + 1;
    return copy;
}

static bool copy_options(struct authorized_call *call, const struct http_request_options *options,
                         struct error *err)
{
    size_t size = strlen(options->method) + strlen(options->url) + 2;
    char *at;

    for (size_t i = 0; i < options->header_count; i++)
        size += options->headers[i].name.len + options->headers[i].value.len + 2;
    call->texts = malloc(size);
    call->body = malloc(options->body.len + 1);
    call->headers = calloc(options->header_count + ADDED_HEADER_MAX_COUNT, sizeof *call->headers);
    if (call->texts == NULL || call->body == NULL || call->headers == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory for a request");
    at = call->texts;
    call->options = *options;
    call->options.method = put(&at, slice_of(options->method)).data;
    call->options.url = put(&at, slice_of(options->url)).data;
    call->options.headers = call->headers;
    for (size_t i = 0; i < options->header_count; i++) {
        call->headers[i].name = put(&at, options->headers[i].name);
        call->headers[i].value = put(&at, options->headers[i].value);
        call->headers[i].secret = secret_share(options->headers[i].secret);
    }
    at = call->body;
    call->options.body = put(&at, options->body);
    call->secret_body = secret_share(options->secret_body);
    call->options.secret_body = call->secret_body;
    call->secret_query = secret_share(options->secret_query);
    call->options.secret_query = call->secret_query;
    call->client_certificate = secret_share(options->client_certificate);
    call->options.client_certificate = call->client_certificate;
    call->client_key = secret_share(options->client_key);
    call->options.client_key = call->client_key;
    return true;
}

static void free_call(struct authorized_call *call)
{
    if (call->headers != NULL)
        for (size_t i = 0; i < call->options.header_count; i++) {
            struct secret *secret;

            memcpy(&secret, &call->headers[i].secret, sizeof secret);
            secret_free(secret);
        }
    secret_free(call->secret_body);
    secret_free(call->secret_query);
    secret_free(call->client_certificate);
    secret_free(call->client_key);
    subject_free(call->subject);
    free(call->headers);
    free(call->texts);
    free(call->body);
    free(call->late);
    free(call);
}

/* ---- what the peer answers ------------------------------------------------------------------- */

static void ask_for_credential(struct authorized_call *call);

static void end(struct authorized_call *call, int status, struct secret *answer,
                const struct error *err)
{
    struct http_call_events events = call->events;
    void *arg = call->arg;

    call->is_over = true;
    if (events.on_done != NULL)
        events.on_done(arg, status, answer, err);
    free_call(call);
}

static enum retry retry_after(struct authorized_call *call, int status,
                              const struct http_answer_header *headers, size_t count)
{
    if (call->has_proof &&
        request_proof_learn(call->http, call->options.url, status, headers, count) &&
        !call->has_repeated_with_nonce)
        return RETRY_NONCE;
    if (call->config == NULL || call->has_renewed)
        return RETRY_NONE;
    return status == 401 || (status == 403 && call->config->kind == CREDENTIAL_ACCESS_TOKEN)
               ? RETRY_RENEWED
               : RETRY_NONE;
}

static void on_head(void *arg, int status, const struct http_answer_header *headers, size_t count)
{
    struct authorized_call *call = arg;

    call->retry = retry_after(call, status, headers, count);
    if (call->retry != RETRY_NONE)
        return;
    /* This is the answer, and nothing is sent again: a stream need not keep what was asked. */
    free(TAKE(call->body));
    call->options.body = (struct slice){NULL, 0};
    if (call->events.on_head != NULL)
        call->events.on_head(call->arg, status, headers, count);
}

static void on_data(void *arg, const char *bytes, size_t len)
{
    struct authorized_call *call = arg;

    if (call->retry == RETRY_NONE && call->events.on_data != NULL)
        call->events.on_data(call->arg, bytes, len);
}

static void on_done(void *arg, int status, struct secret *answer, const struct error *err)
{
    struct authorized_call *call = arg;
    enum retry retry = call->retry;

    call->call = NULL;
    call->retry = RETRY_NONE;
    switch (retry) {
    case RETRY_NONE:
        end(call, status, answer, err);
        return;
    case RETRY_RENEWED:
        call->has_renewed = true;
        credential_report_unauthorized(call->credentials, call->config, call->subject,
                                       call->generation);
        break;
    case RETRY_NONCE:
        call->has_repeated_with_nonce = true;
        break;
    }
    ask_for_credential(call);
}

/* ---- attaching ------------------------------------------------------------------------------- */

static const struct http_call_events our_events = {
    .on_head = on_head, .on_data = on_data, .on_done = on_done};

static bool send_with_query(struct authorized_call *call, struct http_request_options *options,
                            const struct credential *credential, struct error *err)
{
    size_t len;
    const char *bytes = secret_borrow(credential->secret, &len);
    CLEANUP(buffer_wipe) struct buffer url;

    buffer_init(&url, strlen(options->url) + strlen(call->config->attach_query) + 3 * len + 8);
    if (!buffer_add_text(&url, options->url, err) ||
        !buffer_add_char(&url, strchr(options->url, '?') == NULL ? '?' : '&', err) ||
        !buffer_add_text(&url, call->config->attach_query, err) ||
        !buffer_add_char(&url, '=', err) || !percent_encode(bytes, len, &url, err))
        return false;
    options->url = url.data;
    options->is_http1_only = true;
    call->call = http_client_start(call->http, options, &our_events, call, err);
    return call->call != NULL;
}

/* RFC 9449 section 7.1: a token bound to a key goes by a scheme of its own, unless the
 * configuration has a header of its own for it. */
static struct slice prefix_for(const struct authorized_call *call,
                               const struct credential *credential)
{
    const struct credential_config *config = call->config;
    bool is_bound = credential->binding != NULL && credential->binding->proof_key != NULL;

    return is_bound && slice_equal_nocase(slice_of(config->attach_header), "authorization") &&
                   slice_equal_nocase(slice_of(config->attach_prefix), "bearer ")
               ? slice_of("DPoP ")
               : slice_of(config->attach_prefix);
}

static bool send_with_header(struct authorized_call *call, struct http_request_options *options,
                             const struct credential *credential, struct error *err)
{
    const char *name = call->config->attach_header;

    call->headers[options->header_count++] =
        (struct http_header){slice_of(name), prefix_for(call, credential), credential->secret};
    /* HTTP/2 keeps any other header in its table for the life of the connection. */
    if (!slice_equal_nocase(slice_of(name), "authorization"))
        options->is_http1_only = true;
    call->call = http_client_start(call->http, options, &our_events, call, err);
    return call->call != NULL;
}

static bool send_with_credential(struct authorized_call *call, struct http_request_options *options,
                                 const struct credential *credential, struct error *err)
{
    const struct token_binding *binding = credential->binding;
    CLEANUP(secret_cleanup) struct secret *proof = NULL;

    call->has_proof = binding != NULL && binding->proof_key != NULL;
    if (binding != NULL && binding->client_key != NULL) {
        options->client_certificate = binding->client_certificate;
        options->client_key = signing_key_pkcs8(binding->client_key);
    }
    if (call->has_proof) {
        proof =
            request_proof_make(call->http, binding->proof_key, options, credential->secret, err);
        if (proof == NULL)
            return error_prefix(err, "the credential \"%s\"", call->config->name);
        call->headers[options->header_count++] =
            (struct http_header){slice_of("DPoP"), slice_of(""), proof};
    }
    return call->config->attach_query[0] != '\0' ? send_with_query(call, options, credential, err)
                                                 : send_with_header(call, options, credential, err);
}

static bool send_request(struct authorized_call *call, const struct credential *credential,
                         struct error *err)
{
    struct http_request_options options = call->options;
    bool ok;

    if (call->deadline_ms != 0) {
        int64_t left_ms = call->deadline_ms - clock_monotonic_ms();

        if (left_ms <= 0)
            return error_set_named(err, ERROR_TIMED_OUT, "ReadTimeOut",
                                   "no time was left to send the request");
        options.total_timeout_ms = left_ms;
    }
    if (credential == NULL) {
        call->call = http_client_start(call->http, &options, &our_events, call, err);
        ok = call->call != NULL;
    } else {
        ok = send_with_credential(call, &options, credential, err);
    }
    if (ok && call->is_paused)
        http_call_pause(call->call, true);
    return ok;
}

static void on_credential(void *arg, const struct credential *credential, const struct error *err)
{
    struct authorized_call *call = arg;
    struct error why = {0};

    call->wait = NULL;
    if (credential != NULL) {
        call->generation = credential->generation;
        if (send_request(call, credential, &why))
            return;
        err = &why;
    }
    if (!call->is_starting) {
        end(call, 0, NULL, err);
        return;
    }
    /* Never inside start: start itself fails with it. */
    call->late = malloc(sizeof *call->late);
    if (call->late != NULL)
        *call->late = *err;
    call->is_over = true;
}

static void ask_for_credential(struct authorized_call *call)
{
    int64_t deadline_ms =
        call->deadline_ms != 0 ? call->deadline_ms : clock_monotonic_ms() + CREDENTIAL_WAIT_MS;
    struct credential_wait *wait = credential_get(call->credentials, call->config, call->subject,
                                                  deadline_ms, on_credential, call);

    /* NULL: answered already, and the call may be gone. */
    if (wait != NULL)
        call->wait = wait;
}

/* ---- start, cancel, pause -------------------------------------------------------------------- */

static bool check_credential(struct authorized_call *call, struct slice name,
                             const struct http_request_options *options, struct error *err)
{
    if (call->credentials != NULL)
        call->config = credential_find(call->credentials, name);
    if (call->config == NULL)
        return error_set_named(err, ERROR_NOT_FOUND, "CredentialNotFound",
                               "there is no credential \"%.*s\" in the configuration",
                               (int)(name.len < 64 ? name.len : 64), name.data);
    if (!credential_allows_url(call->config, slice_of(options->url), err))
        return false;
    for (size_t i = 0; i < options->header_count; i++)
        if (slice_equal_nocase(options->headers[i].name, call->config->attach_header) &&
            call->config->attach_query[0] == '\0')
            return error_set(err, ERROR_BAD_INPUT,
                             "the header %s is where the credential \"%s\" goes: leave it out",
                             call->config->attach_header, call->config->name);
    return true;
}

static bool begin(struct authorized_call *call, struct error *err)
{
    if (call->options.total_timeout_ms > 0)
        call->deadline_ms = clock_monotonic_ms() + call->options.total_timeout_ms;
    if (call->config == NULL)
        return send_request(call, NULL, err);
    call->is_starting = true;
    ask_for_credential(call);
    call->is_starting = false;
    if (!call->is_over)
        return true;
    if (call->late == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory for a request");
    *err = *call->late;
    return false;
}

struct authorized_call *authorized_call_start(struct http_client *http,
                                              struct credential_client *credentials,
                                              struct slice credential, struct subject *subject,
                                              const struct http_request_options *options,
                                              const struct http_call_events *events, void *arg,
                                              struct error *err)
{
    struct authorized_call *call = calloc(1, sizeof *call);

    if (call == NULL) {
        error_set(err, ERROR_NO_MEMORY, "no memory for a request");
        return NULL;
    }
    call->http = http;
    call->credentials = credentials;
    call->subject = subject_ref(subject);
    call->events = *events;
    call->arg = arg;
    if ((credential.len == 0 || check_credential(call, credential, options, err)) &&
        copy_options(call, options, err) && begin(call, err))
        return call;
    free_call(call);
    return NULL;
}

void authorized_call_cancel(struct authorized_call *call)
{
    if (call == NULL || call->is_over)
        return;
    call->is_over = true;
    credential_wait_cancel(call->wait);
    if (call->call != NULL)
        http_call_cancel(call->call);
    free_call(call);
}

void authorized_call_pause(struct authorized_call *call, bool is_paused)
{
    call->is_paused = is_paused;
    if (call->call != NULL)
        http_call_pause(call->call, is_paused);
}
