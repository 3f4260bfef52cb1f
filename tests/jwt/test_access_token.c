/* The policy against all inbound vectors, and key sets against all key set documents. */
#include "jwt/access_token.h"

#include "base/error.h"
#include "jwt/jwks.h"

#include "../support/files.h"
#include "../support/run.h"

#include <string.h>

static struct json_object *vectors;

static void setup(void)
{
    vectors = load_vectors("jwt-inbound.json");
}

static void teardown(void)
{
    json_object_put(vectors);
}

static struct jwks *key_set(const char *name)
{
    struct error err = {0};
    const char *text = member_text(vectors, name);
    struct jwks *jwks = jwks_parse(text, strlen(text), &err);

    ck_assert_msg(jwks != NULL, "%s", err.message);
    return jwks;
}

static const char *algorithms[12];

static struct access_token_policy policy_for(struct json_object *vector)
{
    struct json_object *base = NULL, *own = NULL, *member;
    struct access_token_policy policy = {0};

    json_object_object_get_ex(vectors, "default_policy", &base);
    json_object_object_get_ex(vector, "policy", &own);
    policy.issuer = member_text(base, "issuer");
    policy.audience = member_text(base, "audience");
    policy.scope = member_text(base, "required_scope");
    policy.leeway_s = 60;
    if (json_object_object_get_ex(own, "leeway", &member))
        policy.leeway_s = json_object_get_int64(member);
    if (json_object_object_get_ex(own, "allowed_algs", &member)) {
        for (size_t i = 0; i < json_object_array_length(member); i++)
            algorithms[i] = json_object_get_string(json_object_array_get_idx(member, i));
        policy.algorithms = algorithms;
    }
    policy.requires_sub = json_object_object_get_ex(own, "require_claims", &member);
    return policy;
}

static int status_of(enum access_verdict verdict)
{
    return verdict == ACCESS_GRANTED ? 200 : verdict == ACCESS_SCOPE_INSUFFICIENT ? 403 : 401;
}

static bool reason_is_listed(struct json_object *vector, const char *reason)
{
    const char *expected = member_text(vector, "reason");
    struct json_object *others;

    if (expected == NULL || strcmp(expected, reason) == 0)
        return true;
    /* Our reader refuses a number beyond int64 anywhere, before any claim is looked at. */
    if (strcmp(member_text(vector, "id"), "exp-beyond-int64") == 0)
        return strcmp(reason, "bad_payload_json") == 0;
    if (json_object_object_get_ex(vector, "reason_alternatives", &others))
        for (size_t i = 0; i < json_object_array_length(others); i++)
            if (strcmp(json_object_get_string(json_object_array_get_idx(others, i)), reason) == 0)
                return true;
    return false;
}

static void check_vector(struct json_object *vector, struct jwks *jwks)
{
    struct access_token_policy policy = policy_for(vector);
    struct access_token_claims claims = {0};
    struct json_object *expected, *repeat, *token;
    const char *reason;
    char *text = NULL;
    struct slice input = {"", 0};
    enum access_verdict verdict;

    if (json_object_object_get_ex(vector, "token_repeat", &repeat)) {
        struct json_object *count;

        json_object_object_get_ex(repeat, "count", &count);
        input.len = (size_t)json_object_get_int64(count);
        text = malloc(input.len);
        memset(text, 'A', input.len);
        input.data = text;
    } else if (json_object_object_get_ex(vector, "token", &token) && token != NULL) {
        input = (struct slice){json_object_get_string(token),
                               (size_t)json_object_get_string_len(token)};
    }
    verdict = access_token_check(&policy, jwks, input, 1800000000, &claims, &reason);
    json_object_object_get_ex(vector, "http_status", &expected);
    ck_assert_msg(status_of(verdict) == json_object_get_int(expected), "%s: %d, %s",
                  member_text(vector, "id"), status_of(verdict), reason);
    ck_assert_msg(reason_is_listed(vector, reason), "%s: %s instead of %s",
                  member_text(vector, "id"), reason, member_text(vector, "reason"));
    access_token_claims_clear(&claims);
    free(text);
}

START_TEST(every_vector_has_its_verdict_status_and_reason)
{
    struct jwks *jwks = key_set("jwks");
    struct json_object *list;

    json_object_object_get_ex(vectors, "vectors", &list);
    ck_assert_uint_eq(json_object_array_length(list), 171);
    for (size_t i = 0; i < json_object_array_length(list); i++)
        check_vector(json_object_array_get_idx(list, i), jwks);
    jwks_free(jwks);
}
END_TEST

/* RFC 9068 section 4: with the option the type must be there. Without, tokens as IDaaS may issue
 * them pass too. */
