/* sesame doctor: what the steps found, as lines for people or as JSON for machines. */
#include "base/json.h"
#include "cli/command.h"
#include "cli/doctor.h"

#include <stdio.h>
#include <string.h>

/* ---- JSON ------------------------------------------------------------------------------------ */

static bool add_member(struct doctor_report *report, const char *name, const char *text)
{
    return text[0] == '\0' || (buffer_printf(&report->json, &report->err, ",\"%s\":", name) &&
                               json_add_string(&report->json, text, strlen(text), &report->err));
}

static void add_json(struct doctor_report *report, const char *check, const char *result,
                     const char *detail, const struct ready_cause *cause)
{
    static const struct ready_cause nothing;

    if (cause == NULL)
        cause = &nothing;
    (void)(report->err.code == ERROR_NONE &&
           buffer_add_text(&report->json, report->json.len == 0 ? "" : ",", &report->err) &&
           buffer_add_text(&report->json, "{\"check\":", &report->err) &&
           json_add_string(&report->json, check, strlen(check), &report->err) &&
           add_member(report, "result", result) && add_member(report, "detail", detail) &&
           add_member(report, "name", cause->name) && add_member(report, "cause", cause->what) &&
           add_member(report, "setting", cause->setting) && add_member(report, "fix", cause->fix) &&
           buffer_add_char(&report->json, '}', &report->err));
}

/* ---- lines ----------------------------------------------------------------------------------- */

static void print_cause(const char *mark, const char *check, const struct ready_cause *cause)
{
    printf("%s  %s: %s\n", mark, check, cause->what);
    if (cause->setting[0] != '\0')
        printf("      look at: %s\n", cause->setting);
    if (cause->fix[0] != '\0')
        printf("      fix: %s\n", cause->fix);
}

void doctor_pass(struct doctor *doctor, const char *check, const char *detail)
{
    if (doctor->report.is_json)
        add_json(&doctor->report, check, "pass", detail, NULL);
    else
        printf("pass  %s%s%s\n", check, detail[0] == '\0' ? "" : ": ", detail);
}

void doctor_warn(struct doctor *doctor, const char *check, const struct ready_cause *cause)
{
    if (doctor->report.is_json)
        add_json(&doctor->report, check, "warn", "", cause);
    else
        print_cause("warn", check, cause);
}

bool doctor_fail(struct doctor *doctor, const char *check, const struct ready_cause *cause)
{
    doctor->report.has_failed = true;
    if (doctor->report.is_json)
        add_json(&doctor->report, check, "fail", "", cause);
    else
        print_cause("FAIL", check, cause);
    return false;
}

void doctor_not_tried(struct doctor *doctor, const char *const *checks, size_t count)
{
    if (doctor->report.is_json) {
        for (size_t i = 0; i < count; i++)
            add_json(&doctor->report, checks[i], "not tried", "", NULL);
        return;
    }
    for (size_t i = 0; i < count; i++)
        printf("%s%s", i == 0 ? "      not tried: " : ", ", checks[i]);
    if (count > 0)
        printf("\n");
}

void doctor_report_end(struct doctor *doctor)
{
    struct doctor_report *report = &doctor->report;

    if (report->is_json && report->err.code == ERROR_NONE)
        printf("{\"ok\":%s,\"checks\":[%s]}\n", report->has_failed ? "false" : "true",
               report->json.data == NULL ? "" : report->json.data);
    else if (report->is_json)
        fprintf(stderr, "sesame: %s\n", report->err.message);
    fflush(stdout);
    buffer_clear(&report->json);
}
