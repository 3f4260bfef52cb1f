/* Credential providers in both placements: whatever they do, each fetch ends once and in time. */
#include "plugin/catalogue.h"
#include "plugin/provider_port.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "config/host_config.h"
#include "net/http_client.h"
#include "net/loop.h"

#include "../support/peer.h"
#include "../support/run.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum placement placement; /* of this run of the suite */
static char folder[64], pipe_path[100];
static int pipe_fd;
static struct loop *loop;
static struct http_client *http;
static struct plugin_catalogue *catalogue;
static struct provider_port *provider;
static struct credential_provider table;
static char misbehaviour[200];
static pthread_mutex_t misbehaviour_lock = PTHREAD_MUTEX_INITIALIZER;

static void on_misbehaviour(void *arg, const char *plugin_id, const char *kind)
{
    size_t used;

    (void)arg;
    ck_assert_str_eq(plugin_id, "provider");
    pthread_mutex_lock(&misbehaviour_lock);
    used = strlen(misbehaviour);
    snprintf(misbehaviour + used, sizeof misbehaviour - used, "%s ", kind);
    pthread_mutex_unlock(&misbehaviour_lock);
}

static bool has_misbehaved(const char *kinds)
{
    bool same;

    pthread_mutex_lock(&misbehaviour_lock);
    same = strcmp(misbehaviour, kinds) == 0;
    pthread_mutex_unlock(&misbehaviour_lock);
    return same;
}

static void install(void)
{
    const char *build = getenv("SESAME_TEST_BUILDDIR");
    char command[600], path[200];
    FILE *file;

    snprintf(path, sizeof path, "%s/provider.json", folder);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file,
            "{\"id\":\"provider\",\"file\":\"provider.so\",\"version\":\"1\",\"description\":\"d\","
            "\"interfaces\":[\"sesame.credential-provider/1\"],\"placement\":\"inline\"}");
    fclose(file);
    snprintf(command, sizeof command,
             "cp %s/.libs/fixture_provider.so %s/provider.so && chmod 0755 %s/provider.so",
             build == NULL ? "." : build, folder, folder);
    ck_assert_int_eq(system(command), 0);
}

