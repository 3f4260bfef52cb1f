/* sesame doctor: what the services say, in the order in which one needs the other. */
#include "agent/tool_set.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "cli/doctor.h"
#include "cli/host.h"
#include "cli/worker.h"
#include "config/endpoint.h"
#include "config/host_config.h"
#include "config/idaas_config.h"
#include "config/problems.h"
#include "credential/authorized_call.h"
#include "credential/credential_client.h"
#include "credential/subject.h"
#include "jwt/access_token.h"
#include "jwt/jwks.h"
#include "model/chat_client.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "plugin/tool_port.h"
#include "server/routes.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A token is let in with this much of a difference by default (inbound.leeway_s). */
#define CLOCK_DIFFERENCE_MAX_S 60

static const struct chat_home *home_of(const struct doctor *doctor)
{
    return &worker_server(doctor->session.worker)->agent.chat;
}

/* ---- requests -------------------------------------------------------------------------------- */

static void on_head(void *arg, int status, const struct http_answer_header *headers, size_t count)
{
    struct doctor *doctor = arg;

    (void)status;
    for (size_t i = 0; i < count; i++)
        if (slice_equal_nocase(headers[i].name, "date"))
            doctor->server_date_s = http_date_read(headers[i].value);
}

static void on_data(void *arg, const char *bytes, size_t len)
{
    struct doctor *doctor = arg;
    struct error ignored = {0};

    (void)buffer_add(&doctor->body, bytes, len, &ignored);
}

static void on_done(void *arg, int status, struct secret *answer, const struct error *err)
{
    struct doctor *doctor = arg;

    (void)answer;
    doctor->http_status = status;
    if (err != NULL)
        doctor->err = *err;
    doctor->is_done = true;
}

void doctor_get(struct doctor *doctor, const char *url, const char *credential)
{
    static const struct http_call_events events = {on_head, on_data, on_done};
    struct http_request_options options = {
        .method = "GET", .url = url, .total_timeout_ms = DOCTOR_TIMEOUT_MS / 2};
    const struct chat_home *home = home_of(doctor);

    doctor_begin(doctor);
    if (authorized_call_start(home->http, home->credentials, slice_of(credential),
                              doctor->session.subject, &options, &events, doctor,
                              &doctor->err) != NULL)
        doctor_wait(doctor);
}

/* ---- sign-in keys and the clock -------------------------------------------------------------- */

/* Tokens and assertions are judged by time, and their refusal seldom says so. */
static bool check_clock(struct doctor *doctor)
{
    int64_t ahead_s = clock_wall_s() - doctor->server_date_s;
    struct ready_cause cause = {.name = "ClockDifference",
                                .setting = "the clock of this machine",
                                .fix = "set the clock (timedatectl set-ntp true)"};

    if (doctor->server_date_s <= 0 ||
        (ahead_s >= -CLOCK_DIFFERENCE_MAX_S && ahead_s <= CLOCK_DIFFERENCE_MAX_S))
        return true;
    problem_text(cause.what, sizeof cause.what,
                 "the clock of this machine is %lld s %s that of %.200s",
                 (long long)(ahead_s < 0 ? -ahead_s : ahead_s), ahead_s < 0 ? "behind" : "ahead of",
                 doctor->settings.host->inbound.jwks_url);
    return doctor_fail(doctor, "clock", &cause);
}

bool doctor_keys(struct doctor *doctor)
{
    const char *url = doctor->settings.host->inbound.jwks_url;
    struct ready_cause cause;
    char text[80];

    doctor_get(doctor, url, "");
    if (doctor->err.code == ERROR_NONE && !check_clock(doctor))
        return false;
    if (doctor->err.code == ERROR_NONE && doctor->http_status != 200)
        error_set(&doctor->err, ERROR_UPSTREAM, "%s answered %d", url, doctor->http_status);
    if (doctor->err.code == ERROR_NONE)
        doctor->jwks = jwks_parse(doctor->body.data == NULL ? "" : doctor->body.data,
                                  doctor->body.len, &doctor->err);
    if (doctor->jwks == NULL) {
        ready_cause_keys(&doctor->settings, &doctor->err, &cause);
        return doctor_fail(doctor, "sign-in keys", &cause);
    }
    (void)snprintf(text, sizeof text, "%zu usable", jwks_usable_count(doctor->jwks));
    doctor_pass(doctor, "sign-in keys", text);
    return true;
}

