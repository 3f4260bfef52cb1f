/* What a plugin in a process costs: a call beside the same call inline, a restart, memory. Run by
 * hand in the build folder after `make check`; prints figures. */
#include "base/clock.h"
#include "plugin/process_library.h"

#include "../support/tool_bench.h"

#include <dirent.h>
#include <time.h>

#define CALLS 4000
#define RESTARTS 200

static struct tool_bench bench;

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return left < right ? -1 : left > right;
}

static void report(const char *what, int64_t *times_us, size_t count)
{
    qsort(times_us, count, sizeof *times_us, compare);
    printf("%-28s p50 %6lld us, p99 %6lld us\n", what, (long long)times_us[count / 2],
           (long long)times_us[count * 99 / 100]);
}

static int64_t call(const char *function)
{
    int64_t started_us = now_us();

    tool_bench_start(&bench, function, "{}", 20000);
    while (bench.done_count == 0)
        loop_run_once(bench.loop, 1000);
    return now_us() - started_us;
}

/* Of the first child of any of our threads; -1: none, or the kernel does not say. */
static long private_kib(void)
{
    char path[300], line[200];
    long total = -1;
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *task;
    int child = 0;

    while (child == 0 && (task = readdir(tasks)) != NULL) {
        FILE *children;

        snprintf(path, sizeof path, "/proc/self/task/%s/children", task->d_name);
        children = task->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (children == NULL)
            continue;
        if (fscanf(children, "%d", &child) != 1)
            child = 0;
        fclose(children);
    }
    closedir(tasks);
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", child);
    for (FILE *map = fopen(path, "r"); map != NULL && fgets(line, sizeof line, map) != NULL;) {
        int64_t kib = 0;
        struct slice rest = slice_of(line), name = slice_cut(&rest, ':');

        rest = slice_trim(rest);
        if (slice_starts_with(name, "Private_") && parse_int64(rest.data, rest.len - 3, &kib))
            total = (total < 0 ? 0 : total) + (long)kib;
    }
    return total;
}

static int64_t run_calls(enum placement placement, const char *what)
{
    static int64_t times_us[CALLS];

    tool_bench_init_at(&bench, "hostile", NULL, 0);
    bench.placement = placement;
    tool_bench_open(&bench, "aborts", "{}");
    (void)tool_bench_wait_for_list(&bench);
    for (int i = 0; i < 200; i++)
        (void)call("rest");
    for (int i = 0; i < CALLS; i++)
        times_us[i] = call("rest");
    report(what, times_us, CALLS);
    return times_us[CALLS / 2];
}

START_TEST(figures)
{
    static int64_t times_us[RESTARTS];
    int64_t inline_us = run_calls(PLACEMENT_INLINE, "call, inline"), process_us;

    tool_bench_close(&bench);
    process_us = run_calls(PLACEMENT_THREAD, "call, thread");
    tool_bench_close(&bench);
    process_us = run_calls(PLACEMENT_PROCESS, "call, process");
    printf("%-28s %lld us\n", "process over inline, p50", (long long)(process_us - inline_us));
    printf("%-28s %ld KiB\n", "idle child, private memory", private_kib());
    for (int i = 0; i < RESTARTS; i++) {
        int64_t started_us;

        (void)call("act");
        started_us = now_us();
        (void)call("rest");
        times_us[i] = now_us() - started_us;
    }
    report("crash to the next answer", times_us, RESTARTS);
    bench.misbehaviour[0] = '\0';
    tool_bench_close(&bench);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {figures, NULL};

    setenv("CK_FORK", "no", 1);
    return run_tests("figures", tests, NULL, NULL);
}
