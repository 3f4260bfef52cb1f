/* What the checks found, for people and for programs; and the list of checks. */
#ifndef SESAME_CHECK_REPORT_H
#define SESAME_CHECK_REPORT_H

#include <stdio.h>

#include "check/runner.h"

/* Failures with what to do about them, what was skipped and why, and the sum. */
void check_report_text(FILE *out, const struct check_runs *runs, const struct check_target *target);
/* One JSON object. False without memory. */
bool check_report_json(FILE *out, const struct check_runs *runs, const struct check_target *target);

/* One line for each check; as JSON an array. */
void check_list_text(FILE *out);
bool check_list_json(FILE *out);
/* The reference, doc/plugin-check.md, behind its introduction. */
void check_list_markdown(FILE *out);

#endif
