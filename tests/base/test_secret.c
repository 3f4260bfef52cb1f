/* Secret memory: locked, wiped, bounded; and the environment it is taken from. */
#include "base/secret.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/secret_arena.h"

#include "../support/run.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>

static void setup(void)
{
    struct secret_report report;
    struct error err = {0};

    ck_assert_msg(secret_arena_open(64 * 1024, true, &report, &err), "%s", err.message);
    ck_assert(report.is_locked);
    ck_assert(report.is_dontdump || report.is_memfd_secret);
}

static void teardown(void)
{
    struct secret_usage usage;

    secret_environment_clear();
    secret_arena_usage(&usage);
    ck_assert_uint_eq(usage.count, 0);
    secret_arena_close();
}

START_TEST(the_bytes_are_wiped_when_the_last_reference_goes)
{
    struct error err = {0};
    struct secret *secret = secret_copy("canary-0123456789", 17, &err);
    const char *bytes = secret_borrow(secret, NULL);

    secret_ref(secret);
    secret_free(secret);
    ck_assert_str_eq(bytes, "canary-0123456789");
    secret_free(secret);
    for (int i = 0; i < 17; i++)
        ck_assert_int_eq(bytes[i], 0);
}
END_TEST

START_TEST(a_full_arena_refuses_and_recovers)
{
    struct secret *kept[200];
    struct error err = {0};
    size_t count = 0;

    while (count < 200 && (kept[count] = secret_new(1000, &err)) != NULL)
        count++;
    ck_assert_uint_lt(count, 200);
    ck_assert_int_eq(err.code, ERROR_LIMIT);
    for (size_t i = 0; i < count; i += 2)
        secret_free(kept[i]);
    error_clear(&err);
    ck_assert_ptr_null(secret_new(5000, &err));
    for (size_t i = 1; i < count; i += 2)
        secret_free(kept[i]);
    error_clear(&err);
    kept[0] = secret_new(60000, &err);
    ck_assert_ptr_nonnull(kept[0]);
    secret_free(kept[0]);
}
END_TEST

static struct secret *victim;
static bool evict(void *arg, size_t want_bytes)
{
    ck_assert_ptr_eq(arg, &victim);
    ck_assert_uint_gt(want_bytes, 50000);
    if (victim == NULL)
        return false;
    secret_free(TAKE(victim));
    return true;
}

START_TEST(the_owner_of_a_cache_is_asked_to_evict)
{
    struct error err = {0};
    struct secret *second;

    secret_arena_on_full(evict, &victim);
    victim = secret_new(50000, &err);
    second = secret_new(50000, &err);
    ck_assert_ptr_nonnull(second);
    ck_assert_ptr_null(victim);
    ck_assert_ptr_null(secret_new(50000, &err));
    secret_free(second);
}
END_TEST

START_TEST(a_variable_may_name_a_file_instead)
{
    char path[] = "/tmp/sesame-secret-XXXXXX";
    struct error err = {0};
    struct secret *secret;
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "from-a-file\n", 12), 12);
    close(fd);
    setenv("SESAME_CANARY_FILE", path, 1);
    secret = secret_from_environment("SESAME_CANARY", &err);
    ck_assert_ptr_nonnull(secret);
    ck_assert_str_eq(secret_borrow(secret, NULL), "from-a-file");
    secret_free(secret);
    /* The variable itself comes first. */
    setenv("SESAME_CANARY", "directly", 1);
    secret = secret_from_environment("SESAME_CANARY", &err);
    ck_assert_str_eq(secret_borrow(secret, NULL), "directly");
    secret_free(secret);
    unlink(path);
    setenv("SESAME_CANARY_3_FILE", path, 1);
    ck_assert_ptr_null(secret_from_environment("SESAME_CANARY_3", &err));
    ck_assert_msg(strstr(err.message, "SESAME_CANARY_3_FILE") != NULL, "%s", err.message);
    ck_assert_ptr_nonnull(strstr(err.message, path));
}
END_TEST

START_TEST(an_environment_variable_is_gone_from_the_block_the_kernel_shows)
{
    CLEANUP(secret_cleanup) struct secret *secret = NULL;
    struct error err = {0};
    static char block[] = "SESAME_CANARY=env-canary-93571";

    ck_assert_int_eq(putenv(block), 0);
    secret = secret_from_environment("SESAME_CANARY", &err);
    ck_assert_str_eq(secret_borrow(secret, NULL), "env-canary-93571");
    ck_assert_ptr_null(getenv("SESAME_CANARY"));
    ck_assert_ptr_null(memmem(block, sizeof block, "env-canary", 10));
}
END_TEST

/* Two providers may name one variable, and a reload names it again. */
START_TEST(an_environment_variable_that_was_taken_can_be_named_again)
{
    CLEANUP(secret_cleanup) struct secret *first = NULL, *again = NULL, *changed = NULL;
    struct error err = {0};

    ck_assert(!secret_environment_has("SESAME_CANARY_2"));
    ck_assert_ptr_null(secret_from_environment("SESAME_CANARY_2", &err));
    ck_assert_int_eq(err.code, ERROR_NONE);
    setenv("SESAME_CANARY_2", "env-canary-1\n", 1);
    first = secret_from_environment("SESAME_CANARY_2", &err);
    again = secret_from_environment("SESAME_CANARY_2", &err);
    ck_assert_str_eq(secret_borrow(first, NULL), "env-canary-1");
    ck_assert_ptr_eq(first, again);
    ck_assert(secret_environment_has("SESAME_CANARY_2"));
    setenv("SESAME_CANARY_2", "env-canary-2", 1);
    changed = secret_from_environment("SESAME_CANARY_2", &err);
    ck_assert_str_eq(secret_borrow(changed, NULL), "env-canary-2");
}
END_TEST

