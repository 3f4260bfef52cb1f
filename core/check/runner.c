/* Runs checks, each in a process of its own, several at once; what failed again, alone. */
#include "check/runner.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "plugin/catalogue.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sesame/credential_provider.h>
#include <sesame/tool.h>

#define TIME_LIMIT_MS 15000
#define SLOT_MAX_COUNT 32
#define LONG_MS 3000
#define REPEAT_MAX_COUNT 2   /* of one check */
#define REPEAT_MAX_FAILED 12 /* more of them fail for the plugin's sake, not the machine's */

/* ---- what runs ------------------------------------------------------------------------------- */

/* Why a check has nothing to do with this plugin; NULL when it has. */
static const char *reason_to_skip(const struct check_target *target, const struct check_case *what,
                                  enum placement placement)
{
    const char *wanted = what->kind == CHECK_TOOL ? SESAME_TOOL_V1 : SESAME_CREDENTIAL_PROVIDER_V1;
    bool is_served = what->kind == CHECK_ANY;

    if (target->manifest == NULL)
        return what->kind == CHECK_ANY && what->placements == CHECK_ONCE
                   ? NULL
                   : "there is no usable manifest (manifest.valid says why)";
    for (char **offered = target->manifest->interfaces; !is_served && *offered != NULL; offered++)
        is_served = strcmp(*offered, wanted) == 0;
    if (!is_served)
        return what->kind == CHECK_TOOL ? "the plugin is no tool"
                                        : "the plugin is no credential provider";
    if (placement != PLACEMENT_DEFAULT && !check_placement_is_possible(target->manifest, placement))
        return target->manifest->placement == PLACEMENT_INLINE ||
                       target->manifest->placement == PLACEMENT_DEFAULT
                   ? "a credential provider cannot be placed there"
                   : "the plugin's manifest asks for another placement";
    return NULL;
}

static bool is_wanted(const struct check_group *group, const struct check_case *what,
                      const char *only)
{
    return only == NULL || strcmp(what->id, only) == 0 || strcmp(group->name, only) == 0;
}

static size_t plan(struct check_run *out, const struct check_case *what)
{
    size_t count = 0;

    if (what->placements == CHECK_ONCE)
        out[count++] = (struct check_run){what, PLACEMENT_DEFAULT, NULL};
    for (enum placement p = PLACEMENT_INLINE; p <= PLACEMENT_PROCESS; p++)
        if ((what->placements & (1u << p)) != 0)
            out[count++] = (struct check_run){what, p, NULL};
    return count;
}

bool check_runs_plan(struct check_runs *runs, const struct check_target *target, const char *only,
                     struct error *err)
{
    size_t most = 0;

    memset(runs, 0, sizeof *runs);
    for (size_t g = 0; g < check_group_count; g++)
        most += 3 * check_groups[g]->count;
    runs->items = calloc(most, sizeof *runs->items);
    runs->shared = mmap(NULL, most * sizeof *runs->shared, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (runs->items == NULL || runs->shared == MAP_FAILED)
        return error_set(err, ERROR_NO_MEMORY, "no memory for the checks");
    for (size_t g = 0; g < check_group_count; g++)
        for (size_t i = 0; i < check_groups[g]->count; i++)
            if (is_wanted(check_groups[g], &check_groups[g]->cases[i], only))
                runs->count += plan(runs->items + runs->count, &check_groups[g]->cases[i]);
    if (runs->count == 0)
        return error_set(err, ERROR_NOT_FOUND,
                         "there is no check and no group \"%.60s\"; see sesame plugin check --list",
                         only == NULL ? "" : only);
    for (size_t i = 0; i < runs->count; i++) {
        struct check_run *run = &runs->items[i];
        const char *reason = reason_to_skip(target, run->what, run->placement);

        run->outcome = &runs->shared[i];
        if (reason != NULL) {
            run->outcome->verdict = CHECK_SKIPPED;
            (void)snprintf(run->outcome->message, sizeof run->outcome->message, "%s", reason);
        }
    }
    return true;
}

/* ---- in the check's process ------------------------------------------------------------------ */

/* The same sequence for the same check, whichever others run. */
static uint64_t seed_of(const struct check_target *target, const struct check_run *run)
{
    uint64_t hash = target->seed ^ ((uint64_t)run->placement << 32);

    for (const char *at = run->what->id; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3u;
    return hash;
}

/* What the caller has set would change what is found; the loader's and the sanitizers' own stay. */
static bool clean_environment(const char *folder)
{
    static const char *const kept[] = {"PATH", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS",
                                       "LSAN_OPTIONS"};
    const char *values[sizeof kept / sizeof kept[0]];
    bool ok = true;

    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        values[i] = getenv(kept[i]);
    if (clearenv() != 0)
        return false;
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        ok = ok && (values[i] == NULL || setenv(kept[i], values[i], 1) == 0);
    return ok && setenv("HOME", folder, 1) == 0;
}

static void be_check(const struct check_target *target, const struct check_run *run,
                     const char *folder, const sigset_t *mask)
{
    const struct rlimit no_core = {0, 0};
    struct check check = {.target = target,
                          .what = run->what,
                          .placement = run->placement,
                          .random = seed_of(target, run),
                          .outcome = run->outcome};
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)setpgid(0, 0);
    (void)signal(SIGPIPE, SIG_IGN); /* as in the host */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)snprintf(check.folder, sizeof check.folder, "%.40s/%d", folder, (int)getpid());
    check.output_fd = memfd_create("output", MFD_CLOEXEC);
    if (mkdir(check.folder, 0700) != 0 || !clean_environment(check.folder) || nothing < 0 ||
        check.output_fd < 0 || dup2(nothing, STDIN_FILENO) < 0 ||
        dup2(check.output_fd, STDOUT_FILENO) < 0 || dup2(check.output_fd, STDERR_FILENO) < 0)
        check_fail(&check, "the process for the check could not be set up: %s", strerror(errno));
    close(nothing);
    (void)sigprocmask(SIG_SETMASK, mask, NULL);
    run->what->run(&check);
    run->outcome->verdict = CHECK_PASSED;
    _exit(0);
}

