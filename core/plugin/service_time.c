/* Host services: clock, random. */
#include "plugin/instance.h"

#include "base/clock.h"

#include <sesame/services.h>

static int64_t monotonic_ms(const struct sesame_host *host)
{
    (void)host;
    return clock_monotonic_ms();
}

static int64_t wall_ms(const struct sesame_host *host)
{
    (void)host;
    return clock_wall_ms();
}

const struct sesame_clock_v1 service_clock = {monotonic_ms, wall_ms};

static void bytes(const struct sesame_host *host, void *out, size_t len)
{
    (void)host;
    random_bytes(out, len);
}

const struct sesame_random_v1 service_random = {bytes};
