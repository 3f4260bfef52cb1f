/* Who and what the stand-in knows: its instance, clients with their grants, users, API keys. */
#include "local-cloud/realm.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "local-cloud/client_keys.h"
#include "local-cloud/memory.h"
#include "local-cloud/route.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

static const struct realm_user users[] = {
    {"user_local0alice0001", "alice", "Alice Zhang"},
    {"user_local0bob0002", "bob", "Bob Li"},
    {"user_local0wang0003", "xiaoming", "王小明"},
};

static char *make_secret(const char *prefix, const char *vendor_prefix, const char *label)
{
    char digits[41];

    random_hex(digits, sizeof digits - 1);
    if (prefix == NULL)
        return must_format("%s%s", vendor_prefix, digits);
    return must_format("%s%s-%.16s", prefix, label, digits);
}

bool realm_client_grant(struct realm_client *client, const char *audience, const char *values)
{
    struct realm_grant *grant;

    for (size_t i = 0; i < client->grant_count; i++)
        if (strcmp(client->grants[i].audience, audience) == 0) {
            replace_text(&client->grants[i].values, values);
            return true;
        }
    if (client->grant_count == REALM_GRANT_MAX_COUNT)
        return false;
    grant = &client->grants[client->grant_count++];
    grant->audience = must_copy(audience);
    grant->values = must_copy(values);
    return true;
}

struct realm_api_key *realm_add_key(struct realm *realm, const char *identifier, const char *key,
                                    const char *scenario)
{
    struct realm_api_key *added = &realm->keys[realm->key_count];
    char digits[25];

    assert(realm->key_count < sizeof realm->keys / sizeof realm->keys[0]);
    random_hex(digits, sizeof digits - 1);
    added->identifier = must_copy(identifier);
    added->credential_id = must_format("cred_%s", digits);
    added->key = must_copy(key);
    added->scenario = must_copy(scenario);
    added->status = must_copy("enabled");
    added->type = must_copy("api_key");
    realm->key_count++;
    return added;
}

static void make_clients(struct realm *realm, const char *secret_prefix)
{
    realm->agent.id = must_copy("app_local0agent0node0001");
    realm->agent.keys = client_keys_new();
    realm->agent.may_exchange = true;
    realm->agent.secret = make_secret(secret_prefix, "CS", "client-secret");
    realm->agent.audience = must_copy("https://agentserver.example.com");
    realm_client_grant(&realm->agent, REALM_PAM_AUDIENCE,
                       "credential:obtain cloud_account:obtain_access_credential "
                       "authentication_token:manage");
    realm_client_grant(&realm->agent, realm->enterprise_audience, realm->enterprise_scope);

    realm->page.id = must_copy("app_local0client0node0001");
    realm->page.keys = client_keys_new();
    realm->page.may_use_implicit_flow = true;
    realm_client_grant(&realm->page, realm->agent.audience, realm->agent_scope);
}

void realm_init(struct realm *realm, const char *secret_prefix)
{
    CLEANUP(cleanup_free) char *llm_key = make_secret(secret_prefix, "sk-", "llm-key");
    CLEANUP(cleanup_free) char *amap_key = make_secret(secret_prefix, "sk-", "amap-key");

    memset(realm, 0, sizeof *realm);
    realm->instance_id = must_copy("idaas_local0stand0in0001");
    realm->enterprise_audience = must_copy("https://enterprise.example.com");
    realm->enterprise_scope = must_copy("enterprise.access");
    realm->agent_scope = must_copy("agent.access");
    make_clients(realm, secret_prefix);
    realm_add_key(realm, "llm_api_key", llm_key, "llm");
    realm_add_key(realm, "amap_api_key", amap_key, "external_service");
}

static void client_clear(struct realm_client *client)
{
    for (size_t i = 0; i < client->grant_count; i++) {
        free(client->grants[i].audience);
        free(client->grants[i].values);
    }
    if (client->secret != NULL)
        explicit_bzero(client->secret, strlen(client->secret));
    free(client->secret);
    free(client->id);
    free(client->audience);
    free(client->acts_for);
    client_keys_free(client->keys);
}