/* ---- in the parent --------------------------------------------------------------------------- */

struct slot {
    pid_t pid; /* 0: free */
    struct check_run *run;
    int64_t started_at_ms;
    bool is_killed;
};

static void judge(struct slot *slot, int status, int64_t now_ms)
{
    struct check_outcome *outcome = slot->run->outcome;
    const char *step = outcome->step[0] == '\0' ? "it began" : outcome->step;

    outcome->duration_ms = now_ms - slot->started_at_ms;
    outcome->attempts++;
    outcome->has_crashed = !slot->is_killed && outcome->verdict == CHECK_RUNNING;
    outcome->message[sizeof outcome->message - 1] = '\0';
    outcome->step[sizeof outcome->step - 1] = '\0';
    if (slot->is_killed)
        (void)snprintf(outcome->message, sizeof outcome->message,
                       "did not end within %d s; last step: %s", TIME_LIMIT_MS / 1000, step);
    else if (WIFSIGNALED(status))
        (void)snprintf(outcome->message, sizeof outcome->message,
                       "crashed with SIG%s (%s); last step: %s", sigabbrev_np(WTERMSIG(status)),
                       strsignal(WTERMSIG(status)), step);
    else if (outcome->verdict == CHECK_RUNNING)
        (void)snprintf(outcome->message, sizeof outcome->message,
                       "ended the process with status %d; last step: %s", WEXITSTATUS(status),
                       step);
    else
        return;
    outcome->verdict = CHECK_FAILED;
}

/* What every check's process gets. */
struct common {
    const struct check_target *target;
    char folder[40];
    sigset_t chld, mask;
};

static bool start(struct slot *slot, struct check_run *run, const struct common *common,
                  struct error *err)
{
    pid_t pid = fork();

    if (pid < 0)
        return error_set(err, ERROR_INTERNAL, "a check's process cannot be started: %s",
                         strerror(errno));
    if (pid == 0)
        be_check(common->target, run, common->folder, &common->mask);
    *slot = (struct slot){pid, run, clock_monotonic_ms(), false};
    return true;
}

/* Takes up what has ended, and ends what takes too long. */
static size_t reap(struct slot *slots, size_t count)
{
    int64_t now_ms = clock_monotonic_ms();
    size_t ended = 0;

    for (size_t i = 0; i < count; i++) {
        int status;

        if (slots[i].pid == 0)
            continue;
        if (waitpid(slots[i].pid, &status, WNOHANG) == slots[i].pid) {
            /* Whatever it started and left behind ends with it. */
            (void)kill(-slots[i].pid, SIGKILL);
            judge(&slots[i], status, now_ms);
            slots[i].pid = 0;
            ended++;
        } else if (!slots[i].is_killed && now_ms - slots[i].started_at_ms > TIME_LIMIT_MS) {
            slots[i].is_killed = true;
            if (kill(-slots[i].pid, SIGKILL) != 0)
                (void)kill(slots[i].pid, SIGKILL);
        }
    }
    return ended;
}

