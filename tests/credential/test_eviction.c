/* Locked memory runs full: the least recently used cached secret goes and is fetched again. */
#include "credential/broker.h"
#include "credential/credential_client.h"
#include "credential/keep.h"

#include "base/error.h"
#include "base/secret.h"
#include "base/text.h"
#include "config/host_config.h"
#include "net/http_client.h"
#include "net/loop.h"

#include "../support/peer.h"
#include "../support/provider.h"
#include "../support/run.h"

#include <pthread.h>
#include <stdatomic.h>

#define ARENA_BYTES ((size_t)32 * 1024)
#define TOKEN_BYTES 2000
#define CREDENTIAL_COUNT 40 /* more than twice what the arena holds */

static struct loop *loop;
static struct http_client *http;
static struct broker *broker;
static struct credential_client *worker;
static struct scripted_provider provider;
static struct credential_config configs[CREDENTIAL_COUNT];
static char names[CREDENTIAL_COUNT][16], scopes[CREDENTIAL_COUNT][40];

/* A token that says whose it is, as long as a real one. */
static void answer(struct scripted_provider *scripted, struct scripted_fetch *fetch)
{
    char token[TOKEN_BYTES];

    (void)scripted;
    memset(token, 'x', sizeof token);
    memcpy(token, fetch->scope, strlen(fetch->scope));
    provider_give(fetch, token, sizeof token, 1200);
}

static void set_up(void)
{
    struct broker_options options = {.credentials = configs,
                                     .credential_count = CREDENTIAL_COUNT,
                                     .provider = provider_table(&provider),
                                     .developer_api_endpoint = "",
                                     .instance_id = "",
                                     .vault_scope = ""};
    struct secret_report report;
    struct error err = {0};

    ck_assert_msg(secret_arena_open(ARENA_BYTES, true, &report, &err), "%s", err.message);
    for (int i = 0; i < CREDENTIAL_COUNT; i++) {
        snprintf(names[i], sizeof names[i], "c%d", i);
        snprintf(scopes[i], sizeof scopes[i], "svc|%02d", i);
        configs[i] = (struct credential_config){
            .name = names[i], .kind = CREDENTIAL_ACCESS_TOKEN, .scope = scopes[i]};
    }
    loop = loop_new(&err);
    http = http_client_new(loop, NULL, &err);
    provider = (struct scripted_provider){.loop = loop, .answer = answer};
    broker = broker_new(loop, http, &options, &err);
    ck_assert_msg(broker != NULL, "%s", err.message);
    worker = credential_client_new(broker, loop, &err);
    ck_assert_msg(worker != NULL, "%s", err.message);
    loop_run_once(loop, 0);
}

static void tear_down(void)
{
    struct secret_usage usage;

    credential_client_free(worker);
    for (int i = 0; i < 3; i++)
        loop_run_once(loop, 0);
    broker_free(broker);
    http_client_free(http);
    for (int i = 0; i < 3; i++)
        loop_run_once(loop, 0);
    loop_free(loop);
    secret_arena_usage(&usage);
    ck_assert_uint_eq(usage.count, 0);
    secret_arena_close();
}

static int ready_count;

static void on_ready(void *arg, const struct credential *credential, const struct error *err)
{
    const char *scope = arg;

    ck_assert_msg(credential != NULL, "%s", err == NULL ? "" : err->message);
    ck_assert_uint_eq(secret_len(credential->secret), TOKEN_BYTES);
    ck_assert_int_eq(memcmp(secret_borrow(credential->secret, NULL), scope, strlen(scope)), 0);
    ready_count++;
}

static void use(int index)
{
    struct credential_wait *wait;

    ready_count = 0;
    wait = credential_get(worker, &configs[index], NULL, 0, on_ready, scopes[index]);
    if (wait != NULL)
        PEER_RUN_UNTIL(loop, ready_count == 1);
    ck_assert_int_eq(ready_count, 1);
}

START_TEST(more_tokens_than_fit_are_all_had_one_after_the_other)
{
    struct secret_usage usage;

    for (int round = 0; round < 3; round++)
        for (int i = 0; i < CREDENTIAL_COUNT; i++) {
            use(i);
            secret_arena_usage(&usage);
            ck_assert_uint_le(usage.used_bytes, ARENA_BYTES);
        }
    /* Each was evicted before its next use. */
    ck_assert_int_eq(provider.fetches, 3 * CREDENTIAL_COUNT);
}
END_TEST

START_TEST(what_is_used_stays_and_what_is_not_goes)
{
    for (int i = 0; i < CREDENTIAL_COUNT; i++) {
        use(0);
        use(i);
    }
    ck_assert_int_eq(provider.fetches, CREDENTIAL_COUNT);
    use(CREDENTIAL_COUNT - 1);
    ck_assert_int_eq(provider.fetches, CREDENTIAL_COUNT);
    use(1);
    ck_assert_int_eq(provider.fetches, CREDENTIAL_COUNT + 1);
}
END_TEST

