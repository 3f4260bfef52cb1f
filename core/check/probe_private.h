/* Between the probe's files. */
#ifndef SESAME_CHECK_PROBE_PRIVATE_H
#define SESAME_CHECK_PROBE_PRIVATE_H

#include <stddef.h>

/* Searches what the plugin says for secrets. [any thread] */
void probe_look(const char *where, const char *data, size_t len);

/* The table of sesame.http/1 that is given instead of the host's. */
const void *probe_http(void);
void probe_http_redirect(const char *url);

#endif