START_TEST(a_file_is_read_without_its_last_line_end)
{
    char path[] = "/tmp/sesame-secret-XXXXXX";
    CLEANUP(cleanup_close) int fd = mkstemp(path);
    CLEANUP(secret_cleanup) struct secret *secret = NULL;
    struct error err = {0};

    ck_assert_int_eq(write(fd, "file-canary\r\n", 13), 13);
    secret = secret_from_file(path, &err);
    ck_assert_str_eq(secret_borrow(secret, NULL), "file-canary");
    unlink(path);
    ck_assert_ptr_null(secret_from_file(path, &err));
    ck_assert_int_eq(err.code, ERROR_NOT_FOUND);
}
END_TEST

START_TEST(a_builder_grows_inside_the_arena_up_to_its_limit)
{
    struct secret_builder builder;
    struct error err = {0};
    struct secret *secret;

    secret_builder_init(&builder, 2000);
    for (int i = 0; i < 20; i++)
        ck_assert(
            secret_builder_add(&builder, "0123456789012345678901234567890123456789", 40, &err));
    ck_assert(!secret_builder_add(&builder, (char[1201]){0}, 1201, &err));
    error_clear(&err);
    secret = secret_builder_take(&builder, &err);
    ck_assert_uint_eq(secret_len(secret), 800);
    secret_free(secret);
}
END_TEST

START_TEST(text_that_holds_a_secret_is_found_and_scrubbed)
{
    struct error err = {0};
    CLEANUP(secret_cleanup) struct secret *secret = secret_copy("sk-canary-42", 12, &err);
    CLEANUP(secret_cleanup) struct secret *small = secret_copy("abc", 3, &err);
    char text[] = "key sk-canary-42, again sk-canary-42, abc";

    ck_assert(secret_occurs_in(text, sizeof text - 1, false));
    ck_assert(secret_occurs_in(text, sizeof text - 1, true));
    ck_assert_str_eq(text, "key ************, again ************, abc");
    ck_assert(!secret_occurs_in(text, sizeof text - 1, true));
}
END_TEST

START_TEST(a_long_secret_is_found_whole_only_wherever_it_stands)
{
    struct error err = {0};
    CLEANUP(secret_cleanup)
    struct secret *secret = secret_copy("eyJhbGciOiJSUzI1NiJ9.body.0123456789abcdef", 42, &err);
    /* Its end alone, then all of it behind a near miss, then again at the very end. */
    char text[] =
        "0123456789abcdef eyJhbGciOiJSUzI1NiJ9.bodX.0123456789abcdef"
        "eyJhbGciOiJSUzI1NiJ9.body.0123456789abcdef+"
        "eyJhbGciOiJSUzI1NiJ9.body.0123456789abcdef";
    char cut[] = "yJhbGciOiJSUzI1NiJ9.body.0123456789abcdef and eyJhbGciOiJSUzI1NiJ9.body.0123456";

    ck_assert(secret_occurs_in(text, sizeof text - 1, true));
    ck_assert_str_eq(text,
                     "0123456789abcdef eyJhbGciOiJSUzI1NiJ9.bodX.0123456789abcdef"
                     "******************************************+"
                     "******************************************");
    ck_assert(!secret_occurs_in(cut, sizeof cut - 1, true));
    ck_assert_uint_eq(secret_len(secret), 42);
}
END_TEST

START_TEST(fingerprints_tell_secrets_apart_and_repeat)
{
    struct error err = {0};
    CLEANUP(secret_cleanup) struct secret *a = secret_copy("one", 3, &err);
    CLEANUP(secret_cleanup) struct secret *b = secret_join("o", a, "", &err);
    char first[13], again[13], other[13];

    secret_fingerprint(a, first);
    secret_fingerprint(a, again);
    secret_fingerprint(b, other);
    ck_assert_str_eq(first, again);
    ck_assert_str_ne(first, other);
    ck_assert(!secret_equal(a, b));
}
END_TEST

static void *churn(void *arg)
{
    struct error err = {0};

    for (unsigned i = 0; i < 3000; i++) {
        struct secret *one = secret_new(1 + i * 7 % 900, &err);
        struct secret *two = secret_new(1 + i * 13 % 300, &err);

        memset(secret_edit(one, NULL), *(const char *)arg, secret_len(one));
        secret_free(two);
        for (size_t j = 0; j < secret_len(one); j++)
            ck_assert_int_eq(secret_borrow(one, NULL)[j], *(const char *)arg);
        secret_free(one);
    }
    return NULL;
}

START_TEST(threads_share_the_arena)
{
    char letters[4] = "abcd";
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, churn, &letters[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_bytes_are_wiped_when_the_last_reference_goes,
        a_full_arena_refuses_and_recovers,
        the_owner_of_a_cache_is_asked_to_evict,
        an_environment_variable_is_gone_from_the_block_the_kernel_shows,
        an_environment_variable_that_was_taken_can_be_named_again,
        a_variable_may_name_a_file_instead,
        a_file_is_read_without_its_last_line_end,
        a_builder_grows_inside_the_arena_up_to_its_limit,
        text_that_holds_a_secret_is_found_and_scrubbed,
        a_long_secret_is_found_whole_only_wherever_it_stands,
        fingerprints_tell_secrets_apart_and_repeat,
        threads_share_the_arena,
        NULL,
    };

    return run_tests("secret", tests, setup, teardown);
}
