/* The scripted host's services do what the host's do, and each call of them is noted. */
#include "../support/run.h"
#include "scripted_plugin.h"

#include <stdio.h>
#include <unistd.h>

static struct sesame_test_host *host;
static struct sesame_test_instance *tool, *provider;
static char seen[600];

static void open_host(void)
{
    static const char *const names[] = {"svc", NULL}, *const origins[] = {"https://svc.example",
                                                                          NULL};
    const struct sesame_test_credential credential = {
        .name = "svc", .secret = "key-of-svc", .origins = origins};
    const struct sesame_test_options options = {.credentials = names};

    host = sesame_test_host_new(11);
    sesame_test_add_credential(host, &credential);
    tool = sesame_test_create(host, &scripted_plugin, &options);
    provider = sesame_test_create_provider(host, &scripted_plugin, NULL);
    ck_assert(tool != NULL && provider != NULL);
    seen[0] = '\0';
}

static void close_host(void)
{
    ck_assert_uint_eq(sesame_test_fault_count(host), 0);
    sesame_test_host_free(host);
}

static void see(struct sesame_text text)
{
    if (text.len > 0)
        strncat(seen, text.data, text.len);
    strncat(seen, ";", 2);
}

static void expect_calls(const char *service, const char *const *functions)
{
    for (size_t i = 0; functions[i] != NULL; i++)
        ck_assert_msg(sesame_test_count(host, service, functions[i]) > 0, "%s %s was not noted",
                      service, functions[i]);
}

