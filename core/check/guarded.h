/* Memory for what a plugin is lent: it ends at a page that nobody can touch, cannot be written, and
 * is gone when the loan is over. */
#ifndef SESAME_CHECK_GUARDED_H
#define SESAME_CHECK_GUARDED_H

#include <sesame/plugin.h>

struct guarded_block;

/* All zero bytes holds nothing. */
struct guarded {
    struct guarded_block *blocks;
};

/* A copy, aligned for any struct when `len` is that of one. Aborts without memory. */
const void *guarded_bytes(struct guarded *memory, const void *bytes, size_t len);
struct sesame_text guarded_text(struct guarded *memory, struct sesame_text text);

/* Whoever reads a copy from here on crashes: its addresses stay taken as long as the process. */
void guarded_release(struct guarded *memory);

#endif
