/* The alibaba-cloud provider in the test's own process, against a scripted peer. */
#include "alibaba_bench.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/json_schema.h"
#include "base/secret.h"
#include "base/secret_arena.h"
#include "base/text.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "plugin/instance.h"
#include "plugin/provider_port.h"

#include "../support/peer.h"

#include <ctype.h>
#include <json-c/json.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <strings.h>

struct alibaba_bench alibaba;

static struct loop *loop;
static struct http_client *http;
static struct peer peer;
static struct provider_port *provider;
static struct plugin_library library;
static struct plugin_manifest manifest;
static struct sesame_plugin descriptor;
static char *origins[2];
static const void *(*real_get_service)(const struct sesame_host *host, const char *id);
/* Requests on their way to the peer: which host was meant. One after the other in all tests. */
static char meant[16][200];
static int64_t meant_timeout_ms[16];
static size_t meant_count;
static char once_origin[100], once_body[500];
static int once_status;

/* ---- services of the test's own -------------------------------------------------------------- */

static int64_t wall_ms(const struct sesame_host *host)
{
    (void)host;
    return alibaba.wall_s * 1000;
}

static int64_t monotonic_ms(const struct sesame_host *host)
{
    (void)host;
    return clock_monotonic_ms();
}

static void fixed_bytes(const struct sesame_host *host, void *out, size_t len)
{
    static const uint8_t bytes[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};

    (void)host;
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)out)[i] = bytes[i % sizeof bytes];
}

static int32_t http_start(const struct sesame_host *host, const struct sesame_http_request *request,
                          const struct sesame_http_events *events, uint64_t tag, uint64_t *out_http)
{
    struct sesame_http_request copy = *request;
    char url[17000];
    const char *path = memchr(request->url.data + 8, '/', request->url.len - 8);
    size_t origin_len = (size_t)(path - request->url.data);

    ck_assert_ptr_nonnull(path);
    snprintf(meant[meant_count], sizeof meant[0], "%.*s", (int)origin_len, request->url.data);
    meant_timeout_ms[meant_count++] = request->deadline_ms - clock_monotonic_ms();
    snprintf(url, sizeof url, "%s%.*s", peer.url, (int)(request->url.len - origin_len), path);
    copy.url = text_of(url);
    return service_http.start(host, &copy, events, tag, out_http);
}

static void http_cancel(const struct sesame_host *host, uint64_t handle)
{
    service_http.cancel(host, handle);
}

static void log_write_line(const struct sesame_host *host, int32_t level,
                           struct sesame_text message, struct sesame_text fields)
{
    size_t len = strlen(alibaba.log);

    (void)host;
    (void)level;
    snprintf(alibaba.log + len, sizeof alibaba.log - len, "%.*s %.*s\n", (int)message.len,
             message.data, (int)fields.len, fields.len == 0 ? "" : fields.data);
    if (fields.len > 0) {
        struct error err = {0};
        struct json_object *json = json_parse(fields.data, fields.len, 4, &err);

        ck_assert_msg(json != NULL, "%s", err.message);
        if (json_get_string(json, "source", NULL) != NULL) {
            snprintf(alibaba.source, sizeof alibaba.source, "%s",
                     json_get_string(json, "source", NULL));
            alibaba.source_log_count++;
        }
        json_object_put(json);
    }
}

static void log_explain(const struct sesame_host *host, struct sesame_text message)
{
    service_log.explain(host, message);
}

static const struct sesame_clock_v1 test_clock = {monotonic_ms, wall_ms};
static const struct sesame_random_v1 test_random = {fixed_bytes};
static const struct sesame_http_v1 test_http = {http_start, http_cancel, NULL};
static const struct sesame_log_v1 test_log = {log_write_line, log_explain};