static void set_up(void)
{
    struct error err = {0};

    snprintf(folder, sizeof folder, "/tmp/sesame-plugins-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    install();
    snprintf(pipe_path, sizeof pipe_path, "%s/pipe", folder);
    ck_assert_int_eq(mkfifo(pipe_path, 0600), 0);
    pipe_fd = open(pipe_path, O_RDWR | O_CLOEXEC); /* keeps what is written until it is read */
    ck_assert_int_ge(pipe_fd, 0);
    loop = loop_new(&err);
    loop_run_once(loop, 0);
    http = http_client_new(loop, NULL, &err);
    catalogue = plugin_catalogue_new(folder, NULL, &err);
    ck_assert_msg(catalogue != NULL, "%s", err.message);
    misbehaviour[0] = '\0';
}

static void close_provider(void)
{
    provider_port_free(provider);
    provider = NULL;
    for (int i = 0; i < 3; i++)
        loop_run_once(loop, 0);
}

static void tear_down(void)
{
    char command[100];
    struct secret_usage usage;

    close_provider();
    close(pipe_fd);
    plugin_catalogue_free(catalogue);
    http_client_free(http);
    for (int i = 0; i < 3; i++)
        loop_run_once(loop, 0);
    loop_free(loop);
    secret_arena_usage(&usage);
    ck_assert_uint_eq(usage.count, 0);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static struct provider_port *make(const char *behaviour, enum placement where, struct error *err)
{
    struct provider_port_options options = {
        .home = {loop, http, NULL}, .placement = where, .watch = {on_misbehaviour, NULL}};
    char config[300];

    snprintf(config, sizeof config, "{\"behaviour\":\"%s\",\"path\":\"%s\"}", behaviour, pipe_path);
    options.library =
        plugin_library_open(catalogue, plugin_catalogue_find(catalogue, "provider"), err);
    ck_assert_msg(options.library != NULL, "%s", err->message);
    options.config_json = config;
    return provider_port_new(&options, err);
}

static void open_provider(const char *behaviour)
{
    struct error err = {0};

    provider = make(behaviour, placement, &err);
    ck_assert_msg(provider != NULL, "%s", err.message);
    table = provider_port_table(provider);
}

/* ---- a fetch --------------------------------------------------------------------------------- */

static int done_count;
static char token_seen[100];
static int64_t lifetime_seen_s, retry_after_seen_ms;
static struct error done_error;

static void on_token(void *arg, const struct token_answer *answer, const struct error *err,
                     int64_t retry_after_ms)
{
    (void)arg;
    ck_assert(loop_is_own_thread(loop));
    done_count++;
    done_error = answer == NULL ? *err : (struct error){0};
    retry_after_seen_ms = retry_after_ms;
    token_seen[0] = '\0';
    if (answer == NULL)
        return;
    lifetime_seen_s = answer->expires_in_s;
    snprintf(token_seen, sizeof token_seen, "%s", secret_borrow(answer->token, NULL));
}

static struct token_fetch *start(int64_t timeout_ms, const char *subject_text)
{
    struct error err = {0};
    struct token_request request = {.scope = slice_of("a|b"),
                                    .audience = slice_of("a"),
                                    .values = slice_of("b"),
                                    .deadline_ms = clock_monotonic_ms() + timeout_ms};
    struct token_fetch *fetch;

    if (subject_text != NULL)
        request.subject = secret_copy(subject_text, strlen(subject_text), &err);
    done_count = 0;
    fetch = table.fetch(table.arg, &request, on_token, NULL, &err);
    secret_free(request.subject);
    ck_assert_msg(fetch != NULL, "%s", err.message);
    ck_assert_int_eq(done_count, 0);
    return fetch;
}

START_TEST(a_token_comes_whether_at_once_or_later)
{
    open_provider("later");
    for (int i = 0; i < 3; i++) {
        start(5000, NULL);
        PEER_RUN_UNTIL(loop, done_count == 1);
        ck_assert_str_eq(token_seen, "canary-token");
        ck_assert_int_eq(lifetime_seen_s, 600);
    }
    ck_assert(has_misbehaved(""));
}
END_TEST

START_TEST(the_users_token_reaches_the_provider_and_is_wiped_after_it)
{
    struct secret_usage usage;

    open_provider("subject");
    start(5000, "canary-users-token");
    PEER_RUN_UNTIL(loop, done_count == 1);
    ck_assert_str_eq(token_seen, "canary-users-token");
    close_provider();
    secret_arena_usage(&usage);
    ck_assert_uint_eq(usage.count, 0);
}
END_TEST

START_TEST(a_refusal_comes_with_its_reason)
{
    open_provider("refuses");
    start(5000, NULL);
    PEER_RUN_UNTIL(loop, done_count == 1);
    ck_assert_int_eq(done_error.code, ERROR_DENIED);
    ck_assert_str_eq(done_error.name, "invalid_client");
    ck_assert_int_eq(retry_after_seen_ms, 700);
}
END_TEST

START_TEST(a_second_completion_is_counted_and_does_nothing)
{
    open_provider("twice");
    start(5000, NULL);
    PEER_RUN_UNTIL(loop, done_count == 1);
    for (int i = 0; i < 5; i++)
        loop_run_once(loop, 1);
    ck_assert_int_eq(done_count, 1);
    ck_assert_str_eq(token_seen, "canary-token");
    ck_assert(has_misbehaved("completed_twice "));
}
END_TEST

START_TEST(success_without_a_token_is_a_failure)
{
    open_provider("empty");
    start(5000, NULL);
    PEER_RUN_UNTIL(loop, done_count == 1);
    ck_assert_int_eq(done_error.code, ERROR_INTERNAL);
    ck_assert(has_misbehaved("bad_result "));
}
END_TEST

START_TEST(at_its_deadline_a_fetch_is_cancelled_and_has_timed_out)
{
    open_provider("never");
    start(20, NULL);
    PEER_RUN_UNTIL(loop, done_count == 1);
    ck_assert_int_eq(done_error.code, ERROR_TIMED_OUT);
    ck_assert(has_misbehaved(""));
}
END_TEST

START_TEST(a_provider_that_never_completes_is_answered_for_and_counted)
{
    open_provider("deaf");
    start(20, NULL);
    PEER_RUN_UNTIL(loop, done_count == 1);
    ck_assert_int_eq(done_error.code, ERROR_TIMED_OUT);
    ck_assert(has_misbehaved("never_completed "));
}
END_TEST

START_TEST(a_cancelled_fetch_is_silent_and_its_completion_no_fault)
{
    open_provider("never");
    for (int i = 0; i < 3; i++)
        table.cancel(table.arg, start(60000, NULL));
    for (int i = 0; i < 10; i++)
        loop_run_once(loop, 1);
    close_provider();
    ck_assert_int_eq(done_count, 0);
    ck_assert(has_misbehaved(""));
}
END_TEST

START_TEST(a_provider_that_ends_before_it_has_completed_tells_nobody)
{
    open_provider("deaf");
    for (int i = 0; i < 3; i++)
        table.cancel(table.arg, start(60000, "canary-users-token"));
    for (int i = 0; i < 10; i++)
        loop_run_once(loop, 1);
    close_provider();
    ck_assert_int_eq(done_count, 0);
}
END_TEST

START_TEST(many_fetches_may_be_open_at_once)
{
    struct error err = {0};
    struct token_request request = {.scope = slice_of("a|b"),
                                    .deadline_ms = clock_monotonic_ms() + 5000};

    open_provider("later");
    done_count = 0;
    for (int i = 0; i < 500; i++)
        ck_assert_ptr_nonnull(table.fetch(table.arg, &request, on_token, NULL, &err));
    PEER_RUN_UNTIL(loop, done_count == 500);
}
END_TEST

/* ---- blocking, on a thread only -------------------------------------------------------------- */

static void write_pipe(const char *line)
{
    ck_assert_int_eq(write(pipe_fd, line, strlen(line)), (ssize_t)strlen(line));
}

START_TEST(a_provider_that_blocks_leaves_the_brokers_loop_free)
{
    if (placement == PLACEMENT_INLINE)
        return;
    open_provider("pipe");
    start(30000, NULL);
    for (int i = 0; i < 50; i++)
        loop_run_once(loop, 0);
    ck_assert_int_eq(done_count, 0);
    write_pipe("canary-from-the-pipe\n");
    PEER_RUN_UNTIL(loop, done_count == 1);
    ck_assert_str_eq(token_seen, "canary-from-the-pipe");
}
END_TEST

START_TEST(a_provider_that_blocks_sees_that_it_is_cancelled)
{
    if (placement == PLACEMENT_INLINE)
        return;
    open_provider("works");
    table.cancel(table.arg, start(60000, NULL));
    /* The next one is served although the first blocked, and ends at its deadline. */
    start(20, NULL);
    PEER_RUN_UNTIL(loop, done_count == 1);
    ck_assert_int_eq(done_error.code, ERROR_TIMED_OUT);
    ck_assert(has_misbehaved(""));
}
END_TEST

START_TEST(a_provider_that_blocks_beyond_its_deadline_is_answered_for)
{
    if (placement == PLACEMENT_INLINE)
        return;
    open_provider("pipe");
    start(20, NULL);
    PEER_RUN_UNTIL(loop, done_count == 1);
    ck_assert_int_eq(done_error.code, ERROR_TIMED_OUT);
    ck_assert(has_misbehaved("never_completed "));
    write_pipe("canary-too-late\n");
    start(30000, NULL);
    write_pipe("canary-in-time\n");
    PEER_RUN_UNTIL(loop, done_count == 1);
    ck_assert_str_eq(token_seen, "canary-in-time");
}
END_TEST

/* ---- placements ------------------------------------------------------------------------------ */

START_TEST(a_provider_must_be_placed_where_it_may_have_secrets)
{
    struct error err = {0};

    ck_assert_ptr_null(make("later", PLACEMENT_PROCESS, &err));
    ck_assert_ptr_nonnull(strstr(err.message, "placed \"process\", expected inline or thread"));
    error_clear(&err);
    ck_assert_ptr_null(make("later", PLACEMENT_DEFAULT, &err));
    ck_assert_ptr_nonnull(strstr(err.message, "plugins.settings.provider.placement"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_token_comes_whether_at_once_or_later,
        the_users_token_reaches_the_provider_and_is_wiped_after_it,
        a_refusal_comes_with_its_reason,
        a_second_completion_is_counted_and_does_nothing,
        success_without_a_token_is_a_failure,
        at_its_deadline_a_fetch_is_cancelled_and_has_timed_out,
        a_provider_that_never_completes_is_answered_for_and_counted,
        a_cancelled_fetch_is_silent_and_its_completion_no_fault,
        a_provider_that_ends_before_it_has_completed_tells_nobody,
        many_fetches_may_be_open_at_once,
        a_provider_that_blocks_leaves_the_brokers_loop_free,
        a_provider_that_blocks_sees_that_it_is_cancelled,
        a_provider_that_blocks_beyond_its_deadline_is_answered_for,
        a_provider_must_be_placed_where_it_may_have_secrets,
        NULL,
    };
    int failed;

    placement = PLACEMENT_INLINE;
    failed = run_tests("providers inline", tests, set_up, tear_down);
    placement = PLACEMENT_THREAD;
    return run_tests("providers on a thread", tests, set_up, tear_down) | failed;
}
