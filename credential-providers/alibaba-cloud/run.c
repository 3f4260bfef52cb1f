/* One plan being carried out: the first key, then one role after the other. */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t run_time_left_ms(const struct run *run, int64_t want_ms)
{
    const struct kit *kit = &run->instance->kit;
    int64_t left_ms = run->deadline_ms - kit->clock->monotonic_ms(kit->host);

    return left_ms < want_ms ? left_ms : want_ms;
}

static void next_step(struct run *run)
{
    const struct settings *settings = &run->instance->settings;
    size_t own = run->plan.role_count;

    if (run->next_role < own) {
        assume_role_begin(run, &run->plan.roles[run->next_role++]);
    } else if (run->next_role < own + settings->role_count) {
        size_t index = run->next_role++ - own;

        assume_role_begin(run, &settings->roles[index]);
    } else {
        run->on_end(run, true);
    }
}

void run_start(struct run *run)
{
    run->call.instance = run->instance;
    run->call.owner = run;
    switch (run->plan.base) {
    case PLAN_FIXED:
        run->got = run->plan.fixed;
        memset(&run->plan.fixed, 0, sizeof run->plan.fixed);
        next_step(run);
        break;
    case PLAN_OIDC:
        oidc_begin(run);
        break;
    case PLAN_METADATA:
        metadata_begin(run);
        break;
    case PLAN_URI:
        uri_begin(run);
        break;
    case PLAN_EXTERNAL:
        external_begin(run);
        break;
    }
}

void run_step_done(struct run *run, struct credentials *fresh)
{
    if (fresh == NULL) {
        run->on_end(run, false);
        return;
    }
    credentials_clear(run->instance, &run->got);
    run->got = *fresh;
    memset(fresh, 0, sizeof *fresh);
    next_step(run);
}

void run_step_failed(struct run *run, const char *what, int32_t status, struct sesame_text message)
{
    if (status == SESAME_TIMED_OUT)
        (void)reason_set(&run->reason, "%s does not answer in time", what);
    else
        (void)reason_set(&run->reason, "%s: %.*s", what,
                         (int)(message.len < 120 ? message.len : 120),
                         message.len == 0 ? "" : message.data);
    run_step_done(run, NULL);
}

void run_step_refused(struct run *run, const char *what, uint64_t answer)
{
    struct api_error error;

    api_error_read(&run->call, answer, &error);
    if (error.code == NULL)
        (void)reason_set(&run->reason, "%s: HTTP %d, and the answer is not understood", what,
                         run->call.http_status);
    else if (strcmp(error.code, "SignatureDoesNotMatch") == 0 && error.message != NULL &&
             strstr(error.message, run->hash) != NULL)
        (void)reason_set(&run->reason, "%s: SignatureDoesNotMatch: the access key secret is wrong",
                         what);
    else
        (void)reason_set(&run->reason, "%s: HTTP %d %.40s: %.100s%s%.40s", what,
                         run->call.http_status, error.code,
                         error.message == NULL ? "no message" : error.message,
                         error.request_id == NULL ? "" : ", request id ",
                         error.request_id == NULL ? "" : error.request_id);
    api_error_clear(&error);
    run_step_done(run, NULL);
}

void run_free(struct run *run)
{
    if (run == NULL)
        return;
    plan_clear(run->instance, &run->plan);
    credentials_clear(run->instance, &run->got);
    run->instance->secret->free(run->instance->kit.host, run->metadata_token);
    free(run);
}

/* ---- where STS is ---------------------------------------------------------------------------- */

/* A region becomes part of a host name. */
static bool is_region(const char *text)
{
    return strlen(text) <= 40 &&
           text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

char *sts_endpoint(const struct sesame_instance *instance, const struct role *role,
                   struct reason *reason)
{
    const struct settings *settings = &instance->settings;
    const char *region = role->sts_region[0] != '\0' ? role->sts_region : settings->sts_region;
    bool wants_vpc = role->wants_vpc_endpoint || settings->wants_vpc_endpoint;
    char url[100];
    char *copy;

    if (settings->sts_endpoint[0] != '\0') {
        copy = text_copy(settings->sts_endpoint);
    } else if (region[0] == '\0') {
        copy = text_copy("https://sts.aliyuncs.com");
    } else if (!is_region(region)) {
        (void)reason_set(reason, "the STS region is \"%.40s\", expected a name such as cn-hangzhou",
                         region);
        return NULL;
    } else {
        (void)snprintf(url, sizeof url, "https://%s.%s.aliyuncs.com", wants_vpc ? "sts-vpc" : "sts",
                       region); /* fits: the region is short */
        copy = text_copy(url);
    }
    if (copy == NULL)
        (void)reason_set(reason, "no memory for a request");
    return copy;
}
