/* What the agent has besides its secret to prove who it is: key pairs, a certificate, and what its
 * cluster and its machine say about it. */
#include "local-cloud/agent_identity.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "local-cloud/attested_document.h"
#include "local-cloud/certificate.h"
#include "local-cloud/client_keys.h"
#include "local-cloud/federation.h"
#include "local-cloud/issuer_keys.h"
#include "local-cloud/json_pack.h"
#include "local-cloud/memory.h"
#include "local-cloud/realm.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>

static const char *const key_names[] = {"rsa-2048", "p-256", "p-384", "p-521", "ed25519"};
enum { KEY_COUNT = sizeof key_names / sizeof key_names[0], LEAF_KEY = 0 };

#define CERTIFICATE_NAME "sesame-agent"

struct agent_identity {
    EVP_PKEY *keys[KEY_COUNT];
    struct issuer_keys *cluster;
    EVP_PKEY *platform_key; /* signs attested documents */
    X509 *platform;
    X509 *root, *intermediate, *leaf;
};

static EVP_PKEY *make_key(size_t index)
{
    static const char *const curves[] = {NULL, "P-256", "P-384", "P-521"};

    if (index == 0)
        return EVP_RSA_gen(2048);
    if (index < sizeof curves / sizeof curves[0])
        return EVP_EC_gen(curves[index]);
    return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

static bool make_keys(struct agent_identity *identity)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        identity->keys[i] = make_key(i);
        if (identity->keys[i] == NULL)
            return false;
    }
    return true;
}

/* A company's authority, one below it, and the agent's certificate. The authorities' keys are
 * forgotten. */
static bool make_chain(struct agent_identity *identity)
{
    EVP_PKEY *root_key = EVP_EC_gen("P-256");
    EVP_PKEY *intermediate_key = EVP_EC_gen("P-256");
    struct certificate_spec root = {.common_name = "company root",
                                    .constraints = "critical,CA:TRUE",
                                    .key_usage = "critical,keyCertSign,cRLSign",
                                    .key = root_key,
                                    .issuer_key = root_key};
    struct certificate_spec intermediate = root;
    struct certificate_spec leaf = {.common_name = CERTIFICATE_NAME,
                                    .constraints = "critical,CA:FALSE",
                                    .key_usage = "critical,digitalSignature",
                                    .extended_usage = "clientAuth",
                                    .key = identity->keys[LEAF_KEY],
                                    .issuer_key = intermediate_key};

    if (root_key != NULL && intermediate_key != NULL)
        identity->root = certificate_make(&root);
    intermediate.common_name = "company intermediate";
    intermediate.constraints = "critical,CA:TRUE,pathlen:0";
    intermediate.key = intermediate_key;
    intermediate.issuer = identity->root;
    if (identity->root != NULL)
        identity->intermediate = certificate_make(&intermediate);
    leaf.issuer = identity->intermediate;
    if (identity->intermediate != NULL)
        identity->leaf = certificate_make(&leaf);
    EVP_PKEY_free(root_key);
    EVP_PKEY_free(intermediate_key);
    return identity->leaf != NULL;
}

static bool make_platform(struct agent_identity *identity)
{
    struct certificate_spec platform = {.common_name = "machine platform",
                                        .constraints = "critical,CA:FALSE",
                                        .key_usage = "critical,digitalSignature"};

    identity->platform_key = EVP_EC_gen("P-256");
    platform.key = platform.issuer_key = identity->platform_key;
    if (identity->platform_key != NULL)
        identity->platform = certificate_make(&platform);
    return identity->platform != NULL;
}

struct agent_identity *agent_identity_new(struct error *err)
{
    struct agent_identity *identity = must_allocate(sizeof *identity);

    identity->cluster = issuer_keys_new(err);
    if (identity->cluster != NULL) {
        if (make_keys(identity) && make_chain(identity) && make_platform(identity))
            return identity;
        error_set(err, ERROR_INTERNAL, "OpenSSL cannot make the agent's keys and certificates");
    }
    agent_identity_free(identity);
    return NULL;
}

