/* Checks of loading the library: what happens to the process that does. */
#include "check/check.h"

#include "base/clock.h"
#include "base/text.h"
#include "check/loaded.h"
#include "check/process_state.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define TIME_MAX_US 50000
#define REPEAT_COUNT 20
#define MEMORY_MAX_KIB (32 * 1024L)

static void *load(struct check *check, const char *path)
{
    void *handle;

    check_step(check, "the library is loaded");
    handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        check_skip(check, "the library cannot be loaded (load.works says why)");
    return handle;
}

static char *path_of(const struct check *check)
{
    char *path;

    return asprintf(&path, "%s/%s", check->target->directory, check->target->name) < 0 ? NULL
                                                                                       : path;
}

static void works(struct check *check)
{
    check_step(check, "the library is loaded");
    if (dlopen(path_of(check), RTLD_NOW | RTLD_LOCAL) == NULL)
        check_fail(check, "%s", dlerror());
}

/* The best of three: a busy machine is not the plugin's fault. */
static void is_fast(struct check *check)
{
    int64_t best_us = INT64_MAX;

    for (int i = 0; i < 3; i++) {
        int64_t from_us = clock_monotonic_us(), took_us;
        void *handle = load(check, path_of(check));

        took_us = clock_monotonic_us() - from_us;
        best_us = took_us < best_us ? took_us : best_us;
        dlclose(handle);
    }
    if (best_us > TIME_MAX_US)
        check_fail(check, "it took %lld ms", (long long)best_us / 1000);
}

static void leaves_alone(struct check *check, unsigned part)
{
    struct process_state before, after;
    char text[300];

    process_state_take(&before);
    (void)load(check, path_of(check));
    process_state_take(&after);
    if (process_state_difference(&before, &after, part, text, sizeof text) != NULL)
        check_fail(check, "%s", text);
}

static void starts_no_thread(struct check *check)
{
    leaves_alone(check, STATE_THREADS);
}

static void opens_nothing(struct check *check)
{
    leaves_alone(check, STATE_DESCRIPTORS);
}

static void handles_no_signal(struct check *check)
{
    leaves_alone(check, STATE_SIGNALS);
}

static void blocks_no_signal(struct check *check)
{
    leaves_alone(check, STATE_MASK);
}

static void keeps_environment(struct check *check)
{
    leaves_alone(check, STATE_ENVIRONMENT);
}

static void keeps_locale(struct check *check)
{
    leaves_alone(check, STATE_LOCALE);
}

static void keeps_umask(struct check *check)
{
    leaves_alone(check, STATE_UMASK);
}

static void keeps_folder(struct check *check)
{
    leaves_alone(check, STATE_FOLDER);
}

static void keeps_limits(struct check *check)
{
    leaves_alone(check, STATE_LIMITS);
}

static void keeps_dumpable(struct check *check)
{
    leaves_alone(check, STATE_DUMPABLE);
}

static void keeps_rounding(struct check *check)
{
    leaves_alone(check, STATE_ROUNDING);
}

static void prints_nothing(struct check *check)
{
    (void)load(check, path_of(check));
    if (check_output_len(check) > 0)
        check_fail(check, "it wrote %zu bytes to standard output or error",
                   check_output_len(check));
}

static void works_repeatedly(struct check *check)
{
    struct process_state before, after;
    char text[300];

    dlclose(load(check, path_of(check)));
    process_state_take(&before);
    for (int i = 0; i < REPEAT_COUNT; i++) {
        void *handle = load(check, path_of(check));

        if (dlsym(handle, "sesame_plugin_v1") == NULL)
            check_skip(check, "it does not export sesame_plugin_v1 (elf.symbol says what it does)");
        check_step(check, "it is unloaded for the %dth time", i + 1);
        dlclose(handle);
    }
    process_state_take(&after);
    if (process_state_difference(&before, &after, ~0u, text, sizeof text) != NULL)
        check_fail(check, "after %d times: %s", REPEAT_COUNT, text);
}

static long resident_kib(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    char line[200] = "";
    struct slice rest;
    int64_t pages = 0;

    if (file != NULL && fgets(line, sizeof line, file) == NULL)
        line[0] = '\0';
    if (file != NULL)
        (void)fclose(file);
    rest = slice_of(line);
    (void)slice_cut(&rest, ' ');
    rest = slice_cut(&rest, ' ');
    (void)parse_int64(rest.data, rest.len, &pages);
    return (long)pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void takes_little_memory(struct check *check)
{
    long before = resident_kib(), grown;

    (void)load(check, path_of(check));
    grown = resident_kib() - before;
    if (grown > MEMORY_MAX_KIB)
        check_fail(check, "%ld KiB are resident after it", grown);
}

static void copy_file(struct check *check, const char *from, const char *to)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    struct stat found;

    if (in < 0 || out < 0 || fstat(in, &found) != 0)
        check_fail(check, "a copy of the library cannot be made: %s", strerror(errno));
    for (off_t at = 0; at < found.st_size;)
        if (sendfile(out, in, &at, (size_t)(found.st_size - at)) <= 0)
            check_fail(check, "a copy of the library cannot be made: %s", strerror(errno));
    close(in);
    close(out);
}