static void act(void (*on_call)(struct sesame_instance *instance, uint64_t call))
{
    scripted_on_call = on_call;
    ck_assert_int_eq(sesame_test_wait(sesame_test_call(tool, "act", "{}", NULL)), SESAME_OK);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void use_json(struct sesame_instance *instance, uint64_t call)
{
    const struct sesame_json_v1 *json = SERVICE(instance, sesame_json_v1, SESAME_JSON_V1);
    const struct sesame_host *of = instance->host;
    struct sesame_text text = scripted_text("{\"a\":[1,\"\\u00e9\"],\"b\":null}"), name, value;
    char characters[20];
    size_t position = 0, len = 0;

    ck_assert_int_eq(json->check(of, scripted_text("{\"a\":1,\"a\":2}"), 8, &value),
                     SESAME_BAD_INPUT);
    ck_assert_uint_gt(value.len, 0);
    ck_assert_int_eq(json->check(of, text, 8, &value), SESAME_OK);
    ck_assert_int_eq(json->find(of, text, scripted_text("/a/1"), &value), SESAME_OK);
    ck_assert_int_eq(json->unquote(of, value, characters, sizeof characters, &len), SESAME_OK);
    see((struct sesame_text){characters, len});
    while (json->next(of, text, &position, &name, &value) == SESAME_OK)
        see(name);
    ck_assert_int_eq(json->quote(of, scripted_text("\"\n"), characters, sizeof characters, &len),
                     SESAME_OK);
    see((struct sesame_text){characters, len});
    scripted_answer(instance, call);
}

START_TEST(json_is_the_hosts)
{
    static const char *const functions[] = {"check", "find", "next", "unquote", "quote", NULL};

    act(use_json);
    ck_assert_str_eq(seen, "\xc3\xa9;\"a\";\"b\";\"\\\"\\n\";");
    expect_calls(SESAME_JSON_V1, functions);
}
END_TEST

/* ---- server-sent events ---------------------------------------------------------------------- */

static void on_event(struct sesame_instance *instance, uint64_t tag,
                     const struct sesame_sse_event *event)
{
    (void)instance;
    ck_assert_uint_eq(tag, 5);
    see(event->type);
    see(event->data);
}

static void use_events(struct sesame_instance *instance, uint64_t call)
{
    const struct sesame_sse_v1 *sse = SERVICE(instance, sesame_sse_v1, SESAME_SSE_V1);
    const struct sesame_host *of = instance->host;
    uint64_t reader = sse->open(of, 1000);
    struct sesame_sse_event state;

    ck_assert_uint_ne(reader, 0);
    ck_assert_int_eq(sse->feed(of, reader, scripted_text("id: 7\nda"), on_event, 5), SESAME_OK);
    ck_assert_int_eq(sse->feed(of, reader, scripted_text("ta: x\n\n"), on_event, 5), SESAME_OK);
    ck_assert_int_eq(sse->state(of, reader, &state), SESAME_OK);
    see(state.id);
    sse->close(of, reader);
    scripted_answer(instance, call);
}

START_TEST(events_are_read_as_the_host_reads_them)
{
    static const char *const functions[] = {"open", "feed", "state", "close", NULL};

    act(use_events);
    ck_assert_str_eq(seen, "message;x;7;");
    ck_assert_uint_eq(sesame_test_open_handles(tool, "sse"), 0);
    expect_calls(SESAME_SSE_V1, functions);
}
END_TEST

/* ---- lists ----------------------------------------------------------------------------------- */

static void change_the_list(struct sesame_instance *instance, uint64_t call)
{
    scripted_list = "{\"functions\":[{\"name\":\"rest\"}]}";
    SERVICE(instance, sesame_tool_host_v1, SESAME_TOOL_HOST_V1)->changed(instance->host);
    scripted_answer(instance, call);
}

START_TEST(a_list_that_changed_is_read_again_before_the_next_call)
{
    size_t count = 0;
    const struct sesame_test_function *functions = sesame_test_list(tool, &count);
    const char *before = scripted_list;

    act(change_the_list);
    ck_assert_uint_eq(sesame_test_changed_count(tool), 1);
    ck_assert_str_eq(functions[0].name, "act"); /* until the next listing */
    ck_assert_int_eq(sesame_test_wait(sesame_test_call(tool, "act", "{}", NULL)), SESAME_NOT_FOUND);
    scripted_on_call = scripted_answer;
    ck_assert_int_eq(sesame_test_wait(sesame_test_call(tool, "rest", "{}", NULL)), SESAME_OK);
    scripted_list = before;
}
END_TEST

/* ---- credentials, explanations --------------------------------------------------------------- */

static void ask_for_credentials(struct sesame_instance *instance, uint64_t call)
{
    const struct sesame_credentials_v1 *credentials =
        SERVICE(instance, sesame_credentials_v1, SESAME_CREDENTIALS_V1);
    const struct sesame_host *of = instance->host;
    struct sesame_text message;

    ck_assert_int_eq(credentials->check(of, scripted_text("svc"),
                                        scripted_text("https://svc.example/a"), &message),
                     SESAME_OK);
    ck_assert_int_eq(credentials->check(of, scripted_text("svc"),
                                        scripted_text("https://other.example/"), &message),
                     SESAME_DENIED);
    ck_assert_int_eq(credentials->check(of, scripted_text("other"),
                                        scripted_text("https://svc.example/"), &message),
                     SESAME_NOT_FOUND);
    see(message);
    SERVICE(instance, sesame_tool_host_v1, SESAME_TOOL_HOST_V1)->changed(of);
    scripted_answer(instance, call);
}

START_TEST(credentials_are_checked_by_name_and_origin)
{
    act(ask_for_credentials);
    ck_assert_str_eq(seen, "there is no such credential in the configuration;");
    ck_assert_uint_eq(sesame_test_count(host, SESAME_CREDENTIALS_V1, "check"), 3);
    ck_assert_uint_eq(sesame_test_changed_count(tool), 1);
}
END_TEST

static int32_t refuse_to_start(const struct sesame_host *of, struct sesame_text config,
                               struct sesame_instance **out_instance)
{
    const struct sesame_log_v1 *log = of->get_service(of, SESAME_LOG_V1);

    (void)config;
    (void)out_instance;
    log->explain(of, scripted_text("NoPlace: there is no room"));
    return SESAME_LIMIT;
}

START_TEST(why_create_failed_is_told)
{
    struct sesame_plugin plugin = scripted_plugin;

    plugin.create = refuse_to_start;
    ck_assert_ptr_null(sesame_test_create(host, &plugin, NULL));
    ck_assert_str_eq(sesame_test_error(host), "scripted cannot be started: there is no room");
}
END_TEST

/* ---- secrets, keys --------------------------------------------------------------------------- */

static void end_fetch(struct sesame_instance *instance, uint64_t call, uint64_t token)
{
    const struct sesame_token_result result = {.token = token, .data = scripted_text("{}")};

    (void)SERVICE(instance, sesame_credential_provider_host_v1, SESAME_CREDENTIAL_PROVIDER_HOST_V1)
        ->complete(instance->host, call, SESAME_OK, &result);
}

static void use_secrets(struct sesame_instance *instance, uint64_t call)
{
    const struct sesame_secret_v1 *secrets = SERVICE(instance, sesame_secret_v1, SESAME_SECRET_V1);
    const struct sesame_host *of = instance->host;
    struct sesame_secret_part parts[2] = {{.text = scripted_text("<")},
                                          {.encoding = SESAME_PART_PERCENT}};
    struct sesame_text bytes;
    uint64_t json, member, joined;
    char raw[8];
    size_t len;

    ck_assert_int_eq(secrets->create(of, scripted_text("{\"t\":\"a b\",\"n\":42}"), &json),
                     SESAME_OK);
    ck_assert_int_eq(secrets->json_take(of, json, scripted_text("/t"), &member), SESAME_OK);
    ck_assert_int_eq(secrets->json_read(of, json, scripted_text("/n"), raw, sizeof raw, &len),
                     SESAME_OK);
    see((struct sesame_text){raw, len});
    parts[1].secret = member;
    ck_assert_int_eq(secrets->join(of, parts, 2, &joined), SESAME_OK);
    ck_assert_int_eq(secrets->borrow(of, joined, &bytes), SESAME_OK);
    see(bytes);
    ck_assert_int_eq(secrets->from_file(of, scripted_text("/nowhere"), &member), SESAME_NOT_FOUND);
    ck_assert_int_eq(secrets->from_program(of, scripted_text("/program"), NULL, 0, 0, &member),
                     SESAME_NOT_FOUND);
    secrets->free(of, parts[1].secret);
    secrets->free(of, json);
    end_fetch(instance, call, joined);
}

START_TEST(secrets_are_handles_to_the_hosts_memory)
{
    static const char *const functions[] = {"create", "json_take", "json_read",
                                            "join",   "from_file", "from_program",
                                            "borrow", "free",      NULL};
    struct sesame_test_call *call;

    scripted_on_fetch = use_secrets;
    call = sesame_test_fetch(provider, "a|b", NULL);
    ck_assert_int_eq(sesame_test_wait(call), SESAME_OK);
    ck_assert_str_eq(seen, "42;<a%20b;");
    ck_assert_str_eq(sesame_test_text(call), "<a%20b");
    ck_assert_uint_eq(sesame_test_open_handles(provider, "secret"), 0);
    expect_calls(SESAME_SECRET_V1, functions);
}
END_TEST

static void use_keys(struct sesame_instance *instance, uint64_t call)
{
    const struct sesame_secret_v1 *secrets = SERVICE(instance, sesame_secret_v1, SESAME_SECRET_V1);
    const struct sesame_sign_v1 *sign = SERVICE(instance, sesame_sign_v1, SESAME_SIGN_V1);
    const struct sesame_host *of = instance->host;
    struct sesame_text text;
    uint64_t secret, key, jws;
    uint8_t out[64];
    size_t len;

    ck_assert_int_eq(secrets->create(of, scripted_text("Jefe"), &secret), SESAME_OK);
    ck_assert_int_eq(sign->key_open(of, scripted_text("hmac"), secret, 0, &key, &text), SESAME_OK);
    /* RFC 4231 section 4.3 */
    ck_assert_int_eq(sign->sign(of, key, scripted_text("HS256"),
                                scripted_text("what do ya want for nothing?"), out, sizeof out,
                                &len),
                     SESAME_OK);
    ck_assert_int_eq(memcmp(out, "\x5b\xdc\xc1\x46\xbf\x60\x75\x4e", 8), 0);
    /* FIPS 180-4, "abc" */
    ck_assert_int_eq(
        sign->digest(of, scripted_text("sha256"), scripted_text("abc"), out, sizeof out, &len),
        SESAME_OK);
    ck_assert_int_eq(memcmp(out, "\xba\x78\x16\xbf\x8f\x01\xcf\xea", 8), 0);
    sign->key_free(of, key);
    ck_assert_int_eq(sign->key_generate(of, scripted_text("Ed25519"), &key), SESAME_OK);
    ck_assert_int_eq(sign->key_describe(of, key, &text), SESAME_OK);
    see(text);
    ck_assert_int_eq(
        sign->jws(of, key, scripted_text("{\"alg\":\"EdDSA\"}"), scripted_text("{}"), &jws),
        SESAME_OK);
    sign->key_free(of, key);
    secrets->free(of, secret);
    end_fetch(instance, call, jws);
}

START_TEST(keys_sign_as_the_hosts_do)
{
    static const char *const functions[] = {"key_open", "key_generate", "key_describe", "jws",
                                            "sign",     "digest",       "key_free",     NULL};
    struct sesame_test_call *call;

    scripted_on_fetch = use_keys;
    call = sesame_test_fetch(provider, "a|b", NULL);
    ck_assert_int_eq(sesame_test_wait(call), SESAME_OK);
    ck_assert_ptr_nonnull(strstr(seen, "\"kty\":\"OKP\""));
    ck_assert_ptr_eq(strstr(sesame_test_text(call), "eyJhbGciOiJFZERTQSJ9.e30."),
                     sesame_test_text(call));
    ck_assert_uint_eq(sesame_test_open_handles(provider, "key"), 0);
    expect_calls(SESAME_SIGN_V1, functions);
}
END_TEST

/* ---- the manifest ---------------------------------------------------------------------------- */

static void on_done(struct sesame_instance *instance, uint64_t tag, int32_t status,
                    struct sesame_text message, uint64_t answer)
{
    struct sesame_token_result result = {.token = answer, .data = scripted_text("{}")};

    (void)message;
    (void)SERVICE(instance, sesame_credential_provider_host_v1, SESAME_CREDENTIAL_PROVIDER_HOST_V1)
        ->complete(instance->host, tag, status, &result);
}

static void ask_at_home(struct sesame_instance *instance, uint64_t call)
{
    static const struct sesame_http_events events = {NULL, NULL, on_done};
    const struct sesame_http_request request = {.method = scripted_text("GET"),
                                                .url = scripted_text("https://sts.a.example/t"),
                                                .flags = SESAME_HTTP_SECRET_ANSWER};
    uint64_t http;

    if (SERVICE(instance, sesame_http_v1, SESAME_HTTP_V1)
            ->start(instance->host, &request, &events, call, &http) != SESAME_OK)
        on_done(instance, call, SESAME_DENIED, scripted_text(""), 0);
}

static int32_t create_and_tell(const struct sesame_host *of, struct sesame_text config,
                               struct sesame_instance **out_instance)
{
    see(config);
    return scripted_create(of, config, out_instance);
}

START_TEST(a_manifest_grants_its_origins_and_has_presets)
{
    static const char manifest[] =
        "{\"id\":\"scripted\",\"file\":\"scripted.so\",\"version\":\"1\",\"description\":\"d\","
        "\"interfaces\":[\"sesame.credential-provider/1\"],\"origins\":[\"https://"
        "sts.*.example\"],\"presets\":{\"small\":{\"size\":3}}}";
    char folder[] = "/tmp/sesame-kit-XXXXXX", path[80];
    const struct sesame_test_options options = {.manifest = path,
                                                .config = "{\"preset\":\"small\"}"};
    struct sesame_plugin plugin = scripted_plugin;
    struct sesame_test_call *call;
    FILE *file;

    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/scripted.json", folder);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(manifest, file);
    fclose(file);
    plugin.create = create_and_tell;
    scripted_on_fetch = ask_at_home;
    ck_assert_int_eq(sesame_test_wait(sesame_test_fetch(provider, "a|b", NULL)), SESAME_DENIED);
    provider = sesame_test_create_provider(host, &plugin, &options);
    ck_assert_msg(provider != NULL, "%s", sesame_test_error(host));
    ck_assert_ptr_nonnull(strstr(seen, "\"size\""));
    sesame_test_answer_json(host, "https://sts.a.example/t", 200, "the-token");
    call = sesame_test_fetch(provider, "a|b", NULL);
    ck_assert_int_eq(sesame_test_wait(call), SESAME_OK);
    ck_assert_str_eq(sesame_test_text(call), "the-token");
    remove(path);
    rmdir(folder);
}
END_TEST

/* ---- timers, clocks -------------------------------------------------------------------------- */

static void use_time(struct sesame_instance *instance, uint64_t call)
{
    const struct sesame_clock_v1 *clock = SERVICE(instance, sesame_clock_v1, SESAME_CLOCK_V1);
    const struct sesame_loop_v1 *loop = SERVICE(instance, sesame_loop_v1, SESAME_LOOP_V1);
    uint64_t never = loop->timer_start(instance->host, 10, scripted_answer, 0);

    ck_assert_int_eq(clock->monotonic_ms(instance->host), 1000000);
    ck_assert_int_eq(clock->wall_ms(instance->host), 1234567890123);
    loop->timer_cancel(instance->host, never);
    (void)loop->timer_start(instance->host, 20, scripted_answer, call);
}

START_TEST(clocks_are_the_tests_and_a_cancelled_timer_is_silent)
{
    sesame_test_set_wall_ms(host, 1234567890123);
    act(use_time);
    ck_assert_int_eq(sesame_test_wall_now_ms(host), 1234567890143);
    ck_assert_uint_eq(sesame_test_count(host, SESAME_LOOP_V1, "timer_cancel"), 1);
    ck_assert_uint_eq(sesame_test_count(host, SESAME_LOOP_V1, "get_service"), 1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {json_is_the_hosts,
                                  events_are_read_as_the_host_reads_them,
                                  a_list_that_changed_is_read_again_before_the_next_call,
                                  credentials_are_checked_by_name_and_origin,
                                  why_create_failed_is_told,
                                  secrets_are_handles_to_the_hosts_memory,
                                  keys_sign_as_the_hosts_do,
                                  a_manifest_grants_its_origins_and_has_presets,
                                  clocks_are_the_tests_and_a_cancelled_timer_is_silent,
                                  NULL};

    return run_tests("plugin_test_services", tests, open_host, close_host);
}