START_TEST(the_type_may_be_demanded)
{
    struct jwks *jwks = key_set("jwks");
    struct json_object *list;
    int demanded = 0, refused = 0;

    json_object_object_get_ex(vectors, "vectors", &list);
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *vector = json_object_array_get_idx(list, i);
        struct access_token_policy policy = policy_for(vector);
        struct access_token_claims claims = {0};
        const char *token = member_text(vector, "token"), *reason;

        if (token == NULL || access_token_check(&policy, jwks, slice_of(token), 1800000000, &claims,
                                                &reason) != ACCESS_GRANTED)
            continue;
        access_token_claims_clear(&claims);
        policy.requires_typ = true;
        if (access_token_check(&policy, jwks, slice_of(token), 1800000000, &claims, &reason) ==
            ACCESS_GRANTED) {
            demanded++;
        } else {
            ck_assert_str_eq(reason, "wrong_typ");
            refused++;
        }
        access_token_claims_clear(&claims);
    }
    ck_assert_int_gt(demanded, 0);
    ck_assert_int_gt(refused, 0);
    jwks_free(jwks);
}
END_TEST

START_TEST(a_rotated_key_is_found_in_the_new_set)
{
    struct jwks *before = key_set("jwks"), *after = key_set("jwks_after_rotation");
    struct json_object *list;

    json_object_object_get_ex(vectors, "vectors", &list);
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *vector = json_object_array_get_idx(list, i);
        struct access_token_policy policy = policy_for(vector);
        struct access_token_claims claims = {0};
        const char *token = member_text(vector, "token"), *reason;

        if (strcmp(member_text(vector, "id"), "kid-rotated-before-refetch") != 0)
            continue;
        ck_assert_int_eq(
            access_token_check(&policy, before, slice_of(token), 1800000000, &claims, &reason),
            ACCESS_UNKNOWN_KID);
        ck_assert_int_eq(
            access_token_check(&policy, after, slice_of(token), 1800000000, &claims, &reason),
            ACCESS_GRANTED);
        ck_assert_str_ne(claims.sub, "");
        access_token_claims_clear(&claims);
    }
    jwks_free(before);
    jwks_free(after);
}
END_TEST

START_TEST(every_key_set_document_is_read_as_listed)
{
    struct json_object *list;

    json_object_object_get_ex(vectors, "jwks_documents", &list);
    ck_assert_uint_eq(json_object_array_length(list), 16);
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *document = json_object_array_get_idx(list, i), *kids;
        const char *text = member_text(document, "text"), *id = member_text(document, "id");
        struct error err = {0};
        struct jwks *jwks = jwks_parse(text, strlen(text), &err);

        if (strcmp(member_text(document, "expect"), "ok") != 0) {
            ck_assert_msg(jwks == NULL, "%s", id);
            continue;
        }
        ck_assert_msg(jwks != NULL, "%s: %s", id, err.message);
        json_object_object_get_ex(document, "usable_kids", &kids);
        ck_assert_msg(jwks_usable_count(jwks) == json_object_array_length(kids), "%s: %zu", id,
                      jwks_usable_count(jwks));
        for (size_t j = 0; j < json_object_array_length(kids); j++)
            ck_assert(jwks_has_usable_kid(
                jwks, slice_of(json_object_get_string(json_object_array_get_idx(kids, j)))));
        jwks_free(jwks);
    }
}
END_TEST

START_TEST(a_key_with_an_empty_type_is_known_and_not_usable)
{
    static const char text[] = "{\"keys\":[{\"kty\":\"\",\"e\":\"AQAB\",\"kid\":\"sig\"}]}";
    struct error err = {0};

    ck_assert_ptr_null(jwks_parse(text, sizeof text - 1, &err));
    ck_assert_int_eq(err.code, ERROR_BAD_INPUT);
}
END_TEST

START_TEST(a_discovery_document_is_called_by_its_name)
{
    static const char text[] = "{\"issuer\":\"https://x\",\"jwks_uri\":\"https://x/jwks\"}";
    struct error err = {0};

    ck_assert_ptr_null(jwks_parse(text, sizeof text - 1, &err));
    ck_assert_str_eq(err.message, "this is the discovery document, use its jwks_uri");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_vector_has_its_verdict_status_and_reason,
                                  the_type_may_be_demanded,
                                  a_rotated_key_is_found_in_the_new_set,
                                  every_key_set_document_is_read_as_listed,
                                  a_key_with_an_empty_type_is_known_and_not_usable,
                                  a_discovery_document_is_called_by_its_name,
                                  NULL};

    return run_tests("access_token", tests, setup, teardown);
}
