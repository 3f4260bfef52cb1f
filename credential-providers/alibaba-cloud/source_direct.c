/* Sources that the configuration alone describes: the platform, the environment, RRSA, the machine,
 * a URI. */
#include "run.h"

#include <stdlib.h>
#include <string.h>

bool source_platform(struct sesame_instance *instance, struct plan *plan, struct reason *reason)
{
    struct sesame_platform_credentials given;

    if (instance->platform == NULL ||
        instance->platform->get(instance->kit.host, kit_text("alibaba-sts"), &given) != SESAME_OK)
        return false; /* no platform, or no request yet: nothing to report */
    plan_name(plan, "platform");
    return credentials_make(instance, given.access_key_id, given.access_key_secret,
                            given.security_token, &plan->fixed, reason);
}

static uint64_t copy_secret(struct sesame_instance *instance, uint64_t secret)
{
    const struct sesame_secret_part part = {.secret = secret};
    uint64_t copy = 0;

    return secret != 0 && instance->secret->join(instance->kit.host, &part, 1, &copy) == SESAME_OK
               ? copy
               : 0;
}

/* The variables were moved into secrets at start: a running process's environment only ages. */
bool source_environment(struct sesame_instance *instance, struct plan *plan, struct reason *reason)
{
    const struct settings *settings = &instance->settings;

    if (settings->env_id == 0 || settings->env_secret == 0)
        return reason_set(reason, "ALIBABA_CLOUD_ACCESS_KEY_%s is not set",
                          settings->env_id == 0 ? "ID" : "SECRET");
    plan_name(plan, "env");
    return credentials_make(instance, copy_secret(instance, settings->env_id),
                            copy_secret(instance, settings->env_secret),
                            copy_secret(instance, settings->env_token), &plan->fixed, reason);
}

bool source_oidc(struct sesame_instance *instance, struct plan *plan, struct reason *reason)
{
    const struct settings *settings = &instance->settings;
    const char *missing = settings->role_arn[0] == '\0'       ? "ROLE_ARN"
                          : settings->provider_arn[0] == '\0' ? "OIDC_PROVIDER_ARN"
                          : settings->token_file[0] == '\0'   ? "OIDC_TOKEN_FILE"
                                                              : NULL;

    if (missing != NULL)
        return reason_set(reason, "ALIBABA_CLOUD_%s is not set", missing);
    plan->base = PLAN_OIDC;
    plan->provider_arn = text_copy(settings->provider_arn);
    plan->token_file = text_copy(settings->token_file);
    plan_name(plan, "oidc_role_arn");
    if (plan->provider_arn == NULL || plan->token_file == NULL)
        return reason_set(reason, "no memory for a plan");
    return role_set(&plan->oidc_role, settings->role_arn, settings->session_name,
                    settings->oidc_policy, "", settings->sts_region, settings->wants_vpc_endpoint,
                    settings->oidc_duration_s, reason);
}

bool source_metadata(struct sesame_instance *instance, struct plan *plan, struct reason *reason)
{
    if (instance->settings.is_metadata_disabled)
        return reason_set(reason, "switched off by ALIBABA_CLOUD_ECS_METADATA_DISABLED");
    plan->base = PLAN_METADATA;
    plan->machine_role = text_copy(instance->settings.machine_role);
    plan_name(plan, "ecs_ram_role");
    return plan->machine_role != NULL || reason_set(reason, "no memory for a plan");
}

bool source_uri(struct sesame_instance *instance, struct plan *plan, struct reason *reason)
{
    if (instance->settings.uri[0] == '\0')
        return reason_set(reason, "ALIBABA_CLOUD_CREDENTIALS_URI is not set");
    plan->base = PLAN_URI;
    plan->uri = text_copy(instance->settings.uri);
    plan_name(plan, "credential_uri");
    return plan->uri != NULL || reason_set(reason, "no memory for a plan");
}