static const void *get_service(const struct sesame_host *host, const char *id)
{
    if (strcmp(id, SESAME_CLOCK_V1) == 0)
        return &test_clock;
    if (strcmp(id, SESAME_RANDOM_V1) == 0)
        return &test_random;
    if (strcmp(id, SESAME_HTTP_V1) == 0)
        return &test_http;
    if (strcmp(id, SESAME_LOG_V1) == 0)
        return &test_log;
    return real_get_service(host, id);
}

/* The plugin's own create, with our services in the instance's host. */
static int32_t create(const struct sesame_host *host, struct sesame_text config,
                      struct sesame_instance **out_instance)
{
    struct plugin_instance *instance = instance_enter(host);

    real_get_service = instance->host.get_service;
    instance->host.get_service = get_service;
    instance->may_block = alibaba.may_block;
    alibaba.host = host;
    return sesame_plugin_v1.create(host, config, out_instance);
}

/* ---- the peer -------------------------------------------------------------------------------- */

static void add_header_line(struct alibaba_request *request, const char *name, size_t name_len,
                            const char *value, size_t value_len)
{
    size_t used = strlen(request->headers);

    snprintf(request->headers + used, sizeof request->headers - used, "%.*s: %.*s\n", (int)name_len,
             name, (int)value_len, value);
}

static void on_request(struct peer *from, struct http_exchange *exchange)
{
    const struct http_head *head = http_exchange_head(exchange);
    struct alibaba_request *request = &alibaba.seen[alibaba.seen_count];
    struct secret *authorization = http_exchange_secret_header(exchange, "authorization", NULL);
    struct slice body = http_exchange_body(exchange);
    size_t len = 0;

    (void)from;
    ck_assert_uint_lt(alibaba.seen_count, sizeof alibaba.seen / sizeof alibaba.seen[0]);
    memset(request, 0, sizeof *request);
    snprintf(request->origin, sizeof request->origin, "%s", meant[alibaba.seen_count]);
    request->timeout_ms = meant_timeout_ms[alibaba.seen_count];
    snprintf(request->method, sizeof request->method, "%.*s", (int)head->method.len,
             head->method.data);
    ck_assert_uint_lt(head->target.len, sizeof request->target);
    snprintf(request->target, sizeof request->target, "%.*s", (int)head->target.len,
             head->target.data);
    snprintf(request->body, sizeof request->body, "%.*s", (int)body.len, body.data);
    for (size_t i = 0; i < head->field_count; i++)
        add_header_line(request, head->fields[i].name.data, head->fields[i].name.len,
                        head->fields[i].value.data, head->fields[i].value.len);
    if (authorization != NULL) {
        const char *bytes = secret_borrow(authorization, &len);

        add_header_line(request, "Authorization", 13, bytes, len);
    }
    alibaba.seen_count++;
    if (once_origin[0] != '\0' && strncmp(request->origin, once_origin, strlen(once_origin)) == 0) {
        once_origin[0] = '\0';
        alibaba_reply(exchange, once_status, "application/json", once_body);
    } else if (alibaba.answer != NULL)
        alibaba.answer(alibaba.seen_count - 1, request, exchange);
    else
        alibaba_reply(exchange, 404, "text/plain", "not found");
}

void alibaba_forget_requests(void)
{
    alibaba.seen_count = 0;
    meant_count = 0;
}

void alibaba_answer_once(const char *origin, int status, const char *body)
{
    snprintf(once_origin, sizeof once_origin, "%s", origin);
    snprintf(once_body, sizeof once_body, "%s", body);
    once_status = status;
}

void alibaba_reply(struct http_exchange *exchange, int status, const char *content_type,
                   const char *body)
{
    http_exchange_reply(exchange, status, content_type, body, strlen(body));
}

const char *alibaba_header(const struct alibaba_request *request, const char *name)
{
    static char value[8192];
    struct slice rest = slice_of(request->headers);

    while (rest.data != NULL) {
        struct slice line = slice_cut(&rest, '\n'), text = line;
        struct slice found = slice_cut(&text, ':');

        if (text.data == NULL || !slice_equal_nocase(found, name))
            continue;
        text = slice_trim(text);
        snprintf(value, sizeof value, "%.*s", (int)text.len, text.data);
        return value;
    }
    return NULL;
}

