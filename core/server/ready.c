/* Whether the host has what it needs: one entry per dependency, read by GET /ready. */
#include "server/ready.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "server/ready_cause.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_MAX_COUNT 64

struct entry {
    char name[64];
    struct ready_cause cause; /* or, in `what` alone, how it stands */
    bool is_required, is_good, was_good, has_failed, is_awaited;
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

/* The entry of this name, made when there is room. The lock is held. */
static struct entry *find_entry(struct ready_board *board, const char *name)
{
    struct entry *fresh;

    for (size_t i = 0; i < board->count; i++)
        if (strcmp(board->entries[i].name, name) == 0)
            return &board->entries[i];
    if (board->count == ENTRY_MAX_COUNT)
        return NULL;
    fresh = &board->entries[board->count++];
    (void)snprintf(fresh->name, sizeof fresh->name, "%s", name);
    return fresh;
}

static void set_entry(struct ready_board *board, const char *name, bool is_required, bool is_good,
                      bool has_failed, const struct ready_cause *cause)
{
    struct entry *entry;

    pthread_mutex_lock(&board->lock);
    entry = find_entry(board, name);
    if (entry != NULL) {
        entry->is_required = is_required;
        entry->is_good = is_good;
        entry->was_good = entry->was_good || is_good;
        entry->has_failed = has_failed;
        entry->is_awaited = false;
        entry->cause = *cause;
    }
    pthread_mutex_unlock(&board->lock);
}

void ready_board_expect(struct ready_board *board, const char *name, bool is_required,
                        const char *detail)
{
    struct entry *entry;

    pthread_mutex_lock(&board->lock);
    entry = find_entry(board, name);
    if (entry != NULL) {
        entry->is_required = is_required;
        entry->is_awaited = true;
        (void)snprintf(entry->cause.what, sizeof entry->cause.what, "%s", detail);
    }
    pthread_mutex_unlock(&board->lock);
}

void ready_board_set(struct ready_board *board, const char *name, bool is_required, bool is_good,
                     const char *detail)
{
    struct ready_cause cause = {.name = ""};

    /* Cutting it off is fine. */
    (void)snprintf(cause.what, sizeof cause.what, "%s", detail);
    set_entry(board, name, is_required, is_good, false, &cause);
}

void ready_board_fail(struct ready_board *board, const char *name, bool is_required, bool is_good,
                      const struct ready_cause *cause)
{
    set_entry(board, name, is_required, is_good, true, cause);
}

static bool fails_at(struct ready_board *board, const char *name)
{
    bool fails = false;

    pthread_mutex_lock(&board->lock);
    for (size_t i = 0; i < board->count; i++)
        if (strcmp(board->entries[i].name, name) == 0)
            fails = !board->entries[i].is_good;
    pthread_mutex_unlock(&board->lock);
    return fails;
}

enum ready_state ready_board_compare(struct ready_board *board, struct ready_board *other,
                                     char *out_name, struct ready_cause *out_cause)
{
    enum ready_state state = READY_ALL;

    pthread_mutex_lock(&board->lock);
    for (size_t i = 0; i < board->count && state != READY_FAILED; i++) {
        const struct entry *entry = &board->entries[i];

        if (entry->is_good || (!entry->has_failed && !entry->is_awaited) ||
            (state != READY_ALL && entry->is_awaited) || fails_at(other, entry->name))
            continue;
        state = entry->is_awaited ? READY_AWAITED : READY_FAILED;
        (void)snprintf(out_name, sizeof entry->name, "%s", entry->name);
        *out_cause = entry->cause;
    }
    pthread_mutex_unlock(&board->lock);
    return state;
}

bool ready_board_find(struct ready_board *board, const char *what, struct ready_cause *out)
{
    bool is_found = false;

    pthread_mutex_lock(&board->lock);
    for (size_t i = 0; i < board->count && !is_found; i++) {
        is_found = board->entries[i].has_failed && strcmp(board->entries[i].cause.what, what) == 0;
        if (is_found)
            *out = board->entries[i].cause;
    }
    pthread_mutex_unlock(&board->lock);
    return is_found;
}

bool ready_board_failure(struct ready_board *board, const char *name, struct ready_cause *out)
{
    bool is_found = false;

    pthread_mutex_lock(&board->lock);
    for (size_t i = 0; i < board->count && !is_found; i++) {
        const struct entry *entry = &board->entries[i];

        is_found = entry->has_failed && !entry->is_good && strcmp(entry->name, name) == 0;
        if (is_found)
            *out = entry->cause;
    }
    pthread_mutex_unlock(&board->lock);
    return is_found;
}

static bool add_member(struct buffer *out, const char *name, const char *text, struct error *err)
{
    return text[0] == '\0' || (buffer_printf(out, err, ",\"%s\":", name) &&
                               json_add_string(out, text, strlen(text), err));
}

static bool write_entry(const struct entry *entry, bool is_first, struct buffer *out,
                        struct error *err)
{
    return buffer_add_text(out, is_first ? "" : ",", err) &&
           json_add_string(out, entry->name, strlen(entry->name), err) &&
           buffer_printf(out, err, ":{\"ready\":%s,\"ok\":%s,\"required\":%s,\"detail\":",
                         entry->was_good ? "true" : "false", entry->is_good ? "true" : "false",
                         entry->is_required ? "true" : "false") &&
           json_add_string(out, entry->cause.what, strlen(entry->cause.what), err) &&
           add_member(out, "setting", entry->cause.setting, err) &&
           add_member(out, "fix", entry->cause.fix, err) && buffer_add_char(out, '}', err);
}

/* What follows from it fails too and is only its consequence. */
static bool write_cause(const struct ready_board *board, struct buffer *out, struct error *err)
{
    for (size_t i = 0; i < board->count; i++) {
        const struct entry *entry = &board->entries[i];

        if (entry->has_failed)
            return buffer_add_text(out, ",\"cause\":{\"dependency\":", err) &&
                   json_add_string(out, entry->name, strlen(entry->name), err) &&
                   add_member(out, "detail", entry->cause.what, err) &&
                   add_member(out, "setting", entry->cause.setting, err) &&
                   add_member(out, "fix", entry->cause.fix, err) && buffer_add_char(out, '}', err);
    }
    return true;
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
    (void)(buffer_add_char(out, '}', &ignored) && write_cause(board, out, &ignored) &&
           buffer_add_char(out, '}', &ignored));
    pthread_mutex_unlock(&board->lock);
    return is_ready;
}
