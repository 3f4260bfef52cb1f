/* What is said about the certificates of method PCA. */
#include "config/idaas_config.h"

#include "base/error.h"
#include "base/json.h"
#include "config/problems.h"

#include "../support/files.h"
#include "../support/run.h"

#include <json-c/json.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

static struct json_object *captures;

static void set_up(void)
{
    captures = load_vectors("idaas-requests.json");
}

static void tear_down(void)
{
    json_object_put(captures);
}

static const char *get_env(void *arg, const char *name)
{
    (void)arg;
    return strcmp(name, "ENV_PRIVATE_KEY") == 0 ? "some key" : NULL;
}

static const char *pem_of(const char *name)
{
    return member_text(json_get_object(captures, "certificates_pem"), name);
}

/* Reads a file with these certificates; what is found is in `problems`, which the caller clears. */
static void read_file(const char *leaf, const char *chain, struct problems *problems)
{
    static const struct config_source source = {.get_env = get_env};
    struct json_object *cases = json_get_array(captures, "cases"), *copy = NULL, *authn;
    const char *text;

    for (size_t i = 0; i < json_object_array_length(cases); i++) {
        struct json_object *item = json_object_array_get_idx(cases, i);

        if (strcmp(member_text(item, "id"), "PCA/rsa2048") == 0)
            ck_assert_int_eq(
                json_object_deep_copy(json_get_object(item, "sdk_config"), &copy, NULL), 0);
    }
    authn = json_get_object(copy, "authnConfiguration");
    json_object_object_add(authn, "clientX509Certificate", json_object_new_string(leaf));
    json_object_object_add(authn, "x509CertChains", json_object_new_string(chain));
    text = json_object_to_json_string(copy);
    problems_init(problems);
    idaas_config_free(
        idaas_config_parse("client-config.json", text, strlen(text), &source, problems));
    json_object_put(copy);
}

/* Exactly one problem, of this kind, with these words in what it says. */
static void expect(const char *leaf, const char *chain, bool is_warning, const char *path,
                   const char *what)
{
    struct problems problems;

    read_file(leaf, chain, &problems);
    ck_assert_uint_eq(problems.count, 1);
    ck_assert_int_eq(problems.items[0].is_warning, is_warning);
    ck_assert_msg(strstr(problems.items[0].path, path) != NULL, "%s", problems.items[0].path);
    ck_assert_msg(strstr(problems.items[0].what, what) != NULL, "%s", problems.items[0].what);
    problems_clear(&problems);
}

START_TEST(good_certificates_are_passed_over)
{
    struct problems problems;

    read_file(pem_of("leaf"), pem_of("intermediate"), &problems);
    ck_assert_uint_eq(problems.count, 0);
    problems_clear(&problems);
}
END_TEST

START_TEST(what_is_no_certificate_is_refused)
{
    const char *key = member_text(json_get_object(captures, "private_keys_pem"), "rsa2048.pkcs8");
    char cut[2048];

    snprintf(cut, sizeof cut, "%.300s\n-----END CERTIFICATE-----\n", pem_of("leaf"));
    expect("MIIC", pem_of("intermediate"), false, "clientX509Certificate", "no certificate in PEM");
    expect(cut, pem_of("intermediate"), false, "clientX509Certificate", "damaged");
    expect(pem_of("leaf"), "none", false, "x509CertChains", "no certificate in PEM");
    expect(key, pem_of("intermediate"), false, "clientX509Certificate", "holds a private key");
    expect(pem_of("leaf"), key, false, "x509CertChains", "holds a private key");
}
END_TEST

START_TEST(a_chain_that_begins_with_another_issuer_is_a_warning)
{
    expect(pem_of("leaf"), pem_of("root"), true, "x509CertChains",
           "did not issue clientX509Certificate");
    expect(pem_of("leaf"), pem_of("leaf"), true, "x509CertChains",
           "did not issue clientX509Certificate");
}
END_TEST

/* A self-signed certificate, valid between these two moments counted from now. */
static void make_certificate(long from_s, long until_s, char *out, size_t size)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    BIO *bio = BIO_new(BIO_s_mem());
    int len;

    X509_gmtime_adj(X509_getm_notBefore(certificate), from_s);
    X509_gmtime_adj(X509_getm_notAfter(certificate), until_s);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_set_pubkey(certificate, key);
    ck_assert_int_gt(X509_sign(certificate, key, EVP_sha256()), 0);
    ck_assert_int_eq(PEM_write_bio_X509(bio, certificate), 1);
    len = BIO_read(bio, out, (int)size - 1);
    ck_assert_int_gt(len, 0);
    out[len] = '\0';
    BIO_free(bio);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

START_TEST(a_certificate_out_of_its_time_is_a_warning)
{
    char pem[2048];

    make_certificate(-7200, -3600, pem, sizeof pem);
    expect(pem, pem, true, "clientX509Certificate", "expired on 20");
    make_certificate(3600, 7200, pem, sizeof pem);
    expect(pem, pem, true, "clientX509Certificate", "becomes valid on 20");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        good_certificates_are_passed_over,
        what_is_no_certificate_is_refused,
        a_chain_that_begins_with_another_issuer_is_a_warning,
        a_certificate_out_of_its_time_is_a_warning,
        NULL,
    };

    return run_tests("idaas_certificates", tests, set_up, tear_down);
}
