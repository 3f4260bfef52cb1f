/* The federated-pca plugin: the vendor SDK's captures, and what is wrong with keys and chains. */
#include "bench.h"
#include "captures.h"
#include "jws_check.h"

#include "base/json.h"

#include "../support/files.h"

#include <json-c/json.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

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

/* Certificates as configured, line breaks included; the assertion is proven by the leaf's key. */
START_TEST(requests_equal_the_vendors_captures)
{
    const char *pem = member_text(json_get_object(captures, "private_keys_pem"), "rsa2048.pkcs8");
    struct assertion_proof proof = {.key = jws_key_from_pem(pem)};

    capture_replay(captures_find(captures, "PCA/rsa2048"), &proof);
    capture_replay(captures_find(captures, "PCA/exchange"), &proof);
    EVP_PKEY_free(proof.key);
}
END_TEST

static void expect_refused(struct json_object *config, const char *name, const char *expected)
{
    struct error err = {0};

    ck_assert(!bench_try(config, &err));
    ck_assert_str_eq(err.name, name);
    ck_assert_msg(strstr(err.message, expected) != NULL, "%s, expected: %s", err.message, expected);
}

START_TEST(a_key_that_cannot_be_used_is_named)
{
    struct json_object *config = capture_config(captures_find(captures, "PCA/rsa2048"));

    setenv("ENV_PRIVATE_KEY", member_text(json_get_object(captures, "certificates_pem"), "leaf"),
           1);
    expect_refused(config, "NotSupportedWebKey", "found a certificate; its private key is needed");
    unsetenv("ENV_PRIVATE_KEY");
    expect_refused(config, "PrivateKeyNotFound", "ENV_PRIVATE_KEY");
}
END_TEST

START_TEST(a_refusal_by_the_server_names_what_to_check)
{
    bench_open(capture_config(captures_find(captures, "PCA/rsa2048")));
    bench.status = 401;
    bench.body = "{\"error\":\"invalid_client\"}";
    bench_fetch("a|b", NULL);
    ck_assert_msg(strstr(bench.err.message, "x509CertChains leads from it") != NULL, "%s",
                  bench.err.message);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        requests_equal_the_vendors_captures,
        a_key_that_cannot_be_used_is_named,
        a_refusal_by_the_server_names_what_to_check,
        NULL,
    };

    return bench_run("federated_pca", tests, set_up, tear_down);
}
