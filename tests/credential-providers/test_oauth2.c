/* The oauth2 plugin: grants, client authentication and DPoP at the token endpoint, against the
 * examples of the RFCs. */
#include "bench.h"
#include "captures.h"
#include "jws_check.h"

#include "base/buffer.h"
#include "base/json.h"
#include "base/text.h"
#include "credential/token_binding.h"

#include "../support/files.h"
#include "../support/proof.h"
#include "../support/run.h"

#include <json-c/json.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXCHANGE "urn:ietf:params:oauth:grant-type:token-exchange"
#define ACCESS_TOKEN "urn:ietf:params:oauth:token-type:access_token"

/* ---- helpers --------------------------------------------------------------------------------- */

static bool try_plugin(const char *members, struct error *err)
{
    char config[2000];

    ck_assert_int_lt(snprintf(config, sizeof config, "{\"token_endpoint\":\"%s%s\",%s}",
                              bench.endpoint.url, BENCH_TOKEN_PATH, members),
                     (int)sizeof config);
    return bench_try_plugin("oauth2", config, err);
}

static void open_plugin(const char *members)
{
    struct error err = {0};

    ck_assert_msg(try_plugin(members, &err), "%s", err.message);
}

static void open_with_secret(const char *method, const char *more)
{
    char members[1000];

    setenv("OAUTH_SECRET", "long-secure-random-secret", 1);
    snprintf(members, sizeof members,
             "\"client_id\":\"rs08\",\"authentication\":{\"method\":\"%s\","
             "\"client_secret_env\":\"OAUTH_SECRET\"}%s",
             method, more);
    open_plugin(members);
}

/* A form field of the last request, "" when it is not there. Lives until the next call. */
static const char *field(const char *name)
{
    static struct buffer value;
    static bool is_open;

    if (!is_open)
        buffer_init(&value, 16384);
    is_open = true;
    return form_field(bench_last()->body, name, &value) && value.data != NULL ? value.data : "";
}

static void expect_token(void)
{
    ck_assert_msg(bench.err.code == ERROR_NONE, "%s", bench.err.message);
    ck_assert_str_eq(bench.token, "canary-token");
}

static char *write_file(const char *text)
{
    char *path = strdup("/tmp/sesame-oauth2-XXXXXX");
    int fd = mkstemp(path);

    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return path;
}

static void rewrite_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    fclose(file);
}

static void remove_file(char *path)
{
    unlink(path);
    free(path);
}

static char *pem_of(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text, *copy;
    long len;

    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    len = BIO_get_mem_data(bio, &text);
    copy = strndup(text, (size_t)len);
    BIO_free(bio);
    return copy;
}

/* ---- grants ---------------------------------------------------------------------------------- */

START_TEST(a_machine_asks_for_scope_and_resource)
{
    open_with_secret("client_secret_basic", "");
    bench_fetch("https://svc.example|write https://svc.example|read", NULL);
    expect_token();
    ck_assert_int_eq(bench.expires_in_s, 1200);
    ck_assert_ptr_null(bench.binding);
    ck_assert_str_eq(field("grant_type"), "client_credentials");
    ck_assert_str_eq(field("resource"), "https://svc.example");
    ck_assert_str_eq(bench_header(bench_last(), "content-type"),
                     "application/x-www-form-urlencoded");
}
END_TEST

