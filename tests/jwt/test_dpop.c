/* DPoP proofs: the RFC's own examples pass the checker, and ours look and verify like them. */
#include "jwt/dpop.h"

#include "base/error.h"
#include "base/json.h"
#include "base/secret.h"
#include "jwt/key.h"

#include "../support/files.h"
#include "../support/proof.h"
#include "../support/run.h"

#include <string.h>

static struct proof make(struct signing_key *key, const struct dpop_request *request)
{
    struct error err = {0};
    struct secret *text = dpop_proof(key, request, &err);
    struct proof proof;

    ck_assert_msg(text != NULL, "%s", err.message);
    proof = proof_open((struct slice){secret_borrow(text, NULL), secret_len(text)});
    secret_free(text);
    return proof;
}

static void same_members(struct json_object *ours, struct json_object *theirs)
{
    ck_assert_int_eq(json_object_object_length(ours), json_object_object_length(theirs));
    json_object_object_foreach(theirs, name, value)
    {
        (void)value;
        ck_assert_msg(json_object_object_get_ex(ours, name, NULL), "%s is missing", name);
    }
}

/* Our proof for the request of one of the RFC's examples. */
static void compare_with_example(const char *name)
{
    struct json_object *vectors = load_vectors("dpop-rfc9449.json");
    struct json_object *example = json_object_object_get(vectors, name);
    const char *token = member_text(example, "access_token");
    struct error err = {0};
    struct secret *access_token = token == NULL ? NULL : secret_copy(token, strlen(token), &err);
    struct signing_key *key = signing_key_generate("P-256", &err);
    struct dpop_request request = {
        .method = member_text(example, "method"),
        .url = member_text(example, "url"),
        .access_token = access_token,
        .now_s = json_object_get_int64(json_object_object_get(example, "iat"))};
    struct proof theirs = proof_open(slice_of(member_text(example, "proof")));
    struct proof ours = make(key, &request);
    int64_t iat;

    same_members(ours.header, theirs.header);
    same_members(json_get_object(ours.header, "jwk"), json_get_object(theirs.header, "jwk"));
    same_members(ours.claims, theirs.claims);
    ck_assert_str_eq(proof_claim(&ours, "htm"), proof_claim(&theirs, "htm"));
    ck_assert_str_eq(proof_claim(&ours, "htu"), proof_claim(&theirs, "htu"));
    ck_assert_str_eq(proof_claim(&ours, "ath"), proof_claim(&theirs, "ath"));
    ck_assert(json_get_int64(ours.claims, "iat", &iat) && iat == request.now_s);
    proof_drop(&ours);
    proof_drop(&theirs);
    signing_key_free(key);
    secret_free(access_token);
    json_object_put(vectors);
}

START_TEST(a_proof_for_the_token_endpoint_is_as_in_the_rfc)
{
    compare_with_example("token_request");
}
END_TEST

START_TEST(a_proof_for_a_resource_is_as_in_the_rfc)
{
    compare_with_example("resource_request");
}
END_TEST

START_TEST(every_kind_of_key_signs_proofs)
{
    static const char *const kinds[] = {"P-256", "P-384", "P-521", "RSA-2048", "Ed25519"};
    const struct dpop_request request = {.method = "GET", .url = "https://h.example/"};
    struct error err = {0};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct signing_key *key = signing_key_generate(kinds[i], &err);
        struct proof proof = make(key, &request);

        proof_drop(&proof);
        signing_key_free(key);
    }
}
END_TEST

START_TEST(the_target_is_the_url_without_query_and_fragment)
{
    static const char *const cases[][2] = {
        {"https://h.example/a/b?x=/1#y", "https://h.example/a/b"},
        {"https://h.example", "https://h.example/"},
        {"https://h.example?x=/", "https://h.example/"},
        {"https://h.example:8443/a\"b", "https://h.example:8443/a\"b"}};
    struct error err = {0};
    struct signing_key *key = signing_key_generate("P-256", &err);

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct proof proof = make(key, &(struct dpop_request){.method = "GET", .url = cases[i][0]});

        ck_assert_str_eq(proof_claim(&proof, "htu"), cases[i][1]);
        proof_drop(&proof);
    }
    signing_key_free(key);
}
END_TEST

START_TEST(no_two_proofs_are_the_same_and_a_nonce_is_repeated)
{
    const struct dpop_request request = {.method = "GET",
                                         .url = "https://h.example/",
                                         .nonce = slice_of("eyJ7S_zG.eyJH0-Z.HX4w-7v")};
    struct error err = {0};
    struct signing_key *key = signing_key_generate("P-256", &err);
    struct proof first = make(key, &request), second = make(key, &request);

    ck_assert_str_ne(proof_claim(&first, "jti"), proof_claim(&second, "jti"));
    ck_assert_uint_ge(strlen(proof_claim(&first, "jti")), 16); /* 96 bits in base64url */
    ck_assert_str_eq(proof_claim(&first, "nonce"), "eyJ7S_zG.eyJH0-Z.HX4w-7v");
    proof_drop(&first);
    proof_drop(&second);
    signing_key_free(key);
}
END_TEST

START_TEST(a_shared_secret_makes_no_proof)
{
    const struct dpop_request request = {.method = "GET", .url = "https://h.example/"};
    struct error err = {0};
    struct secret *shared = secret_copy("0123456789abcdef0123456789abcdef", 32, &err);
    struct signing_key *key = signing_key_from_hmac(shared, &err);

    ck_assert_ptr_null(dpop_proof(key, &request, &err));
    ck_assert_int_eq(err.code, ERROR_BAD_INPUT);
    signing_key_free(key);
    secret_free(shared);
}
END_TEST

START_TEST(a_nonce_is_made_of_the_characters_of_the_rfc)
{
    char long_nonce[2000];

    memset(long_nonce, 'a', sizeof long_nonce);
    ck_assert(dpop_nonce_is_valid(slice_of("eyJ7S_zG.~!#[]")));
    ck_assert(!dpop_nonce_is_valid(slice_of("")));
    ck_assert(!dpop_nonce_is_valid(slice_of("a b")));
    ck_assert(!dpop_nonce_is_valid(slice_of("a\"b")));
    ck_assert(!dpop_nonce_is_valid(slice_of("a\\b")));
    ck_assert(!dpop_nonce_is_valid(slice_of("caf\xc3\xa9")));
    ck_assert(!dpop_nonce_is_valid((struct slice){long_nonce, sizeof long_nonce}));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_proof_for_the_token_endpoint_is_as_in_the_rfc,
                                  a_proof_for_a_resource_is_as_in_the_rfc,
                                  every_kind_of_key_signs_proofs,
                                  the_target_is_the_url_without_query_and_fragment,
                                  no_two_proofs_are_the_same_and_a_nonce_is_repeated,
                                  a_shared_secret_makes_no_proof,
                                  a_nonce_is_made_of_the_characters_of_the_rfc,
                                  NULL};

    return run_tests("dpop", tests, NULL, NULL);
}
