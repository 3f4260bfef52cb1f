/* Reads the configuration again and makes what serves by it, beside what serves now. */
#ifndef SESAME_CLI_RELOAD_H
#define SESAME_CLI_RELOAD_H

#include <stdbool.h>

struct command_line;
struct error;
struct generation;
struct loop;
struct metrics_pool;
struct reload;

/* Everything here is for the owner's thread; arguments are borrowed. `on_done` is called once for
 * each reload_begin, never inside it: with the generation that takes over, which the callee owns
 * and which has what it needs, or with NULL when the old one goes on. The log says why. */
struct reload_options {
    const struct command_line *line;
    struct loop *loop;
    struct metrics_pool *metrics;
    void (*on_done)(void *arg, struct generation *heir);
    void *arg;
};

struct reload *reload_new(const struct reload_options *options, struct error *err);
/* One that is under way is given up without on_done. With the loop standing still; NULL is fine. */
void reload_free(struct reload *reload);

/* One that is under way is given up, and its on_done not called. `serving` is what serves now. */
void reload_begin(struct reload *reload, struct generation *serving);

#endif
