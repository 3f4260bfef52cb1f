/* Whatever a plugin's process writes, the host stays whole and answers each call once. The process
 * is played here: its bytes are the input. */
#include "fuzz.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "config/host_config.h"
#include "net/http_client.h"
#include "net/loop.h"
#include "plugin/process_library.h"
#include "plugin/process_proxy.h"
#include "plugin/tool_engine.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

/* ---- the process, in place of plugin/process_child.c ------------------------------------------
 */

struct process_child {
    struct process_child_events events;
    void *arg;
    struct buffer outbox;
    const char *doom;
    bool is_gone;
};

static struct slice input;
static struct buffer inbox;
static struct process_child *newest;

static void fuzz_end(struct process_child *child, const char *reason)
{
    if (child->is_gone)
        return;
    child->is_gone = true;
    child->events.on_gone(child->arg, child->doom != NULL ? child->doom : reason);
}

/* Gives the next bytes to the host, as reading from the socket would. */
static void feed(struct process_child *child, size_t len)
{
    struct error ignored = {0};
    struct wire_frame frame;
    struct slice bytes;
    enum wire_state state;
    bool ok;

    len = len < input.len ? len : input.len;
    ok = buffer_add(&inbox, input.data, len, &ignored);
    input = (struct slice){input.data + len, input.len - len};
    bytes = (struct slice){inbox.data, inbox.len};
    while (ok && !child->is_gone && child->doom == NULL &&
           (state = wire_next(&bytes, &frame)) != WIRE_NEEDS_MORE)
        ok = state == WIRE_FRAME && child->events.on_frame(child->arg, &frame);
    buffer_consume(&inbox, inbox.len - bytes.len);
    if (!ok || child->doom != NULL)
        fuzz_end(child, "broken");
}

static void put_start(void)
{
    static const char descriptor[20] = {0}; /* six empty texts or lists are not read: see below */
    struct error err = {0};
    struct wire_writer writer;

    wire_open(&writer, &inbox, WIRE_GUARDED, 0);
    wire_put_u32(&writer, GUARD_ALL);
    (void)wire_close(&writer, &err);
    wire_open(&writer, &inbox, WIRE_DESCRIPTOR, 0);
    wire_put_text(&writer, (struct slice){descriptor, sizeof descriptor});
    (void)wire_close(&writer, &err);
    wire_open(&writer, &inbox, WIRE_CREATED, 0);
    wire_put_i32(&writer, 0);
    wire_put_text(&writer, slice_of(""));
    (void)wire_close(&writer, &err);
}

struct process_child *process_child_start(const char *program, int library_fd, struct loop *loop,
                                          const struct process_child_events *events, void *arg,
                                          struct error *err)
{
    struct process_child *child = calloc(1, sizeof *child);

    (void)program;
    (void)library_fd;
    (void)loop;
    (void)err;
    child->events = *events;
    child->arg = arg;
    buffer_init(&child->outbox, 1 << 20);
    buffer_truncate(&inbox, 0);
    /* Most inputs are about a process that runs. */
    if (input.len > 0 && input.data[0] != 'S')
        put_start();
    newest = child;
    return child;
}

bool process_child_attach(struct process_child *child, struct loop *loop, struct error *err)
{
    (void)child;
    (void)loop;
    (void)err;
    return true;
}
struct buffer *process_child_outbox(struct process_child *child)
{
    return &child->outbox;
}
void process_child_flush(struct process_child *child)
{
    buffer_truncate(&child->outbox, 0);
}
bool process_child_is_slow(const struct process_child *child)
{
    return child->outbox.len > 1000;
}
bool process_child_pump(struct process_child *child, int wait_ms)
{
    (void)wait_ms;
    if (inbox.len == 0 && input.len == 0)
        fuzz_end(child, "silent");
    else
        feed(child, 16);
    if (input.len == 0 && !child->is_gone)
        fuzz_end(child, "over");
    return !child->is_gone;
}
int64_t process_child_cpu_ms(const struct process_child *child)
{
    (void)child;
    return 0;
}
size_t process_child_threads(const struct process_child *child)
{
    (void)child;
    return 1;
}
size_t process_threads(pid_t pid)
{
    (void)pid;
    return 1;
}

