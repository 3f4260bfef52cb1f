/* sesame doctor: walks through everything a turn needs, one line each, with what to fix. */
#include "agent/tool_set.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/host.h"
#include "cli/session.h"
#include "cli/worker.h"
#include "config/host_config.h"
#include "config/idaas_config.h"
#include "credential/credential_client.h"
#include "jwt/jwks.h"
#include "model/chat_client.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "plugin/tool_port.h"
#include "server/routes.h"

#include <stdio.h>
#include <string.h>

#define STEP_TIMEOUT_MS 30000

struct doctor {
    struct session session;
    bool is_done; /* the step at hand */
    bool has_failed;
    struct error err;
    struct buffer body;
    int http_status;
    size_t waiting;
    size_t deltas;
};

static void pass(const char *what, const char *detail)
{
    printf("pass  %s%s%s\n", what, detail[0] == '\0' ? "" : ": ", detail);
}

static void fail(struct doctor *doctor, const char *what, const char *why, const char *fix)
{
    printf("FAIL  %s: %s\n", what, why);
    if (fix[0] != '\0')
        printf("      fix: %s\n", fix);
    doctor->has_failed = true;
}

/* Turns the loop until the step is over. */
static void wait_for_step(struct doctor *doctor)
{
    int64_t until_ms = clock_monotonic_ms() + STEP_TIMEOUT_MS;

    while (!doctor->is_done && clock_monotonic_ms() < until_ms)
        loop_run_once(host_loop(doctor->session.host), 100);
    if (!doctor->is_done)
        error_set(&doctor->err, ERROR_TIMED_OUT, "no answer in %d s", STEP_TIMEOUT_MS / 1000);
}

static void begin_step(struct doctor *doctor)
{
    doctor->is_done = false;
    doctor->http_status = 0;
    error_clear(&doctor->err);
    buffer_truncate(&doctor->body, 0);
}

/* ---- credentials ----------------------------------------------------------------------------- */

static void on_credential(void *arg, const struct credential *credential, const struct error *err)
{
    struct doctor *doctor = arg;

    if (credential == NULL)
        doctor->err = *err;
    doctor->is_done = true;
}

static const char *credential_fix(const struct credential_config *config, const struct error *err)
{
    if (config->provider > 0)
        return "the credential's \"scope\", and the configuration of its provider under "
               "credential_providers";
    if (strcmp(err->name, "UserNeeded") == 0)
        return "the access token of a user in SESAME_USER_TOKEN, to try it on his behalf";
    if (strcmp(err->name, "invalid_client") == 0)
        return "the client id in the IDaaS file, and the secret or key its authnConfiguration "
               "names";
    if (config->kind == CREDENTIAL_ACCESS_TOKEN)
        return "the credential's \"scope\" (ENTERPRISE_SERVICE_SCOPE) and the permissions of the "
               "target node in IDaaS";
    return err->code == ERROR_NOT_FOUND
               ? "the credential's \"identifier\" (LLM_API_KEY_IDENTIFIER, "
                 "EXTERNAL_SERVER_API_KEY_IDENTIFIER)"
               : "the outbound authorization of the agent node, and developerApiEndpoint";
}

static void check_credentials(struct doctor *doctor)
{
    const struct host_config *config = doctor->session.setup.host;
    struct credential_client *client =
        worker_server(doctor->session.worker)->agent.chat.credentials;

    for (size_t i = 0; i < config->credential_count; i++) {
        const struct credential_config *credential =
            credential_find(client, slice_of(config->credentials[i].name));
        char what[120];

        (void)snprintf(what, sizeof what, "credential %.64s (%s)", credential->name,
                       credential_kind_text(credential->kind));
        begin_step(doctor);
        (void)credential_get(client, credential, doctor->session.subject,
                             clock_monotonic_ms() + STEP_TIMEOUT_MS, on_credential, doctor);
        wait_for_step(doctor);
        if (doctor->err.code == ERROR_NONE)
            pass(what, "");
        else
            fail(doctor, what, doctor->err.message, credential_fix(credential, &doctor->err));
    }
}

/* ---- sign-in keys ---------------------------------------------------------------------------- */

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

