/* The platform's key in request headers: taken where the platform sends it, ignored elsewhere. */
#include "base/error.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "config/host_config.h"
#include "credential/platform_credentials.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/loop.h"
#include "plugin/instance.h"
#include "server/platform.h"

#include "../support/peer.h"
#include "../support/run.h"

#include <json-c/json.h>
#include <sesame/services.h>
#include <string.h>

static struct loop *loop;
static struct http_client *http;
static struct peer server;
static struct platform_credentials *credentials; /* what the server takes into */
static struct platform_credentials *store;
static struct platform_seen seen;
static int64_t now_ms;
static int done_count;
static bool was_in_head;
static int new_count;

static void on_new(void *arg)
{
    (void)arg;
    new_count++;
}

static void take(struct peer *peer, struct http_exchange *exchange)
{
    const struct http_head *head = http_exchange_head(exchange);

    (void)peer;
    for (size_t i = 0; i < head->field_count; i++)
        was_in_head = was_in_head || slice_starts_with(head->fields[i].name, "x-fc-access") ||
                      slice_starts_with(head->fields[i].name, "x-fc-security");
    platform_take(&seen, credentials, exchange, now_ms);
    http_exchange_reply(exchange, 200, NULL, "", 0);
}

static void set_up(void)
{
    struct error err = {0};

    loop = loop_new(&err);
    loop_run_once(loop, 0);
    http = http_client_new(loop, NULL, &err);
    peer_open(&server, loop);
    server.answer = take;
    store = credentials = platform_credentials_new(on_new, NULL, &err);
    ck_assert_ptr_nonnull(store);
    memset(&seen, 0, sizeof seen);
    now_ms = 1000;
    was_in_head = false;
    new_count = 0;
}

static void tear_down(void)
{
    platform_seen_clear(&seen);
    platform_credentials_free(store);
    peer_close(&server);
    http_client_free(http);
    for (int i = 0; i < 3; i++)
        loop_run_once(loop, 0);
    loop_free(loop);
}

static void on_done(void *arg, int status, struct secret *answer, const struct error *err)
{
    (void)arg;
    (void)answer;
    ck_assert_msg(err == NULL, "%s", err == NULL ? "" : err->message);
    ck_assert_int_eq(status, 200);
    done_count++;
}

/* A request with these headers; a NULL value leaves its header out, `again` repeats the token's. */
static void request(const char *id, const char *secret, const char *token, const char *again)
{
    static const struct http_call_events events = {.on_done = on_done};
    const char *values[] = {id, secret, token, again};
    static const char *const names[] = {"x-fc-access-key-id", "X-Fc-Access-Key-Secret",
                                        "x-fc-security-token", "x-fc-security-token"};
    struct http_header headers[4];
    struct http_request_options options = {.method = "GET", .url = server.url, .headers = headers};
    struct error err = {0};

    for (size_t i = 0; i < 4; i++)
        if (values[i] != NULL)
            headers[options.header_count++] =
                (struct http_header){slice_of(names[i]), slice_of(values[i]), NULL};
    done_count = 0;
    ck_assert_ptr_nonnull(http_client_start(http, &options, &events, NULL, &err));
    PEER_RUN_UNTIL(loop, done_count == 1);
}

/* The id of the key that is kept, "" for none. */
static const char *kept_id(void)
{
    static char id[64];
    struct platform_key key;

    id[0] = '\0';
    if (platform_credentials_get(store, &key)) {
        snprintf(id, sizeof id, "%s", secret_borrow(key.access_key_id, NULL));
        platform_key_clear(&key);
    }
    return id;
}

START_TEST(the_key_of_a_request_is_kept_and_only_the_newest)
{
    struct platform_key key;

    ck_assert_str_eq(kept_id(), "");
    request("STS.first", "canary-secret-1", "canary-token-1", NULL);
    ck_assert(platform_credentials_get(store, &key));
    ck_assert_str_eq(secret_borrow(key.access_key_id, NULL), "STS.first");
    ck_assert_str_eq(secret_borrow(key.access_key_secret, NULL), "canary-secret-1");
    ck_assert_str_eq(secret_borrow(key.security_token, NULL), "canary-token-1");
    ck_assert_int_eq(key.received_at_ms, 1000);
    platform_key_clear(&key);
    now_ms = 2000;
    request("STS.first", "canary-secret-1", "canary-token-1", NULL);
    ck_assert(platform_credentials_get(store, &key));
    ck_assert_int_eq(key.received_at_ms, 1000); /* nothing new: not even the lock is taken */
    platform_key_clear(&key);
    request("STS.second", "canary-secret-2", "canary-token-2", NULL);
    ck_assert_str_eq(kept_id(), "STS.second");
    ck_assert_int_eq(new_count, 2);
    ck_assert(!was_in_head);
}
END_TEST

