/* The oauth2 plugin with a client certificate, against a token endpoint that says whom it saw. */
#include "bench.h"

#include "base/buffer.h"
#include "base/secret.h"
#include "credential/token_binding.h"

#include "../support/run.h"
#include "../support/tls_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct tls_peer server;
static char folder[40];

static const char *path_of(const char *name)
{
    static char paths[2][80];
    static int turn;

    turn = 1 - turn;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", folder, name);
    return paths[turn];
}

/* A certificate for `name` in cert.pem, its key, or another, in key.pem. */
static void write_identity(const char *name, bool is_matching)
{
    EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
    X509 *certificate = test_certificate(key, name);
    FILE *file = fopen(path_of("cert.pem"), "we");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(PEM_write_X509(file, certificate), 1);
    fclose(file);
    file = fopen(path_of("key.pem"), "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(
        PEM_write_PrivateKey(file, is_matching ? key : other, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

static void set_up(void)
{
    tls_peer_open(&server);
    server.gives_tokens = true;
    setenv("SSL_CERT_FILE", server.ca_path, 1);
    bench_set_up();
    snprintf(folder, sizeof folder, "/tmp/sesame-oauth2-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    write_identity("first", true);
}

static void tear_down(void)
{
    bench_tear_down();
    tls_peer_close(&server);
    unlink(path_of("cert.pem"));
    unlink(path_of("key.pem"));
    rmdir(folder);
}

static bool try_plugin(const char *more, struct error *err)
{
    char config[1000];

    snprintf(config, sizeof config,
             "{\"token_endpoint\":\"https://127.0.0.1:%d/token\",\"client_id\":\"c\","
             "\"authentication\":{\"method\":\"tls_client_auth\"},"
             "\"client_certificate\":{\"certificate_file\":\"%s\",\"key_file\":\"%s\"}%s}",
             server.port, path_of("cert.pem"), path_of("key.pem"), more);
    return bench_try_plugin("oauth2", config, err);
}

static void open_plugin(const char *more)
{
    struct error err = {0};

    ck_assert_msg(try_plugin(more, &err), "%s", err.message);
}

static void expect_token(const char *token)
{
    bench_fetch("read", NULL);
    ck_assert_msg(bench.err.code == ERROR_NONE, "%s", bench.err.message);
    ck_assert_str_eq(bench.token, token);
}

START_TEST(the_connection_shows_the_certificate_and_is_kept)
{
    open_plugin("");
    expect_token("first:1");
    expect_token("first:1");
    ck_assert_ptr_null(bench.binding);
}
END_TEST

START_TEST(a_renewed_certificate_is_taken_with_a_connection_of_its_own)
{
    open_plugin(",\"sender_constraint\":\"mtls\"");
    expect_token("first:1");
    write_identity("second", true);
    expect_token("second:2");
    expect_token("second:2");
}
END_TEST

START_TEST(a_bound_token_comes_with_the_certificate_it_was_asked_for_with)
{
    char pem[4096] = "";
    FILE *file = fopen(path_of("cert.pem"), "re");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_gt(fread(pem, 1, sizeof pem - 1, file), 0);
    fclose(file);
    pem[strlen(pem) - 1] = '\0'; /* a secret from a file has no line break at its end */
    open_plugin(",\"sender_constraint\":\"mtls\"");
    expect_token("first:1");
    ck_assert_ptr_nonnull(bench.binding);
    ck_assert_ptr_nonnull(bench.binding->client_key);
    ck_assert_ptr_null(bench.binding->proof_key);
    ck_assert_str_eq(secret_borrow(bench.binding->client_certificate, NULL), pem);
}
END_TEST

START_TEST(a_certificate_that_is_gone_is_named_and_taken_again_when_it_is_back)
{
    open_plugin("");
    expect_token("first:1");
    unlink(path_of("cert.pem"));
    bench_fetch("read", NULL);
    ck_assert_str_eq(bench.err.name, "ClientCredentialNotFound");
    ck_assert_msg(strstr(bench.err.message, "(client_certificate.certificate_file)") != NULL, "%s",
                  bench.err.message);
    write_identity("third", true);
    expect_token("third:2");
}
END_TEST

START_TEST(a_key_of_another_certificate_is_a_named_mistake)
{
    write_identity("mixed", false);
    open_plugin("");
    bench_fetch("read", NULL);
    ck_assert_msg(strstr(bench.err.message, "the private key that belongs to it") != NULL, "%s",
                  bench.err.message);
}
END_TEST

START_TEST(a_key_file_without_a_key_is_found_at_start)
{
    struct error err = {0};
    FILE *file = fopen(path_of("key.pem"), "we");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs("just some text", file), 0);
    fclose(file);
    ck_assert(!try_plugin("", &err));
    ck_assert_msg(strstr(err.message, "the private key in client_certificate.key") != NULL, "%s",
                  err.message);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_connection_shows_the_certificate_and_is_kept,
        a_renewed_certificate_is_taken_with_a_connection_of_its_own,
        a_bound_token_comes_with_the_certificate_it_was_asked_for_with,
        a_certificate_that_is_gone_is_named_and_taken_again_when_it_is_back,
        a_key_of_another_certificate_is_a_named_mistake,
        a_key_file_without_a_key_is_found_at_start,
        NULL,
    };

    return bench_run("oauth2_certificate", tests, set_up, tear_down);
}
