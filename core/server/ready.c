/* Whether the host has what it needs: one entry per dependency, read by GET /ready. */
#include "server/ready.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_MAX_COUNT 64

struct entry {
    char name[64];
    char detail[240];
    bool is_required, is_good, was_good;
};

struct ready_board {
    pthread_mutex_t lock;
    struct entry entries[ENTRY_MAX_COUNT];
    size_t count;
};

struct ready_board *ready_board_new(void)
{
    struct ready_board *board = calloc(1, sizeof *board);

    if (board != NULL)
        pthread_mutex_init(&board->lock, NULL);
    return board;
}

void ready_board_free(struct ready_board *board)
{
    if (board == NULL)
        return;
    pthread_mutex_destroy(&board->lock);
    free(board);
}

void ready_board_set(struct ready_board *board, const char *name, bool is_required, bool is_good,
                     const char *detail)
{
    struct entry *entry = NULL;

    pthread_mutex_lock(&board->lock);
    for (size_t i = 0; i < board->count; i++)
        if (strcmp(board->entries[i].name, name) == 0)
            entry = &board->entries[i];
    if (entry == NULL && board->count < ENTRY_MAX_COUNT) {
        entry = &board->entries[board->count++];
        (void)snprintf(entry->name, sizeof entry->name, "%s", name);
    }
    if (entry != NULL) {
        entry->is_required = is_required;
        entry->is_good = is_good;
        entry->was_good = entry->was_good || is_good;
        (void)snprintf(entry->detail, sizeof entry->detail, "%s", detail);
    }
    pthread_mutex_unlock(&board->lock);
}

static bool write_entry(const struct entry *entry, bool is_first, struct buffer *out,
                        struct error *err)
{
    return buffer_add_text(out, is_first ? "" : ",", err) &&
           json_add_string(out, entry->name, strlen(entry->name), err) &&
           buffer_printf(out, err, ":{\"ready\":%s,\"ok\":%s,\"required\":%s,\"detail\":",
                         entry->was_good ? "true" : "false", entry->is_good ? "true" : "false",
                         entry->is_required ? "true" : "false") &&
           json_add_string(out, entry->detail, strlen(entry->detail), err) &&
           buffer_add_char(out, '}', err);
}

bool ready_board_write(struct ready_board *board, struct buffer *out)
{
    struct error ignored = {0};
    bool is_ready = true;

    pthread_mutex_lock(&board->lock);
    for (size_t i = 0; i < board->count; i++)
        is_ready = is_ready && (board->entries[i].was_good || !board->entries[i].is_required);
    (void)buffer_printf(out, &ignored, "{\"ready\":%s,\"dependencies\":{",
                        is_ready ? "true" : "false");
    for (size_t i = 0; i < board->count; i++)
        (void)write_entry(&board->entries[i], i == 0, out, &ignored);
    (void)buffer_add_text(out, "}}", &ignored);
    pthread_mutex_unlock(&board->lock);
    return is_ready;
}
