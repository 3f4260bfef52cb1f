/* The instances of an inline tool on one worker: one; or, when a credential of the tool stands for
 * the user, one for each user, so that what a plugin keeps, such as a session with its server, is
 * never shared between two. Private to core/plugin. */
#ifndef SESAME_PLUGIN_ENGINE_SET_H
#define SESAME_PLUGIN_ENGINE_SET_H

#include "plugin/tool_engine.h"

struct engine_set;
struct subject;
struct tool_host;

/* Makes the first instance, which serves when there is no user. `on_changed` as that of a tool
 * engine. */
struct engine_set *engine_set_new(struct tool_host *host, const struct plugin_home *home,
                                  void (*on_changed)(void *arg), void *arg, struct error *err);

/* The user's instance, made when he is new; the least recently used idle ones go then. */
struct tool_engine *engine_set_get(struct engine_set *set, const struct subject *subject,
                                   struct error *err);

/* Stops all; `on_stopped` follows from the loop when all have. */
void engine_set_stop(struct engine_set *set, void (*on_stopped)(void *arg), void *arg);
void engine_set_free(struct engine_set *set); /* stopped or not; NULL is fine */

#endif
