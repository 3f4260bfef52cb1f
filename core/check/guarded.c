/* Memory for what a plugin is lent. */
#include "check/guarded.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct guarded_block {
    struct guarded_block *next;
    void *pages;
    size_t len; /* with the page at the end */
};

const void *guarded_bytes(struct guarded *memory, const void *bytes, size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t whole = (len + page - 1) / page * page + page;
    struct guarded_block *block = malloc(sizeof *block);
    char *pages = mmap(NULL, whole, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (block == NULL || pages == MAP_FAILED)
        abort();
    *block = (struct guarded_block){memory->blocks, pages, whole};
    memory->blocks = block;
    if (len > 0)
        memcpy(pages + whole - page - len, bytes, len);
    if (mprotect(pages, whole - page, PROT_READ) != 0 && whole > page)
        abort();
    if (mprotect(pages + whole - page, page, PROT_NONE) != 0)
        abort();
    return pages + whole - page - len;
}

struct sesame_text guarded_text(struct guarded *memory, struct sesame_text text)
{
    if (text.data == NULL)
        return text;
    return (struct sesame_text){guarded_bytes(memory, text.data, text.len), text.len};
}

void guarded_release(struct guarded *memory)
{
    struct guarded_block *block = memory->blocks;

    while (block != NULL) {
        struct guarded_block *next = block->next;

        /* Unmapped addresses would be given out again; these stay taken, without memory. */
        (void)madvise(block->pages, block->len, MADV_DONTNEED);
        (void)mprotect(block->pages, block->len, PROT_NONE);
        free(block);
        block = next;
    }
    memory->blocks = NULL;
}
