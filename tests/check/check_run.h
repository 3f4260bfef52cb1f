/* Runs `sesame plugin check` as an author does, several at once, and reads its report. */
#ifndef SESAME_TESTS_CHECK_CHECK_RUN_H
#define SESAME_TESTS_CHECK_CHECK_RUN_H

#include <check.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct check_run_request {
    char file[300];    /* the library */
    char example[300]; /* "": none */
    char only[60];     /* "": all */

    pid_t pid;
    int status; /* its exit status */
    struct json_object *report;
};

static inline const char *check_run_folder(const char *variable)
{
    const char *folder = getenv(variable);

    return folder == NULL ? "." : folder;
}

static inline void check_run_output(char *out, size_t size, const char *folder, size_t index)
{
    snprintf(out, size, "%s/report-%zu", folder, index);
}

/* `folder` takes the reports. */
static inline void check_run_start(struct check_run_request *run, const char *folder, size_t index)
{
    char program[400], output[400];
    const char *arguments[12];
    size_t count = 0;

    snprintf(program, sizeof program, "%s/sesame", check_run_folder("SESAME_TEST_BUILDDIR"));
    check_run_output(output, sizeof output, folder, index);
    arguments[count++] = program;
    arguments[count++] = "plugin";
    arguments[count++] = "check";
    arguments[count++] = "--json";
    arguments[count++] = "--seed=7";
    if (run->only[0] != '\0') {
        arguments[count++] = "--only";
        arguments[count++] = run->only;
    }
    if (run->example[0] != '\0') {
        arguments[count++] = "--example";
        arguments[count++] = run->example;
    }
    arguments[count++] = run->file;
    arguments[count] = NULL;
    run->pid = fork();
    ck_assert_int_ge(run->pid, 0);
    if (run->pid == 0) {
        char *argv[12];

        memcpy(argv, arguments, sizeof argv);
        if (freopen(output, "w", stdout) == NULL)
            _exit(99);
        execv(program, argv);
        _exit(98);
    }
}

static inline void check_run_finish(struct check_run_request *run, int status, const char *folder,
                                    size_t index)
{
    char output[400];

    ck_assert_msg(WIFEXITED(status), "%s: the checker itself ended by signal %d", run->file,
                  WTERMSIG(status));
    run->status = WEXITSTATUS(status);
    check_run_output(output, sizeof output, folder, index);
    run->report = json_object_from_file(output);
    ck_assert_msg(run->report != NULL, "%s: no report, exit status %d", run->file, run->status);
}

/* All of them, `width` at once. */
static inline void check_run_all(struct check_run_request *runs, size_t count, size_t width,
                                 const char *folder)
{
    size_t started = 0, finished = 0;

    while (finished < count) {
        size_t index = 0;
        int status;
        pid_t pid;

        for (; started < count && started - finished < width; started++)
            check_run_start(&runs[started], folder, started);
        pid = wait(&status);
        while (index < started && runs[index].pid != pid)
            index++;
        ck_assert_uint_lt(index, started);
        check_run_finish(&runs[index], status, folder, index);
        finished++;
    }
}

static inline const char *check_run_text(struct json_object *object, const char *name)
{
    struct json_object *member;

    ck_assert_msg(json_object_object_get_ex(object, name, &member), "no \"%s\"", name);
    return json_object_get_string(member);
}

/* How many results of `id` (NULL: of all) have this outcome; the message of the first in
 * `*out_message` (may be NULL). */
static inline size_t check_run_count(const struct check_run_request *run, const char *id,
                                     const char *outcome, const char **out_message)
{
    struct json_object *results;
    size_t count = 0;

    ck_assert(json_object_object_get_ex(run->report, "results", &results));
    for (size_t i = 0; i < json_object_array_length(results); i++) {
        struct json_object *result = json_object_array_get_idx(results, i);

        if ((id != NULL && strcmp(check_run_text(result, "id"), id) != 0) ||
            strcmp(check_run_text(result, "outcome"), outcome) != 0)
            continue;
        if (count++ == 0 && out_message != NULL)
            *out_message = check_run_text(result, "message");
    }
    return count;
}

/* Of all results together. */
static inline int check_run_attempts(const struct check_run_request *run)
{
    struct json_object *results, *attempts;
    int sum = 0;

    ck_assert(json_object_object_get_ex(run->report, "results", &results));
    for (size_t i = 0; i < json_object_array_length(results); i++) {
        ck_assert(json_object_object_get_ex(json_object_array_get_idx(results, i), "attempts",
                                            &attempts));
        sum += json_object_get_int(attempts);
    }
    return sum;
}

/* The failures, for the message of a test that wanted none. The caller frees. */
static inline char *check_run_failures(const struct check_run_request *run)
{
    struct json_object *results;
    char *text = calloc(1, 4000);
    size_t used = 0;

    ck_assert(json_object_object_get_ex(run->report, "results", &results));
    for (size_t i = 0; i < json_object_array_length(results) && used < 3000; i++) {
        struct json_object *result = json_object_array_get_idx(results, i);

        if (strcmp(check_run_text(result, "outcome"), "failed") == 0)
            used += (size_t)snprintf(
                text + used, 4000 - used, "%s %s: %.200s\n", check_run_text(result, "id"),
                check_run_text(result, "placement"), check_run_text(result, "message"));
    }
    return text;
}

#endif
