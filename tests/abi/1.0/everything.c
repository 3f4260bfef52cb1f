/* A plugin that uses all of contract 1.0, tool and credential provider in one, built from the
 * frozen headers beside it. The binary in this folder was built once and stays as it is: it stands
 * for every plugin that was ever compiled. */
#include <sesame/credential_provider.h>
#include <sesame/services.h>
#include <sesame/tool.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sesame_instance {
    const struct sesame_host *host;
    const struct sesame_log_v1 *log;
    const struct sesame_clock_v1 *clock;
    const struct sesame_random_v1 *random;
    const struct sesame_loop_v1 *loop;
    const struct sesame_json_v1 *json;
    const struct sesame_sse_v1 *sse;
    const struct sesame_http_v1 *http;

    const struct sesame_tool_host_v1 *tool; /* NULL: it is a provider */
    const struct sesame_credentials_v1 *credentials;

    const struct sesame_credential_provider_host_v1 *provider; /* NULL: it is a tool */
    const struct sesame_secret_v1 *secret;
    const struct sesame_sign_v1 *sign;
    const struct sesame_platform_credentials_v1 *platform;

    char url[300];
    uint64_t call; /* the one that is open */
    int steps;     /* asynchronous ones that are still to come */
    size_t received;
    uint64_t token; /* a provider's, out of the answer */
    int events;
    char failed[200]; /* what went wrong first */
    pthread_t thread;
    int has_thread;
};

static struct sesame_text text_of(const char *text)
{
    struct sesame_text made;

    made.data = text;
    made.len = strlen(text);
    return made;
}

static void expect(struct sesame_instance *instance, int condition, const char *what)
{
    if (!condition && instance->failed[0] == '\0')
        (void)snprintf(instance->failed, sizeof instance->failed, "%s", what);
}

/* ---- what completes within the call ---------------------------------------------------------- */

static void use_time(struct sesame_instance *instance)
{
    unsigned char bytes[16] = {0}, none[16] = {0};

    expect(instance, instance->clock->monotonic_ms(instance->host) > 0, "monotonic_ms");
    expect(instance, instance->clock->wall_ms(instance->host) > 1700000000000, "wall_ms");
    instance->random->bytes(instance->host, bytes, sizeof bytes);
    expect(instance, memcmp(bytes, none, sizeof bytes) != 0, "random");
}

static void use_json(struct sesame_instance *instance)
{
    const struct sesame_json_v1 *json = instance->json;
    struct sesame_text text = text_of("{\"a\":[1,\"x\\u0041\"],\"b\":{}}"), value, name, message;
    char out[40];
    size_t position = 0, len = 0;

    expect(instance, json->check(instance->host, text, 8, &message) == SESAME_OK, "json check");
    expect(instance,
           json->check(instance->host, text_of("{'a':1}"), 8, &message) == SESAME_BAD_INPUT &&
               message.len > 0,
           "json check refuses");
    expect(instance,
           json->find(instance->host, text, text_of("/a/1"), &value) == SESAME_OK && value.len == 9,
           "json find");
    expect(instance, json->find(instance->host, text, text_of("/c"), &message) == SESAME_NOT_FOUND,
           "json find nothing");
    expect(instance,
           json->unquote(instance->host, value, out, sizeof out, &len) == SESAME_OK && len == 2 &&
               memcmp(out, "xA", 2) == 0,
           "json unquote");
    expect(instance,
           json->quote(instance->host, text_of("a\"b"), out, sizeof out, &len) == SESAME_OK &&
               len == 6,
           "json quote");
    expect(instance,
           json->next(instance->host, text, &position, &name, &value) == SESAME_OK &&
               name.len == 3 &&
               json->next(instance->host, text, &position, &name, &value) == SESAME_OK &&
               json->next(instance->host, text, &position, &name, &value) == SESAME_NOT_FOUND,
           "json next");
}

