/* A configured tool: one host-wide object, and one port for each worker that calls it, whatever
 * the placement. */
#ifndef SESAME_PLUGIN_TOOL_PORT_H
#define SESAME_PLUGIN_TOOL_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/host_config.h"
#include "plugin/plugin_host.h"

struct error;
struct granted_program;
struct json_object;
struct json_schema;
struct plugin_library;
struct subject;
struct tool_host;
struct tool_port;
struct tool_run;

/* ---- what it offers ------------------------------------------------------------------------- */

struct tool_function {
    const char *name; /* as the plugin calls it */
    const char *description;
    struct json_object *parameters; /* JSON Schema of an object */
    struct json_schema *schema;     /* the same, compiled */
    const char *offer; /* "description" and "parameters" as JSON members, for each request */
};

#define TOOL_FUNCTION_DIGEST_SIZE 65

/* SHA-256, in hex, of what the model is shown of a function: the bytes of
 * {"name":NAME,DESCRIPTION-AND-PARAMETERS} with `offer` in it. The same in every version of the
 * host. Empty when OpenSSL fails. */
void tool_function_digest(const struct tool_function *function,
                          char out[TOOL_FUNCTION_DIGEST_SIZE]);

/* An immutable list, shared by reference count on one thread. */
struct tool_functions {
    size_t references;
    size_t count;
    struct tool_function *items;
};
struct tool_functions *tool_functions_ref(struct tool_functions *functions);
void tool_functions_free(struct tool_functions *functions);

/* ---- host-wide ------------------------------------------------------------------------------- */

struct tool_host_options {
    struct plugin_library *library;
    const struct tool_config *config; /* borrowed for its lifetime */
    enum placement placement;         /* PROCESS with a library opened apart, else one opened */
    struct broker *broker;            /* for the credential client of a plugin thread */
    const char *sandbox;              /* the child program of this build, for a granted program */
    struct granted_program *program;  /* set by tool_host_new; NULL: none is granted */
    struct plugin_watch watch;
    int64_t result_max_bytes; /* of one completion; more is misbehaviour */
    int json_depth;
};

/* Checks the tool's configuration against the plugin's schema (all faults in the message, each with
 * its path), applies preset and defaults, checks that the credentials named exist and may be used
 * for the URLs, and unless INLINE starts a thread and creates the instance there, or keeps its
 * process from there. */
struct tool_host *tool_host_new(const struct tool_host_options *options, struct error *err);
/* All ports must be gone. Waits for a plugin thread's end at most two seconds beyond its stop. */
void tool_host_free(struct tool_host *host);
/* Read with atomic loads. */
const struct plugin_pulse *tool_host_pulse(const struct tool_host *host);
/* True when one of its credentials stands for the user: it lists nothing before one comes. */
bool tool_host_is_of_users(const struct tool_host *host);

/* ---- per worker ------------------------------------------------------------------------------ */

/* Makes the worker's port and with INLINE the instance; asks for its functions at once. On the
 * worker's thread, as everything below. */
struct tool_port *tool_port_new(struct tool_host *host, const struct plugin_home *home,
                                struct error *err);
const struct tool_config *tool_port_config(const struct tool_port *port);
/* It is in a process of its own: what it says is not trusted. */
bool tool_port_is_apart(const struct tool_port *port);

/* The present list, borrowed until the next turn of the loop; NULL when there is none yet.
 * `*out_error` (may be NULL): why the last listing failed, "" when it did not. */
struct tool_functions *tool_port_functions(const struct tool_port *port, const char **out_error);

/* Sees to it that the list is current: calls `on_ready` from the loop once it is, or listing failed
 * or `deadline_ms` passed. Returns NULL, and calls nothing, when the list is current already. A
 * failed listing is tried again after a pause that grows from 1 s to 60 s; in between, this returns
 * NULL too. A tool with a credential that is the user's lists on behalf of `subject` (else unused,
 * may be NULL), and one user's failure does not keep another from trying. */
struct tool_wait;
struct tool_wait *tool_port_prepare(struct tool_port *port, struct subject *subject,
                                    int64_t deadline_ms, void (*on_ready)(void *arg), void *arg);
void tool_wait_cancel(struct tool_wait *wait);

struct tool_run_request {
    const char *function;
    const char *arguments; /* JSON object, checked against the function's schema by the caller */
    size_t arguments_len;
    const char *context; /* JSON object */
    int64_t deadline_ms;
    struct subject *subject; /* the user whose turn it is, or NULL; a reference is taken */
};

/* Borrowed for on_done. */
struct tool_run_result {
    int32_t status;   /* SESAME_OK, ... */
    const char *text; /* for the model; with a failure a message for people and the model */
    size_t len;
    bool is_error; /* SESAME_OK, but the function says it failed */
};

struct tool_run_events {
    void (*on_progress)(void *arg, const char *text, size_t len); /* may be NULL */
    /* Exactly once, from the loop, never inside tool_port_call; at the latest a grace time after
     * the deadline, whatever the plugin does. */
    void (*on_done)(void *arg, const struct tool_run_result *result);
};

struct tool_run *tool_port_call(struct tool_port *port, const struct tool_run_request *request,
                                const struct tool_run_events *events, void *arg, struct error *err);
/* Cancels: the plugin is told, and no callback follows. */
void tool_run_cancel(struct tool_run *run);

/* Ends it: open calls are cancelled, the instance is stopped; `on_stopped` follows from the loop,
 * within two seconds or a little more. Then free it. */
void tool_port_stop(struct tool_port *port, void (*on_stopped)(void *arg), void *arg);
void tool_port_free(struct tool_port *port);

#endif
