/* Signing and verifying fit together for every algorithm, and keys are read in every form. */
#include "jwt/jws.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/secret.h"
#include "jwt/algorithm.h"
#include "jwt/jwk.h"
#include "jwt/jwks.h"
#include "jwt/key.h"

#include "../support/run.h"

#include <stdio.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/rsa.h>

static const struct {
    const char *kind;
    const char *algorithm;
} pairs[] = {{"RSA-2048", "RS256"}, {"RSA-2048", "PS512"}, {"RSA-3072", "RS384"},
             {"P-256", "ES256"},    {"P-384", "ES384"},    {"P-521", "ES512"},
             {"Ed25519", "EdDSA"}};

/* Verifies `token` with the key set that holds the public half of `key`. */
static bool verifies(const struct signing_key *key, const char *algorithm_name, const char *token)
{
    const struct algorithm *algorithm = algorithm_find(slice_of(algorithm_name));
    struct error err = {0};
    struct buffer text;
    struct jwks *jwks;
    struct jws jws;
    const struct jwk *found;
    const char *reason;
    bool ok;

    buffer_init(&text, 4096);
    ck_assert(buffer_add_text(&text, "{\"keys\":[", &err));
    ck_assert_msg(signing_key_add_jwk(key, "k", &text, &err), "%s", err.message);
    ck_assert(buffer_add_text(&text, "]}", &err));
    /* The default algorithm is written into the key; other ones of the same key go without. */
    if (strcmp(signing_key_default_algorithm(key), algorithm_name) != 0)
        memcpy(strstr(text.data, "\"alg\""), "\"xyz\"", 5);
    jwks = jwks_parse(text.data, text.len, &err);
    ck_assert_msg(jwks != NULL, "%s", err.message);
    found = jwks_find_key(jwks, slice_of("k"), algorithm, &reason);
    ck_assert_msg(found != NULL, "%s", reason);
    ok =
        jws_split(slice_of(token), &jws, &reason) && jws_verify(&jws, algorithm, found->public_key);
    jws_clear(&jws);
    jwks_free(jwks);
    buffer_clear(&text);
    return ok;
}

START_TEST(what_is_signed_verifies_and_a_changed_byte_does_not)
{
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct error err = {0};
        struct signing_key *key = signing_key_generate(pairs[i].kind, &err);
        struct secret *token;
        char header[64], *bytes;

        snprintf(header, sizeof header, "{\"alg\":\"%s\",\"typ\":\"JWT\"}", pairs[i].algorithm);
        token = jws_sign(key, slice_of(header), slice_of("{\"sub\":\"x\"}"), &err);
        ck_assert_msg(token != NULL, "%s", err.message);
        ck_assert_msg(verifies(key, pairs[i].algorithm, secret_borrow(token, NULL)), "%s",
                      pairs[i].algorithm);
        bytes = secret_edit(token, NULL);
        bytes[strlen(header) + 12] ^= 1;
        ck_assert(!verifies(key, pairs[i].algorithm, bytes));
        secret_free(token);
        signing_key_free(key);
    }
}
END_TEST

START_TEST(a_mac_equals_the_example_of_rfc_7515_a_1)
{
    static const char key_text[] =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    static const char header[] = "{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}";
    static const char claims[] =
        "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
    struct error err = {0};
    struct signing_key *key;
    struct secret *shared, *token;
    struct buffer bytes;

    buffer_init(&bytes, 100);
    ck_assert(base64url_decode(key_text, sizeof key_text - 1, &bytes, &err));
    shared = secret_copy(bytes.data, bytes.len, &err);
    key = signing_key_from_hmac(shared, &err);
    token = jws_sign(key, slice_of(header), slice_of(claims), &err);
    ck_assert_str_eq(secret_borrow(token, NULL),
                     "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
                     "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS"
                     "9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    secret_free(token);
    signing_key_free(key);
    secret_free(shared);
    buffer_clear(&bytes);
}
END_TEST

START_TEST(an_algorithm_that_does_not_fit_the_key_is_refused)
{
    struct error err = {0};
    struct signing_key *key = signing_key_generate("P-256", &err);

    ck_assert_ptr_null(jws_sign(key, slice_of("{\"alg\":\"ES384\"}"), slice_of("{}"), &err));
    error_clear(&err);
    ck_assert_ptr_null(jws_sign(key, slice_of("{\"alg\":\"RS256\"}"), slice_of("{}"), &err));
    error_clear(&err);
    ck_assert_ptr_null(jws_sign(key, slice_of("{\"alg\":\"none\"}"), slice_of("{}"), &err));
    signing_key_free(key);
}
END_TEST

/* PEM text of a fresh key: traditional (PKCS#1, SEC1) or PKCS#8, encrypted with "pass" or not. */
static char *make_pem(EVP_PKEY *pkey, bool is_traditional, bool is_encrypted)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data, *text;
    long len;

    if (is_traditional)
        PEM_write_bio_PrivateKey_traditional(bio, pkey, NULL, NULL, 0, NULL, NULL);
    else
        PEM_write_bio_PKCS8PrivateKey(bio, pkey, is_encrypted ? EVP_aes_256_cbc() : NULL,
                                      is_encrypted ? "pass" : NULL, is_encrypted ? 4 : 0, NULL,
                                      NULL);
    len = BIO_get_mem_data(bio, &data);
    text = strndup(data, (size_t)len);
    BIO_free(bio);
    return text;
}

