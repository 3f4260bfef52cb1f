/* sesame doctor: walks through everything a turn needs and stops at the first cause, with its
 * setting and what to do. What needs no network comes first. */
#include "cli/doctor.h"

#include "base/clock.h"
#include "cli/command.h"
#include "cli/host.h"
#include "jwt/jwks.h"
#include "net/loop.h"

#include <stdio.h>
#include <string.h>

#define JSON_MAX_BYTES ((size_t)1 << 20)

static const struct {
    const char *check;
    bool (*run)(struct doctor *doctor);
} steps[] = {
    {"configuration", doctor_configuration},
    {"certificate authorities", doctor_authorities},
    {"proxy", doctor_proxy},
    {"secret memory", doctor_memory},
    {"port", doctor_port},
    {"plugins", doctor_plugins}, /* which may begin to talk once they are loaded */
    {"sign-in keys", doctor_keys},
    {"credentials", doctor_credentials},
    {"user", doctor_user},
    {"model", doctor_model},
    {"tools", doctor_tools},
    {"services", doctor_services},
};

#define STEP_COUNT (sizeof steps / sizeof steps[0])

void doctor_begin(struct doctor *doctor)
{
    doctor->is_done = false;
    doctor->http_status = 0;
    doctor->server_date_s = 0;
    error_clear(&doctor->err);
    buffer_truncate(&doctor->body, 0);
}

void doctor_wait(struct doctor *doctor)
{
    int64_t until_ms = clock_monotonic_ms() + DOCTOR_TIMEOUT_MS;

    while (!doctor->is_done && clock_monotonic_ms() < until_ms)
        loop_run_once(host_loop(doctor->session.host), 100);
    if (!doctor->is_done && doctor->err.code == ERROR_NONE)
        error_set(&doctor->err, ERROR_TIMED_OUT, "no answer in %d s", DOCTOR_TIMEOUT_MS / 1000);
}

static void run_steps(struct doctor *doctor)
{
    const char *left[STEP_COUNT];
    size_t done = 0, count = 0;

    while (done < STEP_COUNT && steps[done].run(doctor))
        done++;
    for (size_t i = done + 1; i < STEP_COUNT; i++)
        left[count++] = steps[i].check;
    doctor_not_tried(doctor, left, count);
}

int doctor_command(const struct command_line *line)
{
    struct doctor doctor = {.line = line, .report = {.is_json = line->is_json}};

    if (line->word_count > 0) {
        fprintf(stderr,
                "usage: sesame doctor [--json] [--config FILE] [--idaas-config FILE] "
                "[--listen HOST:PORT]\n");
        return EXIT_WRONG_USE;
    }
    buffer_init(&doctor.body, 1024 * 1024);
    buffer_init(&doctor.report.json, JSON_MAX_BYTES);
    doctor.session.status = EXIT_FAILED;
    run_steps(&doctor);
    if (!doctor.report.has_failed)
        doctor.session.status = EXIT_DONE;
    doctor_report_end(&doctor);
    jwks_free(doctor.jwks);
    buffer_clear(&doctor.body);
    session_close(&doctor.session);
    return doctor.session.status;
}