static void on_event(struct sesame_instance *instance, uint64_t tag,
                     const struct sesame_sse_event *event)
{
    expect(instance, tag == 7, "sse tag");
    expect(instance, event->data.len == 2 && memcmp(event->data.data, "hi", 2) == 0, "sse data");
    expect(instance, event->type.len == 4 && event->id.len == 1 && event->retry_ms == 9,
           "sse event");
    instance->events++;
}

static void use_sse(struct sesame_instance *instance)
{
    const struct sesame_sse_v1 *sse = instance->sse;
    uint64_t reader = sse->open(instance->host, 1024);
    struct sesame_sse_event state;

    expect(instance, reader != 0, "sse open");
    instance->events = 0;
    expect(instance,
           sse->feed(instance->host, reader, text_of("event: ping\nid: 1\nretry: 9\ndata: h"),
                     on_event, 7) == SESAME_OK &&
               instance->events == 0 &&
               sse->feed(instance->host, reader, text_of("i\n\n"), on_event, 7) == SESAME_OK &&
               instance->events == 1,
           "sse feed");
    expect(instance, sse->state(instance->host, reader, &state) == SESAME_OK && state.retry_ms == 9,
           "sse state");
    sse->close(instance->host, reader);
    expect(instance, sse->state(instance->host, reader, &state) == SESAME_NOT_FOUND, "sse close");
}

static void never(struct sesame_instance *instance, uint64_t tag)
{
    (void)tag;
    expect(instance, 0, "a cancelled timer fired");
}

/* ---- what ends later ------------------------------------------------------------------------- */

static void end_step(struct sesame_instance *instance);

static void on_timer(struct sesame_instance *instance, uint64_t tag)
{
    expect(instance, tag == 11, "timer tag");
    end_step(instance);
}

static void on_posted(struct sesame_instance *instance, uint64_t tag)
{
    expect(instance, tag == 12, "post tag");
    end_step(instance);
}

static void *run_thread(void *arg)
{
    struct sesame_instance *instance = arg;

    (void)instance->loop->post(instance->host, on_posted, 12);
    return NULL;
}

static void on_head(struct sesame_instance *instance, uint64_t tag, int32_t http_status,
                    const struct sesame_http_field *headers, size_t header_count)
{
    expect(instance, tag == 13 && http_status == 200, "http head");
    expect(instance, header_count > 0 && headers[0].kind == SESAME_FIELD_PLAIN, "http headers");
}

static void on_data(struct sesame_instance *instance, uint64_t tag, struct sesame_text bytes)
{
    expect(instance, tag == 13, "http data");
    instance->received += bytes.len;
}

static void take_token(struct sesame_instance *instance, uint64_t answer);

static void on_done(struct sesame_instance *instance, uint64_t tag, int32_t status,
                    struct sesame_text message, uint64_t answer)
{
    (void)message;
    expect(instance, tag == 13 && status == SESAME_OK, "http done");
    if (instance->provider != NULL)
        take_token(instance, answer);
    else
        expect(instance, instance->received > 0, "http body");
    end_step(instance);
}

static void start_request(struct sesame_instance *instance, uint64_t secret)
{
    static const struct sesame_http_events events = {on_head, on_data, on_done};
    struct sesame_http_request request;
    struct sesame_http_field header, form;
    uint64_t http = 0;

    memset(&request, 0, sizeof request);
    memset(&header, 0, sizeof header);
    memset(&form, 0, sizeof form);
    header.name = text_of("Accept");
    header.value = text_of("application/json");
    form.name = text_of("client_secret");
    form.secret = secret;
    form.kind = secret == 0 ? SESAME_FIELD_PLAIN : SESAME_FIELD_SECRET;
    if (secret == 0)
        form.value = text_of("none");
    request.method = text_of("POST");
    request.url = text_of(instance->url);
    if (instance->tool != NULL) {
        request.credential = text_of("service");
        request.call = instance->call;
    } else {
        request.flags = SESAME_HTTP_SECRET_ANSWER;
    }
    request.headers = &header;
    request.header_count = 1;
    request.form = &form;
    request.form_count = 1;
    request.idle_timeout_ms = 10000;
    request.answer_max_bytes = 65536;
    instance->received = 0;
    if (instance->http->start(instance->host, &request, &events, 13, &http) == SESAME_OK)
        instance->steps++;
    else
        expect(instance, 0, "http start");
    instance->http->pause(instance->host, http, 1);
    instance->http->pause(instance->host, http, 0);
}

