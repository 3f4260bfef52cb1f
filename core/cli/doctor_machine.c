/* sesame doctor: what is looked at on this machine alone, before anything is sent. */
#include "base/secret.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/doctor.h"
#include "cli/host.h"
#include "cli/worker.h"
#include "config/host_config.h"
#include "config/idaas_config.h"
#include "config/problems.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/loop.h"
#include "net/tls_trust.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define NEIGHBOUR_TIMEOUT_MS 2000

/* ---- configuration --------------------------------------------------------------------------- */

static void read_problem(const struct problem *problem, struct ready_cause *out)
{
    const char *path = strncmp(problem->path, "$.", 2) == 0 ? problem->path + 2 : problem->path;
    bool names_variable =
        problem->variable[0] != '\0' && strstr(problem->what, problem->variable) == NULL;

    memset(out, 0, sizeof *out);
    problem_text(out->name, sizeof out->name, "%s", problem->code);
    problem_text(out->what, sizeof out->what, "%s%s%s%s%s", problem->what,
                 problem->found[0] == '\0' ? "" : "; found ", problem->found,
                 problem->expected[0] == '\0' ? "" : "; expected ", problem->expected);
    problem_text(out->setting, sizeof out->setting, "%s%s%s%s%s%s", path,
                 names_variable ? " (" : "", names_variable ? problem->variable : "",
                 names_variable ? ")" : "", path[0] == '\0' ? "" : " in ", problem->file);
    problem_text(out->fix, sizeof out->fix, "%s", problem->fix);
    if (out->fix[0] == '\0')
        problem_text(out->fix, sizeof out->fix, "write it as expected");
}

/* One variable may feed several members, which then all have its fault. */
static bool is_said(const struct problems *problems, size_t index)
{
    const struct problem *problem = &problems->items[index];

    for (size_t i = 0; problem->variable[0] != '\0' && i < index; i++)
        if (strcmp(problems->items[i].variable, problem->variable) == 0 &&
            strcmp(problems->items[i].what, problem->what) == 0)
            return true;
    return false;
}

/* All faults of the files at once: none follows from another. */
static bool report_problems(struct doctor *doctor, const struct problems *problems)
{
    struct ready_cause cause;

    for (size_t i = 0; i < problems->count; i++) {
        if (is_said(problems, i))
            continue;
        read_problem(&problems->items[i], &cause);
        if (problems->items[i].is_warning)
            doctor_warn(doctor, "configuration", &cause);
        else
            (void)doctor_fail(doctor, "configuration", &cause);
    }
    return problems->error_count == 0;
}

bool doctor_configuration(struct doctor *doctor)
{
    struct setup *setup = &doctor->session.setup;
    struct problems problems;
    char detail[400];
    bool ok;

    problems_init(&problems);
    ok = setup_read(doctor->line, &problems, setup);
    if (!report_problems(doctor, &problems) || !ok) {
        doctor->session.status = EXIT_WRONG_USE;
        problems_clear(&problems);
        return false;
    }
    problems_clear(&problems);
    doctor->settings = (struct ready_settings){setup->host, setup->idaas};
    problem_text(detail, sizeof detail, "%.150s%s%.150s%s%s", setup->host->file,
                 setup->idaas == NULL ? "" : " and ",
                 setup->idaas == NULL ? "" : setup->idaas->file, setup->idaas == NULL ? "" : ", ",
                 setup->idaas == NULL ? "" : authn_method_text(setup->idaas->method));
    doctor_pass(doctor, "configuration", detail);
    return true;
}

/* ---- trust ----------------------------------------------------------------------------------- */

/* "5ed36f99.0": a certificate under the hash of its name, the only form that is read (tls_trust.h).
 */
static bool has_certificates(const char *directory)
{
    DIR *folder = opendir(directory);
    bool is_found = false;

    if (folder == NULL)
        return false;
    for (struct dirent *entry; !is_found && (entry = readdir(folder)) != NULL;) {
        size_t len = strlen(entry->d_name);

        is_found = len > 2 && strcmp(entry->d_name + len - 2, ".0") == 0;
    }
    closedir(folder);
    return is_found;
}