static void key_clear(struct realm_api_key *key)
{
    explicit_bzero(key->key, strlen(key->key));
    free(key->key);
    free(key->identifier);
    free(key->credential_id);
    free(key->scenario);
    free(key->status);
    free(key->type);
}

void realm_clear(struct realm *realm)
{
    client_clear(&realm->agent);
    client_clear(&realm->page);
    for (size_t i = 0; i < realm->other_count; i++)
        client_clear(&realm->others[i]);
    for (size_t i = 0; i < realm->key_count; i++)
        key_clear(&realm->keys[i]);
    for (size_t i = 0; i < realm->redirect_uri_count; i++)
        free(realm->redirect_uris[i]);
    free(realm->redirect_uris);
    free(realm->instance_id);
    free(realm->issuer);
    free(realm->token_endpoint);
    free(realm->token_endpoint_plain);
    free(realm->enterprise_audience);
    free(realm->enterprise_scope);
    free(realm->agent_scope);
    memset(realm, 0, sizeof *realm);
}

void realm_set_origin(struct realm *realm, const char *https_origin, const char *http_origin)
{
    free(realm->issuer);
    free(realm->token_endpoint);
    free(realm->token_endpoint_plain);
    realm->issuer = must_format("%s%s", https_origin, PATH_OAUTH2);
    realm->token_endpoint = must_format("%s%s", https_origin, PATH_TOKEN);
    realm->token_endpoint_plain = must_format("%s%s", http_origin, PATH_TOKEN);
}

const struct realm_client *realm_find_client(const struct realm *realm, const char *id)
{
    if (strcmp(realm->agent.id, id) == 0)
        return &realm->agent;
    if (strcmp(realm->page.id, id) == 0)
        return &realm->page;
    for (size_t i = 0; i < realm->other_count; i++)
        if (strcmp(realm->others[i].id, id) == 0)
            return &realm->others[i];
    return NULL;
}

struct realm_client *realm_client_edit(struct realm *realm, const char *id)
{
    const struct realm_client *found = realm_find_client(realm, id);

    if (found == &realm->agent)
        return &realm->agent;
    if (found == &realm->page)
        return &realm->page;
    return found == NULL ? NULL : &realm->others[found - realm->others];
}

struct realm_client *realm_client_put(struct realm *realm, const char *id)
{
    struct realm_client *client = realm_client_edit(realm, id);

    if (client != NULL || realm->other_count == REALM_OTHER_MAX_COUNT)
        return client;
    client = &realm->others[realm->other_count++];
    client->id = must_copy(id);
    client->keys = client_keys_new();
    return client;
}

struct realm_api_key *realm_find_key(struct realm *realm, const char *identifier)
{
    for (size_t i = 0; i < realm->key_count; i++)
        if (strcmp(realm->keys[i].identifier, identifier) == 0)
            return &realm->keys[i];
    return NULL;
}

const struct realm_user *realm_users(size_t *out_count)
{
    *out_count = sizeof users / sizeof users[0];
    return users;
}

const struct realm_user *realm_find_user(const char *username)
{
    for (size_t i = 0; i < sizeof users / sizeof users[0]; i++)
        if (strcmp(users[i].username, username) == 0)
            return &users[i];
    return NULL;
}

void realm_allow_redirect(struct realm *realm, const char *uri)
{
    if (realm_allows_redirect(realm, uri))
        return;
    realm->redirect_uris =
        must_grow(realm->redirect_uris, realm->redirect_uri_count, sizeof *realm->redirect_uris);
    realm->redirect_uris[realm->redirect_uri_count++] = must_copy(uri);
}

bool realm_allows_redirect(const struct realm *realm, const char *uri)
{
    for (size_t i = 0; i < realm->redirect_uri_count; i++)
        if (strcmp(realm->redirect_uris[i], uri) == 0)
            return true;
    return false;
}

bool secret_text_equal(struct slice found, const char *expected)
{
    unsigned char a[SHA256_DIGEST_LENGTH], b[SHA256_DIGEST_LENGTH];

    /* Digests have one length, so not even the length of the secret shows in the time. */
    SHA256((const unsigned char *)(found.data == NULL ? "" : found.data), found.len, a);
    SHA256((const unsigned char *)expected, strlen(expected), b);
    return CRYPTO_memcmp(a, b, sizeof a) == 0;
}