static void start_steps(struct sesame_instance *instance)
{
    uint64_t timer = instance->loop->timer_start(instance->host, 60000, never, 1);

    instance->failed[0] = '\0';
    instance->steps = 3; /* ours, the timer, the post */
    expect(instance, timer != 0, "timer");
    instance->loop->timer_cancel(instance->host, timer);
    expect(instance, instance->loop->timer_start(instance->host, 1, on_timer, 11) != 0, "timer");
    instance->has_thread = pthread_create(&instance->thread, NULL, run_thread, instance) == 0;
    expect(instance, instance->has_thread, "thread");
    use_time(instance);
    use_json(instance);
    use_sse(instance);
    instance->log->write(instance->host, SESAME_LOG_INFO, text_of("exercised"),
                         text_of("{\"n\":1}"));
}

/* ---- as a tool ------------------------------------------------------------------------------- */

static void complete_tool(struct sesame_instance *instance)
{
    char result[300];

    (void)snprintf(result, sizeof result, "{\"text\":\"%s\"}",
                   instance->failed[0] == '\0' ? "all of it works" : instance->failed);
    expect(instance, instance->tool->is_cancelled(instance->host, instance->call) == 0,
           "cancelled");
    instance->tool->changed(instance->host);
    (void)instance->tool->emit(instance->host, instance->call, text_of("done"));
    (void)instance->tool->complete(instance->host, instance->call, SESAME_OK, text_of(result));
}

static void list(struct sesame_instance *instance, uint64_t call, int64_t deadline_ms)
{
    (void)deadline_ms;
    (void)instance->tool->complete(
        instance->host, call, SESAME_OK,
        text_of("{\"functions\":[{\"name\":\"exercise\",\"description\":\"uses every service\","
                "\"parameters\":{\"type\":\"object\"}}]}"));
}

static void call_function(struct sesame_instance *instance, uint64_t call,
                          const struct sesame_tool_request *request)
{
    struct sesame_text message = {NULL, 0};

    instance->call = call;
    start_steps(instance);
    expect(instance, request->function.len == 8 && request->deadline_ms > 0, "request");
    expect(instance, request->context.len >= 2 && request->arguments.len >= 2, "request texts");
    expect(instance,
           instance->credentials->check(instance->host, text_of("service"), text_of(instance->url),
                                        &message) == SESAME_OK,
           "credential");
    expect(instance,
           instance->credentials->check(instance->host, text_of("other"), text_of(instance->url),
                                        &message) == SESAME_NOT_FOUND &&
               message.len > 0,
           "unknown credential");
    start_request(instance, 0);
    end_step(instance);
}

static void cancel(struct sesame_instance *instance, uint64_t call)
{
    if (instance->tool != NULL)
        (void)instance->tool->complete(instance->host, call, SESAME_CANCELLED,
                                       text_of("cancelled"));
}

/* ---- as a credential provider ---------------------------------------------------------------- */

static void complete_provider(struct sesame_instance *instance, uint64_t token)
{
    struct sesame_token_result result;

    memset(&result, 0, sizeof result);
    result.token = instance->failed[0] == '\0' ? token : 0;
    result.data = result.token != 0
                      ? text_of("{\"expires_in_s\":600}")
                      : text_of("{\"code\":\"exercise\",\"message\":\"see the log\"}");
    if (result.token == 0)
        instance->log->write(instance->host, SESAME_LOG_ERROR, text_of(instance->failed),
                             text_of(""));
    expect(instance, instance->provider->is_cancelled(instance->host, instance->call) == 0,
           "cancelled");
    (void)instance->provider->complete(instance->host, instance->call,
                                       result.token != 0 ? SESAME_OK : SESAME_INTERNAL, &result);
}

