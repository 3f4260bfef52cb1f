/* The key of the machine's RAM role from the ECS metadata service: token mode (v2), and without a
 * token (v1) where that is not switched off. */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define METADATA_TIMEOUT_MS 2000 /* 1 s to connect, 1 s to answer: it is the next hop */
#define TOKEN_TTL_S "21600"
#define ROLES_PATH "/latest/meta-data/ram/security-credentials/"
#define ROLE_NAME_MAX_BYTES 64

enum { STEP_TOKEN, STEP_ROLE_NAME, STEP_KEY };

static void send_step(struct run *run, int step);

static void fail(struct run *run)
{
    run_step_done(run, NULL);
}

static bool is_role_name(struct sesame_text name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

    if (name.len == 0 || name.len > ROLE_NAME_MAX_BYTES)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (memchr(allowed, name.data[i], sizeof allowed - 1) == NULL)
            return false;
    return true;
}

/* The answer's text without blanks at its ends; false when it is empty. */
static bool borrow_trimmed(const struct run *run, uint64_t answer, struct sesame_text *out)
{
    const struct sesame_instance *instance = run->instance;

    if (answer == 0 || instance->secret->borrow(instance->kit.host, answer, out) != SESAME_OK)
        return false;
    while (out->len > 0 && strchr(" \t\r\n", out->data[out->len - 1]) != NULL)
        out->len--;
    while (out->len > 0 && strchr(" \t\r\n", out->data[0]) != NULL)
        *out = (struct sesame_text){out->data + 1, out->len - 1};
    return out->len > 0;
}

/* ---- answers --------------------------------------------------------------------------------- */

static void take_token(struct run *run, bool is_there, uint64_t answer)
{
    const struct sesame_instance *instance = run->instance;
    struct sesame_text text;

    if (is_there && borrow_trimmed(run, answer, &text) && text_is_token(text, 8192))
        (void)instance->secret->create(instance->kit.host, text, &run->metadata_token);
    if (run->metadata_token == 0 && instance->settings.is_metadata_v1_disabled) {
        (void)reason_set(&run->reason,
                         "the metadata service gives no token (HTTP %d), and going "
                         "without one is switched off",
                         run->call.http_status);
        fail(run);
        return;
    }
    send_step(run, run->plan.machine_role[0] == '\0' ? STEP_ROLE_NAME : STEP_KEY);
}

static void take_role_name(struct run *run, uint64_t answer)
{
    struct sesame_text name;

    if (!borrow_trimmed(run, answer, &name) || !is_role_name(name)) {
        (void)reason_set(&run->reason, "the metadata service gives no usable role name");
        fail(run);
        return;
    }
    free(run->plan.machine_role);
    run->plan.machine_role = kit_copy(name);
    if (run->plan.machine_role == NULL)
        fail(run);
    else
        send_step(run, STEP_KEY);
}

static void take_key(struct run *run, uint64_t answer)
{
    struct credentials fresh = {0};
    char *code = answer_text(run->instance, answer, "/Code", NULL);
    bool ok = code != NULL && strcmp(code, "Success") == 0;

    free(code);
    if (!ok)
        (void)reason_set(&run->reason,
                         "the metadata service: the answer's Code is not Success, or it is not "
                         "JSON");
    else
        ok = credentials_read(run->instance, answer, "", &fresh, &run->reason);
    run_step_done(run, ok ? &fresh : NULL);
}

/* Without a token, once, where a machine speaks v1 only. */
static bool retry_without_token(struct run *run)
{
    if (run->metadata_token == 0 || run->instance->settings.is_metadata_v1_disabled)
        return false;
    run->instance->secret->free(run->instance->kit.host, run->metadata_token);
    run->metadata_token = 0;
    send_step(run, run->metadata_step);
    return true;
}

static void on_answer(struct call *call, int32_t status, struct sesame_text message,
                      uint64_t answer)
{
    struct run *run = call->owner;
    bool is_there = status == SESAME_OK && call->http_status == 200;

    if (run->metadata_step == STEP_TOKEN) {
        take_token(run, is_there, answer);
        return;
    }
    if (!is_there && retry_without_token(run))
        return;
    if (status != SESAME_OK) {
        run_step_failed(run, "the metadata service", status, message);
    } else if (!is_there) {
        if (run->metadata_step == STEP_ROLE_NAME)
            (void)reason_set(&run->reason, "the machine has no RAM role: HTTP %d",
                             call->http_status);
        else
            (void)reason_set(&run->reason,
                             call->http_status == 404
                                 ? "the role name %.64s was not found in the instance: HTTP %d"
                                 : "the metadata service refuses the role %.64s: HTTP %d",
                             run->plan.machine_role, call->http_status);
        fail(run);
    } else if (run->metadata_step == STEP_ROLE_NAME) {
        take_role_name(run, answer);
    } else {
        take_key(run, answer);
    }
}

/* ---- requests -------------------------------------------------------------------------------- */

static void send_step(struct run *run, int step)
{
    const char *path = step == STEP_TOKEN ? "/latest/api/token" : ROLES_PATH;
    struct sesame_http_field header = {0};
    struct sesame_http_request request = {.method = kit_text(step == STEP_TOKEN ? "PUT" : "GET")};
    struct kit_buffer url = {0};
    bool ok;

    kit_add(&url, run->instance->settings.metadata_endpoint);
    kit_add(&url, path);
    if (step == STEP_KEY)
        kit_add(&url, run->plan.machine_role);
    if (step == STEP_TOKEN)
        header =
            (struct sesame_http_field){.name = kit_text("x-aliyun-ecs-metadata-token-ttl-seconds"),
                                       .value = kit_text(TOKEN_TTL_S)};
    else
        header = (struct sesame_http_field){.name = kit_text("x-aliyun-ecs-metadata-token"),
                                            .secret = run->metadata_token,
                                            .kind = SESAME_FIELD_SECRET};
    request.url = kit_buffer_text(&url);
    request.headers = &header;
    request.header_count = step == STEP_TOKEN || run->metadata_token != 0 ? 1 : 0;
    run->metadata_step = step;
    ok = !url.has_failed &&
         call_start(&run->call, &request, run_time_left_ms(run, METADATA_TIMEOUT_MS));
    kit_clear(&url);
    if (ok)
        return;
    (void)reason_set(&run->reason, "the metadata service cannot be asked");
    fail(run);
}

void metadata_begin(struct run *run)
{
    run->call.on_answer = on_answer;
    if (run->plan.machine_role[0] == '\0' || is_role_name(kit_text(run->plan.machine_role))) {
        send_step(run, STEP_TOKEN);
        return;
    }
    (void)reason_set(&run->reason, "the role name \"%.64s\" is none", run->plan.machine_role);
    fail(run);
}