/* As for two plugins from one source, or an old version beside a new one. */
static void lives_beside_a_copy(struct check *check)
{
    char copy[100];
    void *first, *second;

    (void)snprintf(copy, sizeof copy, "%s/copy.so", check->folder);
    copy_file(check, path_of(check), copy);
    first = load(check, path_of(check));
    second = dlopen(copy, RTLD_NOW | RTLD_LOCAL);
    if (second == NULL)
        check_fail(check, "a copy under another name: %s", dlerror());
    if (dlsym(first, "sesame_plugin_v1") != NULL &&
        dlsym(first, "sesame_plugin_v1") == dlsym(second, "sesame_plugin_v1"))
        check_fail(check, "two copies share one descriptor: its symbol is unique in the process");
}

static void is_unloaded_cleanly(struct check *check)
{
    void *handle = load(check, path_of(check));
    struct process_state before, after;
    char text[300];

    process_state_take(&before);
    check_step(check, "the library is unloaded");
    dlclose(handle);
    process_state_take(&after);
    if (process_state_difference(&before, &after, ~0u, text, sizeof text) != NULL)
        check_fail(check, "%s", text);
}

#define OWN "Loading runs no code of a plugin's own; leave it to `create`, or to the host."

static const struct check_case cases[] = {
    {"load.works", "The library loads with `RTLD_NOW | RTLD_LOCAL`.",
     "The loader's message says what is missing: mostly a library to link with.", CHECK_ANY,
     CHECK_ONCE, works},
    {"load.fast", "It loads within 50 ms.",
     "The host's start waits for it, and each restart of a plugin's process.", CHECK_ANY,
     CHECK_ONCE, is_fast},
    {"load.no-thread", "Loading starts no thread.", OWN, CHECK_ANY, CHECK_ONCE, starts_no_thread},
    {"load.no-descriptor", "Loading leaves no file or socket open.", OWN, CHECK_ANY, CHECK_ONCE,
     opens_nothing},
    {"load.signals", "Loading installs no signal handler.",
     "Signals belong to the host: a handler of a plugin's takes its shutdown away.", CHECK_ANY,
     CHECK_ONCE, handles_no_signal},
    {"load.signal-mask", "Loading blocks no signal and unblocks none.", OWN, CHECK_ANY, CHECK_ONCE,
     blocks_no_signal},
    {"load.environment", "Loading leaves the environment alone.",
     "Other threads read it without a lock.", CHECK_ANY, CHECK_ONCE, keeps_environment},
    {"load.locale", "Loading leaves the locale alone.",
     "It changes how every thread reads and writes numbers.", CHECK_ANY, CHECK_ONCE, keeps_locale},
    {"load.umask", "Loading leaves the file mode mask alone.",
     "The host's files would be readable for others.", CHECK_ANY, CHECK_ONCE, keeps_umask},
    {"load.folder", "Loading leaves the working folder alone.",
     "Relative paths of the configuration would mean something else.", CHECK_ANY, CHECK_ONCE,
     keeps_folder},
    {"load.limits", "Loading leaves the resource limits alone.", OWN, CHECK_ANY, CHECK_ONCE,
     keeps_limits},
    {"load.dumpable", "Loading leaves alone whether the process can be dumped.",
     "The host forbids it, because its memory holds secrets.", CHECK_ANY, CHECK_ONCE,
     keeps_dumpable},
    {"load.rounding", "Loading leaves floating-point arithmetic alone.",
     "Objects that are linked with `-ffast-math` change it for the whole thread.", CHECK_ANY,
     CHECK_ONCE, keeps_rounding},
    {"load.quiet", "Loading prints nothing.", "Standard output and error belong to the host.",
     CHECK_ANY, CHECK_ONCE, prints_nothing},
    {"load.memory", "Loading makes at most 32 MiB resident.",
     "Every host that names the plugin pays for it. Large tables belong into files or `const` "
     "data.",
     CHECK_ANY, CHECK_ONCE, takes_little_memory},
    {"load.repeated", "It can be loaded and unloaded twenty times, and leaves nothing behind.",
     "What stays behind grows with each reload. The host itself never unloads; this finds what is "
     "left running.",
     CHECK_ANY, CHECK_ONCE, works_repeatedly},
    {"load.beside-copy", "A copy of it under another name can be loaded beside it.",
     "Operators keep an old version beside a new one. Symbols of the kind GNU_UNIQUE (C++ static "
     "data in templates) are one for the whole process: hide them.",
     CHECK_ANY, CHECK_ONCE, lives_beside_a_copy},
    {"load.unload", "Unloading it leaves no thread and no descriptor and changes nothing.",
     "What its destructors undo must be what its constructors did: nothing.", CHECK_ANY, CHECK_ONCE,
     is_unloaded_cleanly},
};

const struct check_group check_group_load = {"load", "Loading", cases,
                                             sizeof cases / sizeof cases[0]};
