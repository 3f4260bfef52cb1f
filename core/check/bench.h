/* A plugin at work in the real host, in the placement that a check asks for, with a scripted server
 * for what it calls. One for each check's process. */
#ifndef SESAME_CHECK_BENCH_H
#define SESAME_CHECK_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/host_config.h"

struct check;
struct error;
struct json_object;
struct json_schema;
struct loop;
struct peer;
struct plugin_library;
struct sesame_plugin;
struct bench;

/* Everything but the instance: loop, HTTP client, broker, scripted server, the library opened as
 * the host opens it and, unless it is in a process, behind the probe. Skips what cannot be loaded
 * (load.works, descriptor.complete and manifest.valid say why). */
struct bench *bench_prepare(struct check *check);
/* The same in another placement than the check's. */
struct bench *bench_prepare_at(struct check *check, enum placement placement);

/* Makes the instance. False: `err` says why the host or the plugin refuses. */
bool bench_create(struct bench *bench, const char *config_json, struct error *err);

/* bench_prepare and bench_create with the bench's own configuration; skips what is refused
 * (instance.create fails then). */
struct bench *bench_open(struct check *check);

/* Ends the instance as the host does; the rest of the bench stays, for another one. */
void bench_destroy(struct bench *bench);

/* The same bench for a second instance beside the first. */
struct bench *bench_twin(struct bench *bench);

/* The configuration that instances are made with: the example's, or one made from the schema. Texts
 * marked "x-origin" lead to the scripted server, "x-secret" to secrets that the probe knows. */
const char *bench_config(struct bench *bench);
/* One made from the schema as `kind` (enum sample_kind) says; NULL when none can be made. The
 * caller owns it. */
char *bench_sample_config(struct bench *bench, int kind);

struct loop *bench_loop(struct bench *bench);
struct peer *bench_peer(struct bench *bench);
struct plugin_library *bench_library(struct bench *bench);
bool bench_is_tool(const struct bench *bench);

/* The kinds of misbehaviour that the host counted, each with a blank behind it, "" for none;
 * borrowed until the next call. */
const char *bench_misbehaviour(struct bench *bench);
/* Fails the check when the host counted one of these kinds (ends with NULL; NULL: any). */
void bench_expect_no(struct bench *bench, const char *const *kinds);

/* Has the host do what it has put off, and lets the scripted server's connections end. */
void bench_settle(struct bench *bench);

/* Runs the loop for some time. */
void bench_run(struct bench *bench, int64_t time_ms);

/* ---- tools ----------------------------------------------------------------------------------- */

/* What the plugin says it can do; waits for the first list. NULL: it failed, `*out_why` (may be
 * NULL) says why. Borrowed until the list changes. */
struct tool_functions *bench_functions(struct bench *bench, const char **out_why);

struct tool_function;
/* Arguments as `kind` (enum sample_kind) says, NULL when none can be made. The caller owns them. */
char *bench_arguments(struct bench *bench, const struct tool_function *function, int kind);

/* ---- one operation: a call of a tool, or a fetch of a provider ------------------------------- */

struct bench_result {
    bool is_done;
    int32_t status; /* SESAME_OK, ... */
    bool is_error;  /* a tool's: SESAME_OK, but the function failed */
    bool has_token; /* a provider's */
    char *text;     /* the result or the message; the token itself for a provider */
    size_t len;
    char name[48]; /* a provider's failure */
    int64_t expires_in_s, expires_at_s;
    int64_t took_ms;
};
void bench_result_clear(struct bench_result *result);

/* The operation goes on while the loop runs; `result` is filled in when it ends. NULL: the host
 * refuses to start it, and `result` says so. */
struct bench_run;
struct bench_run *bench_start_call(struct bench *bench, const char *function, const char *arguments,
                                   int64_t timeout_ms, struct bench_result *result);
struct bench_run *bench_start_fetch(struct bench *bench, const char *scope, const char *subject,
                                    int64_t timeout_ms, struct bench_result *result);
/* The plugin is told to end it; nothing is written to `result` any more. */
void bench_cancel(struct bench_run *run);

/* Starts whatever is the plugin's work: for a tool the function number `index` (modulo their
 * count) with plain arguments, for a provider a fetch. NULL as above, or when there is no
 * function. */
struct bench_run *bench_start(struct bench *bench, size_t index, int64_t timeout_ms,
                              struct bench_result *result);

/* Runs the loop until it is done, and a while beyond the deadline at most; what is not done then
 * fails the check. */
void bench_wait(struct bench *bench, const struct bench_result *result);

/* bench_start and bench_wait. */
void bench_operate(struct bench *bench, size_t index, int64_t timeout_ms,
                   struct bench_result *result);

/* The scope that a provider is asked for: the example's, or one that any would take. */
const char *bench_scope(struct bench *bench);

/* Succeeded: a token, or a result that is no error. */
bool bench_result_is_good(const struct bench_result *result);

#endif
