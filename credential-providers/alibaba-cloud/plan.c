/* What a source comes to: the first key and the roles assumed with it. */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DURATION_DEFAULT_S 3600
#define DURATION_MIN_S 900
#define DURATION_MAX_S 43200

void role_clear(struct role *role)
{
    free(role->arn);
    free(role->session_name);
    free(role->policy);
    free(role->external_id);
    free(role->sts_region);
    memset(role, 0, sizeof *role);
}

bool role_set(struct role *role, const char *arn, const char *session_name, const char *policy,
              const char *external_id, const char *sts_region, bool wants_vpc_endpoint,
              int64_t duration_s, struct reason *reason)
{
    if (arn == NULL || arn[0] == '\0')
        return reason_set(reason, "the ARN of the role is missing");
    if (duration_s <= 0)
        duration_s = DURATION_DEFAULT_S;
    if (duration_s < DURATION_MIN_S || duration_s > DURATION_MAX_S)
        return reason_set(reason, "the session duration is %lld s, expected %d to %d",
                          (long long)duration_s, DURATION_MIN_S, DURATION_MAX_S);
    *role = (struct role){.arn = text_copy(arn),
                          .session_name = text_copy(session_name == NULL ? "" : session_name),
                          .policy = text_copy(policy == NULL ? "" : policy),
                          .external_id = text_copy(external_id == NULL ? "" : external_id),
                          .sts_region = text_copy(sts_region == NULL ? "" : sts_region),
                          .wants_vpc_endpoint = wants_vpc_endpoint,
                          .duration_s = duration_s};
    return (role->arn != NULL && role->session_name != NULL && role->policy != NULL &&
            role->external_id != NULL && role->sts_region != NULL) ||
           reason_set(reason, "no memory for a role");
}

void plan_clear(const struct sesame_instance *instance, struct plan *plan)
{
    credentials_clear(instance, &plan->fixed);
    free(plan->provider_arn);
    free(plan->token_file);
    free(plan->machine_role);
    free(plan->uri);
    if (plan->command != NULL)
        explicit_bzero(plan->command, strlen(plan->command)); /* people write all sorts into it */
    free(plan->command);
    role_clear(&plan->oidc_role);
    for (size_t i = 0; i < plan->role_count; i++)
        role_clear(&plan->roles[i]);
    memset(plan, 0, sizeof *plan);
}

struct role *plan_add_role(struct plan *plan, struct reason *reason)
{
    if (plan->role_count < ROLE_MAX_COUNT)
        return &plan->roles[plan->role_count++];
    (void)reason_set(reason, "more than %d roles one on top of the other", ROLE_MAX_COUNT);
    return NULL;
}

void plan_name(struct plan *plan, const char *part)
{
    size_t len = strlen(plan->source);

    /* A long name is cut: it is for people. */
    (void)snprintf(plan->source + len, sizeof plan->source - len, "%s%s", len == 0 ? "" : "/",
                   part);
}
