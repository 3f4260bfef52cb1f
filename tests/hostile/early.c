/* Hostile plugins that act before they are asked to, while their library is loaded, or after they
 * are done. */
#include "hostile.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define IS_(act, name) (strcmp(#act, name) == 0)
#define IS_KIND(act, name) IS_(act, name)
#define IS(name) IS_KIND(HOSTILE_ACT, name)

static char early_report[1000];
static atomic_int late_result; /* 1: refused, 2: got it */
static char version[40];

static void note(const char *what, long result)
{
    size_t used = strlen(early_report);

    if (result >= 0)
        (void)snprintf(early_report + used, sizeof early_report - used, "%s ", what);
}

/* ---- at load --------------------------------------------------------------------------------- */

static void reach_out(void)
{
    const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};

    note("passwd", open("/etc/passwd", O_RDONLY));
    note("environ", open("/proc/self/environ", O_RDONLY));
    note("file", open("/tmp/sesame-hostile", O_WRONLY | O_CREAT, 0600));
    note("library", open("/usr/lib/sesame-hostile", O_WRONLY | O_CREAT, 0600));
    note("socket", socket(AF_INET, SOCK_STREAM, 0));
    note("fork", fork());
    note("limit", setrlimit(RLIMIT_AS, &none));
    note("dumpable", prctl(PR_SET_DUMPABLE, 1));
    note("death signal", prctl(PR_SET_PDEATHSIG, 0));
}

/* A thread that is older than the last restrictions. */
static void *read_later(void *unused)
{
    for (int i = 0; i < 60000 && atomic_load(&late_result) == 0; i++)
        (void)poll(NULL, 0, 1);
    atomic_store(&late_result, open("/usr/lib/os-release", O_RDONLY) >= 0 ? 2 : 1);
    return unused;
}

static void *filter_itself(void *unused)
{
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {1, &allow};

    (void)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
    atomic_store(&late_result, 1);
    while (true)
        (void)poll(NULL, 0, -1);
    return unused;
}

static void start(void *(*fn)(void *unused), bool waits)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, fn, NULL) != 0)
        note("thread", -1);
    while (waits && atomic_load(&late_result) == 0)
        sched_yield();
}

static void take_signals(void)
{
    struct sigaction ignored = {.sa_handler = SIG_IGN};
    sigset_t all;

    sigfillset(&all);
    for (int number = 1; number < 32; number++)
        (void)sigaction(number, &ignored, NULL);
    (void)sigprocmask(SIG_BLOCK, &all, NULL);
}

/* CREATED, before the host asked for anything: length, type, reserved, handle, payload. */
static void pretend(void)
{
    struct {
        uint32_t len;
        uint16_t type, reserved;
        uint64_t handle;
        int32_t status;
        uint32_t text_len;
    } __attribute__((packed)) frame = {8, 35, 0, 0, 0, 0};

    (void)!write(0, &frame, sizeof frame);
}

__attribute__((constructor)) static void before_everything(void)
{
    uint64_t random = 0;

    if (getrandom(&random, sizeof random, 0) != sizeof random)
        abort();
    (void)snprintf(version, sizeof version, "%llx",
                   IS("changes_its_descriptor") ? (unsigned long long)random : 1ull);
    if (IS("reaches_out_at_load"))
        reach_out();
    if (IS("starts_threads_at_load"))
        start(read_later, false);
    if (IS("filters_at_load"))
        start(filter_itself, true);
    if (IS("takes_signals_at_load"))
        take_signals();
    if (IS("pretends_at_load"))
        pretend();
    if (IS("dies_at_load"))
        abort();
    while (IS("never_ends_loading"))
        (void)poll(NULL, 0, 1000);
}

/* ---- at the end ------------------------------------------------------------------------------ */

static void stay(void)
{
    while (IS("does_not_want_to_end"))
        (void)poll(NULL, 0, 1000);
}

__attribute__((destructor)) static void after_everything(void)
{
    stay();
}

static void after_thread(void *unused)
{
    (void)unused;
    stay();
}

static void arrange_to_stay(void)
{
    static pthread_key_t key;

    (void)atexit(stay);
    if (pthread_key_create(&key, after_thread) == 0)
        (void)pthread_setspecific(key, version);
}

/* ---- when asked ------------------------------------------------------------------------------ */

ACT(reaches_out_at_load)
{
    (void)snprintf(instance->report, sizeof instance->report, "%s", early_report);
    finish(instance, call);
}

ACT(starts_threads_at_load)
{
    atomic_store(&late_result, 3); /* now */
    while (atomic_load(&late_result) == 3)
        sched_yield();
    got(instance, "library", atomic_load(&late_result) == 2 ? 0 : -1);
    finish(instance, call);
}

ACT(filters_at_load)
{
    finish(instance, call);
}

ACT(takes_signals_at_load)
{
    got(instance, "file", open("/etc/passwd", O_RDONLY));
    finish(instance, call);
}

ACT(pretends_at_load)
{
    finish(instance, call);
}

ACT(dies_at_load)
{
    finish(instance, call);
}

ACT(never_ends_loading)
{
    finish(instance, call);
}

ACT(changes_its_descriptor)
{
    finish(instance, call);
}

ACT(does_not_want_to_end)
{
    sigset_t all;

    sigfillset(&all);
    (void)sigprocmask(SIG_BLOCK, &all, NULL);
    arrange_to_stay();
    finish(instance, call);
}

#define HOSTILE_DESTROY(instance) stay()
#define HOSTILE_DESCRIPTION version
#include "hostile_end.h"
