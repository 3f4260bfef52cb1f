/* Host service: runs of the one program that was granted, each within a call. */
#include "plugin/instance.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "plugin/plugin_call.h"
#include "plugin/program_run.h"

#include <sesame/program.h>
#include <stdlib.h>

#define RUN_MAX_COUNT 16
#define OUTPUT_DEFAULT_BYTES ((uint64_t)1024 * 1024)
#define OUTPUT_MAX_BYTES ((uint64_t)4 * 1024 * 1024)

struct service_run {
    struct plugin_instance *instance;
    uint64_t handle, call;
    struct program_run *run;
    void (*on_end)(struct sesame_instance *plugin, uint64_t tag,
                   const struct sesame_program_end *end);
    uint64_t tag;
};

static void on_end(void *arg, const struct program_run_end *end)
{
    struct service_run *run = arg;
    struct service_run copy = *run;
    const struct sesame_program_end told = {status_of_error(&end->err), end->exit_status,
                                            text_from(end->output), text_from(end->errors),
                                            text_of(end->err.message)};

    free(handle_take(&run->instance->handles, HANDLE_RUN, run->handle));
    copy.on_end(copy.instance->plugin, copy.tag, &told);
}

static bool start_run(struct plugin_instance *instance, const struct sesame_program_run *asked,
                      struct service_run *run, struct error *err)
{
    const struct plugin_call *call = plugin_call_find(instance, asked->call);
    uint64_t most = asked->output_max_bytes == 0 ? OUTPUT_DEFAULT_BYTES : asked->output_max_bytes;
    struct program_run_options options = {
        .program = instance->program,
        .loop = instance->home.loop,
        .input = slice_from(asked->input),
        .output_max_bytes = (size_t)(most < OUTPUT_MAX_BYTES ? most : OUTPUT_MAX_BYTES),
        .on_end = on_end,
        .arg = run,
    };
    int64_t deadline_ms;

    if (instance->program == NULL)
        return error_set(err, ERROR_DENIED, "no program was granted");
    if (call == NULL)
        return error_set(err, ERROR_NOT_FOUND, "a program runs for a call, and this one is over");
    deadline_ms = asked->deadline_ms > 0 && asked->deadline_ms < call->deadline_ms
                      ? asked->deadline_ms
                      : call->deadline_ms;
    options.timeout_ms = deadline_ms - clock_monotonic_ms();
    if (options.timeout_ms <= 0)
        return error_set(err, ERROR_TIMED_OUT, "the deadline is over");
    run->run = program_run_start(&options, err);
    return run->run != NULL;
}

static size_t count_runs(const struct plugin_instance *instance)
{
    size_t count = 0;

    for (size_t i = 0; i < instance->handles.capacity; i++)
        count += instance->handles.slots[i].kind == HANDLE_RUN;
    return count;
}

static int32_t start(const struct sesame_host *host, const struct sesame_program_run *asked,
                     void (*told)(struct sesame_instance *plugin, uint64_t tag,
                                  const struct sesame_program_end *end),
                     uint64_t tag, uint64_t *out_run)
{
    struct plugin_instance *instance = instance_enter(host);
    struct service_run *run;
    struct error err = {0};

    if (instance == NULL)
        return SESAME_INTERNAL;
    run = count_runs(instance) < RUN_MAX_COUNT ? calloc(1, sizeof *run) : NULL;
    if (run != NULL)
        run->handle = handle_add(&instance->handles, HANDLE_RUN, run);
    if (run == NULL || run->handle == 0) {
        free(run);
        error_set(&err, ERROR_LIMIT, "too many runs at once: %d are open at most", RUN_MAX_COUNT);
        instance_explain(instance, &err);
        return SESAME_LIMIT;
    }
    run->instance = instance;
    run->call = asked->call;
    run->on_end = told;
    run->tag = tag;
    if (start_run(instance, asked, run, &err)) {
        *out_run = run->handle;
        return SESAME_OK;
    }
    free(handle_take(&instance->handles, HANDLE_RUN, run->handle));
    instance_explain(instance, &err);
    return status_of_error(&err);
}

static void cancel(const struct sesame_host *host, uint64_t handle)
{
    struct plugin_instance *instance = instance_enter(host);
    struct service_run *run =
        instance == NULL ? NULL : handle_get(&instance->handles, HANDLE_RUN, handle);

    if (run != NULL)
        program_run_cancel(run->run);
}

const struct sesame_program_v1 service_program = {start, cancel};

void service_program_end_call(struct plugin_instance *instance, uint64_t call)
{
    for (size_t i = 0; i < instance->handles.capacity; i++) {
        const struct handle_slot *slot = &instance->handles.slots[i];
        const struct service_run *run = slot->object;

        if (slot->kind == HANDLE_RUN && run->call == call)
            program_run_cancel(run->run);
    }
}

static void abandon(void *object)
{
    struct service_run *run = object;

    program_run_free(run->run);
    free(run);
}

void service_program_close(struct plugin_instance *instance)
{
    handle_take_all(&instance->handles, HANDLE_RUN, abandon);
}