bool doctor_authorities(struct doctor *doctor)
{
    const char *file = getenv("SSL_CERT_FILE"), *directory = getenv("SSL_CERT_DIR");
    struct ready_cause cause = {.setting = "SSL_CERT_FILE"};
    struct error err = {0};
    struct tls_trust *trust = tls_trust_new(file, NULL, &err);

    if (trust == NULL) {
        problem_text(cause.what, sizeof cause.what, "%s", err.message);
        problem_text(cause.fix, sizeof cause.fix,
                     "set SSL_CERT_FILE to a readable PEM file of certificates, or unset it where "
                     "only public services are called");
        return doctor_fail(doctor, "certificate authorities", &cause);
    }
    tls_trust_free(trust);
    if (directory != NULL && directory[0] != '\0' && !has_certificates(directory)) {
        problem_text(cause.setting, sizeof cause.setting, "SSL_CERT_DIR");
        problem_text(cause.what, sizeof cause.what, "there is no certificate in %.200s", directory);
        problem_text(cause.fix, sizeof cause.fix,
                     "run openssl rehash on the folder, or unset SSL_CERT_DIR");
        return doctor_fail(doctor, "certificate authorities", &cause);
    }
    if ((file == NULL || file[0] == '\0') && (directory == NULL || directory[0] == '\0') &&
        !has_certificates(TLS_TRUST_SYSTEM_DIRECTORY)) {
        problem_text(cause.what, sizeof cause.what,
                     "no certificate authority is known: there is "
                     "none in " TLS_TRUST_SYSTEM_DIRECTORY);
        problem_text(cause.fix, sizeof cause.fix,
                     "install ca-certificates, or set SSL_CERT_FILE to a PEM file");
        return doctor_fail(doctor, "certificate authorities", &cause);
    }
    doctor_pass(doctor, "certificate authorities",
                file != NULL && file[0] != '\0' ? file : TLS_TRUST_SYSTEM_DIRECTORY);
    return true;
}

bool doctor_proxy(struct doctor *doctor)
{
    const char *variable = ready_proxy_variable();
    struct ready_cause cause = {.name = "ProxyIgnored"};

    if (variable[0] == '\0') {
        doctor_pass(doctor, "proxy", "none is asked for");
        return true;
    }
    problem_text(cause.what, sizeof cause.what,
                 "%s is set; sesame uses no proxy and connects directly", variable);
    problem_text(cause.setting, sizeof cause.setting, "%s", variable);
    problem_text(cause.fix, sizeof cause.fix,
                 "unset it, or let this machine out directly to the services of the configuration");
    doctor_warn(doctor, "proxy", &cause);
    return true;
}

/* ---- memory ---------------------------------------------------------------------------------- */

bool doctor_memory(struct doctor *doctor)
{
    const struct host_config *config = doctor->settings.host;
    struct ready_cause cause = {.setting = "RLIMIT_MEMLOCK (ulimit -l, LimitMEMLOCK=)"};
    struct rlimit limit = {0};
    struct secret_usage usage;
    struct error err = {0};
    char detail[80];

    (void)getrlimit(RLIMIT_MEMLOCK, &limit);
    problem_text(
        cause.fix, sizeof cause.fix,
        "allow at least twice limits.secret_bytes: LimitMEMLOCK=%lld in the unit, --ulimit "
        "memlock=%lld for a container, or ulimit -l %lld in a shell",
        (long long)config->limits.secret_bytes * 2, (long long)config->limits.secret_bytes * 2,
        (long long)config->limits.secret_bytes / 512);
    if (!host_open_process(&doctor->session.setup, true, &err)) {
        problem_text(cause.what, sizeof cause.what, "%s", err.message);
        return doctor_fail(doctor, "secret memory", &cause);
    }
    secret_arena_usage(&usage);
    if (usage.free_bytes < (size_t)config->limits.secret_bytes) {
        problem_text(cause.what, sizeof cause.what,
                     "%zu bytes are locked where limits.secret_bytes asks for %lld: the limit is "
                     "%llu; credentials are fetched again more often",
                     usage.free_bytes, (long long)config->limits.secret_bytes,
                     (unsigned long long)limit.rlim_cur);
        doctor_warn(doctor, "secret memory", &cause);
        return true;
    }
    (void)snprintf(detail, sizeof detail, "%zu bytes locked", usage.free_bytes);
    doctor_pass(doctor, "secret memory", detail);
    return true;
}

/* ---- the port -------------------------------------------------------------------------------- */

static void on_accept(void *arg, int fd)
{
    (void)arg;
    close(fd);
}

