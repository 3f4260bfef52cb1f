/* Whether the host has what it needs: one entry per dependency, read by GET /ready. */
#ifndef SESAME_SERVER_READY_H
#define SESAME_SERVER_READY_H

#include <stdbool.h>

struct buffer;
struct error;
struct ready_board;
struct ready_cause;

struct ready_board *ready_board_new(void);
void ready_board_free(struct ready_board *board);

/* Names a dependency, or says how it stands. Once an entry was good it counts as ready for good:
 * cached copies serve. `is_required`: the host is not ready before it was good once. Texts are
 * copied and cut. [any thread] */
void ready_board_set(struct ready_board *board, const char *name, bool is_required, bool is_good,
                     const char *detail);

/* As ready_board_set, for a dependency that failed: with `is_good` what is kept serves meanwhile,
 * and the entry says so. [any thread] */
void ready_board_fail(struct ready_board *board, const char *name, bool is_required, bool is_good,
                      const struct ready_cause *cause);

/* The cause of the first entry that failed with these words, so that whoever meets the failure
 * later names the same. Entries are asked in the order in which they were named, which is that of
 * dependency. [any thread] */
bool ready_board_find(struct ready_board *board, const char *what, struct ready_cause *out);

/* Appends the report as JSON, with the first entry that fails as "cause"; returns whether the host
 * is ready. [any thread] */
bool ready_board_write(struct ready_board *board, struct buffer *out);

#endif
