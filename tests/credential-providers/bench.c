/* A credential provider, loaded and asked as the host does it, against a scripted endpoint. */
#include "bench.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/secret_arena.h"
#include "base/text.h"
#include "config/idaas_config.h"
#include "credential/token_binding.h"
#include "net/http_client.h"
#include "net/http_parser.h"
#include "net/loop.h"
#include "plugin/catalogue.h"
#include "plugin/provider_port.h"

#include "../support/run.h"

#include <ctype.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct bench bench;

static struct http_client *http;
static struct plugin_catalogue *catalogue;
static struct provider_port *provider;
static int done_count;
static enum placement placement = PLACEMENT_INLINE; /* of this run of the suite */

/* Instead of the C library's: the machine's clock, and how far the test has moved the time of day.
 */
int clock_gettime(clockid_t id, struct timespec *out)
{
    int status = (int)syscall(SYS_clock_gettime, id, out);

    if (id == CLOCK_REALTIME)
        out->tv_sec += bench.clock_ahead_s;
    return status;
}

/* ---- the endpoint ---------------------------------------------------------------------------- */

static void copy_slice(char *out, size_t size, struct slice text)
{
    ck_assert_uint_lt(text.len, size);
    if (text.len > 0)
        memcpy(out, text.data, text.len);
    out[text.len] = '\0';
}

static void record_headers(struct bench_request *request, const struct http_head *head)
{
    size_t used = 0;

    for (size_t i = 0; i < head->field_count; i++) {
        const struct http_field *field = &head->fields[i];
        size_t start = used;

        used += (size_t)snprintf(request->headers + used, sizeof request->headers - used,
                                 "%.*s: %.*s\n", (int)field->name.len, field->name.data,
                                 (int)field->value.len, field->value.data);
        ck_assert_uint_lt(used, sizeof request->headers);
        for (size_t c = start; c < start + field->name.len; c++)
            request->headers[c] = (char)tolower((unsigned char)request->headers[c]);
    }
}

static void record(struct http_exchange *exchange)
{
    const struct http_head *head = http_exchange_head(exchange);
    struct bench_request *request = &bench.seen[bench.seen_count];
    struct secret *authorization = http_exchange_secret_header(exchange, "authorization", NULL);

    ck_assert_uint_lt(bench.seen_count, sizeof bench.seen / sizeof bench.seen[0]);
    copy_slice(request->method, sizeof request->method, head->method);
    copy_slice(request->target, sizeof request->target, head->target);
    copy_slice(request->body, sizeof request->body, http_exchange_body(exchange));
    copy_slice(request->authorization, sizeof request->authorization,
               slice_of(authorization == NULL ? "" : secret_borrow(authorization, NULL)));
    record_headers(request, head);
    bench.seen_count++;
}

static void answer(struct peer *peer, struct http_exchange *exchange)
{
    (void)peer;
    record(exchange);
    if (slice_equal_text(http_exchange_head(exchange)->path, BENCH_TOKEN_PATH)) {
        if (bench.status == 0)
            return;
        if (bench.header_name != NULL)
            ck_assert(http_exchange_add_header(exchange, bench.header_name, bench.header_value));
        http_exchange_reply(exchange, bench.status, "application/json", bench.body,
                            strlen(bench.body));
    } else if (bench.answer != NULL) {
        bench.answer(exchange);
    } else {
        http_exchange_reply(exchange, 404, "text/plain", "nothing here", 12);
    }
}

const struct bench_request *bench_last(void)
{
    ck_assert_uint_gt(bench.seen_count, 0);
    return &bench.seen[bench.seen_count - 1];
}

const char *bench_header(const struct bench_request *request, const char *name)
{
    static char value[1024];
    char start[100];
    const char *line;
    size_t len;

    snprintf(start, sizeof start, "%s: ", name);
    for (line = request->headers; line != NULL && strncmp(line, start, strlen(start)) != 0;)
        line = (line = strchr(line, '\n')) == NULL ? NULL : line + 1;
    if (line == NULL)
        return NULL;
    line += strlen(start);
    len = strcspn(line, "\n");
    copy_slice(value, sizeof value, (struct slice){line, len});
    return value;
}

/* ---- set-up ---------------------------------------------------------------------------------- */

static void turn(void)
{
    for (int i = 0; i < 3; i++)
        loop_run_once(bench.loop, 0);
}

void bench_set_up(void)
{
    const char *build = getenv("SESAME_TEST_BUILDDIR");
    char folder[600];
    struct error err = {0};

    memset(&bench, 0, sizeof bench);
    snprintf(folder, sizeof folder, "%s/sesame-plugins", build == NULL ? "." : build);
    bench.loop = loop_new(&err);
    loop_run_once(bench.loop, 0);
    http = http_client_new(bench.loop, NULL, &err);
    peer_open(&bench.endpoint, bench.loop);
    bench.endpoint.answer = answer;
    bench.status = 200;
    bench.body =
        "{\"access_token\":\"canary-token\",\"token_type\":\"Bearer\",\"expires_in\":1200}";
    catalogue = plugin_catalogue_new(folder, NULL, &err);
    ck_assert_msg(catalogue != NULL, "%s", err.message);
}

