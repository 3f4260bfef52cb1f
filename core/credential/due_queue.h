/* What is due when: the earliest first, whatever the number; private to core/credential. */
#ifndef SESAME_CREDENTIAL_DUE_QUEUE_H
#define SESAME_CREDENTIAL_DUE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

/* Embedded in what is due; all zero bytes is in no queue. */
struct due {
    int64_t at_ms;
    size_t place; /* in the heap, from 1 on; 0: not due */
    void (*run)(struct due *due);
};

/* All zero bytes is an empty queue. */
struct due_queue {
    struct due **heap; /* a binary heap; its root is heap[1] */
    size_t count;      /* that are due some time */
    size_t members, capacity;
};

/* Makes room for one more, so that due_queue_set cannot fail for it. */
bool due_queue_join(struct due_queue *queue, struct error *err);
/* The place is free again; `due` is not due any more. */
void due_queue_leave(struct due_queue *queue, struct due *due);
void due_queue_clear(struct due_queue *queue);

/* INT64_MAX: never. */
void due_queue_set(struct due_queue *queue, struct due *due, int64_t at_ms);

/* The one that is due first, or NULL. */
struct due *due_queue_first(const struct due_queue *queue);

#endif
