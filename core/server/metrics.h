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

/* Notes how long something took, in the histogram `name{labels}`; labels as above, "" for none.
 * [any thread] */
void metrics_observe(struct metrics *metrics, const char *name, const char *labels,
                     int64_t duration_ms);

/* Adds what `part` counted to `total`, which nobody else uses. */
void metrics_add(struct metrics *total, struct metrics *part);

/* Appends them with HELP and TYPE lines, and gauges of the whole process. */
void metrics_write(struct metrics *total, int64_t open_turns, struct buffer *out);

#endif
