/* Gives back the mapped pages of code that only the start of the process needed. */
#include "base/start_pages.h"

#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* /proc/self/status: "TracerPid:\t0" (proc_pid_status(5)). Unknown counts as traced. */
static bool is_traced(void)
{
    FILE *status = fopen("/proc/self/status", "re");
    char line[128];
    bool is_free = false;

    if (status == NULL)
        return true;
    while (fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, "TracerPid:", 10) == 0)
            is_free = strcmp(line + 10, "\t0\n") == 0;
    fclose(status);
    return !is_free;
}

static bool has_relocated_text(const struct dl_phdr_info *object)
{
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Dyn) * entry;

        if (object->dlpi_phdr[i].p_type != PT_DYNAMIC)
            continue;
        entry = (const ElfW(Dyn) *)(object->dlpi_addr + object->dlpi_phdr[i].p_vaddr);
        for (; entry->d_tag != DT_NULL; entry++)
            if (entry->d_tag == DT_TEXTREL ||
                (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL) != 0))
                return true;
    }
    return false;
}

static int release_object(struct dl_phdr_info *object, size_t size, void *arg)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    (void)size;
    (void)arg;
    if (has_relocated_text(object))
        return 0;
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        uintptr_t begin = object->dlpi_addr + part->p_vaddr;
        uintptr_t end = begin + part->p_memsz;

        if (part->p_type != PT_LOAD || (part->p_flags & PF_W) != 0)
            continue;
        begin &= ~(uintptr_t)(page - 1);
        end = (end + page - 1) & ~(uintptr_t)(page - 1);
        (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
    }
    return 0;
}

bool start_pages_release(void)
{
    if (is_traced())
        return false;
    dl_iterate_phdr(release_object, NULL);
    return true;
}
