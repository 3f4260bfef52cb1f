/* Remembers what may be used only once until it would be refused anyway. */
#include "local-cloud/replay_memory.h"

#include "local-cloud/memory.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKET_COUNT = 4096, ENTRY_MAX_COUNT = 100000 };

struct used {
    struct used *next;
    int64_t expires_at_s;
    char id[];
};

struct replay_memory {
    struct used *buckets[BUCKET_COUNT];
    size_t count;
};

struct replay_memory *replay_memory_new(void)
{
    return must_allocate(sizeof(struct replay_memory));
}

void replay_memory_reset(struct replay_memory *memory)
{
    for (size_t i = 0; i < BUCKET_COUNT; i++)
        while (memory->buckets[i] != NULL) {
            struct used *used = memory->buckets[i];

            memory->buckets[i] = used->next;
            free(used);
        }
    memory->count = 0;
}

void replay_memory_free(struct replay_memory *memory)
{
    if (memory == NULL)
        return;
    replay_memory_reset(memory);
    free(memory);
}

/* FNV-1a; ids come from clients of a test, so nobody floods one bucket on purpose. */
static size_t bucket_of(const char *id)
{
    uint32_t hash = 2166136261u;

    for (; *id != '\0'; id++)
        hash = (hash ^ (unsigned char)*id) * 16777619u;
    return hash % BUCKET_COUNT;
}

bool replay_memory_use(struct replay_memory *memory, const char *id, int64_t expires_at_s,
                       int64_t now_s)
{
    struct used **at = &memory->buckets[bucket_of(id)];
    struct used *fresh;

    while (*at != NULL) {
        struct used *used = *at;

        if (used->expires_at_s < now_s) {
            *at = used->next;
            free(used);
            memory->count--;
            continue;
        }
        if (strcmp(used->id, id) == 0)
            return false;
        at = &used->next;
    }
    if (memory->count >= ENTRY_MAX_COUNT)
        return false;
    fresh = must_allocate(sizeof *fresh + strlen(id) + 1);
    memcpy(fresh->id, id, strlen(id) + 1);
    fresh->expires_at_s = expires_at_s;
    fresh->next = *at;
    *at = fresh;
    memory->count++;
    return true;
}

bool replay_memory_knows(const struct replay_memory *memory, const char *id, int64_t now_s)
{
    for (const struct used *used = memory->buckets[bucket_of(id)]; used != NULL; used = used->next)
        if (strcmp(used->id, id) == 0)
            return used->expires_at_s >= now_s;
    return false;
}
