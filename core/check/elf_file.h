/* A shared object's ELF headers, read from its bytes without loading it.
 *
 * Only objects of this machine's class and byte order are read: others could not be loaded. */
#ifndef SESAME_CHECK_ELF_FILE_H
#define SESAME_CHECK_ELF_FILE_H

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>

struct error;

/* Of this machine's class. */
typedef ElfW(Sym) elf_symbol;
typedef ElfW(Ehdr) elf_header;
typedef ElfW(Phdr) elf_segment_header;
typedef ElfW(Shdr) elf_section_header;
typedef ElfW(Dyn) elf_dynamic_entry;
typedef ElfW(Word) elf_word;
typedef ElfW(Sxword) elf_tag;
typedef ElfW(Xword) elf_value;
typedef ElfW(Off) elf_offset;

/* Everything points into `bytes`; offsets and sizes are checked against the file's end. */
struct elf_file {
    unsigned char *bytes;
    size_t len;
    const elf_header *header;
    const elf_segment_header *segments;
    size_t segment_count;
    const elf_dynamic_entry *dynamic; /* ends at the entry DT_NULL or with dynamic_count */
    size_t dynamic_count;
    const elf_symbol *symbols; /* dynamic ones */
    size_t symbol_count;
    const char *names; /* of dynamic symbols and libraries; the last byte is NUL */
    size_t names_len;
};

/* False: `err` says what about the file is no ELF object for this machine. */
bool elf_file_open(struct elf_file *elf, const char *path, struct error *err);
void elf_file_close(struct elf_file *elf);

/* The first segment of a type, or NULL. */
const elf_segment_header *elf_segment(const struct elf_file *elf, elf_word type);
/* The value of the first dynamic entry with `tag`. */
bool elf_dynamic(const struct elf_file *elf, elf_tag tag, elf_value *out_value);
/* A name by its offset; "" when the offset is outside. */
const char *elf_name(const struct elf_file *elf, size_t offset);

/* Whether some of it was compiled by rustc. */
bool elf_is_rust(const struct elf_file *elf);

bool elf_is_defined(const elf_symbol *symbol);   /* others can bind to it */
bool elf_is_undefined(const elf_symbol *symbol); /* it must come from elsewhere */

/* The name of the needed library number `index`, NULL behind the last. */
const char *elf_needed(const struct elf_file *elf, size_t index);

#endif
