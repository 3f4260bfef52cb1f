/* The HTTP client of a scripted host: what is sent is written down, what the test scripted comes
 * back by the test's clock. */
#include "net/http_client.h"

#include "base/buffer.h"
#include "base/secret.h"
#include "net/http_fields.h"
#include "net/loop.h"
#include "net/origin_nonces.h"
#include "script.h"

#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX_BYTES ((size_t)4 * 1024 * 1024)

struct scripted_answer {
    struct scripted_answer *next;
    struct sesame_test_answer script; /* all of it ours */
    size_t header_count, piece_count;
    bool is_used;
};

struct scripted_request {
    struct sesame_test_request shown; /* all of it ours */
};

struct http_client {
    struct loop *loop;
    struct scripted_http *script;
    struct origin_nonces *nonces;
};

struct http_call {
    struct http_client *client;
    struct http_call_events events;
    void *arg;
    const struct scripted_answer *answer; /* NULL: there was none */
    struct sesame_test_request *request;
    struct loop_timer *step, *total, *idle;
    int64_t idle_timeout_ms;
    size_t pieces_given;
    bool has_head;
    bool is_paused, is_due; /* a step came while it was paused */
    bool is_inside;         /* one of its callbacks runs */
    bool is_dead;           /* over or cancelled; freed when no callback runs */
    bool is_secret_answer;
    struct secret_builder secret_answer;
    size_t answer_bytes, answer_max_bytes;
    char url[300]; /* for messages */
};

/* ---- the script ------------------------------------------------------------------------------ */

