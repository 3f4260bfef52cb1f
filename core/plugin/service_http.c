/* Host service: HTTP requests of plugins, over authorised calls, towards granted origins only. */
#include "plugin/instance.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "config/host_config.h"
#include "credential/authorized_call.h"
#include "credential/request_proof.h"
#include "jwt/key.h"
#include "net/http_fields.h"
#include "net/loop.h"
#include "plugin/plugin_call.h"
#include "plugin/request_body.h"

#include <sesame/services.h>
#include <stdlib.h>
#include <string.h>

#define DEADLINE_DEFAULT_MS 60000
#define TIMEOUT_MAX_MS ((int64_t)24 * 3600 * 1000)
#define HEADER_MAX_COUNT 64
#define ANSWER_HEADER_MAX_COUNT 128

struct plugin_http {
    struct plugin_instance *instance; /* NULL: gone while our end was queued */
    uint64_t handle;
    struct authorized_call *call;
    const struct sesame_http_events *events;
    uint64_t tag;
    bool wants_secret;
    char *proven_url; /* with a DPoP proof: where it went, else NULL */
    bool is_ending;   /* its end is queued on the loop */
};

static void release_http(struct plugin_http *http)
{
    free(http->proven_url);
    free(http);
}

static void free_http(struct plugin_http *http)
{
    if (http->instance != NULL)
        handle_take(&http->instance->handles, HANDLE_HTTP, http->handle);
    release_http(http);
}

/* ---- what comes back ------------------------------------------------------------------------- */

static void on_head(void *arg, int status, const struct http_answer_header *headers, size_t count)
{
    struct plugin_http *http = arg;
    struct sesame_http_field fields[ANSWER_HEADER_MAX_COUNT];

    if (http->proven_url != NULL)
        (void)request_proof_learn(http->instance->home.http, http->proven_url, status, headers,
                                  count);
    if (http->events->on_head == NULL)
        return;
    if (count > ANSWER_HEADER_MAX_COUNT)
        count = ANSWER_HEADER_MAX_COUNT;
    for (size_t i = 0; i < count; i++)
        fields[i] = (struct sesame_http_field){.name = text_from(headers[i].name),
                                               .value = text_from(headers[i].value)};
    http->events->on_head(http->instance->plugin, http->tag, status, fields, count);
}

static void on_data(void *arg, const char *bytes, size_t len)
{
    struct plugin_http *http = arg;

    if (http->events->on_data != NULL)
        http->events->on_data(http->instance->plugin, http->tag, (struct sesame_text){bytes, len});
}

static void on_done(void *arg, int status, struct secret *answer, const struct error *err)
{
    struct plugin_http *http = arg;
    struct plugin_instance *instance = http->instance;
    struct plugin_http copy = *http;
    uint64_t handle = 0;

    (void)status;
    free_http(http);
    if (err == NULL && copy.wants_secret && answer != NULL) {
        handle = handle_add(&instance->handles, HANDLE_SECRET, secret_ref(answer));
        if (handle == 0)
            secret_free(answer);
    }
    copy.events->on_done(instance->plugin, copy.tag, err == NULL ? SESAME_OK : status_of_error(err),
                         err == NULL ? (struct sesame_text){NULL, 0} : text_of(err->message),
                         handle);
}

/* ---- what goes out --------------------------------------------------------------------------- */

struct draft {
    struct http_request_options options;
    struct http_header headers[HEADER_MAX_COUNT];
    struct secret *made[HEADER_MAX_COUNT]; /* Basic values, ours */
    struct secret *form;
    struct secret *proof; /* of DPoP */
    char *method;
    char *url;
};

static void clear_draft(struct draft *draft)
{
    for (size_t i = 0; i < HEADER_MAX_COUNT; i++)
        secret_free(draft->made[i]);
    secret_free(draft->form);
    secret_free(draft->proof);
    free(draft->method);
    free(draft->url);
}

