/* The platform's key out of the requests of one worker. */
#ifndef SESAME_SERVER_PLATFORM_H
#define SESAME_SERVER_PLATFORM_H

#include <stdbool.h>
#include <stdint.h>

#include "config/host_config.h"
#include "config/source.h"
#include "credential/platform_credentials.h"

struct error;
struct http_exchange;

/* Whether requests bring a key, by the configuration and the platform's own variables
 * (FC_FUNCTION_NAME or FC_FUNC_CODE_PATH, which a user of Function Compute cannot set). Elsewhere
 * anybody could send such headers, so "function-compute" without those variables is an error. */
bool platform_detect(enum host_platform platform, const struct config_source *source,
                     bool *out_brings_keys, struct error *err);

/* What a worker saw last, so that a request which brings nothing new costs a comparison and no
 * lock. All zero bytes at first. */
struct platform_seen {
    struct platform_key key;
    bool has_warned;
};
void platform_seen_clear(struct platform_seen *seen);

/* Takes the key of a request, if it brings one whole: each of the three headers once, with a value
 * that fits. Anything else changes nothing. `credentials` NULL: no platform, the headers are
 * ignored. */
void platform_take(struct platform_seen *seen, struct platform_credentials *credentials,
                   const struct http_exchange *exchange, int64_t now_ms);

#endif
