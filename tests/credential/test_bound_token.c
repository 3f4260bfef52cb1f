/* Tokens that are bound to a key or a certificate: what authorised calls with them prove, against a
 * service that checks each proof and one that looks at the certificate. */
#include "credential/authorized_call.h"
#include "credential/broker.h"
#include "credential/credential_client.h"
#include "credential/token_binding.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "config/host_config.h"
#include "jwt/key.h"
#include "net/http_client.h"
#include "net/loop.h"

#include "../support/peer.h"
#include "../support/proof.h"
#include "../support/run.h"
#include "../support/tls_peer.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

static struct loop *loop;
static struct http_client *http;
static struct broker *broker;
static struct credential_client *worker;
static struct peer service;
static struct tls_peer tls_service;
static struct signing_key *proof_key, *client_key;
static struct secret *certificate;
static int fetch_count;

/* ---- a provider that answers at once --------------------------------------------------------- */

struct pending {
    token_done_fn *done;
    void *done_arg;
    bool is_for_tls;
};
static struct pending pending;

static void answer_soon(void *arg)
{
    struct error err = {0};
    char text[40];
    struct token_answer answer = {.expires_in_s = 1200, .expires_at_s = -1};

    (void)arg;
    snprintf(text, sizeof text, "canary-token-%d", fetch_count);
    answer.token = secret_copy(text, strlen(text), &err);
    answer.binding = pending.is_for_tls ? token_binding_new(NULL, certificate, client_key, &err)
                                        : token_binding_new(proof_key, NULL, NULL, &err);
    pending.done(pending.done_arg, &answer, NULL, -1);
    token_binding_free(answer.binding);
    secret_free(answer.token);
}

static struct token_fetch *fetch_token(void *arg, const struct token_request *request,
                                       token_done_fn *done, void *done_arg, struct error *err)
{
    (void)arg;
    (void)err;
    fetch_count++;
    pending = (struct pending){done, done_arg,
                               slice_equal_text(request->audience, "https://tls.example")};
    loop_post(loop, answer_soon, NULL);
    return (struct token_fetch *)&pending;
}

static void cancel_token(void *arg, struct token_fetch *fetch)
{
    (void)arg;
    (void)fetch;
}

/* ---- a service that wants proofs ------------------------------------------------------------- */

static const char *nonce_wanted; /* NULL: does without */
static const char *refused_token;
static char jtis[8][64];
static int jti_count;

static struct slice header_of(struct http_exchange *exchange, const char *name)
{
    return http_head_find(http_exchange_head(exchange), name);
}

static void hash_token(const char *token, char out[64])
{
    unsigned char digest[32];
    struct buffer text;
    struct error err = {0};

    EVP_Digest(token, strlen(token), digest, NULL, EVP_sha256(), NULL);
    buffer_init(&text, 64);
    ck_assert(base64url_encode(digest, sizeof digest, &text, &err));
    snprintf(out, 64, "%s", text.data);
    buffer_clear(&text);
}

/* What RFC 9449 section 4.3 has a server check, but the age. */
static void check_proof(struct peer *peer, const struct proof *proof)
{
    char url[200], wanted[64];

    snprintf(url, sizeof url, "%s/do", peer->url);
    ck_assert_str_eq(proof_claim(proof, "htm"), "POST");
    ck_assert_str_eq(proof_claim(proof, "htu"), url);
    ck_assert_int_eq(strncmp(peer->last_authorization, "DPoP ", 5), 0);
    hash_token(peer->last_authorization + 5, wanted);
    ck_assert_str_eq(proof_claim(proof, "ath"), wanted);
    for (int i = 0; i < jti_count; i++)
        ck_assert_str_ne(proof_claim(proof, "jti"), jtis[i]);
    snprintf(jtis[jti_count++ % 8], sizeof jtis[0], "%s", proof_claim(proof, "jti"));
}

static void answer_proven(struct peer *peer, struct http_exchange *exchange)
{
    struct proof proof = proof_open(header_of(exchange, "dpop"));
    bool has_nonce =
        nonce_wanted == NULL || strcmp(proof_claim(&proof, "nonce"), nonce_wanted) == 0;

    check_proof(peer, &proof);
    proof_drop(&proof);
    if (nonce_wanted != NULL)
        http_exchange_add_header(exchange, "DPoP-Nonce", nonce_wanted);
    if (!has_nonce) {
        http_exchange_add_header(exchange, "WWW-Authenticate",
                                 "DPoP error=\"use_dpop_nonce\", error_description=\"nonce\"");
        http_exchange_reply(exchange, 401, "text/plain", "nonce", 5);
    } else if (refused_token != NULL && strcmp(peer->last_authorization + 5, refused_token) == 0) {
        http_exchange_add_header(exchange, "WWW-Authenticate", "DPoP error=\"invalid_token\"");
        http_exchange_reply(exchange, 401, "text/plain", "old", 3);
    } else {
        http_exchange_reply(exchange, 200, "text/plain", "fine", 4);
    }
}

