/* One hostile plugin in a process, with short limits, and what the host makes of it. */
#ifndef SESAME_TESTS_HOSTILE_BENCH_H
#define SESAME_TESTS_HOSTILE_BENCH_H

#include "plugin/process_library.h"

#include "../support/tool_bench.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

static struct tool_bench bench;
static struct peer mine, other; /* an allowed server and one that is not */
static char host_environment[] = "SESAME_CANARY=canary-environment";

static char *mine_origins[] = {mine.url}, *other_origins[] = {other.url};
static char *credential_names[] = {(char[]){"mine"}};
static struct credential_config credentials[] = {
    {.name = (char[]){"mine"},
     .kind = CREDENTIAL_ACCESS_TOKEN,
     .identifier = (char[]){""},
     .scope = (char[]){"https://svc.example|call"},
     .origins = mine_origins,
     .origin_count = 1,
     .attach_header = (char[]){"Authorization"},
     .attach_prefix = (char[]){"Bearer "},
     .attach_query = (char[]){""}},
    {.name = (char[]){"other"},
     .kind = CREDENTIAL_ACCESS_TOKEN,
     .identifier = (char[]){""},
     .scope = (char[]){"https://svc.example|more"},
     .origins = other_origins,
     .origin_count = 1,
     .attach_header = (char[]){"Authorization"},
     .attach_prefix = (char[]){"Bearer "},
     .attach_query = (char[]){""}},
};

/* Long enough for a busy machine, short enough for a test. */
static inline void shorten(struct plugin_library *library)
{
    struct process_limits *limits = &library->apart->limits;

    limits->look_ms = 50;
    limits->busy_look_ms = 50;
    limits->silence_ms = 500;
    limits->idle_cpu_ms = 300;
    limits->idle_cpu_share = 1000; /* a busy machine gives a spinning thread little */
    limits->restart_min_ms = 1;
    limits->restart_max_ms = 4;
}

static inline void hostile_set_up(void)
{
    putenv(host_environment);
    tool_bench_init_at(&bench, "hostile", credentials, 2);
    bench.placement = PLACEMENT_PROCESS;
    bench.result_max_bytes = 4 << 20; /* as the host has it */
    bench.on_library = shorten;
    bench.config.credentials = credential_names;
    bench.config.credential_count = 1;
    peer_open(&mine, bench.loop);
    peer_open(&other, bench.loop);
}

static inline void hostile_tear_down(void)
{
    tool_bench_stop(&bench);
    peer_close(&mine);
    peer_close(&other);
    bench.misbehaviour[0] = '\0'; /* the test has looked at it */
    tool_bench_close(&bench);
}

/* ---- running one ----------------------------------------------------------------------------- */

static inline const char *hostile_config(void)
{
    static char config[400];

    snprintf(config, sizeof config, "{\"host_pid\":\"%d\",\"url\":\"%s\",\"other_url\":\"%s\"}",
             (int)getpid(), mine.url, other.url);
    return config;
}

static inline void hostile_open(const char *id)
{
    tool_bench_open(&bench, id, hostile_config());
    ck_assert_msg(tool_bench_wait_for_list(&bench), "%s", tool_bench_list_error(&bench));
}

/* The plugin does its worst; ends with its answer, the loss of its process, or its time. */
static inline void hostile_act(int64_t timeout_ms)
{
    tool_bench_start(&bench, "act", "{}", timeout_ms);
    PEER_RUN_UNTIL(bench.loop, bench.done_count == 1);
}

/* Whatever it did: it is asked something decent, and answers. */
static inline void it_still_answers(void)
{
    ck_assert_int_eq(tool_bench_call(&bench, "rest", "{}"), SESAME_OK);
    ck_assert_str_eq(bench.text, "rested");
}

static inline bool is_reported(const char *kind)
{
    const char *at = strstr(bench.misbehaviour, kind);

    return at != NULL && at[strlen(kind)] == ' ';
}

#define IS_REPORTED(kind) \
    ck_assert_msg(is_reported(kind), "%s is not in: %s", kind, bench.misbehaviour)

/* It tried and got nothing; the attempts were refused, counted and named in the log. */
static inline void reaches_nothing(const char *id)
{
    hostile_open(id);
    hostile_act(20000);
    ck_assert_msg(bench.status == SESAME_OK, "%s", bench.text);
    ck_assert_str_eq(bench.text, "contained");
    IS_REPORTED("system_call");
    it_still_answers();
    TOOL_BENCH_LOG_HAS(&bench, "is not allowed and was refused");
}

/* Its process is lost, for `reason`; the call fails so that the model is told, and the next one is
 * answered by the next process. */
static inline void loses_its_process(const char *id, int64_t timeout_ms, const char *reason)
{
    hostile_open(id);
    hostile_act(timeout_ms);
    ck_assert_msg(bench.status == SESAME_UNAVAILABLE, "%d: %s", (int)bench.status, bench.text);
    ck_assert_msg(strstr(bench.text, reason) != NULL, "%s", bench.text);
    it_still_answers();
    IS_REPORTED("crashed");
}

/* ---- processes and descriptors --------------------------------------------------------------- */

static inline int count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

/* Resident memory of the host. */
static inline int64_t mapped_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long all = 0, resident = 0;

    ck_assert_int_eq(fscanf(file, "%ld %ld", &all, &resident), 2);
    fclose(file);
    return (int64_t)resident * sysconf(_SC_PAGESIZE);
}

/* No child is left, not even a dead one. */
static inline void no_child_is_left(void)
{
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

#endif
