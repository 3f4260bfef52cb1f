/* The credentials of a scripted host: handed out at once, renewed when a peer refuses them. */
#include "credential/credential_client.h"

#include "base/secret.h"
#include "config/host_config.h"
#include "script.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scripted_credential {
    struct scripted_credential *next;
    struct credential_config config;
    char *secret;
    int32_t failure;
    uint64_t generation; /* from 1 */
};

struct credential_client {
    struct scripted_credential *items;
};

struct credential_client *script_credentials_new(void)
{
    return script_alloc(sizeof(struct credential_client));
}

void script_credentials_add(struct credential_client *client,
                            const struct sesame_test_credential *credential)
{
    struct scripted_credential *item = script_alloc(sizeof *item);
    struct credential_config *config = &item->config;

    if (credential->name == NULL || credential->secret == NULL)
        script_refuse("a credential needs a name and a secret");
    config->name = script_text(credential->name);
    config->identity = credential->is_users ? IDENTITY_USER : IDENTITY_MACHINE;
    config->attach_header =
        script_text(credential->header == NULL ? "Authorization" : credential->header);
    config->attach_prefix = script_text(credential->header == NULL ? "Bearer " : "");
    config->attach_query = script_text(credential->query == NULL ? "" : credential->query);
    for (size_t i = 0; credential->origins != NULL && credential->origins[i] != NULL; i++)
        *(char **)script_grow(&config->origins, &config->origin_count, sizeof *config->origins) =
            script_text(credential->origins[i]);
    item->secret = script_text(credential->secret);
    item->failure = credential->failure;
    item->generation = 1;
    item->next = client->items;
    client->items = item;
}

static void free_item(struct scripted_credential *item)
{
    for (size_t i = 0; i < item->config.origin_count; i++)
        free(item->config.origins[i]);
    free(item->config.origins);
    free(item->config.name);
    free(item->config.attach_header);
    free(item->config.attach_prefix);
    free(item->config.attach_query);
    free(item->secret);
    free(item);
}

void credential_client_free(struct credential_client *client)
{
    if (client == NULL)
        return;
    while (client->items != NULL) {
        struct scripted_credential *next = client->items->next;

        free_item(client->items);
        client->items = next;
    }
    free(client);
}

const struct credential_config *credential_find(const struct credential_client *client,
                                                struct slice name)
{
    for (struct scripted_credential *item = client->items; item != NULL; item = item->next)
        if (slice_equal_text(name, item->config.name))
            return &item->config;
    return NULL;
}

/* The item whose configuration this is: it was found here. */
static struct scripted_credential *find_item(struct credential_client *client,
                                             const struct credential_config *config)
{
    for (struct scripted_credential *item = client->items; item != NULL; item = item->next)
        if (&item->config == config)
            return item;
    script_refuse("a credential of another host");
}

static struct secret *make_secret(const struct scripted_credential *item, struct error *err)
{
    char suffix[24] = "";
    struct secret *plain = secret_copy(item->secret, strlen(item->secret), err);
    struct secret *joined;

    if (item->generation > 1)
        (void)snprintf(suffix, sizeof suffix, "-%" PRIu64, item->generation);
    joined = plain == NULL ? NULL : secret_join("", plain, suffix, err);
    secret_free(plain);
    return joined;
}

struct credential_wait *credential_get(
    struct credential_client *client, const struct credential_config *config,
    struct subject *subject, int64_t deadline_ms,
    void (*on_ready)(void *arg, const struct credential *credential, const struct error *err),
    void *arg)
{
    struct scripted_credential *item = find_item(client, config);
    struct credential credential = {.config = config};
    struct error err = {0};

    (void)deadline_ms;
    if (config->identity == IDENTITY_USER && subject == NULL)
        error_set(&err, ERROR_DENIED,
                  "the credential \"%s\" stands for the signed-in user, and this request serves no "
                  "user's call",
                  config->name);
    else if (item->failure != SESAME_OK)
        error_set(&err, error_of_status(item->failure), "the credential \"%s\" cannot be had",
                  config->name);
    else
        credential.secret = make_secret(item, &err);
    credential.generation = item->generation;
    on_ready(arg, credential.secret == NULL ? NULL : &credential,
             credential.secret == NULL ? &err : NULL);
    secret_free(credential.secret);
    return NULL;
}

void credential_wait_cancel(struct credential_wait *wait)
{
    (void)wait; /* there is never one */
}

void credential_report_unauthorized(struct credential_client *client,
                                    const struct credential_config *config, struct subject *subject,
                                    uint64_t generation)
{
    struct scripted_credential *item = find_item(client, config);

    (void)subject;
    if (item->generation == generation)
        item->generation++;
}
