/* What the plugin module gets from the thread a plugin lives on, and what it tells the host. */
#ifndef SESAME_PLUGIN_PLUGIN_HOST_H
#define SESAME_PLUGIN_PLUGIN_HOST_H

#include <stdatomic.h>
#include <stdint.h>

struct error;
struct broker;
struct credential_client;
struct http_client;
struct loop;
struct platform_credentials;

/* A home thread's things; borrowed as long as instances live there. */
struct plugin_home {
    struct loop *loop;
    struct http_client *http;
    struct credential_client *credentials; /* NULL: none (providers) */
};

/* How a plugin's process does, for whoever looks from another thread. */
enum plugin_state { PLUGIN_RUNNING, PLUGIN_RESTARTING, PLUGIN_FAILED };
struct plugin_pulse {
    atomic_int state;     /* enum plugin_state */
    atomic_int pid;       /* 0: it has no process of its own */
    atomic_uint restarts; /* counted when the process is lost */
};

/* Shared by all instances; set once at start. */
struct plugin_watch {
    /* [any thread] Something a plugin must not do, done and contained: "completed_twice",
     * "completed_late", "unknown_handle", "result_too_large", "wrong_thread", "bad_result",
     * "never_completed", ... */
    void (*on_misbehaviour)(void *arg, const char *plugin_id, const char *kind);
    void *arg;

    /* [any thread] May be NULL. A tool that needs no user listed its functions, or (`err`) did
     * not. */
    void (*on_listed)(void *arg, const char *tool, const struct error *err);

    struct plugin_pulse *pulse; /* NULL: nobody looks */

    /* [any thread] For credential providers: the platform's newest key, or NULL where none comes.
     */
    struct platform_credentials *platform;
};

#endif
