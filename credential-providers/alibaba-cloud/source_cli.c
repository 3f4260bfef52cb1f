/* The profile file of Alibaba Cloud's command line, ~/.aliyun/config.json. The file holds keys, so
 * it is read into locked memory and only cut up there. */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROFILE_MAX_COUNT 64
#define PROFILE_DEPTH_MAX 5

struct profile {
    struct sesame_instance *instance;
    uint64_t file;
    size_t index;
    struct reason *reason;
    struct plan *plan;
};

static void pointer_of(const struct profile *profile, const char *member, char out[64])
{
    /* Members are short constants. */
    (void)snprintf(out, 64, "/profiles/%zu/%s", profile->index, member);
}

static char *text_of(const struct profile *profile, const char *member)
{
    char pointer[64];

    pointer_of(profile, member, pointer);
    return answer_text(profile->instance, profile->file, pointer, NULL);
}

static uint64_t secret_of(const struct profile *profile, const char *member)
{
    char pointer[64];
    uint64_t secret = 0;

    pointer_of(profile, member, pointer);
    if (!answer_has(profile->instance, profile->file, pointer) ||
        profile->instance->secret->json_take(profile->instance->kit.host, profile->file,
                                             kit_text(pointer), &secret) != SESAME_OK)
        return 0;
    return secret;
}

static bool bool_of(const struct profile *profile, const char *member)
{
    char pointer[64];

    pointer_of(profile, member, pointer);
    return answer_bool(profile->instance, profile->file, pointer);
}

static int64_t integer_of(const struct profile *profile, const char *member)
{
    char pointer[64];

    pointer_of(profile, member, pointer);
    return answer_integer(profile->instance, profile->file, pointer);
}

/* ---- modes ----------------------------------------------------------------------------------- */

static bool read_key(struct profile *profile, bool has_token)
{
    uint64_t id = secret_of(profile, "access_key_id");
    uint64_t secret = secret_of(profile, "access_key_secret");
    uint64_t token = has_token ? secret_of(profile, "sts_token") : 0;
    const struct sesame_instance *instance = profile->instance;

    if (id != 0 && secret != 0 && (token != 0 || !has_token))
        return credentials_make(profile->instance, id, secret, token, &profile->plan->fixed,
                                profile->reason);
    instance->secret->free(instance->kit.host, id);
    instance->secret->free(instance->kit.host, secret);
    instance->secret->free(instance->kit.host, token);
    return reason_set(profile->reason, "the profile has no %s",
                      id == 0       ? "access_key_id"
                      : secret == 0 ? "access_key_secret"
                                    : "sts_token");
}

static bool read_role(struct profile *profile, struct role *role)
{
    char *arn = text_of(profile, "ram_role_arn");
    char *session = text_of(profile, "ram_session_name");
    char *policy = text_of(profile, "policy");
    char *external_id = text_of(profile, "external_id");
    char *region = text_of(profile, "sts_region");
    bool ok;

    if (session == NULL)
        session = text_of(profile, "role_session_name"); /* the Python SDK's spelling */
    ok = role_set(role, arn, session, policy, external_id, region, bool_of(profile, "enable_vpc"),
                  integer_of(profile, "expired_seconds"), profile->reason);
    free(arn);
    free(session);
    free(policy);
    free(external_id);
    free(region);
    return ok;
}

static bool read_role_on_top(struct profile *profile)
{
    struct role *role = plan_add_role(profile->plan, profile->reason);

    return role != NULL && read_role(profile, role);
}

static bool read_oidc(struct profile *profile)
{
    struct plan *plan = profile->plan;

    plan->base = PLAN_OIDC;
    plan->provider_arn = text_of(profile, "oidc_provider_arn");
    plan->token_file = text_of(profile, "oidc_token_file");
    if (plan->provider_arn == NULL || plan->token_file == NULL)
        return reason_set(profile->reason, "the profile has no %s",
                          plan->provider_arn == NULL ? "oidc_provider_arn" : "oidc_token_file");
    return read_role(profile, &plan->oidc_role);
}

static bool read_machine(struct profile *profile)
{
    profile->plan->base = PLAN_METADATA;
    profile->plan->machine_role = text_of(profile, "ram_role_name");
    if (profile->plan->machine_role == NULL)
        profile->plan->machine_role = text_copy("");
    return profile->plan->machine_role != NULL ||
           reason_set(profile->reason, "no memory for a plan");
}

static bool read_external(struct profile *profile)
{
    if (profile->instance->settings.external_program[0] == '\0')
        return reason_set(profile->reason,
                          "mode External runs a program, which is off: name it as externalProgram "
                          "in the provider's configuration");
    profile->plan->base = PLAN_EXTERNAL;
    profile->plan->command = text_of(profile, "process_command");
    return profile->plan->command != NULL ||
           reason_set(profile->reason, "the profile has no process_command");
}

static bool read_profile(struct profile *profile, const char *name, int depth);

