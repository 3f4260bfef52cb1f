/* The host: everything that exists once, on the owner's thread, made from the two configurations.
 */
#ifndef SESAME_CLI_HOST_H
#define SESAME_CLI_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/setup.h"

struct broker;
struct buffer;
struct error;
struct host;
struct host_config;
struct loop;
struct metrics_pool;
struct server_shared;
struct tool_host_set;
struct worker;

struct host_options {
    const struct setup *setup;    /* borrowed for the host's lifetime */
    bool has_no_tools;            /* for commands about credentials */
    struct loop *loop;            /* NULL: one of its own */
    struct metrics_pool *metrics; /* NULL: one of its own */
};

/* Opens the arena, loads the plugins, makes provider, broker and tools. Starts no thread and sends
 * no request. Log and arena must have been opened. */
struct host *host_new(const struct host_options *options, struct error *err);
/* The same in two steps, for a loop of the caller's: one that could not be made is to be freed like
 * another, as its tools may have posted to the loop. */
struct host *host_begin(const struct host_options *options, struct error *err);
bool host_make(struct host *host, struct error *err);
/* Ends the threads and processes of tools, and waits for them; a part of host_free that may run on
 * another thread. Workers must be gone. */
void host_stop_tools(struct host *host);

/* Workers must be gone. With a loop of the caller's, not before what others posted to it has run,
 * after host_stop_tools. */
void host_free(struct host *host);

/* Begins to fetch credentials and keys. */
bool host_start(struct host *host, struct error *err);

struct loop *host_loop(struct host *host);
struct broker *host_broker(struct host *host);
const struct host_config *host_configuration(const struct host *host);
struct server_shared *host_shared(struct host *host);
/* NULL: it has none, or no longer any. */
const struct tool_host_set *host_tools(const struct host *host);

/* For metrics_pool_set_source: how the plugins of the host `arg` do. */
void host_write_plugins(void *arg, struct buffer *out);

/* The workers that get keys; set before host_start. */
void host_set_workers(struct host *host, struct worker **workers, size_t count);

/* [any thread] A worker's gate needs a newer key set. */
void host_want_keys(struct host *host, struct worker *worker);

/* Opens arena and log as configured; the first two things a command does after loading. */
bool host_open_process(const struct setup *setup, bool logs_quietly, struct error *err);
void host_close_process(void);

#endif