static void check_keys(struct doctor *doctor)
{
    static const struct http_call_events events = {.on_data = on_data, .on_done = on_done};
    const char *url = doctor->session.setup.host->inbound.jwks_url;
    struct http_request_options options = {
        .method = "GET", .url = url, .total_timeout_ms = STEP_TIMEOUT_MS};
    struct jwks *jwks = NULL;
    char text[80];

    begin_step(doctor);
    if (http_client_start(worker_server(doctor->session.worker)->agent.chat.http, &options, &events,
                          doctor, &doctor->err) != NULL)
        wait_for_step(doctor);
    if (doctor->err.code == ERROR_NONE && doctor->http_status != 200)
        error_set(&doctor->err, ERROR_UPSTREAM, "HTTP %d", doctor->http_status);
    if (doctor->err.code == ERROR_NONE)
        jwks = jwks_parse(doctor->body.data == NULL ? "" : doctor->body.data, doctor->body.len,
                          &doctor->err);
    if (jwks == NULL) {
        fail(doctor, "sign-in keys", doctor->err.message,
             "inbound.jwks_url (JWKS_ENDPOINT): the issuer followed by /jwks");
        return;
    }
    (void)snprintf(text, sizeof text, "%zu usable", jwks_usable_count(jwks));
    pass("sign-in keys", text);
    jwks_free(jwks);
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

    if (result->err != NULL)
        doctor->err = *result->err;
    doctor->is_done = true;
}

static void check_model(struct doctor *doctor)
{
    static const struct chat_events events = {on_delta, on_delta, on_chat_done};
    struct chat_request request = {
        .subject = doctor->session.subject,
        .messages = slice_of("[{\"role\":\"user\",\"content\":\"Say hello in one word.\"}]"),
        .deadline_ms = clock_monotonic_ms() + STEP_TIMEOUT_MS};
    char what[120];

    begin_step(doctor);
    (void)snprintf(what, sizeof what, "model %.80s", doctor->session.setup.host->model.name);
    if (chat_call_start(&worker_server(doctor->session.worker)->agent.chat, &request, &events,
                        doctor, &doctor->err) != NULL)
        wait_for_step(doctor);
    if (doctor->err.code == ERROR_NONE && doctor->deltas == 0)
        error_set(&doctor->err, ERROR_UPSTREAM, "it answered without any text");
    if (doctor->err.code == ERROR_NONE)
        pass(what, "it answers");
    else
        fail(
            doctor, what, doctor->err.message,
            "model.base_url (LLM_BASE_URL), model.name (LLM_MODEL), and the key in the vault: keys "
            "belong to a region");
}

/* ---- tools ----------------------------------------------------------------------------------- */

static void on_listed(void *arg)
{
    ((struct doctor *)arg)->waiting--;
}

static void check_tools(struct doctor *doctor)
{
    const struct agent *agent = &worker_server(doctor->session.worker)->agent;

    for (size_t i = 0; i < agent->port_count; i++) {
        const char *reason = "";
        struct tool_functions *functions;
        char what[120], text[60];

        if (tool_port_prepare(agent->ports[i], doctor->session.subject,
                              clock_monotonic_ms() + STEP_TIMEOUT_MS, on_listed, doctor) != NULL)
            doctor->waiting++;
        while (doctor->waiting > 0)
            loop_run_once(host_loop(doctor->session.host), 100);
        functions = tool_port_functions(agent->ports[i], &reason);
        (void)snprintf(what, sizeof what, "tool %.80s", tool_port_config(agent->ports[i])->name);
        if (functions == NULL) {
            fail(doctor, what, reason,
                 "its \"url\" (EXTERNAL_SERVER_URL, ENTERPRISE_SERVICE_URL) and its credential");
            continue;
        }
        (void)snprintf(text, sizeof text, "%zu functions", functions->count);
        pass(what, text);
    }
}

int doctor_command(const struct command_line *line)
{
    struct doctor doctor = {.waiting = 0};
    int status;

    if (line->word_count > 0) {
        fprintf(stderr, "usage: sesame doctor\n");
        return EXIT_WRONG_USE;
    }
    buffer_init(&doctor.body, 1024 * 1024);
    if (session_open(&doctor.session, line, false)) {
        pass("configuration", doctor.session.setup.idaas == NULL
                                  ? ""
                                  : authn_method_text(doctor.session.setup.idaas->method));
        check_keys(&doctor);
        check_credentials(&doctor);
        check_model(&doctor);
        check_tools(&doctor);
        doctor.session.status = doctor.has_failed ? EXIT_FAILED : EXIT_DONE;
    } else {
        printf("FAIL  configuration: see above\n");
    }
    buffer_clear(&doctor.body);
    session_close(&doctor.session);
    status = doctor.session.status;
    return status;
}