static const char **copy_list(const char *const *list, size_t *out_count)
{
    size_t count = 0;
    const char **copy;

    while (list != NULL && list[count] != NULL)
        count++;
    copy = script_alloc((count + 1) * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = script_text(list[i]);
    *out_count = count;
    return copy;
}

static void free_list(const char *const *list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        script_free(list[i]);
    script_free(list);
}

void script_http_add(struct scripted_http *script, const struct sesame_test_answer *answer)
{
    struct scripted_answer *copy = script_alloc(sizeof *copy), **link = &script->answers;
    const char *const whole[] = {answer->body, NULL};

    copy->script = *answer;
    copy->script.method = script_text(answer->method);
    copy->script.url = script_text(answer->url);
    copy->script.headers = copy_list(answer->headers, &copy->header_count);
    copy->script.pieces =
        copy_list(answer->pieces != NULL ? answer->pieces : whole, &copy->piece_count);
    copy->script.body = NULL;
    copy->script.message = script_text(answer->message);
    for (size_t i = 0; i < copy->header_count; i++)
        if (strstr(copy->script.headers[i], ": ") == NULL)
            script_refuse("the answer's header \"%s\" is not of the form \"Name: value\"",
                          copy->script.headers[i]);
    while (*link != NULL)
        link = &(*link)->next;
    *link = copy;
}

static void free_answer(struct scripted_answer *answer)
{
    script_free(answer->script.method);
    script_free(answer->script.url);
    free_list(answer->script.headers);
    free_list(answer->script.pieces);
    script_free(answer->script.message);
    free(answer);
}

void script_http_clear(struct scripted_http *script)
{
    while (script->answers != NULL) {
        struct scripted_answer *next = script->answers->next;

        free_answer(script->answers);
        script->answers = next;
    }
    for (size_t i = 0; i < script->request_count; i++) {
        struct sesame_test_request *shown = &script->requests[i]->shown;

        script_free(shown->method);
        script_free(shown->url);
        free_list(shown->headers);
        script_free(shown->body);
        free(script->requests[i]);
    }
    free(script->requests);
}

static bool url_fits(const char *pattern, const char *url)
{
    size_t len = strlen(pattern);

    return len > 0 && pattern[len - 1] == '*' ? strncmp(pattern, url, len - 1) == 0
                                              : strcmp(pattern, url) == 0;
}

static const struct scripted_answer *find_answer(struct scripted_http *script,
                                                 const struct sesame_test_request *request)
{
    for (struct scripted_answer *answer = script->answers; answer != NULL; answer = answer->next)
        if (!answer->is_used &&
            (answer->script.method == NULL ||
             strcmp(answer->script.method, request->method) == 0) &&
            (answer->script.url == NULL || url_fits(answer->script.url, request->url))) {
            answer->is_used = answer->script.stays == 0;
            return answer;
        }
    return NULL;
}

/* ---- what is sent ---------------------------------------------------------------------------- */

static char *join(struct slice text, const char *between, struct slice value,
                  const struct secret *secret)
{
    size_t secret_len = 0;
    const char *bytes = secret == NULL ? "" : secret_borrow(secret, &secret_len);
    size_t between_len = strlen(between);
    char *out = script_alloc(text.len + between_len + value.len + secret_len + 1), *at = out;

    memcpy(at, text.data, text.len);
    memcpy(at += text.len, between, between_len);
    at += between_len;
    if (value.len > 0)
        memcpy(at, value.data, value.len);
    memcpy(at + value.len, bytes, secret_len);
    return out;
}

static struct sesame_test_request *write_down(struct scripted_http *script,
                                              const struct http_request_options *options)
{
    struct scripted_request *request = script_alloc(sizeof *request);
    struct scripted_request **place =
        script_grow(&script->requests, &script->request_count, sizeof *place);
    const char **headers = script_alloc((options->header_count + 1) * sizeof *headers);
    struct slice body = options->body;

    *place = request;
    for (size_t i = 0; i < options->header_count; i++)
        headers[i] = join(options->headers[i].name, ": ", options->headers[i].value,
                          options->headers[i].secret);
    if (options->secret_body != NULL)
        body.data = secret_borrow(options->secret_body, &body.len);
    request->shown = (struct sesame_test_request){
        .method = script_text(options->method),
        .url = join(slice_of(options->url), options->secret_query == NULL ? "" : "?", slice_of(""),
                    options->secret_query),
        .headers = headers,
        .body = script_bytes(body.data, body.len),
        .body_len = body.len,
        .at_ms = script_clock_now_ms(),
        .has_client_certificate = options->client_certificate != NULL,
    };
    return &request->shown;
}

/* ---- what comes back ------------------------------------------------------------------------- */

static void free_call(struct http_call *call)
{
    loop_timer_free(call->step);
    loop_timer_free(call->total);
    loop_timer_free(call->idle);
    secret_builder_clear(&call->secret_answer);
    free(call);
}

/* The last callback of a call, which is gone behind it. */
static void finish(struct http_call *call, const struct error *err)
{
    struct error failed = {0};
    struct secret *answer = NULL;

    if (err == NULL && call->is_secret_answer)
        answer = secret_builder_take(&call->secret_answer, &failed);
    if (failed.code != ERROR_NONE)
        err = &failed;
    call->request->is_over = 1;
    call->is_dead = true; /* a cancel from inside does nothing */
    call->is_inside = true;
    if (call->events.on_done != NULL)
        call->events.on_done(call->arg, call->answer == NULL ? 0 : call->answer->script.http_status,
                             answer, err);
    secret_free(answer);
    free_call(call);
}

static void fail(struct http_call *call, enum error_code code, const char *message)
{
    struct error err = {0};

    error_set_named(&err, code, code == ERROR_TIMED_OUT ? "ReadTimeOut" : "HttpFailed", "%s: %s",
                    call->url, message);
    finish(call, &err);
}

static void on_total(void *arg)
{
    fail(arg, ERROR_TIMED_OUT, "no complete answer in time");
}

static void on_idle(void *arg)
{
    fail(arg, ERROR_TIMED_OUT, "nothing came or went in time");
}

static void touch(struct http_call *call)
{
    if (call->idle_timeout_ms > 0)
        loop_timer_start(call->idle, call->idle_timeout_ms);
}

static void give_head(struct http_call *call)
{
    const struct scripted_answer *answer = call->answer;
    struct http_answer_header *headers = script_alloc((answer->header_count + 1) * sizeof *headers);

    for (size_t i = 0; i < answer->header_count; i++) {
        const char *line = answer->script.headers[i], *colon = strstr(line, ": ");

        headers[i].name = (struct slice){line, (size_t)(colon - line)};
        headers[i].value = slice_of(colon + 2);
    }
    call->has_head = true;
    if (call->events.on_head != NULL)
        call->events.on_head(call->arg, answer->script.http_status, headers, answer->header_count);
    free(headers);
}

static bool give_piece(struct http_call *call, struct error *err)
{
    const char *piece = call->answer->script.pieces[call->pieces_given++];
    size_t len = strlen(piece);

    call->answer_bytes += len;
    if (call->answer_bytes > call->answer_max_bytes)
        return error_set(err, ERROR_LIMIT, "the answer is longer than %zu bytes",
                         call->answer_max_bytes);
    if (call->is_secret_answer)
        return secret_builder_add(&call->secret_answer, piece, len, err);
    if (call->events.on_data != NULL && len > 0)
        call->events.on_data(call->arg, piece, len);
    return true;
}

/* The answer's end, as it was scripted. */
static void give_end(struct http_call *call)
{
    const struct sesame_test_answer *script = &call->answer->script;

    if (script->failure == SESAME_OK && script->http_status != 0)
        finish(call, NULL);
    else
        fail(call, script->failure == SESAME_OK ? ERROR_UPSTREAM : error_of_status(script->failure),
             script->message == NULL ? "the connection failed" : script->message);
}

static void on_step(void *arg)
{
    struct http_call *call = arg;
    struct error err = {0};

    if (call->is_paused) {
        call->is_due = true;
        return;
    }
    if (call->answer == NULL) {
        fail(call, ERROR_UPSTREAM, "the test has no answer for this request");
        return;
    }
    touch(call);
    if (call->answer->script.http_status == 0 ||
        (call->has_head && call->pieces_given == call->answer->piece_count)) {
        give_end(call);
        return;
    }
    call->is_inside = true;
    if (!call->has_head)
        give_head(call);
    else
        (void)give_piece(call, &err);
    call->is_inside = false;
    if (call->is_dead)
        free_call(call);
    else if (err.code != ERROR_NONE)
        fail(call, err.code, err.message);
    else
        loop_timer_start(call->step, call->answer->script.piece_delay_ms);
}

/* ---- the client ------------------------------------------------------------------------------ */

struct http_client *script_http_new(struct loop *loop, struct scripted_http *script)
{
    struct http_client *client = script_alloc(sizeof *client);

    client->loop = loop;
    client->script = script;
    client->nonces = origin_nonces_new();
    return client;
}

void http_client_free(struct http_client *client)
{
    if (client == NULL)
        return;
    origin_nonces_free(client->nonces);
    free(client);
}

struct origin_nonces *http_client_nonces(struct http_client *client)
{
    return client->nonces;
}

/* What the real client refuses before it sends anything. */
static bool check_request(const struct http_request_options *options, struct error *err)
{
    char origin[300];

    if (!url_origin(options->url, strlen(options->url), origin, sizeof origin, err))
        return false;
    if (strncmp(origin, "http://", 7) == 0 && !options->allow_plain_http &&
        !url_is_loopback(options->url))
        return error_set_named(err, ERROR_DENIED, "PlainHttpRefused",
                               "%s: plain http is allowed towards loopback only, use https",
                               origin);
    if (options->secret_query != NULL && strchr(options->url, '?') != NULL)
        return error_set(err, ERROR_BAD_INPUT, "%s: the URL has a query of its own", origin);
    return http_is_token(slice_of(options->method)) ||
           error_set(err, ERROR_BAD_INPUT, "%s: the request's method is no token", origin);
}

struct http_call *http_client_start(struct http_client *client,
                                    const struct http_request_options *options,
                                    const struct http_call_events *events, void *arg,
                                    struct error *err)
{
    struct http_call *call;

    if (!check_request(options, err))
        return NULL;
    call = script_alloc(sizeof *call);
    call->client = client;
    call->events = *events;
    call->arg = arg;
    call->request = write_down(client->script, options);
    call->answer = find_answer(client->script, call->request);
    if (call->answer == NULL)
        client->script->on_unanswered(client->script->arg);
    call->is_secret_answer = options->is_secret_answer;
    call->answer_max_bytes =
        options->answer_max_bytes > 0 ? options->answer_max_bytes : ANSWER_MAX_BYTES;
    secret_builder_init(&call->secret_answer, call->answer_max_bytes);
    call->idle_timeout_ms = options->idle_timeout_ms;
    url_for_message(options->url, call->url, sizeof call->url);
    call->step = loop_timer_new(client->loop, on_step, call, err);
    call->total = loop_timer_new(client->loop, on_total, call, err);
    call->idle = loop_timer_new(client->loop, on_idle, call, err);
    loop_timer_start(call->step, call->answer == NULL ? 0 : call->answer->script.delay_ms);
    if (options->total_timeout_ms > 0)
        loop_timer_start(call->total, options->total_timeout_ms);
    touch(call);
    return call;
}

void http_call_cancel(struct http_call *call)
{
    if (call == NULL || call->is_dead)
        return;
    call->is_dead = true;
    call->request->is_over = call->request->is_cancelled = 1;
    if (call->is_inside) {
        loop_timer_stop(call->total);
        loop_timer_stop(call->idle);
        return;
    }
    free_call(call);
}

void http_call_pause(struct http_call *call, bool is_paused)
{
    call->is_paused = is_paused;
    call->request->is_paused = is_paused;
    if (is_paused) {
        loop_timer_stop(call->idle);
        return;
    }
    touch(call);
    if (call->is_due) {
        call->is_due = false;
        loop_timer_start(call->step, 0);
    }
}

const struct sesame_test_request *script_http_request(const struct scripted_http *script,
                                                      size_t index)
{
    if (index >= script->request_count)
        script_refuse("there is no request %zu: %zu were made", index, script->request_count);
    return &script->requests[index]->shown;
}
