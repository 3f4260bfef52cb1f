/* The private-key-jwt plugin: the vendor SDK's captures, every form of key, every algorithm. */
#include "bench.h"
#include "captures.h"
#include "jws_check.h"

#include "base/buffer.h"
#include "base/json.h"
#include "base/secret.h"
#include "jwt/jws.h"
#include "jwt/key.h"

#include "../support/files.h"

#include <json-c/json.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLE "ENV_PRIVATE_KEY"

static struct json_object *captures;

static void set_up(void)
{
    bench_set_up();
    captures = captures_load();
}

static void tear_down(void)
{
    bench_tear_down();
    json_object_put(captures);
}

/* The clean PEM of the vectors that a case's key is a spelling of. */
static const char *pem_of(const char *name)
{
    return member_text(json_get_object(captures, "private_keys_pem"), name);
}

static struct json_object *config_of(const char *id)
{
    char full[80];

    snprintf(full, sizeof full, "PRIVATE_KEY_JWT/%s", id);
    return capture_config(captures_find(captures, full));
}

/* ---- captures -------------------------------------------------------------------------------- */

/* The request the SDK sent with this key, or, where it could not read the key, with the same one in
 * PKCS#8. */
static void replay(const char *id, const char *like, const char *pem_name)
{
    struct json_object *capture, *model, *copy = NULL;
    struct assertion_proof proof = {.key = jws_key_from_pem(pem_of(pem_name))};
    char full[80];

    snprintf(full, sizeof full, "PRIVATE_KEY_JWT/%s", id);
    capture = captures_find(captures, full);
    ck_assert_int_eq(capture_succeeded(capture), strcmp(id, like) == 0);
    snprintf(full, sizeof full, "PRIVATE_KEY_JWT/%s", like);
    model = captures_find(captures, full);
    ck_assert_int_eq(json_object_deep_copy(model, &copy, NULL), 0);
    json_object_object_add(copy, "environment",
                           json_object_get(json_get_object(capture, "environment")));
    capture_replay(copy, &proof);
    json_object_put(copy);
    EVP_PKEY_free(proof.key);
}

START_TEST(requests_equal_the_vendors_captures)
{
    static const char *const same[][2] = {
        {"rsa2048.pkcs8", "rsa2048.pkcs8"},   {"rsa3072.pkcs8", "rsa3072.pkcs8"},
        {"rsa4096.pkcs8", "rsa4096.pkcs8"},   {"ec-P-256.pkcs8", "ec-P-256.pkcs8"},
        {"ec-P-256.sec1", "ec-P-256.sec1"},   {"ec-P-384.pkcs8", "ec-P-384.pkcs8"},
        {"ec-P-521.pkcs8", "ec-P-521.pkcs8"}, {"one-line-spaces", "rsa2048.pkcs8"},
        {"leading-newline", "rsa2048.pkcs8"}, {"exchange", "rsa2048.pkcs8"},
    };

    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        replay(same[i][0], same[i][0], same[i][1]);
}
END_TEST

/* idaas.md 2.3, right column. */
START_TEST(keys_that_the_vendors_sdk_cannot_read_are_taken)
{
    replay("rsa2048.pkcs1", "rsa2048.pkcs8", "rsa2048.pkcs8");
    replay("literal-backslash-n", "rsa2048.pkcs8", "rsa2048.pkcs8");
    replay("bare-base64", "rsa2048.pkcs8", "rsa2048.pkcs8");
}
END_TEST

/* Signatures of PKCS #1 version 1.5 are the same each time: over the SDK's own header and claims
 * ours are its bytes. */
START_TEST(rsa_assertions_are_the_vendors_byte_for_byte)
{
    static const char *const ids[] = {"rsa2048.pkcs8", "rsa3072.pkcs8", "rsa4096.pkcs8"};

    for (size_t i = 0; i < 3; i++) {
        char full[80];
        struct json_object *requests, *request, *decoded;
        struct error err = {0};
        struct secret *pem, *token;
        struct signing_key *key;

        snprintf(full, sizeof full, "PRIVATE_KEY_JWT/%s", ids[i]);
        requests = json_get_array(captures_find(captures, full), "requests");
        request = json_object_array_get_idx(requests, 0);
        decoded = json_get_object(request, "client_assertion_decoded");
        pem = secret_copy(pem_of(ids[i]), strlen(pem_of(ids[i])), &err);
        key = signing_key_from_pem(pem, NULL, &err);
        token = jws_sign(key, slice_of(member_text(decoded, "header_json")),
                         slice_of(member_text(decoded, "claims_json")), &err);
        ck_assert_msg(token != NULL, "%s", err.message);
        ck_assert_ptr_nonnull(strstr(member_text(request, "body"), secret_borrow(token, NULL)));
        secret_free(token);
        signing_key_free(key);
        secret_free(pem);
    }
}
END_TEST

