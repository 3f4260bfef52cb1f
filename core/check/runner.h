/* Runs checks, each in a process of its own, several at once; what failed again, alone. */
#ifndef SESAME_CHECK_RUNNER_H
#define SESAME_CHECK_RUNNER_H

#include "check/check.h"

enum check_verdict { CHECK_RUNNING, CHECK_PASSED, CHECK_FAILED, CHECK_SKIPPED };

/* What came of one run. Lies in memory that the check's process shares with its parent. */
struct check_outcome {
    enum check_verdict verdict;
    char message[600]; /* "" when it passed */
    char step[120];
    int64_t duration_ms; /* of the last attempt */
    int attempts;
    char first_message[600]; /* of the attempt before the last, which failed */
    bool has_crashed;
};

/* One check in one placement. */
struct check_run {
    const struct check_case *what;
    enum placement placement; /* PLACEMENT_DEFAULT: CHECK_ONCE */
    struct check_outcome *outcome;
};

struct check_runs {
    struct check_run *items;
    size_t count;
    size_t passed, failed, skipped;
    int64_t duration_ms;
    struct check_outcome *shared;
};

/* Every check that fits the plugin's kind in every placement the plugin may have; with `only` (else
 * NULL) that check, or the group of that name. What does not fit is there as skipped, with the
 * reason. False: `err` says that there is no such check. */
bool check_runs_plan(struct check_runs *runs, const struct check_target *target, const char *only,
                     struct error *err);

/* Runs what is planned. The caller's process has no other thread. A check that does not end by its
 * time limit is killed, with all processes it started, and has failed. A few failures are tried
 * again, one after another, and have failed when they do so each time; crashes are not. */
bool check_runs_execute(struct check_runs *runs, const struct check_target *target,
                        struct error *err);

void check_runs_clear(struct check_runs *runs);

#endif