int bench_run(const char *name, const TTest *const *tests, void (*setup)(void),
              void (*teardown)(void))
{
    char on_thread[100];
    int failed = run_tests(name, tests, setup, teardown);

    snprintf(on_thread, sizeof on_thread, "%s on a thread", name);
    placement = PLACEMENT_THREAD;
    return run_tests(on_thread, tests, setup, teardown) | failed;
}

void bench_close(void)
{
    provider_port_free(provider);
    provider = NULL;
    turn();
}

void bench_tear_down(void)
{
    bench_close();
    token_binding_free(TAKE(bench.binding));
    plugin_catalogue_free(catalogue);
    peer_close(&bench.endpoint);
    http_client_free(http);
    turn();
    loop_free(bench.loop);
}

/* ---- the provider ---------------------------------------------------------------------------- */

/* The file as the host reads it; what is wrong with it becomes the error. */
static struct idaas_config *read_file(struct json_object *sdk_config, struct error *err)
{
    struct config_source source = *config_source_process();
    struct json_object *copy = NULL;
    struct problems problems;
    struct idaas_config *config;
    char url[200];
    const char *text;

    ck_assert_int_eq(json_object_deep_copy(sdk_config, &copy, NULL), 0);
    snprintf(url, sizeof url, "%s" BENCH_TOKEN_PATH, bench.endpoint.url);
    json_object_object_add(copy, "tokenEndpoint", json_object_new_string(url));
    text = json_object_to_json_string(copy);
    source.allow_loopback_http = true;
    problems_init(&problems);
    config = idaas_config_parse("client-config.json", text, strlen(text), &source, &problems);
    for (size_t i = 0; config == NULL && i < problems.count; i++) {
        const struct problem *problem = &problems.items[i];

        if (!problem->is_warning && err->code == ERROR_NONE)
            error_set_named(err, ERROR_BAD_INPUT, problem->code, "%s; %s; %s", problem->what,
                            problem->expected, problem->fix);
    }
    problems_clear(&problems);
    json_object_put(copy);
    return config;
}

static bool try_manifest(const struct plugin_manifest *manifest, const char *config_json,
                         struct error *err)
{
    struct provider_port_options options = {
        .home = {bench.loop, http, NULL}, .placement = placement, .config_json = config_json};

    ck_assert_ptr_nonnull(manifest);
    options.library = plugin_library_open(catalogue, manifest, err);
    ck_assert_msg(options.library != NULL, "%s", err->message);
    provider = provider_port_new(&options, err);
    return provider != NULL;
}

bool bench_try_plugin(const char *id, const char *config_json, struct error *err)
{
    return try_manifest(plugin_catalogue_find(catalogue, id), config_json, err);
}

bool bench_try(struct json_object *sdk_config, struct error *err)
{
    const struct plugin_manifest *manifest;
    struct idaas_config *config = read_file(sdk_config, err);
    struct buffer json;
    bool ok;

    secret_environment_clear(); /* each begins with an environment of its own */
    if (config == NULL)
        return false;
    buffer_init(&json, 65536);
    ck_assert(idaas_config_to_json(config, &json, err));
    manifest = plugin_catalogue_find_provider(catalogue, authn_method_text(config->method),
                                              config->plugin_name);
    ok = try_manifest(manifest, json.data, err);
    buffer_clear(&json);
    idaas_config_free(config);
    return ok;
}

void bench_open(struct json_object *sdk_config)
{
    struct error err = {0};

    ck_assert_msg(bench_try(sdk_config, &err), "%s", err.message);
}

static void on_token(void *arg, const struct token_answer *token, const struct error *err,
                     int64_t retry_after_ms)
{
    (void)arg;
    done_count++;
    bench.retry_after_ms = retry_after_ms;
    if (token == NULL) {
        bench.err = *err;
        return;
    }
    bench.expires_in_s = token->expires_in_s;
    bench.expires_at_s = token->expires_at_s;
    token_binding_free(bench.binding);
    bench.binding = token_binding_ref(token->binding);
    copy_slice(bench.token, sizeof bench.token, slice_of(secret_borrow(token->token, NULL)));
}

void bench_fetch(const char *scope, const char *subject_text)
{
    bench_fetch_many(scope, subject_text, 1);
}

void bench_fetch_many(const char *scope, const char *subject_text, int count)
{
    struct credential_provider table = provider_port_table(provider);
    struct slice audience = slice_of(scope), values = audience;
    struct token_request request = {.scope = audience, .deadline_ms = clock_monotonic_ms() + 5000};
    struct secret *subject = NULL;
    struct error err = {0};

    if (strchr(scope, '|') != NULL)
        audience = slice_cut(&values, '|');
    else
        audience = (struct slice){"", 0};
    request.audience = audience;
    request.values = values;
    if (subject_text != NULL)
        subject = request.subject = secret_copy(subject_text, strlen(subject_text), &err);
    done_count = 0;
    bench.token[0] = '\0';
    token_binding_free(TAKE(bench.binding));
    error_clear(&bench.err);
    for (int i = 0; i < count; i++)
        ck_assert_ptr_nonnull(table.fetch(table.arg, &request, on_token, NULL, &err));
    ck_assert_int_eq(done_count, 0);
    PEER_RUN_UNTIL(bench.loop, done_count == count);
    secret_free(subject);
}