/* ---- algorithms ------------------------------------------------------------------------------ */

/* Fetches a token with the key at hand and gives the assertion's "alg"; its signature is right. */
static void expect_algorithm(struct json_object *config, EVP_PKEY *key, const char *alg)
{
    struct buffer assertion;
    struct json_object *header;

    bench_open(config);
    bench.seen_count = 0;
    bench_fetch("https://svc.example|read", NULL);
    ck_assert_msg(bench.err.code == ERROR_NONE, "%s", bench.err.message);
    buffer_init(&assertion, 8192);
    ck_assert(form_field(bench_last()->body, "client_assertion", &assertion));
    header = jws_part(assertion.data, 0);
    ck_assert_str_eq(member_text(header, "alg"), alg);
    ck_assert_msg(jws_check_key(assertion.data, key), "%s: wrong signature", alg);
    json_object_put(header);
    buffer_clear(&assertion);
    bench_close();
}

static void set_member(struct json_object *config, const char *name, const char *value)
{
    struct json_object *authn = json_get_object(config, "authnConfiguration");

    json_object_object_add(authn, name, json_object_new_string(value));
}

START_TEST(the_setting_algorithm_chooses_among_those_that_fit)
{
    static const char *const rows[][2] = {
        {"rsa2048.pkcs8", "RS256"},  {"rsa2048.pkcs8", "RS384"},  {"rsa2048.pkcs8", "RS512"},
        {"rsa2048.pkcs8", "PS256"},  {"rsa2048.pkcs8", "PS384"},  {"rsa2048.pkcs8", "PS512"},
        {"rsa4096.pkcs8", "RS256"},  {"ec-P-256.pkcs8", "ES256"}, {"ec-P-384.pkcs8", "ES384"},
        {"ec-P-521.pkcs8", "ES512"}, {"ed25519.pkcs8", "EdDSA"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json_object *config = config_of(rows[i][0]);
        EVP_PKEY *key = jws_key_from_pem(pem_of(rows[i][0]));

        set_member(config, "algorithm", rows[i][1]);
        expect_algorithm(config, key, rows[i][1]);
        EVP_PKEY_free(key);
    }
}
END_TEST

START_TEST(an_ed25519_key_signs_eddsa)
{
    EVP_PKEY *key = jws_key_from_pem(pem_of("ed25519.pkcs8"));

    expect_algorithm(config_of("ed25519.pkcs8"), key, "EdDSA");
    EVP_PKEY_free(key);
}
END_TEST

START_TEST(an_encrypted_key_is_opened_with_its_passphrase)
{
    EVP_PKEY *key = jws_key_from_pem(pem_of("rsa2048.pkcs8"));
    struct json_object *config = config_of("rsa2048.enc");

    set_member(config, "privateKeyPassphraseEnvVarName", "ENV_PASSPHRASE");
    setenv("ENV_PASSPHRASE", "x\n", 1);
    expect_algorithm(config, key, "RS256");
    ck_assert_ptr_null(getenv("ENV_PASSPHRASE"));
    ck_assert_ptr_null(getenv(VARIABLE));
    EVP_PKEY_free(key);
}
END_TEST

/* ---- refusals -------------------------------------------------------------------------------- */

static void expect_refused(struct json_object *config, const char *name, const char *expected)
{
    struct error err = {0};

    ck_assert(!bench_try(config, &err));
    ck_assert_str_eq(err.name, name);
    ck_assert_msg(strstr(err.message, expected) != NULL, "%s, expected: %s", err.message, expected);
    /* The reason comes with the place it is about, and nothing of the key. */
    ck_assert_ptr_null(strstr(err.message, "MII"));
}

START_TEST(a_key_that_cannot_be_used_is_named_with_its_variable)
{
    struct json_object *config;
    char cut[2048];

    expect_refused(config_of("rsa1024.pkcs8"), "NotSupportedWebKey",
                   VARIABLE " cannot be used: an RSA key of 1024 bits");
    expect_refused(config_of("ec-k1.pkcs8"), "NotSupportedWebKey",
                   VARIABLE " cannot be used: an EC key on secp256k1");
    expect_refused(config_of("rsa2048.enc"), "NotSupportedWebKey",
                   VARIABLE " cannot be used: found an encrypted key, and no passphrase was given");
    config = config_of("rsa2048.pkcs8");
    snprintf(cut, sizeof cut, "%.900s", pem_of("rsa2048.pkcs8"));
    setenv(VARIABLE, cut, 1);
    expect_refused(config, "NotSupportedWebKey",
                   VARIABLE " cannot be used: found PEM that is cut off");
    setenv(VARIABLE, member_text(json_get_object(captures, "certificates_pem"), "leaf"), 1);
    expect_refused(config, "NotSupportedWebKey",
                   VARIABLE " cannot be used: found a certificate; its private key is needed");
}
END_TEST

START_TEST(a_public_key_is_named_as_one)
{
    EVP_PKEY *key = jws_key_from_pem(pem_of("ec-P-256.pkcs8"));
    BIO *bio = BIO_new(BIO_s_mem());
    struct json_object *config = config_of("ec-P-256.pkcs8");
    char text[1024] = "";

    ck_assert_int_eq(PEM_write_bio_PUBKEY(bio, key), 1);
    ck_assert_int_gt(BIO_read(bio, text, sizeof text - 1), 0);
    setenv(VARIABLE, text, 1);
    expect_refused(config, "NotSupportedWebKey",
                   VARIABLE " cannot be used: found a public key; the private one is needed");
    BIO_free(bio);
    EVP_PKEY_free(key);
}
END_TEST

START_TEST(a_wrong_passphrase_is_named)
{
    struct json_object *config = config_of("rsa2048.enc");

    set_member(config, "privateKeyPassphraseEnvVarName", "ENV_PASSPHRASE");
    setenv("ENV_PASSPHRASE", "wrong", 1);
    expect_refused(config, "NotSupportedWebKey", "that this passphrase does not open");
    config_of("rsa2048.enc"); /* the first attempt took the variable away */
    unsetenv("ENV_PASSPHRASE");
    expect_refused(config, "PrivateKeyPassphraseNotFound", "ENV_PASSPHRASE");
}
END_TEST

START_TEST(an_algorithm_that_does_not_fit_names_those_that_do)
{
    struct json_object *config = config_of("ec-P-384.pkcs8");

    set_member(config, "algorithm", "PS256");
    expect_refused(config, "NotSupportedWebKey",
                   VARIABLE
                   ": the algorithm PS256 does not fit this key; expected one of [\"ES384\"]");
    config = config_of("rsa2048.pkcs8");
    set_member(config, "algorithm", "HS256");
    expect_refused(config, "", "algorithm");
}
END_TEST

START_TEST(a_refusal_by_the_server_names_what_to_check)
{
    bench_open(config_of("rsa2048.pkcs8"));
    bench.status = 401;
    bench.body = "{\"error\":\"invalid_client\"}";
    bench_fetch("a|b", NULL);
    ck_assert_int_eq(bench.err.code, ERROR_DENIED);
    ck_assert_msg(strstr(bench.err.message, "the public key registered at the agent node") != NULL,
                  "%s", bench.err.message);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        requests_equal_the_vendors_captures,
        keys_that_the_vendors_sdk_cannot_read_are_taken,
        rsa_assertions_are_the_vendors_byte_for_byte,
        the_setting_algorithm_chooses_among_those_that_fit,
        an_ed25519_key_signs_eddsa,
        an_encrypted_key_is_opened_with_its_passphrase,
        a_key_that_cannot_be_used_is_named_with_its_variable,
        a_public_key_is_named_as_one,
        a_wrong_passphrase_is_named,
        an_algorithm_that_does_not_fit_names_those_that_do,
        a_refusal_by_the_server_names_what_to_check,
        NULL,
    };

    return bench_run("private_key_jwt", tests, set_up, tear_down);
}
