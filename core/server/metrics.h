/* Counters in Prometheus' text form. One object per thread that counts; summed when scraped. */
#ifndef SESAME_SERVER_METRICS_H
#define SESAME_SERVER_METRICS_H

#include <stddef.h>
#include <stdint.h>

struct buffer;
struct metrics;

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);

/* Adds 1 to `name{labels}`; both are copied at the first use. `labels` as
 * `result="granted",reason=""`. No user ever stands in a label. [any thread] */
void metrics_count(struct metrics *metrics, const char *name, const char *labels);

/* Notes how long a turn took. [any thread] */
void metrics_turn(struct metrics *metrics, int64_t duration_ms);

/* Appends the sum over `sets` with HELP and TYPE lines, and gauges of the whole process. */
void metrics_write(struct metrics *const *sets, size_t count, int64_t open_turns,
                   struct buffer *out);

#endif
