/* sesame plugin check FILE.so: runs the conformance checks on a plugin. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "check/check.h"
#include "check/example.h"
#include "check/report.h"
#include "check/runner.h"
#include "cli/command.h"
#include "cli/locate.h"
#include "plugin/library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

DEFINE_CLEANUP(cleanup_manifest, struct plugin_manifest, plugin_manifest_free)

static bool read_seed(const char *text, uint64_t *out_seed)
{
    if (text == NULL) {
        *out_seed = random_below(1000000000);
        return true;
    }
    return parse_uint64(text, strlen(text), out_seed);
}

/* Runs what is asked for and prints what was found; EXIT_WRONG_USE for a check that is none. */
static int check(const struct check_target *target, const struct command_line *line)
{
    struct check_runs runs;
    struct error err = {0};
    int status = EXIT_WRONG_USE;

    if (!check_runs_plan(&runs, target, line->only, &err) ||
        !check_runs_execute(&runs, target, &err)) {
        fprintf(stderr, "sesame: %s\n", err.message);
    } else {
        if (line->is_json)
            (void)check_report_json(stdout, &runs, target);
        else
            check_report_text(stdout, &runs, target);
        status = runs.failed == 0 ? EXIT_DONE : EXIT_FAILED;
    }
    check_runs_clear(&runs);
    return status;
}

static int list(const struct command_line *line)
{
    if (!line->is_json) {
        check_list_text(stdout);
        return EXIT_DONE;
    }
    return check_list_json(stdout) ? EXIT_DONE : EXIT_FAILED;
}

/* Absolute, because a plugin may change the working folder; the caller frees. */
static char *directory_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    CLEANUP(cleanup_free)
    char *named = slash == NULL   ? strdup(".")
                  : slash == file ? strdup("/")
                                  : slice_dup((struct slice){file, (size_t)(slash - file)});

    return named == NULL ? NULL : realpath(named, NULL);
}

static int check_file(const struct command_line *line)
{
    const char *file = line->words[1], *slash = strrchr(file, '/');
    CLEANUP(cleanup_free) char *directory = directory_of(file);
    CLEANUP(cleanup_free) char *sandbox = locate_sandbox();
    CLEANUP(cleanup_manifest) struct plugin_manifest *manifest = NULL;
    CLEANUP(json_cleanup) struct json_object *example = NULL;
    struct check_target target = {.path = file,
                                  .directory = directory,
                                  .name = slash == NULL ? file : slash + 1,
                                  .sandbox = sandbox};
    struct error err = {0};

    if (!read_seed(line->seed, &target.seed)) {
        fprintf(stderr, "sesame: --seed is %s, expected a whole number from 0\n", line->seed);
        return EXIT_WRONG_USE;
    }
    if (directory == NULL || sandbox == NULL || access(file, F_OK) != 0) {
        fprintf(stderr, "sesame: there is no file %s\n", file);
        return EXIT_WRONG_USE;
    }
    if (line->example != NULL && (example = example_read(line->example, &err)) == NULL) {
        fprintf(stderr, "sesame: %s\n", err.message);
        return EXIT_WRONG_USE;
    }
    manifest = plugin_manifest_beside(file, &target.manifest_error);
    target.manifest = manifest;
    target.example = example;
    return check(&target, line);
}

int plugin_check_command(const struct command_line *line)
{
    if (line->is_list && line->word_count == 1)
        return list(line);
    if (line->word_count == 2)
        return check_file(line);
    fprintf(stderr,
            "usage: sesame plugin check [--only CHECK] [--seed N] [--example FILE.json] "
            "[--json] FILE.so | --list [--json]\n");
    return EXIT_WRONG_USE;
}
