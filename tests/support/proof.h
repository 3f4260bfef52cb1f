/* Takes a DPoP proof apart and verifies it as a server does, by the key in its header. */
#ifndef SESAME_TESTS_SUPPORT_PROOF_H
#define SESAME_TESTS_SUPPORT_PROOF_H

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "jwt/jwk.h"
#include "jwt/jws.h"

#include <check.h>
#include <stdio.h>

#include <json-c/json.h>

struct proof {
    struct json_object *header, *claims;
};

/* Fails the test unless `text` is a JWS whose signature the key in its own header verifies. The
 * caller drops the result. */
static inline struct proof proof_open(struct slice text)
{
    struct proof proof;
    struct json_object *key;
    struct jws jws;
    struct jwk jwk;
    const char *reason = "";
    struct error err = {0};
    char jwk_text[1000];

    ck_assert_msg(jws_split(text, &jws, &reason), "%s", reason);
    proof.header = json_parse(jws.header.data, jws.header.len, 8, &err);
    proof.claims = json_parse(jws.payload.data, jws.payload.len, 8, &err);
    ck_assert_msg(proof.header != NULL && proof.claims != NULL, "%s", err.message);
    key = json_get_object(proof.header, "jwk");
    ck_assert_ptr_nonnull(key);
    /* Our reader of key sets wants a kid; a proof's key has none. */
    ck_assert_ptr_null(json_object_object_get(key, "kid"));
    ck_assert_ptr_null(json_object_object_get(key, "d"));
    snprintf(jwk_text, sizeof jwk_text, "{\"kid\":\"x\",%s",
             json_object_to_json_string_ext(key, JSON_C_TO_STRING_PLAIN) + 1);
    ck_assert(jwk_read(slice_of(jwk_text), &jwk));
    ck_assert(jws_verify(&jws, algorithm_find(slice_of(json_get_string(proof.header, "alg", NULL))),
                         jwk.public_key));
    ck_assert_str_eq(json_get_string(proof.header, "typ", NULL), "dpop+jwt");
    jwk_clear(&jwk);
    jws_clear(&jws);
    return proof;
}

static inline void proof_drop(struct proof *proof)
{
    json_object_put(proof->header);
    json_object_put(proof->claims);
}

static inline const char *proof_claim(const struct proof *proof, const char *name)
{
    const char *text = json_get_string(proof->claims, name, NULL);

    return text == NULL ? "" : text;
}

#endif
