/* What is due when: the earliest first, whatever the number. */
#include "credential/due_queue.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static void put(struct due_queue *queue, size_t place, struct due *due)
{
    queue->heap[place] = due;
    due->place = place;
}

static void sift_up(struct due_queue *queue, struct due *due)
{
    size_t place = due->place;

    while (place > 1 && queue->heap[place / 2]->at_ms > due->at_ms) {
        put(queue, place, queue->heap[place / 2]);
        place /= 2;
    }
    put(queue, place, due);
}

static void sift_down(struct due_queue *queue, struct due *due)
{
    size_t place = due->place;

    for (;;) {
        size_t child = place * 2;

        if (child < queue->count && queue->heap[child + 1]->at_ms < queue->heap[child]->at_ms)
            child++;
        if (child > queue->count || queue->heap[child]->at_ms >= due->at_ms)
            break;
        put(queue, place, queue->heap[child]);
        place = child;
    }
    put(queue, place, due);
}

bool due_queue_join(struct due_queue *queue, struct error *err)
{
    if (queue->members + 1 >= queue->capacity) {
        size_t capacity = queue->capacity == 0 ? 16 : queue->capacity * 2;
        struct due **heap = realloc(queue->heap, capacity * sizeof *heap);

        if (heap == NULL)
            return error_set(err, ERROR_NO_MEMORY, "no memory for a credential's times");
        queue->heap = heap;
        queue->capacity = capacity;
    }
    queue->members++;
    return true;
}

void due_queue_leave(struct due_queue *queue, struct due *due)
{
    due_queue_set(queue, due, INT64_MAX);
    queue->members--;
}

void due_queue_clear(struct due_queue *queue)
{
    free(queue->heap);
    memset(queue, 0, sizeof *queue);
}

static void take_out(struct due_queue *queue, struct due *due)
{
    struct due *last = queue->heap[queue->count--];
    size_t place = due->place;

    due->place = 0;
    if (last == due)
        return;
    put(queue, place, last);
    sift_up(queue, last);
    sift_down(queue, last);
}

void due_queue_set(struct due_queue *queue, struct due *due, int64_t at_ms)
{
    due->at_ms = at_ms;
    if (at_ms == INT64_MAX) {
        if (due->place != 0)
            take_out(queue, due);
        return;
    }
    if (due->place == 0)
        put(queue, ++queue->count, due);
    sift_up(queue, due);
    sift_down(queue, due);
}

struct due *due_queue_first(const struct due_queue *queue)
{
    return queue->count == 0 ? NULL : queue->heap[1];
}
