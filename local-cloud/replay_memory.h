/* Remembers what may be used only once until it would be refused anyway. */
#ifndef LOCAL_CLOUD_REPLAY_MEMORY_H
#define LOCAL_CLOUD_REPLAY_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

struct replay_memory;

struct replay_memory *replay_memory_new(void);
void replay_memory_free(struct replay_memory *memory);
void replay_memory_reset(struct replay_memory *memory);

/* True when `id` is new; it is remembered until `expires_at_s`. Full (100,000 that still count) is
 * treated as used. */
bool replay_memory_use(struct replay_memory *memory, const char *id, int64_t expires_at_s,
                       int64_t now_s);

/* True when `id` was used and is still remembered at `now_s`. */
bool replay_memory_knows(const struct replay_memory *memory, const char *id, int64_t now_s);

#endif
