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

/* What was written; frees the BIO. */
static char *take_text(BIO *bio)
{
    char *data;
    long len = BIO_get_mem_data(bio, &data);
    char *text = strndup(data, (size_t)len);

    BIO_free(bio);
    return text;
}

/* PEM text of a fresh key: traditional (PKCS#1, SEC1) or PKCS#8, encrypted with "pass" or not. */
static char *make_pem(EVP_PKEY *pkey, bool is_traditional, bool is_encrypted)
{
    BIO *bio = BIO_new(BIO_s_mem());
    const EVP_CIPHER *cipher = is_encrypted ? EVP_aes_256_cbc() : NULL;
    char pass[] = "pass";

    if (is_traditional)
        PEM_write_bio_PrivateKey_traditional(bio, pkey, cipher, NULL, 0, NULL,
                                             is_encrypted ? pass : NULL);
    else
        PEM_write_bio_PKCS8PrivateKey(bio, pkey, cipher, is_encrypted ? pass : NULL,
                                      is_encrypted ? 4 : 0, NULL, NULL);
    return take_text(bio);
}

static char *make_public_pem(EVP_PKEY *pkey)
{
    BIO *bio = BIO_new(BIO_s_mem());

    PEM_write_bio_PUBKEY(bio, pkey);
    return take_text(bio);
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
static void expect_all_spellings(const char *pem, const char *passphrase)
{
    size_t len = strlen(pem), used = 0;
    char *spelt = malloc(2 * len + 10), *begin, *end;

    expect_readable(pem, passphrase);
    for (size_t i = 0; i < len; i++)
        spelt[i] = pem[i] == '\n' ? ' ' : pem[i];
    spelt[len] = '\0';
    expect_readable(spelt, passphrase);
    for (size_t i = 0; i < len; i++) {
        if (pem[i] == '\n')
            spelt[used++] = '\\';
        spelt[used++] = pem[i] == '\n' ? 'n' : pem[i];
    }
    spelt[used] = '\0';
    expect_readable(spelt, passphrase);
    snprintf(spelt, 2 * len + 10, "\n\n  %s", pem);
    expect_readable(spelt, passphrase);
    begin = strchr(pem, '\n');
    end = strstr(begin, "-----END");
    snprintf(spelt, 2 * len + 10, "%.*s", (int)(end - begin), begin);
    expect_readable(spelt, passphrase);
    used = 0;
    for (size_t i = 0; i < len; i++)
        if (pem[i] != '\n')
            spelt[used++] = pem[i];
    spelt[used] = '\0';
    expect_readable(spelt, passphrase);
    free(spelt);
}

START_TEST(private_keys_are_read_in_every_form)
{
    EVP_PKEY *keys[] = {EVP_RSA_gen(2048), EVP_EC_gen("P-384"),
                        EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};

    for (int i = 0; i < 3; i++) {
        /* Ed25519 has no traditional form. */
        for (int form = 0; form < (i == 2 ? 1 : 2); form++) {
            char *text = make_pem(keys[i], form == 1, false);

            expect_all_spellings(text, NULL);
            free(text);
        }
        EVP_PKEY_free(keys[i]);
    }
}
END_TEST

START_TEST(encrypted_keys_are_read_with_their_passphrase)
{
    EVP_PKEY *rsa = EVP_RSA_gen(2048), *ec = EVP_EC_gen("P-256");
    char *texts[] = {make_pem(rsa, false, true), make_pem(ec, false, true),
                     make_pem(rsa, true, true), make_pem(ec, true, true)};
    char line[8192];
    size_t used = 0;

    for (int i = 0; i < 4; i++)
        expect_readable(texts[i], "pass");
    /* The headers of the old form survive the loss of line breaks. */
    for (const char *c = texts[2]; *c != '\0'; c++)
        line[used++] = *c == '\n' ? ' ' : *c;
    line[used] = '\0';
    expect_readable(line, "pass");
    for (int i = 0; i < 4; i++)
        free(texts[i]);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
}
END_TEST

/* As `openssl ecparam -genkey` and many tools write them. */
START_TEST(other_pem_blocks_before_the_key_are_passed_over)
{
    static const char parameters[] =
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    EVP_PKEY *ec = EVP_EC_gen("P-256");
    char *key = make_pem(ec, true, false), *public = make_public_pem(ec);
    char text[2048];

    snprintf(text, sizeof text, "%s%s", parameters, key);
    expect_readable(text, NULL);
    snprintf(text, sizeof text, "%s%s", public, key);
    expect_readable(text, NULL);
    free(key);
    free(public);
    EVP_PKEY_free(ec);
}
END_TEST

static void expect_refused(const char *text, const char *passphrase, const char *expected)
{
    struct error err = {0};

    ck_assert_ptr_null(read_key(text, passphrase, &err));
    ck_assert_str_eq(err.name, "NotSupportedWebKey");
    ck_assert_msg(strstr(err.message, expected) != NULL, "%s, expected: %s", err.message, expected);
    ck_assert_ptr_null(strstr(err.message, "hunter2"));
}

/* PEM of `pkey` in which the last lines of the key are missing, with an END line or without. */
static void expect_cut(EVP_PKEY *pkey)
{
    char *pem = make_pem(pkey, false, false), cut[4096];
    char *end = strstr(pem, "-----END");
    const char *body = strchr(pem, '\n') + 1;

    snprintf(cut, sizeof cut, "%.*s", (int)(end - pem), pem);
    expect_refused(cut, NULL, "cut off: its END line is missing");
    snprintf(cut, sizeof cut, "%.*s%s", (int)(end - pem - 40), pem, end);
    expect_refused(cut, NULL, "the key in it is not whole");
    snprintf(cut, sizeof cut, "%.*s", 64, body);
    expect_refused(cut, NULL, "base64 of a key that is cut off");
    snprintf(cut, sizeof cut, "%.*s!!!%s", (int)(end - pem - 40), pem, end);
    expect_refused(cut, NULL, "damaged");
    free(pem);
}

START_TEST(a_key_that_cannot_be_used_is_named_for_what_it_is)
{
    EVP_PKEY *small = EVP_RSA_gen(1024), *other = EVP_EC_gen("secp256k1"),
             *good = EVP_EC_gen("P-521"), *montgomery = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    char *weak = make_pem(small, false, false), *curve = make_pem(other, false, false);
    char *encrypted = make_pem(good, false, true), *old = make_pem(good, true, true);
    char *public = make_public_pem(good), *agreement = make_pem(montgomery, false, false);
    char bare[1024], twice[4096];

    snprintf(bare, sizeof bare, "%.*s", (int)(strstr(public, "-----END") - strchr(public, '\n')),
             strchr(public, '\n'));
    EVP_EncodeBlock((unsigned char *)twice, (unsigned char *)curve, (int)strlen(curve));
    expect_refused(weak, NULL, "an RSA key of 1024 bits");
    expect_refused(curve, NULL, "an EC key on secp256k1");
    expect_refused(agreement, NULL, "a X25519 key");
    expect_refused(encrypted, NULL, "an encrypted key, and no passphrase");
    expect_refused(encrypted, "hunter2", "does not open");
    expect_refused(old, NULL, "an encrypted key, and no passphrase");
    expect_refused(old, "hunter2", "does not open");
    expect_refused(public, NULL, "a public key; the private one");
    expect_refused(bare, NULL, "a public key; the private one");
    expect_refused(twice, NULL, "encoded in base64 once more");
    expect_refused("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", NULL,
                   "a certificate; its private key");
    expect_refused("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
                   NULL, "OpenSSH's own format");
    expect_refused("hunter2 hunter2!", NULL, "neither PEM text nor base64");
    expect_cut(good);
    free(weak);
    free(curve);
    free(encrypted);
    free(old);
    free(public);
    free(agreement);
    EVP_PKEY_free(small);
    EVP_PKEY_free(other);
    EVP_PKEY_free(good);
    EVP_PKEY_free(montgomery);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {what_is_signed_verifies_and_a_changed_byte_does_not,
                                  a_mac_equals_the_example_of_rfc_7515_a_1,
                                  an_algorithm_that_does_not_fit_the_key_is_refused,
                                  private_keys_are_read_in_every_form,
                                  encrypted_keys_are_read_with_their_passphrase,
                                  other_pem_blocks_before_the_key_are_passed_over,
                                  a_key_that_cannot_be_used_is_named_for_what_it_is,
                                  NULL};

    return run_tests("jws", tests, NULL, NULL);
}
