/* One plugin instance on its home thread: the host as it sees it; private to core/plugin. */
#ifndef SESAME_PLUGIN_INSTANCE_H
#define SESAME_PLUGIN_INSTANCE_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"
#include "plugin/handles.h"
#include "plugin/library.h"
#include "plugin/plugin_host.h"

#include <pthread.h>
#include <sesame/plugin.h>
#include <sesame/services.h>

struct granted_program;
struct json_object;
struct loop_timer;
struct secret;
struct signing_key;
struct tool_config;

struct post_gate;

struct instance_secret {
    char *pointer; /* in the configuration */
    char *file;    /* read anew each time; NULL: from the environment */
    char *variable;
    struct secret *secret; /* taken from the environment at creation */
    bool has_warned;       /* that others can read the file */
};

struct plugin_instance {
    struct sesame_host host; /* first: a host pointer is a pointer to this */
    struct plugin_library *library;
    struct plugin_home home;
    struct plugin_watch watch;
    bool may_block;
    const struct tool_config *tool;  /* NULL for a credential provider */
    struct granted_program *program; /* NULL: none */
    char *name;                      /* for logs */
    pthread_t thread;
    struct sesame_instance *plugin; /* NULL until created */
    struct json_object *config;
    char **origins; /* granted, "https://host:443" */
    size_t origin_count;
    struct instance_secret *secrets;
    size_t secret_count;
    struct handle_table handles;
    struct post_gate *gate;
    struct error explained; /* what the plugin said before it failed */
    struct buffer scratch;  /* texts that are valid until the next call of a service */
    void *owner;            /* the tool engine or provider port that made it */

    bool is_stopping;
    bool has_stopped;
    struct loop_timer *stop_timer;
    void (*on_stopped)(void *arg);
    void *stopped_arg;
};

struct instance_options {
    struct plugin_library *library;
    struct plugin_home home;
    struct plugin_watch watch;
    bool may_block; /* nobody else lives on the thread */
    const struct tool_config *tool;
    struct granted_program *program; /* a reference is taken */
    const char *name;
    struct json_object *config; /* prepared; a reference is taken */
    void *owner;
};

/* Makes the instance, on its home thread. */
struct plugin_instance *instance_new(const struct instance_options *options, struct error *err);

/* Asks it to finish; `on_stopped` follows from the loop within two seconds. */
void instance_stop(struct plugin_instance *instance, void (*on_stopped)(void *arg), void *arg);
/* Kills its handles and destroys it. Stopped or not. */
void instance_free(struct plugin_instance *instance);

/* The ids of the services that a kind of plugin is offered, one by one; NULL behind the last. */
const char *plugin_service_name(size_t index, bool for_tools);

/* The instance behind a host pointer, or NULL when the call comes from a wrong thread (counted). */
struct plugin_instance *instance_enter(const struct sesame_host *host);
void instance_misbehaved(struct plugin_instance *instance, const char *kind);

/* Leaves a text in the instance until the next service call; `out` may be NULL. */
void instance_say(struct plugin_instance *instance, const char *text, struct sesame_text *out);
/* As sesame.log/1's explain, for reasons of ours. */
void instance_explain(struct plugin_instance *instance, const struct error *err);

bool instance_grants(const struct plugin_instance *instance, struct slice url, struct error *err);

/* The parts of a binding, borrowed from the instance's handles; what is not given is NULL. Fails
 * for a dead handle, a certificate without its key or the other way round, and a shared secret. */
struct plugin_binding {
    struct signing_key *proof_key;
    struct secret *client_certificate;
    struct signing_key *client_key;
};
bool plugin_binding_find(struct plugin_instance *instance, const struct sesame_binding *given,
                         struct plugin_binding *out, struct error *err);

struct slice slice_from(struct sesame_text text);
struct sesame_text text_from(struct slice slice);
struct sesame_text text_of(const char *text);

/* How a plugin sees one of our failures, and how we see one of its. */
int32_t status_of_error(const struct error *err);
enum error_code error_of_status(int32_t status);

/* The tables, one file each. */
extern const struct sesame_log_v1 service_log;
extern const struct sesame_clock_v1 service_clock;
extern const struct sesame_random_v1 service_random;
extern const struct sesame_loop_v1 service_loop;
extern const struct sesame_json_v1 service_json;
extern const struct sesame_sse_v1 service_sse;
extern const struct sesame_http_v1 service_http;
extern const struct sesame_credentials_v1 service_credentials;
extern const struct sesame_secret_v1 service_secret;
extern const struct sesame_sign_v1 service_sign;
extern const struct sesame_platform_credentials_v1 service_platform_credentials;
extern const struct sesame_program_v1 service_program;
extern const struct sesame_tool_host_v1 service_tool_host;
extern const struct sesame_credential_provider_host_v1 service_provider_host;

/* What each does when the instance goes. */
void service_loop_close(struct plugin_instance *instance);
void service_sse_close(struct plugin_instance *instance);
void service_http_close(struct plugin_instance *instance);
void service_program_close(struct plugin_instance *instance);
/* The call is over, and the runs that served it with it. */
void service_program_end_call(struct plugin_instance *instance, uint64_t call);
void service_secret_close(struct plugin_instance *instance);
void service_sign_close(struct plugin_instance *instance);

/* [any thread] */
struct post_gate *post_gate_new(struct plugin_instance *instance);
void post_gate_close(struct post_gate *gate);

#endif
