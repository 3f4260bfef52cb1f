/* Contract 1.0 in today's host: a plugin that uses all of it, compiled now from the frozen headers,
 * and the binary that was compiled once and is never compiled again. */
#include "plugin/provider_port.h"

#include "../support/run.h"
#include "../support/tool_bench.h"

#include "base/text.h"

#include <sys/stat.h>

static struct tool_bench bench;
static struct peer service;
static char folder[64];

static char *origins[] = {service.url};
static char *credential_names[] = {(char[]){"service"}};
static struct credential_config credentials[] = {
    {.name = (char[]){"service"},
     .kind = CREDENTIAL_ACCESS_TOKEN,
     .identifier = (char[]){""},
     .scope = (char[]){"https://svc.example|call"},
     .origins = origins,
     .origin_count = 1,
     .attach_header = (char[]){"Authorization"},
     .attach_prefix = (char[]){"Bearer "},
     .attach_query = (char[]){""}},
};

/* Which binary: 0 was compiled now, 1 lies in the repository. */
static const char *binary_path(int which, char *out, size_t size)
{
    const char *build = getenv("SESAME_TEST_BUILDDIR"), *source = getenv("SESAME_TEST_SRCDIR");

    if (which == 0)
        snprintf(out, size, "%s/abi-everything.so", build == NULL ? "." : build);
    else
        snprintf(out, size, "%s/tests/abi/1.0/everything-x86_64.so", source == NULL ? "." : source);
    return out;
}

static void install(int which)
{
    const char *source = getenv("SESAME_TEST_SRCDIR");
    char command[1200], path[400];

    snprintf(folder, sizeof folder, "/tmp/sesame-abi-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(command, sizeof command,
             "cp %s %s/everything.so && cp %s/tests/abi/1.0/everything.json %s && chmod go-w %s/*",
             binary_path(which, path, sizeof path), folder, source == NULL ? "." : source, folder,
             folder);
    ck_assert_int_eq(system(command), 0);
}

static void remove_folder(void)
{
    char command[100];

    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static void answer(struct peer *peer, struct http_exchange *exchange)
{
    static const char token[] = "{\"access_token\":\"canary-issued\",\"expires_in\":600}";

    (void)peer;
    http_exchange_reply(exchange, 200, "application/json", token, sizeof token - 1);
}

static void open_bench(int which)
{
    struct error err = {0};

    tool_bench_init(&bench, credentials, 1);
    peer_open(&service, bench.loop);
    service.answer = answer;
    install(which);
    plugin_catalogue_free(bench.catalogue);
    bench.catalogue = plugin_catalogue_new(folder, NULL, &err);
    ck_assert_msg(bench.catalogue != NULL, "%s", err.message);
}

static void close_bench(void)
{
    peer_close(&service);
    tool_bench_close(&bench);
    remove_folder();
}

static void exercise_tool(int which, enum placement placement)
{
    char config[200];

    open_bench(which);
    bench.placement = placement;
    bench.config.credentials = credential_names;
    bench.config.credential_count = 1;
    snprintf(config, sizeof config, "{\"url\":\"%s/call\"}", service.url);
    tool_bench_open(&bench, "everything", config);
    ck_assert_msg(tool_bench_wait_for_list(&bench), "%s", tool_bench_list_error(&bench));
    ck_assert_int_eq(tool_bench_call(&bench, "exercise", "{}"), SESAME_OK);
    ck_assert_str_eq(bench.text, "all of it works");
    ck_assert_int_eq(bench.progress_count, 1);
    ck_assert_str_eq(service.last_body, "client_secret=none");
    ck_assert_str_eq(service.last_authorization, "Bearer canary-token-1");
    tool_bench_stop(&bench);
    close_bench();
}

/* ---- as a credential provider ---------------------------------------------------------------- */

static int done_count;
static char token_seen[60];
static struct error done_error;

static void on_token(void *arg, const struct token_answer *token, const struct error *err,
                     int64_t retry_after_ms)
{
    (void)arg;
    (void)retry_after_ms;
    done_count++;
    done_error = token == NULL ? *err : (struct error){0};
    snprintf(token_seen, sizeof token_seen, "%s",
             token == NULL ? "" : secret_borrow(token->token, NULL));
}

static void fetch_token(struct provider_port *port)
{
    struct token_request request = {.scope = slice_of("a|b"),
                                    .audience = slice_of("a"),
                                    .values = slice_of("b"),
                                    .deadline_ms = clock_monotonic_ms() + 20000};
    struct credential_provider table = provider_port_table(port);
    struct error err = {0};

    done_count = 0;
    ck_assert_msg(table.fetch(table.arg, &request, on_token, NULL, &err) != NULL, "%s",
                  err.message);
    PEER_RUN_UNTIL(bench.loop, done_count == 1);
    ck_assert_msg(done_error.code == ERROR_NONE, "%s", done_error.message);
    ck_assert_str_eq(token_seen, "canary-issued");
    ck_assert_str_eq(service.last_body, "client_secret=canary-secret");
}

static void exercise_provider(int which, enum placement placement)
{
    struct provider_port_options options = {.placement = placement,
                                            .watch = {tool_bench_misbehaved, &bench}};
    struct provider_port *port;
    struct error err = {0};
    char config[200];

    open_bench(which);
    setenv("SESAME_TEST_SECRET", "canary-secret", 1);
    snprintf(config, sizeof config,
             "{\"url\":\"%s/token\",\"secretVariable\":\"SESAME_TEST_SECRET\"}", service.url);
    options.home = (struct plugin_home){bench.loop, bench.http, NULL};
    options.config_json = config;
    options.library = plugin_library_open(
        bench.catalogue, plugin_catalogue_find(bench.catalogue, "everything"), &err);
    ck_assert_msg(options.library != NULL, "%s", err.message);
    port = provider_port_new(&options, &err);
    ck_assert_msg(port != NULL, "%s", err.message);
    fetch_token(port);
    provider_port_free(port);
    close_bench();
}

/* ---- both binaries --------------------------------------------------------------------------- */

static int binary_count(void)
{
#ifdef __x86_64__
    return 2;
#else
    return 1; /* the one in the repository is for x86-64 */
#endif
}

START_TEST(a_tool_of_contract_1_0_works_in_every_placement)
{
    for (int which = 0; which < binary_count(); which++) {
        exercise_tool(which, PLACEMENT_INLINE);
        exercise_tool(which, PLACEMENT_THREAD);
        exercise_tool(which, PLACEMENT_PROCESS);
    }
}
END_TEST

START_TEST(a_provider_of_contract_1_0_works_inline_and_on_a_thread)
{
    for (int which = 0; which < binary_count(); which++) {
        exercise_provider(which, PLACEMENT_INLINE);
        exercise_provider(which, PLACEMENT_THREAD);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_tool_of_contract_1_0_works_in_every_placement,
        a_provider_of_contract_1_0_works_inline_and_on_a_thread,
        NULL,
    };

    return run_tests("frozen", tests, NULL, NULL);
}
