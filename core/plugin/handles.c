/* The handles one plugin instance holds: numbers that are never used again. */
#include "plugin/handles.h"

#include <stdlib.h>
#include <string.h>

/* A handle is the slot's generation above its number plus one. */
#define SLOT_BITS 16

uint64_t handle_add(struct handle_table *table, enum handle_kind kind, void *object)
{
    size_t index = 0;

    while (index < table->capacity && table->slots[index].kind != HANDLE_FREE)
        index++;
    if (index == table->capacity) {
        size_t capacity = table->capacity == 0 ? 16 : table->capacity * 2;
        struct handle_slot *slots;

        if (capacity > HANDLE_MAX_COUNT)
            return 0;
        slots = realloc(table->slots, capacity * sizeof *slots);
        if (slots == NULL)
            return 0;
        memset(slots + table->capacity, 0, (capacity - table->capacity) * sizeof *slots);
        table->slots = slots;
        table->capacity = capacity;
    }
    table->slots[index].kind = kind;
    table->slots[index].object = object;
    table->slots[index].generation++;
    table->used++;
    return (table->slots[index].generation << SLOT_BITS) | (index + 1);
}

static struct handle_slot *find(const struct handle_table *table, enum handle_kind kind,
                                uint64_t handle)
{
    size_t index = (size_t)(handle & ((1u << SLOT_BITS) - 1));
    struct handle_slot *slot;

    if (index == 0 || index > table->capacity)
        return NULL;
    slot = &table->slots[index - 1];
    return slot->kind == kind && slot->generation == handle >> SLOT_BITS ? slot : NULL;
}

void *handle_get(const struct handle_table *table, enum handle_kind kind, uint64_t handle)
{
    struct handle_slot *slot = find(table, kind, handle);

    return slot == NULL ? NULL : slot->object;
}

void *handle_take(struct handle_table *table, enum handle_kind kind, uint64_t handle)
{
    struct handle_slot *slot = find(table, kind, handle);

    if (slot == NULL)
        return NULL;
    slot->kind = HANDLE_FREE;
    table->used--;
    return slot->object;
}

void handle_take_all(struct handle_table *table, enum handle_kind kind, void (*fn)(void *object))
{
    for (size_t i = 0; i < table->capacity; i++)
        if (table->slots[i].kind == kind) {
            table->slots[i].kind = HANDLE_FREE;
            table->used--;
            fn(table->slots[i].object);
        }
}

void handle_table_clear(struct handle_table *table)
{
    free(table->slots);
    memset(table, 0, sizeof *table);
}
