/* A bounded queue of lines and the thread that writes them out; under log and audit. */
#ifndef SESAME_BASE_LOG_RING_H
#define SESAME_BASE_LOG_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct log_ring;

/* Starts the writer on `fd`, which the caller keeps open. */
struct log_ring *log_ring_new(int fd, size_t capacity, struct error *err);

/* Queues one line (with its newline). False when it does not fit: dropped and counted; and while
 * the last write failed, as on a full disk: the line is tried all the same. */
bool log_ring_put(struct log_ring *ring, const char *line, size_t len);

uint64_t log_ring_dropped(struct log_ring *ring);

/* Writes out what is queued, stops the thread, frees. */
void log_ring_free(struct log_ring *ring);

#endif