static struct signing_key *read_key(const char *text, const char *passphrase, struct error *err)
{
    struct error ignored = {0};
    CLEANUP(secret_cleanup) struct secret *pem = secret_copy(text, strlen(text), &ignored);
    CLEANUP(secret_cleanup)
    struct secret *pass =
        passphrase == NULL ? NULL : secret_copy(passphrase, strlen(passphrase), &ignored);

    return signing_key_from_pem(pem, pass, err);
}

static void expect_readable(const char *text, const char *passphrase)
{
    struct error err = {0};
    struct signing_key *key = read_key(text, passphrase, &err);

    ck_assert_msg(key != NULL, "%s: %s", text, err.message);
    signing_key_free(key);
}

/* The forms line breaks take in variables. */
static void expect_all_spellings(const char *pem)
{
    size_t len = strlen(pem), used = 0;
    char *spelt = malloc(2 * len + 10), *begin, *end;

    expect_readable(pem, NULL);
    for (size_t i = 0; i < len; i++)
        spelt[i] = pem[i] == '\n' ? ' ' : pem[i];
    spelt[len] = '\0';
    expect_readable(spelt, NULL);
    for (size_t i = 0; i < len; i++) {
        if (pem[i] == '\n')
            spelt[used++] = '\\';
        spelt[used++] = pem[i] == '\n' ? 'n' : pem[i];
    }
    spelt[used] = '\0';
    expect_readable(spelt, NULL);
    snprintf(spelt, 2 * len + 10, "\n\n  %s", pem);
    expect_readable(spelt, NULL);
    begin = strchr(pem, '\n');
    end = strstr(begin, "-----END");
    snprintf(spelt, 2 * len + 10, "%.*s", (int)(end - begin), begin);
    if (strstr(pem, "EC PRIVATE") == NULL)
        expect_readable(spelt, NULL);
    free(spelt);
}

START_TEST(private_keys_are_read_in_every_form)
{
    EVP_PKEY *rsa = EVP_RSA_gen(2048), *ec = EVP_EC_gen("P-384");
    char *texts[4] = {make_pem(rsa, true, false), make_pem(rsa, false, false),
                      make_pem(ec, true, false), make_pem(ec, false, false)};
    char *encrypted = make_pem(rsa, false, true);

    for (int i = 0; i < 4; i++) {
        expect_all_spellings(texts[i]);
        free(texts[i]);
    }
    expect_readable(encrypted, "pass");
    free(encrypted);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
}
END_TEST

START_TEST(a_key_that_cannot_be_used_is_named_for_what_it_is)
{
    EVP_PKEY *small = EVP_RSA_gen(1024), *other = EVP_EC_gen("secp256k1");
    char *weak = make_pem(small, false, false), *curve = make_pem(other, false, false);
    char *encrypted = make_pem(other, false, true), *cut = strdup(curve);
    struct {
        const char *text;
        const char *passphrase;
        const char *expected;
    } cases[] = {
        {weak, NULL, "1024 bits"},
        {curve, NULL, "another curve"},
        {encrypted, NULL, "no passphrase"},
        {encrypted, "wrong", "does not open"},
        {cut, NULL, "cut off"},
        {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", NULL, "public key"},
        {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", NULL, "certificate"},
        {"hunter2", NULL, "no PEM"}};

    cut[strlen(cut) / 2] = '\0';
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error err = {0};

        ck_assert_ptr_null(read_key(cases[i].text, cases[i].passphrase, &err));
        ck_assert_str_eq(err.name, "NotSupportedWebKey");
        ck_assert_msg(strstr(err.message, cases[i].expected) != NULL, "%s", err.message);
        ck_assert_ptr_null(strstr(err.message, "hunter2"));
    }
    free(weak);
    free(curve);
    free(encrypted);
    free(cut);
    EVP_PKEY_free(small);
    EVP_PKEY_free(other);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {what_is_signed_verifies_and_a_changed_byte_does_not,
                                  a_mac_equals_the_example_of_rfc_7515_a_1,
                                  an_algorithm_that_does_not_fit_the_key_is_refused,
                                  private_keys_are_read_in_every_form,
                                  a_key_that_cannot_be_used_is_named_for_what_it_is,
                                  NULL};

    return run_tests("jws", tests, NULL, NULL);
}