void agent_identity_free(struct agent_identity *identity)
{
    if (identity == NULL)
        return;
    for (size_t i = 0; i < KEY_COUNT; i++)
        EVP_PKEY_free(identity->keys[i]);
    issuer_keys_free(identity->cluster);
    EVP_PKEY_free(identity->platform_key);
    X509_free(identity->platform);
    X509_free(identity->root);
    X509_free(identity->intermediate);
    X509_free(identity->leaf);
    free(identity);
}

void agent_identity_register(const struct agent_identity *identity, struct realm_client *agent,
                             struct federation *federation)
{
    char oidc[] = FEDERATED_OIDC, pkcs7[] = FEDERATED_PKCS7, pca[] = FEDERATED_PCA;
    char issuer[] = CLUSTER_ISSUER, audience[] = CLUSTER_AUDIENCE, subject[] = CLUSTER_SUBJECT;
    char account[] = MACHINE_ACCOUNT, machine[] = MACHINE_ID, name[] = CERTIFICATE_NAME;
    const struct federated_credential trusted[] = {
        {oidc, FEDERATION_OIDC, issuer, audience, subject, issuer_keys_set(identity->cluster),
         NULL},
        {pkcs7, FEDERATION_PKCS7, account, NULL, machine, NULL, identity->platform},
        {pca, FEDERATION_X509, NULL, NULL, name, NULL, identity->root},
    };
    struct error err = {0};

    for (size_t i = 0; i < KEY_COUNT; i++)
        must_have(client_keys_add(agent->keys, identity->keys[i], &err) ? agent : NULL);
    for (size_t i = 0; i < sizeof trusted / sizeof trusted[0]; i++)
        federation_put(federation, &trusted[i]);
}

const char *agent_identity_key_name(size_t index)
{
    return index < KEY_COUNT ? key_names[index] : NULL;
}

char *agent_identity_key_pem(const struct agent_identity *identity, size_t index)
{
    return must_have(private_key_pem(identity->keys[index]));
}

char *agent_identity_leaf_pem(const struct agent_identity *identity)
{
    return must_have(certificate_pem(identity->leaf));
}

char *agent_identity_chain_pem(const struct agent_identity *identity)
{
    CLEANUP(cleanup_free) char *intermediate = must_have(certificate_pem(identity->intermediate));
    CLEANUP(cleanup_free) char *root = must_have(certificate_pem(identity->root));

    return must_format("%s%s", intermediate, root);
}

char *agent_identity_token(const struct agent_identity *identity, const struct cluster_token *spec,
                           int64_t now_s, struct error *err)
{
    const char *audience = spec->audience == NULL ? CLUSTER_AUDIENCE : spec->audience;
    const char *subject = spec->subject == NULL ? CLUSTER_SUBJECT : spec->subject;
    char jti[37];

    random_uuid(jti);
    return issuer_keys_sign(
        identity->cluster, ALG_RS256, "JWT",
        json_pack("{aud:[s],exp:i,iat:i,iss:s,jti:s,kubernetes.io:{namespace:s,serviceaccount:"
                  "{name:s}},nbf:i,sub:s}",
                  audience, now_s + spec->lifetime_s, now_s,
                  spec->issuer == NULL ? CLUSTER_ISSUER : spec->issuer, jti, "default", "sesame",
                  now_s, subject),
        err);
}

struct jwks *agent_identity_cluster_keys(const struct agent_identity *identity)
{
    return issuer_keys_set(identity->cluster);
}

char *agent_identity_document(const struct agent_identity *identity, const char *audience)
{
    struct json_object *content = json_pack(
        "{owner-account-id:s,instance-id:s,instance-type:s,region-id:s,zone-id:s,image-id:s,"
        "private-ipv4:s,audience:s?}",
        MACHINE_ACCOUNT, MACHINE_ID, "ecs.g7.large", MACHINE_REGION, MACHINE_REGION "-k",
        "debian_12_x64_20G", "172.16.0.10", audience);

    return must_have(attested_document_make(content, identity->platform, identity->platform_key));
}