/* Until a check has ended, or it is time to look how long they take. */
static void wait_for_end(const struct common *common)
{
    const struct timespec look = {0, 200 * 1000 * 1000};

    (void)sigtimedwait(&common->chld, NULL, &look);
}

static bool run_all(struct check_runs *runs, const struct common *common, struct error *err)
{
    struct slot slots[SLOT_MAX_COUNT] = {{0}};
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    /* More than there are processors: most checks wait most of the time. */
    size_t width = cpus < 1                        ? 6
                   : 2 * cpus + 4 > SLOT_MAX_COUNT ? SLOT_MAX_COUNT
                                                   : 2 * (size_t)cpus + 4;
    size_t next = 0, open = 0;

    while (next < runs->count || open > 0) {
        for (size_t i = 0; i < width && next < runs->count; i++) {
            if (slots[i].pid != 0)
                continue;
            while (next < runs->count && runs->items[next].outcome->verdict == CHECK_SKIPPED)
                next++;
            if (next == runs->count)
                break;
            if (!start(&slots[i], &runs->items[next++], common, err))
                return false;
            open++;
        }
        if (open > 0) {
            wait_for_end(common);
            open -= reap(slots, width);
        }
    }
    return true;
}

/* One alone: what else ran on the machine is no longer what it fails of. */
static bool run_alone(struct check_run *run, const struct common *common, struct error *err)
{
    struct check_outcome before = *run->outcome;
    struct slot slot;

    *run->outcome = (struct check_outcome){.attempts = before.attempts};
    memcpy(run->outcome->first_message, before.message, sizeof before.message);
    if (!start(&slot, run, common, err))
        return false;
    while (reap(&slot, 1) == 0)
        wait_for_end(common);
    return true;
}

/* A crash needs no second proof; most other checks have limits of time, which a busy machine may
 * miss. One that takes long is not waited for a third time. */
static bool deserves_repeat(const struct check_outcome *outcome)
{
    bool takes_long = outcome->duration_ms >= LONG_MS;

    return outcome->verdict == CHECK_FAILED && !outcome->has_crashed &&
           outcome->attempts <= (takes_long ? 1 : REPEAT_MAX_COUNT);
}

static bool repeat_failed(struct check_runs *runs, const struct common *common, struct error *err)
{
    size_t failed = 0;

    for (size_t i = 0; i < runs->count; i++)
        failed += runs->items[i].outcome->verdict == CHECK_FAILED;
    for (size_t i = 0; failed <= REPEAT_MAX_FAILED && i < runs->count; i++)
        while (deserves_repeat(runs->items[i].outcome))
            if (!run_alone(&runs->items[i], common, err))
                return false;
    return true;
}

static int remove_entry(const char *path, const struct stat *found, int kind, struct FTW *place)
{
    (void)found;
    (void)kind;
    (void)place;
    (void)remove(path);
    return 0;
}

static void count(struct check_runs *runs)
{
    for (size_t i = 0; i < runs->count; i++) {
        enum check_verdict verdict = runs->items[i].outcome->verdict;

        runs->passed += verdict == CHECK_PASSED;
        runs->failed += verdict == CHECK_FAILED;
        runs->skipped += verdict == CHECK_SKIPPED;
    }
}

bool check_runs_execute(struct check_runs *runs, const struct check_target *target,
                        struct error *err)
{
    struct common common = {.target = target, .folder = "/tmp/sesame-check-XXXXXX"};
    int64_t started_at_ms = clock_monotonic_ms();
    bool ok;

    if (mkdtemp(common.folder) == NULL)
        return error_set(err, ERROR_INTERNAL, "no folder can be made in /tmp: %s", strerror(errno));
    (void)fflush(NULL);
    (void)sigemptyset(&common.chld);
    (void)sigaddset(&common.chld, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &common.chld, &common.mask);
    ok = run_all(runs, &common, err) && repeat_failed(runs, &common, err);
    (void)sigprocmask(SIG_SETMASK, &common.mask, NULL);
    (void)nftw(common.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    runs->duration_ms = clock_monotonic_ms() - started_at_ms;
    count(runs);
    return ok;
}

void check_runs_clear(struct check_runs *runs)
{
    free(runs->items);
    if (runs->shared != NULL && runs->shared != MAP_FAILED) {
        size_t most = 0;

        for (size_t g = 0; g < check_group_count; g++)
            most += 3 * check_groups[g]->count;
        (void)munmap(runs->shared, most * sizeof *runs->shared);
    }
    memset(runs, 0, sizeof *runs);
}
