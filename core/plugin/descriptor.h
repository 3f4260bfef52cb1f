/* A library's descriptor, found and found complete: the same wherever the library is mapped. */
#ifndef SESAME_PLUGIN_DESCRIPTOR_H
#define SESAME_PLUGIN_DESCRIPTOR_H

#include <stdbool.h>

struct error;
struct sesame_plugin;

/* Entries of `needs` or `offers`; what stands beyond them is not looked at. */
#define PLUGIN_LIST_MAX_COUNT 32

/* Maps the library behind the descriptor `fd`, whose number must not come to name another file
 * while the library is mapped, and finds sesame_plugin_v1 in it. It stays mapped. NULL with `err`,
 * which says what was wanted and found; the caller knows the path. */
const struct sesame_plugin *plugin_descriptor_load(int fd, struct error *err);

/* Whether every text, list and function that must be there is. */
bool plugin_descriptor_check(const struct sesame_plugin *plugin, struct error *err);

/* Whether `get_interface` gives a whole table for `id`. Interfaces that this host does not know
 * are not asked for. */
bool plugin_descriptor_check_interface(const struct sesame_plugin *plugin, const char *id,
                                       struct error *err);

#endif