/* Where we would be reached from here: 0.0.0.0 and [::] are no addresses to call. */
static void set_own_url(const char *address, char *out, size_t out_size)
{
    const char *port = strrchr(address, ':');

    if (strncmp(address, "0.0.0.0:", 8) == 0 || port == address || port == NULL)
        problem_text(out, out_size, "http://127.0.0.1%s/ready", port == NULL ? "" : port);
    else if (strncmp(address, "[::]:", 5) == 0)
        problem_text(out, out_size, "http://[::1]%s/ready", port);
    else
        problem_text(out, out_size, "http://%s/ready", address);
}

struct neighbour {
    struct buffer body;
    bool is_done;
};

static void on_data(void *arg, const char *bytes, size_t len)
{
    struct error ignored = {0};

    (void)buffer_add(&((struct neighbour *)arg)->body, bytes, len, &ignored);
}

static void on_done(void *arg, int status, struct secret *answer, const struct error *err)
{
    (void)status;
    (void)answer;
    (void)err;
    ((struct neighbour *)arg)->is_done = true;
}

/* Whoever holds the port answers as a sesame does: then it is the one that is looked after. */
static bool is_sesame(struct loop *loop, const char *address)
{
    static const struct http_call_events events = {.on_data = on_data, .on_done = on_done};
    static const char mark[] = "{\"ready\":";
    char url[200];
    struct http_request_options options = {.method = "GET",
                                           .url = url,
                                           .total_timeout_ms = NEIGHBOUR_TIMEOUT_MS,
                                           .allow_plain_http = true};
    struct neighbour neighbour = {.is_done = false};
    struct error ignored = {0};
    struct http_client *client = http_client_new(loop, NULL, &ignored);
    bool is_found;

    set_own_url(address, url, sizeof url);
    buffer_init(&neighbour.body, (size_t)1 << 20);
    if (client != NULL &&
        http_client_start(client, &options, &events, &neighbour, &ignored) != NULL)
        while (!neighbour.is_done)
            loop_run_once(loop, 100);
    is_found =
        neighbour.body.len > sizeof mark && memcmp(neighbour.body.data, mark, sizeof mark - 1) == 0;
    buffer_clear(&neighbour.body);
    http_client_free(client);
    return is_found;
}

/* Takes the port for a moment. False: `err` says why not. */
static bool try_port(const char *address, bool *out_is_ours, struct error *err)
{
    struct loop *loop = loop_new(err);
    struct http_listener *listener;

    if (loop == NULL)
        return false;
    listener = http_listener_new(loop, address, on_accept, NULL, err);
    if (listener != NULL)
        http_listener_free(listener);
    else
        *out_is_ours =
            strstr(err->message, strerror(EADDRINUSE)) != NULL && is_sesame(loop, address);
    loop_free(loop);
    return listener != NULL;
}

bool doctor_port(struct doctor *doctor)
{
    const struct host_config *config = doctor->settings.host;
    const char *address = doctor->line->listen != NULL ? doctor->line->listen : config->listen;
    struct ready_cause cause;
    struct error err = {0};
    bool is_ours = false;

    if (try_port(address, &is_ours, &err)) {
        doctor_pass(doctor, "port", address);
        return true;
    }
    if (is_ours) {
        doctor_pass(doctor, "port", "a sesame is listening there already");
        return true;
    }
    memset(&cause, 0, sizeof cause);
    problem_text(cause.name, sizeof cause.name, "%s", err.name);
    problem_text(cause.what, sizeof cause.what, "%s", err.message);
    if (doctor->line->listen != NULL)
        problem_text(cause.setting, sizeof cause.setting, "--listen");
    else
        ready_setting(config, "$.listen", cause.setting, sizeof cause.setting);
    problem_text(
        cause.fix, sizeof cause.fix,
        strstr(err.message, strerror(EACCES)) != NULL
            ? "take a port from 1024 on, or grant CAP_NET_BIND_SERVICE"
            : "take a free port and an address of this machine; ss -ltnp shows who has it");
    return doctor_fail(doctor, "port", &cause);
}

/* ---- plugins --------------------------------------------------------------------------------- */

bool doctor_plugins(struct doctor *doctor)
{
    struct ready_cause cause;
    struct error err = {0};
    char detail[80];

    if (!session_start(&doctor->session, false, &err)) {
        ready_cause_start(&doctor->settings, &err, &cause);
        return doctor_fail(doctor, "plugins", &cause);
    }
    (void)snprintf(detail, sizeof detail, "%zu tools",
                   worker_server(doctor->session.worker)->agent.port_count);
    doctor_pass(doctor, "plugins", detail);
    return true;
}
