/* A program's output becomes a secret; whatever else it does is an error that names it. */
#include "base/program.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"

#include "../support/run.h"

#include <string.h>

static struct secret *run_shell(const char *script, int64_t timeout_ms, struct error *err)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};

    return secret_from_program(argv, timeout_ms, err);
}

START_TEST(the_output_is_the_secret)
{
    struct error err = {0};
    struct secret *secret = run_shell("printf 'canary-%s' secret; env", 5000, &err);

    ck_assert_msg(secret != NULL, "%s", err.message);
    /* The shell makes PWD itself; nothing of ours is there. */
    ck_assert_int_eq(strncmp(secret_borrow(secret, NULL), "canary-secretPWD=", 17), 0);
    ck_assert_ptr_null(strstr(secret_borrow(secret, NULL), "SESAME"));
    secret_free(secret);
}
END_TEST

START_TEST(failures_name_the_program_and_nothing_else)
{
    static const struct {
        const char *script, *reason;
        enum error_code code;
    } rows[] = {
        {"echo canary; exit 3", "it ended with status 3", ERROR_UPSTREAM},
        {"echo canary; kill -9 $$", "it was ended by signal 9", ERROR_UPSTREAM},
        {": canary", "it printed nothing", ERROR_UPSTREAM},
        {"head -c 70000 /dev/zero # canary", "more than the limit", ERROR_LIMIT},
    };

    setenv("SESAME_LEAK", "child-canary", 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error err = {0};

        ck_assert_ptr_null(run_shell(rows[i].script, 5000, &err));
        ck_assert_msg(err.code == rows[i].code && strstr(err.message, rows[i].reason) != NULL &&
                          strstr(err.message, "the program /bin/sh: ") == err.message,
                      "%s: %s", rows[i].script, err.message);
        ck_assert_ptr_null(strstr(err.message, "canary"));
    }
}
END_TEST

START_TEST(a_program_that_does_not_end_is_killed)
{
    /* One that keeps its output open, and one that closes it and stays. */
    static const char *const scripts[] = {"exec sleep 60", "exec >&-; exec sleep 60"};

    for (size_t i = 0; i < 2; i++) {
        struct error err = {0};
        int64_t before_ms = clock_monotonic_ms();

        ck_assert_ptr_null(run_shell(scripts[i], 100, &err));
        ck_assert_int_eq(err.code, ERROR_TIMED_OUT);
        ck_assert_int_lt(clock_monotonic_ms() - before_ms, 30000);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_output_is_the_secret,
        failures_name_the_program_and_nothing_else,
        a_program_that_does_not_end_is_killed,
        NULL,
    };

    return run_tests("program", tests, NULL, NULL);
}