/* ---- tokens ---------------------------------------------------------------------------------- */

/* What a verdict on a token says about the configuration of the gate. False: nothing. */
static bool explain_verdict(const struct doctor *doctor, const char *whose, const char *reason,
                            struct ready_cause *out)
{
    const struct host_config *host = doctor->settings.host;
    bool is_foreign = strcmp(reason, "unknown_kid") == 0 || strcmp(reason, "bad_signature") == 0;
    bool is_of_file = doctor->settings.idaas != NULL &&
                      strcmp(host->inbound.issuer, doctor->settings.idaas->issuer) == 0;

    memset(out, 0, sizeof *out);
    problem_text(out->name, sizeof out->name, "%s", reason);
    if (is_foreign) {
        problem_text(out->what, sizeof out->what,
                     "%s is signed with a key that %.200s does not have (%s): the keys are those "
                     "of another instance",
                     whose, host->inbound.jwks_url, reason);
        ready_setting(host, "$.inbound.jwks_url", out->setting, sizeof out->setting);
        problem_text(out->fix, sizeof out->fix, "set it to the issuer followed by /jwks: %s/jwks",
                     host->inbound.issuer);
        return true;
    }
    if (strcmp(reason, "wrong_issuer") != 0)
        return false;
    problem_text(out->what, sizeof out->what, "%s has another \"iss\" than \"%.200s\"", whose,
                 host->inbound.issuer);
    if (is_of_file)
        problem_text(out->setting, sizeof out->setting, "issuer in %s",
                     doctor->settings.idaas->file);
    else
        ready_setting(host, "$.inbound.issuer", out->setting, sizeof out->setting);
    problem_text(out->fix, sizeof out->fix,
                 "write it exactly as the issuer's discovery document has it");
    return true;
}

/* Why the gate would turn the user away. */
static void explain_user(const struct doctor *doctor, const char *reason, struct ready_cause *out)
{
    const struct host_config *host = doctor->settings.host;

    if (explain_verdict(doctor, "the user's token", reason, out))
        return;
    problem_text(out->what, sizeof out->what,
                 "Access token validation failed: the token is refused (%s)", reason);
    problem_text(out->setting, sizeof out->setting, "SESAME_USER_TOKEN");
    problem_text(out->fix, sizeof out->fix, "log in again to get a new access token");
    if (strcmp(reason, "wrong_audience") == 0 || strcmp(reason, "aud_missing") == 0) {
        ready_setting(host, "$.inbound.audience", out->setting, sizeof out->setting);
        problem_text(out->fix, sizeof out->fix,
                     "set it to the audience of the agent node, and have the client ask for it");
    } else if (strcmp(reason, "insufficient_scope") == 0 || strcmp(reason, "scope_missing") == 0) {
        ready_setting(host, "$.inbound.scope", out->setting, sizeof out->setting);
        problem_text(out->fix, sizeof out->fix,
                     "grant this permission of the agent to the client application, and have the "
                     "client ask for it (SCOPE in config.js)");
    }
}

static enum access_verdict check_token(const struct doctor *doctor, struct slice token,
                                       const char *audience, const char **out_reason)
{
    const struct inbound_config *inbound = &doctor->settings.host->inbound;
    struct access_token_policy policy = {.issuer = inbound->issuer,
                                         .audience = audience,
                                         .scope = inbound->scope,
                                         .leeway_s = inbound->leeway_s,
                                         .requires_typ = inbound->require_typ};
    struct access_token_claims claims;
    enum access_verdict verdict =
        access_token_check(&policy, doctor->jwks, token, clock_wall_s(), &claims, out_reason);

    if (verdict == ACCESS_GRANTED)
        access_token_claims_clear(&claims);
    return verdict;
}