START_TEST(the_audience_goes_where_the_server_wants_it)
{
    static const struct {
        const char *more, *scope, *resource, *audience, *scope_sent;
    } cases[] = {
        {"", "https://svc.example|read", "https://svc.example", "", "read"},
        {",\"audience_parameter\":\"audience\"", "https://svc.example|read", "",
         "https://svc.example", "read"},
        {",\"audience_parameter\":\"none\"", "https://svc.example|read", "", "", "read"},
        {"", "https://graph.example/.default", "", "", "https://graph.example/.default"},
        {"", "https://svc.example|", "https://svc.example", "", ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        open_with_secret("client_secret_post", cases[i].more);
        bench_fetch(cases[i].scope, NULL);
        expect_token();
        ck_assert_str_eq(field("resource"), cases[i].resource);
        ck_assert_str_eq(field("audience"), cases[i].audience);
        ck_assert_str_eq(field("scope"), cases[i].scope_sent);
        bench_close();
    }
}
END_TEST

/* RFC 8693 section 2.3, with the client of its example. */
START_TEST(a_users_token_is_exchanged_as_in_the_rfc)
{
    open_with_secret("client_secret_basic", ",\"requested_token_type\":\"\"");
    bench.body =
        "{\"access_token\":\"eyJhbGciOiJFUzI1NiIsImtpZCI6IjllciJ9\","
        "\"issued_token_type\":\"" ACCESS_TOKEN "\",\"token_type\":\"Bearer\",\"expires_in\":60}";
    bench_fetch("https://backend.example.com/api|", "accVkjcJyb4BWCxGsndESCJQbdFMogUC5PbRDqceLTC");
    ck_assert_str_eq(bench.token, "eyJhbGciOiJFUzI1NiIsImtpZCI6IjllciJ9");
    ck_assert_int_eq(bench.expires_in_s, 60);
    ck_assert_str_eq(bench_last()->authorization, "Basic cnMwODpsb25nLXNlY3VyZS1yYW5kb20tc2VjcmV0");
    ck_assert_str_eq(field("grant_type"), EXCHANGE);
    ck_assert_str_eq(field("resource"), "https://backend.example.com/api");
    ck_assert_str_eq(field("subject_token"), "accVkjcJyb4BWCxGsndESCJQbdFMogUC5PbRDqceLTC");
    ck_assert_str_eq(field("subject_token_type"), ACCESS_TOKEN);
    ck_assert_str_eq(field("requested_token_type"), "");
}
END_TEST

START_TEST(a_users_token_may_be_the_assertion_instead)
{
    open_with_secret("client_secret_post",
                     ",\"user_grant\":\"jwt_bearer\",\"audience_parameter\":\"none\","
                     "\"parameters\":{\"requested_token_use\":\"on_behalf_of\"}");
    bench_fetch("https://graph.example/.default", "the-users-token");
    expect_token();
    ck_assert_str_eq(field("grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
    ck_assert_str_eq(field("assertion"), "the-users-token");
    ck_assert_str_eq(field("requested_token_use"), "on_behalf_of");
    ck_assert_str_eq(field("subject_token"), "");
}
END_TEST

/* A JWT whose exp is 1800000000. */
START_TEST(without_expires_in_a_jwt_says_itself_when_it_expires)
{
    open_with_secret("client_secret_basic", "");
    bench.body =
        "{\"access_token\":\"eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE4MDAwMDAwMDB9.c2ln\","
        "\"token_type\":\"bearer\"}";
    bench_fetch("read", NULL);
    ck_assert_int_eq(bench.expires_in_s, -1);
    ck_assert_int_eq(bench.expires_at_s, 1800000000);
}
END_TEST

/* ---- client authentication ------------------------------------------------------------------- */

/* RFC 6749 section 2.3.1: form-encoding comes before base64. */
START_TEST(basic_encodes_both_halves)
{
    struct buffer plain;
    struct error err = {0};

    setenv("OAUTH_SECRET", "p:ss w%rd+\xc3\xbc", 1);
    open_plugin(
        "\"client_id\":\"client:one\",\"authentication\":{\"method\":"
        "\"client_secret_basic\",\"client_secret_env\":\"OAUTH_SECRET\"}");
    bench_fetch("read", NULL);
    expect_token();
    buffer_init(&plain, 1000);
    ck_assert_int_eq(strncmp(bench_last()->authorization, "Basic ", 6), 0);
    ck_assert(base64_decode(bench_last()->authorization + 6,
                            strlen(bench_last()->authorization + 6), &plain, &err));
    ck_assert_str_eq(plain.data, "client%3Aone:p%3Ass%20w%25rd%2B%C3%BC");
    ck_assert_str_eq(field("client_id"), "");
    ck_assert_str_eq(field("client_secret"), "");
    buffer_clear(&plain);
}
END_TEST

START_TEST(post_sends_both_in_the_form)
{
    open_with_secret("client_secret_post", "");
    bench_fetch("read", NULL);
    expect_token();
    ck_assert_str_eq(bench_last()->authorization, "");
    ck_assert_str_eq(field("client_id"), "rs08");
    ck_assert_str_eq(field("client_secret"), "long-secure-random-secret");
}
END_TEST

/* RFC 7523 section 3: iss, sub, aud, exp; jti against replay. */
static void check_claims(const char *assertion, const char *audience)
{
    struct json_object *claims = jws_part(assertion, 1);
    int64_t iat = 0, exp = 0;

    ck_assert_str_eq(member_text(claims, "iss"), "rs08");
    ck_assert_str_eq(member_text(claims, "sub"), "rs08");
    ck_assert_str_eq(member_text(claims, "aud"), audience);
    ck_assert_uint_ge(strlen(member_text(claims, "jti")), 36);
    ck_assert(json_get_int64(claims, "iat", &iat) && json_get_int64(claims, "exp", &exp));
    ck_assert_int_eq(exp - iat, 120);
    json_object_put(claims);
}

START_TEST(a_secret_signs_an_assertion_for_the_issuer)
{
    open_with_secret("client_secret_jwt", ",\"issuer\":\"https://as.example\"");
    bench_fetch("read", NULL);
    expect_token();
    ck_assert_str_eq(field("client_assertion_type"),
                     "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    ck_assert_str_eq(field("client_secret"), "");
    ck_assert(jws_check_secret(field("client_assertion"), "long-secure-random-secret"));
    check_claims(field("client_assertion"), "https://as.example");
}
END_TEST

START_TEST(without_an_issuer_the_assertion_is_for_the_token_endpoint)
{
    char url[200];

    open_with_secret("client_secret_jwt", "");
    bench_fetch("read", NULL);
    snprintf(url, sizeof url, "%s%s", bench.endpoint.url, BENCH_TOKEN_PATH);
    check_claims(field("client_assertion"), url);
}
END_TEST

START_TEST(a_key_signs_an_assertion_and_a_new_key_in_the_file_is_taken)
{
    EVP_PKEY *first = EVP_RSA_gen(2048), *second = EVP_RSA_gen(2048);
    char *pem = pem_of(first), *path = write_file(pem), members[1000];
    struct json_object *header;

    snprintf(members, sizeof members,
             "\"client_id\":\"rs08\",\"authentication\":{\"method\":\"private_key_jwt\","
             "\"private_key_file\":\"%s\",\"algorithm\":\"PS256\",\"key_id\":\"key-1\","
             "\"certificate_thumbprint\":\"dGh1bWI\",\"audience\":\"https://as.example/\"}",
             path);
    open_plugin(members);
    bench_fetch("read", NULL);
    expect_token();
    header = jws_part(field("client_assertion"), 0);
    ck_assert_str_eq(member_text(header, "alg"), "PS256");
    ck_assert_str_eq(member_text(header, "kid"), "key-1");
    ck_assert_str_eq(member_text(header, "x5t#S256"), "dGh1bWI");
    ck_assert(jws_check_key(field("client_assertion"), first));
    check_claims(field("client_assertion"), "https://as.example/");
    json_object_put(header);

    free(pem);
    pem = pem_of(second);
    rewrite_file(path, pem);
    bench_fetch("read", NULL);
    ck_assert(jws_check_key(field("client_assertion"), second));

    rewrite_file(path, "");
    bench_fetch("read", NULL);
    ck_assert_int_eq(bench.err.code, ERROR_UPSTREAM);
    ck_assert_ptr_nonnull(strstr(bench.err.message, "authentication.private_key_file"));
    free(pem);
    remove_file(path);
    EVP_PKEY_free(first);
    EVP_PKEY_free(second);
}
END_TEST

START_TEST(a_public_client_says_only_its_name)
{
    open_plugin("\"client_id\":\"rs08\",\"authentication\":{\"method\":\"none\"}");
    bench_fetch("read", NULL);
    expect_token();
    ck_assert_str_eq(field("client_id"), "rs08");
    ck_assert_str_eq(bench_last()->authorization, "");
}
END_TEST

/* ---- DPoP ------------------------------------------------------------------------------------ */

static const char *wanted_nonce;
static char first_jti[64], first_assertion[2048];

/* A token endpoint that wants a nonce in the proof (RFC 9449 section 8). */
static void answer_nonce(struct http_exchange *exchange)
{
    struct proof proof = proof_open(http_head_find(http_exchange_head(exchange), "dpop"));
    bool is_right = strcmp(proof_claim(&proof, "nonce"), wanted_nonce) == 0;
    const char *token =
        "{\"access_token\":\"canary-token\",\"token_type\":\"DPoP\","
        "\"expires_in\":60}";
    const char *refusal = "{\"error\":\"use_dpop_nonce\"}";

    ck_assert_str_eq(proof_claim(&proof, "htm"), "POST");
    ck_assert_str_eq(proof_claim(&proof, "ath"), "");
    ck_assert_str_ne(proof_claim(&proof, "jti"), first_jti);
    snprintf(first_jti, sizeof first_jti, "%s", proof_claim(&proof, "jti"));
    ck_assert_str_ne(field("client_assertion"), first_assertion);
    snprintf(first_assertion, sizeof first_assertion, "%s", field("client_assertion"));
    proof_drop(&proof);
    ck_assert(http_exchange_add_header(exchange, "DPoP-Nonce", wanted_nonce));
    http_exchange_reply(exchange, is_right ? 200 : 400, "application/json",
                        is_right ? token : refusal, strlen(is_right ? token : refusal));
}

static void open_dpop(const char *path)
{
    char config[1000];
    struct error err = {0};

    setenv("OAUTH_SECRET", "long-secure-random-secret-of-32-bytes", 1);
    snprintf(config, sizeof config,
             "{\"token_endpoint\":\"%s%s\",\"client_id\":\"rs08\",\"sender_constraint\":\"dpop\","
             "\"authentication\":{\"method\":\"client_secret_jwt\","
             "\"client_secret_env\":\"OAUTH_SECRET\"}}",
             bench.endpoint.url, path);
    ck_assert_msg(bench_try_plugin("oauth2", config, &err), "%s", err.message);
}

START_TEST(a_nonce_is_given_back_with_a_new_proof_and_a_new_assertion)
{
    wanted_nonce = "nonce-A";
    bench.answer = answer_nonce;
    open_dpop("/dpop-token");
    bench_fetch("read", NULL);
    expect_token();
    ck_assert_uint_eq(bench.seen_count, 2);
    ck_assert_ptr_nonnull(bench.binding);
    ck_assert_ptr_nonnull(bench.binding->proof_key);
    ck_assert_ptr_null(bench.binding->client_key);

    bench_fetch("read", NULL);
    expect_token();
    ck_assert_uint_eq(bench.seen_count, 3);
}
END_TEST

START_TEST(a_server_that_is_never_content_with_the_nonce_is_asked_twice)
{
    wanted_nonce = "nonce-A";
    bench.status = 400;
    bench.body = "{\"error\":\"use_dpop_nonce\"}";
    bench.header_name = "DPoP-Nonce";
    bench.header_value = "nonce-B";
    open_dpop(BENCH_TOKEN_PATH);
    bench_fetch("read", NULL);
    ck_assert_int_eq(bench.err.code, ERROR_DENIED);
    ck_assert_str_eq(bench.err.name, "use_dpop_nonce");
    ck_assert_uint_eq(bench.seen_count, 2);
}
END_TEST

START_TEST(a_bearer_token_is_no_answer_to_a_proof)
{
    open_dpop(BENCH_TOKEN_PATH);
    bench_fetch("read", NULL);
    ck_assert_str_eq(bench.err.name, "invalid_token_type");
    ck_assert_ptr_nonnull(strstr(bench.err.message, "although a DPoP proof was sent"));
}
END_TEST

START_TEST(a_dpop_token_is_no_answer_without_a_proof)
{
    open_with_secret("client_secret_basic", "");
    bench.body = "{\"access_token\":\"canary-token\",\"token_type\":\"DPoP\",\"expires_in\":60}";
    bench_fetch("read", NULL);
    ck_assert_str_eq(bench.err.name, "invalid_token_type");
}
END_TEST

/* ---- refusals and mistakes ------------------------------------------------------------------- */

START_TEST(refusals_are_classed_and_say_what_to_check)
{
    static const struct {
        int status;
        const char *body;
        enum error_code code;
        const char *says;
    } cases[] = {
        {401, "{\"error\":\"invalid_client\"}", ERROR_DENIED, "authentication.method"},
        {400, "{\"error\":\"invalid_target\"}", ERROR_DENIED, "the credential's \"scope\""},
        {400, "{\"error\":\"invalid_scope\"}", ERROR_DENIED, "the credential's \"scope\""},
        {400, "{\"error\":\"temporarily_unavailable\"}", ERROR_UPSTREAM, "temporary"},
        {503, "", ERROR_UPSTREAM, "temporary"},
        {429, "", ERROR_RATE_LIMIT, "temporary"},
    };

    open_with_secret("client_secret_basic", "");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bench.status = cases[i].status;
        bench.body = cases[i].body;
        bench_fetch("read", NULL);
        ck_assert_msg(bench.err.code == cases[i].code, "%s: %s", cases[i].body, bench.err.message);
        ck_assert_msg(strstr(bench.err.message, cases[i].says) != NULL, "%s: %s", cases[i].body,
                      bench.err.message);
    }
}
END_TEST

START_TEST(mistakes_are_found_at_start_and_named)
{
    static const char *const cases[][2] = {
        {"\"client_id\":\"c\",\"authentication\":{\"method\":\"client_secret_basic\"}",
         "client_secret_basic needs authentication.client_secret_env or "
         "authentication.client_secret_file"},
        {"\"client_id\":\"c\",\"authentication\":{\"method\":\"client_secret_basic\","
         "\"client_secret_env\":\"NOT_THERE\"}",
         "NOT_THERE (authentication.client_secret_env) is not set"},
        {"\"client_id\":\"c\",\"authentication\":{\"method\":\"private_key_jwt\","
         "\"private_key_file\":\"/nonexistent/key\"}",
         "/nonexistent/key (authentication.private_key_file) cannot be used: there is no such"},
        {"\"client_id\":\"c\",\"authentication\":{\"method\":\"private_key_jwt\","
         "\"private_key_env\":\"OAUTH_TEXT\"}",
         "the private key in authentication.private_key cannot be used: found neither PEM text"},
        {"\"client_id\":\"c\",\"authentication\":{\"method\":\"client_secret_jwt\","
         "\"client_secret_env\":\"OAUTH_TEXT\",\"algorithm\":\"RS256\"}",
         "authentication.algorithm does not fit the method"},
        {"\"client_id\":\"c\",\"authentication\":{\"method\":\"tls_client_auth\"}",
         "tls_client_auth needs client_certificate.certificate_env"},
        {"\"client_id\":\"c\",\"authentication\":{\"method\":\"none\"},"
         "\"sender_constraint\":\"mtls\"",
         "sender_constraint mtls needs client_certificate"},
        {"\"client_id\":\"c\",\"authentication\":{\"method\":\"none\"},"
         "\"parameters\":{\"scope\":\"x\"}",
         "\"parameters\" is for what the server wants besides"},
        {"\"client_id\":\"c\",\"authentication\":{\"method\":\"secret\"}", "method"},
        {"\"client_id\":\"c\",\"authentication\":{\"method\":\"none\"},\"issuer\":\"x y\"",
         "/issuer"},
    };

    setenv("OAUTH_TEXT", "just some text", 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err = {0};

        setenv("OAUTH_TEXT", "just some text", 1);
        ck_assert_msg(!try_plugin(cases[i][0], &err), "%s", cases[i][0]);
        ck_assert_msg(strstr(err.message, cases[i][1]) != NULL, "%s\n%s", cases[i][0], err.message);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_machine_asks_for_scope_and_resource,
                                  the_audience_goes_where_the_server_wants_it,
                                  a_users_token_is_exchanged_as_in_the_rfc,
                                  a_users_token_may_be_the_assertion_instead,
                                  without_expires_in_a_jwt_says_itself_when_it_expires,
                                  basic_encodes_both_halves,
                                  post_sends_both_in_the_form,
                                  a_secret_signs_an_assertion_for_the_issuer,
                                  without_an_issuer_the_assertion_is_for_the_token_endpoint,
                                  a_key_signs_an_assertion_and_a_new_key_in_the_file_is_taken,
                                  a_public_client_says_only_its_name,
                                  a_nonce_is_given_back_with_a_new_proof_and_a_new_assertion,
                                  a_server_that_is_never_content_with_the_nonce_is_asked_twice,
                                  a_bearer_token_is_no_answer_to_a_proof,
                                  a_dpop_token_is_no_answer_without_a_proof,
                                  refusals_are_classed_and_say_what_to_check,
                                  mistakes_are_found_at_start_and_named,
                                  NULL};

    return bench_run("oauth2", tests, bench_set_up, bench_tear_down);
}