static void take_token(struct sesame_instance *instance, uint64_t answer)
{
    const struct sesame_secret_v1 *secret = instance->secret;
    char out[20];
    size_t len = 0;

    expect(instance,
           secret->json_take(instance->host, answer, text_of("/access_token"), &instance->token) ==
               SESAME_OK,
           "json_take");
    expect(instance,
           secret->json_read(instance->host, answer, text_of("/expires_in"), out, sizeof out,
                             &len) == SESAME_OK &&
               len == 3 && memcmp(out, "600", 3) == 0,
           "json_read");
    secret->free(instance->host, answer);
}

static void use_signing(struct sesame_instance *instance, uint64_t secret)
{
    const struct sesame_sign_v1 *sign = instance->sign;
    struct sesame_text message = {NULL, 0}, about = {NULL, 0};
    uint64_t hmac = 0, pair = 0, jws = 0;
    uint8_t out[512];
    size_t len = 0;

    expect(instance,
           sign->key_open(instance->host, text_of("hmac"), secret, 0, &hmac, &message) == SESAME_OK,
           "key_open");
    expect(instance,
           sign->sign(instance->host, hmac, text_of("HS256"), text_of("data"), out, sizeof out,
                      &len) == SESAME_OK &&
               len == 32,
           "sign");
    expect(instance,
           sign->digest(instance->host, text_of("sha256"), text_of(""), out, sizeof out, &len) ==
                   SESAME_OK &&
               len == 32 && out[0] == 0xe3 && out[31] == 0x55,
           "digest");
    expect(instance,
           sign->key_generate(instance->host, text_of("P-256"), &pair) == SESAME_OK &&
               sign->key_describe(instance->host, pair, &about) == SESAME_OK && about.len > 2,
           "key_generate");
    expect(instance,
           sign->jws(instance->host, pair, text_of("{\"alg\":\"ES256\"}"), text_of("{\"a\":1}"),
                     &jws) == SESAME_OK,
           "jws");
    instance->secret->free(instance->host, jws);
    sign->key_free(instance->host, pair);
    sign->key_free(instance->host, hmac);
}

static void use_secrets(struct sesame_instance *instance)
{
    const struct sesame_secret_v1 *secret = instance->secret;
    struct sesame_secret_part parts[2];
    struct sesame_platform_credentials platform;
    struct sesame_text bytes = {NULL, 0};
    uint64_t made = 0, joined = 0, configured = 0, file = 0;

    memset(parts, 0, sizeof parts);
    expect(instance, secret->create(instance->host, text_of("a b"), &made) == SESAME_OK, "create");
    parts[0].text = text_of("x=");
    parts[0].secret = made;
    parts[0].encoding = SESAME_PART_PERCENT;
    parts[1].text = text_of("!");
    expect(instance,
           secret->join(instance->host, parts, 2, &joined) == SESAME_OK &&
               secret->borrow(instance->host, joined, &bytes) == SESAME_OK && bytes.len == 8 &&
               memcmp(bytes.data, "x=a%20b!", 8) == 0,
           "join");
    expect(instance,
           secret->from_config(instance->host, text_of("/secretVariable"), &configured) ==
               SESAME_OK,
           "from_config");
    expect(instance,
           secret->from_file(instance->host, text_of("/nowhere/at/all"), &file) == SESAME_NOT_FOUND,
           "from_file");
    expect(instance,
           secret->from_program(instance->host, text_of("/secretVariable"), NULL, 0, 1, &file) !=
               SESAME_OK,
           "from_program");
    expect(instance,
           instance->platform->get(instance->host, text_of("alibaba-sts"), &platform) ==
               SESAME_NOT_FOUND,
           "platform credentials");
    use_signing(instance, configured);
    start_request(instance, configured);
    secret->free(instance->host, configured);
    secret->free(instance->host, joined);
    secret->free(instance->host, made);
}

static void fetch(struct sesame_instance *instance, uint64_t call,
                  const struct sesame_token_request *request)
{
    instance->call = call;
    start_steps(instance);
    expect(instance, request->scope.len > 0 && request->audience.len > 0 && request->values.len > 0,
           "request texts");
    expect(instance, request->subject_token == 0 && request->deadline_ms > 0, "request");
    use_secrets(instance);
    end_step(instance);
}