static void answer_always_wanting_another(struct peer *peer, struct http_exchange *exchange)
{
    char nonce[20];

    snprintf(nonce, sizeof nonce, "nonce-%d", peer->requests);
    http_exchange_add_header(exchange, "DPoP-Nonce", nonce);
    http_exchange_add_header(exchange, "WWW-Authenticate", "DPoP error=\"use_dpop_nonce\"");
    http_exchange_reply(exchange, 401, "text/plain", "nonce", 5);
}

/* ---- set-up ---------------------------------------------------------------------------------- */

static char tls_url[64];
static char *service_origins[] = {service.url}, *tls_origins[] = {tls_url};
static struct credential_config configs[] = {
    {.name = (char[]){"keyed"},
     .kind = CREDENTIAL_ACCESS_TOKEN,
     .identifier = (char[]){""},
     .scope = (char[]){"https://svc.example|a"},
     .origins = service_origins,
     .origin_count = 1,
     .attach_header = (char[]){"Authorization"},
     .attach_prefix = (char[]){"Bearer "},
     .attach_query = (char[]){""}},
    {.name = (char[]){"certified"},
     .kind = CREDENTIAL_ACCESS_TOKEN,
     .identifier = (char[]){""},
     .scope = (char[]){"https://tls.example|a"},
     .origins = tls_origins,
     .origin_count = 1,
     .attach_header = (char[]){"Authorization"},
     .attach_prefix = (char[]){"Bearer "},
     .attach_query = (char[]){""}},
};

static void make_certificate(void)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    X509 *x509 = test_certificate(pkey, "agent");
    BIO *pem = BIO_new(BIO_s_mem());
    struct error err = {0};
    struct secret *text;
    char *bytes;
    long len;

    PEM_write_bio_X509(pem, x509);
    len = BIO_get_mem_data(pem, &bytes);
    certificate = secret_copy(bytes, (size_t)len, &err);
    (void)BIO_reset(pem);
    PEM_write_bio_PrivateKey(pem, pkey, NULL, NULL, 0, NULL, NULL);
    len = BIO_get_mem_data(pem, &bytes);
    text = secret_copy(bytes, (size_t)len, &err);
    client_key = signing_key_from_pem(text, NULL, &err);
    ck_assert_msg(client_key != NULL, "%s", err.message);
    secret_free(text);
    BIO_free(pem);
    X509_free(x509);
    EVP_PKEY_free(pkey);
}

static void set_up(void)
{
    struct broker_options options = {.credentials = configs,
                                     .credential_count = 2,
                                     .provider = {fetch_token, cancel_token, NULL},
                                     .developer_api_endpoint = "",
                                     .instance_id = "",
                                     .vault_scope = ""};
    struct http_client_options client_options = {0};
    struct error err = {0};

    fetch_count = jti_count = 0;
    nonce_wanted = refused_token = NULL;
    tls_peer_open(&tls_service);
    snprintf(tls_url, sizeof tls_url, "https://127.0.0.1:%d", tls_service.port);
    client_options.ca_file = tls_service.ca_path;
    loop = loop_new(&err);
    http = http_client_new(loop, &client_options, &err);
    peer_open(&service, loop);
    service.answer = answer_proven;
    proof_key = signing_key_generate("P-256", &err);
    make_certificate();
    broker = broker_new(loop, http, &options, &err);
    ck_assert_msg(broker != NULL, "%s", err.message);
    worker = credential_client_new(broker, loop, &err);
    ck_assert_msg(worker != NULL, "%s", err.message);
}

static void tear_down(void)
{
    credential_client_free(worker);
    for (int i = 0; i < 3; i++)
        loop_run_once(loop, 0);
    broker_free(broker);
    http_client_free(http);
    peer_close(&service);
    tls_peer_close(&tls_service);
    for (int i = 0; i < 3; i++)
        loop_run_once(loop, 0);
    loop_free(loop);
    signing_key_free(proof_key);
    signing_key_free(client_key);
    secret_free(certificate);
    secret_arena_close();
}

/* ---- calls ----------------------------------------------------------------------------------- */

static int heads, dones, last_status;
static char body_seen[200];
static struct error last_error;

static void note_head(void *arg, int status, const struct http_answer_header *headers, size_t count)
{
    (void)arg;
    (void)status;
    (void)headers;
    (void)count;
    heads++;
}

static void note_data(void *arg, const char *bytes, size_t len)
{
    size_t used = strlen(body_seen);

    (void)arg;
    snprintf(body_seen + used, sizeof body_seen - used, "%.*s", (int)len, bytes);
}

static void note_done(void *arg, int status, struct secret *answer, const struct error *err)
{
    (void)arg;
    (void)answer;
    dones++;
    last_status = status;
    last_error = err == NULL ? (struct error){0} : *err;
}

static void call(const char *credential, const char *url, const struct http_header *header)
{
    static const struct http_call_events events = {note_head, note_data, note_done};
    struct http_request_options options = {
        .method = "POST", .url = url, .headers = header, .header_count = header == NULL ? 0 : 1};
    struct error err = {0};

    heads = dones = last_status = 0;
    body_seen[0] = '\0';
    ck_assert_msg(authorized_call_start(http, worker, slice_of(credential), NULL, &options, &events,
                                        NULL, &err) != NULL,
                  "%s", err.message);
    PEER_RUN_UNTIL(loop, dones == 1);
}

