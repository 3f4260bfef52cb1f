/* The sesame plugin contract, version 1: what every plugin is built against.
 *
 * STATUS: frozen. Nothing in these headers changes any more; what is new comes as a new table with
 * a new id (doc/abi-policy.md).
 *
 * A plugin is one shared object that exports one constant, `sesame_plugin_v1`. The host reads it
 * without calling into the plugin, checks it, and creates instances.
 *
 * RULES, stated once
 *
 * Ownership   Every pointer passed into a function is borrowed until that function returns; who
 *             needs it longer copies it. Nobody frees the other side's memory. Results flow into
 *             the host by a call, and the host copies.
 * Text        `struct sesame_text` is UTF-8, pointer and length, not NUL-terminated; an empty text
 *             may have a NULL pointer. `const char *` is a NUL-terminated constant.
 * JSON        Where fields may grow, JSON text crosses. Receivers ignore members they do not know.
 *             Secrets never stand in JSON.
 * Handles     uint64_t, never 0, never used again. A dead or foreign handle does no harm: the call
 *             answers SESAME_NOT_FOUND and the misuse is counted.
 * Threads     An instance lives on one thread, its home. Every call into it and every call it makes
 *             happens there: [home]. The only exception is marked [any-thread].
 * Time        Nothing may block the home thread, unless the operator placed the plugin on a thread
 *             of its own. Slow work is start, then exactly one completion. Completing inside the
 *             start call is fine: the host queues it and never calls back on the plugin's stack.
 *             Deadlines are absolute milliseconds of the host's monotonic clock (sesame.clock/1).
 * Cancel      is a request; one completion still follows. After a grace time the host answers in
 *             the plugin's place, and a later completion finds a dead handle.
 * Globals     No constructors, destructors, atexit, signal handlers, setlocale, chdir, umask,
 *             setenv, fork; no writes to standard output or error. All state hangs off the
 *             instance: several may exist at once.
 * Unknown     An unknown flag or constant is treated as the documented default.
 */
#ifndef SESAME_PLUGIN_H
#define SESAME_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SESAME_EXPORT __attribute__((visibility("default")))

/* What a call came to. The code says how to react; the message beside it is for people. */
enum {
    SESAME_OK = 0,
    SESAME_BAD_INPUT = 1,    /* the arguments are wrong; the same call fails again */
    SESAME_DENIED = 2,       /* refused; another credential or permission is needed */
    SESAME_NOT_FOUND = 3,    /* what was named does not exist */
    SESAME_UNAVAILABLE = 4,  /* out of order at the moment; trying again may help */
    SESAME_RATE_LIMITED = 5, /* too many calls; try again later */
    SESAME_TIMED_OUT = 6,
    SESAME_CANCELLED = 7,
    SESAME_INTERNAL = 8, /* a defect; the default for unknown codes */
    SESAME_LIMIT = 9,    /* a limit of the host was reached */
    SESAME_PENDING = 10  /* only from `stop`: not finished yet */
};

struct sesame_text {
    const char *data;
    size_t len;
};

/* Defined by each plugin for itself; the host only passes the pointer around. */
struct sesame_instance;

/* The host as one instance sees it. Valid from `create` until `destroy` returns. */
struct sesame_host {
    const char *name;    /* "sesame" */
    const char *version; /* of the host, for people; decide nothing by it */

    /* A table of functions by id, such as "sesame.http/1", or NULL when this host or this placement
     * does not offer it. The table is constant and lives as long as the process. [home] */
    const void *(*get_service)(const struct sesame_host *host, const char *id);
};

/* The descriptor. All texts are constants of the plugin; all lists end with NULL. */
struct sesame_plugin {
    const char *id;          /* [a-z0-9-]{1,64}, the name used in configuration */
    const char *version;     /* of the plugin, for people */
    const char *description; /* one sentence */

    /* JSON Schema (2020-12) of an object: the instance's configuration. The host sets defaults and
     * refuses unknown members and wrong types before `create`. Marks of our own in a property, or
     * in the `items` of an array of texts:
     *   "x-secret": "env" | "file"   the value names the variable or file that holds a secret; a
     *                                file may begin with "~/"
     *   "x-origin": true             the value is a URL; its origin is granted to the instance
     *   "x-credential": true         the value names a credential of the host's configuration
     *   "x-program": true            credential providers only: the value is the absolute path of a
     *                                program that sesame.secret/1 may run
     *   "x-env": NAME                credential providers, top level only: when the configuration
     * has no such member, this environment variable gives it (unless it is unset or empty): a text,
     * a whole number, or for a boolean the word true in any case; all other words are false. Not
     * for secrets */
    const char *config_schema;

    const char *const *needs;  /* services without which `create` is not called */
    const char *const *offers; /* interfaces that get_interface knows */

    /* The table for `id`, or NULL. Constant, lives as long as the plugin is loaded. [home] */
    const void *(*get_interface)(const char *id);

    /* Makes an instance from the complete, checked configuration, a JSON object. On failure returns
     * a status, best after sesame.log/1's `explain`, and leaves `*out_instance` alone. Makes no
     * request and does not block. [home] */
    int32_t (*create)(const struct sesame_host *host, struct sesame_text config,
                      struct sesame_instance **out_instance);

    /* Asks the instance to finish: all its calls are over by now. SESAME_OK: it may be destroyed.
     * SESAME_PENDING: it still has a short farewell to send and calls sesame.loop/1's `stopped`;
     * the host waits two seconds at most. May be NULL. [home] */
    int32_t (*stop)(struct sesame_instance *instance);

    /* Frees everything. Its timers, requests and handles are dead already. [home] */
    void (*destroy)(struct sesame_instance *instance);
};

/* The one exported symbol. The 1 is the major version of this contract. */
SESAME_EXPORT extern const struct sesame_plugin sesame_plugin_v1;

#ifdef __cplusplus
}
#endif

#endif
