/* Runs an operation with every single allocation failing in turn. */
#include "torture.h"

#include "base/error.h"
#include "base/secret.h"

#include "allocator.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#define NTH_MAX 20000

static const char *running;
static const char *mode_name;
static const char *broken; /* what did not hold */
static bool counts_blocks;

/* Says where it was, then lets the signal do its work. Only calls that are safe in a handler. */
static void on_crash(int number)
{
    char text[200];
    int len = snprintf(text, sizeof text, "torture: %s: crashed by allocation %zu (%s)\n", running,
                       torture_nth(), mode_name);

    if (len > 0 && write(STDERR_FILENO, text, (size_t)len) < 0)
        return;
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

void torture_expect(bool holds, const char *what)
{
    if (!holds && broken == NULL)
        broken = what;
}

static size_t secrets_now(void)
{
    struct secret_usage usage;

    secret_arena_usage(&usage);
    return usage.count;
}

static void expect_success(bool (*run)(struct error *err))
{
    struct error err = {0};
    bool ok = run(&err);

    ck_assert_msg(ok, "%s fails although there is memory: %s", running, err.message);
    ck_assert_msg(broken == NULL, "%s: does not hold: %s", running, broken);
    OPENSSL_thread_stop();
}

static void fail_each(bool (*run)(struct error *err), enum torture_mode mode)
{
    size_t secrets = secrets_now(), nth = 0, refused = 0;
    bool has_failed = true;

    while (has_failed) {
        long blocks = torture_live_blocks();
        struct error err = {0};
        bool ok;

        ck_assert_uint_lt(++nth, NTH_MAX);
        if (getenv("TORTURE_SHOW") != NULL)
            fprintf(stderr, "n %zu\n", nth);
        torture_arm(nth, mode);
        ok = run(&err);
        has_failed = torture_disarm();
        OPENSSL_thread_stop(); /* its error queue keeps texts */
        refused += !ok;
        ck_assert_msg(broken == NULL, "%s: allocation %zu (%s): does not hold: %s", running, nth,
                      mode_name, broken);
        ck_assert_msg(ok || has_failed, "%s: fails without a cause: %s", running, err.message);
        ck_assert_msg(ok || (err.code != ERROR_NONE && err.message[0] != '\0'),
                      "%s: allocation %zu (%s): it failed and said nothing", running, nth,
                      mode_name);
        ck_assert_msg(strstr(err.message, TORTURE_CANARY) == NULL, "%s: %s", running, err.message);
        ck_assert_msg(secrets_now() == secrets, "%s: allocation %zu (%s): %zu secrets are left",
                      running, nth, mode_name, secrets_now() - secrets);
        ck_assert_msg(!counts_blocks || torture_live_blocks() == blocks,
                      "%s: allocation %zu (%s): %ld blocks are left (%s)", running, nth, mode_name,
                      torture_live_blocks() - blocks, ok ? "it succeeded" : err.message);
    }
    /* An operation that allocates and never notices a failure is not tested. */
    ck_assert_msg(nth == 1 || refused > 0, "%s: no failure was ever noticed", running);
    printf("torture: %s: %zu allocations (%s), %zu refused\n", running, nth - 1, mode_name,
           refused);
}

static void torture_all(const char *name, bool (*run)(struct error *err))
{
    running = name;
    mode_name = "alone";
    (void)signal(SIGSEGV, on_crash);
    (void)signal(SIGBUS, on_crash);
    (void)signal(SIGABRT, on_crash);
    expect_success(run);
    expect_success(run);
    fail_each(run, TORTURE_ONCE);
    expect_success(run);
    mode_name = "and all behind it";
    fail_each(run, TORTURE_FROM_ON);
    expect_success(run);
}

void torture(const char *name, bool (*run)(struct error *err))
{
    counts_blocks = true;
    torture_all(name, run);
}

void torture_lossy(const char *name, bool (*run)(struct error *err))
{
    counts_blocks = false;
    torture_all(name, run);
}
