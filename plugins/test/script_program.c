/* The granted program of a scripted host: a run comes to what the test says. */
#include "plugin/program_run.h"

#include "net/loop.h"
#include "plugin/granted_program.h"
#include "script.h"

#include <stdlib.h>
#include <string.h>

struct scripted_run {
    struct scripted_run *next;
    struct sesame_test_run script; /* all of it ours */
};

/* The grant itself is first: the host hands it on, we get it back. */
struct scripted_program {
    struct granted_program granted;
    struct scripted_run *runs; /* those to come */
    char **inputs;
    size_t input_count;
    void (*on_unanswered)(void *arg);
    void *arg;
};

struct program_run {
    struct program_run_options options;
    struct scripted_run *run; /* NULL: the test has none */
    struct loop_timer *timer, *late;
    bool is_cancelled;
};

struct scripted_program *script_program_new(void (*on_unanswered)(void *arg), void *arg)
{
    struct scripted_program *program = script_alloc(sizeof *program);

    program->on_unanswered = on_unanswered;
    program->arg = arg;
    return program;
}

struct granted_program *script_program_grant(struct scripted_program *program)
{
    return &program->granted;
}

static void free_run(struct scripted_run *run)
{
    if (run == NULL)
        return;
    script_free(run->script.output);
    script_free(run->script.errors);
    script_free(run->script.message);
    free(run);
}

void script_program_free(struct scripted_program *program)
{
    while (program->runs != NULL) {
        struct scripted_run *next = program->runs->next;

        free_run(program->runs);
        program->runs = next;
    }
    for (size_t i = 0; i < program->input_count; i++)
        free(program->inputs[i]);
    free(program->inputs);
    free(program);
}

void script_program_add(struct scripted_program *program, const struct sesame_test_run *run)
{
    struct scripted_run *copy = script_alloc(sizeof *copy), **link = &program->runs;

    copy->script = *run;
    copy->script.output = script_text(run->output == NULL ? "" : run->output);
    copy->script.errors = script_text(run->errors == NULL ? "" : run->errors);
    copy->script.message = script_text(run->message == NULL ? "the program failed" : run->message);
    while (*link != NULL)
        link = &(*link)->next;
    *link = copy;
}

size_t script_program_count(const struct scripted_program *program)
{
    return program->input_count;
}

const char *script_program_input(const struct scripted_program *program, size_t index)
{
    if (index >= program->input_count)
        script_refuse("there is no run %zu: %zu were started", index, program->input_count);
    return program->inputs[index];
}

/* ---- the grant, whose owner is the test host ------------------------------------------------- */

struct granted_program *granted_program_ref(struct granted_program *program)
{
    return program;
}

void granted_program_free(struct granted_program *program)
{
    (void)program;
}

/* ---- a run ----------------------------------------------------------------------------------- */

void program_run_free(struct program_run *run)
{
    loop_timer_free(run->timer);
    loop_timer_free(run->late);
    free_run(run->run);
    free(run);
}

static void end(struct program_run *run, const struct program_run_end *told)
{
    run->options.on_end(run->options.arg, told);
    program_run_free(run);
}

static void fail(struct program_run *run, enum error_code code, const char *message)
{
    struct program_run_end told = {0};

    error_set(&told.err, code, "%s", message);
    if (run->run != NULL)
        told.output = slice_of(run->run->script.output);
    end(run, &told);
}

static void on_late(void *arg)
{
    fail(arg, ERROR_TIMED_OUT, "the program took too long");
}

static void on_over(void *arg)
{
    struct program_run *run = arg;
    const struct sesame_test_run *script = run->run == NULL ? NULL : &run->run->script;
    struct program_run_end told = {0};

    if (run->is_cancelled) {
        fail(run, ERROR_CANCELLED, "cancelled");
    } else if (script == NULL) {
        fail(run, ERROR_UPSTREAM, "the test has nothing that this run comes to");
    } else if (script->failure != SESAME_OK) {
        fail(run, error_of_status(script->failure), script->message);
    } else if (strlen(script->output) > run->options.output_max_bytes) {
        fail(run, ERROR_LIMIT, "the program's output is longer than allowed");
    } else {
        told.exit_status = script->exit_status;
        told.output = slice_of(script->output);
        told.errors = slice_of(script->errors);
        end(run, &told);
    }
}

struct program_run *program_run_start(const struct program_run_options *options, struct error *err)
{
    struct program_run *run = script_alloc(sizeof *run);
    struct scripted_program *program;

    memcpy(&program, &options->program, sizeof program); /* the grant is its first member */
    run->options = *options;
    run->run = program->runs;
    if (run->run == NULL)
        program->on_unanswered(program->arg);
    else
        program->runs = run->run->next;
    *(char **)script_grow(&program->inputs, &program->input_count, sizeof *program->inputs) =
        script_bytes(options->input.data, options->input.len);
    run->timer = loop_timer_new(options->loop, on_over, run, err);
    run->late = loop_timer_new(options->loop, on_late, run, err);
    loop_timer_start(run->timer, run->run == NULL ? 0 : run->run->script.delay_ms);
    loop_timer_start(run->late, options->timeout_ms);
    return run;
}

void program_run_cancel(struct program_run *run)
{
    if (run->is_cancelled)
        return;
    run->is_cancelled = true;
    loop_timer_start(run->timer, 0);
}