static void end_step(struct sesame_instance *instance)
{
    if (--instance->steps > 0)
        return;
    if (instance->has_thread)
        (void)pthread_join(instance->thread, NULL);
    instance->has_thread = 0;
    if (instance->tool != NULL)
        complete_tool(instance);
    else
        complete_provider(instance, instance->token);
}

/* ---- the plugin ------------------------------------------------------------------------------ */

static int32_t create(const struct sesame_host *host, struct sesame_text config,
                      struct sesame_instance **out_instance)
{
    struct sesame_instance *instance = calloc(1, sizeof *instance);
    struct sesame_text url;
    size_t len = 0;

    if (instance == NULL)
        return SESAME_INTERNAL;
    instance->host = host;
    instance->log = host->get_service(host, SESAME_LOG_V1);
    instance->clock = host->get_service(host, SESAME_CLOCK_V1);
    instance->random = host->get_service(host, SESAME_RANDOM_V1);
    instance->loop = host->get_service(host, SESAME_LOOP_V1);
    instance->json = host->get_service(host, SESAME_JSON_V1);
    instance->sse = host->get_service(host, SESAME_SSE_V1);
    instance->http = host->get_service(host, SESAME_HTTP_V1);
    instance->tool = host->get_service(host, SESAME_TOOL_HOST_V1);
    instance->credentials = host->get_service(host, SESAME_CREDENTIALS_V1);
    instance->provider = host->get_service(host, SESAME_CREDENTIAL_PROVIDER_HOST_V1);
    instance->secret = host->get_service(host, SESAME_SECRET_V1);
    instance->sign = host->get_service(host, SESAME_SIGN_V1);
    instance->platform = host->get_service(host, SESAME_PLATFORM_CREDENTIALS_V1);
    if (instance->json->find(host, config, text_of("/url"), &url) != SESAME_OK ||
        instance->json->unquote(host, url, instance->url, sizeof instance->url - 1, &len) !=
            SESAME_OK) {
        instance->log->explain(host, text_of("url is missing"));
        free(instance);
        return SESAME_BAD_INPUT;
    }
    instance->url[len] = '\0';
    *out_instance = instance;
    return SESAME_OK;
}

static void on_stop(struct sesame_instance *instance, uint64_t tag)
{
    (void)tag;
    instance->loop->stopped(instance->host);
}

static int32_t stop(struct sesame_instance *instance)
{
    return instance->loop->timer_start(instance->host, 1, on_stop, 0) != 0 ? SESAME_PENDING
                                                                           : SESAME_OK;
}

static void destroy(struct sesame_instance *instance)
{
    free(instance);
}

static const void *get_interface(const char *id)
{
    static const struct sesame_tool_v1 tool = {list, call_function, cancel};
    static const struct sesame_credential_provider_v1 provider = {fetch, cancel};

    if (strcmp(id, SESAME_TOOL_V1) == 0)
        return &tool;
    return strcmp(id, SESAME_CREDENTIAL_PROVIDER_V1) == 0 ? &provider : NULL;
}

static const char *const needs[] = {
    SESAME_LOG_V1,  SESAME_CLOCK_V1, SESAME_RANDOM_V1, SESAME_LOOP_V1,
    SESAME_JSON_V1, SESAME_SSE_V1,   SESAME_HTTP_V1,   NULL};
static const char *const offers[] = {SESAME_TOOL_V1, SESAME_CREDENTIAL_PROVIDER_V1, NULL};

const struct sesame_plugin sesame_plugin_v1 = {
    "everything",
    "1.0",
    "Uses all of contract 1.0.",
    "{\"type\":\"object\",\"properties\":{\"url\":{\"type\":\"string\",\"x-origin\":true},"
    "\"secretVariable\":{\"type\":\"string\",\"x-secret\":\"env\"}},\"required\":[\"url\"],"
    "\"additionalProperties\":false}",
    needs,
    offers,
    get_interface,
    create,
    stop,
    destroy,
};