int64_t process_memory(pid_t pid)
{
    (void)pid;
    return 0;
}

int64_t process_child_memory(const struct process_child *child)
{
    (void)child;
    return 0;
}
pid_t process_child_pid(const struct process_child *child)
{
    (void)child;
    return 1;
}
void process_child_kill(struct process_child *child, const char *reason)
{
    fuzz_end(child, reason);
}
void process_child_doom(struct process_child *child, const char *reason)
{
    child->doom = reason;
}
void process_child_free(struct process_child *child)
{
    if (child == NULL)
        return;
    if (newest == child)
        newest = NULL;
    buffer_clear(&child->outbox);
    free(child);
}

/* ---- the host -------------------------------------------------------------------------------- */

static int ends;

static void on_progress(void *arg, const char *text, size_t len)
{
    (void)arg;
    if (len > 0 && text[0] == text[len - 1])
        ends += 0;
}

static void on_done(void *arg, int32_t status, const char *data, size_t len)
{
    (void)arg;
    (void)status;
    (void)data;
    (void)len;
    ends++;
}

static struct tool_engine *open_engine(struct plugin_library *library, struct loop *loop,
                                       struct http_client *http)
{
    static char name[] = "t", plugin[] = "p";
    static struct tool_config tool = {.name = name, .plugin = plugin};
    CLEANUP(json_cleanup) struct json_object *config = json_object_new_object();
    struct instance_options options = {.library = library,
                                       .home = {.loop = loop, .http = http},
                                       .tool = &tool,
                                       .name = "t",
                                       .config = config};
    struct error err = {0};

    return tool_engine_new(&options, 1 << 16, NULL, NULL, &err);
}

static int start_calls(struct tool_engine *engine)
{
    static const struct engine_events events = {on_progress, on_done, NULL};
    struct tool_run_request request = {
        .function = "act", .arguments = "{}", .arguments_len = 2, .context = "{}"};
    int64_t deadline_ms = clock_monotonic_ms() + 100000;
    struct error err = {0};
    int count = 0;

    for (int i = 0; i < 3; i++)
        count += tool_engine_start(engine, i == 0 ? NULL : &request, NULL, deadline_ms, &events,
                                   NULL, &err) != NULL;
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct loop *loop;
    static struct http_client *http;
    static char id[] = "p", program[] = "sandbox", payload[24] = {20};
    static struct plugin_manifest manifest = {.id = id};
    static struct process_library apart = {
        .program = program,
        .payload = payload,
        .payload_len = 24,
        .guards = GUARD_ALL,
        .limits = {10000, 100000, 100000, 100000, 100000, 4, 64, 1, 100000, 100000}};
    static const char *const none[] = {NULL};
    struct plugin_library library = {.manifest = &manifest, .apart = &apart, .fd = -1};
    struct tool_engine *engine;
    struct error err = {0};
    int calls = 0;

    if (loop == NULL) {
        loop = loop_new(&err);
        http = http_client_new(loop, NULL, &err);
        buffer_init(&inbox, 1 << 20);
    }
    apart.descriptor = process_proxy_functions;
    apart.descriptor.needs = apart.descriptor.offers = none;
    library.descriptor = &apart.descriptor;
    input = (struct slice){(const char *)bytes, len};
    ends = 0;
    engine = open_engine(&library, loop, http);
    if (engine != NULL) {
        calls = start_calls(engine);
        while (input.len > 0 && newest != NULL && !newest->is_gone) {
            feed(newest, 64);
            loop_run_once(loop, 0);
        }
        if (newest != NULL)
            fuzz_end(newest, "over");
        loop_run_once(loop, 0);
        loop_run_once(loop, 0);
        if (ends != calls)
            abort();
        tool_engine_free(engine);
    }
    loop_run_once(loop, 0);
    return 0;
}
