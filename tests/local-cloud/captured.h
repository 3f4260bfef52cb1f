/* Requests that the vendor's SDK sent (vectors/idaas-requests.json), played to the stand-in. */
#ifndef TESTS_LOCAL_CLOUD_CAPTURED_H
#define TESTS_LOCAL_CLOUD_CAPTURED_H

#include "tests/local-cloud/world.h"

#include "base/buffer.h"
#include "local-cloud/agent_identity.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "local-cloud/client_keys.h"
#include "local-cloud/federation.h"

/* A named case; borrowed from `file`. */
static inline struct json_object *captured_case(struct json_object *file, const char *id)
{
    struct json_object *cases = get(file, "cases");

    for (size_t i = 0; i < json_object_array_length(cases); i++) {
        struct json_object *one = json_object_array_get_idx(cases, i);

        if (strcmp(json_object_get_string(get(one, "id")), id) == 0)
            return one;
    }
    ck_abort_msg("there is no captured case %s", id);
    return NULL;
}

/* The case's request to the token endpoint, the last one it made; NULL when it made none. */
static inline struct json_object *captured_token_request(struct json_object *one)
{
    struct json_object *requests = get(one, "requests");
    size_t count = json_object_array_length(requests);
    struct json_object *last = count == 0 ? NULL : json_object_array_get_idx(requests, count - 1);

    return last != NULL && strcmp(json_object_get_string(get(last, "target")), PATH_TOKEN) == 0
               ? last
               : NULL;
}

/* The realm becomes the one for which the case was captured. */
static inline void become_captured(struct json_object *one)
{
    struct json_object *config = get(one, "sdk_config");
    struct json_object *environment = get(one, "environment");
    const char *secret = json_get_string(environment, "IDAAS_CLIENT_SECRET", NULL);

    replace_text(&cloud->realm.agent.id, json_get_string(config, "clientId", NULL));
    replace_text(&cloud->realm.instance_id, json_get_string(config, "idaasInstanceId", NULL));
    if (secret != NULL)
        replace_text(&cloud->realm.agent.secret, secret);
}

/* Registers the public half of a private key. */
static inline bool register_private(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    struct error err = {0};
    bool is_added = key != NULL && client_keys_add(cloud->realm.agent.keys, key, &err);

    EVP_PKEY_free(key);
    BIO_free(bio);
    return is_added;
}

/* The root of the captured chain becomes the anchor of the credential fed_pca. */
static inline void trust_captured_root(struct json_object *file)
{
    struct json_object *body = json_object_new_object();
    struct error err = {0};

    json_object_object_add(body, "name", json_object_new_string(FEDERATED_PCA));
    json_object_object_add(body, "kind", json_object_new_string("x509"));
    json_object_object_add(body, "certificate",
                           json_object_get(get(get(file, "certificates_pem"), "root")));
    ck_assert_msg(federation_put_json(cloud->federation, body, &err), "%s", err.message);
    json_object_put(body);
}

/* The captured form as text, with some fields replaced: pairs of name and value, NULL at the end;
 * a NULL value leaves the field out. The caller frees it. */
static inline char *captured_form(struct json_object *request, const char *const *replaced)
{
    struct json_object *fields = get(request, "form_fields_in_order");
    struct error err = {0};
    struct buffer body;

    buffer_init(&body, 64 * 1024);
    for (size_t i = 0; i < json_object_array_length(fields); i++) {
        struct json_object *pair = json_object_array_get_idx(fields, i);
        const char *name = json_object_get_string(json_object_array_get_idx(pair, 0));
        const char *value = json_object_get_string(json_object_array_get_idx(pair, 1));

        for (size_t k = 0; replaced != NULL && replaced[k] != NULL; k += 2)
            if (strcmp(replaced[k], name) == 0)
                value = replaced[k + 1];
        if (value != NULL)
            ck_assert(form_add(&body, name, value, strlen(value), &err));
    }
    return buffer_take(&body, NULL);
}

static inline void send_captured(struct json_object *request, const char *body)
{
    send_to(SERVICE_ISSUER, json_object_get_string(get(request, "method")),
            json_object_get_string(get(request, "target")),
            captured_header(request, "authorization"), captured_header(request, "content-type"),
            body);
}

/* What a machine answers when asked for a document for `instance` signed at `signed_at_s`. */
static inline char *attested(const char *instance, int64_t signed_at_s)
{
    char *audience =
        must_format("{\"aud\": \"%s\", \"signingTime\": %lld}", instance, (long long)signed_at_s);
    char *document = agent_identity_document(cloud_identity(cloud), audience);

    free(audience);
    return document;
}

static inline char *cluster_token(const struct cluster_token *spec)
{
    struct error err = {0};
    char *token = agent_identity_token(cloud_identity(cloud), spec, now_s, &err);

    ck_assert_msg(token != NULL, "%s", err.message);
    return token;
}

#endif
