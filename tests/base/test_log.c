/* The log: one line a record, whole, escaped, scrubbed, and never waiting for its reader. */
#include "base/log.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/secret.h"

#include "../support/run.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

static int pipe_fds[2];
static char seen[1 << 20];

static void setup(void)
{
    ck_assert_int_eq(pipe(pipe_fds), 0);
    fcntl(pipe_fds[1], F_SETPIPE_SZ, 1 << 20);
}

static void teardown(void)
{
    close(pipe_fds[0]);
}

static size_t read_all(void)
{
    size_t len = 0;
    ssize_t got;

    log_close();
    close(pipe_fds[1]);
    while ((got = read(pipe_fds[0], seen + len, sizeof seen - 1 - len)) > 0)
        len += (size_t)got;
    seen[len] = '\0';
    return len;
}

START_TEST(a_json_record_is_one_strict_json_line)
{
    struct error err = {0};
    size_t len;

    ck_assert(log_open(pipe_fds[1], LOG_FORMAT_JSON, LOG_INFO, &err));
    log_info("net", "a \"quoted\"\nline", LOG_TEXT("who", "x\x01\xff"), LOG_INT("count", -7),
             LOG_BOOL("ok", true), LOG_BYTES("part", "abcdef", 3), LOG_TEXT("none", NULL));
    log_debug("net", "not shown");
    len = read_all();
    ck_assert_int_eq(seen[len - 1], '\n');
    ck_assert_msg(json_check(seen, len, 4, &err), "%s in %s", err.message, seen);
    ck_assert_ptr_nonnull(strstr(seen, "\"count\":-7,\"ok\":true,\"part\":\"abc\",\"none\":null}"));
    ck_assert_ptr_null(strstr(seen, "not shown"));
    ck_assert_ptr_eq(memchr(seen, '\n', len), seen + len - 1);
}
END_TEST

START_TEST(a_text_record_keeps_to_its_line)
{
    struct error err = {0};

    ck_assert(log_open(pipe_fds[1], LOG_FORMAT_TEXT, LOG_DEBUG, &err));
    log_warn("core", "first\nsecond", LOG_TEXT("path", "/x y"));
    read_all();
    ck_assert_ptr_nonnull(strstr(seen, " warn  core: first\\nsecond path=\"/x y\"\n"));
}
END_TEST

START_TEST(a_secret_never_reaches_the_log)
{
    struct error err = {0};
    CLEANUP(secret_cleanup) struct secret *secret = secret_copy("log-canary-55", 13, &err);

    ck_assert(log_open(pipe_fds[1], LOG_FORMAT_JSON, LOG_INFO, &err));
    log_error("core", "value log-canary-55 here", LOG_TEXT("v", "log-canary-55"));
    read_all();
    ck_assert_ptr_null(strstr(seen, "canary"));
    ck_assert_ptr_nonnull(strstr(seen, "value ************* here"));
}
END_TEST

START_TEST(what_is_too_long_loses_its_fields_and_says_so)
{
    static char value[3000], message[3000];
    static const enum log_format formats[] = {LOG_FORMAT_JSON, LOG_FORMAT_TEXT};
    static const char *const lines[] = {
        "{\"level\":\"error\",\"area\":\"log\",\"msg\":\"a record is lost: too long\"}\n",
        "error log: a record is lost: too long\n"};
    struct error err = {0};

    memset(value, 'x', sizeof value - 1);
    memset(message, '\x01', sizeof message - 1); /* six characters each, so too long alone */
    for (int i = 0; i < 2; i++) {
        if (i > 0) {
            teardown();
            setup();
        }
        ck_assert(log_open(pipe_fds[1], formats[i], LOG_INFO, &err));
        log_info("net", "kept", LOG_TEXT("a", value), LOG_TEXT("b", value), LOG_TEXT("c", value));
        log_info("net", message, LOG_TEXT("a", value));
        read_all();
        ck_assert_ptr_nonnull(strstr(seen, "kept"));
        ck_assert_ptr_nonnull(strstr(seen, i == 0 ? ",\"cut\":true}\n" : " cut=true\n"));
        ck_assert_str_eq(strchr(seen, '\n') + 1, lines[i]);
    }
}
END_TEST

static void *log_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < 200; i++)
        log_info("thread", "record", LOG_INT("i", i));
    return NULL;
}

START_TEST(records_of_many_threads_stay_whole)
{
    struct error err = {0};
    pthread_t threads[4];
    size_t lines = 0;

    ck_assert(log_open(pipe_fds[1], LOG_FORMAT_JSON, LOG_INFO, &err));
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, log_many, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    read_all();
    for (char *line = seen, *end; (end = strchr(line, '\n')) != NULL; line = end + 1, lines++)
        ck_assert(json_check(line, (size_t)(end - line), 4, &err));
    ck_assert_uint_eq(lines, 800);
}
END_TEST

START_TEST(a_reader_that_does_not_read_costs_records_and_not_time)
{
    char filler[2000];
    struct error err = {0};

    memset(filler, 'x', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    fcntl(pipe_fds[1], F_SETPIPE_SZ, 4096);
    ck_assert(log_open(pipe_fds[1], LOG_FORMAT_JSON, LOG_INFO, &err));
    for (int i = 0; i < 300; i++)
        log_info("flood", filler);
    ck_assert_uint_gt(log_dropped_count(), 0);
    close(pipe_fds[0]);
    signal(SIGPIPE, SIG_IGN);
    log_close();
    close(pipe_fds[1]);
    pipe_fds[0] = -1;
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_json_record_is_one_strict_json_line,
        a_text_record_keeps_to_its_line,
        a_secret_never_reaches_the_log,
        what_is_too_long_loses_its_fields_and_says_so,
        records_of_many_threads_stay_whole,
        a_reader_that_does_not_read_costs_records_and_not_time,
        NULL,
    };

    return run_tests("log", tests, setup, teardown);
}