/* What says where a message goes and where it ends is the host's to write (RFC 9110 section 7, RFC
 * 9112 section 6), and so is who asks. A tool could reach another site behind an allowed origin, or
 * hide one request in another. */
static bool may_set_header(const struct plugin_instance *instance, struct slice name,
                           bool has_credential, struct error *err)
{
    static const char *const of_host[] = {
        "host",       "content-length", "transfer-encoding", "trailer", "te",
        "connection", "upgrade",        "keep-alive",        "expect"};
    bool is_refused = name.len > 6 && slice_equal_nocase((struct slice){name.data, 6}, "proxy-");

    if (instance->tool == NULL)
        return true;
    for (size_t i = 0; i < sizeof of_host / sizeof of_host[0]; i++)
        is_refused = is_refused || slice_equal_nocase(name, of_host[i]);
    if (is_refused)
        return error_set_named(err, ERROR_DENIED, "HeaderNotAllowed",
                               "the header %.*s is the host's to write: leave it out",
                               (int)(name.len < 64 ? name.len : 64), name.data);
    if (has_credential &&
        (slice_equal_nocase(name, "authorization") || slice_equal_nocase(name, "dpop")))
        return error_set_named(err, ERROR_DENIED, "HeaderNotAllowed",
                               "a request with a credential brings no header %.*s of its own",
                               (int)name.len, name.data);
    return true;
}

static bool add_header(struct plugin_instance *instance, struct draft *draft,
                       const struct sesame_http_field *field, struct error *err)
{
    size_t index = draft->options.header_count;
    struct http_header *header = &draft->headers[index];
    struct secret *secret;

    if (index == HEADER_MAX_COUNT - 1)
        return error_set(err, ERROR_LIMIT, "a request with more than %d headers",
                         HEADER_MAX_COUNT - 1);
    *header = (struct http_header){slice_from(field->name), slice_from(field->value), NULL};
    /* The client looks too, but with a credential only when that is there. */
    if (!http_is_token(header->name) || !http_value_is_valid(header->value))
        return error_set(err, ERROR_BAD_INPUT,
                         "the header %.*s holds a control character or has no valid name",
                         (int)(header->name.len < 64 ? header->name.len : 64),
                         header->name.data == NULL ? "" : header->name.data);
    draft->options.header_count++;
    if (field->secret == 0)
        return true;
    secret = instance->tool != NULL ? NULL
                                    : handle_get(&instance->handles, HANDLE_SECRET, field->secret);
    if (secret == NULL)
        return error_set(err, ERROR_DENIED, "the header %.*s names a secret that is not there",
                         (int)(field->name.len < 64 ? field->name.len : 64), field->name.data);
    header->secret = secret;
    if (!slice_equal_nocase(header->name, "authorization"))
        draft->options.is_http1_only = true;
    if (field->kind != SESAME_FIELD_BASIC)
        return true;
    header->value = slice_of("Basic ");
    draft->made[index] = basic_from_field(field, secret, err);
    header->secret = draft->made[index];
    return header->secret != NULL;
}

static bool add_body(struct plugin_instance *instance, struct draft *draft,
                     const struct sesame_http_request *request, struct error *err)
{
    draft->options.body = slice_from(request->body);
    if (request->form_count == 0)
        return true;
    for (size_t i = 0; i < request->form_count; i++)
        if (instance->tool != NULL && request->form[i].secret != 0)
            return error_set(err, ERROR_DENIED, "a tool cannot send secrets");
    draft->form = form_from_fields(instance, request->form, request->form_count, err);
    draft->options.body = (struct slice){NULL, 0};
    draft->options.secret_body = draft->form;
    draft->headers[draft->options.header_count++] = (struct http_header){
        slice_of("Content-Type"), slice_of("application/x-www-form-urlencoded"), NULL};
    return draft->form != NULL;
}

