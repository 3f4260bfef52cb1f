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

/* Names a dependency that is to come: how it stands is set later. [any thread] */
void ready_board_expect(struct ready_board *board, const char *name, bool is_required,
                        const char *detail);

/* Says how a dependency stands. Once an entry was good it counts as ready for good:
 * cached copies serve. `is_required`: the host is not ready before it was good once. Texts are
 * copied and cut. [any thread] */
void ready_board_set(struct ready_board *board, const char *name, bool is_required, bool is_good,
                     const char *detail);

/* As ready_board_set, for a dependency that failed: with `is_good` what is kept serves meanwhile,
 * and the entry says so. [any thread] */
void ready_board_fail(struct ready_board *board, const char *name, bool is_required, bool is_good,
                      const struct ready_cause *cause);

enum ready_state {
    READY_ALL,
    READY_AWAITED, /* something has not been tried yet */
    READY_FAILED
};

/* How the entries stand in which `board` could be worse than `other`: those that fail there too do
 * not count, nor do those that only tell how something is. `out_name` (64 bytes) and `*out_cause`
 * tell the first one. [any thread] */
enum ready_state ready_board_compare(struct ready_board *board, struct ready_board *other,
                                     char *out_name, struct ready_cause *out_cause);

/* The cause of the first entry that failed with these words, so that whoever meets the failure
 * later names the same. Entries are asked in the order in which they were named, which is that of
 * dependency. [any thread] */
bool ready_board_find(struct ready_board *board, const char *what, struct ready_cause *out);

/* The cause of the entry `name`, when that is what fails. [any thread] */
bool ready_board_failure(struct ready_board *board, const char *name, struct ready_cause *out);

/* Appends the report as JSON, with the first entry that fails as "cause"; returns whether the host
 * is ready. [any thread] */
bool ready_board_write(struct ready_board *board, struct buffer *out);

#endif
