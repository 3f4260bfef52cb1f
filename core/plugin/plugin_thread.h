/* A thread for one plugin instance that may block: a loop, an HTTP client and a view of the
 * credentials of its own; private to core/plugin. */
#ifndef SESAME_PLUGIN_PLUGIN_THREAD_H
#define SESAME_PLUGIN_PLUGIN_THREAD_H

#include <stdbool.h>

#include "plugin/plugin_host.h"

struct error;
struct plugin_thread;

struct plugin_thread_options {
    const char *name;           /* for logs; borrowed */
    int32_t connect_timeout_ms; /* of the HTTP client; 0: its default */
    struct broker *broker;      /* NULL: no credentials */

    /* All on the thread. Makes what lives there. */
    bool (*open)(void *arg, const struct plugin_home *home, struct error *err);
    /* Begins the end: loop_stop on the home's loop follows, now or some seconds later. */
    void (*stop)(void *arg);
    /* Frees what lives there, all or what `open` made before it failed. */
    void (*close)(void *arg);
    void *arg;
};

/* Starts the thread; returns when `open` has. While it runs, the environment is the thread's: the
 * caller waits. */
struct plugin_thread *plugin_thread_start(const struct plugin_thread_options *options,
                                          struct error *err);

/* [any thread] The loop of the thread, while it runs. */
struct loop *plugin_thread_loop(const struct plugin_thread *thread);

/* Ends the thread and waits for it, at most some seconds. False: the plugin hangs and is left
 * behind; nothing that it could touch must be freed. */
bool plugin_thread_stop(struct plugin_thread *thread);

#endif