START_TEST(what_is_not_one_whole_key_changes_nothing)
{
    char long_id[200];

    memset(long_id, 'a', sizeof long_id - 1);
    long_id[sizeof long_id - 1] = '\0';
    request("STS.good", "canary-secret", "canary-token", NULL);
    request("STS.bad", "canary-secret", NULL, NULL);
    request("STS.bad", NULL, "canary-token", NULL);
    request(NULL, "canary-secret", "canary-token", NULL);
    request("STS.bad", "canary-secret", "canary-token", "canary-token-of-the-client");
    request("STS bad", "canary-secret", "canary-token", NULL);
    request(long_id, "canary-secret", "canary-token", NULL);
    request("STS.bad", "", "canary-token", NULL);
    ck_assert_str_eq(kept_id(), "STS.good");
    ck_assert(!was_in_head);
}
END_TEST

START_TEST(elsewhere_the_headers_are_stripped_and_nothing_else)
{
    credentials = NULL;
    request("STS.forged", "canary-secret", "canary-token", NULL);
    ck_assert_str_eq(kept_id(), "");
    ck_assert_ptr_null(seen.key.access_key_id);
    ck_assert(!was_in_head);
}
END_TEST

START_TEST(a_key_that_came_earlier_does_not_replace_a_newer_one)
{
    struct error err = {0};
    struct platform_key old = {secret_copy("STS.old", 7, &err), secret_copy("s", 1, &err),
                               secret_copy("t", 1, &err), 500};

    request("STS.new", "canary-secret", "canary-token", NULL);
    platform_credentials_put(store, &old);
    ck_assert_ptr_null(old.access_key_id);
    ck_assert_str_eq(kept_id(), "STS.new");
    ck_assert_int_eq(new_count, 1);
}
END_TEST

/* ---- where it holds -------------------------------------------------------------------------- */

static const char *set_variable;

static const char *get_env(void *arg, const char *name)
{
    (void)arg;
    return set_variable != NULL && strcmp(name, set_variable) == 0 ? "x" : NULL;
}

START_TEST(function_compute_is_known_by_its_variables)
{
    static const struct {
        enum host_platform platform;
        const char *variable;
        bool is_ok, brings_keys;
    } rows[] = {
        {PLATFORM_AUTO, NULL, true, false},
        {PLATFORM_AUTO, "FC_FUNCTION_NAME", true, true},
        {PLATFORM_AUTO, "FC_FUNC_CODE_PATH", true, true},
        {PLATFORM_AUTO, "FC_REGION", true, false},
        {PLATFORM_NONE, "FC_FUNCTION_NAME", true, false},
        {PLATFORM_FUNCTION_COMPUTE, "FC_FUNCTION_NAME", true, true},
        {PLATFORM_FUNCTION_COMPUTE, NULL, false, false},
    };
    const struct config_source source = {.get_env = get_env};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error err = {0};
        bool brings_keys = false;

        set_variable = rows[i].variable;
        ck_assert_int_eq(platform_detect(rows[i].platform, &source, &brings_keys, &err),
                         rows[i].is_ok);
        ck_assert_int_eq(brings_keys, rows[i].brings_keys);
        ck_assert_int_eq(err.code == ERROR_NONE, rows[i].is_ok);
    }
}
END_TEST

/* ---- tools ----------------------------------------------------------------------------------- */

static const void *no_interface(const char *id)
{
    (void)id;
    return NULL;
}

static int32_t create(const struct sesame_host *host, struct sesame_text config,
                      struct sesame_instance **out_instance)
{
    (void)host;
    (void)config;
    (void)out_instance;
    ck_abort_msg("a tool was created that needs the platform's key");
    return SESAME_INTERNAL;
}

START_TEST(a_tool_cannot_have_it)
{
    static const char *const needs[] = {SESAME_PLATFORM_CREDENTIALS_V1, NULL};
    static const struct sesame_plugin descriptor = {
        .id = "t", .needs = needs, .get_interface = no_interface, .create = create};
    struct json_object *empty = json_object_new_object();
    struct plugin_manifest manifest = {.id = (char[]){"t"}};
    struct plugin_library library = {
        .manifest = &manifest, .descriptor = &descriptor, .schema_json = empty};
    struct tool_config tool = {.name = (char[]){"t"}};
    struct instance_options options = {.library = &library,
                                       .home = {loop, http, NULL},
                                       .watch = {.platform = store},
                                       .tool = &tool,
                                       .name = "t",
                                       .config = empty};
    struct error err = {0};

    request("STS.good", "canary-secret", "canary-token", NULL);
    ck_assert_ptr_null(instance_new(&options, &err));
    ck_assert_str_eq(err.name, "PluginNeedsService");
    json_object_put(empty);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_key_of_a_request_is_kept_and_only_the_newest,
        what_is_not_one_whole_key_changes_nothing,
        elsewhere_the_headers_are_stripped_and_nothing_else,
        a_key_that_came_earlier_does_not_replace_a_newer_one,
        function_compute_is_known_by_its_variables,
        a_tool_cannot_have_it,
        NULL,
    };

    return run_tests("platform", tests, set_up, tear_down);
}
