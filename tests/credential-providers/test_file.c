/* The file plugin: mounted credentials, their expiry, and files that change. */
#include "bench.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/text.h"

#include "../support/run.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64];

static const char *path_of(const char *name)
{
    static char path[200];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "we");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    fclose(file);
}

/* A JWT that expires in `seconds`; nobody looks at its signature. */
static void write_jwt(const char *name, int64_t seconds)
{
    char claims[100], text[300];
    struct buffer encoded;
    struct error err = {0};

    buffer_init(&encoded, 300);
    snprintf(claims, sizeof claims, "{\"sub\":\"\xc3\xa9\",\"exp\":%lld}",
             (long long)(clock_wall_s() + seconds));
    ck_assert(base64url_encode(claims, strlen(claims), &encoded, &err));
    snprintf(text, sizeof text, "eyJhbGciOiJub25lIn0.%s.c2ln\n", encoded.data);
    write_file(name, text);
    buffer_clear(&encoded);
}

static void set_up(void)
{
    bench_set_up();
    snprintf(directory, sizeof directory, "/tmp/sesame-file-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void tear_down(void)
{
    static const char *const names[] = {"key", "token", "json"};

    bench_tear_down();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(path_of(names[i]));
    rmdir(directory);
}

static bool try_plugin(const char *members, struct error *err)
{
    char config[400];

    snprintf(config, sizeof config, "{%s}", members);
    return bench_try_plugin("file", config, err);
}

static void open_directory(const char *more)
{
    char members[300];
    struct error err = {0};

    snprintf(members, sizeof members, "\"directory\":\"%s\"%s", directory, more);
    ck_assert_msg(try_plugin(members, &err), "%s", err.message);
}

static void expect_failure(const char *scope, const char *name, const char *text)
{
    bench_fetch(scope, NULL);
    ck_assert_str_eq(bench.err.name, name);
    ck_assert_msg(strstr(bench.err.message, text) != NULL, "%s", bench.err.message);
    ck_assert_str_eq(bench.token, "");
}

START_TEST(the_scope_is_the_name_of_the_file)
{
    write_file("key", "canary-key-1\r\n");
    open_directory("");
    bench_fetch("key", NULL);
    ck_assert_str_eq(bench.token, "canary-key-1");
    ck_assert_int_eq(bench.expires_in_s, 120);
}
END_TEST

START_TEST(a_changed_file_is_taken_with_the_next_reading)
{
    write_file("key", "canary-key-1");
    open_directory(",\"reread_s\":5");
    bench_fetch("key", NULL);
    ck_assert_int_eq(bench.expires_in_s, 10);
    write_file("key", "canary-key-2");
    bench_fetch("key", NULL);
    ck_assert_str_eq(bench.token, "canary-key-2");
    unlink(path_of("key"));
    expect_failure("key", "CredentialNotFound", "there is no such file");
    ck_assert_int_eq(bench.err.code, ERROR_UPSTREAM);
    ck_assert_ptr_nonnull(strstr(bench.err.message, path_of("key")));
    write_file("key", "canary-key-3");
    bench_fetch("key", NULL);
    ck_assert_str_eq(bench.token, "canary-key-3");
}
END_TEST

START_TEST(a_jwt_is_used_no_longer_than_it_says)
{
    open_directory("");
    write_jwt("token", 45);
    bench_fetch("token", NULL);
    ck_assert_int_ge(bench.expires_in_s, 43);
    ck_assert_int_le(bench.expires_in_s, 45);
    write_jwt("token", 4000);
    bench_fetch("token", NULL);
    ck_assert_int_eq(bench.expires_in_s, 120);
    write_jwt("token", -30);
    expect_failure("token", "CredentialExpired", "s ago: what writes this file has not renewed it");
}
END_TEST

START_TEST(a_member_of_a_json_file_may_be_the_credential)
{
    open_directory(",\"member\":\"/data/access_token\"");
    write_file("json", "{\"data\":{\"access_token\":\"canary\\u002dtoken\"}}\n");
    bench_fetch("json", NULL);
    ck_assert_str_eq(bench.token, "canary-token");
    write_file("json", "{\"data\":{}}");
    expect_failure("json", "CredentialUnusable", "/data/access_token");
    write_file("json", "canary-token");
    expect_failure("json", "CredentialUnusable", "no strict JSON");
}
END_TEST

START_TEST(what_no_header_takes_is_refused_and_not_shown)
{
    static const char *const bad[] = {"canary key", "canary\nkey", "canary\tkey", "canary\xc3\xa9"};

    open_directory("");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        write_file("key", bad[i]);
        expect_failure("key", "CredentialUnusable", "characters that no header takes");
        ck_assert_ptr_null(strstr(bench.err.message, "canary"));
    }
    write_file("key", "\n");
    expect_failure("key", "CredentialNotFound", "it is empty");
}
END_TEST

START_TEST(no_name_leads_out_of_the_directory)
{
    static const char *const bad[] = {"../key", "/etc/hostname", "a/b", ".hidden", ".."};

    open_directory("");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        expect_failure(bad[i], "InvalidScope", "the scope is the name of a file");
        ck_assert_int_eq(bench.err.code, ERROR_BAD_INPUT);
    }
}
END_TEST

START_TEST(one_path_serves_every_scope_and_must_be_there_at_start)
{
    char members[300];
    struct error err = {0};

    snprintf(members, sizeof members, "\"path\":\"%s\"", path_of("key"));
    ck_assert(!try_plugin(members, &err));
    ck_assert_str_eq(err.name, "CredentialNotFound");
    ck_assert_msg(strstr(err.message, path_of("key")) != NULL, "%s", err.message);
    write_file("key", "canary-key-1");
    error_clear(&err);
    ck_assert_msg(try_plugin(members, &err), "%s", err.message);
    bench_fetch("https://svc.example|read", NULL);
    ck_assert_str_eq(bench.token, "canary-key-1");
}
END_TEST

START_TEST(a_mounted_credential_acts_for_nobody_else)
{
    write_file("key", "canary-key-1");
    open_directory("");
    bench_fetch("key", "the-users-token");
    ck_assert_int_eq(bench.err.code, ERROR_BAD_INPUT);
    ck_assert_ptr_nonnull(strstr(bench.err.message, "it cannot act for a user"));
}
END_TEST

START_TEST(either_a_path_or_a_directory)
{
    struct error err = {0};

    ck_assert(!try_plugin("", &err));
    error_clear(&err);
    ck_assert(!try_plugin("\"path\":\"/a\",\"directory\":\"/b\"", &err));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_scope_is_the_name_of_the_file,
                                  a_changed_file_is_taken_with_the_next_reading,
                                  a_jwt_is_used_no_longer_than_it_says,
                                  a_member_of_a_json_file_may_be_the_credential,
                                  what_no_header_takes_is_refused_and_not_shown,
                                  no_name_leads_out_of_the_directory,
                                  one_path_serves_every_scope_and_must_be_there_at_start,
                                  a_mounted_credential_acts_for_nobody_else,
                                  either_a_path_or_a_directory,
                                  NULL};

    return bench_run("file", tests, set_up, tear_down);
}