/* ---- the signature, by code of our own ------------------------------------------------------- */

static void hex_digest(const unsigned char *bytes, unsigned len, char *out)
{
    for (unsigned i = 0; i < len; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static void signed_names(const struct alibaba_request *request, char *out, size_t size)
{
    const char *authorization = alibaba_header(request, "authorization");
    const char *begin = authorization == NULL ? NULL : strstr(authorization, "SignedHeaders=");
    const char *end = begin == NULL ? NULL : strchr(begin, ',');

    ck_assert_msg(end != NULL, "no signature in: %s", request->headers);
    begin += strlen("SignedHeaders=");
    snprintf(out, size, "%.*s", (int)(end - begin), begin);
}

void alibaba_canonical(const struct alibaba_request *request, char *out, size_t size)
{
    const char *query = strchr(request->target, '?');
    char names[1000];
    struct slice rest;
    size_t used;

    signed_names(request, names, sizeof names);
    /* The provider sends the canonical query itself; the order is checked by the vectors. */
    used = (size_t)snprintf(
        out, size, "%s\n%.*s\n%s\n", request->method,
        (int)(query == NULL ? strlen(request->target) : (size_t)(query - request->target)),
        request->target, query == NULL ? "" : query + 1);
    rest = slice_of(names);
    while (rest.data != NULL) {
        struct slice name = slice_cut(&rest, ';');
        char copy[100];
        const char *value;

        snprintf(copy, sizeof copy, "%.*s", (int)name.len, name.data);
        value = strcmp(copy, "host") == 0 ? strstr(request->origin, "://") + 3
                                          : alibaba_header(request, copy);
        ck_assert_msg(value != NULL, "%s is signed but not sent", copy);
        used += (size_t)snprintf(out + used, size - used, "%s:%s\n", copy, value);
        ck_assert_uint_lt(used, size);
    }
    used += (size_t)snprintf(out + used, size - used, "\n%s\n%s", names,
                             alibaba_header(request, "x-acs-content-sha256"));
    ck_assert_uint_lt(used, size);
}

bool alibaba_signed_with(const struct alibaba_request *request, const char *id, const char *secret)
{
    char canonical[20000], to_sign[100] = "ACS3-HMAC-SHA256\n", signature[65], wanted[2000];
    char names[1000];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    alibaba_canonical(request, canonical, sizeof canonical);
    ck_assert(EVP_Digest(canonical, strlen(canonical), digest, &len, EVP_sha256(), NULL) == 1);
    hex_digest(digest, len, to_sign + strlen(to_sign));
    ck_assert_ptr_nonnull(HMAC(EVP_sha256(), secret, (int)strlen(secret),
                               (const unsigned char *)to_sign, strlen(to_sign), digest, &len));
    hex_digest(digest, len, signature);
    signed_names(request, names, sizeof names);
    snprintf(wanted, sizeof wanted, "ACS3-HMAC-SHA256 Credential=%s,SignedHeaders=%s,Signature=%s",
             id, names, signature);
    return strcmp(wanted, alibaba_header(request, "authorization")) == 0;
}

/* ---- the provider ---------------------------------------------------------------------------- */

void alibaba_set_up(void)
{
    struct error err = {0};

    memset(&alibaba, 0, sizeof alibaba);
    alibaba.wall_s = ALIBABA_NOW_S;
    alibaba.endpoint = "https://eiam.cn-hangzhou.aliyuncs.com";
    meant_count = 0;
    once_origin[0] = '\0';
    loop = loop_new(&err);
    loop_run_once(loop, 0);
    http = http_client_new(loop, NULL, &err);
    peer_open(&peer, loop);
    peer.answer = on_request;
    snprintf(alibaba.url, sizeof alibaba.url, "%s", peer.url);
    origins[0] = peer.url;
    descriptor = sesame_plugin_v1;
    descriptor.create = create;
    manifest = (struct plugin_manifest){.id = strdup("alibaba-cloud"), .origins = origins};
    library = (struct plugin_library){.manifest = &manifest, .descriptor = &descriptor};
    library.schema_json = json_parse(descriptor.config_schema, strlen(descriptor.config_schema),
                                     JSON_DEPTH_DEFAULT, &err);
    ck_assert_msg(library.schema_json != NULL, "%s", err.message);
    library.schema = json_schema_new(library.schema_json, &err);
    ck_assert_msg(library.schema != NULL, "%s", err.message);
}

bool alibaba_try(const char *config, struct error *err)
{
    struct provider_port_options options = {.library = &library,
                                            .home = {loop, http, NULL},
                                            .placement = PLACEMENT_INLINE,
                                            .watch = {.platform = alibaba.platform}};
    char json[8192];

    snprintf(json, sizeof json,
             "{\"idaasInstanceId\":\"idaas_fakefakefakefakefakefake01\","
             "\"clientId\":\"app_fakefakefakefakefakefake01\","
             "\"openApiEndpoint\":\"%s\"%s%s}",
             alibaba.endpoint, config[0] == '\0' ? "" : ",", config);
    options.config_json = json;
    provider = provider_port_new(&options, err);
    return provider != NULL;
}

void alibaba_open(const char *config)
{
    struct error err = {0};

    ck_assert_msg(alibaba_try(config, &err), "%s", err.message);
}

void alibaba_close(void)
{
    provider_port_free(provider);
    secret_environment_clear(); /* the next one begins with an environment of its own */
    provider = NULL;
    for (int i = 0; i < 3; i++)
        loop_run_once(loop, 0);
}

void alibaba_tear_down(void)
{
    alibaba_close();
    json_schema_free(library.schema);
    json_object_put(library.schema_json);
    free(manifest.id);
    peer_close(&peer);
    http_client_free(http);
    for (int i = 0; i < 3; i++)
        loop_run_once(loop, 0);
    loop_free(loop);
}

static void on_token(void *arg, const struct token_answer *answer, const struct error *err,
                     int64_t retry_after_ms)
{
    (void)arg;
    alibaba.done_count++;
    alibaba.retry_after_ms = retry_after_ms;
    if (answer == NULL) {
        alibaba.err = *err;
        return;
    }
    error_clear(&alibaba.err);
    alibaba.expires_in_s = answer->expires_in_s;
    alibaba.expires_at_s = answer->expires_at_s;
    snprintf(alibaba.token, sizeof alibaba.token, "%s", secret_borrow(answer->token, NULL));
}

static void start_fetch(const char *values, struct secret *subject)
{
    struct credential_provider table = provider_port_table(provider);
    struct token_request request = {.scope = slice_of("api.example.com|read:file"),
                                    .audience = slice_of("api.example.com"),
                                    .values = slice_of(values),
                                    .subject = subject,
                                    .deadline_ms = clock_monotonic_ms() + 20000};
    struct error err = {0};

    ck_assert_msg(table.fetch(table.arg, &request, on_token, NULL, &err) != NULL, "%s",
                  err.message);
}

void alibaba_fetch_values(const char *values, const char *subject_text)
{
    struct secret *subject = NULL;
    struct error err = {0};

    if (subject_text != NULL)
        subject = secret_copy(subject_text, strlen(subject_text), &err);
    alibaba.done_count = 0;
    alibaba.token[0] = '\0';
    start_fetch(values, subject);
    PEER_RUN_UNTIL(loop, alibaba.done_count == 1);
    secret_free(subject);
}

void alibaba_fetch(const char *subject)
{
    alibaba_fetch_values("read:file", subject);
}

void alibaba_fetch_many(int count)
{
    alibaba.done_count = 0;
    for (int i = 0; i < count; i++)
        start_fetch("read:file", NULL);
    PEER_RUN_UNTIL(loop, alibaba.done_count == count);
}
