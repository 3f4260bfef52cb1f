/* The command line of sesame-local-cloud. */
#ifndef LOCAL_CLOUD_OPTIONS_H
#define LOCAL_CLOUD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "local-cloud/state_dir.h"

struct error;

enum { PAGE_URL_MAX_COUNT = 16 };

struct options {
    const char *state_dir; /* NULL: nothing is written */
    const char *agent_url;
    const char *metrics_listen;
    const char *secret_prefix;
    const char *page_urls[PAGE_URL_MAX_COUNT];
    size_t page_url_count;
    struct cloud_ports ports; /* wanted; 0: the kernel chooses */
    bool exits_with_parent;
    bool wants_help;
    bool wants_version;
};

/* Texts are borrowed from `argv`. */
bool options_read(int argc, char **argv, struct options *out_options, struct error *err);

extern const char options_help[];

#endif
