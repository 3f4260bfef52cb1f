/* A shared object's ELF headers, read from its bytes without loading it. */
#include "check/elf_file.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES ((size_t)256 * 1024 * 1024)

#if __ELF_NATIVE_CLASS == 64
#define OWN_CLASS ELFCLASS64
#else
#define OWN_CLASS ELFCLASS32
#endif
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define OWN_ORDER ELFDATA2LSB
#else
#define OWN_ORDER ELFDATA2MSB
#endif
#if defined __x86_64__
#define OWN_MACHINE EM_X86_64
#elif defined __aarch64__
#define OWN_MACHINE EM_AARCH64
#endif

static bool read_file(struct elf_file *elf, const char *path, struct error *err)
{
    CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat found;
    size_t done = 0;

    if (fd < 0 || fstat(fd, &found) != 0)
        return error_set(err, ERROR_NOT_FOUND, "%s cannot be read: %s", path, strerror(errno));
    if (!S_ISREG(found.st_mode) || (size_t)found.st_size > FILE_MAX_BYTES)
        return error_set(err, ERROR_BAD_INPUT, "%s is no regular file of at most 256 MiB", path);
    elf->len = (size_t)found.st_size;
    elf->bytes = malloc(elf->len + 1);
    if (elf->bytes == NULL)
        return error_set(err, ERROR_NO_MEMORY, "no memory for %s", path);
    while (done < elf->len) {
        ssize_t got = read(fd, elf->bytes + done, elf->len - done);

        if (got <= 0)
            return error_set(err, ERROR_INTERNAL, "%s cannot be read", path);
        done += (size_t)got;
    }
    return true;
}

/* The bytes [offset, offset + count * size) of the file, aligned for their type; NULL when they are
 * not all there. */
static const void *part(const struct elf_file *elf, elf_offset offset, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes) || offset > elf->len ||
        bytes > elf->len - offset || offset % _Alignof(elf_offset) != 0)
        return NULL;
    return elf->bytes + offset;
}

static bool read_header(struct elf_file *elf, struct error *err)
{
    const elf_header *header = part(elf, 0, 1, sizeof *header);

    if (header == NULL || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return error_set(err, ERROR_BAD_INPUT, "it does not begin with an ELF header");
    if (header->e_ident[EI_CLASS] != OWN_CLASS || header->e_ident[EI_DATA] != OWN_ORDER)
        return error_set(err, ERROR_BAD_INPUT,
                         "it has class %d and byte order %d, expected %d and %d",
                         header->e_ident[EI_CLASS], header->e_ident[EI_DATA], OWN_CLASS, OWN_ORDER);
#ifdef OWN_MACHINE
    if (header->e_machine != OWN_MACHINE)
        return error_set(err, ERROR_BAD_INPUT, "it is for machine %d, expected %d",
                         header->e_machine, OWN_MACHINE);
#endif
    if (header->e_type != ET_DYN)
        return error_set(err, ERROR_BAD_INPUT, "it has type %d, expected %d, a shared object",
                         header->e_type, ET_DYN);
    elf->header = header;
    elf->segment_count = header->e_phnum;
    elf->segments = part(elf, header->e_phoff, header->e_phnum, sizeof *elf->segments);
    if (elf->segments == NULL || header->e_phentsize != sizeof *elf->segments)
        return error_set(err, ERROR_BAD_INPUT, "its program headers lie outside the file");
    return true;
}

/* The dynamic symbols, by the section headers: the loader's own tables do not say how many. */
static bool read_symbols(struct elf_file *elf, struct error *err)
{
    const elf_header *header = elf->header;
    const elf_section_header *sections =
        part(elf, header->e_shoff, header->e_shnum, sizeof *sections);

    for (size_t i = 0; sections != NULL && i < header->e_shnum; i++) {
        const elf_section_header *found = &sections[i], *names;

        if (found->sh_type != SHT_DYNSYM || found->sh_link >= header->e_shnum)
            continue;
        names = &sections[found->sh_link];
        elf->symbol_count = found->sh_size / sizeof *elf->symbols;
        elf->symbols = part(elf, found->sh_offset, elf->symbol_count, sizeof *elf->symbols);
        if (names->sh_offset <= elf->len && names->sh_size <= elf->len - names->sh_offset &&
            names->sh_size > 0) {
            elf->names = (const char *)elf->bytes + names->sh_offset;
            elf->names_len = names->sh_size;
        }
        if (elf->symbols != NULL && elf->names != NULL && elf->names[elf->names_len - 1] == '\0')
            return true;
    }
    return error_set(err, ERROR_BAD_INPUT,
                     "it has no section with its dynamic symbols (was it stripped of section "
                     "headers?)");
}

bool elf_file_open(struct elf_file *elf, const char *path, struct error *err)
{
    const elf_segment_header *found;

    memset(elf, 0, sizeof *elf);
    if (!read_file(elf, path, err) || !read_header(elf, err) || !read_symbols(elf, err))
        return false;
    found = elf_segment(elf, PT_DYNAMIC);
    if (found != NULL) {
        elf->dynamic_count = found->p_filesz / sizeof *elf->dynamic;
        elf->dynamic = part(elf, found->p_offset, elf->dynamic_count, sizeof *elf->dynamic);
    }
    return elf->dynamic != NULL ||
           error_set(err, ERROR_BAD_INPUT, "it has no dynamic section: it is not linked -shared");
}

void elf_file_close(struct elf_file *elf)
{
    free(elf->bytes);
    memset(elf, 0, sizeof *elf);
}

const elf_segment_header *elf_segment(const struct elf_file *elf, elf_word type)
{
    for (size_t i = 0; i < elf->segment_count; i++)
        if (elf->segments[i].p_type == type)
            return &elf->segments[i];
    return NULL;
}

bool elf_dynamic(const struct elf_file *elf, elf_tag tag, elf_value *out_value)
{
    for (size_t i = 0; i < elf->dynamic_count && elf->dynamic[i].d_tag != DT_NULL; i++)
        if (elf->dynamic[i].d_tag == tag) {
            *out_value = elf->dynamic[i].d_un.d_val;
            return true;
        }
    return false;
}

const char *elf_name(const struct elf_file *elf, size_t offset)
{
    return offset < elf->names_len ? elf->names + offset : "";
}

bool elf_is_rust(const struct elf_file *elf)
{
    static const char mark[] = "rustc version "; /* in the section .comment */

    return memmem(elf->bytes, elf->len, mark, sizeof mark - 1) != NULL;
}

bool elf_is_defined(const elf_symbol *symbol)
{
    unsigned char binding = symbol->st_info >> 4, visibility = symbol->st_other & 3;

    return symbol->st_shndx != SHN_UNDEF && binding != STB_LOCAL &&
           (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}

bool elf_is_undefined(const elf_symbol *symbol)
{
    return symbol->st_shndx == SHN_UNDEF && (symbol->st_info >> 4) == STB_GLOBAL;
}

const char *elf_needed(const struct elf_file *elf, size_t index)
{
    for (size_t i = 0; i < elf->dynamic_count && elf->dynamic[i].d_tag != DT_NULL; i++)
        if (elf->dynamic[i].d_tag == DT_NEEDED && index-- == 0)
            return elf_name(elf, elf->dynamic[i].d_un.d_val);
    return NULL;
}
