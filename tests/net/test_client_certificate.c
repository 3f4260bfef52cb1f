/* Client certificates of the HTTP client: each request proves its own identity, whatever
 * connections and sessions are at hand, and the private key leaves ordinary memory. */
#include "net/http_client.h"

#include "base/error.h"
#include "base/secret.h"
#include "base/wipe_alloc.h"
#include "net/loop.h"

#include "../support/run.h"
#include "../support/tls_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MASK 0x5a

struct identity {
    struct secret *certificate; /* PEM */
    struct secret *key;         /* PKCS#8 DER */
    unsigned char mask[32];     /* the private number, hidden: no copy to be found */
};

static struct loop *loop;
static struct http_client *client;
static struct tls_peer peer;
static struct identity alice, bob;
static char answer[100];
static struct error failure;
static bool is_done;

static void make_identity(struct identity *out, const char *name)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    X509 *certificate = test_certificate(pkey, name);
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
    BIO *pem = BIO_new(BIO_s_mem());
    unsigned char *der = NULL, number_bytes[32];
    BIGNUM *number = NULL;
    struct error err = {0};
    char *text;
    long len;

    PEM_write_bio_X509(pem, certificate);
    len = BIO_get_mem_data(pem, &text);
    out->certificate = secret_copy(text, (size_t)len, &err);
    len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    out->key = secret_copy((char *)der, (size_t)len, &err);
    ck_assert_int_eq(EVP_PKEY_get_bn_param(pkey, "priv", &number), 1);
    BN_bn2binpad(number, number_bytes, 32);
    for (size_t i = 0; i < 32; i++)
        out->mask[i] = number_bytes[i] ^ MASK;
    explicit_bzero(number_bytes, sizeof number_bytes);
    BN_clear_free(number);
    OPENSSL_clear_free(der, (size_t)len);
    PKCS8_PRIV_KEY_INFO_free(info);
    BIO_free(pem);
    X509_free(certificate);
    EVP_PKEY_free(pkey);
}

static void drop_identity(struct identity *identity)
{
    secret_free(identity->certificate);
    secret_free(identity->key);
}

static void set_up(void)
{
    struct http_client_options options = {0};
    struct error err = {0};

    tls_peer_open(&peer);
    make_identity(&alice, "alice");
    make_identity(&bob, "bob");
    options.ca_file = peer.ca_path;
    loop = loop_new(&err);
    client = http_client_new(loop, &options, &err);
    ck_assert_msg(client != NULL, "%s", err.message);
}

static void tear_down(void)
{
    http_client_free(client);
    tls_peer_close(&peer);
    drop_identity(&alice);
    drop_identity(&bob);
    loop_free(loop);
    error_clear(&failure);
}

static void on_data(void *arg, const char *bytes, size_t len)
{
    size_t used = strlen(answer);

    (void)arg;
    snprintf(answer + used, sizeof answer - used, "%.*s", (int)len, bytes);
}

static void on_done(void *arg, int status, struct secret *secret, const struct error *err)
{
    (void)arg;
    (void)status;
    (void)secret;
    if (err != NULL)
        failure = *err;
    is_done = true;
}

/* Makes one request as `who` (NULL: without a certificate): what the server says to it. */
static const char *ask(const struct identity *who)
{
    static const struct http_call_events events = {.on_data = on_data, .on_done = on_done};
    struct http_request_options options = {.method = "GET"};
    struct error err = {0};
    char url[64];

    snprintf(url, sizeof url, "https://127.0.0.1:%d/", peer.port);
    options.url = url;
    if (who != NULL) {
        options.client_certificate = who->certificate;
        options.client_key = who->key;
    }
    answer[0] = '\0';
    is_done = false;
    ck_assert_msg(http_client_start(client, &options, &events, NULL, &err) != NULL, "%s",
                  err.message);
    for (int i = 0; i < 2000 && !is_done; i++)
        loop_run_once(loop, 10);
    ck_assert(is_done);
    return answer;
}