static bool add_query(struct plugin_instance *instance, struct draft *draft,
                      const struct sesame_http_request *request, struct error *err)
{
    if (request->query == 0)
        return true;
    if (instance->tool == NULL)
        draft->options.secret_query = handle_get(&instance->handles, HANDLE_SECRET, request->query);
    if (draft->options.secret_query == NULL)
        return error_set(err, ERROR_DENIED, "the query names a secret that is not there");
    /* HTTP/2 keeps what it compresses in its header table for the life of the connection. */
    draft->options.is_http1_only = true;
    return true;
}

/* A tool's requests prove what the credential it names is bound to; it brings nothing itself. */
static bool add_binding(struct plugin_instance *instance, struct draft *draft,
                        const struct sesame_binding *given, struct error *err)
{
    struct plugin_binding parts;

    if (given->proof_key == 0 && given->client_certificate == 0 && given->client_key == 0)
        return true;
    if (instance->tool != NULL)
        return error_set(err, ERROR_DENIED, "a tool cannot bind requests to keys");
    if (!plugin_binding_find(instance, given, &parts, err))
        return false;
    draft->options.client_certificate = parts.client_certificate;
    if (parts.client_key != NULL)
        draft->options.client_key = signing_key_pkcs8(parts.client_key);
    if (parts.proof_key == NULL)
        return true;
    if (draft->options.header_count == HEADER_MAX_COUNT - 1)
        return error_set(err, ERROR_LIMIT, "a request with more than %d headers",
                         HEADER_MAX_COUNT - 2);
    draft->proof =
        request_proof_make(instance->home.http, parts.proof_key, &draft->options, NULL, err);
    draft->headers[draft->options.header_count++] =
        (struct http_header){slice_of("DPoP"), slice_of(""), draft->proof};
    return draft->proof != NULL;
}

static bool fill_draft(struct plugin_instance *instance, struct draft *draft,
                       const struct sesame_http_request *request, struct error *err)
{
    int64_t now_ms = clock_monotonic_ms();
    int64_t left_ms = request->deadline_ms == 0       ? DEADLINE_DEFAULT_MS
                      : request->deadline_ms < now_ms ? 0
                                                      : request->deadline_ms - now_ms;

    draft->method = slice_dup(slice_from(request->method));
    draft->url = slice_dup(slice_from(request->url));
    if (draft->method == NULL || draft->url == NULL)
        return error_set(err, ERROR_BAD_INPUT,
                         "a request without a method or URL, or with a NUL in one");
    if (!http_is_token(slice_of(draft->method)))
        return error_set(err, ERROR_BAD_INPUT, "the request's method is no token");
    if (left_ms <= 0)
        return error_set(err, ERROR_TIMED_OUT, "the deadline is over");
    draft->options.method = draft->method;
    draft->options.url = draft->url;
    draft->options.headers = draft->headers;
    draft->options.total_timeout_ms = left_ms < TIMEOUT_MAX_MS ? left_ms : TIMEOUT_MAX_MS;
    draft->options.idle_timeout_ms =
        request->idle_timeout_ms < TIMEOUT_MAX_MS ? request->idle_timeout_ms : TIMEOUT_MAX_MS;
    draft->options.answer_max_bytes = (size_t)request->answer_max_bytes;
    draft->options.is_secret_answer = (request->flags & SESAME_HTTP_SECRET_ANSWER) != 0;
    for (size_t i = 0; i < request->header_count; i++)
        if (!may_set_header(instance, slice_from(request->headers[i].name),
                            request->credential.len > 0, err) ||
            !add_header(instance, draft, &request->headers[i], err))
            return false;
    draft->options.allow_plain_http = instance->tool == NULL && url_is_metadata(draft->url);
    return add_query(instance, draft, request, err) &&
           add_binding(instance, draft, &request->binding, err) &&
           add_body(instance, draft, request, err);
}

/* With a credential its own list of origins decides, without one the instance's grants do. */
static bool may_send(struct plugin_instance *instance, const struct sesame_http_request *request,
                     struct error *err)
{
    struct slice name = slice_from(request->credential);