START_TEST(all_at_once_get_theirs_although_some_are_evicted_before_they_arrive)
{
    int waiting = 0;

    ready_count = 0;
    for (int i = 0; i < CREDENTIAL_COUNT; i++)
        waiting += credential_get(worker, &configs[i], NULL, 0, on_ready, scopes[i]) != NULL;
    ck_assert_int_eq(waiting, CREDENTIAL_COUNT);
    PEER_RUN_UNTIL(loop, ready_count == CREDENTIAL_COUNT);
}
END_TEST

START_TEST(an_evicted_token_is_not_refreshed_before_somebody_wants_it)
{
    for (int i = 0; i < CREDENTIAL_COUNT; i++)
        use(i);
    for (int i = 0; i < 10; i++) {
        broker_run_due(broker);
        loop_run_once(loop, 0);
    }
    ck_assert_int_eq(provider.fetches, CREDENTIAL_COUNT);
}
END_TEST

START_TEST(other_secrets_make_cached_ones_go_too)
{
    struct secret *mine[16];
    struct error err = {0};
    size_t count = 0;

    for (int i = 0; i < 10; i++)
        use(i);
    while (count < 16 && (mine[count] = secret_new(TOKEN_BYTES, &err)) != NULL)
        count++;
    /* What is in use is nobody's to evict: then there is an error, and nothing outside the arena.
     */
    ck_assert_uint_ge(count, 14);
    ck_assert_str_eq(count == 16 ? "SecretMemoryFull" : err.name, "SecretMemoryFull");
    while (count > 0)
        secret_free(mine[--count]);
    use(0);
    ck_assert_int_eq(provider.fetches, 11);
}
END_TEST

/* ---- by itself, from many threads ------------------------------------------------------------ */

static struct keep *keep;
static struct kept *shared[8];
static atomic_int taken;

static void *take_and_fill(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20000; i++) {
        struct error ignored = {0};
        struct secret *secret = kept_take(shared[i % 8]);
        struct secret *other = secret_new(3000, &ignored);

        if (secret != NULL) {
            ck_assert_uint_eq(secret_len(secret), 3000);
            atomic_fetch_add(&taken, 1);
        }
        secret_free(secret);
        secret_free(other);
    }
    return NULL;
}

START_TEST(threads_that_take_and_threads_that_evict_do_no_harm)
{
    pthread_t threads[4];
    struct error err = {0};

    keep = keep_new(&err);
    for (int i = 0; i < 8; i++) {
        struct secret *secret = secret_new(3000, &err);

        ck_assert_msg(secret != NULL, "%s", err.message);
        shared[i] = keep_add(keep, secret, &err);
        secret_free(secret);
    }
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, take_and_fill, NULL), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_gt(atomic_load(&taken), 0);
    keep_free(keep);
    for (int i = 0; i < 8; i++)
        kept_free(shared[i]);
}
END_TEST

START_TEST(a_dropped_secret_is_gone_for_all_who_share_it)
{
    struct error err = {0};
    struct secret *secret = secret_copy("canary-0123456789", 17, &err);
    struct kept *kept, *other;

    keep = keep_new(&err);
    kept = keep_add(keep, secret, &err);
    other = kept_ref(kept);
    ck_assert(kept_is_there(other));
    kept_drop(kept);
    ck_assert(!kept_is_there(other));
    ck_assert_ptr_null(kept_take(other));
    ck_assert_str_eq(secret_borrow(secret, NULL), "canary-0123456789"); /* who has it uses it up */
    secret_free(secret);
    kept_free(kept);
    kept_free(other);
    keep_free(keep);
}
END_TEST

/* A reload: what the older host keeps goes first, and its end takes nothing from the newer one. */
START_TEST(of_two_that_keep_the_older_gives_first)
{
    struct error err = {0}, full = {0}, full_again = {0};
    struct secret *secret = secret_copy("canary-0123456789", 17, &err), *filler;
    struct keep *older = keep_new(&err), *newer = keep_new(&err);
    struct kept *olds = keep_add(older, secret, &err), *news = keep_add(newer, secret, &err);

    filler = secret_new(20000, &err);
    ck_assert_ptr_null(secret_new(20000, &full)); /* whatever goes */
    ck_assert(!kept_is_there(olds));
    ck_assert(!kept_is_there(news));
    kept_free(news);
    news = keep_add(newer, secret, &err);
    kept_free(olds);
    keep_free(older);
    ck_assert_ptr_null(secret_new(20000, &full_again));
    ck_assert(!kept_is_there(news));
    secret_free(filler);
    secret_free(secret);
    kept_free(news);
    keep_free(newer);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        more_tokens_than_fit_are_all_had_one_after_the_other,
        what_is_used_stays_and_what_is_not_goes,
        all_at_once_get_theirs_although_some_are_evicted_before_they_arrive,
        an_evicted_token_is_not_refreshed_before_somebody_wants_it,
        other_secrets_make_cached_ones_go_too,
        threads_that_take_and_threads_that_evict_do_no_harm,
        a_dropped_secret_is_gone_for_all_who_share_it,
        of_two_that_keep_the_older_gives_first,
        NULL,
    };

    return run_tests("eviction", tests, set_up, tear_down);
}
