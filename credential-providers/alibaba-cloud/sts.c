/* Keys from STS: AssumeRoleWithOIDC (RRSA), AssumeRole; and from a credentials URI, which is as
 * short. */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STS_TIMEOUT_MS 15000 /* 5 s to connect, 10 s to answer */

static const char *session_of(const struct run *run, const struct role *role, char out[64])
{
    if (role->session_name[0] != '\0')
        return role->session_name;
    if (run->instance->settings.session_name[0] != '\0')
        return run->instance->settings.session_name;
    (void)snprintf(out, 64, "sesame-%lld", (long long)time_now_s(run->instance)); /* fits */
    return out;
}

static void on_sts_answer(struct call *call, int32_t status, struct sesame_text message,
                          uint64_t answer)
{
    struct run *run = call->owner;
    struct credentials fresh = {0};

    if (status != SESAME_OK)
        run_step_failed(run, "STS", status, message);
    else if (call->http_status != 200)
        run_step_refused(run, "STS", answer);
    else if (credentials_read(run->instance, answer, "/Credentials", &fresh, &run->reason))
        run_step_done(run, &fresh);
    else
        run_step_done(run, NULL);
}

/* ---- AssumeRoleWithOIDC ---------------------------------------------------------------------- */

static struct sesame_http_field field(const char *name, const char *value)
{
    return (struct sesame_http_field){.name = kit_text(name), .value = kit_text(value)};
}

/* "?Version=..." as the vendor's clients write it; the time's colons are the only thing to encode.
 */
static void add_query(struct kit_buffer *url, const char *date)
{
    kit_add(url, "/?Version=2015-04-01&Action=AssumeRoleWithOIDC&Format=JSON&Timestamp=");
    for (; *date != '\0'; date++) {
        if (*date == ':')
            kit_add(url, "%3A");
        else
            kit_add_text(url, (struct sesame_text){date, 1});
    }
}

static bool send_oidc(struct run *run, const char *endpoint, uint64_t token)
{
    const struct role *role = &run->plan.oidc_role;
    struct sesame_http_field form[6];
    struct kit_buffer url = {0};
    char date[21], session[64], duration[24];
    size_t count = 0;
    bool ok;

    time_format(time_now_s(run->instance), date);
    kit_add(&url, endpoint);
    add_query(&url, date);
    (void)snprintf(duration, sizeof duration, "%lld", (long long)role->duration_s);
    /* In the body, not in the query: URLs end up in logs. */
    form[count++] = field("OIDCProviderArn", run->plan.provider_arn);
    form[count++] = (struct sesame_http_field){
        .name = kit_text("OIDCToken"), .secret = token, .kind = SESAME_FIELD_SECRET};
    form[count++] = field("RoleArn", role->arn);
    if (role->policy[0] != '\0')
        form[count++] = field("Policy", role->policy);
    form[count++] = field("RoleSessionName", session_of(run, role, session));
    form[count++] = field("DurationSeconds", duration);
    ok = !url.has_failed && call_start(&run->call,
                                       &(struct sesame_http_request){.method = kit_text("POST"),
                                                                     .url = kit_buffer_text(&url),
                                                                     .form = form,
                                                                     .form_count = count},
                                       run_time_left_ms(run, STS_TIMEOUT_MS));
    kit_clear(&url);
    return ok;
}

/* The token as it is now: whoever mounts the file replaces it before it expires. */
static uint64_t read_token(struct run *run)
{
    struct sesame_instance *instance = run->instance;
    const char *path = run->plan.token_file;
    uint64_t token = 0;
    struct sesame_text text;
    int32_t status = instance->secret->from_file(instance->kit.host, kit_text(path), &token);

    if (status != SESAME_OK) {
        (void)reason_set(&run->reason, "the OIDC token file %.100s %s", path,
                         status == SESAME_NOT_FOUND ? "is not there" : "cannot be read");
        return 0;
    }
    if (instance->secret->borrow(instance->kit.host, token, &text) == SESAME_OK &&
        text_is_token(text, 64 * 1024))
        return token;
    instance->secret->free(instance->kit.host, token);
    (void)reason_set(&run->reason, "the OIDC token file %.100s holds no token", path);
    return 0;
}

void oidc_begin(struct run *run)
{
    char *endpoint = sts_endpoint(run->instance, &run->plan.oidc_role, &run->reason);
    uint64_t token = endpoint == NULL ? 0 : read_token(run);
    bool ok = token != 0;

    run->call.on_answer = on_sts_answer;
    if (ok && !send_oidc(run, endpoint, token)) {
        (void)reason_set(&run->reason, "the request to STS could not be sent");
        ok = false;
    }
    run->instance->secret->free(run->instance->kit.host, token);
    free(endpoint);
    if (!ok)
        run_step_done(run, NULL);
}

/* ---- AssumeRole ------------------------------------------------------------------------------ */

void assume_role_begin(struct run *run, const struct role *role)
{
    char *endpoint = sts_endpoint(run->instance, role, &run->reason);
    char session[64], duration[24];
    struct sesame_http_field query[5];
    struct rpc rpc = {.endpoint = endpoint,
                      .action = "AssumeRole",
                      .version = "2015-04-01",
                      .query = query,
                      .credentials = &run->got,
                      .timeout_ms = run_time_left_ms(run, STS_TIMEOUT_MS)};

    (void)snprintf(duration, sizeof duration, "%lld", (long long)role->duration_s);
    query[rpc.query_count++] = field("DurationSeconds", duration);
    query[rpc.query_count++] = field("RoleArn", role->arn);
    query[rpc.query_count++] = field("RoleSessionName", session_of(run, role, session));
    if (role->policy[0] != '\0')
        query[rpc.query_count++] = field("Policy", role->policy);
    if (role->external_id[0] != '\0')
        query[rpc.query_count++] = field("ExternalId", role->external_id);
    run->call.on_answer = on_sts_answer;
    if (endpoint == NULL) {
        run_step_done(run, NULL);
    } else if (!rpc_start(&run->call, &rpc, run->hash)) {
        (void)reason_set(&run->reason, "the request to STS could not be sent");
        run_step_done(run, NULL);
    }
    free(endpoint);
}

/* ---- a credentials URI ----------------------------------------------------------------------- */

static void on_uri_answer(struct call *call, int32_t status, struct sesame_text message,
                          uint64_t answer)
{
    struct run *run = call->owner;
    struct credentials fresh = {0};
    bool ok = false;
    char *code;

    if (status != SESAME_OK) {
        run_step_failed(run, "the credentials URI", status, message);
        return;
    }
    code = answer_text(run->instance, answer, "/Code", NULL);
    if (call->http_status < 200 || call->http_status > 299)
        (void)reason_set(&run->reason, "the credentials URI: HTTP %d", call->http_status);
    else if (code == NULL || strcmp(code, "Success") != 0)
        (void)reason_set(
            &run->reason,
            "the credentials URI: the answer's Code is not Success, or it is not JSON");
    else
        ok = credentials_read(run->instance, answer, "", &fresh, &run->reason);
    free(code);
    run_step_done(run, ok ? &fresh : NULL);
}

void uri_begin(struct run *run)
{
    struct sesame_http_request request = {.method = kit_text("GET"),
                                          .url = kit_text(run->plan.uri)};

    run->call.on_answer = on_uri_answer;
    if (call_start(&run->call, &request, run_time_left_ms(run, STS_TIMEOUT_MS)))
        return;
    (void)reason_set(&run->reason,
                     "the credentials URI cannot be called: https, or http towards "
                     "this machine, is expected");
    run_step_done(run, NULL);
}