    if (name.len == 0)
        return instance_grants(instance, slice_from(request->url), err);
    for (size_t i = 0; instance->tool != NULL && i < instance->tool->credential_count; i++)
        if (slice_equal_text(name, instance->tool->credentials[i]))
            return true;
    return error_set_named(err, ERROR_DENIED, "CredentialNotAllowed",
                           "%s may not use the credential \"%.*s\": it is not in its "
                           "\"credentials\"",
                           instance->name, (int)(name.len < 64 ? name.len : 64), name.data);
}

/* The user of the call that the request serves. */
static bool find_subject(const struct plugin_instance *instance, uint64_t handle,
                         struct subject **out_subject, struct error *err)
{
    const struct plugin_call *call = handle == 0 ? NULL : plugin_call_find(instance, handle);

    if (handle != 0 && call == NULL)
        return error_set(err, ERROR_NOT_FOUND, "the call that the request serves is over");
    *out_subject = call == NULL ? NULL : call->subject;
    return true;
}

static int32_t http_start(const struct sesame_host *host, const struct sesame_http_request *request,
                          const struct sesame_http_events *events, uint64_t tag, uint64_t *out_http)
{
    static const struct http_call_events our_events = {on_head, on_data, on_done};
    struct plugin_instance *instance = instance_enter(host);
    struct plugin_http *http;
    struct subject *subject = NULL;
    struct draft draft = {.made = {NULL}};
    struct error err = {0};

    if (instance == NULL)
        return SESAME_INTERNAL;
    http = calloc(1, sizeof *http);
    if (http != NULL)
        http->handle = handle_add(&instance->handles, HANDLE_HTTP, http);
    if (http == NULL || http->handle == 0) {
        free(http);
        return SESAME_LIMIT;
    }
    http->instance = instance;
    http->events = events;
    http->tag = tag;
    http->wants_secret =
        instance->tool == NULL && (request->flags & SESAME_HTTP_SECRET_ANSWER) != 0;
    if (find_subject(instance, request->call, &subject, &err) &&
        may_send(instance, request, &err) && fill_draft(instance, &draft, request, &err))
        http->call = authorized_call_start(instance->home.http, instance->home.credentials,
                                           slice_from(request->credential), subject, &draft.options,
                                           &our_events, http, &err);
    if (draft.proof != NULL)
        http->proven_url = TAKE(draft.url);
    clear_draft(&draft);
    if (http->call != NULL) {
        *out_http = http->handle;
        return SESAME_OK;
    }
    instance_explain(instance, &err);
    free_http(http);
    return status_of_error(&err);
}

static void say_cancelled(void *arg)
{
    struct plugin_http *http = arg;
    struct plugin_http copy = *http;

    free_http(http);
    if (copy.instance != NULL)
        copy.events->on_done(copy.instance->plugin, copy.tag, SESAME_CANCELLED,
                             text_of("cancelled"), 0);
}

static void http_cancel(const struct sesame_host *host, uint64_t handle)
{
    struct plugin_instance *instance = instance_enter(host);
    struct plugin_http *http =
        instance == NULL ? NULL : handle_get(&instance->handles, HANDLE_HTTP, handle);

    if (http == NULL || http->is_ending)
        return;
    authorized_call_cancel(TAKE(http->call));
    http->is_ending = loop_post(instance->home.loop, say_cancelled, http);
}

static void http_pause(const struct sesame_host *host, uint64_t handle, int32_t is_paused)
{
    struct plugin_instance *instance = instance_enter(host);
    struct plugin_http *http =
        instance == NULL ? NULL : handle_get(&instance->handles, HANDLE_HTTP, handle);

    if (http != NULL && http->call != NULL)
        authorized_call_pause(http->call, is_paused != 0);
}

static void abandon(void *object)
{
    struct plugin_http *http = object;

    authorized_call_cancel(TAKE(http->call));
    http->instance = NULL;
    if (!http->is_ending)
        release_http(http);
}

void service_http_close(struct plugin_instance *instance)
{
    handle_take_all(&instance->handles, HANDLE_HTTP, abandon);
}

const struct sesame_http_v1 service_http = {http_start, http_cancel, http_pause};
