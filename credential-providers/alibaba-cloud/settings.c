/* What the configuration says about the chain; most of it comes from the environment ("x-env"). */
#include "alibaba.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_roles(struct sesame_instance *instance, struct sesame_text config,
                       struct reason *reason)
{
    static const char *const names[] = {"roleArn", "sessionName", "policy", "externalId"};
    const struct kit *kit = &instance->kit;
    struct settings *settings = &instance->settings;

    for (size_t i = 0; i < ROLE_MAX_COUNT; i++) {
        char *texts[4] = {NULL}, pointer[64];
        int64_t duration_s = 0;
        struct sesame_text found;
        bool ok;

        (void)snprintf(pointer, sizeof pointer, "/assumeRoles/%zu", i); /* fits */
        if (!kit_find(kit, config, pointer, &found))
            break;
        for (size_t n = 0; n < 4; n++) {
            (void)snprintf(pointer, sizeof pointer, "/assumeRoles/%zu/%s", i, names[n]);
            texts[n] = kit_get_string(kit, config, pointer);
        }
        (void)snprintf(pointer, sizeof pointer, "/assumeRoles/%zu/durationSeconds", i);
        (void)kit_get_int(kit, config, pointer, &duration_s);
        settings->role_count = i + 1;
        ok = role_set(&settings->roles[i], texts[0], texts[1], texts[2], texts[3],
                      settings->sts_region, settings->wants_vpc_endpoint, duration_s, reason);
        for (size_t n = 0; n < 4; n++)
            free(texts[n]);
        if (!ok)
            return false;
    }
    return true;
}

/* A variable that is set but empty counts as unset. */
static uint64_t from_environment(struct sesame_instance *instance, const char *pointer)
{
    uint64_t secret = 0;
    struct sesame_text text;

    if (instance->secret->from_config(instance->kit.host, kit_text(pointer), &secret) != SESAME_OK)
        return 0;
    if (instance->secret->borrow(instance->kit.host, secret, &text) == SESAME_OK && text.len > 0)
        return secret;
    instance->secret->free(instance->kit.host, secret);
    return 0;
}

bool settings_read(struct sesame_instance *instance, struct sesame_text config,
                   struct reason *reason)
{
    const struct kit *kit = &instance->kit;
    struct settings *settings = &instance->settings;
    const struct {
        const char *pointer;
        char **out;
    } texts[] = {
        {"/roleArn", &settings->role_arn},
        {"/oidcProviderArn", &settings->provider_arn},
        {"/oidcTokenFile", &settings->token_file},
        {"/roleSessionName", &settings->session_name},
        {"/oidcPolicy", &settings->oidc_policy},
        {"/stsRegion", &settings->sts_region},
        {"/stsEndpoint", &settings->sts_endpoint},
        {"/metadataEndpoint", &settings->metadata_endpoint},
        {"/profile", &settings->profile},
        {"/ecsRamRole", &settings->machine_role},
        {"/credentialsUri", &settings->uri},
        {"/externalProgram", &settings->external_program},
    };
    struct sesame_text found;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i].out = kit_get_string(kit, config, texts[i].pointer);
        if (*texts[i].out == NULL)
            *texts[i].out = text_copy("");
        if (*texts[i].out == NULL)
            return reason_set(reason, "no memory for the configuration");
    }
    (void)kit_get_int(kit, config, "/oidcDurationSeconds", &settings->oidc_duration_s);
    settings->wants_vpc_endpoint = kit_get_bool(kit, config, "/vpcEndpointEnabled");
    settings->is_cli_disabled = kit_get_bool(kit, config, "/cliProfileDisabled");
    settings->is_metadata_disabled = kit_get_bool(kit, config, "/ecsMetadataDisabled");
    settings->is_metadata_v1_disabled = kit_get_bool(kit, config, "/imdsV1Disabled");
    settings->has_own_ini_file = kit_find(kit, config, "/credentialsFile", &found);
    settings->env_id = from_environment(instance, "/accessKeyIdEnvVarName");
    settings->env_secret = from_environment(instance, "/accessKeySecretEnvVarName");
    settings->env_token = from_environment(instance, "/securityTokenEnvVarName");
    return read_roles(instance, config, reason);
}

void settings_clear(struct settings *settings)
{
    free(settings->role_arn);
    free(settings->provider_arn);
    free(settings->token_file);
    free(settings->session_name);
    free(settings->oidc_policy);
    free(settings->sts_region);
    free(settings->sts_endpoint);
    free(settings->metadata_endpoint);
    free(settings->profile);
    free(settings->machine_role);
    free(settings->uri);
    free(settings->external_program);
    for (size_t i = 0; i < settings->role_count; i++)
        role_clear(&settings->roles[i]);
    memset(settings, 0, sizeof *settings);
}
