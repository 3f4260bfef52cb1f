/* sesame-sandbox: runs one tool plugin for the host, with nothing but a socket to it; or becomes
 * the one program that the operator granted a tool ("program" is its argument then).
 *
 * The host starts it with an empty environment and the socket as standard input, and sends the
 * descriptor of library or program. Not for use by hand. */
#include "net/loop.h"
#include "plugin/descriptor.h"
#include "sandbox/child.h"
#include "sandbox/guard.h"
#include "sandbox/program.h"

#include "base/error.h"

#include <sesame/tool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define EXIT_USAGE 2

/* ---- the library ----------------------------------------------------------------------------- */

static void refuse(const struct error *why)
{
    struct wire_writer writer;

    channel_open(&child.channel, &writer, WIRE_REFUSED, 0);
    wire_put_text(&writer, slice_of(why->name));
    wire_put_text(&writer, slice_of(why->message));
    (void)channel_send(&child.channel, &writer);
}

static void put_list(struct wire_writer *writer, const char *const *list)
{
    uint32_t count = 0;

    while (count < PLUGIN_LIST_MAX_COUNT && list[count] != NULL)
        count++;
    wire_put_u32(writer, count);
    for (uint32_t i = 0; i < count; i++)
        wire_put_text(writer, slice_of(list[i]));
}

static void say_guards(uint32_t guards)
{
    struct wire_writer writer;

    channel_open(&child.channel, &writer, WIRE_GUARDED, 0);
    wire_put_u32(&writer, guards);
    (void)channel_send(&child.channel, &writer);
}

static void describe(const struct sesame_plugin *plugin)
{
    struct wire_writer writer;

    channel_open(&child.channel, &writer, WIRE_DESCRIPTOR, 0);
    wire_put_text(&writer, slice_of(plugin->id));
    wire_put_text(&writer, slice_of(plugin->version));
    wire_put_text(&writer, slice_of(plugin->description));
    wire_put_text(&writer, slice_of(plugin->config_schema));
    put_list(&writer, plugin->needs);
    put_list(&writer, plugin->offers);
    if (!channel_send(&child.channel, &writer))
        refuse(&(struct error){ERROR_LIMIT, "PluginBadDescriptor", "its descriptor is too large"});
    child_report_refusals();
}

/* ---- the process ----------------------------------------------------------------------------- */

static void on_readable(void *arg, unsigned events)
{
    struct wire_frame frame;

    (void)arg;
    (void)events;
    channel_read(&child.channel);
    while (channel_next(&child.channel, &frame))
        child_take_frame(&frame);
    child_report_refusals();
}

static bool is_socket(int fd)
{
    int domain = 0;
    socklen_t size = sizeof domain;

    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

/* Everything that needs a right is made before the rights go. */
static bool open_loop(struct error *err)
{
    struct loop_watch *watch;

    child.loop = loop_new(err);
    if (child.loop == NULL)
        return false;
    loop_run_once(child.loop, 0);
    watch = loop_watch_new(child.loop, STDIN_FILENO, on_readable, NULL, err);
    return watch != NULL && loop_watch_set(watch, LOOP_READ);
}

/* Its constructors run inside; nothing else of it does before the last restrictions are on. */
static const struct sesame_plugin *load_contained(int library_fd, uint32_t guards,
                                                  struct error *err)
{
    const struct sesame_plugin *plugin;

    say_guards(guards);
    plugin = plugin_descriptor_load(library_fd, err);
    close(library_fd);
    if (plugin == NULL)
        return NULL;
    if (!guard_after_load(guards)) {
        error_set_named(err, ERROR_DENIED, "PluginNotContained",
                        "it cannot be held back: a thread of its constructors does not take the "
                        "restrictions");
        return NULL;
    }
    if (!plugin_descriptor_check(plugin, err))
        return NULL;
    if (plugin_descriptor_check_interface(plugin, SESAME_TOOL_V1, err))
        return plugin;
    error_prefix(err, "only tools live in a process of their own");
    return NULL;
}

int main(int argc, char **argv)
{
    struct error err = {0};
    const struct sesame_plugin *plugin;
    uint32_t guards;
    int library_fd;

    if (!is_socket(STDIN_FILENO)) {
        (void)fprintf(stderr,
                      "sesame-sandbox: sesame starts this program for plugins placed in a "
                      "process; it does nothing by hand\n");
        return EXIT_USAGE;
    }
    if (argc == 2 && strcmp(argv[1], "program") == 0)
        return program_become(STDIN_FILENO);
    guards = guard_process(STDIN_FILENO, GUARD_MEMORY_BYTES);
    channel_init(&child.channel, STDIN_FILENO);
    library_fd = channel_take_hello(&child.channel);
    if (library_fd < 0 || !open_loop(&err))
        return EXIT_USAGE;
    guards = guard_before_load(guards, library_fd);
    plugin = load_contained(library_fd, guards, &err);
    if (plugin == NULL)
        refuse(&err);
    /* _exit: what the library left to be run at the end is not run. */
    if (plugin == NULL || !child_open(plugin))
        _exit(1);
    describe(plugin);
    loop_run(child.loop);
    _exit(0);
}