static void call_service(void)
{
    char url[200];

    snprintf(url, sizeof url, "%s/do?x=1", service.url);
    call("keyed", url, NULL);
}

START_TEST(a_bound_token_goes_with_a_fresh_proof_each_time)
{
    call_service();
    ck_assert_int_eq(last_status, 200);
    call_service();
    ck_assert_int_eq(last_status, 200);
    ck_assert_int_eq(service.requests, 2);
    ck_assert_int_eq(fetch_count, 1);
    ck_assert_int_eq(jti_count, 2);
}
END_TEST

START_TEST(a_nonce_is_learnt_by_one_refusal_and_used_from_then_on)
{
    nonce_wanted = "nonce-A";
    call_service();
    ck_assert_int_eq(last_status, 200);
    ck_assert_str_eq(body_seen, "fine");
    ck_assert_int_eq(heads, 1);
    ck_assert_int_eq(service.requests, 2);
    call_service();
    ck_assert_int_eq(service.requests, 3);

    /* The server turns to another one: once more a single repetition. */
    nonce_wanted = "nonce-B";
    call_service();
    ck_assert_int_eq(last_status, 200);
    ck_assert_int_eq(service.requests, 5);
    ck_assert_int_eq(fetch_count, 1);
}
END_TEST

static void answer_with_next_nonce(struct peer *peer, struct http_exchange *exchange)
{
    struct proof proof = proof_open(header_of(exchange, "dpop"));
    char given[20], next[20];

    snprintf(given, sizeof given, "nonce-%d", peer->requests - 1);
    snprintf(next, sizeof next, "nonce-%d", peer->requests);
    if (peer->requests > 1)
        ck_assert_str_eq(proof_claim(&proof, "nonce"), given);
    proof_drop(&proof);
    http_exchange_add_header(exchange, "DPoP-Nonce", next);
    http_exchange_reply(exchange, 200, "text/plain", "fine", 4);
}

/* RFC 9449 section 8.2: a new nonce may come with any answer. */
START_TEST(a_nonce_that_comes_with_a_good_answer_is_used_next)
{
    service.answer = answer_with_next_nonce;
    for (int i = 0; i < 4; i++) {
        call_service();
        ck_assert_int_eq(last_status, 200);
    }
    ck_assert_int_eq(service.requests, 4);
}
END_TEST

START_TEST(a_service_that_is_never_content_with_the_nonce_is_asked_a_bounded_number_of_times)
{
    service.answer = answer_always_wanting_another;
    call_service();
    ck_assert_int_eq(last_status, 401);
    ck_assert_int_eq(heads, 1);
    /* First, with the nonce, and with a renewed token as for any 401. */
    ck_assert_int_eq(service.requests, 3);
}
END_TEST

START_TEST(a_refused_token_is_renewed_and_proven_anew)
{
    nonce_wanted = "nonce-A";
    refused_token = "canary-token-1";
    call_service();
    ck_assert_int_eq(last_status, 200);
    ck_assert_str_eq(service.last_authorization, "DPoP canary-token-2");
    ck_assert_int_eq(service.requests, 3);
}
END_TEST

START_TEST(a_caller_cannot_bring_a_proof_of_its_own)
{
    const struct http_header header = {slice_of("dpop"), slice_of("forged"), NULL};
    char url[200];

    snprintf(url, sizeof url, "%s/do", service.url);
    call("keyed", url, &header);
    ck_assert_int_eq(last_status, 0);
    ck_assert_int_eq(last_error.code, ERROR_BAD_INPUT);
    ck_assert_int_eq(service.requests, 0);
}
END_TEST

START_TEST(a_token_bound_to_a_certificate_is_sent_over_a_connection_that_proves_it)
{
    char url[200];

    snprintf(url, sizeof url, "%s/do", tls_url);
    call("certified", url, NULL);
    ck_assert_int_eq(last_status, 200);
    ck_assert_str_eq(body_seen, "agent 1");
    /* A plain call to the same place is somebody else's. */
    call("", url, NULL);
    ck_assert_str_eq(body_seen, "nobody 2");
    call("certified", url, NULL);
    ck_assert_str_eq(body_seen, "agent 1");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_bound_token_goes_with_a_fresh_proof_each_time,
        a_nonce_is_learnt_by_one_refusal_and_used_from_then_on,
        a_nonce_that_comes_with_a_good_answer_is_used_next,
        a_service_that_is_never_content_with_the_nonce_is_asked_a_bounded_number_of_times,
        a_refused_token_is_renewed_and_proven_anew,
        a_caller_cannot_bring_a_proof_of_its_own,
        a_token_bound_to_a_certificate_is_sent_over_a_connection_that_proves_it,
        NULL,
    };

    return run_tests("bound_token", tests, set_up, tear_down);
}