START_TEST(a_connection_is_reused_by_its_own_identity_only)
{
    ck_assert_str_eq(ask(&alice), "alice 1");
    ck_assert_str_eq(ask(&alice), "alice 1");
    ck_assert_str_eq(ask(&bob), "bob 2");
    ck_assert_str_eq(ask(NULL), "nobody 3");
    ck_assert_str_eq(ask(&alice), "alice 1");
    ck_assert_str_eq(ask(&bob), "bob 2");
    ck_assert_str_eq(ask(NULL), "nobody 3");
}
END_TEST

/* libcurl 7.88 resumes no session of another handle; a later one that does must keep them apart. */
START_TEST(new_connections_do_not_inherit_an_identity)
{
    const struct identity *const who[] = {&alice, &bob, NULL, &alice, NULL, &bob};
    const char *const names[] = {"alice ", "bob ", "nobody ", "alice ", "nobody ", "bob "};

    atomic_store(&peer.closes_after, true);
    for (size_t i = 0; i < sizeof who / sizeof who[0]; i++)
        ck_assert_int_eq(strncmp(ask(who[i]), names[i], strlen(names[i])), 0);
}
END_TEST

START_TEST(a_key_of_another_certificate_is_a_named_mistake)
{
    struct identity mixed = {.certificate = alice.certificate, .key = bob.key};

    ask(&mixed);
    ck_assert_str_eq(failure.name, "ClientCertificateUnusable");
    ck_assert_ptr_nonnull(strstr(failure.message, "the private key that belongs to it"));
}
END_TEST

#ifndef __SANITIZE_ADDRESS__ /* whose shadow memory is writable and terabytes long */

/* How often the private number lies in memory that `is_wanted` says to look at, in either byte
 * order: OpenSSL's numbers begin with the lowest byte. */
static int count_in_range(const unsigned char *at, const unsigned char *end,
                          const unsigned char mask[32])
{
    int found = 0;

    for (; at + 32 <= end; at++) {
        size_t same = 0, reversed = 0;

        while (same < 32 && (at[same] ^ MASK) == mask[same])
            same++;
        while (reversed < 32 && (at[reversed] ^ MASK) == mask[31 - reversed])
            reversed++;
        found += same == 32 || reversed == 32;
    }
    return found;
}

/* Ordinary writable memory: the heap, what was mapped, the stacks; not the arena of secrets. */
static int count_in_ordinary_memory(const struct identity *who)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    uintptr_t arena = (uintptr_t)secret_borrow(who->key, NULL);
    char line[512];
    int found = 0;

    ck_assert_ptr_nonnull(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        char *rest, *permissions;
        uintptr_t start = strtoull(line, &rest, 16), end = strtoull(rest + 1, &permissions, 16);

        if (strncmp(permissions, " rw", 3) != 0 || (arena >= start && arena < end))
            continue;
        found +=
            count_in_range((const unsigned char *)start, (const unsigned char *)end, who->mask);
    }
    fclose(maps);
    return found;
}

START_TEST(the_private_key_is_gone_from_ordinary_memory_while_the_connection_lives)
{
    EVP_PKEY *copy;
    const unsigned char *at;
    size_t len;

    ck_assert_str_eq(ask(&alice), "alice 1");
    ck_assert_int_eq(count_in_ordinary_memory(&alice), 0);
    ck_assert_str_eq(ask(&alice), "alice 1");

    /* The search does find a key that is there. */
    at = (const unsigned char *)secret_borrow(alice.key, &len);
    copy = d2i_AutoPrivateKey(NULL, &at, (long)len);
    ck_assert_int_gt(count_in_ordinary_memory(&alice), 0);
    EVP_PKEY_free(copy);
}
END_TEST

#endif

int main(void)
{
    const TTest *const tests[] = {
        a_connection_is_reused_by_its_own_identity_only,
        new_connections_do_not_inherit_an_identity,
        a_key_of_another_certificate_is_a_named_mistake,
#ifndef __SANITIZE_ADDRESS__
        the_private_key_is_gone_from_ordinary_memory_while_the_connection_lives,
#endif
        NULL,
    };

    if (!wipe_alloc_install())
        return EXIT_FAILURE;
    return run_tests("client_certificate", tests, set_up, tear_down);
}
