/* A plugin library that the host never maps: a process of its own reads out its descriptor. */
#include "plugin/process_library.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "plugin/descriptor.h"
#include "plugin/process_proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DESCRIBE_TIMEOUT_MS 10000
#define DESCRIPTOR_MAX_BYTES ((size_t)512 * 1024)

/* ---- the descriptor, out of a frame ---------------------------------------------------------- */

static char **get_list(struct wire_reader *reader)
{
    uint32_t count = wire_get_u32(reader);
    char **list = calloc(PLUGIN_LIST_MAX_COUNT + 1, sizeof *list);

    if (count > PLUGIN_LIST_MAX_COUNT)
        reader->is_bad = true;
    for (uint32_t i = 0; list != NULL && i < count && !reader->is_bad; i++) {
        list[i] = slice_dup(wire_get_text(reader));
        reader->is_bad = reader->is_bad || list[i] == NULL;
    }
    return list;
}

static void free_list(char **list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        free(list[i]);
    free(list);
}

void process_library_free(struct process_library *apart)
{
    if (apart == NULL)
        return;
    for (size_t i = 0; i < 4; i++)
        free(apart->texts[i]);
    free_list(apart->needs);
    free_list(apart->offers);
    free(apart->payload);
    free(apart->program);
    free(apart);
}

static bool read_descriptor(struct process_library *apart, const struct wire_frame *frame)
{
    struct wire_reader reader = wire_read(frame);

    for (size_t i = 0; i < 4; i++)
        apart->texts[i] = slice_dup(wire_get_text(&reader));
    apart->needs = get_list(&reader);
    apart->offers = get_list(&reader);
    if (frame->payload.len > DESCRIPTOR_MAX_BYTES || !wire_is_whole(&reader) ||
        apart->needs == NULL || apart->offers == NULL)
        return false;
    apart->payload = malloc(frame->payload.len);
    if (apart->payload == NULL)
        return false;
    memcpy(apart->payload, frame->payload.data, frame->payload.len);
    apart->payload_len = frame->payload.len;
    apart->descriptor = process_proxy_functions;
    apart->descriptor.id = apart->texts[0];
    apart->descriptor.version = apart->texts[1];
    apart->descriptor.description = apart->texts[2];
    apart->descriptor.config_schema = apart->texts[3];
    apart->descriptor.needs = (const char *const *)apart->needs;
    apart->descriptor.offers = (const char *const *)apart->offers;
    return true;
}

bool process_library_is_same(const struct plugin_library *library, struct slice payload)
{
    const struct process_library *apart = library->apart;

    return payload.len == apart->payload_len &&
           memcmp(payload.data, apart->payload, payload.len) == 0;
}

void process_library_read_refusal(const struct wire_frame *frame, struct error *err)
{
    struct wire_reader reader = wire_read(frame);
    struct slice name = wire_get_text(&reader);
    struct slice reason = wire_get_text(&reader);
    char text[ERROR_NAME_SIZE];

    (void)snprintf(text, sizeof text, "%.*s", (int)(name.len < sizeof text ? name.len : 0),
                   name.data == NULL ? "" : name.data);
    error_set_named(err, ERROR_BAD_INPUT, text, "%.*s",
                    (int)utf8_prefix(reason.data, reason.len, 400),
                    reason.data == NULL ? "" : reason.data);
}

bool process_library_read_guards(const struct wire_frame *frame, uint32_t *out_guards)
{
    struct wire_reader reader = wire_read(frame);
    uint32_t guards = wire_get_u32(&reader);

    if (frame->type != WIRE_GUARDED || !wire_is_whole(&reader))
        return false;
    *out_guards = guards;
    return true;
}

/* ---- asking for it --------------------------------------------------------------------------- */

struct question {
    struct process_library *apart;
    struct error err;
    bool is_guarded, is_answered;
    char end[120];
};

static bool on_frame(void *arg, const struct wire_frame *frame)
{
    struct question *question = arg;

    if (question->is_answered)
        return true; /* it may go on about itself; nobody listens */
    if (!question->is_guarded) {
        question->is_guarded = process_library_read_guards(frame, &question->apart->guards);
        return question->is_guarded;
    }
    if (frame->type == WIRE_REFUSED) {
        process_library_read_refusal(frame, &question->err);
        return true;
    }
    if (frame->type != WIRE_DESCRIPTOR)
        return false;
    question->is_answered = read_descriptor(question->apart, frame);
    return question->is_answered;
}

static void on_gone(void *arg, const char *reason)
{
    struct question *question = arg;

    (void)snprintf(question->end, sizeof question->end, "%s", reason);
}

struct process_child *process_library_start(const struct plugin_library *library, struct loop *loop,
                                            const struct process_child_events *events, void *arg,
                                            struct error *err)
{
    return process_child_start(library->apart->program, library->fd, loop, events, arg, err);
}

static bool ask(struct plugin_library *library, struct question *question, struct error *err)
{
    static const struct process_child_events events = {on_frame, on_gone, NULL};
    int64_t until_ms = clock_monotonic_ms() + DESCRIBE_TIMEOUT_MS;
    struct process_child *child = process_library_start(library, NULL, &events, question, err);
    int64_t left_ms = DESCRIBE_TIMEOUT_MS;

    if (child == NULL)
        return false;
    while (!question->is_answered && question->err.code == ERROR_NONE && left_ms > 0 &&
           process_child_pump(child, (int)left_ms))
        left_ms = until_ms - clock_monotonic_ms();
    process_child_free(child);
    if (question->is_answered)
        return true;
    *err = question->err;
    if (err->code == ERROR_NONE)
        error_set_named(err, ERROR_BAD_INPUT, "PluginNotLoadable",
                        "its process did not describe it: %s",
                        question->end[0] == '\0' ? "no answer in time" : question->end);
    return false;
}

static const struct process_limits default_limits = {
    .start_ms = 10000,
    .look_ms = 2000,
    .busy_look_ms = 250,
    .silence_ms = 10000,
    .idle_cpu_ms = 10000,
    .idle_cpu_share = 4,
    .threads = 64,
    .crashes = 8,
    .restart_min_ms = 100,
    .restart_max_ms = 10000,
};

bool process_library_describe(struct plugin_library *library, const char *program, const char *path,
                              struct error *err)
{
    struct question question = {.apart = calloc(1, sizeof *question.apart)};

    library->apart = question.apart;
    if (library->apart == NULL || (library->apart->program = strdup(program)) == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory for a plugin");
    library->apart->limits = default_limits;
    if (!ask(library, &question, err))
        return error_prefix(err, "%s", path);
    library->descriptor = &library->apart->descriptor;
    return true;
}

void plugin_library_missing_guards(const struct plugin_library *library, char *out, size_t size)
{
    wire_missing_guards(library->apart == NULL ? GUARD_ALL : library->apart->guards, out, size);
}
