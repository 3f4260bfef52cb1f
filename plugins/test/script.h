/* What a scripted host is made of; private to plugins/test.
 *
 * The files script_*.c stand in for those of the real host that read a clock, wait, or reach a
 * socket: they define the functions of base/clock.h, base/log.h, net/loop.h, net/http_client.h and
 * credential/credential_client.h. Everything else inside the library is the host's own code. */
#ifndef SESAME_PLUGINS_TEST_SCRIPT_H
#define SESAME_PLUGINS_TEST_SCRIPT_H

#include "base/error.h"
#include "plugin/instance.h"
#include "plugin/library.h"

#include <pthread.h>
#include <sesame/plugin_test.h>
#include <stdatomic.h>

struct http_client;
struct loop;
struct platform_credentials;
struct provider_engine;
struct scripted_answer;
struct scripted_program;
struct scripted_request;
struct tool_engine;
struct tool_functions;

/* Ends the program: the test asked for something that makes no sense. */
_Noreturn void script_refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Memory that is there or ends the program: a test has no better use for a lack of it. */
void *script_alloc(size_t size);
char *script_text(const char *text); /* NULL gives NULL */
char *script_bytes(const char *data, size_t len);
void script_free(const void *bytes); /* what we allocated, though shown to others as const */
/* Room for one item more; gives the place of it, all zero bytes. */
void *script_grow(void *items_pointer, size_t *count, size_t item_size);

/* ---- clock, random (script_clock.c): of the process, as the real ones are ---------------------
 */

#define SCRIPT_CLOCK_START_MS 1000000
#define SCRIPT_WALL_START_MS 1893456000000 /* 2030-01-01T00:00:00Z */

void script_clock_reset(uint64_t seed);
int64_t script_clock_now_ms(void); /* without a tick */
void script_clock_set_ms(int64_t now_ms);
int64_t script_clock_wall_ms(void);
void script_clock_set_wall_ms(int64_t wall_ms);
/* What passes with each look at the clock that a plugin takes. */
void script_clock_set_tick(int64_t ms);
void script_clock_tick(void);

/* ---- loop (script_loop.c) ---------------------------------------------------------------------
 */

/* Does what is due now; false when there was no end of it. */
bool script_loop_run(struct loop *loop);
/* When the next timer is due; INT64_MAX without one. */
int64_t script_loop_next_ms(struct loop *loop);
/* Moves the clock to `until_ms` through all that is due before; false as above. */
bool script_loop_advance(struct loop *loop, int64_t until_ms);
/* Waits in real time for a posted call; false when none came. */
bool script_loop_wait(struct loop *loop, int64_t real_ms);

/* ---- log (script_log.c) -----------------------------------------------------------------------
 */

/* `take` gets each record, on whatever thread; NULL stops it. */
void script_log_to(void (*take)(void *arg, const struct sesame_test_log *record), void *arg);

/* ---- HTTP (script_http.c) ---------------------------------------------------------------------
 */

struct scripted_http {
    struct scripted_answer *answers; /* in the order in which they are tried */
    struct scripted_request **requests;
    size_t request_count;
    void (*on_unanswered)(void *arg);
    void *arg;
};

struct http_client *script_http_new(struct loop *loop, struct scripted_http *script);
void script_http_add(struct scripted_http *script, const struct sesame_test_answer *answer);
void script_http_clear(struct scripted_http *script);
const struct sesame_test_request *script_http_request(const struct scripted_http *script,
                                                      size_t index);

/* ---- programs (script_program.c) --------------------------------------------------------------
 */

struct scripted_program *script_program_new(void (*on_unanswered)(void *arg), void *arg);
void script_program_free(struct scripted_program *program);
struct granted_program *script_program_grant(struct scripted_program *program);
void script_program_add(struct scripted_program *program, const struct sesame_test_run *run);
size_t script_program_count(const struct scripted_program *program);
const char *script_program_input(const struct scripted_program *program, size_t index);

/* ---- credentials (script_credentials.c) -------------------------------------------------------
 */

struct credential_client *script_credentials_new(void);
void script_credentials_add(struct credential_client *client,
                            const struct sesame_test_credential *credential);

/* ---- the host (host.c, record.c, instance.c, call.c) ------------------------------------------
 */

/* The host as the plugin sees it: notes each call and hands it on to the host's own services. */
struct recorded_host {
    struct sesame_host host; /* first */
    struct sesame_test_host *test;
    struct sesame_test_instance *instance;   /* NULL once it is destroyed */
    const struct sesame_host *_Atomic inner; /* NULL once it is destroyed */
    const char *const *withheld;             /* the instance's */
    struct recorded_host *next;              /* of the test host, which frees them */
};

/* NULL when this host has no such service or withholds it. */
const void *recorded_get_service(const struct sesame_host *host, const char *id);

/* The instance whose `create` runs. */
struct sesame_test_instance *test_host_making(void);

struct sesame_test_instance {
    struct sesame_test_instance *next;
    struct sesame_test_host *test;
    char *name;
    char **withheld, **credentials, **origins;
    struct sesame_plugin descriptor; /* the plugin's, but with a `create` of ours */
    const struct sesame_plugin *plugin;
    struct plugin_manifest *manifest;
    struct plugin_library library;
    struct tool_config tool;
    struct recorded_host *recorded;
    struct plugin_instance *inner; /* NULL while it is being made */
    struct tool_engine *tools;     /* one of these two */
    struct provider_engine *provider;
    struct tool_functions *functions;
    struct sesame_test_function *shown; /* the same for the test */
    bool is_outdated;                   /* the list: the plugin said that it changed */
    size_t changed_count;
    size_t settled_handles; /* secrets, keys and readers when its first call was over */
    bool has_settled;
};

struct sesame_test_host {
    struct error err;
    struct loop *loop;
    struct scripted_http http_script;
    struct scripted_program *program;
    struct plugin_home home;
    struct platform_credentials *platform;
    struct sesame_test_instance *instances;
    struct sesame_test_instance *making; /* inside `create` */
    struct sesame_test_call *calls;
    struct recorded_host *recorded;
    pthread_t thread;

    pthread_mutex_t lock; /* around what follows: a plugin's own threads are seen too */
    struct sesame_test_host_call *host_calls;
    size_t host_call_count;
    struct sesame_test_log *logs;
    size_t log_count;
    struct sesame_test_fault *faults;
    size_t fault_count;
};

/* [any thread] */
void test_host_fault(struct sesame_test_host *test, const char *kind, const char *instance);
void test_host_note_call(struct sesame_test_host *test, const char *service, const char *function);

/* The host's end of a call ends; what the plugin does with it later is a fault. */
void test_calls_end(struct sesame_test_instance *instance);
void test_calls_free(struct sesame_test_host *test);
/* After a call: how many handles an instance that works holds is known from its first one. */
void test_instance_settle(struct sesame_test_instance *instance);
/* Runs what is due, or the clock on; an instance that never rests is a fault. */
bool test_host_run_until(struct sesame_test_host *test, int64_t until_ms);

#endif
