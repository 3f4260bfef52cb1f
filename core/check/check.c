/* The conformance checker for plugins: what one check is, and what it can say. */
#include "check/check.h"

#include "check/runner.h"
#include "plugin/catalogue.h"

#include <sesame/credential_provider.h>
#include <sesame/tool.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern const struct check_group check_group_file, check_group_elf, check_group_manifest,
    check_group_descriptor, check_group_load, check_group_config, check_group_instance,
    check_group_list, check_group_call, check_group_cancel, check_group_http, check_group_token,
    check_group_secret, check_group_placement;

const struct check_group *const check_groups[] = {
    &check_group_file,   &check_group_elf,       &check_group_manifest, &check_group_descriptor,
    &check_group_load,   &check_group_config,    &check_group_instance, &check_group_list,
    &check_group_call,   &check_group_cancel,    &check_group_http,     &check_group_token,
    &check_group_secret, &check_group_placement,
};
const size_t check_group_count = sizeof check_groups / sizeof check_groups[0];

const struct check_case *check_find(const char *id)
{
    for (size_t g = 0; g < check_group_count; g++)
        for (size_t i = 0; i < check_groups[g]->count; i++)
            if (strcmp(check_groups[g]->cases[i].id, id) == 0)
                return &check_groups[g]->cases[i];
    return NULL;
}

__attribute__((format(printf, 3, 0))) static void
end(struct check *check, enum check_verdict verdict, const char *format, va_list list)
{
    struct check_outcome *outcome = check->outcome;

    (void)vsnprintf(outcome->message, sizeof outcome->message, format, list); /* cutting is fine */
    outcome->verdict = verdict;
    _exit(0);
}

void check_fail(struct check *check, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    end(check, CHECK_FAILED, format, list);
    va_end(list);
    _exit(0);
}

void check_skip(struct check *check, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    end(check, CHECK_SKIPPED, format, list);
    va_end(list);
    _exit(0);
}

void check_step(struct check *check, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    (void)vsnprintf(check->outcome->step, sizeof check->outcome->step, format, list);
    va_end(list);
}

/* splitmix64: every seed gives a sequence of its own, the same on every machine. */
uint64_t check_random(struct check *check, uint64_t bound)
{
    uint64_t z = check->random += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % bound;
}

size_t check_output_len(const struct check *check)
{
    struct stat found;

    (void)fflush(NULL); /* what the C library holds back counts too */
    return fstat(check->output_fd, &found) == 0 ? (size_t)found.st_size : 0;
}

const struct plugin_manifest *check_manifest(struct check *check)
{
    if (check->target->manifest == NULL)
        check_skip(check, "there is no usable manifest (manifest.valid says why)");
    return check->target->manifest;
}

static bool serves(const struct plugin_manifest *manifest, const char *interface)
{
    for (char **offered = manifest->interfaces; *offered != NULL; offered++)
        if (strcmp(*offered, interface) == 0)
            return true;
    return false;
}

bool check_placement_is_possible(const struct plugin_manifest *manifest, enum placement placement)
{
    enum placement own = manifest->placement;

    if (placement == PLACEMENT_PROCESS && !serves(manifest, SESAME_TOOL_V1))
        return false;
    return own == PLACEMENT_DEFAULT || placement >= own;
}
