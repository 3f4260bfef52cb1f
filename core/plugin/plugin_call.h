/* The open calls of one instance: each ends exactly once, whatever the plugin does; private to
 * core/plugin.
 *
 * At its deadline, or when somebody asks, the plugin is told to end a call; after a grace time the
 * host ends it in the plugin's place. What a plugin does with a call that is over is counted. */
#ifndef SESAME_PLUGIN_PLUGIN_CALL_H
#define SESAME_PLUGIN_PLUGIN_CALL_H

#include "plugin/instance.h"

#include <stdatomic.h>

struct call_book;
struct subject;

/* The first member of what a caller keeps about its call. */
struct plugin_call {
    struct call_book *book;
    struct plugin_call *next, **link; /* among the book's */
    uint64_t handle;
    int64_t deadline_ms;
    struct subject *subject;  /* the user whose turn it serves, or NULL; dropped at its end */
    struct loop_timer *timer; /* the deadline, then the grace time; its end when it is ending */
    /* Looked at by plugin_call_is_cancelled besides cancel and deadline; for plugins that block
     * while nobody can call cancel. May be NULL. */
    const atomic_bool *cancel_flag;
    bool is_cancelled; /* the plugin was told ... */
    bool is_late;      /* ... because of the deadline */
    bool is_silent;    /* nobody wants to hear of it any more */
    bool is_ending;    /* its end is queued */
};

#define CALL_BOOK_ENDED_COUNT 64

struct call_book {
    struct plugin_instance *instance;
    /* Tells the plugin to end a call. */
    void (*cancel)(struct call_book *book, uint64_t handle);
    /* The plugin did not end it: writes down the result that the host gives instead. */
    void (*give_up)(struct plugin_call *call);
    /* Once, from the loop: tells who waits, unless the call is silent, and frees. */
    void (*finish)(struct plugin_call *call);

    struct plugin_call *calls; /* open ones, and those whose end is queued */

    /* How the last calls ended, to tell a second completion from a late one. */
    struct {
        uint64_t handle;
        bool was_completed;
    } ended[CALL_BOOK_ENDED_COUNT];
    size_t ended_next;
};

/* Opens a call: from here on `finish` follows. On failure nothing does. A reference of `subject`
 * (may be NULL) is taken. */
bool plugin_call_open(struct call_book *book, struct plugin_call *call, struct subject *subject,
                      int64_t deadline_ms, struct error *err);

/* The open call of this handle; NULL is counted as what it is: a second, late or foreign one. The
 * instance is given because a plugin may call before the book knows it, from `create`. */
struct plugin_call *plugin_call_complete(struct call_book *book, struct plugin_instance *instance,
                                         uint64_t handle);

/* Its handle dies now; finish follows from the loop. */
void plugin_call_end(struct plugin_call *call, bool was_completed);

/* The plugin is told; the call ends as ever. Does nothing when it was told before. */
void plugin_call_ask(struct plugin_call *call);

/* The open call of this handle, or NULL; not counted. */
const struct plugin_call *plugin_call_find(const struct plugin_instance *instance, uint64_t handle);
/* Whether it runs, or was told to end, because its time is over, and nobody asked for its end: a
 * plugin that blocks sees the deadline before the host can tell it. */
bool plugin_call_is_late(const struct plugin_call *call);
bool plugin_call_is_cancelled(const struct plugin_instance *instance, uint64_t handle);

/* Ends all at once without telling anybody; for the end of the instance. */
void call_book_forget(struct call_book *book);

#endif