bool doctor_user(struct doctor *doctor)
{
    struct subject *subject = doctor->session.subject;
    struct ready_cause cause;
    const char *reason = "";
    struct slice token;

    if (subject == NULL) {
        doctor_pass(doctor, "user", "not tried: SESAME_USER_TOKEN holds no user's token");
        return true;
    }
    token.data = secret_borrow(subject->token, &token.len);
    if (check_token(doctor, token, doctor->settings.host->inbound.audience, &reason) ==
        ACCESS_GRANTED) {
        doctor_pass(doctor, "user", "the token opens this agent");
        return true;
    }
    explain_user(doctor, reason, &cause);
    return doctor_fail(doctor, "user", &cause);
}

/* ---- credentials ----------------------------------------------------------------------------- */

static void on_credential(void *arg, const struct credential *credential, const struct error *err)
{
    struct doctor *doctor = arg;
    struct slice token;

    if (credential == NULL) {
        doctor->err = *err;
    } else if (doctor->audience[0] != '\0') {
        /* The agent's own token is of the same issuer as the users', so it tells whether the gate
         * has the right keys and name. */
        token.data = secret_borrow(credential->secret, &token.len);
        (void)check_token(doctor, token, doctor->audience, &doctor->verdict);
    }
    doctor->is_done = true;
}

static bool fetch_one(struct doctor *doctor, const struct credential_config *credential)
{
    bool is_ours = credential->kind == CREDENTIAL_ACCESS_TOKEN && credential->provider == 0;
    struct slice audience = {"", 0};
    struct ready_cause cause;
    struct error ignored = {0};
    CLEANUP(cleanup_free) char *text = NULL;
    char what[120];

    if (is_ours)
        (void)scope_check(credential->scope, &audience, &ignored);
    text = slice_dup(audience);
    (void)snprintf(what, sizeof what, "credential %.64s (%s)", credential->name,
                   credential_kind_text(credential->kind));
    doctor_begin(doctor);
    doctor->audience = text == NULL ? "" : text;
    doctor->verdict = "";
    (void)credential_get(home_of(doctor)->credentials, credential, doctor->session.subject,
                         clock_monotonic_ms() + DOCTOR_TIMEOUT_MS, on_credential, doctor);
    doctor_wait(doctor);
    doctor->audience = "";
    if (doctor->err.code != ERROR_NONE) {
        ready_cause_credential(&doctor->settings, credential, &doctor->err, &cause);
        return doctor_fail(doctor, what, &cause);
    }
    if (explain_verdict(doctor, "the agent's own token", doctor->verdict, &cause))
        return doctor_fail(doctor, what, &cause);
    doctor_pass(doctor, what, "");
    return true;
}

bool doctor_credentials(struct doctor *doctor)
{
    const struct host_config *config = doctor->settings.host;

    for (size_t i = 0; i < config->credential_count; i++)
        if (!fetch_one(doctor, &config->credentials[i]))
            return false;
    return true;
}

/* ---- the model ------------------------------------------------------------------------------- */

static void on_delta(void *arg, const char *text, size_t len)
{
    struct doctor *doctor = arg;

    (void)text;
    (void)len;
    doctor->deltas++;
}

static void on_chat_done(void *arg, const struct chat_result *result)
{
    struct doctor *doctor = arg;

    doctor->http_status = result->http_status;
    if (result->err != NULL)
        doctor->err = *result->err;
    doctor->is_done = true;
}

bool doctor_model(struct doctor *doctor)
{
    static const struct chat_events events = {on_delta, on_delta, on_chat_done};
    struct chat_request request = {
        .subject = doctor->session.subject,
        .messages = slice_of("[{\"role\":\"user\",\"content\":\"Say hello in one word.\"}]"),
        .deadline_ms = clock_monotonic_ms() + DOCTOR_TIMEOUT_MS};
    struct ready_cause cause;
    char what[120];

    doctor_begin(doctor);
    (void)snprintf(what, sizeof what, "model %.80s", doctor->settings.host->model.name);
    if (chat_call_start(home_of(doctor), &request, &events, doctor, &doctor->err) != NULL)
        doctor_wait(doctor);
    if (doctor->err.code == ERROR_NONE && doctor->deltas == 0)
        error_set(&doctor->err, ERROR_UPSTREAM, "it answered without any text");
    if (doctor->err.code != ERROR_NONE) {
        ready_cause_model(&doctor->settings, doctor->http_status, &doctor->err, &cause);
        return doctor_fail(doctor, what, &cause);
    }
    doctor_pass(doctor, what, "it answers");
    return true;
}

