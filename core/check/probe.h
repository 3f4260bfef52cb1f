/* Stands between a plugin and the real host and watches both directions; `inline` and `thread`
 * only.
 *
 * What goes into the plugin is copied into memory that ends at a page nobody can touch and is gone
 * after the call: a read beyond the end, a write, and a read after the call crash at once. What
 * comes out is searched for secrets before the host cleans it. Services can be withheld. One probe
 * for each check's process; its functions are for the check's thread. */
#ifndef SESAME_CHECK_PROBE_H
#define SESAME_CHECK_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct check;
struct plugin_library;

/* Puts itself before the descriptor of `library`, which must not have an instance yet. Requests to
 * granted origins go to `url` instead ("http://127.0.0.1:PORT", borrowed), whose origin must be
 * granted too. */
void probe_install(struct plugin_library *library, const char *url);

/* The plugin is not offered these services from now on; ids are borrowed. */
void probe_withhold(const char *service);
void probe_withhold_all_but(const char *const *services); /* ends with NULL */

/* Services that the plugin asked for, NULL behind the last. */
const char *probe_asked(size_t index);

/* `text`, of at least 8 bytes, is a secret from now on; copied. */
void probe_add_secret(const char *text);
/* Where a secret was seen first, in words; NULL: nowhere. */
const char *probe_leak(void);

/* What the plugin completed last, as it gave it; borrowed until the next completion. */
struct probe_result {
    size_t count; /* of completions so far */
    int32_t status;
    const char *data;
    size_t len;
};
struct probe_result probe_result(void);

/* The first progress text that was no short plain text, in words; NULL: all were. */
const char *probe_bad_progress(void);

size_t probe_request_count(void);      /* HTTP requests it started, */
size_t probe_requests_in_create(void); /* and those of them in `create` */
/* Handles that the newest instance holds: timers, requests, streams, secrets, keys, open calls. */
size_t probe_handle_count(void);

#endif