static bool read_chainable(struct profile *profile, int depth)
{
    char *source = text_of(profile, "source_profile");
    size_t own_index = profile->index;
    bool ok;

    if (source == NULL)
        return reason_set(profile->reason, "the profile has no source_profile");
    /* Deeper than this is a circle, or would be refused by STS anyway. */
    ok = depth + 1 < PROFILE_DEPTH_MAX
             ? read_profile(profile, source, depth + 1)
             : reason_set(profile->reason,
                          "source_profile leads through more than %d profiles: is it a circle?",
                          PROFILE_DEPTH_MAX);
    free(source);
    profile->index = own_index;
    return ok && read_role_on_top(profile);
}

static bool refuse_mode(struct profile *profile, const char *mode)
{
    if (strcmp(mode, "CloudSSO") == 0 || strcmp(mode, "OAuth") == 0)
        return reason_set(profile->reason,
                          "mode %s needs a person to sign in again and again: use a RAM role or an "
                          "access key for a server",
                          mode);
    return reason_set(profile->reason, "unsupported profile mode '%.40s'", mode);
}

static bool read_mode(struct profile *profile, const char *mode, int depth)
{
    static const struct {
        const char *mode, *name;
    } names[] = {{"AK", "static_ak"},         {"StsToken", "static_sts"},
                 {"RamRoleArn", "static_ak"}, {"EcsRamRole", "ecs_ram_role"},
                 {"OIDC", "oidc_role_arn"},   {"External", "external"}};

    if (strcmp(mode, "ChainableRamRoleArn") == 0 || strcmp(mode, "RamRoleArn") == 0)
        plan_name(profile->plan, "ram_role_arn");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i].mode, mode) == 0)
            plan_name(profile->plan, names[i].name);
    if (strcmp(mode, "AK") == 0)
        return read_key(profile, false);
    if (strcmp(mode, "StsToken") == 0)
        return read_key(profile, true);
    if (strcmp(mode, "RamRoleArn") == 0)
        return read_key(profile, false) && read_role_on_top(profile);
    if (strcmp(mode, "EcsRamRole") == 0)
        return read_machine(profile);
    if (strcmp(mode, "OIDC") == 0)
        return read_oidc(profile);
    if (strcmp(mode, "External") == 0)
        return read_external(profile);
    if (strcmp(mode, "ChainableRamRoleArn") == 0)
        return read_chainable(profile, depth);
    return refuse_mode(profile, mode);
}

/* ---- the file -------------------------------------------------------------------------------- */

static bool read_profile(struct profile *profile, const char *name, int depth)
{
    for (profile->index = 0; profile->index < PROFILE_MAX_COUNT; profile->index++) {
        char *found = text_of(profile, "name");
        bool is_wanted = found != NULL && strcmp(found, name) == 0;
        char *mode;
        bool ok;

        free(found);
        if (!is_wanted)
            continue;
        mode = text_of(profile, "mode");
        ok = read_mode(profile, mode == NULL ? "" : mode, depth);
        free(mode);
        return ok;
    }
    return reason_set(profile->reason, "unable to get profile with '%.60s'", name);
}

/* The explicit name, else the file's "current". The caller frees. */
static char *choose_name(const struct profile *profile)
{
    const char *own = profile->instance->settings.profile;

    return own[0] != '\0' ? text_copy(own)
                          : answer_text(profile->instance, profile->file, "/current", NULL);
}

static bool check_file(struct sesame_instance *instance, uint64_t file, struct reason *reason)
{
    const struct kit *kit = &instance->kit;
    struct sesame_text text, message;

    if (instance->secret->borrow(kit->host, file, &text) != SESAME_OK)
        return reason_set(reason, "no memory for the profile file");
    if (kit->json->check(kit->host, text, 32, &message) != SESAME_OK)
        return reason_set(reason, "the profile file is not JSON: %.*s", (int)message.len,
                          message.data);
    if (!answer_has(instance, file, "/profiles/0"))
        return reason_set(reason, "no any configured profiles in the profile file");
    return true;
}

bool source_cli_profile(struct sesame_instance *instance, struct plan *plan, struct reason *reason)
{
    struct profile profile = {.instance = instance, .plan = plan, .reason = reason};
    int32_t status;
    char *name;
    bool ok;

    if (instance->settings.is_cli_disabled)
        return reason_set(reason, "switched off by ALIBABA_CLOUD_CLI_PROFILE_DISABLED");
    status = instance->secret->from_config(instance->kit.host, kit_text("/cliProfileFile"),
                                           &profile.file);
    if (status != SESAME_OK)
        return reason_set(reason, status == SESAME_NOT_FOUND ? "there is no profile file"
                                                             : "the profile file cannot be read");
    plan_name(plan, "cli_profile");
    ok = check_file(instance, profile.file, reason);
    if (ok) {
        name = choose_name(&profile);
        ok = name != NULL ? read_profile(&profile, name, 0)
                          : reason_set(reason, "the profile file names no \"current\" profile");
        free(name);
    }
    instance->secret->free(instance->kit.host, profile.file);
    return ok;
}