/* ---- tools ----------------------------------------------------------------------------------- */

static void on_listed(void *arg)
{
    ((struct doctor *)arg)->is_done = true;
}

static bool check_tool(struct doctor *doctor, struct tool_port *port)
{
    const struct tool_config *tool = tool_port_config(port);
    struct tool_functions *functions;
    struct ready_cause cause;
    const char *reason = "";
    char what[120], text[60];

    doctor_begin(doctor);
    if (tool_port_prepare(port, doctor->session.subject, clock_monotonic_ms() + DOCTOR_TIMEOUT_MS,
                          on_listed, doctor) != NULL)
        doctor_wait(doctor);
    functions = tool_port_functions(port, &reason);
    (void)snprintf(what, sizeof what, "tool %.80s", tool->name);
    if (functions == NULL) {
        ready_cause_tool(&doctor->settings, tool, reason, &cause);
        return doctor_fail(doctor, what, &cause);
    }
    (void)snprintf(text, sizeof text, "%zu functions", functions->count);
    doctor_pass(doctor, what, text);
    return true;
}

bool doctor_tools(struct doctor *doctor)
{
    const struct agent *agent = &worker_server(doctor->session.worker)->agent;

    for (size_t i = 0; i < agent->port_count; i++)
        if (!check_tool(doctor, agent->ports[i]))
            return false;
    return true;
}

/* ---- services -------------------------------------------------------------------------------- */

/* The address in a tool's configuration that the credential goes to, borrowed from it. */
static const char *address_for(const struct credential_config *credential,
                               struct json_object *config)
{
    json_object_object_foreach(config, key, value)
    {
        struct error ignored = {0};
        const char *text =
            json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";

        (void)key;
        if (strncmp(text, "http", 4) == 0 &&
            credential_allows_url(credential, slice_of(text), &ignored))
            return text;
    }
    return NULL;
}

/* A GET changes nothing (RFC 9110 section 9.2.1), and whoever checks tokens does so before he looks
 * at the method: anything but a refusal means that the token is taken. */
static bool check_service(struct doctor *doctor, const struct tool_config *tool,
                          const struct credential_config *credential, const char *url)
{
    struct ready_cause cause;
    char what[120], reason[200];

    (void)snprintf(what, sizeof what, "service of tool %.64s", tool->name);
    doctor_get(doctor, url, credential->name);
    if (doctor->err.code == ERROR_NONE && doctor->http_status != 401 &&
        doctor->http_status != 403) {
        (void)snprintf(reason, sizeof reason, "it takes the token (HTTP %d)", doctor->http_status);
        doctor_pass(doctor, what, reason);
        return true;
    }
    (void)snprintf(reason, sizeof reason,
                   "JWT authentication failed: the service answered HTTP %d to the agent's token",
                   doctor->http_status);
    ready_cause_tool(&doctor->settings, tool,
                     doctor->err.code != ERROR_NONE ? doctor->err.message : reason, &cause);
    return doctor_fail(doctor, what, &cause);
}

/* Tools that list their functions at the service have shown there that their credential is taken;
 * those with functions of their own have not called anybody yet. */
bool doctor_services(struct doctor *doctor)
{
    const struct host_config *host = doctor->settings.host;

    for (size_t i = 0; i < host->tool_count; i++) {
        const struct tool_config *tool = &host->tools[i];
        const struct credential_config *credential =
            tool->credential_count == 0 ? NULL : host_config_credential(host, tool->credentials[0]);
        CLEANUP(json_cleanup) struct json_object *config = NULL;
        struct error ignored = {0};
        const char *url = NULL;

        if (credential == NULL || credential->kind != CREDENTIAL_ACCESS_TOKEN)
            continue;
        config =
            json_parse(tool->config_json, strlen(tool->config_json), JSON_DEPTH_DEFAULT, &ignored);
        if (config != NULL)
            url = address_for(credential, config);
        if (url != NULL && !check_service(doctor, tool, credential, url))
            return false;
    }
    return true;
}
